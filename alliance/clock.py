"""Time as an argument: everything that depends on the hour takes a Clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Give milliseconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Give milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000
