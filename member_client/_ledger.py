"""Durable small writes of many tasks in one transaction: a disk's flush costs the same for one row as for a hundred.

A write that comes alone is flushed at once. While others come faster than flushes end, they gather for a moment.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from member_client._store import Shelf, Store, Write
from member_client._workers import Workers

GATHERING_SECONDS: Final = 0.002

T = TypeVar("T")


class Gathering(Generic[T]):
    """Hands what many tasks give to one blocking write, and returns to each once it is durable."""

    def __init__(self, write: Callable[[list[T]], None], workers: Workers) -> None:
        self._write = write
        self._workers = workers
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def written(self, item: T) -> None:
        """Write an item; raises what writing raises."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush(), name="alliance-ledger")
        await done

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._workers.disk(self._write, [item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - handed to each writer
                _settle(batch, error)
            else:
                _settle(batch, None)
            if self._waiting:
                await asyncio.sleep(GATHERING_SECONDS)


class Ledger:
    """Writes to the store and returns once they are durable."""

    def __init__(self, store: Store, workers: Workers) -> None:
        self._gathering = Gathering[Write](store.put_many, workers)

    async def put(self, shelf: Shelf, name: bytes, value: bytes, ends_at: int | None = None) -> None:
        """Write a value; raises what the store raises."""
        await self._gathering.written((shelf, name, value, ends_at))


def _settle(batch: list[tuple[T, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, done in batch:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
