"""Drawing from whatever callers hand in: lists, generators, async generators, and files that are read ahead.

A plain iterable is drawn on the event loop, in handfuls, because it may belong to its thread (a database's cursor
does). `ReadAhead` is for iterables of our own, such as files: they are read on another thread while what was read
before is worked on, a bounded number of handfuls ahead.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from itertools import islice
from typing import Final, TypeVar

HANDFUL: Final = 256
HANDFULS_AHEAD: Final = 8

T = TypeVar("T")


class Handfuls(AsyncIterable[T], ABC):
    """A source that is drawn in handfuls."""

    @abstractmethod
    def handfuls(self) -> AsyncGenerator[Sequence[T], None]:
        """Give the items in handfuls, in order; raises what drawing raises."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.handfuls()) as drawn:
            async for handful in drawn:
                for item in handful:
                    yield item


class ReadAhead(Handfuls[T]):
    """An iterable that is read on a thread of its own, for one reader."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)

    async def handfuls(self) -> AsyncGenerator[Sequence[T], None]:
        """Read a bounded number of handfuls ahead; raises what reading raises."""
        loop = asyncio.get_running_loop()
        ahead: deque[asyncio.Future[list[T]]] = deque()
        pool = ThreadPoolExecutor(1, thread_name_prefix="alliance-read")
        try:
            while True:
                while len(ahead) < HANDFULS_AHEAD:
                    ahead.append(loop.run_in_executor(pool, self._read))
                handful = await ahead[0]
                ahead.popleft()
                if not handful:
                    return
                yield handful
        finally:
            for future in ahead:
                future.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)
            pool.shutdown(wait=False, cancel_futures=True)

    def _read(self) -> list[T]:
        return list(islice(self._items, HANDFUL))


async def handfuls(source: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[Sequence[T], None]:
    """Draw from any source, letting the loop go on between handfuls of a long list."""
    if isinstance(source, Handfuls):
        async with aclosing(source.handfuls()) as read:
            async for handful in read:
                yield handful
    elif isinstance(source, AsyncIterable):
        async for item in source:
            yield (item,)
    else:
        items = iter(source)
        while handful := tuple(islice(items, HANDFUL)):
            yield handful
            await asyncio.sleep(0)


async def chunks(source: Iterable[T] | AsyncIterable[T], size: int) -> AsyncGenerator[list[T], None]:
    """Cut what any source gives into lists of so many."""
    chunk: list[T] = []
    async with aclosing(handfuls(source)) as drawn:
        async for handful in drawn:
            chunk += handful
            while len(chunk) >= size:
                yield chunk[:size]
                chunk = chunk[size:]
    if chunk:
        yield chunk


async def flattened(batches: AsyncGenerator[list[T], None]) -> AsyncGenerator[T, None]:
    """Give what batches hold, one by one; closing this closes them."""
    async with aclosing(batches) as drawn:
        async for batch in drawn:
            for item in batch:
                yield item
