"""The alliance's CA is replaced while members work: announced, switched to, and the old one dropped."""

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from grpc import aio
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, Tamper, contribute, lender, row, screen
from support.softhsm import SoftHsm
from support.wire import certificate_request, new_tls_key

from alliance.certificates import is_issued_by
from alliance.crypto.signing import SigningKey
from alliance.errors import KeyFileInvalid
from alliance.statements import TRUST_ROOTS
from alliance.taxonomy import DAY_MS
from alliance.testing import FakeClock
from alliance.v1 import epoch_pb2, epoch_pb2_grpc
from alliance.v1.enrolment_pb2 import TrustRoots
from alliance_server import authority
from alliance_server.authority import CertificateAuthority, server_name
from alliance_server.ca_rotation import (
    RotationRefused,
    add_ca,
    drop_ca,
    not_seen_since,
    still_on_the_old_one,
    switch_ca,
)
from alliance_server.certificates import read_certificate
from alliance_server.cli.app import main
from alliance_server.config import load_config
from alliance_server.domain.errors import Refused
from alliance_server.hub_keys import HubKeys, create_keys, open_keys
from member_client import AllianceClient, State, StatementInvalid, _roots, _transport

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]


@pytest.fixture(autouse=True)
def looks_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "RENEWAL_SECONDS", 0.0)


async def change(hub: RunningHub, step: Callable[[HubKeys], object]) -> HubKeys:
    """Do a step as the command does, beside the hub, and wait until the hub works with it."""
    before = hub.hub.tls.keys
    await asyncio.to_thread(lambda: step(open_keys(hub.folder / "keys", "test")))
    async with asyncio.timeout(30):
        # The certificate is written last; the hub tells nobody.
        while hub.hub.tls.keys is before or hub.hub.tls.keys.stamps != hub.hub.tls.keys.look():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return hub.hub.tls.keys


def believed(client: AllianceClient) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(client.profile.ca_pem())


async def holds_a_certificate_of(client: AllianceClient, authority: x509.Certificate) -> None:
    """Work until the client renewed its certificate under a CA."""
    async with asyncio.timeout(60):
        while True:
            await client.sync()
            session: Any = await client._session()
            if is_issued_by(x509.load_pem_x509_certificate(session.keys.certificate_pem), authority):
                return


async def ask(hub: RunningHub, identity: tuple[bytes, bytes]) -> Any:
    credentials = grpc.ssl_channel_credentials(hub.hub.tls.keys.roots.pem, *identity)
    name = [("grpc.ssl_target_name_override", server_name("test"))]
    async with aio.secure_channel(hub.address, credentials, name) as channel:
        return await epoch_pb2_grpc.EpochServiceStub(channel).ListEpochs(epoch_pb2.ListEpochsRequest())


