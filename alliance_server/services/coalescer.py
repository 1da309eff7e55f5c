"""Coalescing: calls that come while others are worked on become the next batch.

Rules:

1. Nothing waits for company. A call that finds nobody at work goes at once, alone; batches grow by themselves under
   load.
2. Each call has an outcome of its own: a result, or what it failed with. Where the work on a batch fails as a whole,
   the calls of that batch fail and no others.
3. A caller that goes away leaves the others alone: before its batch begins it is left out, afterwards its outcome is
   dropped.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

C = TypeVar("C")
R = TypeVar("R")

MAX_BATCH = 64
"""Calls in a batch."""


class Coalescer(Generic[C, R]):
    """Works on calls of one kind, one batch at a time, on one event loop."""

    def __init__(self, work: Callable[[Sequence[C]], Awaitable[Sequence[R | Exception]]]) -> None:
        """Take the work on a batch, which gives each call's outcome in the order of the calls."""
        self._work = work
        self._waiting: deque[tuple[C, asyncio.Future[R]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, call: C) -> R:
        """Give the call's result, or raise what it failed with."""
        outcome: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, outcome))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work_off())
        return await outcome

    async def _work_off(self) -> None:
        try:
            while batch := self._gathered():
                await self._answer(batch)
        finally:
            self._worker = None

    def _gathered(self) -> list[tuple[C, "asyncio.Future[R]"]]:
        batch: list[tuple[C, asyncio.Future[R]]] = []
        while self._waiting and len(batch) < MAX_BATCH:
            call, outcome = self._waiting.popleft()
            if not outcome.done():
                batch.append((call, outcome))
        return batch

    async def _answer(self, batch: Sequence[tuple[C, "asyncio.Future[R]"]]) -> None:
        results: Sequence[R | Exception]
        try:
            results = await self._work([call for call, _ in batch])
            if len(results) != len(batch):
                raise RuntimeError("a batch has another number of outcomes than of calls")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - it belongs to the callers
            results = [error] * len(batch)
        except BaseException as error:
            # Nobody may be left waiting, whatever ends the work; what is no failure of a call goes on besides.
            left = [*batch, *self._waiting]
            self._waiting.clear()
            _settle(left, [RuntimeError(f"the work on a batch was ended by {type(error).__name__}")] * len(left))
            raise
        _settle(batch, results)


def _settle(batch: Sequence[tuple[C, "asyncio.Future[R]"]], results: Sequence[R | Exception]) -> None:
    """Give each caller that still waits its outcome."""
    for (_, outcome), result in zip(batch, results, strict=True):
        if outcome.done():
            continue
        if isinstance(result, Exception):
            outcome.set_exception(result)
        else:
            outcome.set_result(result)
