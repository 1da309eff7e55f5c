"""What the public is told of police cases in a quarter: counts, of which none under five can be found out.

Every case is in one cell: the type of its instrument, and what became of it. All that is published follows from the
cells after the small ones were hidden, never from the cases themselves:

1. A cell of none is 0: nobody stands behind it. One to four is `<5`. More is the number.
2. A sum over hidden cells is told as a range, each hidden one counted as 1 to 4. So a sum says nothing that its
   cells do not, and no second cell has to be hidden for it.
3. Urgent cases overlap with what became of them. Five or more are the number where nothing in their row is hidden,
   and `≥5` else: they are never more than the row, and a number could say what a hidden cell has to be.
4. A median is told where the published cells alone show that it is over five or more.

Whatever two quarters have the same published cells have the same report, but for urgency and medians: each hidden cell
may be 1, 2, 3 or 4 as far as anybody can tell.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from alliance.cases.rules import is_urgent
from alliance.cases.words import APPROVERS, CaseState, CaseVerdict, InstrumentType
from alliance.taxonomy import DAY_MS
from alliance_server.domain.cases import Case, Decision

LEAST: Final = 5
"""Smaller counts are not told."""


class Outcome(StrEnum):
    """What became of a request; each case is one of these."""

    WAITING = "waiting"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNMATCHED = "unmatched"
    """Approved, and no member is asked: nothing matched, or not yet, or not in the instrument's time."""
    MATCHED = "matched"
    """Approved, and at least one member was asked."""


_APPROVED: Final = frozenset({Outcome.UNMATCHED, Outcome.MATCHED})
_DECIDED: Final = _APPROVED | {Outcome.REFUSED}


@dataclass(frozen=True, slots=True)
class CountedCase:
    """What is counted of a case; `decided_in` in milliseconds, None where it was not decided."""

    instrument: InstrumentType
    outcome: Outcome
    is_urgent: bool
    decided_in: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """A count as it is published: a number, or no more than that it is within bounds."""

    low: int
    high: int | None
    """None: nobody is told."""

    @classmethod
    def of(cls, count: int) -> "Told":
        """Tell a count: none and five or more as they are."""
        return cls(1, LEAST - 1) if 0 < count < LEAST else cls(count, count)

    @property
    def is_exact(self) -> bool:
        """Whether it is the number."""
        return self.low == self.high

    def __add__(self, other: "Told") -> "Told":
        high = None if self.high is None or other.high is None else self.high + other.high
        return Told(self.low + other.low, high)

    def __str__(self) -> str:
        if self.is_exact:
            return str(self.low)
        if self.high is None:
            return f"≥{self.low}"
        return f"<{LEAST}" if (self.low, self.high) == (1, LEAST - 1) else f"{self.low}–{self.high}"


@dataclass(frozen=True, slots=True)
class Row:
    """What is published of one type of instrument, or of all."""

    outcomes: dict[Outcome, Told]
    urgent: Told
    median_days: float | None
    """From a request to its decision; None where too few were decided."""

    @property
    def made(self) -> Told:
        """Requests."""
        return total(self.outcomes.values())

    @property
    def approved(self) -> Told:
        """Requests to which both approvers agreed."""
        return total(self.outcomes[it] for it in Outcome if it in _APPROVED)


def counted(case: Case, decisions: Sequence[Decision]) -> CountedCase:
    """Say what is counted of a case, by the decisions about its request."""
    about = [it for it in decisions if it.subject_sha256 == sha256(case.payload).digest()]
    agreed = [it.decided_at for it in about if it.verdict is CaseVerdict.APPROVE]
    refused = [it.decided_at for it in about if it.verdict is CaseVerdict.REFUSE]
    is_approved = len(agreed) >= APPROVERS
    if is_approved:
        outcome = Outcome.MATCHED if case.asked else Outcome.UNMATCHED
    else:
        outcome = _UNDECIDED.get(case.state, Outcome.WAITING)
    decided_at = max(agreed) if is_approved else max(refused, default=None)
    decided_in = None if decided_at is None else decided_at - case.submitted_at
    return CountedCase(InstrumentType(case.instrument_type), outcome, is_urgent(case.request), decided_in)


_UNDECIDED: Final = {
    CaseState.WITHDRAWN: Outcome.WITHDRAWN,
    CaseState.EXPIRED: Outcome.EXPIRED,
    CaseState.REFUSED: Outcome.REFUSED,
}


def published(cases: Sequence[CountedCase]) -> tuple[dict[InstrumentType, Row], Row]:
    """Give what is published: a row for each type of instrument, and one of all."""
    rows = {it: _row([case for case in cases if case.instrument is it]) for it in InstrumentType}
    outcomes = {it: total(row.outcomes[it] for row in rows.values()) for it in Outcome}
    everything = Row(outcomes, total(row.urgent for row in rows.values()), _median(cases, outcomes))
    return rows, everything


def _row(cases: Sequence[CountedCase]) -> Row:
    found = Counter(case.outcome for case in cases)
    outcomes = {it: Told.of(found[it]) for it in Outcome}
    urgent = sum(case.is_urgent for case in cases)
    hides = not all(it.is_exact for it in outcomes.values())
    told = Told(LEAST, None) if hides and urgent >= LEAST else Told.of(urgent)
    return Row(outcomes, told, _median(cases, outcomes))


def _median(cases: Sequence[CountedCase], outcomes: dict[Outcome, Told]) -> float | None:
    if total(outcomes[it] for it in Outcome if it in _DECIDED).low < LEAST:
        return None
    return statistics.median(case.decided_in / DAY_MS for case in cases if case.decided_in is not None)


def total(counts: Iterable[Told]) -> Told:
    """Add counts as they are published."""
    return sum(counts, Told(0, 0))
