"""Certificates that change under a hub that serves: what it shows and whom it lets in, over real TLS."""

import asyncio
import shutil
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc import aio
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, contribute, lender, row, screen
from support.wire import Pem, certificate_request, members_channel, new_tls_key, pem_of, refuses

from alliance.certificates import generate_key
from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid, Reason
from alliance.v1 import epoch_pb2, epoch_pb2_grpc, registry_pb2
from alliance_server import authority
from alliance_server.authority import CertificateAuthority, server_name
from alliance_server.certificates import CA_FILE, HUB_FILE
from alliance_server.domain.errors import Refused
from alliance_server.hub_keys import HubKeys, open_keys
from member_client import State

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
HOSTS = ["127.0.0.1"]


def on_disk(hub: RunningHub) -> HubKeys:
    """The hub's keys as another program opens them."""
    return open_keys(hub.folder / "keys", "test")


async def taken_up(hub: RunningHub, before: HubKeys) -> None:
    """Wait until the hub works with other files than before; it looks at every turn."""
    async with asyncio.timeout(30):
        while hub.hub.tls.keys is before:  # noqa: ASYNC110 - the hub tells nobody
            await asyncio.sleep(0.01)


async def shown(hub: RunningHub, port: int) -> x509.Certificate:
    """The certificate that a new connection sees."""
    context = ssl.create_default_context(cadata=hub.hub.tls.keys.roots.pem.decode())
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=server_name("test"))
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return x509.load_der_x509_certificate(der)


async def ask(channel: Any) -> Any:
    return await epoch_pb2_grpc.EpochServiceStub(channel).ListEpochs(epoch_pb2.ListEpochsRequest())


async def ask_anew(hub: RunningHub, identity: Pem) -> Any:
    async with members_channel(hub, identity) as channel:
        return await ask(channel)


async def test_streams_live_on_and_new_connections_see_the_new_certificate(
    own_hub: RunningHub, own_members: Any
) -> None:
    hub = own_hub
    member = await own_members(hub)
    await member.credit(2)
    stream = member.registry.Contribute()
    await stream.write(registry_pb2.ContributeRequest(request_id=b"1" * 16, rows=[member.row()]))
    assert len((await stream.read()).results) == 1
    before = hub.hub.tls.keys
    old = await shown(hub, hub.hub.port)
    on_disk(hub).renew_certificate([*HOSTS, "hub.example.org"], hub.clock.now_ms())
    await taken_up(hub, before)
    for port in (hub.hub.port, hub.hub.enrolment_port):
        new = await shown(hub, port)
        assert new.serial_number != old.serial_number
        assert new.public_key() != old.public_key()
        names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert "hub.example.org" in names.get_values_for_type(x509.DNSName)
    await stream.write(registry_pb2.ContributeRequest(request_id=b"2" * 16, rows=[member.row()]))
    assert len((await stream.read()).results) == 1
    await stream.done_writing()
    await ask(member.channel)
    await ask_anew(hub, member.identity)


