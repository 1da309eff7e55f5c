"""Which events a member takes as proven: over months and restores, and where a hub left one out or put it elsewhere."""

import os
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from client_fixtures import new_signing_key, new_store
from fake_log import ALLIANCE, FakeLogs

from alliance.crypto import merkle
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.testing import FakeClock
from alliance.v1 import audit_pb2
from alliance.v1.directory_pb2 import MEMBER_ROLE_ADMIN
from member_client import (
    AuditProgress,
    EventState,
    HubError,
    InvalidUse,
    LogForked,
    ReceiptBroken,
    SuccessionRejected,
)
from member_client._directory import Directory, pin
from member_client._hub import PinnedHub
from member_client._log import Auditor, Due, EventProver, KeptReceipt, LogKeeper, ReceiptShelf
from member_client._workers import Workers

ADMINS = {"ann": new_signing_key(1), "bob": new_signing_key(2)}
DELAY_MS = 60_000


class Rig:
    """A hub with a log, and what a member proves with."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.logs = FakeLogs()
        self.logs.begin()
        self.clock = FakeClock()
        self.folder, self.workers = folder, workers
        self.enrols_now()

    def enrols_now(self) -> None:
        """Be a machine that knows the hub as it is now, and two admins."""
        folder, workers = self.folder / os.urandom(4).hex(), self.workers
        store = new_store(folder)
        keys = {name: VerifyingKey(key.public_key) for name, key in ADMINS.items()}
        pin(Directory(keys, dict.fromkeys(ADMINS, MEMBER_ROLE_ADMIN)), store)
        profile: Any = SimpleNamespace(alliance=ALLIANCE, hub_key=self.logs.key.public_key, state_folder=folder)
        state: Any = SimpleNamespace(pins=store, store=store)
        transport: Any = self.logs
        self.hub = PinnedHub(profile, transport, state, workers)
        self.keeper = LogKeeper(profile, transport, self.hub, pins=store, workers=workers, clock=self.clock)
        self.prover = EventProver(profile, transport, self.hub, self.keeper, workers=workers, clock=self.clock)
        shelf = ReceiptShelf(folder, store.derived_key(b"receipts"), workers)
        self.auditor = Auditor(folder, self.prover, shelf, store=store, workers=workers, clock=self.clock)

    def receipt(self, event: int, key: SigningKey | None = None, row: int = 0) -> bytes:
        """Give the receipt of an event, whether it is in the log or not; `row` is another number than its own."""
        data = self.data(event)
        payload = audit_pb2.Receipt(
            salt=data[:32],
            event=data[32:],
            request_sha256=sha256(b"asked").digest(),
            time=self.clock.now_ms(),
            merge_delay_seconds=60,
            row=row or event,
        )
        return (key or self.logs.key).statement("receipt", payload.SerializeToString()).SerializeToString()

    @staticmethod
    def data(row: int) -> bytes:
        event = audit_pb2.AuditEvent(actor="lender", action="epoch:list", outcome="ok", items=row)
        return sha256(b"salt %d" % row).digest() + event.SerializeToString()

    def record(self, *rows: int) -> None:
        for row in rows:
            self.logs.record(row, self.data(row))

    def due(self, row: int) -> Due:
        return Due(row, merkle.leaf_hash(self.data(row)), self.clock.now_ms() + DELAY_MS)

    async def states(self, *rows: int) -> list[EventState]:
        return [it.state for it in await self.prover.prove([self.due(row) for row in rows])]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    workers = Workers(1)
    yield Rig(tmp_path, workers)
    await workers.close()


async def test_events_are_proven_over_months(rig: Rig) -> None:
    rig.record(1, 2, 3)
    rig.logs.next_month("2026-12")
    rig.record(4, 5)
    rig.logs.next_month("2027-01")
    rig.record(7)
    assert await rig.states(1, 3, 4, 5, 7) == [EventState.PROVEN] * 5
    assert await rig.states(6) == [EventState.PENDING]


async def test_a_month_that_does_not_lead_to_the_newest_proves_nothing(rig: Rig) -> None:
    rig.record(1, 2, 3)
    rig.logs.next_month("2026-12")
    rig.record(4)
    rig.logs.logs[0].leaves[2] = b"another event"
    with pytest.raises(LogForked):
        await rig.states(1)


async def test_an_event_elsewhere_than_the_hub_says_is_broken(rig: Rig) -> None:
    rig.record(1, 2, 3)
    rig.logs.rows[2] = rig.logs.rows[3]
    assert await rig.states(1, 2, 3) == [EventState.PROVEN, EventState.BROKEN, EventState.PROVEN]


async def test_who_enrolled_after_a_restore_proves_what_was_before(rig: Rig) -> None:
    rig.record(1, 2)
    rig.logs.next_month("2026-12")
    rig.record(3)
    rig.logs.restore(2, ADMINS, month="2026-12", rows=3)
    rig.record(4)
    rig.enrols_now()
    assert await rig.states(1, 2, 3, 4) == [EventState.PROVEN] * 4
    rig.logs.successions.clear()
    rig.enrols_now()
    with pytest.raises(SuccessionRejected):
        await rig.states(1)


async def test_an_event_waits_for_its_witnesses_and_not_for_good(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.record(1)
    rig.keeper.cosignatures = 2
    asked = rig.logs.GetCheckpoint
    cosigned = asked(audit_pb2.GetCheckpointRequest())
    monkeypatch.setattr(rig.logs, "GetCheckpoint", lambda it: cosigned if it.cosignatures else asked(it))
    rig.record(2)
    late = rig.due(2)
    rig.clock.advance(seconds=3600)
    assert [it.state for it in await rig.prover.prove([late])] == [EventState.PENDING]
    rig.clock.advance(seconds=24 * 3600)
    assert [it.state for it in await rig.prover.prove([late])] == [EventState.BROKEN]
    cosigned = asked(audit_pb2.GetCheckpointRequest())
    assert [it.state for it in await rig.prover.prove([late])] == [EventState.PROVEN]


async def test_a_hub_buys_no_day_by_naming_a_leaf_that_is_not_there_yet(rig: Rig) -> None:
    rig.record(1)
    rig.logs.next_month("2026-12")
    rig.record(2)
    rig.logs.rows |= {3: (str(rig.logs.newest.name), 1_000), 4: (str(rig.logs.logs[0].name), 1_000)}
    late = [rig.due(3), rig.due(4)]
    assert [it.state for it in await rig.prover.prove(late)] == [EventState.PENDING] * 2
    rig.clock.advance(seconds=60 + 121)
    assert [it.state for it in await rig.prover.prove(late)] == [EventState.BROKEN] * 2
    rig.keeper.cosignatures = 1
    assert [it.state for it in await rig.prover.prove(late)] == [EventState.PENDING, EventState.BROKEN]


async def test_what_is_late_is_broken_and_kept_once(rig: Rig) -> None:
    rig.record(1)
    late = rig.receipt(2)
    assert (await rig.auditor.verify(late)).state is EventState.PENDING
    rig.clock.advance(seconds=60 + 121)
    for _ in range(2):
        with pytest.raises(ReceiptBroken):
            await rig.auditor.verify(late)
    assert len(list(rig.folder.rglob("receipt-broken-*.json"))) == 1


async def test_what_a_restore_lost_is_lost_and_what_it_kept_is_proven(rig: Rig) -> None:
    rig.record(1, 2, 3)
    early, kept, lost = (rig.receipt(row) for row in (1, 2, 3))
    await rig.prover.prove([rig.due(1)])
    rig.logs.restore(3, ADMINS, rows=2)  # the first leaf, and events 1 and 2
    rig.record(3)  # the new origin counts on from its backup
    assert await rig.hub.succeeded()
    rig.clock.advance(seconds=3600)
    assert (await rig.auditor.verify(kept)).state is EventState.PROVEN
    assert (await rig.auditor.verify(lost)).state is EventState.LOST
    assert (await rig.auditor.verify(rig.receipt(3))).state is EventState.PROVEN
    del rig.logs.rows[1]
    with pytest.raises(ReceiptBroken):  # the backup had it
        await rig.auditor.verify(early)
    for stranger in (rig.receipt(1, new_signing_key(99)), b"kind,identifier"):
        with pytest.raises(InvalidUse):
            await rig.auditor.verify(stranger)


async def test_all_that_is_kept_is_looked_at_once_and_what_waits_again(rig: Rig) -> None:
    for row in (1, 2, 3):
        rig.auditor.shelf.add(KeptReceipt(rig.receipt(row), rig.clock.now_ms()))
        rig.clock.advance(seconds=1)
    rig.record(1, 2)
    assert await looked(rig) == AuditProgress(2, 1, 0)
    rig.record(3)
    assert await looked(rig) == AuditProgress(3, 0, 0)
    assert await looked(rig) == AuditProgress(1, 0, 0)
    assert await looked(rig, from_start=True) == AuditProgress(3, 0, 0)


async def test_one_event_does_not_stand_for_two_answers(rig: Rig) -> None:
    rig.record(1)
    rig.logs.rows[2] = rig.logs.rows[1]
    once, again = rig.receipt(1), rig.receipt(1, row=2)
    for statement in (once, once):
        rig.auditor.shelf.add(KeptReceipt(statement, rig.clock.now_ms()))
    assert await looked(rig) == AuditProgress(2, 0, 0)
    rig.auditor.shelf.add(KeptReceipt(again, rig.clock.now_ms()))
    with pytest.raises(ReceiptBroken):
        await looked(rig)


async def test_an_event_that_was_listed_is_not_counted_again_by_its_receipt(rig: Rig) -> None:
    for row in (1, 2, 3):
        rig.auditor.shelf.add(KeptReceipt(rig.receipt(row), rig.clock.now_ms()))
    rig.record(1, 2)
    assert await looked(rig, listed={2, 3}) == AuditProgress(1, 0, 0)
    rig.record(3)
    assert await looked(rig, listed={2}) == AuditProgress(2, 0, 0)  # what waits is looked at again, counted or not


async def looked(rig: Rig, **how: Any) -> AuditProgress:
    total = AuditProgress()
    async for found in rig.auditor.kept_batches(**how):
        total += found
    return total


async def test_answers_about_other_events_are_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.record(1, 2)
    swapped = audit_pb2.LocateEventsResponse(positions=[audit_pb2.EventPosition(row=2), audit_pb2.EventPosition(row=1)])
    monkeypatch.setattr(rig.logs, "LocateEvents", lambda _request: swapped)
    with pytest.raises(HubError):
        await rig.states(1, 2)
