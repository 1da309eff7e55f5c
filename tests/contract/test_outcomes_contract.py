"""Counts of outcomes, on SQLite and on a real PostgreSQL: what waits, what is told, and what is forgotten."""

import os
import threading

from support.stores import NOW, Databases, given

from alliance.outcomes import month_of
from alliance.taxonomy import DAY_MS
from alliance_server.domain.outcomes import Cell, OutcomeBatch, Quality, Told
from alliance_server.domain.ports import Transaction
from alliance_server.storage.unit_of_work import SqlStore

MONTH = month_of(NOW)
FRAUD, WRONG = Cell("acme", 4, 1), Cell("acme", 4, 3)


def report(store: SqlStore, member: str, counts: dict[Cell, int], *, month: int = MONTH, at: int = NOW) -> OutcomeBatch:
    batch = OutcomeBatch(member, int.from_bytes(os.urandom(3)), os.urandom(32), counts)
    store.write_now(lambda it: it.outcomes.add(batch, month, at))
    return batch


def end(store: SqlStore, month: int = MONTH, at: int = NOW) -> list[str]:
    """Deal with a month's end; gives the contributors about whom something waited."""
    found, after = [], ""
    while contributor := store.write_now(given(_next, after, month)):
        store.write_now(given(_tell, contributor, month))
        found.append(contributor)
        after = contributor
    store.write_now(lambda it: it.outcomes.end(month, at))
    return found


def _next(transaction: Transaction, after: str, month: int) -> str | None:
    return transaction.outcomes.next_waiting(after, month)


def _tell(transaction: Transaction, contributor: str, month: int) -> int:
    return transaction.outcomes.tell(contributor, month)


def told(store: SqlStore, contributor: str = "acme") -> list[Told]:
    return store.read_now(lambda it: it.outcomes.told(contributor, (0, 0, 0), 100))


def test_a_batch_is_known_again_by_its_day(store: SqlStore) -> None:
    batch = report(store, "first", {FRAUD: 3, WRONG: 1}, at=NOW - 5)
    report(store, "second", {FRAUD: 7})
    assert store.read_now(lambda it: it.outcomes.digest("first", batch.day)) == batch.digest
    assert store.read_now(lambda it: it.outcomes.digest("second", batch.day)) is None
    assert store.read_now(lambda it: it.outcomes.digest("first", batch.day + 1)) is None
    assert store.read_now(lambda it: it.outcomes.reported("first", NOW - 6)) == 4
    assert store.read_now(lambda it: it.outcomes.reported("first", NOW - 5)) == 0


def test_five_reports_of_two_members_are_told_and_no_fewer(store: SqlStore) -> None:
    report(store, "first", {FRAUD: 2, WRONG: 3})
    report(store, "first", {FRAUD: 2})
    report(store, "second", {FRAUD: 1, WRONG: 1})
    report(store, "third", {Cell("best", 4, 1): 100})
    assert told(store) == []
    assert end(store) == ["acme", "best"]
    assert told(store) == [Told(MONTH, FRAUD, 5)]
    assert told(store, "best") == []  # all of it of one member


def test_what_was_too_little_is_told_later_and_once(store: SqlStore) -> None:
    report(store, "first", {WRONG: 3})
    report(store, "second", {WRONG: 1})
    end(store)
    assert told(store) == []
    report(store, "first", {WRONG: 1}, month=MONTH + 1)
    end(store, MONTH + 1)
    assert told(store) == [Told(MONTH + 1, WRONG, 5)]
    report(store, "second", {WRONG: 1}, month=MONTH + 2)
    end(store, MONTH + 2)
    assert told(store) == [Told(MONTH + 1, WRONG, 5)]


def test_a_month_that_is_not_over_is_not_touched(store: SqlStore) -> None:
    report(store, "first", {FRAUD: 3}, month=MONTH + 1)
    report(store, "second", {FRAUD: 3}, month=MONTH + 1)
    assert end(store) == []
    assert told(store) == []
    end(store, MONTH + 1)
    assert told(store) == [Told(MONTH + 1, FRAUD, 6)]


def test_a_months_end_is_due_once_and_where_there_is_something(store: SqlStore) -> None:
    def due(month: int) -> bool:
        return store.read_now(lambda it: it.outcomes.is_due(month))

    assert not due(MONTH)
    report(store, "first", {FRAUD: 1})
    assert due(MONTH)
    end(store)
    assert not due(MONTH)
    assert not due(MONTH - 1)
    assert due(MONTH + 1)