async def test_lenders_notice_nothing(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await contribute(a, [row(PHONES[0])])
        before = hub.hub.tls.keys
        on_disk(hub).renew_certificate(HOSTS, hub.clock.now_ms())
        await taken_up(hub, before)
        async with lender(hub, "b") as b:  # who enrols now sees the new certificate
            await hub.settle()
            await b.sync()
            assert [verdict.state for verdict in await screen(b, PHONES[:2])] == [State.MATCH, State.CLEAR]
        assert (await screen(a, PHONES[1:2]))[0].state is State.CLEAR


@dataclass
class Other:
    """A member's certificate of another CA, known to the registry."""

    authority: CertificateAuthority
    identity: Pem


async def of_another(hub: RunningHub, member_id: str) -> Other:
    """Issue a member's certificate under a new CA, and enter it."""
    other = CertificateAuthority.create(new_tls_key(), "test", hub.clock.now_ms())
    key = new_tls_key()
    issued = other.issue(member_id, certificate_request(key), hub.clock.now_ms())
    await hub.hub.store.write(lambda transaction: transaction.members.add_certificate(issued))
    pem = x509.load_der_x509_certificate(issued.der).public_bytes(serialization.Encoding.PEM)
    return Other(other, (pem_of(key), pem))


async def test_a_ca_is_let_in_once_the_bundle_has_it_and_shut_out_once_it_has_not(
    own_hub: RunningHub, own_members: Any
) -> None:
    hub, bundle = own_hub, own_hub.folder / "keys" / CA_FILE
    member = await own_members(hub)
    other = await of_another(hub, member.id)
    with pytest.raises(aio.AioRpcError) as caught:
        await ask_anew(hub, other.identity)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE

    before, alone = hub.hub.tls.keys, bundle.read_bytes()
    bundle.write_bytes(alone + other.authority.certificate_pem)
    await taken_up(hub, before)
    await ask(member.channel)
    await ask_anew(hub, member.identity)
    async with members_channel(hub, other.identity) as channel:
        await ask(channel)
        before = hub.hub.tls.keys
        bundle.write_bytes(alone)
        await taken_up(hub, before)
        # The connection is open still, and the registry knows the certificate.
        with refuses(Reason.NOT_AUTHENTICATED):
            await ask(channel)
    with pytest.raises(aio.AioRpcError) as caught:
        await ask_anew(hub, other.identity)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await ask(member.channel)


async def test_a_ca_cannot_lend_a_registered_serial_to_another_key(own_hub: RunningHub, own_members: Any) -> None:
    """Whoever stole a CA's key knows serials; the registry knows certificates."""
    hub = own_hub
    member = await own_members(hub)
    serial = x509.load_pem_x509_certificate(member.identity[1]).serial_number
    key, stolen = new_tls_key(), on_disk(hub).authority
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(x509, "random_serial_number", lambda: serial)
        issued = stolen.issue(member.id, certificate_request(key), hub.clock.now_ms())
    pem = x509.load_der_x509_certificate(issued.der).public_bytes(serialization.Encoding.PEM)
    with refuses(Reason.NOT_AUTHENTICATED):
        await ask_anew(hub, (pem_of(key), pem))
    await ask(member.channel)


Spoil = Callable[[Path, HubKeys, int], None]


def _issued(keys: HubKeys, key: Secret, now: int, alliance: str = "test") -> bytes:
    issuer: Any = keys.authority
    return CertificateAuthority(issuer._key, keys.authority.certificate_pem, alliance).issue_hub(key, HOSTS, now)


def _for_another_key(folder: Path, keys: HubKeys, now: int) -> None:
    (folder / HUB_FILE).write_bytes(_issued(keys, generate_key(), now))


def _of_another_authority(folder: Path, keys: HubKeys, now: int) -> None:
    other = CertificateAuthority.create(ec.generate_private_key(ec.SECP256R1()), "test", now)
    (folder / HUB_FILE).write_bytes(other.issue_hub(keys.tls_key, HOSTS, now))


def _of_another_alliance(folder: Path, keys: HubKeys, now: int) -> None:
    (folder / HUB_FILE).write_bytes(_issued(keys, keys.tls_key, now, "another"))


def _expired(folder: Path, keys: HubKeys, now: int) -> None:
    (folder / HUB_FILE).write_bytes(_issued(keys, keys.tls_key, now - 366 * 24 * 3600 * 1000))


def _not_valid_yet(folder: Path, keys: HubKeys, now: int) -> None:
    (folder / HUB_FILE).write_bytes(_issued(keys, keys.tls_key, now + 24 * 3600 * 1000))


def _no_certificate(folder: Path, _keys: HubKeys, _now: int) -> None:
    (folder / HUB_FILE).write_bytes(b"nothing")


def _gone(folder: Path, _keys: HubKeys, _now: int) -> None:
    (folder / HUB_FILE).unlink()


def _empty_bundle(folder: Path, _keys: HubKeys, _now: int) -> None:
    (folder / CA_FILE).write_bytes(b"")


def _a_bundle_with_a_leaf(folder: Path, keys: HubKeys, _now: int) -> None:
    (folder / CA_FILE).write_bytes(keys.roots.pem + keys.tls_certificate)


def _a_bundle_without_our_key(folder: Path, _keys: HubKeys, now: int) -> None:
    other = CertificateAuthority.create(ec.generate_private_key(ec.SECP256R1()), "test", now)
    (folder / CA_FILE).write_bytes(other.certificate_pem)


def _a_tls_key_that_is_none(_folder: Path, keys: HubKeys, _now: int) -> None:
    keys.store.put("tls", Secret(b"none"))


def _another_tls_key(_folder: Path, keys: HubKeys, _now: int) -> None:
    keys.store.put("tls", generate_key())


@pytest.mark.parametrize(
    "spoil",
    [
        _for_another_key,
        _of_another_authority,
        _of_another_alliance,
        _expired,
        _not_valid_yet,
        _no_certificate,
        _gone,
        _empty_bundle,
        _a_bundle_with_a_leaf,
        _a_bundle_without_our_key,
        _another_tls_key,
        _a_tls_key_that_is_none,
    ],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
async def test_what_does_not_hold_together_is_not_taken_up(
    hub: RunningHub, members: Any, tmp_path: Path, spoil: Spoil
) -> None:
    folder = hub.folder / "keys"
    member = await members(hub)
    saved = Path(shutil.copytree(folder, tmp_path / "saved"))
    await hub.stop_maintenance()  # so that this test looks, and nobody between its steps
    held = hub.hub.tls.keys
    old = await shown(hub, hub.hub.port)
    spoil(folder, on_disk(hub), hub.clock.now_ms())
    with structlog.testing.capture_logs() as logs:
        assert not any(hub.hub.tls.look() for _ in range(3))
    assert [it["event"] for it in logs] == ["changed certificates are not taken up"]  # said once
    assert hub.hub.tls.keys is held
    assert (await shown(hub, hub.hub.port)) == old
    await ask_anew(hub, member.identity)
    # What is mended is taken up, by whatever stamp.
    shutil.copytree(saved, folder, dirs_exist_ok=True)
    on_disk(hub).renew_certificate(HOSTS, hub.clock.now_ms())
    assert hub.hub.tls.look()
    assert (await shown(hub, hub.hub.port)) != old
    await ask_anew(hub, member.identity)


@pytest.mark.parametrize("spoil", [_for_another_key, _of_another_authority, _empty_bundle, _a_bundle_without_our_key])
async def test_a_hub_does_not_start_on_files_that_do_not_hold_together(new_hub_folder: NewFolder, spoil: Spoil) -> None:
    folder = new_hub_folder()
    keys = open_keys(folder / "keys", "test")
    spoil(folder / "keys", keys, 1_800_000_000_000)
    with pytest.raises(KeyFileInvalid):
        async with running_hub(folder):
            pass


@pytest.mark.parametrize("before_the_certificate", [True, False])
async def test_a_renewal_that_broke_off_leaves_a_hub_that_starts(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch, before_the_certificate: bool
) -> None:
    class PowerCut(Exception):
        pass

    folder = new_hub_folder()
    keys = open_keys(folder / "keys", "test")
    put, sealed = keys.store.put, []

    def cut(name: str, secret: Secret) -> None:
        if name == "tls":
            raise PowerCut
        put(name, secret)
        sealed.append(name)
        if before_the_certificate:
            raise PowerCut

    monkeypatch.setattr(keys.store, "put", cut)
    with pytest.raises(PowerCut):
        keys.renew_certificate(HOSTS, 1_800_000_000_000)
    assert sealed == ["tls-next"]
    again = open_keys(folder / "keys", "test")
    assert (again.tls_certificate == keys.tls_certificate) is before_the_certificate
    async with running_hub(folder):
        pass
    monkeypatch.undo()
    again.renew_certificate(HOSTS, 1_800_000_000_000)
    assert open_keys(folder / "keys", "test").tls_certificate not in (keys.tls_certificate, again.tls_certificate)


async def test_no_certificate_outlives_its_ca(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "_CA_LIFE", timedelta(days=30))
    now, key = 1_800_000_000_000, new_tls_key()
    short = CertificateAuthority.create(key, "test", now)
    issued = short.issue("a", certificate_request(key), now)
    assert issued.not_after == short.ends
    hubs = x509.load_pem_x509_certificate(short.issue_hub(generate_key(), HOSTS, now))
    assert hubs.not_valid_after_utc.timestamp() * 1000 == short.ends
    with pytest.raises(Refused, match="expired"):
        short.issue("a", certificate_request(key), short.ends)
