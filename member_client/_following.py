"""What an open client does by itself: next filter, re-tagging, recalls, outcomes, replies to cases, own entries.

All of it in the background, begun when the hub's facts were fetched, and never in the way of a call: what fails is
tried again after the next fetch, and what is about trust fails in the calls as well.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine
from typing import Any, Final

from member_client._cases.waiting import Waiting
from member_client._facts import Facts
from member_client._own_entries import OwnEntries
from member_client._reporting import Reporting
from member_client._revisiting import Revisiter
from member_client._session import Session
from member_client.errors import AllianceClientError
from member_client.retagging import Retagger

DELAY_SECONDS: Final = 3.0
"""Before re-tagging and following begin: a command that is over by then leaves it to others."""

_log = logging.getLogger("member_client.epochs")


class Follower:
    """Follows the hub for one session."""

    def __init__(self, session: Session, revisiter: Revisiter) -> None:
        self._session = session
        self._revisiter = revisiter
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def look(self, facts: Facts) -> None:
        """Begin what is due."""
        if (coming := facts.epochs.coming) is not None:
            self._start("filter", self._fetched(coming.id))
        if facts.epochs.target is not None:
            self._start("retagging", self._retagged())
        self._start("log of decisions", self._purged())
        if facts.directory.key_of(self._session.profile.member) is not None:  # nobody else is told
            self._revisiter.begin(DELAY_SECONDS)
            self._start("own entries", OwnEntries(self._session).follow())
            self._start("replies to cases", Waiting(self._session).follow())
        self._start("outcomes", Reporting(self._session).follow())

    async def close(self) -> None:
        """End what is under way; a later session takes it up."""
        await self._revisiter.close()
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        before = self._under_way.get(name)
        if before is not None and not before.done():
            work.close()
            return
        self._under_way[name] = asyncio.create_task(_quietly(name, work), name=f"alliance-{name}")

    async def _fetched(self, epoch: int) -> None:
        """Have the filter at hand before it is asked for."""
        await (await self._session.keeper(epoch)).refresh()

    async def _purged(self) -> None:
        """Let what has ended go while a client is open."""
        await self._session.workers.disk(self._session.state.decisions.purge, self._session.clock.now_ms())

    async def _retagged(self) -> None:
        await asyncio.sleep(DELAY_SECONDS * random.uniform(1, 2))  # noqa: S311 - many machines begin at once
        report = await Retagger(self._session).run()
        if report.retagged or report.unknown or report.refused:
            _log.info(
                "re-tagged %d claims; %d are another machine's, %d were refused",
                report.retagged,
                report.unknown,
                report.refused,
            )


async def _quietly(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except AllianceClientError as error:
        _log.warning("%s did not end well: %s", name, type(error).__name__)
