"""Whatever happens to claims in whatever order: who replays the events knows what the book knows."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alliance.taxonomy import LIVE_STATUSES, Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client._book.comparing import Comparison
from member_client._book.model import Entry, Place
from member_client._statuses import StatusChange
from member_client.watch_events import WatchKind

NOW = 1_800_000_000_000
GONE = {WatchKind.MATCH_CLEARED, WatchKind.RECALL}
ENTRIES = {
    Place(0, 0): Entry("C-1", "phone", b"1"),
    Place(0, 1): Entry("C-1", "email", b"2"),
    Place(1, 0): Entry("C-2", "phone", b"1"),
}

claims = st.builds(
    SimpleNamespace,
    contributor=st.sampled_from(["bank-a", "bank-b"]),
    category=st.sampled_from([Category.MULE_ACCOUNT, Category.PHISHING]),
    entry_id=st.binary(min_size=1, max_size=1),
    role=st.sampled_from(list(SubjectRole)),
    evidence=st.sampled_from(list(EvidenceLevel)),
    expires_at=st.integers(NOW - 5, NOW + 5),
)
seen = st.tuples(
    st.just("see"),
    st.sampled_from(sorted(ENTRIES)),
    claims,
    st.sampled_from(sorted(LIVE_STATUSES)),
    st.integers(1, 2),
)
told = st.tuples(st.just("tell"), st.binary(min_size=1, max_size=1), st.sampled_from(list(ClaimStatus)))
steps = st.lists(
    st.one_of(
        seen,
        told,
        st.tuples(st.just("expire"), st.integers(NOW - 5, NOW + 5)),
        st.tuples(st.just("lose"), st.sets(st.sampled_from(sorted(ENTRIES))), st.integers(1, 2)),
        st.tuples(st.just("leave"), st.sets(st.integers(1, 2))),
    ),
    max_size=30,
)


def take(comparison: Comparison, step: Any) -> None:
    match step:
        case ("see", place, claim, status, epoch):
            comparison.see(place, ENTRIES[place], SimpleNamespace(claim=claim, status=status), epoch)  # type: ignore[arg-type]
        case ("tell", entry_id, status):
            comparison.tell([StatusChange(1, entry_id, status, 1, NOW)])
        case ("expire", now):
            comparison.expire(now)
        case ("lose", places, epoch):
            comparison.lose(places, {}, epoch)
        case ("leave", epochs):
            comparison.leave(epochs)


@given(steps)
def test_who_replays_the_events_knows_what_the_book_knows(taken: list[Any]) -> None:
    comparison = Comparison({})
    replayed: dict[Any, Any] = {}
    for step in taken:
        before = len(comparison.happened)
        take(comparison, step)
        for event in comparison.happened[before:]:
            one = event.known
            name = one.ref, one.field, one.about
            assert (event.kind is WatchKind.MATCH_NEW) == (name not in replayed), "new once, and nothing before it"
            if event.kind in GONE:
                del replayed[name]
            else:
                replayed[name] = one.ground
        known = {(one.ref, one.field, one.about): one.ground for them in comparison.matches.values() for one in them}
        assert known == replayed
        assert all(one.status in LIVE_STATUSES for them in comparison.matches.values() for one in them)
    # From what was kept, another look goes on the same way.
    again = Comparison(comparison.matches)
    again.leave([])
    assert again.matches == {}
    assert len(again.happened) == len(replayed)
