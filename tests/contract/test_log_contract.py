"""The sealer and the logs, on SQLite and on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.stores import NOW, Databases, event

from alliance.crypto import merkle
from alliance.crypto.merkle import Frontier
from alliance.crypto.signing import SigningKey
from alliance.tlog.checkpoints import Checkpoint, checkpoint_text, read_checkpoint
from alliance.tlog.logs import LogName, month_ends, month_of
from alliance.tlog.tiles import nodes_of
from alliance.v1.audit_pb2 import AuditEvent
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.errors import Refused
from alliance_server.domain.logs import Log, TreeHead
from alliance_server.domain.ports import Transaction
from alliance_server.services import sealing
from alliance_server.services.sealing import LEASE_MS, Sealer
from alliance_server.storage import database
from alliance_server.storage.audit_log import _APPENDING
from alliance_server.storage.log_files import LogFiles
from alliance_server.storage.tables import AuditTable, table_of
from alliance_server.storage.unit_of_work import SqlStore

DAY_MS = 86_400_000


class SetClock:
    """A clock that stands still."""

    now = NOW

    def now_ms(self) -> int:
        return self.now

    def set(self, now: int) -> None:
        self.now = now

    def advance(self, by: int) -> None:
        self.now += by


class Office:
    """A store with a sealer."""

    def __init__(self, store: SqlStore, folder: Path) -> None:
        self.store, self.clock = store, SetClock()
        self.identity, _ = SigningKey.generate()
        self.files = LogFiles(folder)
        self.folder = folder
        self.sealer = self.another()

    def another(self) -> Sealer:
        return Sealer(self.store, self.files, self.identity, "unit", self.clock)

    async def append(self, count: int, actor: str = "alpha") -> list[int]:
        records = [event(actor, items=number) for number in range(count)]
        for record in records:
            record.time = self.clock.now_ms()

        def work(transaction: Transaction) -> None:
            for record in records:
                transaction.record(record)

        await self.store.write(work)
        return [record.row for record in records]

    def logs(self) -> list[tuple[Log, TreeHead]]:
        def work(transaction: Transaction) -> list[tuple[Log, TreeHead]]:
            both = [(log, transaction.logs.head(log.number)) for log in transaction.logs.all()]
            return [(log, head) for log, head in both if head is not None]

        return self.store.read_now(work)

    def newest(self) -> Log:
        return self.logs()[-1][0]

    def checkpoint(self, log: Log) -> Checkpoint:
        signed = self.store.read_now(lambda transaction: transaction.logs.checkpoint(log.number))
        assert signed is not None
        checkpoint = read_checkpoint(signed[1])
        checkpoint.require_signed(log.name.key(self.identity.public_key))
        shown = read_checkpoint((self.folder / log.origin / "checkpoint").read_bytes())
        assert (shown, signed[0]) == (checkpoint, checkpoint.size)
        return checkpoint

    def row_at(self, log: Log, index: int) -> int | None:
        return self.store.read_now(lambda transaction: transaction.logs.row_at(log, index))

    def leaves(self, log: Log, until: int) -> list[bytes]:
        """All leaves of a log, as the events have them."""
        found = self.store.read_now(lambda transaction: transaction.logs.records(log.after_row, until, 1_000_000))
        return [log.salt + log.event, *(record.salt + record.event for record in found)]

    def check(self) -> None:
        """Hold every log's newest checkpoint, tiles and positions against the events."""
        for log, head in self.logs():
            leaves = self.leaves(log, head.last_row)
            checkpoint = self.checkpoint(log)
            assert (checkpoint.size, checkpoint.root) == (len(leaves), merkle.root(leaves)) == (head.size, head.root)
            nodes = nodes_of(head.size, partial(self.files.read, log.origin))
            for index in {0, head.size // 2, head.size - 1}:
                proof = merkle.inclusion_proof(index, head.size, nodes)
                merkle.verify_inclusion(merkle.leaf_hash(leaves[index]), index, head.size, proof, head.root)


def _records(transaction: Transaction, *, after: int) -> list[AuditRecord]:
    return transaction.logs.records(after, 10**9, 1)


@pytest.fixture
def office(store: SqlStore, tmp_path: Path) -> Office:
    return Office(store, tmp_path / "log")


async def test_what_was_recorded_is_sealed_in_its_order(office: Office) -> None:
    rows = await office.append(700)
    assert await office.sealer.turn() == 701  # the log's first leaf is its own
    more = await office.append(3)
    assert await office.sealer.turn() == 3
    assert await office.sealer.turn() == 0
    office.check()
    log = office.newest()
    assert log.name == LogName("unit", 1, month_of(NOW))
    places = office.store.read_now(lambda transaction: transaction.logs.positions([*rows, *more, 10**9, 0]))
    assert [places[row].leaf_index for row in [*rows, *more]] == list(range(1, 704))
    assert {place.origin for place in places.values()} == {log.origin}
    assert set(places) == {*rows, *more}
    for index in (1, 2, 350, 700, 701, 703):
        before = office.row_at(log, index)
        assert before is not None
        behind = office.store.read_now(partial(_records, after=before))
        assert behind[0].row == [*rows, *more][index - 1]
    assert (office.row_at(log, 0), office.row_at(log, 705)) == (None, None)


async def test_events_that_no_checkpoint_has_are_nowhere_yet(office: Office) -> None:
    (row,) = await office.append(1)
    assert office.store.read_now(lambda transaction: transaction.logs.positions([row])) == {}
    await office.sealer.turn()
    assert set(office.store.read_now(lambda transaction: transaction.logs.positions([row]))) == {row}


async def test_finding_places_reads_no_events_where_no_number_was_left_out(
    office: Office, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.sealer.turn()
    first = await office.append(300)
    await office.sealer.turn()
    left_out = first[-1] + 2
    with databases.open().engine.begin() as connection:
        table = table_of(AuditTable)
        made = event("late")
        fields = {name: getattr(made, name) for name in ("actor", "time", "action", "salt", "event", "leaf_hash")}
        connection.execute(sa.insert(table).values(id=left_out, **fields))
    await office.sealer.turn()

    def places(rows: Sequence[int]) -> list[int]:
        found = office.store.read_now(lambda transaction: transaction.logs.positions(rows))
        return [found[row].leaf_index for row in rows if row in found]

    assert places([left_out - 1, left_out, left_out + 1]) == [301]
    monkeypatch.setattr("alliance_server.storage.logs.bulk.rows", None)
    assert places(first) == list(range(1, 301))


async def test_a_log_is_asked_for_by_whatever_name(office: Office) -> None:
    await office.sealer.turn()
    (log, _), *_ = office.logs()

    def known(name: str) -> Log | None:
        return office.store.read_now(lambda transaction: transaction.logs.get(name))

    assert [known(name) for name in ("", "a\x00b", log.origin + "\x00", "../" + log.origin)] == [None] * 4
    assert known(log.origin) == log


async def test_trees_grow_from_one_another(office: Office) -> None:
    heads = []
    for count in (1, 1, 255, 1, 300, 70):
        await office.append(count)
        await office.sealer.turn()
        heads.append(office.logs()[-1][1])
        office.check()
    newest = heads[-1]
    nodes = nodes_of(newest.size, partial(office.files.read, office.newest().origin))
    for head in heads:
        proof = merkle.consistency_proof(head.size, newest.size, nodes)
        merkle.verify_consistency(head.size, head.root, newest.size, newest.root, proof)


async def test_a_backlog_is_sealed_in_batches(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 100)
    await office.append(950)
    assert await office.sealer.turn() == 951
    office.check()
    sizes = office.store.engine.connect().exec_driver_sql("SELECT size FROM audit_tree_heads ORDER BY size").all()
    assert [size for (size,) in sizes] == [1, *range(101, 902, 100), 951]


async def test_a_month_is_a_log_and_the_next_one_is_bound_to_it(office: Office) -> None:
    first = await office.append(5)
    await office.sealer.turn()
    ends = month_ends(month_of(NOW))
    office.clock.set(ends - 1)
    late = await office.append(2)
    office.clock.set(ends)
    next_month = await office.append(3)
    await office.sealer.turn()
    office.check()
    (old, old_head), (new, new_head) = office.logs()
    assert (old.name.month, new.name.month) == (month_of(ends - 1), month_of(ends))
    assert (old_head.size, new_head.size) == (1 + len(first) + len(late), 1 + len(next_month))
    binding = AuditEvent.FromString(new.event)
    text = office.checkpoint(old).text
    assert (binding.action, binding.actor, binding.items) == ("log:begin", "hub", old_head.size)
    assert list(binding.commitments) == [sha256(text.encode()).digest()]
    assert text == checkpoint_text(old.origin, old_head.size, old_head.root)
    places = office.store.read_now(lambda transaction: transaction.logs.positions([*late, *next_month]))
    assert [(places[row].log, places[row].leaf_index) for row in [late[-1], next_month[0]]] == [(1, 7), (2, 1)]


async def test_a_month_without_a_next_event_is_closed_a_while_after_it(office: Office) -> None:
    await office.append(1)
    await office.sealer.turn()
    ends = month_ends(month_of(NOW))
    office.clock.set(ends + 59_999)
    assert (await office.sealer.turn(), len(office.logs())) == (0, 1)
    office.clock.set(ends + 60_000)
    assert (await office.sealer.turn(), len(office.logs())) == (1, 2)
    office.check()


async def test_clocks_that_went_back_or_ahead_leave_nothing_out(office: Office) -> None:
    await office.append(1)
    await office.sealer.turn()
    office.clock.set(NOW + 40 * DAY_MS)
    await office.append(1)
    office.clock.set(NOW)  # the event is from next month; its log begins once that month is there
    await office.append(1)
    await office.sealer.turn()
    assert len(office.logs()) == 1
    office.clock.set(NOW + 40 * DAY_MS)
    await office.append(1)
    await office.sealer.turn()
    office.clock.set(NOW)
    await office.append(1)
    await office.sealer.turn()
    assert sum(head.size - 1 for _, head in office.logs()) == 5
    office.check()


@pytest.mark.parametrize("step", ["add_head", "extend", "sign", "add_checkpoint", "publish", "begin"])
async def test_whoever_breaks_off_anywhere_leaves_nothing_half_done(
    office: Office, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if step != "begin":
        await office.append(300)
        await office.sealer.turn()
        office.clock.advance(LEASE_MS)
    await office.append(400)
    broken = office.another()

    class Broken(Exception):
        pass

    def breaks(*_arguments: object) -> None:
        raise Broken

    targets = {
        "extend": (LogFiles, "extend"),
        "publish": (LogFiles, "publish"),
        "sign": (sealing, "sign_checkpoint"),
        "add_head": (sealing, "head_of"),
        "add_checkpoint": (broken, "_publish"),
        "begin": (broken, "_publish"),
    }
    with monkeypatch.context() as patched:
        patched.setattr(*targets[step], breaks)
        with pytest.raises(Broken):
            await broken.turn()
    office.clock.advance(LEASE_MS)  # its lease ends
    await office.another().turn()
    office.check()
    assert sum(head.size - 1 for _, head in office.logs()) == (700 if step != "begin" else 400)


@pytest.mark.parametrize("written", [False, True])
async def test_tiles_go_on_where_a_signed_tree_has_them(
    office: Office, monkeypatch: pytest.MonkeyPatch, *, written: bool
) -> None:
    """Who was killed between a tree and its checkpoint leaves no month of tiles to be made anew."""
    await office.append(300)
    await office.sealer.turn()
    await office.append(400)
    broken = office.another()
    extended = LogFiles.extend

    def breaks(files: LogFiles, *arguments: Any) -> None:
        if written:
            extended(files, *arguments)
        raise RuntimeError

    office.clock.advance(LEASE_MS)
    with monkeypatch.context() as patched:
        patched.setattr(LogFiles, "extend", breaks)
        with pytest.raises(RuntimeError):
            await broken.turn()
    office.clock.advance(LEASE_MS)
    forgotten: list[str] = []
    monkeypatch.setattr(LogFiles, "forget", lambda _files, origin: forgotten.append(origin))
    await office.another().turn()
    office.check()
    assert forgotten == []
    assert office.logs()[-1][1].size == 701


async def test_of_two_sealers_one_works(office: Office) -> None:
    sealers = [office.another() for _ in range(2)]
    for _ in range(10):
        await office.append(20)
        await asyncio.gather(*(sealer.turn() for sealer in sealers))
    office.clock.advance(LEASE_MS)
    await sealers[1].turn()
    office.check()
    assert office.logs()[-1][1].size == 201


async def test_a_log_begins_before_what_happened_earlier_is_sealed(office: Office) -> None:
    await office.append(300)
    await office.sealer.begin()
    assert office.checkpoint(office.newest()).size == 1  # a hub that is upgraded serves while it seals its past
    await office.sealer.begin()
    assert office.logs()[-1][1].size == 1
    assert await office.sealer.turn() == 300
    office.check()


async def test_turns_of_one_sealer_follow_each_other(office: Office) -> None:
    for _ in range(10):
        await office.append(300)
        await asyncio.gather(*(office.sealer.turn() for _ in range(3)))
    office.check()
    assert office.logs()[-1][1].size == 3001


async def test_a_sealer_that_was_overtaken_stops(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await office.append(10)
    await office.sealer.turn()
    await office.append(10)
    slow, fast = office.another(), office.another()
    reached, go_on = asyncio.Event(), asyncio.Event()
    extended = Sealer._extend

    async def waits(sealer: Sealer, *arguments: object) -> int:
        if sealer is slow:
            reached.set()
            await go_on.wait()
        return await extended(sealer, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Sealer, "_extend", waits)
    turn = asyncio.create_task(slow.turn())
    await reached.wait()
    office.clock.advance(LEASE_MS)
    await office.append(10)
    await fast.turn()
    go_on.set()
    assert await turn == 0
    office.check()
    assert office.logs()[-1][1].size == 31


async def test_tiles_that_somebody_tidied_up_are_made_anew(office: Office) -> None:
    await office.append(600)
    await office.sealer.turn()
    origin = office.newest().origin
    for damage in ("forget", "cut", "bend"):
        if damage == "forget":
            office.files.forget(origin)
        else:
            for path in (office.folder / origin / "tile" / "0").rglob("*"):
                if path.is_file():
                    content = path.read_bytes()
                    path.write_bytes(content[:-1] if damage == "cut" else bytes([content[0] ^ 1]) + content[1:])
        await office.append(1)
        await office.sealer.turn()
        nodes = nodes_of(office.logs()[-1][1].size, partial(office.files.read, origin))
        assert len(merkle.inclusion_proof(3, office.logs()[-1][1].size, nodes)) >= 9
    office.files.forget(origin)
    office.clock.advance(LEASE_MS)
    await office.another().turn()  # a hub that starts finds them missing
    office.check()


async def test_events_that_were_changed_are_not_made_tiles_of(
    office: Office, databases: Databases, caplog: pytest.LogCaptureFixture
) -> None:
    await office.append(5)
    await office.sealer.turn()
    origin = office.newest().origin
    forged: Sequence[bytes] = [merkle.leaf_hash(b"other")] * 5
    office.files.forget(origin)
    office.files.extend(origin, Frontier(), [office.newest().first_leaf, *forged])
    assert not office.files.has(origin, office.logs()[-1][1].frontier)
    await office.append(1)
    await office.sealer.turn()
    office.check()


async def test_an_event_whose_commit_comes_late_is_not_left_out(office: Office, databases: Databases) -> None:
    """Numbers are taken before commits: the sealer waits until nobody is between the two."""
    if office.store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: nobody is between a number and its commit")
    await office.append(3)
    held = office.store.engine.connect()
    transaction = held.begin()
    held.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_APPENDING})")
    late = {"actor": "late", "time": NOW, "action": "x", "salt": b"", "event": b"", "leaf_hash": merkle.leaf_hash(b"")}
    held.execute(sa.insert(table_of(AuditTable)).values(late))
    await office.append(3)
    with pytest.raises(Exception, match="not available"):
        await office.sealer.turn()
    transaction.commit()
    held.close()
    assert await office.sealer.turn() == 7
    office.check()


async def test_whoever_stands_still_inside_a_commit_is_put_out(
    office: Office, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    if office.store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite's lock goes with its process")
    monkeypatch.setattr(database, "IDLE_MS", 200)
    await office.append(3)
    frozen = database.connect(databases.url).connect()
    frozen.begin()
    frozen.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_APPENDING})")

    async def sealed() -> int:
        while True:
            with suppress(Refused):
                return await office.sealer.turn()

    assert await asyncio.wait_for(sealed(), 60) == 4
    with pytest.raises(sa.exc.DBAPIError, match="idle-in-transaction"):
        frozen.exec_driver_sql("SELECT 1")
    frozen.invalidate()
    frozen.close()
    office.check()
