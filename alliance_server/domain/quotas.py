"""Daily budgets: how many items a member may ask for, a purpose and a day (UTC)."""

from enum import IntEnum
from typing import NamedTuple

from alliance.taxonomy import DAY_MS, Purpose


class Resource(IntEnum):
    """What is counted: each purpose's evaluations by the purpose's number, bucket prefixes, and refunds."""

    LOAN_APPLICATION = Purpose.LOAN_APPLICATION
    ACCOUNT_OPENING = Purpose.ACCOUNT_OPENING
    TRANSACTION = Purpose.TRANSACTION
    PORTFOLIO_SCREENING = Purpose.PORTFOLIO_SCREENING
    CONTRIBUTION = Purpose.CONTRIBUTION
    BUCKET_PREFIXES = 100
    CONTRIBUTION_REFUNDS = 101


class Charged(NamedTuple):
    """A day's total after a charge, and the member's own limit, None where the hub's default holds."""

    total: int
    limit: int | None


DEFAULT_BUDGETS: dict[str, int] = {
    "loan_application": 1_000_000,
    "account_opening": 1_000_000,
    "transaction": 3_000_000,
    "portfolio_screening": 5_000_000,
    "contribution": 1_000_000,
    "bucket_prefixes": 200_000,
    "contribution_refunds": 5_000_000,
}
"""Items a member and day, unless the hub's configuration says otherwise."""


def day_of(now: int) -> int:
    """Give the number of the UTC day since 1970."""
    return now // DAY_MS


def renews_at(now: int) -> int:
    """Give the start of the next UTC day, milliseconds."""
    return (day_of(now) + 1) * DAY_MS
