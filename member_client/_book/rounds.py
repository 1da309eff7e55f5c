"""One look: the book against the filter as it is now, buckets of what hits, and what the hub told of statuses.

Rules:

1. A hit's bucket is fetched once a snapshot: with it come decoys. A second claim on a tag that hits already sets no new
   bit; it is seen with the next snapshot, by a re-screening, or with the next change that names an entry of that tag.
2. What was found out is written with the events that follow from it, in one transaction a lot of hits: a look that is
   cut off loses nothing and tells nothing twice.
3. Where something is gone from a bucket, the feed is read once more before it is said why.
4. An epoch that the book has no tags of is evaluated first, some segments a look, so that the one before goes on.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from alliance.crypto.secret import Secret
from alliance.identifiers import Kind
from alliance.v1.epoch_pb2 import EPOCH_STATE_ACTIVE
from member_client._book.comparing import Comparison
from member_client._book.fetching import fetch
from member_client._book.model import TAG_BYTES, Entry, Head, Place
from member_client._book.shelves import BookShelves, Change, Moved
from member_client._book.tagging import tagged
from member_client._book.view import Seen, View, look_up, read, read_epoch
from member_client._buckets import Hit
from member_client._epochs import PinnedEpoch
from member_client._facts import Facts
from member_client._filter import FilterKeeper, LiveFilter
from member_client._session import Session
from member_client._statuses import StatusChange, StatusFeed
from member_client.errors import BudgetExhausted, EpochNotServed, FilterChanged, HubUnavailable, StatementInvalid
from member_client.subjects import FIELDS

RESCREEN_MS: Final = 24 * 60 * 60 * 1000
GROUP: Final = 64
"""Segments that are looked up together."""
LOT: Final = 2048
"""Hits and cover from which on buckets are fetched and what they say is written, at the first look at a large book."""
TAGGED_A_LOOK: Final = 32
TAGGED_AT_ONCE: Final = 3
_TRIES: Final = 4

_log = logging.getLogger("member_client.watch")


@dataclass(frozen=True, slots=True)
class LookReport:
    """What one look came to: events, entries that lack a tag of the epoch, and hits that could not be settled."""

    events: int = 0
    untagged: int = 0
    unsettled: int = 0


class Rounds:
    """Looks for one member."""

    def __init__(self, session: Session, shelves: BookShelves) -> None:
        self._session = session
        self._shelves = shelves
        self._view: View | None = None
        self._alone = asyncio.Lock()
        self._feed = StatusFeed(session.transport, session.hub)
        self.told: Callable[[], None] = lambda: None
        """Hears that there are events."""

    def knows(self, entry_id: bytes) -> bool:
        """Tell whether an entry was matched, as far as this process knows."""
        matches = self._view.matches if self._view else {}
        return any(one.entry_id == entry_id for known in matches.values() for one in known)

    async def look(self, *, rescreen: bool = False, refresh: bool = True) -> LookReport:
        """Look once; raises what calls raise, and HubUnavailable where others changed the book again and again."""
        async with self._alone:
            first = (await self._session.workers.disk(self._shelves.head)).next_event
            for _ in range(_TRIES):
                try:
                    return await self._look(first, rescreen=rescreen, refresh=refresh)
                except Moved:
                    self._view = None
                except (EpochNotServed, FilterChanged):
                    await self._session.facts.refresh()
                    refresh = True
        raise HubUnavailable("The book or the filter changed again and again while it was looked at.")

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _look(self, first_event: int, *, rescreen: bool, refresh: bool) -> LookReport:
        view = self._view = await self._session.workers.disk(read, self._shelves, self._view)
        await self._ended(view)
        if not view.head.entries:
            return LookReport(view.head.next_event - first_event)
        facts, filters = await self._filters(refresh=refresh)
        now = self._session.clock.now_ms()
        due = rescreen or now - view.head.rescreened_at >= RESCREEN_MS
        unsettled = untagged = 0
        fetches_anew = False
        for epoch, _ in filters:
            if await self._session.workers.disk(self._shelves.hold_epoch, epoch.id, epoch.public_key):
                raise Moved
        for epoch, live in filters:
            await self._session.workers.disk(read_epoch, self._shelves, view, epoch.id)
            untagged += await self._tag(view, epoch)
            if due or view.fetched[epoch.id][0] != live.header.digest:
                view.fetched[epoch.id] = live.header.digest, set()
                view.looked.pop(epoch.id, None)
                fetches_anew = True
            unsettled += await self._through(view, epoch, live, facts)
        if not untagged:
            unsettled += await self._follow(view, filters, facts)
        await self._note(view, now, unsettled, rescreened=fetches_anew)
        return LookReport(view.head.next_event - first_event, untagged, unsettled)

    async def _ended(self, view: View) -> None:
        """Take in what is over by the clock and what the hub told of statuses; what that names is fetched again."""
        comparison = Comparison(view.matches)
        comparison.expire(self._session.clock.now_ms())
        changes, upto = await self._changes(view.head.feed)
        again = comparison.tell(changes)
        if not comparison.touched and upto == view.head.feed:
            return
        for epoch in view.head.covered:
            await self._session.workers.disk(read_epoch, self._shelves, view, epoch)
            digest, fetched = view.fetched[epoch]
            view.fetched[epoch] = digest, fetched - again
        if again:
            view.looked = {}

        def make(head: Head) -> Change:
            change = Change(replace(head, feed=upto))
            for epoch, (digest, fetched) in view.fetched.items():
                change.fetched(epoch, digest, fetched)
            return change

        await self._write(view, comparison, make)

    async def _filters(self, *, refresh: bool) -> tuple[Facts, list[tuple[PinnedEpoch, LiveFilter]]]:
        """Give the epochs that must be asked, each with its filter as it is now."""
        facts = await self._session.facts.now()
        for _ in range(_TRIES):
            sequence = (await self._keeper(facts.epoch, refresh=refresh)).sequence
            epochs = facts.epochs.screened(sequence)
            keepers = [await self._keeper(epoch, refresh=refresh) for epoch in epochs]
            if all((it.epoch_state or 0) <= epoch.state for it, epoch in zip(keepers, epochs, strict=True)):
                filters = [(epoch, it.live) for epoch, it in zip(epochs, keepers, strict=True) if it.live is not None]
                if len(filters) == len(epochs):
                    return facts, filters
            # A filter says that its epoch is in another state than was known.
            facts, refresh = await self._session.facts.refresh(), False
        raise HubUnavailable("There is no filter of the epochs that serve.")

    async def _keeper(self, epoch: PinnedEpoch, *, refresh: bool) -> FilterKeeper:
        keeper = await self._session.keeper(epoch.id)
        if refresh or keeper.live is None:
            await keeper.refresh()
        else:
            await keeper.ensure_fresh()
        return keeper

    # -- tags of an epoch ----------------------------------------------------------------------------------------

    async def _tag(self, view: View, epoch: PinnedEpoch) -> int:
        """Evaluate segments that lack tags of an epoch; gives how many lack them still."""
        missing = view.untagged(epoch.id)
        try:
            for start in range(0, min(len(missing), TAGGED_A_LOOK), TAGGED_AT_ONCE):
                segments = missing[start : start + TAGGED_AT_ONCE]
                await asyncio.gather(*(self._tag_segment(view, segment, epoch) for segment in segments))
        except BudgetExhausted:
            _log.warning("the book is not evaluated under the new epoch yet: the budget is spent")
        return len(view.untagged(epoch.id))

    async def _tag_segment(self, view: View, segment: int, epoch: PinnedEpoch) -> None:
        before = view.tags[epoch.id][segment]
        start = len(before) // TAG_BYTES
        facts = await self._session.workers.disk(self._shelves.facts, segment)
        if facts is None:
            return
        tags, keys, count = await tagged(self._session, facts, start, epoch)
        view.tags[epoch.id][segment] = before + tags
        earlier = await self._session.workers.disk(self._shelves.label_keys, epoch.id, segment) if start else None

        def make(head: Head) -> Change:
            covered = {epoch.id: Place(0, 0)} | head.covered
            change = Change(replace(head.spent(evaluations=count), changed=head.changed + 1, covered=covered))
            change.tags(epoch.id, segment, before + tags, (earlier.reveal() if earlier else b"") + keys)
            return change

        # Entries that were taken out meanwhile must not come back.
        head = await self._session.workers.disk(self._shelves.change, make, view.head.generation)
        view.head = replace(head, sizes=view.head.sizes, changed=view.head.changed + 1)

    # -- filter and buckets --------------------------------------------------------------------------------------

    async def _through(self, view: View, epoch: PinnedEpoch, live: LiveFilter, facts: Facts) -> int:
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
        await self._missed(view, comparison, settled | seen.lost, there, epoch)
        # A bucket that is overfull is left for the next snapshot: it is large, and stays so.
        kept = before.union(targets)
        prefixes = self._session.fetcher.prefixes - used

        def make(head: Head) -> Change:
            marks = head.covered | {epoch.id: covered}
            change = Change(replace(head.spent(prefixes=prefixes), covered=marks))
            change.fetched(epoch.id, digest, kept)
            return change

        await self._write(view, comparison, make)
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
        changes, _ = await self._changes(view.head.feed)
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

    # -- statuses ------------------------------------------------------------------------------------------------

    async def _changes(self, after: int) -> tuple[list[StatusChange], int]:
        """Give what the hub told of statuses after a number, and how far that reaches."""
        for _ in range(_TRIES):
            changes: list[StatusChange] = []
            upto = after
            try:
                async for page in self._feed.rest(after):
                    changes += page.changes
                    upto = page.upto
            except StatementInvalid:
                if not await self._session.hub.succeeded():
                    raise
            else:
                return changes, upto
        raise HubUnavailable("The hub's changes of statuses cannot be had.")

    # -- endings -------------------------------------------------------------------------------------------------

    async def _follow(self, view: View, filters: Sequence[tuple[PinnedEpoch, LiveFilter]], facts: Facts) -> int:
        """Look for what is known of epochs that are not asked any more in the one that serves, and end the rest.

        A claim that followed onto a tag which hit there before has set no new bit. Gives how many hits are unsettled.
        """
        asked = [epoch.id for epoch, _ in filters]
        left = {place for place, known in view.matches.items() if any(one.epoch not in asked for one in known)}
        unsettled = 0
        if left:
            epoch, live = filters[0]
            digest, fetched = view.fetched[epoch.id]
            view.fetched[epoch.id] = digest, fetched - left
            view.looked.pop(epoch.id, None)
            unsettled = await self._through(view, epoch, live, facts)
        await self._leave(view, facts, asked)
        return unsettled

    async def _leave(self, view: View, facts: Facts, asked: Iterable[int]) -> None:
        """End what did not follow out of epochs that are over, and forget their tags."""
        comparison = Comparison(view.matches)
        comparison.leave(asked)
        gone = view.head.covered.keys() - {epoch.id for epoch in facts.epochs.known}
        if not comparison.touched and not gone:
            return

        def make(head: Head) -> Change:
            change = Change(head)
            for epoch in gone:
                change.forget_epoch(epoch)
            return change

        await self._write(view, comparison, make)
        for epoch in gone:
            view.tags.pop(epoch, None)
            view.fetched.pop(epoch, None)

    async def _note(self, view: View, now: int, unsettled: int, *, rescreened: bool) -> None:
        def make(head: Head) -> Change:
            if not rescreened:
                return Change(replace(head, looked_at=now, unsettled=head.unsettled + unsettled))
            counted = head.rescreenings + 1
            noted = replace(head, looked_at=now, unsettled=unsettled, rescreened_at=now, rescreenings=counted)
            return Change(noted)

        head = await self._session.workers.disk(self._shelves.change, make, view.head.generation)
        view.head = replace(head, changed=view.head.changed, sizes=view.head.sizes)

    async def _write(self, view: View, comparison: Comparison, make: Callable[[Head], Change]) -> None:
        """Write what was found out with its events, unless somebody else found out something meanwhile."""
        now = self._session.clock.now_ms()

        def with_events(head: Head) -> Change:
            change = make(head)
            for number, happening in enumerate(comparison.happened, head.next_event):
                change.event(happening.numbered(number, head.book, now))
            for place in comparison.touched:
                change.matches(place, comparison.matches.get(place, ()))
            next_event = head.next_event + len(comparison.happened)
            change.head = replace(change.head, generation=head.generation + 1, next_event=next_event)
            return change

        head = await self._session.workers.disk(self._shelves.change, with_events, view.head.generation)
        # What others added meanwhile is read at the next look.
        view.head = replace(head, changed=view.head.changed, sizes=view.head.sizes)
        view.matches = comparison.matches
        if comparison.happened:
            self.told()
