"""What a member remembers of the hub's log: over growth, months, restores and other processes; and every lie."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from client_fixtures import new_signing_key, new_store
from fake_log import ALLIANCE, FakeLogs

from alliance.crypto.signing import VerifyingKey
from alliance.testing import FakeClock
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance.v1.audit_pb2 import AuditEvent
from alliance.v1.directory_pb2 import MEMBER_ROLE_ADMIN
from member_client import LogForked, LogShrunken, NotFound, StatementInvalid, SuccessionRejected
from member_client._directory import Directory, pin
from member_client._hub import PinnedHub
from member_client._log import LogKeeper, keeper
from member_client._workers import Workers

ADMINS = {"ann": new_signing_key(1), "bob": new_signing_key(2)}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "PAUSES", (0.0,))


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    pools = Workers(1)
    yield pools
    await pools.close()


@pytest.fixture
def logs() -> FakeLogs:
    served = FakeLogs()
    served.begin()
    served.add(4)
    return served


class Member:
    """A machine of a member; `opened` is one process of it."""

    def __init__(self, folder: Path, logs: FakeLogs, workers: Workers) -> None:
        self.folder = folder
        self.logs = logs
        self.workers = workers
        self.pins = new_store(folder)
        self.profile: Any = SimpleNamespace(alliance=ALLIANCE, hub_key=logs.key.public_key, state_folder=folder)
        keys = {name: VerifyingKey(key.public_key) for name, key in ADMINS.items()}
        pin(Directory(keys, dict.fromkeys(ADMINS, MEMBER_ROLE_ADMIN)), self.pins)

    def opened(self, **options: Any) -> LogKeeper:
        state: Any = SimpleNamespace(pins=self.pins, store=self.pins)
        transport: Any = self.logs
        hub = PinnedHub(self.profile, transport, state, self.workers)
        return LogKeeper(
            self.profile, transport, hub, pins=self.pins, workers=self.workers, clock=FakeClock(), **options
        )

    async def size(self) -> int:
        remembered = await self.opened().remembered()
        return 0 if remembered is None else remembered.checkpoint.size

    def evidence(self) -> list[Any]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("log-fork-*.json"))]


@pytest.fixture
def member(tmp_path: Path, logs: FakeLogs, workers: Workers) -> Member:
    return Member(tmp_path, logs, workers)


async def test_a_log_that_grows_is_followed_and_remembered_across_processes(member: Member, logs: FakeLogs) -> None:
    first = member.opened()
    assert await first.remembered() is None
    assert (await first.advance()).size == 5
    logs.add(20)
    assert (await member.opened().advance()).size == 25
    assert (await first.advance()).size == 25  # what another process remembered counts here too
    assert await member.size() == 25


async def test_nothing_is_asked_for_again_where_nothing_changed(member: Member, logs: FakeLogs) -> None:
    keeper = member.opened()
    await keeper.advance()
    logs.asked.clear()
    await keeper.advance()
    assert logs.asked == ["GetCheckpoint"]


async def test_a_smaller_log_is_shrunken_and_both_notes_are_kept(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.shows = 3
    with pytest.raises(LogShrunken, match=r"log-fork-"):
        await member.opened().advance()
    (kept,) = member.evidence()
    assert [read_checkpoint(kept[it].encode()).size for it in ("known", "shown")] == [5, 3]
    with pytest.raises(LogShrunken):
        await member.opened().advance()
    assert len(member.evidence()) == 1
    assert await member.size() == 5


async def test_a_moments_lag_between_processes_of_the_hub_is_no_crime(
    member: Member, logs: FakeLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await member.opened().advance()
    logs.shows = 3

    async def caught_up(seconds: float) -> None:
        logs.shows = None

    monkeypatch.setattr("asyncio.sleep", caught_up)
    assert (await member.opened().advance()).size == 5


@pytest.mark.parametrize("grown", [0, 1, 30])
async def test_a_changed_leaf_is_a_fork(member: Member, logs: FakeLogs, grown: int) -> None:
    await member.opened().advance()
    logs.newest.leaves[2] = b"another event"
    logs.add(grown)
    with pytest.raises(LogForked):
        await member.opened().advance()
    (kept,) = member.evidence()
    key = logs.newest.name.key(logs.key.public_key)
    for it in ("known", "shown"):
        read_checkpoint(kept[it].encode()).require_signed(key)  # two signatures of the hub are what proves it
    assert await member.size() == 5


async def test_a_hub_that_proves_nothing_is_not_believed(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.add(3)
    logs.GetConsistencyProof = _refuse  # type: ignore[method-assign]
    with pytest.raises(LogForked):
        await member.opened().advance()


async def test_another_key_or_another_alliance_is_not_believed(member: Member, logs: FakeLogs) -> None:
    logs.newest.key = new_signing_key(99)
    with pytest.raises(StatementInvalid):
        await member.opened().advance()
    logs.newest.key = logs.key
    logs.newest.name = type(logs.newest.name)("other", 1, "2026-11")
    with pytest.raises(StatementInvalid):
        await member.opened().advance()
    assert await member.size() == 0


async def test_months_follow_each_other(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.add(2)
    for month in ("2026-12", "2027-01"):
        logs.next_month(month)
        logs.add(6)
    checkpoint = await member.opened().advance()
    assert (checkpoint.origin, checkpoint.size) == (f"{ALLIANCE}/audit/1/2027-01", 7)


async def test_a_month_that_was_changed_after_its_end_is_a_fork(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.next_month("2026-12")
    logs.next_month("2027-01")
    logs.logs[1].leaves.append(b"something that was added later")
    with pytest.raises(LogForked, match="does not follow"):
        await member.opened().advance()
    assert len(member.evidence()) == 1


async def test_a_month_that_begins_after_another_tree_is_a_fork(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.newest.leaves[3] = b"another event"
    logs.next_month("2026-12")  # which follows what the hub shows now, and not what it showed
    with pytest.raises(LogForked):
        await member.opened().advance()


async def test_a_month_may_not_be_left_out(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.next_month("2026-12")
    logs.add(3)
    logs.next_month("2027-01")
    del logs.logs[1]
    with pytest.raises(LogForked):
        await member.opened().advance()


async def test_a_month_ends_where_it_was_seen_at_least(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    del logs.newest.leaves[4:]
    logs.next_month("2026-12")
    with pytest.raises(LogForked):
        await member.opened().advance()


async def test_a_restore_that_lost_nothing_is_followed(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.add(2)
    logs.restore(7, ADMINS)
    logs.add(3)
    checkpoint = await member.opened().advance()
    assert (checkpoint.origin, checkpoint.size) == (f"{ALLIANCE}/audit/2/2026-11", 4)
    assert (await member.opened().advance()).size == 4  # and by who opens it later


async def test_a_gap_that_a_succession_declares_is_told(
    member: Member, logs: FakeLogs, caplog: pytest.LogCaptureFixture
) -> None:
    await member.opened().advance()
    logs.restore(3, ADMINS)
    assert (await member.opened().advance()).size == 1
    assert "5 leaves" in caplog.text
    assert "ends at 3 leaves" in caplog.text


async def test_two_restores_and_months_between_are_followed(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.restore(5, ADMINS)
    logs.next_month("2026-12")
    logs.add(5)
    logs.restore(4, ADMINS, month="2026-12")
    logs.add(1)
    checkpoint = await member.opened().advance()
    assert (checkpoint.origin, checkpoint.size) == (f"{ALLIANCE}/audit/3/2026-12", 2)


async def test_a_restore_that_changed_what_was_seen_is_a_fork(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.newest.leaves[1] = b"another event"
    logs.add(2)
    logs.restore(7, ADMINS)
    with pytest.raises(LogForked):
        await member.opened().advance()


async def test_a_new_origin_without_its_admins_is_not_believed(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    logs.restore(5, {"ann": ADMINS["ann"]})
    with pytest.raises(SuccessionRejected):
        await member.opened().advance()


async def test_a_new_origins_log_names_its_succession(member: Member, logs: FakeLogs) -> None:
    await member.opened().advance()
    log = logs.restore(5, ADMINS)
    event = AuditEvent.FromString(log.first.event)
    del event.commitments[1:]
    log.first.event = event.SerializeToString()
    log.leaves[0] = log.first.salt + log.first.event
    with pytest.raises(LogForked, match="succession"):
        await member.opened().advance()


async def test_what_no_quorum_cosigned_is_not_remembered(member: Member, logs: FakeLogs) -> None:
    def too_few(checkpoint: Checkpoint) -> None:
        raise StatementInvalid("too few witnesses")

    with pytest.raises(StatementInvalid, match="too few"):
        await member.opened(quorum=too_few).advance(2)
    assert await member.size() == 0


async def test_a_note_that_came_with_another_answer_may_be_a_moment_old(member: Member, logs: FakeLogs) -> None:
    keeper = member.opened()
    before = await keeper.remembered()
    note = logs.newest.note()
    logs.add(4)
    known = await keeper.advance()
    assert (await keeper.accept(note, before)).size == 5
    assert await member.size() == known.size == 9
    with pytest.raises(LogShrunken):
        await keeper.accept(note, await keeper.remembered())


async def test_a_note_of_another_tree_is_a_fork(member: Member, logs: FakeLogs) -> None:
    keeper = member.opened()
    await keeper.advance()
    kept = list(logs.newest.leaves)
    logs.newest.leaves[2] = b"another event"
    note = logs.newest.note(4)
    logs.newest.leaves[:] = kept
    with pytest.raises(LogForked):
        await keeper.accept(note)


async def test_a_hub_without_a_log_is_asked_again_later_and_one_that_lost_it_is_not(
    member: Member, logs: FakeLogs
) -> None:
    kept = logs.logs
    logs.logs = []
    with pytest.raises(NotFound):
        await member.opened().advance()
    logs.logs = kept
    await member.opened().advance()
    logs.logs = []
    with pytest.raises(LogShrunken):
        await member.opened().advance()


def _refuse(request: Any) -> Any:
    raise NotFound("There is no such thing.")
