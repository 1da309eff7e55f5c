"""Clocks and calls: CPU time of this process for work, wall time for round trips."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

_ROUNDING = 1e-9

Call = Callable[[int], Awaitable[object]]
"""Makes the call of a number; raises where its answer is wrong."""


def cpu_micros(work: Callable[[], object], items: int) -> float:
    """Give microseconds of CPU an item, of all threads of this process: other programs do not count."""
    start = time.process_time_ns()
    work()
    return (time.process_time_ns() - start) / 1000 / items


def medians(works: dict[str, tuple[Callable[[], object], int]], rounds: int) -> dict[str, float]:
    """Measure each work once a round, so that a noisy moment strikes all alike; gives medians in µs an item."""
    samples: dict[str, list[float]] = {name: [] for name in works}
    for work, _ in works.values():
        work()  # caches and tables are filled outside of the measure
    for _ in range(rounds):
        for name, (work, items) in works.items():
            samples[name].append(cpu_micros(work, items))
    return {name: median(values) for name, values in samples.items()}


def percentile(samples: Sequence[float], share: float) -> float:
    """Give the sample below or at which a share lies (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered) - _ROUNDING) - 1)]


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


async def called(call: Call, count: int, width: int = 1) -> Calls:
    """Make numbered calls, `width` of them in flight all the time."""
    numbers = iter(range(count))
    latencies: list[float] = []

    async def lane() -> None:
        for number in numbers:
            start = time.perf_counter()
            await call(number)
            latencies.append(time.perf_counter() - start)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as lanes:
        for _ in range(width):
            lanes.create_task(lane())
    return Calls(tuple(latencies), time.perf_counter() - start)
