"""The channel inside: certificates that are renewed on disk, hubs that go and come back, damaged stores."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, HASTY_MS, PHONES, PORTFOLIO, Tamper, contribute, lender, row, screen

from alliance.certificates import generate_key
from alliance.crypto.secret import Secret
from alliance_server import authority
from alliance_server.rpc import server
from alliance_server.testing._isolation import IssuerInMachineTime
from member_client import (
    AllianceClient,
    CertificateEnded,
    CertificateInvalid,
    ConfigurationInvalid,
    NotAuthenticated,
    Profile,
    State,
    StorageFull,
    StoreDamaged,
    Subject,
    _transport,
)
from member_client._certificates import checked_certificate, request_for
from member_client._credentials import TLS_CERTIFICATE, TLS_KEY, ProfileKeys

NewFolder = Callable[[], Path]


async def renewed(hub: RunningHub, client: AllianceClient) -> tuple[Secret, Secret]:
    """Give a new key with its certificate, registered at the hub; the old certificates are revoked there."""
    profile, key, now = client.profile, generate_key(), hub.clock.now_ms()
    certificate = hub.hub.keys.authority.issue(profile.member, request_for(key, profile.member), now)
    await hub.hub.enrolment.revoke(profile.member)
    await hub.hub.store.write(lambda transaction: transaction.members.add_certificate(certificate))
    pem = checked_certificate(
        certificate.der, ca_pem=profile.ca_pem(), key_pem=key, spiffe_id=profile.spiffe_id, now_ms=now
    )
    return key, Secret(pem)


async def test_a_renewed_certificate_is_taken_up_without_a_restart(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        assert (await screen(a, PHONES[:1]))[0].state is State.CLEAR
        key, certificate = await renewed(hub, a)
        keys = a.profile.open_keys()
        keys.put(TLS_KEY, key)  # half way: the certificate in use is revoked, and the new key has none yet
        with pytest.raises(NotAuthenticated):
            await screen(a, PHONES[:1])
        keys.put(TLS_CERTIFICATE, certificate)
        assert (await screen(a, PHONES[:1]))[0].state is State.CLEAR
        await contribute(a, [row(PHONES[0])])


async def test_calls_that_come_together_all_take_the_renewed_certificate(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await a.sync()
        key, certificate = await renewed(hub, a)
        keys = a.profile.open_keys()
        keys.put(TLS_KEY, key)
        keys.put(TLS_CERTIFICATE, certificate)
        verdicts = await screen(a, PHONES[:1000] * 3)
        assert {verdict.state for verdict in verdicts} == {State.CLEAR}


async def test_a_certificate_of_somebody_else_is_not_taken_up(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await a.sync()
        others, own = b.profile.open_keys(), a.profile.open_keys()
        for name in (TLS_KEY, TLS_CERTIFICATE):
            own.put(name, others.get(name))
        a._opening.result().transport._next_look = 0.0  # type: ignore[union-attr]  # look now
        await contribute(a, [row(PHONES[0])])
        assert [claim async for claim in a.claims()]
        assert not [claim async for claim in b.claims()]


async def test_a_hub_that_went_and_came_back_is_found_again(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as hub, lender(hub, "a", deadline_ms=HASTY_MS) as a:
        await a.sync()
        port = hub.hub.port
        subject = Subject("C-1", phone=PHONES[0])
        await hub.hub.stop()
        for _ in range(3):
            verdict = await a.screen(subject, purpose=PORTFOLIO, consent=BASIS)
            assert verdict.state is State.UNKNOWN
        async with running_hub(folder, clock=hub.clock, config={"listen": f"127.0.0.1:{port}"}):
            await a.ready(30)
            assert (await a.screen(subject, purpose=PORTFOLIO, consent=BASIS)).state is State.CLEAR


async def test_a_connection_that_the_hub_closed_as_idle_is_opened_again(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_IDLE_MS", 1_000)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a", on_unavailable="raise") as a:
        subject = Subject("C-1", phone=PHONES[0])
        await a.screen(subject, purpose=PORTFOLIO, consent=BASIS)
        async with asyncio.timeout(20):
            while connections(hub.hub.port):  # noqa: ASYNC110 - gRPC tells nobody
                await asyncio.sleep(0.1)
        assert (await a.screen(subject, purpose=PORTFOLIO, consent=BASIS)).state is State.CLEAR


def connections(port: int) -> list[object]:
    """This process's connections to a port, from its own side."""
    mine = psutil.Process().net_connections("tcp")
    return [it for it in mine if it.raddr[1:] == (port,) and it.status == psutil.CONN_ESTABLISHED]


