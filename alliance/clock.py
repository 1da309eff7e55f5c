"""Time as an argument: everything that depends on the hour takes a Clock."""

import time
from datetime import UTC, datetime
from typing import Final, Protocol

MAX_TIME_MS: Final = 253_402_300_799_000
"""The last second of the year 9999, milliseconds UTC: what comes later is no time that anybody can show."""


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Give milliseconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Give milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000


def moment(milliseconds: int) -> str:
    """Give a time since 1970-01-01 UTC as people read it, to the minute."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso_time(milliseconds: int) -> str:
    """Give a time since 1970-01-01 UTC in ISO 8601, to the second."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
