"""What a store's registry of claims must do, run on SQLite and on a real PostgreSQL."""

import os

import pytest
from support.stores import NOW, Databases, add, claim, given

from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, ClaimStatus, SharingLevel
from alliance_server.domain.claims import KEPT_AFTER_END_MS, Stock, StoredClaim
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.storage.unit_of_work import SqlStore


def test_a_claim_comes_back_as_it_was(store: SqlStore) -> None:
    one = claim(1, observed_from=-(2**62), expires_at=2**62)
    add(store, one)
    assert store.read_now(lambda transaction: transaction.claims.get(one.entry_id)) == one
    assert store.read_now(lambda transaction: transaction.claims.get(os.urandom(16))) is None
    assert store.read_now(lambda transaction: transaction.claims.get(b"")) is None


def test_one_live_claim_a_contributor_epoch_tag_and_category(store: SqlStore) -> None:
    one = claim(1)
    add(store, one)
    same = {"tag": one.tag}
    with pytest.raises(Refused):
        add(store, claim(2, **same))
    add(store, claim(2, **same, category=5), claim(3, **same, contributor="lender-b"), claim(1, **same, epoch=2))
    for status in (ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED):
        store.write_now(given(lambda transaction, to: set_status(transaction, one.entry_id, to), status))
        with pytest.raises(Refused):
            add(store, claim(4, **same))
    store.write_now(lambda transaction: set_status(transaction, one.entry_id, ClaimStatus.WITHDRAWN))
    add(store, claim(4, **same))


def set_status(transaction: Transaction, entry_id: bytes, status: ClaimStatus) -> None:
    found = transaction.claims.get(entry_id)
    assert found is not None
    transaction.claims.change_status(entry_id, status, found.status_version + 1, b"statement", now=NOW)


def test_entry_ids_and_sequences_are_unique(store: SqlStore) -> None:
    one = claim(1)
    add(store, one)
    with pytest.raises(Refused):
        add(store, claim(2, entry_id=one.entry_id))
    with pytest.raises(Refused):
        add(store, claim(1))


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 1024])
def test_as_many_claims_as_a_chunk_has_come_back_as_they_were(store: SqlStore, rows: int) -> None:
    claims = [claim(1 + place, status_change=b"statement" if place % 3 else None) for place in range(rows)]
    add(store, *claims)
    found = store.read_now(lambda transaction: transaction.claims.own("lender-a", (0, 0), 2000, live_only=False))
    assert found == claims


def test_claims_are_added_together_or_not_at_all(store: SqlStore) -> None:
    one = claim(1)
    add(store, one)
    with pytest.raises(Refused):
        add(store, *[claim(2 + place) for place in range(20)], claim(22, entry_id=one.entry_id))
    assert [it.sequence for it in store.read_now(_own)] == [1]
    add(store)
    assert [it.sequence for it in store.read_now(_own)] == [1]


def _own(transaction: Transaction) -> list[StoredClaim]:
    return transaction.claims.own("lender-a", (0, 0), 100, live_only=False)


def test_rows_are_known_by_their_digests(store: SqlStore) -> None:
    one, two = claim(1), claim(2)
    add(store, one, two)
    asked = [one.entry_id, two.entry_id, os.urandom(16)]
    digests = store.read_now(lambda transaction: transaction.claims.digests(asked))
    assert digests == {one.entry_id: one.row_sha256, two.entry_id: two.row_sha256}
    assert store.read_now(lambda transaction: transaction.claims.digests([])) == {}