def test_who_reported_is_forgotten_once_it_is_told(store: SqlStore, databases: Databases) -> None:
    report(store, "first", {FRAUD: 4})
    report(store, "second", {FRAUD: 4, WRONG: 1})
    end(store)
    assert databases.rows("SELECT member_id, outcome, reports FROM waiting_outcomes") == [("second", 3, 1)]
    assert databases.rows("SELECT reports FROM told_outcomes") == [(8,)]


def test_what_is_too_old_is_forgotten(store: SqlStore, databases: Databases) -> None:
    report(store, "first", {FRAUD: 3})
    report(store, "second", {FRAUD: 3, WRONG: 1})
    end(store)
    end(store, MONTH + 11, NOW + 90 * DAY_MS - 1)
    assert [databases.rows(f"SELECT count(*) FROM {it}") for it in ("outcome_batches", "waiting_outcomes")] == [  # noqa: S608
        [(2,)],
        [(1,)],
    ]
    end(store, MONTH + 12, NOW + 90 * DAY_MS)
    assert [databases.rows(f"SELECT count(*) FROM {it}") for it in ("outcome_batches", "waiting_outcomes")] == [  # noqa: S608
        [(0,)],
        [(0,)],
    ]
    assert len(told(store)) == 1
    end(store, MONTH + 36, NOW + 1000 * DAY_MS)
    assert told(store) == []


def test_what_was_told_is_read_by_pages_and_by_its_contributor(store: SqlStore) -> None:
    for month in (MONTH, MONTH + 1):
        for member in ("first", "second"):
            report(store, member, {FRAUD: 3, WRONG: 3, Cell("acme", 5, 1): 3, Cell("best", 4, 1): 3}, month=month)
        end(store, month)
    whole = told(store)
    assert [(it.month, it.cell.category, it.cell.outcome) for it in whole] == [
        (month, *rest) for month in (MONTH, MONTH + 1) for rest in ((4, 1), (4, 3), (5, 1))
    ]
    assert store.read_now(lambda it: it.outcomes.told("acme", (MONTH, 4, 3), 2)) == whole[2:4]
    assert [it.cell.contributor for it in told(store, "best")] == ["best", "best"]


def test_quality_sums_up_what_was_told_from_a_month_on(store: SqlStore) -> None:
    for month in (MONTH, MONTH + 1, MONTH + 2):
        for member in ("first", "second"):
            report(store, member, {FRAUD: 3, Cell("acme", 5, 2): 4, Cell("best", 4, 1): 5, WRONG: 1}, month=month)
        end(store, month)
    acme = [Quality("acme", 4, {1: 12, 3: 6}), Quality("acme", 5, {2: 16})]  # wrong persons became six at the third end
    best = [Quality("best", 4, {1: 20})]
    assert store.read_now(lambda it: it.outcomes.quality("", 10, MONTH + 1)) == acme + best
    assert store.read_now(lambda it: it.outcomes.quality("", 1, MONTH + 1)) == acme
    assert store.read_now(lambda it: it.outcomes.quality("acme", 1, MONTH + 1)) == best
    assert store.read_now(lambda it: it.outcomes.quality("best", 1, MONTH + 1)) == []


def test_nothing_is_lost_where_reports_come_while_a_month_is_told(databases: Databases) -> None:
    first, second = databases.open(), databases.open()
    report(first, "zeta", {FRAUD: 1})

    def reports() -> None:
        for _ in range(30):
            report(first, "first", {FRAUD: 1})

    reporting = threading.Thread(target=reports)
    reporting.start()
    for _ in range(30):
        second.write_now(lambda it: it.outcomes.tell("acme", MONTH))
    reporting.join()
    waiting = sum(count for (count,) in databases.rows("SELECT reports FROM waiting_outcomes"))
    assert waiting + sum(it.reports for it in told(first)) == 31


def test_what_was_told_stays_as_it_is_where_a_months_end_is_gone_on_with(store: SqlStore) -> None:
    for member in ("first", "second"):
        report(store, member, {FRAUD: 3})
    assert store.write_now(given(_tell, "acme", MONTH)) == 1
    for member in ("first", "second"):  # of a process whose clock is behind
        report(store, member, {FRAUD: 4})
    end(store)
    assert told(store) == [Told(MONTH, FRAUD, 6)]
    end(store, MONTH + 1)
    assert told(store) == [Told(MONTH, FRAUD, 6), Told(MONTH + 1, FRAUD, 8)]
