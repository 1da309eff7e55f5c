"""A point in time until which work may take, handed down instead of being guessed anew at each layer."""

import asyncio
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time of the running event loop's clock.

    Where it is `patient`, nobody waits for the answer at this moment: calls are tried until it passes, through a
    restart of the hub, say. Else they give up after a few tries, so that somebody is told.
    """

    at: float
    patient: bool = False

    @classmethod
    def after(cls, seconds: float, *, patient: bool = False) -> Self:
        """Give the deadline that lies so far ahead."""
        return cls(asyncio.get_running_loop().time() + seconds, patient)

    def remaining(self) -> float:
        """Give the seconds that are left, 0 at least."""
        return max(0.0, self.at - asyncio.get_running_loop().time())

    def earlier(self, seconds: float) -> "Deadline":
        """Give this deadline, or the one so far ahead if that is earlier."""
        return min(self, Deadline.after(seconds), key=lambda deadline: deadline.at)

    def scope(self) -> asyncio.Timeout:
        """Give the context that ends with TimeoutError when the deadline passes."""
        return asyncio.timeout_at(self.at)
