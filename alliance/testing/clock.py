"""A clock that tests move."""

from alliance.clock import SystemClock


class FakeClock:
    """Runs with the machine's clock, shifted by what a test advanced it."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self._shift = 0

    def now_ms(self) -> int:
        """Give milliseconds since 1970-01-01 UTC."""
        return self._system.now_ms() + self._shift

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the clock; negative values move it back."""
        self._shift += round(1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days))))
