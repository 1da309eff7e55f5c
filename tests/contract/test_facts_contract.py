"""Publications of facts, on SQLite and on a real PostgreSQL: rows of events, and what the newest log has."""

import asyncio

import pytest
import sqlalchemy as sa
from support.stores import NOW, Databases, event, given, member

from alliance import facts
from alliance.testing import FakeClock
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.members import HUB_ACTOR, MemberState
from alliance_server.domain.ports import Transaction
from alliance_server.services.publication import Publication, facts_in_force
from alliance_server.storage.tables import LogTable, table_of
from alliance_server.storage.unit_of_work import SqlStore

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))


def begin_log(store: SqlStore, number: int = 1, after_row: int = 0) -> None:
    values = {"number": number, "origin": f"test/audit/1/{number}", "after_row": after_row, "began_at": NOW}
    with store.engine.begin() as connection:
        connection.execute(sa.insert(table_of(LogTable)).values(**values, salt=b"salt", event=b"event"))


def publish(store: SqlStore, *digests: bytes) -> list[AuditRecord]:
    made = [event(HUB_ACTOR, commitments=(digest,)) for digest in digests]

    def work(transaction: Transaction) -> None:
        for digest, record in zip(digests, made, strict=True):
            transaction.publish(digest, record)

    store.write_now(work)
    return made


def published(store: SqlStore, *digests: bytes, after: int = 0) -> dict[bytes, int]:
    return store.read_now(given(lambda transaction: transaction.facts.published(digests, after)))


def test_a_publication_has_the_row_of_its_event(store: SqlStore) -> None:
    store.write_now(lambda transaction: transaction.record(event()))
    first, second = publish(store, A, B)
    assert published(store, A, B, C) == {A: first.row, B: second.row}
    assert first.row > 1
    assert published(store) == {}


def test_the_newest_publication_counts_and_only_those_after_a_row(store: SqlStore) -> None:
    (first,), (again,) = publish(store, A), publish(store, A)
    assert published(store, A) == published(store, A, after=first.row) == {A: again.row}
    assert published(store, A, after=again.row) == {}


def test_what_is_taken_back_is_not_published(store: SqlStore) -> None:
    def work(transaction: Transaction) -> None:
        with transaction.undone():
            transaction.publish(A, event(HUB_ACTOR))
        transaction.publish(B, event(HUB_ACTOR))

    store.write_now(work)
    assert list(published(store, A, B)) == [B]


def test_the_newest_log_says_where_it_begins(store: SqlStore) -> None:
    assert store.read_now(lambda transaction: transaction.logs.newest()) is None
    begin_log(store, 1)
    begin_log(store, 2, after_row=7)
    newest = store.read_now(lambda transaction: transaction.logs.newest())
    assert newest is not None
    assert newest.after_row == 7


@pytest.fixture
def populated(with_epoch: SqlStore) -> SqlStore:
    """A store with an epoch and members of whom one is not confirmed and one only invited."""

    def work(transaction: Transaction) -> None:
        for name, state in (("a", MemberState.ACTIVE), ("b", MemberState.UNCONFIRMED), ("c", MemberState.INVITED)):
            transaction.members.save(member(name, state))

    with_epoch.write_now(work)
    return with_epoch


def in_force(store: SqlStore) -> int:
    return len(set(store.read_now(lambda transaction: list(facts_in_force(transaction)))))


def fact_of(name: str, state: MemberState) -> bytes:
    return facts.member(name, bytes(32), member().role, state)


async def test_what_is_in_force_is_published_once_in_each_log(populated: SqlStore) -> None:
    publication = Publication(populated, FakeClock())
    assert await publication.turn() == 0  # there is no log yet
    begin_log(populated)
    count = in_force(populated)
    assert count >= 3  # a member, an epoch, the release's own suppression list
    assert await publication.turn() == count
    assert await publication.turn() == 0
    assert published(populated, fact_of("a", MemberState.ACTIVE))
    assert not published(populated, fact_of("b", MemberState.UNCONFIRMED), fact_of("c", MemberState.INVITED))
    begin_log(populated, 2, after_row=1_000)
    assert await publication.turn() == count


async def test_a_change_of_state_is_another_fact(populated: SqlStore) -> None:
    publication = Publication(populated, FakeClock())
    begin_log(populated)
    await publication.turn()
    populated.write_now(lambda transaction: transaction.members.set_state("a", MemberState.SUSPENDED, NOW))
    assert await publication.turn() == 1
    assert published(populated, fact_of("a", MemberState.SUSPENDED))


async def test_processes_that_publish_at_once_publish_each_fact_once(databases: Databases, populated: SqlStore) -> None:
    begin_log(populated)
    clock, count = FakeClock(), in_force(populated)
    each = [Publication(store, clock) for store in (populated, databases.open(), databases.open())]
    await asyncio.gather(*(publication.catch_up() for publication in each for _ in range(5)))
    await asyncio.gather(*(publication.turn() for publication in each))
    assert databases.rows("SELECT count(*), count(DISTINCT digest) FROM published_facts") == [(count, count)]
    assert databases.rows("SELECT count(*) FROM audit_events WHERE action = 'fact:publish'") == [(count,)]