async def test_an_outage_is_told_as_one_even_to_the_hasty(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as hub, lender(hub, "a", deadline_ms=100) as a:
        await a.ready(30)
        subject = Subject("C-1", phone=PHONES[0])
        await hub.hub.stop()
        for _ in range(40):  # more than six failed calls in a row
            await a.screen(subject, purpose=PORTFOLIO, consent=BASIS)
        for _ in range(3):
            verdict = await a.screen(subject, purpose=PORTFOLIO, consent=BASIS)
            assert (verdict.state, verdict.fields[0].reason) == (State.UNKNOWN, "hub_unavailable")


async def test_a_store_that_is_damaged_at_work_is_rebuilt_at_work(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(b, [row(PHONES[0])])
        await hub.settle()
        subject = Subject("C-1", phone=PHONES[0])
        first = await a.screen(subject, purpose=PORTFOLIO, consent=BASIS, request_id="R-1")
        store = a._opening.result().store  # type: ignore[union-attr]
        store._writer.execute("UPDATE verdicts SET sealed = x'00'")
        second = await a.screen(subject, purpose=PORTFOLIO, consent=BASIS, request_id="R-1")
        assert first.state is second.state is State.MATCH
        assert list(a.profile.folder.glob("store.sqlite3.damaged-*"))
        await contribute(a, [row(PHONES[1])])


async def test_damage_that_stays_is_raised(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:

        def damaged(*_: object) -> None:
            raise StoreDamaged("a store that breaks whenever it is used")

        monkeypatch.setattr("member_client._verdict_cache.VerdictCache.answer", damaged)
        with pytest.raises(StoreDamaged):
            await a.screen(Subject("C-1", phone=PHONES[0]), purpose=PORTFOLIO, consent=BASIS, request_id="R-1")


async def test_a_profile_that_names_another_alliance_than_its_certificate_is_refused(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await a.sync()
        for bent in (replace(a.profile, alliance="dev"), replace(a.profile, member="b")):
            async with AllianceClient(bent, clock=hub.clock) as other:
                with pytest.raises(ConfigurationInvalid):
                    await other.sync()


async def test_a_certificate_is_renewed_in_use_at_two_thirds_of_its_life(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transport, "RENEWAL_SECONDS", 0.0)
    async with running_hub(new_hub_folder()) as hub:
        hub.hub.renewal._issuer = IssuerInMachineTime(hub.hub.keys.authority)  # TLS goes by the machine's clock
        with monkeypatch.context() as patch:
            patch.setattr(authority, "CERTIFICATE_LIFE_MS", 60 * 60 * 1000)
            profile = await hub.enrolled("a", hub.folder.parent / "a")
        async with AllianceClient(profile, clock=hub.clock) as a:
            hub.clock.advance(minutes=30)
            await hub.settle()
            await screen(a, PHONES[:1])
            assert len(certificates(hub)) == 1
            hub.clock.advance(minutes=15)
            await hub.settle()
            async with asyncio.timeout(30):
                while len(certificates(hub)) == 1:
                    assert (await screen(a, PHONES[:1]))[0].state is State.CLEAR
            first, second = certificates(hub)
            revoke(hub, first)
            async with asyncio.timeout(30):
                while not await admitted(a):  # the pair is written a moment after the hub issued it
                    pass
        # A new process takes it up from the disk, which still holds the first pair as well.
        async with AllianceClient(Profile.load(profile.folder), clock=hub.clock) as again:
            await screen(again, PHONES[:1])
        assert certificates(hub) == [first, second]


async def admitted(client: AllianceClient) -> bool:
    try:
        await client.sync()
    except NotAuthenticated:
        return False
    return True


def certificates(hub: RunningHub) -> list[str]:
    with hub.hub.store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT serial FROM certificates ORDER BY not_after, serial")
        return [str(row[0]) for row in rows]


def revoke(hub: RunningHub, serial: str) -> None:
    with hub.hub.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE certificates SET revoked_at = 1 WHERE serial = ?", (serial,))


async def test_a_hub_that_does_not_renew_disturbs_nothing(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_transport, "RENEWAL_SECONDS", 0.0)
    tamper = Tamper("RenewCertificate", lambda reply: setattr(reply, "certificate", b"none"))
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub:
        tamper.active = True
        with monkeypatch.context() as patch:
            patch.setattr(authority, "CERTIFICATE_LIFE_MS", 60 * 60 * 1000)
            profile = await hub.enrolled("a", hub.folder.parent / "a")
        async with AllianceClient(profile, clock=hub.clock) as a:
            hub.clock.advance(minutes=45)
            await hub.settle()
            async with asyncio.timeout(30):
                while "not renewed yet: CertificateInvalid" not in caplog.text:
                    assert (await screen(a, PHONES[:1]))[0].state is State.CLEAR
            with pytest.raises(CertificateInvalid):
                await a.renew()
            assert (await screen(a, PHONES[:1]))[0].state is State.CLEAR


async def test_a_program_that_dies_while_it_renews_leaves_no_certificate_without_its_key(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(new_hub_folder()) as hub:
        profile = await hub.enrolled("a", hub.folder.parent / "a")

        def died(*_: object) -> None:
            raise OSError

        with monkeypatch.context() as patch:
            patch.setattr(ProfileKeys, "keep", died)
            for _ in range(2):
                async with AllianceClient(profile, clock=hub.clock) as a:
                    with pytest.raises(StorageFull):
                        await a.renew()
        asked = certificates(hub)
        assert len(asked) == 2  # the one of enrolment, and one for all that died
        async with AllianceClient(profile, clock=hub.clock) as a:
            await a.renew()
            assert certificates(hub) == asked
            await a.renew()
            assert len(certificates(hub)) == 3  # what is kept is done: the next one has a key of its own


async def test_a_machine_that_was_away_for_too_long_is_told_so(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub:
        profile = await hub.enrolled("a", hub.folder.parent / "a")
    hub.clock.advance(days=366)  # TLS refuses the certificate, or there is no hub: no word of either kind is said
    async with AllianceClient(profile, clock=hub.clock) as a:
        with pytest.raises(CertificateEnded):
            await a.sync()
