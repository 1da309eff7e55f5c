"""Waiting for quota: bulk work goes on by itself once the hub's bucket has refilled.

Rules:

1. Only a burst is waited for here, and a day that is about to renew: what the hub says comes back within the time that
   the work has. Everything else is raised, with its time.
2. Bulk work has a quarter of an hour for each of its batches, the work itself apart; a call that somebody waits for has
   its own deadline.
3. The hub's time is not this machine's: pauses grow where it says again and again that it is not time yet.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from alliance.clock import Clock
from member_client._deadline import Deadline
from member_client.errors import BudgetExhausted

MAX_WAIT_SECONDS: Final = 15 * 60.0
FIRST_PAUSE_SECONDS: Final = 0.02
MAX_PAUSE_SECONDS: Final = 5.0

OnQuotaWait = Callable[[int | None], None]
"""Told until when work waits for quota, milliseconds UTC, and None once it goes on."""
T = TypeVar("T")


class QuotaWait:
    """Waits for one member."""

    def __init__(self, clock: Clock, told: OnQuotaWait) -> None:
        self._clock = clock
        self._told = told

    async def through(self, work: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
        """Do work again until quota holds it; raises BudgetExhausted where that takes longer than there is time."""
        end = Deadline.after(MAX_WAIT_SECONDS) if deadline.patient else deadline
        pause, waited = FIRST_PAUSE_SECONDS, False
        while True:
            try:
                done = await work()
            except BudgetExhausted as error:
                if error.retry_at is None:
                    raise
                if max(pause, self._left(error.retry_at)) >= end.remaining():
                    raise
                self._told(error.retry_at)
                await asyncio.sleep(max(pause, self._left(error.retry_at)))
                waited, pause = True, min(2 * pause, MAX_PAUSE_SECONDS)
            else:
                if waited:
                    self._told(None)
                return done

    def _left(self, until: int) -> float:
        """Give the seconds until then, by this machine's clock."""
        return (until - self._clock.now_ms()) / 1000