async def test_members_move_to_a_new_ca_and_notice_nothing(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        read, now = hub.hub.store.read_now, hub.clock.now_ms
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        assert [it.state for it in await screen(b, PHONES[:2])] == [State.MATCH, State.CLEAR]
        (old,) = believed(a)
        session: Any = await a._session()
        first = session.keys.credentials.identity

        keys = await change(hub, lambda it: add_ca(it, now()))
        _, new = keys.roots.certificates
        announced = now()
        assert read(lambda it: not_seen_since(it, announced, now())) == ["a", "b"]
        await a.sync()
        assert believed(a) == [old, new]
        assert read(lambda it: not_seen_since(it, announced, now())) == ["b"]
        await b.sync()
        assert read(lambda it: not_seen_since(it, announced, now())) == []

        keys = await change(hub, lambda it: switch_ca(it, now()))
        assert keys.roots.certificates == (new, old)
        assert is_issued_by(read_certificate(keys.tls_certificate), new)
        assert read(lambda it: still_on_the_old_one(it, keys, now())) == ["a", "b"]
        await holds_a_certificate_of(a, new)
        assert read(lambda it: still_on_the_old_one(it, keys, now())) == ["b"]
        await holds_a_certificate_of(b, new)
        assert read(lambda it: still_on_the_old_one(it, keys, now())) == []

        await ask(hub, (first.key_pem.reveal(), first.certificate_pem))
        keys = await change(hub, drop_ca)
        assert keys.roots.certificates == (new,)
        with pytest.raises(aio.AioRpcError) as caught:
            await ask(hub, (first.key_pem.reveal(), first.certificate_pem))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        for client in (a, b):
            await client.sync()
            assert believed(client) == [new]
        assert [it.state for it in await screen(b, PHONES[1:2])] == [State.CLEAR]
    async with running_hub(hub.folder) as again, lender(again, "c") as c:  # who enrols later is none the wiser
        assert [it.state for it in await screen(c, PHONES[:2])] == [State.MATCH, State.CLEAR]
        assert believed(c) == [new]


async def test_steps_come_in_their_order(new_hub_folder: NewFolder) -> None:
    folder, now = new_hub_folder() / "keys", FakeClock().now_ms()
    first = open_keys(folder, "test")
    for early in (lambda it: switch_ca(it, now), drop_ca):
        with pytest.raises(RotationRefused, match="rotate-ca"):
            early(first)
    add_ca(first, now + 60_000)
    second = open_keys(folder, "test")
    with pytest.raises(RotationRefused, match="under way"):
        add_ca(second, now)
    with pytest.raises(RotationRefused, match="switch-ca"):
        drop_ca(second)
    switch_ca(second, now + 120_000)
    third = open_keys(folder, "test")
    with pytest.raises(RotationRefused, match="drop-ca"):
        switch_ca(third, now)
    drop_ca(third)
    fourth = open_keys(folder, "test")
    assert fourth.roots.certificates == second.roots.certificates[1:]
    assert fourth.signing.certifier("ca") is None
    assert fourth.identity.public_key == first.identity.public_key
    add_ca(fourth, now + 180_000)  # and once more


async def test_an_expired_ca_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = FakeClock().now_ms()
    with monkeypatch.context() as patch:
        patch.setattr(authority, "_CA_LIFE", timedelta(days=1))
        expired = create_keys(tmp_path / "keys", "test", ["127.0.0.1"], now - 3 * DAY_MS)
    with pytest.raises(KeyFileInvalid, match="expired"):
        expired.check_dates(now)
    with pytest.raises(Refused, match="expired"):
        expired.renew_certificate(["127.0.0.1"], now)
    add_ca(open_keys(tmp_path / "keys", "test"), now)
    switch_ca(open_keys(tmp_path / "keys", "test"), now)
    drop_ca(open_keys(tmp_path / "keys", "test"))
    replaced = open_keys(tmp_path / "keys", "test")
    replaced.check_dates(now)
    assert replaced.identity.public_key == expired.identity.public_key


async def test_a_switch_that_broke_off_is_finished_by_a_renewal(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(Exception):
        pass

    def cut(_keys: HubKeys, _hosts: object, _now: int) -> None:
        raise PowerCut

    folder, now = new_hub_folder() / "keys", FakeClock().now_ms()
    add_ca(open_keys(folder, "test"), now)
    with monkeypatch.context() as patch:
        patch.setattr(HubKeys, "renew_certificate", cut)
        with pytest.raises(PowerCut):
            switch_ca(open_keys(folder, "test"), now)
    half = open_keys(folder, "test")  # a hub starts on it
    with pytest.raises(RotationRefused, match="tls renew"):
        drop_ca(half)
    half.renew_certificate(["127.0.0.1"], now)
    drop_ca(open_keys(folder, "test"))
    open_keys(folder, "test")


async def test_a_ca_in_a_token_is_rotated_in_the_token(softhsm: SoftHsm, tmp_path: Path) -> None:
    settings, now = softhsm.new_token(), FakeClock().now_ms()
    create_keys(tmp_path / "keys", "test", ["127.0.0.1"], now, settings)

    def opened() -> HubKeys:
        return open_keys(tmp_path / "keys", "test", settings)

    add_ca(opened(), now)
    switch_ca(opened(), now)
    drop_ca(opened())
    keys = opened()
    assert keys.signing.certifier("ca") is None
    issued = keys.authority.issue("a", certificate_request(new_tls_key()), now)
    assert is_issued_by(x509.load_der_x509_certificate(issued.der), keys.roots.issuing)
    assert not list((tmp_path / "keys").glob("ca*.sealed"))


# -- the commands --------------------------------------------------------------------------------------------------


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["alliance-server", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


async def test_the_commands_name_who_would_be_shut_out(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tls(*words: str) -> tuple[int, str]:
        return run(monkeypatch, capsys, "tls", *words, "--dir", str(folder))

    folder = new_hub_folder()
    async with running_hub(folder) as hub, lender(hub, "a") as a:
        await a.sync()
    assert tls("rotate-ca")[0] == 0
    code, printed = tls("switch-ca")
    assert (code, "a did not call since" in printed) == (3, True)
    assert tls("switch-ca", "--anyway")[0] == 0
    code, printed = tls("drop-ca")
    assert (code, "a hold certificates of the old CA alone" in printed) == (3, True)
    assert tls("show")[1].count("CA") >= 2
    revoked = await asyncio.to_thread(run, monkeypatch, capsys, "member", "revoke", "a", "--dir", str(folder))
    assert revoked[0] == 0
    assert tls("drop-ca")[0] == 0
    config = load_config(folder)
    assert len(open_keys(config.keys_folder, "test").roots.certificates) == 1


# -- what a member does not believe --------------------------------------------------------------------------------


def _stated(key: Any, certificates: list[bytes], now: int = 2**50) -> Any:
    return key.statement(TRUST_ROOTS, TrustRoots(certificates=certificates, stated_at=now).SerializeToString())


async def test_a_member_believes_no_other_ca(new_hub_folder: NewFolder) -> None:
    forged: list[Any] = []
    tamper = Tamper("ListEpochs", lambda reply: reply.trust_roots.CopyFrom(forged[-1]))
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "a") as a:
        await a.sync()
        before = a.profile.ca_pem()
        own = hub.hub.keys.identity
        other = CertificateAuthority.create(new_tls_key(), "test", hub.clock.now_ms())
        der = x509.load_pem_x509_certificate(other.certificate_pem).public_bytes(serialization.Encoding.DER)
        leaf = other.issue("a", certificate_request(new_tls_key()), hub.clock.now_ms()).der
        forgeries = {
            "another key's": _stated(SigningKey.generate()[0], [der]),
            "of no CA": _stated(own, []),
            "a leaf's": _stated(own, [der, leaf]),
            "garbage": _stated(own, [b"\x30\x03\x02\x01"]),
            "too many": _stated(own, [der] * (_roots.MOST + 1)),
            "another type's": own.statement("epoch", TrustRoots(certificates=[der]).SerializeToString()),
        }
        tamper.active = True
        for which, statement in forgeries.items():
            forged.append(statement)
            with pytest.raises(StatementInvalid):
                await a.sync()
            assert a.profile.ca_pem() == before, which
        tamper.active = False
        await a.sync()


async def test_an_older_statement_brings_no_ca_back(new_hub_folder: NewFolder) -> None:
    seen: list[Any] = []
    tamper = Tamper("ListEpochs", lambda reply: reply.trust_roots.CopyFrom(seen[0]))
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "a") as a:
        keys = await change(hub, lambda it: add_ca(it, hub.clock.now_ms()))
        seen.append(_stated(keys.identity, keys.roots.der, hub.clock.now_ms()))
        await a.sync()
        await change(hub, lambda it: switch_ca(it, hub.clock.now_ms()))
        await holds_a_certificate_of(a, keys.roots.certificates[1])
        now = believed(a)
        assert now != list(keys.roots.certificates)
        tamper.active = True
        await a.sync()
        assert believed(a) == now


async def test_a_profile_that_cannot_be_written_goes_on(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(_roots, "write_atomically", refuse)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await change(hub, lambda it: add_ca(it, hub.clock.now_ms()))
        await a.sync()
        assert "cannot be kept" in caplog.text
        assert len(believed(a)) == 1
        assert (await screen(a, PHONES[:1]))[0].state is State.CLEAR
