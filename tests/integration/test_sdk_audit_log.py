"""A member that holds a real hub to its log: receipts are proven, and a hub that changes its past is found."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.hub import ALLIANCE, RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, command, contribute, lender, row
from support.sealed import dropped_triggers

from alliance.testing import FakeClock
from member_client import (
    AllianceClient,
    AuditProgress,
    EventState,
    InvalidUse,
    LogForked,
    LogShrunken,
    NotPermitted,
    ReceiptBroken,
    ReceiptInvalid,
    Subject,
)
from member_client._log import keeper

NewFolder = Callable[[], Path]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "PAUSES", (0.0,))


@asynccontextmanager
async def still_hub(folder: Path, port: int = 0, **options: Any) -> AsyncIterator[RunningHub]:
    """A hub whose filters stand still, at a port where it was before; its log goes on until a test stops it."""
    options["config"] = {"listen": f"127.0.0.1:{port}"}
    async with running_hub(folder, **options) as hub:
        await hub.stop_maintenance()
        yield hub


async def worked(client: AllianceClient) -> None:
    """Have a lender do what leaves events of several sorts: calls, acknowledgements, streams, and a refusal."""
    await contribute(client, [row(PHONES[0])])
    await client.screen(Subject("C-1", phone=PHONES[1]), purpose=PORTFOLIO, consent=BASIS)
    with pytest.raises(NotPermitted):
        _ = [it async for it in (await client.administration()).alarms()]


async def looked(client: AllianceClient, **how: Any) -> AuditProgress:
    total = AuditProgress()
    async for found in client.verify_events(**how):
        total += found
    return total


async def test_events_and_receipts_are_proven_also_after_the_hub_began_again(new_hub_folder: NewFolder) -> None:
    folder, clock = new_hub_folder(), FakeClock()
    async with still_hub(folder, clock=clock) as hub, lender(hub, "a") as a:
        port = hub.hub.port
        await worked(a)
        waiting = await looked(a)
        assert waiting.pending
        await hub.hub.sealer.turn()
        proven = await looked(a)
        assert proven.proven > waiting.proven
        kept = [it async for it in a.receipts()]
        assert {"claim:contribute", "evaluation:evaluate", "alarm:list"} <= {it.action for it in kept}
        assert {"ok", "NOT_PERMITTED"} == {it.outcome for it in kept}
    async with still_hub(folder, port, clock=clock) as hub, lender(hub, "a", clock=clock) as a:
        await hub.hub.sealer.turn()
        for receipt in kept:
            place = await a.verify_receipt(receipt.statement)
            assert (place.state, place.row) == (EventState.PROVEN, receipt.row)
        known = await a.log_checkpoint()
        assert known is not None
        assert place.log == known.log
        whole = await looked(a, from_start=True)
        assert whole.proven >= proven.proven
        assert whole.proven + whole.pending <= len([it async for it in a.events()])  # none is counted twice


async def test_a_receipt_is_pending_until_it_is_sealed_and_broken_where_it_never_is(
    new_hub_folder: NewFolder, caplog: pytest.LogCaptureFixture
) -> None:
    async with still_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await a.sync()
        await hub.stop_sealing()
        await hub.hub.sealer.turn()
        await a.quota()
        (receipt,) = [it async for it in a.receipts() if it.action == "standing:get"]
        assert (await a.verify_receipt(receipt.statement)).state is EventState.PENDING
        hub.clock.advance(seconds=60 + 121)
        with pytest.raises(ReceiptBroken) as caught:
            await a.verify_receipt(receipt.statement)
        assert caught.value.exit_code == 7
        with pytest.raises(ReceiptBroken):
            await looked(a)
        assert list(a.profile.state_folder.glob("receipt-broken-*.json"))
        assert "ReceiptBroken" in caplog.text


async def test_an_event_that_was_left_out_is_found_by_its_receipt(new_hub_folder: NewFolder) -> None:
    async with still_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await a.sync()
        await hub.stop_sealing()
        await a.quota()
        await a.quota()
        receipt, _ = [it async for it in a.receipts() if it.action == "standing:get"]
        with hub.hub.store.engine.begin() as connection:
            for statement in dropped_triggers("sqlite"):
                connection.execute(sa.text(statement))
            connection.execute(sa.text("DELETE FROM audit_events WHERE id = :row"), {"row": receipt.row})
        await hub.hub.sealer.turn()
        hub.clock.advance(seconds=60 + 121)
        with pytest.raises(ReceiptBroken):
            await a.verify_receipt(receipt.statement)


async def test_what_is_no_receipt_of_this_hub_is_none(new_hub_folder: NewFolder) -> None:
    async with still_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await a.sync()
        kept = [it async for it in a.receipts()]
        for bent in (b"", b"\xff", kept[0].statement[:-1], kept[0].statement[:-1] + b"\xff"):
            with pytest.raises(InvalidUse):
                await a.verify_receipt(bent)


@pytest.mark.parametrize("sort", ["none", "another request's"])
async def test_an_answer_without_its_receipt_is_not_used(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    async with still_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await a.sync()
        receipts = hub.hub._receipts
        made = receipts.of

        async def bent(call: Any) -> Any:
            if sort == "none":
                return None
            call.request_sha256 = bytes(32)
            return await made(call)

        monkeypatch.setattr(receipts, "of", bent)
        with pytest.raises(ReceiptInvalid):
            await a.quota()
        with pytest.raises(ReceiptInvalid):
            await contribute(a, [row(PHONES[0])])


async def test_a_hub_that_was_put_back_is_found(new_hub_folder: NewFolder) -> None:
    folder, clock = new_hub_folder(), FakeClock()
    async with still_hub(folder, clock=clock) as hub, lender(hub, "a") as a:
        port = hub.hub.port
        await worked(a)
    shutil.copytree(folder, kept := folder.with_name("earlier"))
    async with still_hub(folder, port, clock=clock) as hub, lender(hub, "a", clock=clock) as a:
        await worked(a)
        await hub.hub.sealer.turn()
        await looked(a)
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    async with still_hub(folder, port, clock=clock) as hub, lender(hub, "a", clock=clock) as a:
        with pytest.raises(LogShrunken) as caught:
            await looked(a)
        assert caught.value.exit_code == 7
        assert len(list(a.profile.state_folder.glob("log-fork-*.json"))) == 1


async def test_a_hub_with_two_pasts_is_found(new_hub_folder: NewFolder) -> None:
    folder, clock = new_hub_folder(), FakeClock()
    async with still_hub(folder, clock=clock) as hub, lender(hub, "a") as a:
        port = hub.hub.port
        await worked(a)
    shutil.copytree(folder, kept := folder.with_name("earlier"))
    async with still_hub(folder, port, clock=clock) as hub, lender(hub, "a", clock=clock) as a:
        await worked(a)
        await hub.hub.sealer.turn()
        await looked(a)
        known = await a.log_checkpoint()
        assert known is not None
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    async with still_hub(folder, port, clock=clock) as hub, lender(hub, "b", clock=clock) as b:
        for _ in range(3):
            await worked(b)  # another past takes the other one's place, and is longer
        await hub.hub.sealer.turn()
        async with lender(hub, "a", clock=clock) as a:
            with pytest.raises(LogForked):
                await looked(a)
            assert len(list(a.profile.state_folder.glob("log-fork-*.json"))) == 1
            assert await a.log_checkpoint() == known


async def test_an_open_client_looks_at_some_of_its_receipts(new_hub_folder: NewFolder) -> None:
    async with still_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await worked(a)
        await hub.hub.sealer.turn()
        session = await a._session()
        assert (await session.auditor.look()).proven > 0


async def test_receipts_hold_nothing_that_was_asked_about(new_hub_folder: NewFolder) -> None:
    async with still_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await worked(a)
        kept = b"".join([it.statement async for it in a.receipts()])
        assert not [phone for phone in PHONES[:2] if phone.encode() in kept]


async def test_the_command_line_proves_what_the_hub_recorded(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with still_hub(new_hub_folder()) as hub:
        async with lender(hub, "a") as a:
            await worked(a)
        await hub.hub.sealer.turn()
        assert "claim:contribute" in await command(hub, "a", "audit", "list", "--action", "claim:contribute")
        receipts = json.loads(await command(hub, "a", "--json", "audit", "receipts"))["receipts"]
        event = next(it["row"] for it in receipts if it["action"] == "claim:contribute")
        file = tmp_path / "event.receipt"
        await command(hub, "a", "audit", "receipts", "--event", str(event), "--out", str(file))
        assert f"event {event} is leaf" in await command(hub, "a", "audit", "verify", str(file))
        assert "events are in the log" in await command(hub, "a", "audit", "verify", "--all")
        assert f"{ALLIANCE}/audit/1/" in await command(hub, "a", "audit", "checkpoint")
