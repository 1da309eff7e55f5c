"""One look: the book against the filter as it is now, buckets of what hits, and what the hub told of statuses.

Rules:

1. One look at a time in a process. Two processes may look at once: of what both found out, one's is written, and the
   other looks again.
2. A second claim on a tag that hits already sets no new bit: it is seen with the next snapshot, by a re-screening, or
   with the next change that names an entry of that tag. So what a change names is fetched again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from member_client._book.comparing import Comparison
from member_client._book.following import Following
from member_client._book.holding import Holding
from member_client._book.model import Head, Place
from member_client._book.notebook import Notebook
from member_client._book.shelves import BookShelves, Change, Moved
from member_client._book.view import View, read, read_epoch
from member_client._epochs import PinnedEpoch
from member_client._facts import Facts
from member_client._filter import FilterKeeper, LiveFilter
from member_client._session import Session
from member_client.errors import EpochNotServed, FilterChanged, HubUnavailable

RESCREEN_MS: Final = 24 * 60 * 60 * 1000
_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class LookReport:
    """What one look came to: events, entries that lack a tag of the epoch, and hits that could not be settled."""

    events: int = 0
    untagged: int = 0
    unsettled: int = 0


class Rounds:
    """Looks for one member."""

    def __init__(self, session: Session, shelves: BookShelves, told: Callable[[], None]) -> None:
        """`told` hears that there are events."""
        self._session = session
        self._shelves = shelves
        self._notebook = Notebook(session, shelves, told)
        self._holding = Holding(session, shelves, self._notebook)
        self._following = Following(session, shelves, self._notebook, self._holding)
        self._view: View | None = None
        self._alone = asyncio.Lock()

    def known_entries(self) -> set[bytes]:
        """Give the ids of the entries that were matched, as far as this process knows."""
        matches = self._view.matches if self._view else {}
        return {one.entry_id for known in matches.values() for one in known}

    async def look(self, *, rescreen: bool = False, refresh: bool = True, asks: bool = True) -> LookReport:
        """Look once; raises what calls raise, and HubUnavailable where others changed the book again and again.

        The filter is fetched where `refresh` says so, and the feed of statuses asked where `asks` does.
        """
        async with self._alone:
            first = (await self._session.workers.disk(self._shelves.head)).next_event
            for _ in range(_TRIES):
                try:
                    return await self._look(first, rescreen=rescreen, refresh=refresh, asks=asks)
                except Moved:
                    self._view = None
                except (EpochNotServed, FilterChanged):
                    await self._session.facts.refresh()
                    refresh = True
        raise HubUnavailable("The book or the filter changed again and again while it was looked at.")

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _look(self, first_event: int, *, rescreen: bool, refresh: bool, asks: bool) -> LookReport:
        view = self._view = await self._session.workers.disk(read, self._shelves, self._view)
        await self._ended(view, asks=asks)
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
            untagged += await self._following.tag(view, epoch)
            if due or view.fetched[epoch.id][0] != live.header.digest:
                view.fetched[epoch.id] = live.header.digest, set()
                view.looked.pop(epoch.id, None)
                fetches_anew = True
            unsettled += await self._holding.through(view, epoch, live, facts)
        if not untagged:
            unsettled += await self._following.follow(view, filters, facts)
        await self._notebook.note(view, now, unsettled, rescreened=fetches_anew)
        return LookReport(view.head.next_event - first_event, untagged, unsettled)

    async def _ended(self, view: View, *, asks: bool) -> None:
        """Take in what is over by the clock and what the hub told of statuses; what that names is fetched again."""
        comparison = Comparison(view.matches)
        comparison.expire(self._session.clock.now_ms())
        upto, again = view.head.feed, set[Place]()
        if asks:
            changes, upto = await self._notebook.changes(upto)
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

        await self._notebook.write(view, comparison, make)

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
