"""The book of one client: added to, looked at again and again while somebody listens, and its events given out.

While anybody listens, one task looks whenever the filter may have moved, and another follows the feed of statuses, so
that a change about a claim that the book knows is looked at as it comes.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from member_client._book.adding import Adding, WatchAddReport
from member_client._book.model import Head
from member_client._book.rounds import LookReport, Rounds
from member_client._book.shelves import BookShelves, Change
from member_client._session import Session
from member_client._statuses import StatusFeed
from member_client.errors import BudgetExhausted, HubUnavailable, InvalidUse
from member_client.screening import Subjects
from member_client.subjects import Consent
from member_client.watch_events import WatchEvent

LOOK_SECONDS: Final = 30.0
LOOK_ENTRIES: Final = 65_536
"""Added to the book before they are looked up."""
EVENTS_AT_ONCE: Final = 256

_log = logging.getLogger("member_client.watch")


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """How the watch stands; times in milliseconds UTC, 0 before the first.

    `evaluations` and `prefixes` are what the hub learned to count because of the book, `rescreenings` how often all
    hits were fetched anew. `unsettled` hits have a bucket that could not be read.
    """

    book: str
    identifiers: int
    matches: int
    newest: int
    acknowledged: int
    unacknowledged: int
    dead_letters: int
    unsettled: int
    evaluations: int
    prefixes: int
    rescreenings: int
    looked_at: int
    rescreened_at: int


class Book:
    """The book, for one session."""

    def __init__(self, session: Session, shelves: BookShelves) -> None:
        self._session = session
        self._shelves = shelves
        self._adding = Adding(session, shelves)
        self._news = asyncio.Event()
        self._rounds = Rounds(session, shelves, self._news.set)
        self._wake = asyncio.Event()
        self._feed_moved = True
        self._keeping: asyncio.Task[None] | None = None
        self._listeners = 0

    @classmethod
    async def opened(cls, session: Session) -> "Book":
        """Open the book of a session's profile; raises BookDamaged, and what a store raises."""
        folder, key = session.profile.state_folder, session.keys.store_key
        return cls(session, await session.workers.disk(BookShelves, folder, key))

    async def close(self) -> None:
        """End what is under way and close the file."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._session.workers.disk(self._shelves.close)

    # -- what is in it -------------------------------------------------------------------------------------------

    async def add(self, subjects: Subjects, consent: Consent) -> AsyncGenerator[WatchAddReport, None]:
        """Add subjects; gives a report a batch. They are looked up meanwhile, as a screening would.

        Who evaluates much and fetches nothing looks to the hub as if it tried identifiers out.
        """
        since = 0
        async with aclosing(self._adding.reports(subjects, consent)) as reports:
            async for report in reports:
                yield report
                since += report.added
                if since >= LOOK_ENTRIES:
                    await self._looked(refresh=False)
                    since = 0
        if since:
            await self._looked(refresh=False)
        self._wake.set()

    async def remove(self, refs: Iterable[str]) -> int:
        """Take out everything under refs; gives how many identifiers."""
        return await self._session.workers.disk(self._adding.remove, list(refs))

    async def fields(self) -> Counter[str]:
        """Count identifiers by field."""
        return await self._session.workers.disk(self._counted)

    def _counted(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for facts in self._shelves.all_facts(self._shelves.head()):
            counted.update(entry.field for entry in facts.entries if entry)
        return counted

    async def status(self) -> WatchStatus:
        """Tell how the watch stands; sends nothing."""
        return await self._session.workers.disk(self._status)

    def _status(self) -> WatchStatus:
        head = self._shelves.head()
        newest = head.next_event - 1
        return WatchStatus(
            book=head.book,
            identifiers=head.entries,
            matches=sum(len(known) for known in self._shelves.all_matches().values()),
            newest=newest,
            acknowledged=head.acknowledged,
            unacknowledged=newest - head.acknowledged,
            dead_letters=len(self._shelves.dead_letters()),
            unsettled=head.unsettled,
            evaluations=head.evaluations,
            prefixes=head.prefixes,
            rescreenings=head.rescreenings,
            looked_at=head.looked_at,
            rescreened_at=head.rescreened_at,
        )

    async def rescreen(self) -> LookReport:
        """Look now, and fetch the buckets of all hits anew; evaluates under a new epoch until all is."""
        report = await self._through(rescreen=True)
        if report.untagged:
            raise BudgetExhausted("The book is not evaluated under the new epoch yet: the budget is spent.")
        return report

    async def _through(self, *, rescreen: bool = False) -> LookReport:
        """Look until all is evaluated under the epoch that serves, or the budget is spent."""
        report = await self._rounds.look(rescreen=rescreen)
        untagged = report.untagged + 1
        while 0 < report.untagged < untagged:
            untagged, events = report.untagged, report.events
            later = await self._rounds.look()
            report = replace(later, events=events + later.events)
        return report

    # -- what happened to it -------------------------------------------------------------------------------------

    async def events(self, after: int, *, follow: bool) -> AsyncGenerator[list[WatchEvent], None]:
        """Give events with numbers above one, as they come; else look once, and give what there is."""
        if not follow:
            await self._through()
            async for events in self._there(after):
                yield events
            return
        async with self._listened_to() as keeping:
            while True:
                self._news.clear()
                async for events in self._there(after):
                    yield events
                    after = events[-1].number
                await self._until_news(keeping)

    async def _there(self, after: int) -> AsyncIterator[list[WatchEvent]]:
        while events := await self._session.workers.disk(self._read, after):
            yield events
            after = events[-1].number

    def _read(self, after: int) -> list[WatchEvent]:
        return self._shelves.events(self._shelves.head(), after, EVENTS_AT_ONCE)

    async def acknowledge(self, number: int) -> None:
        """Drop events up to a number: they are dealt with; raises InvalidUse for a number of none."""

        def make(head: Head) -> Change:
            if not 0 <= number < head.next_event:
                raise InvalidUse("an event's number is acknowledged, and there is none of this number")
            change = Change(replace(head, acknowledged=max(head.acknowledged, number)))
            change.forget_events(range(head.acknowledged + 1, number + 1))
            return change

        await self._session.workers.disk(self._shelves.change, make)

    async def dead_letters(self) -> list[WatchEvent]:
        """Give the events that no webhook took."""
        return await self._session.workers.disk(self._shelves.dead_letters)

    async def set_aside(self, event: WatchEvent) -> None:
        """Put an event among the dead letters, so that later ones go on."""
        await self._dead_letter(event.number, event)

    async def forget_dead_letter(self, number: int) -> None:
        """Drop a dead letter: somebody took it."""
        await self._dead_letter(number, None)

    async def _dead_letter(self, number: int, event: WatchEvent | None) -> None:
        def make(head: Head) -> Change:
            change = Change(head)
            change.dead_letter(number, event)
            return change

        await self._session.workers.disk(self._shelves.change, make)

    # -- looking again and again ---------------------------------------------------------------------------------

    async def _until_news(self, keeping: asyncio.Task[None]) -> None:
        """Wait for events, or as long as another process may have made some; raises what the looking ended with."""
        news = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait({news, keeping}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
        if keeping.done():
            keeping.result()

    @asynccontextmanager
    async def _listened_to(self) -> AsyncIterator[asyncio.Task[None]]:
        """Look for as long as anybody listens."""
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep(), name="alliance-watch")
            self._keeping.add_done_callback(lambda task: task.cancelled() or task.exception())
        keeping = self._keeping
        self._listeners += 1
        try:
            yield keeping
        finally:
            self._listeners -= 1
            if not self._listeners:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self) -> None:
        tasks = [asyncio.create_task(work) for work in (self._look_again_and_again(), self._follow())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_again_and_again(self) -> None:
        refresh = True
        while True:
            self._wake.clear()
            # The feed that is followed says when there is anything to be asked: two calls a minute fewer, and events.
            asks, self._feed_moved = self._feed_moved, False
            report = await self._looked(refresh=refresh, asks=asks)
            if report.untagged:
                continue
            refresh = not await self._woken()

    async def _looked(self, *, refresh: bool, asks: bool = True) -> LookReport:
        """Look, and leave what passes by itself for the next time."""
        try:
            return await self._rounds.look(refresh=refresh, asks=asks)
        except (HubUnavailable, BudgetExhausted) as error:
            self._feed_moved = True
            _log.warning("the book could not be looked at: %s", type(error).__name__)
            return LookReport()

    async def _woken(self) -> bool:
        """Wait until the next look is due; says whether something asked for it before."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    async def _follow(self) -> None:
        """Have the book looked at when the hub tells of a claim that it knows."""
        feed = StatusFeed(self._session.transport, self._session.hub)
        after = (await self._session.workers.disk(self._shelves.head)).feed
        async with aclosing(feed.pages(after)) as pages:
            async for page in pages:
                self._feed_moved |= bool(page.changes)
                if not self._rounds.known_entries().isdisjoint(change.entry_id for change in page.changes):
                    self._wake.set()
