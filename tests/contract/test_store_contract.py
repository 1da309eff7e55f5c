"""What a store must do, run on SQLite and on a real PostgreSQL."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.stores import (
    LATER,
    NOW,
    Databases,
    add,
    certificate,
    claim,
    epoch,
    evaluation,
    event,
    given,
    held_writer,
    member,
)

from alliance.errors import Reason
from alliance.taxonomy import ClaimStatus
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Invitation, MemberState
from alliance_server.domain.ports import Transaction
from alliance_server.storage import unit_of_work
from alliance_server.storage.unit_of_work import SqlStore

# -- units of work ----------------------------------------------------------------------------------------------


def save(member_id: str, *, then: Exception | None = None) -> Callable[[Transaction], str]:
    """A unit that saves a member with an audit record, and may fail after."""

    def work(transaction: Transaction) -> str:
        transaction.members.save(member(member_id))
        transaction.record(event(member_id))
        if then:
            raise then
        return member_id

    return work


def stored(databases: Databases) -> tuple[list[str], list[str]]:
    """Members and actors of audit events, as committed."""
    members = [row[0] for row in databases.rows("SELECT id FROM members ORDER BY id")]
    return members, [row[0] for row in databases.rows("SELECT actor FROM audit_events ORDER BY actor")]


async def test_a_unit_and_its_record_are_durable_when_it_answers(databases: Databases, store: SqlStore) -> None:
    assert await store.write(save("a")) == "a"
    assert stored(databases) == (["a"], ["a"])


async def test_a_failed_unit_leaves_nothing_not_even_its_record(databases: Databases, store: SqlStore) -> None:
    with pytest.raises(ValueError, match="on purpose"):
        await store.write(save("a", then=ValueError("on purpose")))
    assert stored(databases) == ([], [])


async def test_a_failing_unit_fails_alone(databases: Databases, store: SqlStore) -> None:
    with held_writer(store):
        good = [asyncio.ensure_future(store.write(save(name))) for name in "ace"]
        bad = [asyncio.ensure_future(store.write(save(name, then=KeyError(name)))) for name in "bd"]
        await asyncio.sleep(0)
    assert await asyncio.gather(*good) == ["a", "c", "e"]
    assert [type(error) for error in await asyncio.gather(*bad, return_exceptions=True)] == [KeyError, KeyError]
    assert stored(databases) == (["a", "c", "e"], ["a", "c", "e"])


async def test_a_unit_that_the_database_refuses_fails_alone(databases: Databases, store: SqlStore) -> None:
    def break_a_key(transaction: Transaction) -> None:
        transaction.members.save(member("x"))
        transaction.members.add_certificate(certificate("1", "nobody"))
        transaction.members.add_certificate(certificate("1", "nobody"))

    def break_uniqueness(transaction: Transaction) -> None:
        save("y")(transaction)
        one = claim(1)
        transaction.claims.add([one])
        transaction.claims.add([one])

    with held_writer(store):
        works: list[Callable[[Transaction], Any]] = [save("a"), break_a_key, save("b"), break_uniqueness, save("c")]
        units = [asyncio.ensure_future(store.write(work)) for work in works]
        await asyncio.sleep(0)
    results = await asyncio.gather(*units, return_exceptions=True)
    assert [result for result in results if isinstance(result, str)] == ["a", "b", "c"]
    refusals = [result for result in results if not isinstance(result, str)]
    assert [type(refusal) for refusal in refusals] == [Refused, Refused]
    assert stored(databases) == (["a", "b", "c"], ["a", "b", "c"])


async def test_what_a_unit_raised_is_forgotten_when_it_runs_again(databases: Databases, store: SqlStore) -> None:
    runs: list[int] = []

    def meets_another_process(_transaction: Transaction) -> None:
        raise sa.exc.OperationalError("", {}, sqlite3.OperationalError("database is locked"))

    def raises_beside_others(transaction: Transaction) -> str:
        runs.append(1)
        return save("a", then=None if len(runs) > unit_of_work._MAX_ATTEMPTS else KeyError("a"))(transaction)

    with held_writer(store):
        works: list[Callable[[Transaction], Any]] = [raises_beside_others, meets_another_process]
        units = [asyncio.ensure_future(store.write(work)) for work in works]
        await asyncio.sleep(0)
    alone, conflict = await asyncio.gather(*units, return_exceptions=True)
    assert alone == "a"
    assert isinstance(conflict, Refused)
    assert conflict.reason is Reason.UNAVAILABLE
    assert stored(databases) == (["a"], ["a"])


async def test_units_that_wait_share_one_commit(databases: Databases, store: SqlStore) -> None:
    commits: list[int] = []
    sa.event.listen(store.engine, "commit", lambda _connection: commits.append(1))
    with held_writer(store):
        units = [asyncio.ensure_future(store.write(save(f"m{number}"))) for number in range(200)]
        await asyncio.sleep(0)
    await asyncio.gather(*units)
    assert len(commits) == 2  # the one that held the writer, and one for all
    assert len(stored(databases)[0]) == len(stored(databases)[1]) == 200


async def test_many_at_once_from_many_tasks(databases: Databases, store: SqlStore) -> None:
    await asyncio.gather(*(store.write(save(f"m{number}")) for number in range(600)))
    members, actors = stored(databases)
    assert members == actors
    assert len(members) == 600


async def test_where_the_commit_fails_all_fail_and_nothing_is_left(
    databases: Databases, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: Any, records: list[Any]) -> None:
        if records:
            raise RuntimeError("no log, no change")

    monkeypatch.setattr(unit_of_work, "append", fail)
    with held_writer(store):
        held = store._submit(lambda transaction: transaction.members.save(member("held")))
        units = [asyncio.ensure_future(store.write(save(name))) for name in "ab"]
        await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        held.result(60)
    results = await asyncio.gather(*units, return_exceptions=True)
    assert [type(result) for result in results] == [RuntimeError, RuntimeError]
    monkeypatch.undo()
    assert stored(databases) == ([], [])
    assert await store.write(save("c")) == "c"


async def test_a_caller_that_went_away_does_not_stop_the_others(databases: Databases, store: SqlStore) -> None:
    with held_writer(store):
        gone = asyncio.ensure_future(store.write(save("gone")))
        stays = asyncio.ensure_future(store.write(save("stays")))
        await asyncio.sleep(0)
        gone.cancel()
    assert await stays == "stays"
    assert stored(databases)[0] == stored(databases)[1]
    assert "stays" in stored(databases)[0]


def test_a_closing_store_commits_what_waits_and_then_refuses(databases: Databases) -> None:
    store = databases.open()
    with held_writer(store):
        waiting = [store._submit(save(name)) for name in "ab"]
        closing = threading.Thread(target=store.close)
        closing.start()
    closing.join(60)
    assert [future.result(0) for future in waiting] == ["a", "b"]
    with pytest.raises(Refused) as caught:
        store.write_now(save("c"))
    assert caught.value.reason is Reason.UNAVAILABLE
    assert stored(databases) == (["a", "b"], ["a", "b"])


async def test_reads_see_what_was_acknowledged(store: SqlStore) -> None:
    await store.write(save("a"))
    found = await store.read(lambda transaction: transaction.members.get("a"))
    assert found == member("a")


# -- two processes on one database ------------------------------------------------------------------------------


class Meeting:
    """Lets two units meet once at the same point, where the database lets both get there."""

    def __init__(self, *, possible: bool) -> None:
        self._barrier = threading.Barrier(2) if possible else None

    def wait(self) -> None:
        if self._barrier:
            try:
                self._barrier.wait(10)
            finally:
                self._barrier = None  # a unit that runs again goes on alone


async def race(databases: Databases, *works: Callable[[Transaction], Any]) -> list[Any]:
    """Run units at the same time, each through a store of its own."""
    stores = [databases.open() for _ in works]
    pairs = zip(stores, works, strict=True)
    return await asyncio.gather(*(store.write(work) for store, work in pairs), return_exceptions=True)


async def test_a_conflict_between_two_processes_is_tried_again(databases: Databases) -> None:
    meeting = Meeting(possible=not databases.is_sqlite)
    charged: list[int] = []

    def work(transaction: Transaction) -> None:
        earlier = transaction.quotas.evaluation_contents([("lender-a", bytes(16))])
        meeting.wait()
        if not earlier:
            charged.append(transaction.quotas.charge("lender-a", 5, 1, 10).total)
            transaction.quotas.add_evaluations([evaluation()], NOW)
        transaction.record(event())

    assert await race(databases, work, work) == [None, None]
    assert databases.rows("SELECT used FROM budgets") == [(10,)]
    assert databases.rows("SELECT count(*) FROM evaluations") == [(1,)]
    assert databases.rows("SELECT count(*) FROM audit_events") == [(2,)]


async def test_a_token_works_once_though_two_processes_take_it_at_once(databases: Databases) -> None:
    databases.open().write_now(lambda transaction: transaction.members.save(member()))
    opened = databases.open()
    opened.write_now(lambda transaction: transaction.members.save_invitation(Invitation(bytes(32), "lender-a", LATER)))
    meeting = Meeting(possible=not databases.is_sqlite)

    def enrol(serial: str) -> Callable[[Transaction], str]:
        def work(transaction: Transaction) -> str:
            transaction.members.get("lender-a")
            meeting.wait()
            invitation = transaction.members.invitation(bytes(32))
            assert invitation is not None
            if invitation.serial is not None:
                return invitation.serial
            transaction.members.add_certificate(certificate(serial))
            transaction.members.save_invitation(Invitation(bytes(32), "lender-a", LATER, bytes(32), serial))
            return serial

        return work

    first, second = await race(databases, enrol("1"), enrol("2"))
    assert first == second
    assert databases.rows("SELECT count(*) FROM certificates") == [(1,)]


async def test_one_change_of_status_wins(databases: Databases) -> None:
    one = claim(1)
    add(databases.open(), one)
    meeting = Meeting(possible=not databases.is_sqlite)

    def change(statement: bytes) -> Callable[[Transaction], bytes]:
        def work(transaction: Transaction) -> bytes:
            assert transaction.claims.get(one.entry_id) is not None
            meeting.wait()
            transaction.claims.change_status(one.entry_id, ClaimStatus.WITHDRAWN, 1, statement, now=NOW)
            return statement

        return work

    results = await race(databases, change(b"first"), change(b"second"))
    (won,) = [result for result in results if isinstance(result, bytes)]
    (lost,) = [result for result in results if isinstance(result, Refused)]
    assert lost.reason is Reason.CONFLICTING_RETRY
    ((kept,),) = databases.rows("SELECT status_change FROM claims")
    assert bytes(kept) == won


async def test_a_lease_is_held_once(databases: Databases) -> None:
    meeting = Meeting(possible=not databases.is_sqlite)

    def take(holder: str) -> Callable[[Transaction], bool]:
        def work(transaction: Transaction) -> bool:
            meeting.wait()
            return transaction.leases.acquire("job", holder, NOW, LATER)

        return work

    assert sorted(await race(databases, take("a"), take("b"))) == [False, True]


async def test_the_registrys_sequence_has_no_gaps_under_two_writers(databases: Databases) -> None:
    stores = [databases.open(), databases.open()]
    stores[0].write_now(lambda transaction: transaction.epochs.add(epoch()))

    def file(rows: int, *, fail: bool) -> Callable[[Transaction], None]:
        def work(transaction: Transaction) -> None:
            first = transaction.filters.advance(1, rows)
            transaction.claims.add([claim(first + place) for place in range(rows)])
            if fail:
                raise ValueError("taken back")

        return work

    jobs = [stores[number % 2].write(file(1 + number % 3, fail=number % 7 == 0)) for number in range(120)]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert {type(result) for result in results} == {type(None), ValueError}
    expected = sum(1 + number % 3 for number in range(120) if number % 7)
    sequences = [row[0] for row in databases.rows("SELECT sequence FROM claims ORDER BY sequence")]
    assert sequences == list(range(1, expected + 1))
    assert databases.rows("SELECT sequence FROM filter_states") == [(expected,)]


async def test_charges_of_two_processes_add_up(databases: Databases) -> None:
    stores = [databases.open(), databases.open()]
    works = [
        stores[number % 2].write(lambda transaction: transaction.quotas.charge("lender-a", 5, 1, 3).total)
        for number in range(80)
    ]
    assert sorted(await asyncio.gather(*works)) == [3 * number for number in range(1, 81)]


# -- members and epochs -----------------------------------------------------------------------------------------


def test_members_are_saved_changed_and_paged(store: SqlStore) -> None:
    for name in ("b", "a", "c-1", "c"):
        store.write_now(save(name))
    store.write_now(lambda transaction: transaction.members.set_state("b", MemberState.SUSPENDED, NOW + 1))
    pages = []
    after = ""
    while page := store.read_now(given(lambda transaction, it: transaction.members.page(it, 2), after)):
        pages.append([it.id for it in page])
        after = page[-1].id
    assert sorted(name for page in pages for name in page) == ["a", "b", "c", "c-1"]
    assert [len(page) for page in pages] == [2, 2]
    changed = store.read_now(lambda transaction: transaction.members.get("b"))
    assert changed is not None
    assert (changed.state, changed.stated_at) == (MemberState.SUSPENDED, NOW + 1)


def test_certificates_find_their_members_and_are_revoked_together(store: SqlStore) -> None:
    def prepare(transaction: Transaction) -> None:
        for name, serials in {"a": "12", "b": "3"}.items():
            transaction.members.save(member(name))
            for serial in serials:
                transaction.members.add_certificate(certificate(serial, name))

    store.write_now(prepare)
    assert store.write_now(lambda transaction: transaction.members.revoke_certificates("a", NOW)) == 2
    assert store.write_now(lambda transaction: transaction.members.revoke_certificates("a", NOW + 5)) == 0
    found = {
        serial: store.read_now(given(lambda transaction, it: transaction.members.by_serial(it), serial))
        for serial in "1239"
    }
    assert found["9"] is None
    holders = {serial: (it[0].id, it[1].revoked_at) for serial, it in found.items() if it}
    assert holders == {"1": ("a", NOW), "2": ("a", NOW), "3": ("b", None)}


def test_invitations_remember_their_use(store: SqlStore) -> None:
    used = Invitation(bytes(32), "lender-a", LATER, b"r" * 32, "1")

    def prepare(transaction: Transaction) -> None:
        transaction.members.save(member())
        transaction.members.add_certificate(certificate("1"))
        transaction.members.save_invitation(Invitation(bytes(32), "lender-a", LATER))
        transaction.members.save_invitation(used)

    store.write_now(prepare)
    assert store.write_now(lambda transaction: transaction.members.invitation(bytes(32))) == used
    assert store.write_now(lambda transaction: transaction.members.invitation(b"x" * 32)) is None


def test_epochs_come_with_an_empty_filter_state(store: SqlStore) -> None:
    store.write_now(lambda transaction: transaction.epochs.add(epoch(2)))
    store.write_now(lambda transaction: transaction.epochs.add(epoch(1)))
    assert store.read_now(lambda transaction: transaction.epochs.all()) == [epoch(1), epoch(2)]
    assert store.read_now(lambda transaction: transaction.epochs.get(2)) == epoch(2)
    state = store.read_now(lambda transaction: transaction.filters.state(1))
    assert state is not None
    assert (state.sequence, state.delta_sequence, state.base_sha256, state.heartbeat) == (0, 0, b"", b"")


@pytest.mark.parametrize("number", [0, 3, 2**31 - 1, 2**31, 2**32 - 1])
def test_an_epoch_that_is_not_there(store: SqlStore, number: int) -> None:
    assert store.read_now(lambda transaction: transaction.epochs.get(number)) is None


# -- quotas, leases, audit --------------------------------------------------------------------------------------


def test_budgets_are_counted_by_member_resource_and_day(store: SqlStore) -> None:
    def charges(transaction: Transaction) -> list[int]:
        def charge(member: str, resource: int, day: int, items: int) -> int:
            charged = transaction.quotas.charge(member, resource, day, items)
            assert charged.limit is None
            assert transaction.quotas.used(member, resource, day) == charged.total
            return charged.total

        return [
            charge("a", 1, 10, 5),
            charge("a", 1, 10, 7),
            charge("a", 1, 11, 1),
            charge("a", 100, 10, 2),
            charge("b", 1, 10, 3),
            charge("a", 1, 10, -4),
            charge("a", 1, 10, 2**40),
        ]

    assert store.write_now(charges) == [5, 12, 1, 2, 3, 8, 8 + 2**40]


def test_a_member_may_have_a_limit_of_its_own(store: SqlStore) -> None:
    def work(transaction: Transaction) -> list[int | None]:
        quotas = transaction.quotas
        found = [quotas.own("a", 1).limit, quotas.charge("a", 1, 10, 5).limit]
        for items in (7, 2**40):
            quotas.set_limit("a", 1, items)
            found += [
                quotas.own("a", 1).limit,
                quotas.charge("a", 1, 10, 1).limit,
                quotas.charge("a", 1, items % 97, 1).limit,
            ]
        return [*found, quotas.own("a", 2).limit, quotas.own("b", 1).limit]

    assert store.write_now(work) == [None, None, 7, 7, 7, 2**40, 2**40, 2**40, None, None]


def test_credit_is_spent_down_to_nothing(store: SqlStore) -> None:
    def work(transaction: Transaction) -> list[int]:
        quotas = transaction.quotas
        taken = [quotas.spend_credit("a", 1, 3)]
        quotas.add_credit("a", 1, 4)
        quotas.add_credit("a", 1, 1)
        quotas.add_credit("b", 1, 100)
        quotas.add_credit("a", 2, 100)
        return taken + [quotas.spend_credit("a", 1, rows) for rows in (3, 3, 1)]

    assert store.write_now(work) == [0, 3, 2, 0]


def test_credit_for_re_tagging_is_kept_apart_and_goes_with_the_epoch(store: SqlStore) -> None:
    def work(transaction: Transaction) -> list[int]:
        quotas = transaction.quotas
        quotas.add_credit("a", 1, 4, retagging=True)
        left = [quotas.spend_credit("a", 1, 1), quotas.spend_credit("a", 1, 1, retagging=True)]
        left += [quotas.credit("a", 1), quotas.credit("a", 1, retagging=True)]
        quotas.drop_credits(1)
        return [*left, quotas.credit("a", 1, retagging=True)]

    assert store.write_now(work) == [0, 1, 0, 3, 0]


async def test_two_processes_do_not_spend_one_credit_twice(databases: Databases) -> None:
    stores = [databases.open(), databases.open()]
    stores[0].write_now(lambda transaction: transaction.quotas.add_credit("a", 1, 50))
    spend = [
        stores[number % 2].write(lambda transaction: transaction.quotas.spend_credit("a", 1, 3)) for number in range(40)
    ]
    assert sum(await asyncio.gather(*spend)) == 50


@pytest.mark.parametrize("count", [1, 7, 300])
def test_evaluations_are_remembered_by_member_and_request(store: SqlStore, count: int) -> None:
    known = [evaluation(os.urandom(16), os.urandom(32), "lender-ab"[: 7 + place % 2]) for place in range(count)]
    store.write_now(lambda transaction: transaction.quotas.add_evaluations(known, NOW))
    strangers = [("lender-c", known[0].request_id), (known[0].member_id, os.urandom(16))]
    asked = [it.key for it in known] + strangers
    found = store.read_now(lambda transaction: transaction.quotas.evaluation_contents(asked))
    assert found == {it.key: it.content_sha256 for it in known}
    assert store.read_now(lambda transaction: transaction.quotas.evaluation_contents([])) == {}
    with pytest.raises(Refused):
        store.write_now(lambda transaction: transaction.quotas.add_evaluations([evaluation(), known[0]], NOW))
    assert store.read_now(lambda transaction: transaction.quotas.evaluation_contents([evaluation().key])) == {}


def test_leases_are_renewed_by_their_holder_and_taken_when_over(store: SqlStore) -> None:
    def work(transaction: Transaction) -> list[bool]:
        acquire = transaction.leases.acquire
        return [
            acquire("job", "a", 0, 10),
            acquire("job", "b", 9, 19),
            acquire("job", "a", 9, 20),
            acquire("job", "b", 19, 29),
            acquire("job", "b", 20, 30),
            acquire("job", "a", 21, 31),
            acquire("other", "a", 21, 31),
        ]

    assert store.write_now(work) == [True, False, True, False, True, False, True]


def test_a_lease_is_given_back_by_its_holder_alone(store: SqlStore) -> None:
    def work(transaction: Transaction) -> list[bool]:
        leases = transaction.leases
        taken = [leases.acquire("job", "a", 0, 10)]
        leases.release("job", "b")
        taken.append(leases.acquire("job", "b", 1, 11))
        leases.release("job", "a")
        return [*taken, leases.acquire("job", "b", 1, 11)]

    assert store.write_now(work) == [True, False, True]


def test_events_are_paged_for_their_actor_alone(store: SqlStore) -> None:
    for number in range(7):
        record = event("ab"[number % 2], items=number)
        store.write_now(given(lambda transaction, it: transaction.record(it), record))
    first = store.read_now(lambda transaction: transaction.audit.page("a", 0, 3))
    second = store.read_now(lambda transaction: transaction.audit.page("a", first[-1].row, 3))
    assert [record.actor for record in first + second] == ["a"] * 4
    assert len(second) == 1
    numbers = [record.row for record in first + second]
    assert numbers == sorted(set(numbers))
    assert store.read_now(lambda transaction: transaction.audit.page("a", 10**18 - 1, 3)) == []


# -- schema, errors ---------------------------------------------------------------------------------------------


def test_errors_show_no_parameters(store: SqlStore) -> None:
    secret = b"\xabSECRET-TAG".ljust(32, b"\xab")
    seen: list[BaseException] = []

    def work(transaction: Transaction) -> None:
        try:
            transaction.claims.add([claim(1, tag=secret, contributor=None)])
        except sa.exc.DBAPIError as error:
            seen.append(error)
            raise

    with pytest.raises(Refused) as caught:
        store.write_now(work)
    # PostgreSQL adds a DETAIL line with the row; what leaves the store is a refusal that does not hang on to it.
    (error,) = seen
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    for text in (str(error).split("DETAIL:")[0], str(caught.value), repr(caught.value)):
        for form in ("SECRET-TAG", secret.hex(), "\\xab"):
            assert form not in text


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    away = SqlStore(f"postgresql+psycopg://nobody@/nowhere?host={tmp_path}")
    try:
        with pytest.raises(Refused) as caught:
            away.read_now(lambda transaction: transaction.epochs.all())
        assert caught.value.reason is Reason.UNAVAILABLE
    finally:
        away.close()
