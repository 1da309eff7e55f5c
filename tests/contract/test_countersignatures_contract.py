"""Countersignatures in storage, on SQLite and on a real PostgreSQL."""

import os
from dataclasses import replace
from typing import Any

import pytest
from support.stores import LATER, NOW, Databases, add, claim, given

from alliance.countersignatures import CountersignatureState
from alliance.taxonomy import DAY_MS
from alliance.v1.countersignature_pb2 import ClaimSubstance
from alliance_server.domain.countersignatures import Countersigning, revoked_by
from alliance_server.domain.errors import Refused
from alliance_server.storage.restoration import number_changes_anew, remember
from alliance_server.storage.unit_of_work import SqlStore

COUNTERSIGNED, REVOKED = CountersignatureState.COUNTERSIGNED, CountersignatureState.REVOKED


def request(**changes: Any) -> Countersigning:
    """Give a request that waits, right unless changed."""
    entry_id = os.urandom(16)
    made = Countersigning(
        entry_id=entry_id,
        claim_id=entry_id,
        contributor="lender-a",
        liaison="police",
        substance_sha256=os.urandom(32),
        substance=ClaimSubstance(contributor="lender-a", expires_at=LATER).SerializeToString(),
        claim_sha256=os.urandom(32),
        epoch=1,
        evidence_level=4,
        reference="A-1",
        request=b"request",
        approved_by="ann bob",
        state=CountersignatureState.WAITING,
        requested_at=NOW,
        answer_by=NOW + DAY_MS,
        purge_at=NOW + 2 * DAY_MS,
    )
    return replace(made, **changes)


def keep(store: SqlStore, *requests: Countersigning) -> None:
    for one in requests:
        store.write_now(given(lambda it, kept: it.countersignatures.add(kept), one))


def countersign(store: SqlStore, one: Countersigning) -> Countersigning:
    answered = {"state": COUNTERSIGNED, "answer": b"yes", "officer_answer": b"too", "grounds": b"g"}
    after = replace(one, **answered, answered_at=NOW, purge_at=LATER)  # type: ignore[arg-type]  # by name
    store.write_now(lambda it: it.countersignatures.countersign(after))
    return after


def told(store: SqlStore, after: int = 0) -> list[tuple[int, bytes]]:
    found = store.read_now(lambda it: it.countersignatures.after(after, 10))
    return [(it.number, it.statement) for it in found]


def test_what_was_kept_comes_back_with_what_became_of_it(store: SqlStore) -> None:
    one = request()
    assert store.write_now(lambda it: it.countersignatures.get(one.entry_id)) is None
    keep(store, one)
    assert store.write_now(lambda it: it.countersignatures.get(one.entry_id)) == one
    after = countersign(store, one)
    assert store.write_now(lambda it: it.countersignatures.hold([one.substance_sha256])) == {
        one.substance_sha256: after
    }
    gone = revoked_by(after, b"no", b"no too", NOW + 1)
    store.write_now(lambda it: it.countersignatures.revoke(gone))
    assert store.write_now(lambda it: it.countersignatures.get(one.entry_id)) == gone


def test_a_claim_and_a_substance_are_asked_about_once(store: SqlStore) -> None:
    one = request()
    keep(store, one)
    for changes in ({"entry_id": one.entry_id}, {"substance_sha256": one.substance_sha256}):
        with pytest.raises(Refused):
            keep(store, request(**changes))


def test_what_is_told_is_numbered_and_read_in_order(store: SqlStore) -> None:
    first, second = request(), request()
    keep(store, first, second)
    assert store.read_now(lambda it: it.countersignatures.newest()) == 0
    countersign(store, second)
    after = countersign(store, first)
    store.write_now(lambda it: it.countersignatures.revoke(revoked_by(after, b"no", b"", NOW)))
    assert told(store) == [(1, b"yes"), (2, b"yes"), (3, b"no")]
    assert told(store, 2) == [(3, b"no")]
    assert store.read_now(lambda it: (it.countersignatures.newest(), it.changes.newest())) == (3, 0)