def test_the_stock_of_tags_is_the_contributors_own(store: SqlStore) -> None:
    live, gone = claim(1), claim(2, status=ClaimStatus.WITHDRAWN)
    second = claim(4, tag=live.tag, category=5, status=ClaimStatus.DISPUTED)
    others = claim(3, contributor="lender-b"), claim(1, epoch=2)
    add(store, live, gone, second, *others)
    asked = [live.tag, gone.tag, others[0].tag, others[1].tag, os.urandom(32)]
    stock = store.write_now(lambda transaction: transaction.claims.stock("lender-a", 1, asked, NOW))
    assert stock == Stock(
        frozenset({live.tag, gone.tag}),
        {(live.tag, 4): live.entry_id, (live.tag, 5): second.entry_id},
        {(gone.tag, 4): [gone.entry_id]},
    )
    nothing = Stock(frozenset(), {})
    assert store.write_now(lambda transaction: transaction.claims.stock("lender-a", 1, [], NOW)) == nothing
    assert store.write_now(lambda transaction: transaction.claims.stock("lender-a", 0, asked, NOW)) == nothing


def test_a_chunk_of_lookups_finds_every_one(store: SqlStore) -> None:
    claims = [claim(1 + place) for place in range(1024)]
    add(store, *claims)
    tags, entry_ids = [it.tag for it in claims], [it.entry_id for it in claims]
    stock = store.write_now(lambda transaction: transaction.claims.stock("lender-a", 1, tags, NOW))
    assert stock == Stock(frozenset(tags), {(it.tag, 4): it.entry_id for it in claims})
    digests = store.read_now(lambda transaction: transaction.claims.digests(entry_ids))
    assert digests == {it.entry_id: it.row_sha256 for it in claims}
    found = store.read_now(lambda transaction: transaction.claims.get_many([*entry_ids, os.urandom(16)]))
    assert found == {it.entry_id: it for it in claims}


def test_what_is_over_expires_and_makes_room(store: SqlStore) -> None:
    over, lasts = claim(1, expires_at=NOW), claim(2, expires_at=NOW + 1)
    others = claim(3, contributor="lender-b", tag=over.tag, expires_at=NOW)
    withdrawn = claim(4, status=ClaimStatus.WITHDRAWN, expires_at=NOW)
    add(store, over, lasts, others, withdrawn)
    tags = [over.tag, lasts.tag, withdrawn.tag]
    stock = store.write_now(lambda transaction: transaction.claims.stock("lender-a", 1, tags, NOW))
    ended = {(withdrawn.tag, 4): [withdrawn.entry_id]}
    assert stock == Stock(frozenset(tags), {(lasts.tag, 4): lasts.entry_id}, ended)
    statuses = [
        store.read_now(given(lambda transaction, it: transaction.claims.get(it.entry_id).status, it))
        for it in (over, lasts, others, withdrawn)
    ]
    assert statuses == [ClaimStatus.EXPIRED, ClaimStatus.ACTIVE, ClaimStatus.ACTIVE, ClaimStatus.WITHDRAWN]
    add(store, claim(5, tag=over.tag))


def test_own_claims_are_paged_in_order(store: SqlStore) -> None:
    claims = [claim(sequence, epoch=number) for number in (1, 2) for sequence in range(1, 6)]
    withdrawn = claim(6, epoch=1, status=ClaimStatus.WITHDRAWN)
    add(store, *claims, withdrawn, claim(7, contributor="lender-b"))

    def page(after: tuple[int, int], *, live_only: bool = False) -> list[tuple[int, int]]:
        found = store.read_now(lambda transaction: transaction.claims.own("lender-a", after, 4, live_only=live_only))
        return [(it.epoch, it.sequence) for it in found]

    assert page((0, 0)) == [(1, 1), (1, 2), (1, 3), (1, 4)]
    assert page((1, 4)) == [(1, 5), (1, 6), (2, 1), (2, 2)]
    assert page((1, 4), live_only=True) == [(1, 5), (2, 1), (2, 2), (2, 3)]
    assert page((2, 5)) == []
    assert page((10**18 - 1, 10**18 - 1)) == []


