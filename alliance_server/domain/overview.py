"""What an operator asks of a hub's state. Times in milliseconds UTC."""

from collections.abc import Mapping
from dataclasses import dataclass

from alliance_server.domain.epochs import SERVING, EpochState
from alliance_server.domain.members import MemberState, Role


@dataclass(frozen=True, slots=True)
class EpochOverview:
    """An epoch and how far its filter is; what there is none of, while no filter was built, is None."""

    id: int
    state: EpochState
    ends_at: int
    sequence: int
    """Registry rows so far."""
    filter_sequence: int
    """Registry rows that the filter holds."""
    listings: int | None
    snapshot_at: int | None
    snapshot_sha256: bytes
    beaten_at: int | None
    """Time of the last heartbeat, from which members count a filter's age."""

    @property
    def serves(self) -> bool:
        """Whether anything is asked under it."""
        return self.state in SERVING

    @property
    def behind(self) -> int:
        """Registry rows that the filter does not hold yet."""
        return max(0, self.sequence - self.filter_sequence)

    def left(self, now: int) -> int:
        """Give the milliseconds until it ends, negative afterwards."""
        return self.ends_at - now

    def filter_age(self, now: int) -> float | None:
        """Give the seconds since the last heartbeat."""
        return None if self.beaten_at is None else (now - self.beaten_at) / 1000


@dataclass(frozen=True, slots=True)
class LogOverview:
    """The newest log, and since when an event waits for a checkpoint; None where none does."""

    origin: str
    size: int
    waits_since: int | None

    def waiting_seconds(self, now: int) -> float:
        """Give the seconds for which the oldest such event has waited; receipts promise a minute."""
        return 0 if self.waits_since is None else max(0, now - self.waits_since) / 1000


@dataclass(frozen=True, slots=True)
class Vitals:
    """What changes while a hub serves, and is quickly read."""

    epochs: tuple[EpochOverview, ...]
    proposals_waiting: int
    reviews_open: int
    reviews_overdue: int
    log: LogOverview | None
    """None before the hub has begun one."""


@dataclass(frozen=True, slots=True)
class Census:
    """What is counted by reading whole tables or indexes: for people, not for every scrape."""

    members: Mapping[tuple[Role, MemberState], int]
    live_claims: int
    certificates: int
    """Of members: neither revoked nor ended."""
    certificates_ending: int
    """Those of them that end soon."""
    events: int
    last_event_at: int | None
