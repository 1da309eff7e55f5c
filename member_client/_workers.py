"""Threads beside the event loop: some for arithmetic, one for the disk.

The loop itself never computes on a batch and never waits for a flush. The backend releases the interpreter lock
while it multiplies, so threads are enough.

What one subject needs is computed where it stands, if the backend is the native one: handing it over would cost more
than a tenth of a millisecond of scheduling on both sides, twice a check, which is what the arithmetic of an identifier
costs (docs/adr/0008).
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from alliance.crypto.backend import backend
from member_client.errors import InvalidUse

FEW_IDENTIFIERS: Final = 8
"""So many at most are computed on the loop: one subject, in less than half a millisecond at a time."""

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """The pools of one client."""

    def __init__(self, cpu_threads: int | None = None) -> None:
        self._cpu = ThreadPoolExecutor(cpu_threads or os.cpu_count() or 1, thread_name_prefix="alliance-cpu")
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="alliance-disk")
        self._few = FEW_IDENTIFIERS if backend().name == "native" else 0

    async def computed(self, identifiers: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Compute on so many identifiers: here if they are few, else on another thread."""
        if identifiers <= self._few:
            return work(*args, **kwargs)
        return await self.cpu(work, *args, **kwargs)

    async def cpu(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Compute on another thread."""
        return await _run(self._cpu, work, *args, **kwargs)

    async def disk(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read or write on the disk's thread; calls keep their order."""
        return await _run(self._disk, work, *args, **kwargs)

    async def close(self) -> None:
        """Let running work end, and drop what has not begun."""
        for pool in (self._cpu, self._disk):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)


async def _run(pool: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        running = asyncio.get_running_loop().run_in_executor(pool, lambda: work(*args, **kwargs))
    except RuntimeError as error:
        raise InvalidUse("the client was closed while it was in use") from error
    return await running
