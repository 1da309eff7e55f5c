"""The book against a filter: what hits is fetched, compared with what was known, and written.

Rules:

1. A hit's bucket is fetched once a snapshot: with it come decoys.
2. Where something is gone from its bucket, or ruled out by the filter, the feed is read once more before it is said
   why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from alliance.crypto.secret import Secret
from alliance.identifiers import Kind
from alliance.v1.epoch_pb2 import EPOCH_STATE_ACTIVE
from member_client._book.comparing import Comparison
from member_client._book.fetching import fetch
from member_client._book.model import TAG_BYTES, Entry, Head, Place
from member_client._book.notebook import Notebook
from member_client._book.shelves import BookShelves, Change
from member_client._book.view import Seen, View, look_up
from member_client._buckets import Hit
from member_client._epochs import PinnedEpoch
from member_client._facts import Facts
from member_client._filter import LiveFilter
from member_client._session import Session
from member_client.subjects import FIELDS

GROUP: Final = 64
"""Segments that are looked up together."""
LOT: Final = 2048
"""Hits and cover from which on buckets are fetched and what they say is written, at the first look at a large book."""


class Holding:
    """Holds one book against filters."""

    def __init__(self, session: Session, shelves: BookShelves, notebook: Notebook) -> None:
        self._session = session
        self._shelves = shelves
        self._notebook = notebook

    async def through(self, view: View, epoch: PinnedEpoch, live: LiveFilter, facts: Facts) -> int:
        """Hold the book against a filter; gives how many hits could not be settled."""
        state = live.header.digest, live.sequence, view.head.changed
        if view.looked.get(epoch.id) == state:
            return 0
        tags = view.tags[epoch.id]
        unsettled, seen = 0, Seen()
        for start in range(0, len(tags), GROUP):
            group = {segment: tags[segment] for segment in range(start, min(start + GROUP, len(tags)))}
            since = view.head.covered.get(epoch.id, Place(0, 0))
            seen = seen.and_then(await self._session.workers.cpu(self._fresh, view, epoch.id, group, live, since))
            is_last = max(group) == len(tags) - 1
            if is_last or len(seen.hits) + len(seen.cover) >= LOT:
                end = Place(max(group), len(group[max(group)]) // TAG_BYTES)
                unsettled += await self._settle(view, epoch, live, facts, seen, max(since, end))
                seen = Seen()
        view.looked[epoch.id] = state
        return unsettled

    def _fresh(self, view: View, epoch: int, tags: Mapping[int, bytes], live: LiveFilter, since: Place) -> Seen:
        """Look segments up; gives hits whose buckets are to be fetched, and what is known and hits no more."""
        seen = look_up(tags, live, self._session.cover, since)
        _, before = view.fetched[epoch]
        fresh = [place for place in seen.hits if place not in before and view.tag(epoch, place)]
        return Seen(fresh, seen.cover, view.known(epoch, tags) - set(seen.hits))

    async def _settle(
        self, view: View, epoch: PinnedEpoch, live: LiveFilter, facts: Facts, seen: Seen, covered: Place
    ) -> int:
        """Fetch what a lot of hits needs, compare, and write; gives how many hits could not be settled."""
        digest, before = view.fetched[epoch.id]
        targets = seen.hits
        if not targets and not seen.cover and not seen.lost and covered == view.head.covered.get(epoch.id):
            return 0
        entries, hits = await self._session.workers.disk(self._hits, view, epoch.id, targets)
        used = self._session.fetcher.prefixes
        fetched = await fetch(self._session, epoch.id, live.header.prefix_bits, hits, seen.cover, facts)
        comparison = Comparison(view.matches)
        there: dict[Place, set[bytes]] = {}
        for place, one in fetched.found(targets):
            there.setdefault(place, set()).add(one.claim.entry_id)
            comparison.see(place, entries[place], one, epoch.id)
        for place, entry_id in fetched.doubted(targets):
            there.setdefault(place, set()).add(entry_id)
        settled = fetched.settled(targets)
        comparison.expire(self._session.clock.now_ms())  # what ended meanwhile is not shown any more
        await self._missed(view, comparison, settled | seen.lost, there, epoch)
        # A bucket that is overfull is left for the next snapshot: it is large, and stays so.
        kept = before.union(targets)
        prefixes = self._session.fetcher.prefixes - used

        def make(head: Head) -> Change:
            marks = head.covered | {epoch.id: covered}
            change = Change(replace(head.spent(prefixes=prefixes), covered=marks))
            change.fetched(epoch.id, digest, kept)
            return change

        await self._notebook.write(view, comparison, make)
        view.fetched[epoch.id] = digest, kept
        return len(targets) - len(settled)

    async def _missed(
        self,
        view: View,
        comparison: Comparison,
        settled: set[Place],
        there: dict[Place, set[bytes]],
        epoch: PinnedEpoch,
    ) -> None:
        """End what is gone from its bucket, or ruled out by the filter, for the reason that the hub signed by now."""
        missing = comparison.missing(settled, there, epoch.id)
        if not missing:
            return
        # Taken in by the next look once more: it may name others, whose buckets are to be fetched again.
        changes, _ = await self._notebook.changes(view.head.feed)
        comparison.tell(changes)
        # What is gone from an epoch that leaves may have followed into the next, where it is seen by and by.
        if epoch.state == EPOCH_STATE_ACTIVE:
            comparison.lose(missing, there, epoch.id)

    def _hits(self, view: View, epoch: int, targets: Sequence[Place]) -> tuple[dict[Place, Entry], list[Hit]]:
        """Read whose the hits are, and what opens their boxes; equal tags make one hit of several places. Blocks."""
        entries: dict[Place, Entry] = {}
        keys: dict[int, bytes] = {}
        by_tag: dict[tuple[Kind, bytes], list[int]] = {}
        for segment, group in groupby(enumerate(targets), lambda it: it[1].segment):
            facts = self._shelves.facts(segment)
            keys[segment] = self._shelves.label_keys(epoch, segment).reveal()
            for number, place in group:
                if facts is not None and (entry := facts.entries[place.offset]):
                    entries[place] = entry
                    by_tag.setdefault((FIELDS[entry.field][0], view.tag(epoch, place)), []).append(number)
        hits = []
        for (kind, tag), numbers in by_tag.items():
            place = targets[numbers[0]]
            start = TAG_BYTES * place.offset
            hits.append(Hit(kind, tag, Secret(keys[place.segment][start : start + TAG_BYTES]), tuple(numbers)))
        return entries, hits
