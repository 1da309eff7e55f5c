"""Clocks: CPU time of this process for work, wall time for what threads do together."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from statistics import median

_ROUNDING = 1e-9

Work = Callable[[], object]
Measure = Callable[[], Mapping[str, float]]
"""Takes one sample: values by name."""


def cpu_micros(work: Work, items: int) -> float:
    """Give microseconds of CPU an item, of all threads of this process: other programs do not count."""
    start = time.process_time_ns()
    work()
    return (time.process_time_ns() - start) / 1000 / items


def wall_micros(work: Work, items: int) -> float:
    """Give microseconds an item that somebody waits for."""
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / 1000 / items


def cpu_of(name: str, work: Work, items: int) -> Measure:
    """Make a measure of CPU time."""
    return lambda: {name: cpu_micros(work, items)}


def wall_of(name: str, work: Work, items: int) -> Measure:
    """Make a measure of wall time."""
    return lambda: {name: wall_micros(work, items)}


def medians(measures: Iterable[Measure], rounds: int) -> dict[str, float]:
    """Take every measure once a round, so that a noisy moment strikes all alike; gives medians by name."""
    taken = list(measures)
    for measure in taken:
        measure()  # caches and tables are filled outside of the measure
    samples: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for measure in taken:
            for name, value in measure().items():
                samples[name].append(value)
    return {name: median(values) for name, values in samples.items()}


def repeated(work: Work, times: int) -> Work:
    """Give work that does something small so many times."""
    return partial(_repeat, work, times)


def _repeat(work: Work, times: int) -> None:
    for _ in range(times):
        work()


def percentile(samples: Sequence[float], share: float) -> float:
    """Give the sample below or at which a share lies (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered) - _ROUNDING) - 1)]
