"""Stand-ins for tests of this project and of its users."""

from alliance.testing.clock import FakeClock

__all__ = ["FakeClock"]
