"""Draining: a hub that ends takes no new calls, and tells streams that can be taken up elsewhere to come back.

Calls under way finish. A stream that waits for its caller ends at once, one that can be resumed ends after the message
that it is at; both with UNAVAILABLE, at which clients try again, here or at another process of the hub.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from alliance.errors import Reason
from alliance_server.domain.errors import Refused

T = TypeVar("T")


class HubEnds(Refused):
    """The hub ends; the caller did nothing wrong, and is to come back."""

    def __init__(self) -> None:
        super().__init__(Reason.UNAVAILABLE, "the hub ends: come back")


class Drain:
    """Whether a hub ends, on its event loop."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()
        self._waiting: set[asyncio.Task[Any]] = set()

    @property
    def is_under_way(self) -> bool:
        """Whether the hub ends."""
        return self._begun.is_set()

    async def begun(self) -> None:
        """Wait until the hub ends."""
        await self._begun.wait()

    def begin(self) -> None:
        """Take no new calls, and end the streams that wait for their callers."""
        self._begun.set()
        for task in self._waiting:
            task.cancel()

    def check(self) -> None:
        """Raise HubEnds where the hub ends."""
        if self.is_under_way:
            raise HubEnds

    async def until(self, messages: AsyncIterator[T]) -> AsyncIterator[T]:
        """Give a caller's messages until there are no more; raises HubEnds once the hub ends, also while it waits."""
        while True:
            self.check()
            try:
                message = await self._next(messages)
            except StopAsyncIteration:
                return
            yield message

    async def _next(self, messages: AsyncIterator[T]) -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
        self._waiting.add(task)
        try:
            return await anext(messages)
        except asyncio.CancelledError:
            if not self.is_under_way:
                raise
            task.uncancel()
            raise HubEnds from None
        finally:
            self._waiting.discard(task)
