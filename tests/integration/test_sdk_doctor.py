"""What a member's doctor says of whatever ends: certificate, CA, epoch, claims, snapshot."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.hub import running_hub
from support.sdk import PHONES, Tamper, contribute, lender, row

from alliance.taxonomy import DAY_MS
from alliance_server import authority
from member_client import AllianceClient, Level, enrol

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]


async def warned(client: AllianceClient, level: Level = Level.WARNING) -> list[str]:
    findings = [it for it in await client.doctor() if it.level is level and "passphrase" not in it.what]
    assert level is Level.OK or all(it.how_to_fix for it in findings)
    return [it.what for it in findings]


async def test_a_member_that_is_well(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        assert not await warned(a) + await warned(a, Level.ERROR)
        good = [it.rpartition(" for ")[0] for it in await warned(a, Level.OK) if " is good for " in it]
        assert good == ["the certificate is good", "the alliance's CA is good", "epoch 1 is good"]


async def test_the_end_of_an_epoch_is_told(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        hub.clock.advance(days=155)
        await hub.settle()
        assert await warned(a) == ["epoch 1 ends in 24 days"]


async def test_a_certificate_that_should_have_renewed_itself_is_told(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper = Tamper("RenewCertificate", lambda reply: setattr(reply, "certificate", b"none"))
    tamper.active = True
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub:
        with monkeypatch.context() as patch:
            patch.setattr(authority, "CERTIFICATE_LIFE_MS", 60 * DAY_MS)
            profile = await enrol(await hub.invite("a"), hub.folder.parent / "a")
        async with AllianceClient(profile, clock=hub.clock) as a:
            hub.clock.advance(days=39)
            await hub.settle()
            assert await warned(a) == []
            hub.clock.advance(days=2)
            await hub.settle()
            assert await warned(a) == ["the certificate ends in 18 days"]
            hub.clock.advance(days=20)
            assert "the certificate is expired" in await warned(a, Level.ERROR)


async def test_the_end_of_the_ca_is_told(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(authority, "_CA_LIFE", timedelta(days=100))
    async with running_hub(tmp_path / "short") as hub, lender(hub, "a") as a:
        assert [it for it in await warned(a, Level.OK) if "CA" in it] == ["the alliance's CA is good for 99 days"]
        hub.clock.advance(days=20)
        await hub.settle()
        assert "the alliance's CA ends in 79 days" in await warned(a)
        hub.clock.advance(days=80)
        assert "the alliance's CA is expired" in await warned(a, Level.ERROR)


async def test_own_claims_that_end_soon_are_counted(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        soon, late = hub.clock.now_ms() + 20 * DAY_MS, hub.clock.now_ms() + 60 * DAY_MS
        rows = [replace(row(phone), expires_at=soon) for phone in PHONES[:3]]
        results = await contribute(a, [*rows, replace(row(PHONES[3]), expires_at=late)])
        assert await warned(a) == ["3 claims that this machine filed expire within 30 days"]
        entry = results[0].entry_id
        assert entry is not None
        await a.withdraw(entry, reason="filed_in_error")
        assert await warned(a) == ["2 claims that this machine filed expire within 30 days"]


async def test_a_snapshot_that_the_hub_does_not_renew_is_told(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder(), config={"maintenance_seconds": 60}) as hub, lender(hub, "a") as a:
        hub.clock.advance(days=5)
        await hub.hub.maintenance.turn(renew=False)  # it beats, and builds nothing
        assert await warned(a) == ["the filter's snapshot ends in 1 days"]