def test_a_range_holds_live_listed_claims_of_its_epoch(store: SqlStore) -> None:
    low, high = b"\x40" + bytes(31), b"\x7f" + b"\xff" * 31
    inside = [claim(1, tag=low), claim(2, tag=b"\x50" * 32), claim(3, tag=high)]
    add(
        store,
        *inside,
        claim(4, tag=b"\x3f" + b"\xff" * 31),
        claim(5, tag=b"\x80" + bytes(31)),
        claim(6, tag=b"\x51" * 32, sharing_level=int(SharingLevel.RED)),
        claim(7, tag=b"\x52" * 32, expires_at=NOW),
        claim(8, tag=b"\x53" * 32, status=ClaimStatus.WITHDRAWN),
        claim(9, tag=b"\x54" * 32, epoch=2),
        claim(10, tag=b"\x60" * 32, status=ClaimStatus.SUSPENDED, status_version=3),
        claim(11, tag=b"\x61" * 32, sharing_level=int(SharingLevel.GREEN)),
    )
    (found,) = store.read_now(lambda transaction: transaction.claims.in_ranges(1, [(low, high)], NOW))
    assert [it.tag for it in found] == [low, b"\x50" * 32, b"\x60" * 32, b"\x61" * 32, high]
    assert (found[2].status, found[2].status_version) == (ClaimStatus.SUSPENDED, 3)
    first = inside[0]
    shown = ("entry_id", "handle", "box", "claim_sha256", "filed_at")
    assert [getattr(found[0], name) for name in shown] == [getattr(first, name) for name in shown]
    whole = [(bytes(32), b"\xff" * 32)]
    (everything,) = store.read_now(lambda transaction: transaction.claims.in_ranges(1, whole, NOW))
    assert len(everything) == 7


def test_ranges_come_in_the_order_they_are_asked_for_and_by_tag_within(store: SqlStore) -> None:
    tags = [bytes([first]) + os.urandom(31) for first in range(256) for _ in range(3)]
    add(store, *(claim(1 + place, tag=tag) for place, tag in enumerate(sorted(tags, key=lambda tag: tag[1:]))))
    wanted = [7, 8, 200, 0, 255]
    ranges = [(bytes([first]) + bytes(31), bytes([first]) + b"\xff" * 31) for first in wanted]
    found = store.read_now(lambda transaction: transaction.claims.in_ranges(1, ranges, NOW))
    expected = [sorted(tag for tag in tags if tag[0] == first) for first in wanted]
    assert [[it.tag for it in entries] for entries in found] == expected
    assert store.read_now(lambda transaction: transaction.claims.in_ranges(2, ranges[:2], NOW)) == [[], []]
    assert store.read_now(lambda transaction: transaction.claims.in_ranges(1, [], NOW)) == []


