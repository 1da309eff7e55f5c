"""What happened, by what was known before and what is seen now. No I/O.

Rules:

1. A claim is the same as one that was known where contributor, category and entry of the book are: another epoch's id
   of it is no news.
2. What ended is told by the hub's signed change where there is one: a recall is not a withdrawal. A claim that is over
   by this machine's clock has ended without anybody's word.
3. A claim is gone where its bucket was fetched and does not hold it, and nothing wrong was found in its place.
4. The action is that of all claims about the ref together, after the event.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from alliance.taxonomy import LIVE_STATUSES, Action, ClaimStatus, combined_action
from member_client._book.model import Entry, Known, Matches, Place
from member_client._buckets import Found
from member_client._statuses import StatusChange
from member_client.watch_events import WatchEvent, WatchKind


@dataclass(frozen=True, slots=True)
class Happening:
    """An event before it has its number."""

    kind: WatchKind
    known: Known
    action: Action
    reason: str = ""

    def numbered(self, number: int, book: str, now_ms: int) -> WatchEvent:
        """Give the event."""
        known = self.known
        return WatchEvent(
            number=number,
            kind=self.kind,
            ref=known.ref,
            field=known.field,
            entry_id=known.entry_id,
            contributor=known.contributor,
            category=known.category,
            role=known.role,
            evidence=known.evidence,
            status=known.status,
            action=self.action,
            expires_at=known.expires_at,
            at=now_ms,
            book=book,
            reason=self.reason,
        )


class Comparison:
    """What is known, followed through what is seen; `happened` are the events in order, `touched` what changed."""

    def __init__(self, matches: Matches) -> None:
        """Take what was known; it is not changed."""
        self.matches = dict(matches)
        self.happened: list[Happening] = []
        self.touched: set[Place] = set()
        self._of_ref: dict[str, set[Place]] = {}
        for place, known in matches.items():
            for one in known:
                self._of_ref.setdefault(one.ref, set()).add(place)

    def expire(self, now_ms: int) -> None:
        """End what is over by the clock."""
        for place, one in self._all():
            if one.expires_at <= now_ms:
                self._end(place, one, WatchKind.MATCH_CLEARED, ClaimStatus.EXPIRED)

    def tell(self, changes: Iterable[StatusChange]) -> set[Place]:
        """Take in what the hub signed of claims' statuses; gives the entries that are to be looked at again."""
        entries = {one.entry_id: place for place, one in self._all()}
        again: set[Place] = set()
        for change in changes:
            place = entries.get(change.entry_id)
            if place is None:
                continue
            again.add(place)
            if change.status in LIVE_STATUSES:
                continue  # what stands is seen in the bucket; of changes that are told anew, older ones are no news
            for one in self.matches.get(place, ()):
                if one.entry_id == change.entry_id:
                    kind = WatchKind.RECALL if change.status is ClaimStatus.RECALLED else WatchKind.MATCH_CLEARED
                    self._end(place, one, kind, change.status, change.reason)
        return again

    def see(self, place: Place, entry: Entry, found: Found, epoch: int) -> None:
        """Take in a believed claim about an entry."""
        claim = found.claim
        seen = Known(
            ref=entry.ref,
            field=entry.field,
            contributor=claim.contributor,
            category=claim.category,
            entry_id=claim.entry_id,
            epoch=epoch,
            role=claim.role,
            evidence=claim.evidence,
            status=found.status,
            expires_at=claim.expires_at,
        )
        before = next((one for one in self.matches.get(place, ()) if one.about == seen.about), None)
        if before is None:
            self._put(place, None, seen)
            self._happen(WatchKind.MATCH_NEW, seen)
        elif before != seen and before.epoch <= epoch:
            self._put(place, before, seen)
            if before.status is not seen.status and seen.status is ClaimStatus.DISPUTED:
                self._happen(WatchKind.DISPUTE, seen)
            elif before.ground != seen.ground:
                self._happen(WatchKind.MATCH_CHANGED, seen)

    def missing(self, fetched: Iterable[Place], seen: Mapping[Place, set[bytes]], epoch: int) -> set[Place]:
        """Give the entries of which a claim of an epoch is known and was not seen; `seen` are entry ids by entry."""
        return {
            place
            for place in fetched
            if any(it.epoch == epoch and it.entry_id not in seen.get(place, ()) for it in self.matches.get(place, ()))
        }

    def lose(self, places: Iterable[Place], seen: Mapping[Place, set[bytes]], epoch: int) -> None:
        """End what is known of an epoch and was not seen, without a word of the hub about it."""
        for place in sorted(places):
            for one in self.matches.get(place, ()):
                if one.epoch == epoch and one.entry_id not in seen.get(place, ()):
                    self._end(place, one, WatchKind.MATCH_CLEARED, one.status)

    def leave(self, epochs: Iterable[int]) -> None:
        """End what is of none of these epochs: it did not follow into them."""
        kept = set(epochs)
        for place, one in self._all():
            if one.epoch not in kept:
                self._end(place, one, WatchKind.MATCH_CLEARED, one.status)

    def _all(self) -> list[tuple[Place, Known]]:
        return [(place, one) for place, known in sorted(self.matches.items()) for one in known]

    def _end(self, place: Place, one: Known, kind: WatchKind, status: ClaimStatus, reason: str = "") -> None:
        self._put(place, one, None)
        self._happen(kind, replace(one, status=status), reason)

    def _put(self, place: Place, before: Known | None, after: Known | None) -> None:
        kept = tuple(one for one in self.matches.get(place, ()) if one is not before)
        known = (*kept, after) if after else kept
        if known:
            self.matches[place] = known
        else:
            self.matches.pop(place, None)
        if after is not None:
            self._of_ref.setdefault(after.ref, set()).add(place)
        self.touched.add(place)

    def _happen(self, kind: WatchKind, known: Known, reason: str = "") -> None:
        places = self._of_ref.get(known.ref, set())
        grounds = [one.ground for place in places for one in self.matches.get(place, ()) if one.ref == known.ref]
        self.happened.append(Happening(kind, known, combined_action(grounds), reason))
