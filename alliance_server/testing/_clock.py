"""The clock of a hub under test."""

from collections.abc import Callable

from alliance.testing import FakeClock


class HubClock(FakeClock):
    """The machine's clock, and what a test advanced it by; the hub and the clients that it makes go by it."""

    def __init__(self, settled: Callable[[], None]) -> None:
        """Take what brings the hub up to a new time."""
        super().__init__()
        self._settled = settled

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the clock on; when it returns, the hub has done what is due by then.

        Claims whose time is over have left the filter, a snapshot that grew old is rebuilt, and the filter bears a
        heartbeat of the new time. Raises ValueError for a step back: members refuse a hub whose clock goes back.

        180 days after the hub was made its key epoch ends, and none follows: screening and contributing then raise
        `EpochNotServed`, as they would at a hub whose operator forgot. Clients that are in the midst of a call while
        the clock jumps may be refused as `Replayed`.
        """
        if min(days, hours, minutes, seconds) < 0:
            raise ValueError("the clock of a hub goes forward only: a member refuses one that goes back")
        super().advance(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self._settled()