def test_live_tags_are_distinct_and_paged(store: SqlStore) -> None:
    shared = os.urandom(32)
    listed = [claim(number) for number in range(1, 24)]
    listed += [claim(24, tag=shared), claim(25, tag=shared, contributor="lender-b")]
    hidden = [
        claim(26, sharing_level=int(SharingLevel.RED)),
        claim(27, status=ClaimStatus.EXPIRED),
        claim(28, expires_at=NOW),
        claim(1, epoch=2),
    ]
    late = claim(29)
    add(store, *listed, *hidden, late)

    def look(transaction: Transaction) -> tuple[list[bytes], int]:
        return list(transaction.claims.live_tags(1, 28, NOW, 5)), transaction.claims.count_live(1, 28, NOW)

    pages, count = store.read_now(look)
    assert b"".join(pages) == b"".join(sorted({it.tag for it in listed}))
    assert count == 24
    assert [len(page) // 32 for page in pages] == [5, 5, 5, 5, 4]
    assert store.read_now(lambda transaction: list(transaction.claims.live_tags(9, 28, NOW, 5))) == []


def test_new_tags_come_by_their_sequence(store: SqlStore) -> None:
    claims = [claim(number) for number in range(1, 6)]
    add(store, *claims, claim(6, sharing_level=int(SharingLevel.RED)), claim(7, status=ClaimStatus.WITHDRAWN))
    tags = store.read_now(lambda transaction: transaction.claims.tags_between(1, 2, 7))
    assert {tags[start : start + 32] for start in (0, 32, 64)} == {it.tag for it in claims[2:]}
    assert len(tags) == 3 * 32


def test_a_change_of_status_needs_the_next_version(store: SqlStore) -> None:
    one = claim(1)
    add(store, one)
    for version in (0, 2, 3):
        with pytest.raises(Refused) as caught:
            store.write_now(
                given(
                    lambda transaction, to: transaction.claims.change_status(
                        one.entry_id, ClaimStatus.DISPUTED, to, b"s", now=NOW
                    ),
                    version,
                )
            )
        assert caught.value.reason is Reason.CONFLICTING_RETRY
    store.write_now(lambda it: it.claims.change_status(one.entry_id, ClaimStatus.DISPUTED, 1, b"s", now=NOW))
    found = store.read_now(lambda transaction: transaction.claims.get(one.entry_id))
    assert found is not None
    assert (found.status, found.status_version, found.status_change) == (ClaimStatus.DISPUTED, 1, b"s")


def test_the_first_report_of_a_finding_stays(databases: Databases, store: SqlStore) -> None:
    for reporter, finding, now in [("a", 1, 5), ("a", 1, 6), ("a", 2, 7), ("b", 1, 8)]:
        arguments = (bytes(16), reporter, finding, now)
        store.write_now(given(lambda transaction, it: transaction.claims.report(*it), arguments))
    reports = databases.rows("SELECT reporter, finding, reported_at FROM entry_reports ORDER BY reported_at")
    assert reports == [("a", 1, 5), ("a", 2, 7), ("b", 1, 8)]


def test_a_claim_is_due_to_be_purged_when_it_is_over_or_a_while_after_it_was_ended(store: SqlStore) -> None:
    late = NOW + 100 * DAY_MS
    over, ended, ended_late, stays = (
        claim(1, expires_at=NOW, purge_at=NOW),
        claim(2, expires_at=late, purge_at=late),
        claim(3, expires_at=NOW + DAY_MS, purge_at=NOW + DAY_MS),
        claim(4, expires_at=late, purge_at=late, contributor="lender-b"),
    )
    add(store, over, ended, ended_late, stays)
    for it in (ended, ended_late):
        store.write_now(given(lambda transaction, to: set_status(transaction, to, ClaimStatus.RECALLED), it.entry_id))
    store.write_now(lambda transaction: set_status(transaction, stays.entry_id, ClaimStatus.SUSPENDED))

    def due(now: int) -> set[bytes]:
        return {it.entry_id for it in store.read_now(lambda transaction: transaction.claims.due_to_purge(now, 10))}

    assert due(NOW - 1) == set()
    assert due(NOW) == {over.entry_id}
    assert due(NOW + DAY_MS) == {over.entry_id, ended_late.entry_id}
    assert due(NOW + KEPT_AFTER_END_MS - 1) == {over.entry_id, ended_late.entry_id}
    assert due(NOW + KEPT_AFTER_END_MS) == {over.entry_id, ended_late.entry_id, ended.entry_id}
    assert len(due(late)) == 4
    first = store.read_now(lambda transaction: transaction.claims.due_to_purge(late, 1))
    assert [it.entry_id for it in first] == [over.entry_id]


def test_what_is_purged_is_gone_with_its_reports_and_nothing_else(store: SqlStore, databases: Databases) -> None:
    gone, stays = claim(1), claim(2)
    add(store, gone, stays)
    for it in (gone, stays):
        store.write_now(given(lambda transaction, to: transaction.claims.report(to, "lender-b", 1, NOW), it.entry_id))
    purged = store.write_now(lambda transaction: transaction.claims.purge([gone.entry_id, os.urandom(16)]))
    assert purged == 1
    assert store.read_now(lambda transaction: transaction.claims.get(gone.entry_id)) is None
    assert [bytes(it) for (it,) in databases.rows("SELECT entry_id FROM entry_reports")] == [stays.entry_id]
    add(store, claim(3, tag=gone.tag))