def test_requests_are_listed_by_who_is_concerned_and_by_pages(store: SqlStore) -> None:
    first, second, other = request(), request(), request(contributor="lender-b", liaison="court")
    keep(store, first, other, second)
    countersign(store, first)

    def listed(after: int = 0, limit: int = 10, **whose: Any) -> list[bytes]:
        rows = store.read_now(lambda it: it.countersignatures.page(after, limit, **whose))
        return [it.entry_id for _, it in rows]

    assert listed(contributor="lender-a") == listed(liaison="police") == [first.entry_id, second.entry_id]
    assert listed(liaison="court") == [other.entry_id]
    assert listed(contributor="lender-a", waiting_at=NOW) == [second.entry_id]
    assert listed(contributor="lender-a", waiting_at=NOW + DAY_MS) == []
    assert listed(1, 1, contributor="lender-a") == [second.entry_id]
    assert store.read_now(lambda it: it.countersignatures.count_waiting("lender-a", NOW)) == 1


def test_a_revocation_is_found_by_the_claim_that_says_the_same_by_now(with_epoch: SqlStore) -> None:
    store, first, second = with_epoch, claim(1), claim(2)
    add(store, first, second)
    one = request(entry_id=first.entry_id, claim_id=first.entry_id)
    keep(store, one)
    store.write_now(lambda it: it.claims.link({first.entry_id: second.entry_id}))
    after = countersign(store, one)
    asked = [first.entry_id, second.entry_id]
    assert not store.read_now(lambda it: it.countersignatures.is_any_revoked(asked))
    store.write_now(lambda it: it.countersignatures.revoke(revoked_by(after, b"no", b"", NOW)))
    assert store.read_now(lambda it: it.countersignatures.is_any_revoked([first.entry_id]))
    store.write_now(lambda it: it.claims.purge([first.entry_id]))
    assert store.read_now(lambda it: it.countersignatures.is_any_revoked([second.entry_id]))
    kept = store.write_now(lambda it: it.countersignatures.get(first.entry_id))
    assert kept is not None
    assert kept.claim_id == second.entry_id


def test_what_is_over_is_deleted_and_the_feed_goes_on(store: SqlStore) -> None:
    over, stays = request(purge_at=NOW), request()
    keep(store, over, stays)
    countersign(store, stays)
    assert store.read_now(lambda it: it.countersignatures.is_due_to_purge(NOW))
    assert store.write_now(lambda it: it.countersignatures.purge(NOW, 10)) == 1
    assert not store.read_now(lambda it: it.countersignatures.is_due_to_purge(NOW))
    assert store.write_now(lambda it: it.countersignatures.purge(LATER, 10)) == 1
    assert (told(store), store.read_now(lambda it: it.countersignatures.newest())) == ([], 1)


def test_a_restored_hub_remembers_what_was_revoked_and_numbers_anew(databases: Databases) -> None:
    store = databases.open()
    one = request()
    keep(store, one)
    after = countersign(store, one)
    gathered = store.write_now(lambda it: _revoked(it, revoked_by(after, b"no", b"no too", NOW)))
    store.write_now(lambda it: _back(it, after))
    store.write_now(lambda it: _restored(it, gathered))
    back = store.write_now(lambda it: it.countersignatures.get(one.entry_id))
    assert back is not None
    assert (back.state, back.revocation, back.officer_revocation, back.revoked_at) == (REVOKED, b"no", b"no too", NOW)
    assert told(store, 2**32) == [(2**32 + 3, b"no")]


def _revoked(transaction: Any, request: Countersigning) -> list[Any]:
    transaction.countersignatures.revoke(request)
    return list(transaction.purges.gathered)


def _back(transaction: Any, request: Countersigning) -> None:
    """Put the row back as a backup has it that is older than the revocation."""
    transaction.countersignatures._save(replace(request, revocation=None, officer_revocation=None, revoked_at=None))


def _restored(transaction: Any, purges: list[Any]) -> None:
    connection = transaction._connection
    number_changes_anew(connection)
    remember(transaction, connection, purges)
