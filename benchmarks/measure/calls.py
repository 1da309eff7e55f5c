"""Round trips: calls with so many in flight, and how long each took."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Self

from benchmarks.measure.clocks import percentile

Call = Callable[[int], Awaitable[object]]
"""Makes the call of a number; raises where its answer is wrong."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one sort: seconds of each, and of all together."""

    latencies: tuple[float, ...]
    seconds: float

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.latencies) / self.seconds

    def milliseconds(self, share: float) -> float:
        """Give a percentile of the latency."""
        return 1000 * percentile(self.latencies, share)

    def __add__(self, other: Self) -> "Calls":
        return Calls(self.latencies + other.latencies, self.seconds + other.seconds)


async def called(call: Call, count: int, in_flight: int = 1) -> Calls:
    """Make calls 0 to count - 1, so many of them in flight all the time."""
    return await _called(call, range(count), in_flight)


async def called_for(call: Call, seconds: float, in_flight: int = 1) -> Calls:
    """Make calls from 0 on, so many in flight, and begin none after so many seconds."""
    end = time.perf_counter() + seconds
    return await _called(call, itertools.takewhile(lambda _: time.perf_counter() < end, itertools.count()), in_flight)


async def _called(call: Call, numbers: Iterable[int], in_flight: int) -> Calls:
    waiting = iter(numbers)
    latencies: list[float] = []

    async def lane() -> None:
        for number in waiting:
            start = time.perf_counter()
            await call(number)
            latencies.append(time.perf_counter() - start)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as lanes:
        for _ in range(in_flight):
            lanes.create_task(lane())
    return Calls(tuple(latencies), time.perf_counter() - start)
