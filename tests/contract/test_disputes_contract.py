"""Disputes in storage, on SQLite and on a real PostgreSQL."""

from dataclasses import replace

import pytest
from support.stores import LATER, NOW, add, claim, dispute, given

from alliance.disputes import DisputeState
from alliance.taxonomy import ClaimStatus
from alliance_server.domain.disputes import DISPUTE_KEPT_MS, SEALED_KEPT_MS, Dispute, Overdue
from alliance_server.domain.errors import Refused
from alliance_server.storage.unit_of_work import SqlStore


def keep(store: SqlStore, *disputes: Dispute) -> None:
    for one in disputes:
        store.write_now(given(lambda it, kept: it.disputes.add(kept), one))


def test_what_was_kept_comes_back(store: SqlStore) -> None:
    one = dispute()
    assert store.write_now(lambda it: it.disputes.get(one.id)) is None
    keep(store, one)
    assert store.write_now(lambda it: it.disputes.get(one.id)) == one
    after = replace(one, state=DisputeState.UPHELD, answer=b"answer", answer_reason="x", answered_at=NOW, closed_at=NOW)
    store.write_now(lambda it: it.disputes.save(after))
    assert store.write_now(lambda it: it.disputes.get(one.id)) == after


def test_an_id_is_used_once(store: SqlStore) -> None:
    one = dispute()
    keep(store, one)
    with pytest.raises(Refused):
        keep(store, dispute(id=one.id))
    assert [it.id for it in store.read_now(lambda it: it.disputes.about([one.claim_id]))] == [one.id]


def test_disputes_are_listed_by_who_is_concerned_and_by_pages(store: SqlStore) -> None:
    first, second = dispute(), dispute(state=DisputeState.UNANSWERED)
    other = dispute(contributor="lender-c", opener="lender-d", state=DisputeState.UPHELD)
    keep(store, first, other, second)

    def about(contributor: str, after: int = 0, limit: int = 10, *, waiting_only: bool = False) -> list[bytes]:
        rows = store.read_now(lambda it: it.disputes.about_own(contributor, after, limit, waiting_only=waiting_only))
        return [it.id for _, it in rows]

    assert about("lender-a") == [first.id, second.id]
    assert (about("lender-c"), about("lender-c", waiting_only=True)) == ([other.id], [])
    ((row, _),) = store.read_now(lambda it: it.disputes.about_own("lender-a", 0, 1, waiting_only=True))
    assert about("lender-a", after=row) == [second.id]
    rows = store.read_now(lambda it: it.disputes.opened_by("lender-b", 0, 10, waiting_only=False))
    assert [it.id for _, it in rows] == [first.id, second.id]


def test_what_is_overdue_is_found_and_counted(store: SqlStore) -> None:
    late, later, timely = dispute(due_at=NOW), dispute(due_at=NOW + 1, contributor="lender-c"), dispute()
    escalated = dispute(due_at=NOW, state=DisputeState.ESCALATED, contributor="lender-c")
    long_ago = dispute(due_at=NOW - 5, state=DisputeState.UNANSWERED)
    answered = dispute(due_at=NOW - 9, state=DisputeState.UPHELD)
    keep(store, late, later, timely, escalated, long_ago, answered)
    assert [it.id for it in store.write_now(lambda it: it.disputes.overdue(NOW, 10))] == [late.id]
    assert [it.id for it in store.write_now(lambda it: it.disputes.overdue(NOW + 1, 10))] == [late.id, later.id]
    assert not store.read_now(lambda it: it.disputes.is_overdue(NOW - 1))
    assert store.read_now(lambda it: it.disputes.is_overdue(NOW))
    assert store.read_now(lambda it: it.disputes.overdue_by_contributor(NOW + 1)) == [
        Overdue("lender-a", unanswered=2, undecided=0, since=NOW - 5),
        Overdue("lender-c", unanswered=1, undecided=1, since=NOW),
    ]
    assert [it.id for _, it in store.read_now(lambda it: it.disputes.escalated(0, 10))] == [escalated.id]


def test_disputes_whose_claim_lives_no_more(store: SqlStore) -> None:
    lives, ended = claim(1), claim(2, status=ClaimStatus.RECALLED)
    add(store, lives, ended)
    about_live, about_ended = dispute(lives.entry_id), dispute(ended.entry_id)
    about_none, closed = dispute(), dispute(ended.entry_id, state=DisputeState.UPHELD)
    keep(store, about_live, about_ended, about_none, closed)

    def found(now: int) -> list[tuple[bytes, ClaimStatus | None]]:
        return [(it.id, status) for it, status in store.read_now(lambda it: it.disputes.of_ended_claims(now, 10))]

    over: list[tuple[bytes, ClaimStatus | None]] = [(about_ended.id, ClaimStatus.RECALLED), (about_none.id, None)]
    assert found(NOW) == over
    assert found(LATER) == [(about_live.id, ClaimStatus.ACTIVE), *over]


def test_a_dispute_goes_on_about_the_claim_that_re_tags_a_deleted_one(store: SqlStore) -> None:
    later = claim(2, epoch=2)
    earlier, alone = claim(1, successor=later.entry_id), claim(3)
    add(store, earlier, later, alone)
    moves, stays = dispute(earlier.entry_id), dispute(alone.entry_id)
    keep(store, moves, stays)
    store.write_now(lambda it: it.claims.purge([earlier.entry_id, alone.entry_id]))
    (moved,) = store.read_now(lambda it: it.disputes.about([later.entry_id]))
    assert (moved.id, moved.entry_id) == (moves.id, earlier.entry_id)
    assert [it.id for it in store.read_now(lambda it: it.disputes.about([alone.entry_id]))] == [stays.id]


def test_what_is_closed_loses_the_statement_first_and_then_goes(store: SqlStore) -> None:
    closed, open_one = dispute(state=DisputeState.UPHELD, closed_at=NOW), dispute()
    keep(store, closed, open_one)

    def due(now: int) -> bool:
        return store.read_now(lambda it: it.disputes.is_due_to_purge(now))

    def purged(now: int) -> tuple[int, int]:
        return store.write_now(lambda it: it.disputes.purge(now, 10))

    first, last = NOW + SEALED_KEPT_MS, NOW + DISPUTE_KEPT_MS
    assert [due(first - 1), due(first)] == [False, True]
    assert [purged(first - 1), purged(first), purged(first)] == [(0, 0), (1, 0), (0, 0)]
    left = store.write_now(lambda it: it.disputes.get(closed.id))
    assert left == replace(closed, sealed=None)
    assert [due(last - 1), due(last)] == [False, True]
    assert purged(last) == (0, 1)
    assert store.write_now(lambda it: it.disputes.get(closed.id)) is None
    assert store.write_now(lambda it: it.disputes.get(open_one.id)) == open_one
