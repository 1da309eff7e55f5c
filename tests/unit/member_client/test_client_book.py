"""A book's parts by themselves: what is compared, what a bucket may hide, what a segment becomes."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from alliance.crypto import bloom
from alliance.crypto.secret import Secret
from alliance.identifiers import Kind
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client import BookDamaged, BucketOverfull, WatchKind
from member_client._book import fetching
from member_client._book.comparing import Comparison
from member_client._book.model import Entry, Facts, Head, Known, Place, matches_from_bytes, matches_to_bytes
from member_client._buckets import Hit
from member_client._cover import DECOYS, Cover
from member_client._questions import Looked
from member_client._statuses import StatusChange
from member_client.watch_events import WatchEvent

NOW = 1_800_000_000_000
HERE, THERE = Place(0, 0), Place(3, 1000)
KNOWN = Known(
    ref="C-1",
    field="phone",
    contributor="bank-b",
    category=Category.MULE_ACCOUNT,
    entry_id=bytes(16),
    epoch=1,
    role=SubjectRole.PERPETRATOR,
    evidence=EvidenceLevel.E3,
    status=ClaimStatus.ACTIVE,
    expires_at=NOW + 1,
)
ENTRY = Entry("C-1", "phone", b"input")


def found(**changes: Any) -> Any:
    """A believed claim, as far as it is looked at."""
    claim = {name: getattr(KNOWN, name) for name in ("contributor", "category", "entry_id", "role", "evidence")}
    told = claim | {"expires_at": NOW + 1} | changes
    return SimpleNamespace(claim=SimpleNamespace(**told), status=changes.get("status", ClaimStatus.ACTIVE))


def change(status: ClaimStatus, entry_id: bytes = bytes(16), reason: str = "why") -> StatusChange:
    return StatusChange(1, entry_id, status, 1, NOW, reason)


def happened(comparison: Comparison) -> list[tuple[WatchKind, ClaimStatus, Action]]:
    return [(it.kind, it.known.status, it.action) for it in comparison.happened]


def test_a_claim_is_new_once_and_its_next_epoch_is_no_news() -> None:
    comparison = Comparison({})
    comparison.see(HERE, ENTRY, found(), 1)
    comparison.see(HERE, ENTRY, found(), 1)
    comparison.see(HERE, ENTRY, found(entry_id=b"n" * 16), 2)
    assert happened(comparison) == [(WatchKind.MATCH_NEW, ClaimStatus.ACTIVE, Action.DECLINE_WITH_HUMAN)]
    assert [one.entry_id for one in comparison.matches[HERE]] == [b"n" * 16]
    # The epoch before shows what it had; what the later one says stands.
    comparison.see(HERE, ENTRY, found(), 1)
    assert [one.epoch for one in comparison.matches[HERE]] == [2]


def test_what_changes_is_told_for_what_it_is() -> None:
    comparison = Comparison({HERE: (KNOWN,)})
    comparison.see(HERE, ENTRY, found(status=ClaimStatus.DISPUTED), 1)
    comparison.see(HERE, ENTRY, found(status=ClaimStatus.SUSPENDED), 1)
    comparison.see(HERE, ENTRY, found(role=SubjectRole.CLIENT_VICTIM), 1)
    assert happened(comparison) == [
        (WatchKind.DISPUTE, ClaimStatus.DISPUTED, Action.STEP_UP),
        (WatchKind.MATCH_CHANGED, ClaimStatus.SUSPENDED, Action.INFORM),
        (WatchKind.MATCH_CHANGED, ClaimStatus.ACTIVE, Action.INFORM),
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (ClaimStatus.RECALLED, WatchKind.RECALL),
        (ClaimStatus.WITHDRAWN, WatchKind.MATCH_CLEARED),
        (ClaimStatus.CORRECTED, WatchKind.MATCH_CLEARED),
        (ClaimStatus.EXPIRED, WatchKind.MATCH_CLEARED),
    ],
)
def test_what_ended_is_told_as_the_hub_signed_it(status: ClaimStatus, kind: WatchKind) -> None:
    comparison = Comparison({HERE: (KNOWN,)})
    assert comparison.tell([change(status, b"x" * 16), change(status)]) == {HERE}
    assert happened(comparison) == [(kind, status, Action.NONE)]
    assert comparison.happened[0].reason == "why"
    # A feed that is told anew is no news.
    assert comparison.tell([change(ClaimStatus.DISPUTED), change(status)]) == set()
    assert len(comparison.happened) == 1
    assert comparison.matches == {}


def test_a_change_that_leaves_a_claim_standing_asks_for_a_look_and_tells_nothing_by_itself() -> None:
    comparison = Comparison({HERE: (KNOWN,)})
    assert comparison.tell([change(ClaimStatus.DISPUTED)]) == {HERE}
    assert (comparison.happened, comparison.touched) == ([], set())


def test_the_action_is_that_of_all_claims_about_a_ref_and_of_no_other_ref() -> None:
    mild = replace(KNOWN, contributor="bank-c", evidence=EvidenceLevel.E1, entry_id=b"m" * 16, expires_at=NOW + 9)
    other = replace(KNOWN, ref="C-2", contributor="bank-d", entry_id=b"o" * 16, expires_at=NOW + 9)
    comparison = Comparison({HERE: (KNOWN,), THERE: (mild, other)})
    comparison.expire(NOW)
    assert comparison.happened == []
    comparison.expire(NOW + 1)
    assert happened(comparison) == [(WatchKind.MATCH_CLEARED, ClaimStatus.EXPIRED, Action.INFORM)]


def test_what_is_gone_from_its_bucket_ends_and_what_is_wrong_there_does_not() -> None:
    comparison = Comparison({HERE: (KNOWN,), THERE: (replace(KNOWN, ref="C-2"),)})
    there = {THERE: {KNOWN.entry_id}}
    assert comparison.missing([HERE, THERE], there, 2) == set()
    assert comparison.missing([HERE, THERE], there, 1) == {HERE}
    comparison.lose([HERE], there, 1)
    assert [it.known.ref for it in comparison.happened] == ["C-1"]
    comparison.leave([2])
    assert [it.known.ref for it in comparison.happened] == ["C-1", "C-2"]


def test_records_come_back_as_they_were() -> None:
    facts = Facts(b"b" * 32, (ENTRY, None, Entry("客户-2", "email", b"\x00\xff")))
    assert Facts.from_bytes(facts.to_bytes()) == facts
    head = Head("b00c", sizes=(3, 0), covered={2: THERE}, next_event=9)
    assert Head.from_bytes(head.to_bytes()) == head
    assert matches_from_bytes(matches_to_bytes(THERE, (KNOWN,))) == (THERE, (KNOWN,))
    event = Comparison({HERE: (KNOWN,)})
    event.tell([change(ClaimStatus.RECALLED)])
    told = event.happened[0].numbered(9, "b00c", NOW)
    assert WatchEvent.from_bytes(told.to_bytes()) == told
    assert told.event_id == WatchEvent.from_bytes(told.to_bytes()).event_id
    assert told.event_id != replace(told, at=NOW + 1).event_id
    assert told.record()["until"] == "2027-01-15T08:00:00.001Z"
    assert "input" not in repr(ENTRY)
    for wrong in (b"", b"[]", b"{}"):
        with pytest.raises(BookDamaged):
            Head.from_bytes(wrong)
        with pytest.raises(BookDamaged):
            matches_from_bytes(wrong)


def test_decoys_are_the_same_each_time_and_of_the_length_that_is_asked_for() -> None:
    cover = Cover(Secret(b"k" * 32))
    tags = bytes(range(64))
    decoys = cover.decoys(tags, 12)
    assert decoys == cover.decoys(tags[:32], 12) | cover.decoys(tags[32:], 12)
    assert 0 < len(decoys) <= 2 * DECOYS
    assert max(decoys) < 2**12
    assert cover.decoys(tags, 0) == {0}
    assert decoys != Cover(Secret(b"l" * 32)).decoys(tags, 12)


def test_of_many_buckets_one_that_is_overfull_hides_its_own_hits_alone() -> None:
    bits, overfull = 8, 0x77
    tags = [bytes([first]) + bytes(31) for first in (0x01, 0x33, overfull, 0x99)]
    hits = [Hit(Kind.PHONE, tag, Secret(tag), (number,)) for number, tag in enumerate(tags)]
    asked: list[int] = []

    async def confirmed(looked: Looked, *_: Any) -> tuple[list[Any], list[Any]]:
        prefixes = {bloom.prefix_of(hit.tag, bits) for hit in looked.hits} | looked.cover
        asked.extend(prefixes)
        if overfull in prefixes:
            raise BucketOverfull("full")
        return [SimpleNamespace(hit=hit, claim=None) for hit in looked.hits], []

    async def through(work: Any, _deadline: Any) -> Any:
        return await work()

    session: Any = SimpleNamespace(
        confirmer=SimpleNamespace(confirmed=confirmed, report=lambda _faults: None),
        quota_wait=SimpleNamespace(through=through),
        cover=Cover(Secret(b"k" * 32)),
    )
    facts: Any = None
    fetched = asyncio.run(fetching.fetch(session, 1, bits, hits, frozenset({0x20}), facts))
    targets = [Place(0, number) for number in range(4)]
    assert {place.offset for place, _ in fetched.found(targets)} == {0, 1, 3}
    assert fetched.settled(targets) == {Place(0, 0), Place(0, 1), Place(0, 3)}
    assert 0x20 in asked
