"""How often a thing is done for whoever asks: a few times at once, and evenly in the long run."""

import asyncio
from typing import Final

BURST: Final = 5
"""So many times at once after a time of rest."""


class Pace:
    """Lets somebody go on every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = -float("inf")
        """When the next one would come, did they come evenly; it lags behind by a burst at most."""

    async def keep(self) -> None:
        """Wait until it may go on. One caller at a time."""
        spare = (BURST - 1) * self._seconds
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, self._next - spare - now))
        self._next = max(self._next, asyncio.get_running_loop().time()) + self._seconds
