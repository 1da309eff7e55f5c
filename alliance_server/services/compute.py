"""CPU work, off the event loop: a few threads, small jobs ahead of bulk ones.

The curve arithmetic underneath releases the GIL, so threads add up. A job is small where it has at most 16 items;
it waits for a job that runs, never for one that waits.
"""

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

SMALL_ITEMS = 16


class Compute:
    """Runs CPU work on its own threads."""

    def __init__(self, threads: int) -> None:
        """Start the threads."""
        self._jobs: queue.PriorityQueue[tuple[int, int, Callable[[], None] | None]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._threads = [
            threading.Thread(target=self._work, name=f"compute-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, items: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on a thread; `items` is the size of its batch."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it belongs to the caller
                future.set_exception(error)

        self._put(0 if items <= SMALL_ITEMS else 1, job)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what waits, then stop."""
        for _ in self._threads:
            self._put(2, None)
        for thread in self._threads:
            thread.join()

    def _put(self, lane: int, job: Callable[[], Any] | None) -> None:
        self._jobs.put((lane, next(self._order), job))

    def _work(self) -> None:
        while (job := self._jobs.get()[2]) is not None:
            job()
