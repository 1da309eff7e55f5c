"""Keeps the filter of the serving epoch verified and fresh: the driver around facts, live, files and archive.

Rules:

1. One refresh at a time; whoever comes meanwhile waits for the same one.
2. What was seen is remembered (`Marks`) before it is believed, and what cannot be believed changes nothing: the filter
   in force stays until it is stale. Before it is remembered, the audit log has to prove that the hub published the
   header: a filter made for one member would hide what all others see.
3. A filter in use is refreshed in the background while it is fresh, and waited for once it is stale. An integrity
   fault of a background refresh is raised to the next caller.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alliance import facts
from alliance.clock import Clock
from alliance.v1.epoch_pb2 import EpochState
from alliance.v1.filter_pb2 import (
    DownloadSnapshotRequest,
    GetFilterRequest,
    GetFilterResponse,
    ListDeltasRequest,
)
from alliance.v1.filter_pb2_grpc import FilterServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._deadline import Deadline
from member_client._fact_proofs import Prover
from member_client._filter.archive import FilterArchive
from member_client._filter.facts import Delta, Header, Heartbeat, Marks, read_delta, read_header, read_heartbeat
from member_client._filter.files import PartFile, remove_others, snapshot_path
from member_client._filter.live import LiveFilter
from member_client._hub import PinnedHub
from member_client._rpc_errors import is_passing
from member_client._transport import Transport, own_errors, pause, readable, retried
from member_client._workers import Workers
from member_client.errors import (
    ClockWrong,
    FactNotPublished,
    FilterChanged,
    FilterRolledBack,
    FilterTampered,
    HubUnavailable,
    IntegrityError,
    StatementInvalid,
)

REFRESH_AFTER_MS: Final = 30_000
REFRESH_PAUSE_MS: Final = 5_000
REFRESH_SECONDS: Final = 600.0
CALL_SECONDS: Final = 30.0
MAX_CHANGES: Final = 4
_DELTAS_A_WRITE: Final = 200

_log = logging.getLogger("member_client.filter")


@dataclass(frozen=True, slots=True)
class _Offer:
    """What the hub says is in force, verified and not behind what was seen."""

    answer: GetFilterResponse
    header: Header
    heartbeat: Heartbeat
    marks: Marks


class FilterKeeper:
    """The filter of one epoch."""

    def __init__(
        self,
        epoch: int,
        *,
        folder: Path,
        archive: FilterArchive,
        transport: Transport,
        hub: PinnedHub,
        prover: Prover,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self.epoch = epoch
        self.live: LiveFilter | None = None
        self.downloaded_bytes = 0
        self._folder = folder
        self._archive = archive
        self._transport = transport
        self._hub = hub
        self._prover = prover
        self._workers = workers
        self._clock = clock
        self._refreshing: asyncio.Task[None] | None = None
        self._refreshed_at = 0
        self._fault: IntegrityError | None = None

    # -- for callers -------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up what an earlier run left, verified again; leaves nothing where it does not hold."""
        try:
            self.live = await self._workers.disk(self._load)
        except (ClockWrong, IntegrityError) as error:
            _log.warning("the stored filter is not usable and will be fetched anew: %s", type(error).__name__)

    @property
    def epoch_state(self) -> "EpochState.ValueType | None":
        """The epoch's state as the newest heartbeat here tells it; None where there is none."""
        heartbeat = self.live.heartbeat if self.live else None
        return heartbeat.epoch_state if heartbeat else None

    @property
    def sequence(self) -> int:
        """What the filter in force has reached; 0 where there is none."""
        return self.live.sequence if self.live else 0

    def is_fresh(self) -> bool:
        """Tell whether the filter in force may clear somebody now."""
        return self.live is not None and self._clock.now_ms() < self.live.fresh_until()

    async def ensure_fresh(self) -> None:
        """Have a fresh filter, fetching only where needed; raises where none can be had.

        Cancelling the caller does not cancel the refresh, so that the next caller profits from it.
        """
        if (fault := self._fault) is not None:
            self._fault = None
            raise fault
        if not self.is_fresh():
            await self.refresh()
        elif self._wants_refresh():
            self._start().add_done_callback(self._note_fault)

    async def refresh(self) -> None:
        """Bring the filter up to date, joining a refresh that is under way."""
        await asyncio.shield(self._start())

    async def close(self) -> None:
        """End a refresh that is under way."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    # -- one refresh at a time -----------------------------------------------------------------------------------

    def _wants_refresh(self) -> bool:
        now = self._clock.now_ms()
        old = self.live is None or self.live.age_ms(now) > REFRESH_AFTER_MS
        return old and abs(now - self._refreshed_at) > REFRESH_PAUSE_MS

    def _start(self) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshed_at = self._clock.now_ms()
            self._refreshing = asyncio.create_task(self._refresh(), name="alliance-filter")
            # Somebody may have stopped waiting: the outcome is then nobody's, and no news for asyncio's handler.
            self._refreshing.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._refreshing

    def _note_fault(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, IntegrityError):
            self._fault = error
        elif error is not None:
            _log.info("the filter was not refreshed: %s", type(error).__name__)

    async def _refresh(self) -> None:
        deadline = Deadline.after(REFRESH_SECONDS)
        for attempt in range(MAX_CHANGES):
            try:
                await self._take_over(await self._believed_offer(deadline), deadline)
            except FilterChanged:
                await pause(attempt, deadline)
                continue
            self._fault = None
            return
        raise FilterChanged("The filter is not ready, or was replaced again and again while it was fetched.")

    # -- steps of a refresh --------------------------------------------------------------------------------------

    async def _believed_offer(self, deadline: Deadline) -> _Offer:
        """Give what is in force, asked for once more where the hub turns out to have another origin.

        And where the filter was replaced before its header was proven, which may then not have been published.
        """
        for _ in range(MAX_CHANGES):
            try:
                return await self._offer(deadline)
            except (StatementInvalid, FilterRolledBack):
                if not await self._hub.succeeded():
                    raise
            except FactNotPublished:
                _log.info("the filter's header is not proven, and is fetched once more")
        return await self._offer(deadline)

    async def _offer(self, deadline: Deadline) -> _Offer:
        answer = await self._transport.call(
            lambda channel: FilterServiceStub(channel).GetFilter,
            lambda: GetFilterRequest(epoch=self.epoch),
            deadline.earlier(CALL_SECONDS),
        )
        header = read_header(answer.header, self._hub.key, self.epoch)
        heartbeat = read_heartbeat(answer.heartbeat, self._hub.key, header, self._clock.now_ms())
        origin = self._hub.origin.number
        seen = await self._workers.disk(self._archive.marks, self.epoch, origin)
        marks = seen.past_header(header).past_heartbeat(heartbeat)
        await self._prover.prove([facts.filter_header(answer.header.payload)], deadline.earlier(CALL_SECONDS))
        if marks != seen:
            await self._workers.disk(self._archive.raise_marks, self.epoch, origin, marks)
        return _Offer(answer, header, heartbeat, marks)

    async def _take_over(self, offer: _Offer, deadline: Deadline) -> None:
        before = self.live
        live = before if before is not None and before.header == offer.header else await self._snapshot(offer, deadline)
        if live.sequence < offer.heartbeat.sequence:
            await self._catch_up(live, deadline)
        live.believe(offer.heartbeat)
        await self._workers.disk(self._archive.put_in_force, self.epoch, offer.answer)
        self.live = live
        if before is not None and before is not live:
            await self._workers.disk(self._archive.forget_deltas, before.header.digest, before.header.sequence)
            await self._workers.disk(remove_others, self._folder, {live.header.digest})

    async def _snapshot(self, offer: _Offer, deadline: Deadline) -> LiveFilter:
        header = offer.header
        path = snapshot_path(self._folder, header.digest)
        try:
            return await self._workers.disk(self._opened, path, header)
        except (OSError, FilterTampered):
            pass  # not here yet, or damaged on this disk: the hub's bits decide
        await self._download(header, deadline)
        return await self._workers.disk(self._opened, path, header)

    async def _download(self, header: Header, deadline: Deadline) -> None:
        part = await self._workers.disk(PartFile, self._folder, header.digest, header.shape.byte_length)
        try:
            await self._fill(part, header, deadline)
            try:
                await self._workers.disk(part.publish)
            except FilterTampered:
                if not part.resumed:
                    raise
                # What an earlier run left may be what is wrong: once more, from the start.
                await self._fill(part, header, deadline)
                await self._workers.disk(part.publish)
        finally:
            await self._workers.disk(part.close)

    async def _fill(self, part: PartFile, header: Header, deadline: Deadline) -> None:
        async def attempt() -> None:
            request = DownloadSnapshotRequest(bits_sha256=header.digest, offset=part.position)
            async with own_errors():
                call = FilterServiceStub(self._transport.channel()).DownloadSnapshot(
                    request, timeout=max(deadline.remaining(), 0.001)
                )
                async for reply in call:
                    answer = readable(reply)
                    await self._workers.disk(part.append, answer.offset, answer.chunk)
                    self.downloaded_bytes += len(answer.chunk)

            if not part.is_whole:
                raise HubUnavailable("The download of the filter was cut off.")

        while not part.is_whole:
            before = part.position
            try:
                await retried(attempt, deadline)
            except HubUnavailable as error:
                if not is_passing(error) or part.position == before or deadline.remaining() <= 0:
                    raise

    async def _catch_up(self, live: LiveFilter, deadline: Deadline) -> None:
        """Apply and keep the deltas after what is reached."""

        async def attempt() -> None:
            applied: list[tuple[Delta, SignedStatement]] = []
            try:
                async with own_errors(), aclosing(self._deltas(live, deadline)) as stream:
                    async for statement in stream:
                        delta = await self._workers.cpu(read_delta, statement, self._hub.key)
                        if await self._workers.disk(live.apply, delta):
                            applied.append((delta, statement))
                        if len(applied) >= _DELTAS_A_WRITE:
                            await self._workers.disk(self._archive.add_deltas, applied)
                            applied = []
            finally:
                await self._workers.disk(self._archive.add_deltas, applied)

        await retried(attempt, deadline)

    async def _deltas(self, live: LiveFilter, deadline: Deadline) -> AsyncGenerator[SignedStatement, None]:
        request = ListDeltasRequest(base_sha256=live.header.digest, after_sequence=live.sequence)
        call = FilterServiceStub(self._transport.channel()).ListDeltas(
            request, timeout=max(deadline.remaining(), 0.001)
        )
        async for reply in call:
            answer = readable(reply)
            self.downloaded_bytes += answer.ByteSize()
            yield answer.delta

    # -- on the disk's thread ------------------------------------------------------------------------------------

    def _opened(self, path: Path, header: Header) -> LiveFilter:
        """Map a snapshot and apply the deltas that are kept of it."""
        live = LiveFilter.opened(path, header)
        for statement in self._archive.deltas_after(header.digest, header.sequence):
            live.apply(read_delta(statement, self._hub.key))
        return live

    def _load(self) -> LiveFilter | None:
        answer = self._archive.in_force(self.epoch)
        if answer is None or not self._prover.knows(facts.filter_header(answer.header.payload)):
            return None
        header = read_header(answer.header, self._hub.key, self.epoch)
        heartbeat = read_heartbeat(answer.heartbeat, self._hub.key, header, self._clock.now_ms())
        try:
            live = self._opened(snapshot_path(self._folder, header.digest), header)
        except OSError:
            return None
        live.believe(heartbeat)
        return live
