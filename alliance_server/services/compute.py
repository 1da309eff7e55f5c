"""CPU work, off the event loop: small jobs on threads of their own, so that they never wait for bulk ones.

The curve arithmetic underneath releases the GIL, so threads add up, and the system shares the processor among them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

SMALL, BULK = "small", "bulk"
SMALL_ITEMS = 16
"""Items of the largest job that is small."""


class Compute:
    """Runs CPU work on its own threads."""

    def __init__(self, threads: int) -> None:
        """Take how many small jobs, and how many bulk ones, go on at a time."""
        self.threads = threads
        self._asked = {SMALL: 0, BULK: 0}
        self._small = ThreadPoolExecutor(threads, thread_name_prefix="compute-small")
        self._bulk = ThreadPoolExecutor(threads, thread_name_prefix="compute-bulk")

    async def run(self, items: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on a thread; `items` is the size of its batch."""
        size, pool = (SMALL, self._small) if items <= SMALL_ITEMS else (BULK, self._bulk)
        self._asked[size] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, partial(function, *args, **kwargs))
        finally:
            self._asked[size] -= 1

    def waiting(self, size: str) -> int:
        """Count the jobs of a size, SMALL or BULK, that wait for a thread."""
        return max(0, self._asked[size] - self.threads)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._small.shutdown()
        self._bulk.shutdown()
