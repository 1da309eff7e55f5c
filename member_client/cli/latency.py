"""How long single questions take: the same one again and again in one warm process."""

import math
import time
from collections.abc import Awaitable, Callable, Sequence

from member_client import State, Verdict


async def timed_again(ask: Callable[[], Awaitable[Verdict]], first: Verdict, times: int) -> tuple[Verdict, list[float]]:
    """Ask again, one after the other; gives the last verdict and the seconds of each.

    The first question opened the connection and does not count. Where one gets no answer this ends: its verdict says
    so, and a time to nowhere is no latency.
    """
    seconds: list[float] = []
    verdict = first
    for _ in range(times):
        if verdict.state is State.UNKNOWN:
            break
        start = time.perf_counter()
        verdict = await ask()
        seconds.append(time.perf_counter() - start)
    return verdict, seconds


def percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """Give a percentile by the nearest rank, in milliseconds; 0 of nothing."""
    if not seconds:
        return 0.0
    rank = math.ceil(len(seconds) * percent / 100)
    return round(sorted(seconds)[rank - 1] * 1000, 2)
