"""What a look finds out, written with the events that follow from it; and the feed of statuses that it goes by.

What was found out is one transaction, and counts only if nobody else found out something since: a look that is cut off
loses nothing and tells nothing twice.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from member_client._book.comparing import Comparison
from member_client._book.model import Head
from member_client._book.shelves import BookShelves, Change
from member_client._book.view import View
from member_client._session import Session
from member_client._statuses import StatusChange, StatusFeed
from member_client.errors import HubUnavailable, StatementInvalid

_TRIES: Final = 4


class Notebook:
    """The book as a look writes into it."""

    def __init__(self, session: Session, shelves: BookShelves, told: Callable[[], None]) -> None:
        """`told` hears that there are events."""
        self._session = session
        self._shelves = shelves
        self._told = told
        self._feed = StatusFeed(session.transport, session.hub)

    async def changes(self, after: int) -> tuple[list[StatusChange], int]:
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

    async def note(self, view: View, now: int, unsettled: int, *, rescreened: bool) -> None:
        """Write that the book was looked at, and how many hits could not be settled."""

        def make(head: Head) -> Change:
            if not rescreened:
                return Change(replace(head, looked_at=now, unsettled=head.unsettled + unsettled))
            counted = head.rescreenings + 1
            noted = replace(head, looked_at=now, unsettled=unsettled, rescreened_at=now, rescreenings=counted)
            return Change(noted)

        head = await self._session.workers.disk(self._shelves.change, make, view.head.generation)
        view.head = replace(head, changed=view.head.changed, sizes=view.head.sizes)

    async def write(self, view: View, comparison: Comparison, make: Callable[[Head], Change]) -> None:
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
            self._told()
