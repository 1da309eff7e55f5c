"""Follows the hub's feed of statuses for an open client, and holds what it tells against the log of decisions.

Rules:

1. A page counts as read once what it touches is written down; what cannot be written is asked for again.
2. Recalls that were held against the log are acknowledged by themselves, as often as it takes. The receipt is a number:
   it says nothing of what they touched, and whoever touched nothing sends the same.
3. Of the processes that share a state's folder one follows, and the others look at the log: a stream that every worker
   of a member held would use up the calls that the member may have under way.
4. None of it stands in the way of a call: what fails is logged by its class and tried again.
"""

import asyncio
import logging
import random
from contextlib import aclosing, suppress
from typing import Final

from alliance import statements
from alliance.v1 import status_pb2
from alliance.v1.status_pb2_grpc import StatusServiceStub
from member_client._leading import leading
from member_client._session import Session
from member_client._statuses import MAX_NUMBER, StatusFeed, StatusPage
from member_client.decisions import RecallReport
from member_client.errors import AllianceClientError, Denied, HubError, InvalidUse, StoreDamaged

RETRY_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 5.0
"""How often others look whether more was read, and whether they are to follow now."""
_LOCK: Final = "recalls.lock"

_log = logging.getLogger("member_client.decisions")


class Revisiter:
    """Follows the feed for one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._revisits = session.decisions.revisits
        self._feed = StatusFeed(session.transport, session.hub)
        self._following: asyncio.Task[None] | None = None
        self._at_once = asyncio.Event()
        self._ended: AllianceClientError | None = None
        self.reading = asyncio.Event()
        """Is set, and another takes its place, as soon as more was read."""

    def begin(self, delay: float = 0.0) -> None:
        """Follow in the background, from a moment later on: a command that is over by then leaves it to others."""
        if not delay:
            self._at_once.set()
        if self._following is None or self._following.done():
            self._ended = None
            self._following = asyncio.create_task(self._follow(delay), name="alliance-recalls")

    async def close(self) -> None:
        """End it; a later session takes it up."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        self._wake()

    async def catch_up(self) -> RecallReport:
        """Read all that there is, and acknowledge it; raises what calls raise."""
        changes = found = 0
        cursor = await self._session.workers.disk(self._revisits.cursor)
        async with aclosing(self._feed.rest(cursor)) as pages:
            async for page in pages:
                changes += len(page.changes)
                found += await self._hold(page)
        await self._acknowledge()
        return RecallReport(changes, found, len(await self._session.workers.disk(self._revisits.listed)))

    async def more(self, reading: asyncio.Event) -> None:
        """Wait until more is read than when `reading` was taken, or this is closed; raises what ends the following."""
        self.begin()
        await reading.wait()
        if self._ended is not None:
            raise self._ended

    async def _follow(self, delay: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay * random.uniform(1, 2)):  # noqa: S311 - many machines begin at once
                await self._at_once.wait()
        while True:
            pause = RETRY_SECONDS
            try:
                with leading(self._session.profile.state_folder / _LOCK) as is_leading:
                    if is_leading:
                        await self._followed()
                await self._session.decisions.settle()
                self._wake()
                pause = LOOK_SECONDS
            except (Denied, StoreDamaged) as error:  # until facts are fetched again, or a new session takes it up
                _log.warning("changes of statuses are not followed any more: %s", type(error).__name__)
                self._ended = error
                self._wake()
                return
            except AllianceClientError as error:
                _log.warning("changes of statuses cannot be followed: %s", type(error).__name__)
            except Exception as error:  # whoever waits for more must not wait for good
                self._ended = HubError("The hub's changes of claims' statuses cannot be dealt with.")
                _log.error("changes of statuses are not followed any more: %s", type(error).__name__)
                self._wake()
                raise
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret

    async def _followed(self) -> None:
        """Follow for good; raises what does not pass by itself."""
        cursor = await self._session.workers.disk(self._revisits.cursor)
        async with aclosing(self._feed.pages(cursor)) as pages:
            async for page in pages:
                await self._session.decisions.settle()
                if found := await self._hold(page):
                    _log.warning("%d decisions are to be revisited", found)
                with suppress(AllianceClientError):  # with the next page, which comes soon
                    await self._acknowledge()

    async def _hold(self, page: StatusPage) -> int:
        found = await self._session.workers.disk(self._revisits.hold, page.changes, page.upto)
        self._wake()
        return found

    def _wake(self) -> None:
        self.reading.set()
        self.reading = asyncio.Event()

    async def _acknowledge(self) -> None:
        recalled = await self._session.workers.disk(self._revisits.unacknowledged)
        if recalled:
            await acknowledged_recalls(self._session, recalled)
            await self._session.workers.disk(self._revisits.acknowledged, recalled)


async def acknowledged_recalls(session: Session, upto: int) -> None:
    """Sign that recalls up to a change were dealt with; raises InvalidUse or InvalidRequest for a number of none."""
    if not 0 <= upto < MAX_NUMBER:
        raise InvalidUse("upto is the number of a change")

    def request() -> status_pb2.AcknowledgeRecallsRequest:
        said = status_pb2.RecallReceipt(member=session.profile.member, upto=upto, time=session.clock.now_ms())
        statement = session.identity.statement(statements.RECALL_RECEIPT, said.SerializeToString())
        return status_pb2.AcknowledgeRecallsRequest(receipt=statement)

    await session.transport.call(lambda channel: StatusServiceStub(channel).AcknowledgeRecalls, request)
