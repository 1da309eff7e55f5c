"""Reciprocity: what a member gives, beside what it asks, as a score, a tier and a share of the default budgets.

All of it is whole numbers, rounded down:

- A point is a distinct identifier with a live claim, times its evidence (E1 1, E2 2, E3 and more 4), times its age (4
  in the first 90 days, 2 in the first year, 1 after): staleness.
- Every member begins with 2,000 points, which stand for 50,000 questions in 30 days. So a small one, which asks little
  and has little to give, is never called a taker for it.
- score = 100 · p / (p + q/25), with p all points and q the identifiers asked about in 30 days; less up to 50 for
  disputes that were upheld against it within a year: 5,000 · disputes / (claims + 100), rounded up.
- 60 and more is giving (150 % of the default budgets), 25 and more balanced (100 %), below it is taking (50 %).
- The floor: a tier never takes a member below a quarter of the defaults, nor below what its declared business needs, at
  four identifiers an application on a day three times the usual. Whoever lends can screen its own applicants.

More contributions never lower a score, more questions and more upheld disputes never raise one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from alliance.taxonomy import DAY_MS, EvidenceLevel
from alliance.v1 import quota_pb2
from alliance_server.domain.quotas import Resource

FRESH_MS = 90 * DAY_MS
YEAR_MS = 365 * DAY_MS
QUERIED_DAYS = 30
IDENTIFIERS_AN_APPLICATION = 12
"""Four, on a day of three times the usual: the end of a month."""
APPLICATIONS = (Resource.LOAN_APPLICATION, Resource.ACCOUNT_OPENING)
CUSTOMERS = (Resource.TRANSACTION, Resource.PORTFOLIO_SCREENING)
QUESTIONS = (*APPLICATIONS, *CUSTOMERS)
QUERIES = (*QUESTIONS, Resource.CONTRIBUTION)
"""What counts as asked: contribution evaluations stay charged where no new row followed, so nobody asks for free."""

_EVIDENCE_WEIGHTS = {EvidenceLevel.E1: 1, EvidenceLevel.E2: 2}
_MOST_WEIGHT = 4
_PRIOR_POINTS = 2_000
_QUERIES_A_POINT = 25
_MOST_PENALTY = 50
_PENALTY_BASE = 100
_GIVING, _BALANCED = 60, 25
_LEAST_PERCENT = 25


class Age(IntEnum):
    """How long ago a claim was filed, with its weight."""

    OLD = 1
    YEAR = 2
    FRESH = 4


class Tier(IntEnum):
    """What a score means, with the wire's numbers."""

    TAKING = quota_pb2.STANDING_TIER_TAKING
    BALANCED = quota_pb2.STANDING_TIER_BALANCED
    GIVING = quota_pb2.STANDING_TIER_GIVING


_PERCENTS = {Tier.TAKING: 50, Tier.BALANCED: 100, Tier.GIVING: 150}


class Business(NamedTuple):
    """Declared business; 0: not declared."""

    applications_a_day: int = 0
    customers: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """What a member has contributed, as counts of distinct identifiers with a live claim."""

    by_weight: Mapping[tuple[EvidenceLevel, Age], int]
    """By evidence level and age."""
    upheld_disputes: int = 0

    @property
    def claims(self) -> int:
        """Distinct identifiers."""
        return sum(self.by_weight.values())

    @property
    def points(self) -> int:
        """Those, weighted."""
        weighed = self.by_weight.items()
        return sum(_EVIDENCE_WEIGHTS.get(level, _MOST_WEIGHT) * age * count for (level, age), count in weighed)


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's standing; `budget_percent` is what the tier gives, in force or not."""

    member_id: str
    score: int
    tier: Tier
    budget_percent: int
    is_in_force: bool
    claims: int
    points: int
    queried: int
    upheld_disputes: int
    computed_at: int


def score_of(given: Given, queried: int) -> int:
    """Give the score, 0 to 100."""
    points = given.points + _PRIOR_POINTS
    share = 100 * points // (points + queried // _QUERIES_A_POINT)
    penalty = -(-_MOST_PENALTY * _PENALTY_BASE * given.upheld_disputes // (given.claims + _PENALTY_BASE))
    return max(0, share - min(_MOST_PENALTY, penalty))


def tier_of(score: int) -> Tier:
    """Give the tier of a score."""
    if score >= _GIVING:
        return Tier.GIVING
    return Tier.BALANCED if score >= _BALANCED else Tier.TAKING


def percent_of(tier: Tier, business: Business, default_budget: int) -> int:
    """Give the percentage of the default budgets: the tier's, and never below the floor.

    `default_budget` is the smaller of the two for applications, in items a day.
    """
    needed = -(-100 * business.applications_a_day * IDENTIFIERS_AN_APPLICATION // max(1, default_budget))
    return max(_PERCENTS[tier], _LEAST_PERCENT, min(100, needed))


def standing_of(
    member_id: str,
    given: Given,
    queried: int,
    business: Business,
    *,
    default_budget: int,
    is_in_force: bool,
    now: int,
) -> Standing:
    """Give a member's standing."""
    score = score_of(given, queried)
    tier = tier_of(score)
    return Standing(
        member_id=member_id,
        score=score,
        tier=tier,
        budget_percent=percent_of(tier, business, default_budget),
        is_in_force=is_in_force,
        claims=given.claims,
        points=given.points,
        queried=queried,
        upheld_disputes=given.upheld_disputes,
        computed_at=now,
    )
