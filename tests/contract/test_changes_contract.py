"""The feed of changes of claims' statuses, on SQLite and on a real PostgreSQL."""

import threading

import pytest
from support.stores import NOW, Databases, add, claim, given

from alliance.taxonomy import DAY_MS, ClaimStatus
from alliance_server.domain.claims import NumberedChange
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.storage.unit_of_work import SqlStore


def feed(store: SqlStore, after: int = 0, limit: int = 100) -> list[NumberedChange]:
    return store.read_now(lambda transaction: transaction.changes.after(after, limit))


def change(transaction: Transaction, entry_id: bytes, status: ClaimStatus, version: int, reason: str = "") -> None:
    transaction.claims.change_status(entry_id, status, version, b"statement", now=NOW + version, reason=reason)


def test_every_change_is_told_in_order_with_what_it_says(store: SqlStore) -> None:
    one, two = claim(1), claim(2)
    add(store, one, two)
    assert (feed(store), store.read_now(lambda transaction: transaction.changes.newest())) == ([], 0)
    store.write_now(lambda it: change(it, one.entry_id, ClaimStatus.DISPUTED, 1))
    store.write_now(lambda it: change(it, two.entry_id, ClaimStatus.RECALLED, 1, "filed_in_error"))
    store.write_now(lambda it: change(it, one.entry_id, ClaimStatus.ACTIVE, 2))
    assert feed(store) == [
        NumberedChange(1, one.entry_id, ClaimStatus.DISPUTED, 1, NOW + 1, ""),
        NumberedChange(2, two.entry_id, ClaimStatus.RECALLED, 1, NOW + 1, "filed_in_error"),
        NumberedChange(3, one.entry_id, ClaimStatus.ACTIVE, 2, NOW + 2, ""),
    ]
    assert feed(store, after=1, limit=1) == feed(store)[1:2]
    assert store.read_now(lambda transaction: transaction.changes.newest()) == 3


def test_what_did_not_take_effect_is_not_told(store: SqlStore) -> None:
    one = claim(1)
    add(store, one)
    with pytest.raises(Refused):
        store.write_now(lambda it: change(it, one.entry_id, ClaimStatus.DISPUTED, 2))

    def tried(transaction: Transaction) -> None:
        with transaction.undone():
            change(transaction, one.entry_id, ClaimStatus.DISPUTED, 1)

    store.write_now(tried)
    assert feed(store) == []


def test_numbers_are_unique_where_processes_race(databases: Databases) -> None:
    first, second = databases.open(), databases.open()
    claims = [claim(1 + place) for place in range(40)]
    add(first, *claims)

    def changes(store: SqlStore, mine: list[bytes]) -> None:
        for entry_id in mine:
            store.write_now(given(lambda it, to: change(it, to, ClaimStatus.WITHDRAWN, 1), entry_id))

    halves = (claims[:20], claims[20:])
    threads = [
        threading.Thread(target=changes, args=(store, [it.entry_id for it in half]))
        for store, half in zip((first, second), halves, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [it.number for it in feed(first)] == list(range(1, 41))
    assert {it.entry_id for it in feed(first)} == {it.entry_id for it in claims}


@pytest.mark.parametrize(
    ("status", "lives", "told_for"),
    [
        (ClaimStatus.WITHDRAWN, DAY_MS, 90 * DAY_MS + 1),
        (ClaimStatus.WITHDRAWN, 365 * DAY_MS, 365 * DAY_MS),
        (ClaimStatus.RECALLED, DAY_MS, 3 * 365 * DAY_MS + 1),
    ],
    ids=["of a claim that was nearly over", "of one that had a year left", "a recall"],
)
def test_a_change_outlives_its_claims_row_for_who_was_away(
    store: SqlStore, status: ClaimStatus, lives: int, told_for: int
) -> None:
    one, until = claim(1, expires_at=NOW + lives), NOW + told_for
    add(store, one)
    store.write_now(lambda it: change(it, one.entry_id, status, 1))
    store.write_now(lambda it: it.claims.purge([one.entry_id]))
    assert len(feed(store)) == 1
    assert not store.read_now(lambda it: it.changes.is_due_to_purge(until - 1))
    assert store.read_now(lambda it: it.changes.is_due_to_purge(until))
    assert store.write_now(lambda it: it.changes.purge(until - 1, 10)) == 0
    assert store.write_now(lambda it: it.changes.purge(until, 10)) == 1
    assert feed(store) == []
    assert store.read_now(lambda transaction: transaction.changes.newest()) == 1
