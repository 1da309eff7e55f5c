"""A book as epochs follow each other: evaluated anew, looked for in the one that serves, and rid of what is over.

An epoch that the book has no tags of is evaluated some segments a look, so that the one before goes on being watched.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from member_client._book.comparing import Comparison
from member_client._book.holding import Holding
from member_client._book.model import TAG_BYTES, Head, Place
from member_client._book.notebook import Notebook
from member_client._book.shelves import BookShelves, Change
from member_client._book.tagging import tagged
from member_client._book.view import View
from member_client._epochs import PinnedEpoch
from member_client._facts import Facts
from member_client._filter import LiveFilter
from member_client._session import Session
from member_client.errors import BudgetExhausted

TAGGED_A_LOOK: Final = 32
TAGGED_AT_ONCE: Final = 3

_log = logging.getLogger("member_client.watch")


class Following:
    """Follows the epochs with one book."""

    def __init__(self, session: Session, shelves: BookShelves, notebook: Notebook, holding: Holding) -> None:
        self._session = session
        self._shelves = shelves
        self._notebook = notebook
        self._holding = holding

    async def tag(self, view: View, epoch: PinnedEpoch) -> int:
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

    async def follow(self, view: View, filters: Sequence[tuple[PinnedEpoch, LiveFilter]], facts: Facts) -> int:
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
            unsettled = await self._holding.through(view, epoch, live, facts)
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

        await self._notebook.write(view, comparison, make)
        for epoch in gone:
            view.tags.pop(epoch, None)
            view.fetched.pop(epoch, None)
