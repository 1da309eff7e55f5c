"""Quotas: how many items a member may ask for, a resource and a day (UTC), and how many of them at once.

- The day's budget ends what a member gets. The burst bounds how fast: a bucket of tokens that refills all the time, so
  that neither a stolen key nor a list of all phone numbers takes a day's budget within a minute.
- A bucket is one number, the time at which it will be full (GCRA's theoretical arrival time): taking moves it ahead,
  and time does the refilling.
- Unless somebody set it otherwise a bucket holds a quarter of the day's budget, and the whole budget comes back within
  twelve hours. A screening of a million is never held up by the defaults; who takes all there is at once has a third of
  a day's budget after the first hour, by the end of which alarms were raised, and all of it after nine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from alliance.quotas import MIN_BURST
from alliance.taxonomy import DAY_MS, Purpose
from alliance_server.domain.statements import MAX_SKEW_MS

_RETIRING = 200


class Resource(IntEnum):
    """What is counted: evaluations by their purpose's number, prefixes, refunds, openings of disputes, protections."""

    LOAN_APPLICATION = Purpose.LOAN_APPLICATION
    ACCOUNT_OPENING = Purpose.ACCOUNT_OPENING
    TRANSACTION = Purpose.TRANSACTION
    PORTFOLIO_SCREENING = Purpose.PORTFOLIO_SCREENING
    CONTRIBUTION = Purpose.CONTRIBUTION
    DISPUTE = Purpose.DISPUTE
    CASE = Purpose.CASE
    BUCKET_PREFIXES = 100
    CONTRIBUTION_REFUNDS = 101
    DISPUTE_OPENINGS = 102
    PROTECTIVE_CLAIMS = 103
    RETIRING_LOAN_APPLICATION = _RETIRING + Purpose.LOAN_APPLICATION
    RETIRING_ACCOUNT_OPENING = _RETIRING + Purpose.ACCOUNT_OPENING
    RETIRING_TRANSACTION = _RETIRING + Purpose.TRANSACTION
    RETIRING_PORTFOLIO_SCREENING = _RETIRING + Purpose.PORTFOLIO_SCREENING
    RETIRING_DISPUTE = _RETIRING + Purpose.DISPUTE
    RETIRING_CASE = _RETIRING + Purpose.CASE

    @property
    def base(self) -> "Resource":
        """The resource whose limits hold: where two epochs serve, both are asked, and each is counted by itself."""
        return Resource(self % _RETIRING)


class Charged(NamedTuple):
    """What is so after a charge; None where the hub's default holds."""

    total: int
    """Items used on the day."""
    limit: int | None = None
    """The member's own budget, items a day."""
    burst: int | None = None
    """Items that its own bucket holds."""
    percent: int | None = None
    """Percent of the hub's default budget that the member's standing gives it."""
    full_at: int = 0
    """When the bucket will be full, microseconds UTC; a time that is past: it is."""


_BURSTS_A_DAY = 4
_REFILL_US = 12 * 60 * 60 * 1_000_000
"""So long it takes until a whole day's budget has come back."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a member may use of a resource: items a day, and items that its bucket holds."""

    limit: int
    burst: int

    @property
    def item_us(self) -> int:
        """Microseconds after which another item is there; 0 where they come faster than can be told."""
        return _REFILL_US // max(1, self.limit)

    def left(self, full_at: int, now: int) -> int:
        """Give the items that its bucket holds; `now` in milliseconds UTC."""
        if not self.item_us:
            return self.burst
        taken = -(-max(0, full_at - now * 1000) // self.item_us)
        return max(0, self.burst - taken)


def burst_of(limit: int) -> int:
    """Give the items that a bucket holds, unless it is set otherwise."""
    return max(MIN_BURST, limit // _BURSTS_A_DAY)


class Granted(NamedTuple):
    """What comes of several calls, one after the other."""

    used: int
    """Items used on the day after them."""
    full_at: int
    """When the bucket will be full, microseconds UTC."""
    retry_at: tuple["Wait | None", ...]
    """By call; None: granted."""


class Wait(NamedTuple):
    """Until when a call has to wait, milliseconds UTC, and whether for the next day."""

    until: int
    is_for_the_day: bool


def granted(quota: Quota, used: int, full_at: int, items: Sequence[int], now: int) -> Granted:
    """Grant each call that both the day's budget and the bucket hold, in turn; `now` in milliseconds UTC.

    A bucket that is emptier than it can be was taken from under other limits, or by a clock that went wrong: it begins
    anew. Clocks of several processes may differ a little.
    """
    now_us, window = now * 1000, quota.burst * quota.item_us
    full_at = now_us if full_at > now_us + window + MAX_SKEW_MS * 1000 else max(full_at, now_us)
    waits: list[Wait | None] = []
    for count in items:
        after = full_at + count * quota.item_us
        is_for_the_day = used + count > quota.limit
        if after <= now_us + window and not is_for_the_day:
            used, full_at = used + count, after
            waits.append(None)
            continue
        refilled = -((window - after) // 1000)  # rounded up: nobody comes back a moment too early
        waits.append(Wait(max(refilled, renews_at(now) if is_for_the_day else 0), is_for_the_day))
    return Granted(used, full_at, tuple(waits))


DEFAULT_BUDGETS: dict[str, int] = {
    "loan_application": 1_000_000,
    "account_opening": 1_000_000,
    "transaction": 3_000_000,
    "portfolio_screening": 5_000_000,
    "contribution": 1_000_000,
    "dispute": 2_000,
    "case": 40_000,
    "bucket_prefixes": 200_000,
    "contribution_refunds": 5_000_000,
    "dispute_openings": 200,
    "protective_claims": 200,
}
"""Items a member and day, unless the hub's configuration says otherwise."""


def day_of(now: int) -> int:
    """Give the number of the UTC day since 1970."""
    return now // DAY_MS


def renews_at(now: int) -> int:
    """Give the start of the next UTC day, milliseconds."""
    return (day_of(now) + 1) * DAY_MS
