"""Reads what the public is told of a quarter's cases: those that were submitted in it, as they stand now."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from alliance.cases.words import CASE_KEPT_MS
from alliance.errors import Reason
from alliance_server.domain.case_counts import CountedCase, counted
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction

_QUARTER: Final = re.compile(r"([2-9][0-9]{3})Q([1-4])")
_PAGE: Final = 256


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of a year, UTC: `2026Q4`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Quarter":
        """Read a quarter; raises Refused."""
        if (found := _QUARTER.fullmatch(text.strip().upper())) is None:
            raise Refused(Reason.INVALID_REQUEST, "a quarter is written 2026Q4")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def begins(self) -> int:
        """First millisecond UTC."""
        return int(datetime(self.year, 3 * self.number - 2, 1, tzinfo=UTC).timestamp() * 1000)

    @property
    def ends(self) -> int:
        """First millisecond UTC after it."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1).begins


def cases_of(transaction: Transaction, quarter: Quarter, now: int) -> list[CountedCase]:
    """Give the cases that were submitted in a quarter; raises Refused where it has not begun, or records may be gone.

    A record is kept for three years after its case's end: a quarter is whole for three years from its first day.
    """
    if quarter.begins > now:
        raise Refused(Reason.INVALID_REQUEST, f"{quarter} has not begun")
    if now >= quarter.begins + CASE_KEPT_MS:
        raise Refused(
            Reason.INVALID_REQUEST, f"records of {quarter} are deleted by and by: the report of that time is the one"
        )
    found: list[CountedCase] = []
    after = 0
    while page := transaction.cases.page(after, _PAGE, liaison=None, waiting_only=False):
        after = page[-1][0]
        cases = [case for _, case in page if quarter.begins <= case.submitted_at < quarter.ends]
        decisions = sorted(transaction.cases.decisions([case.id for case in cases]), key=lambda it: it.case_id)
        by_case = {case_id: list(its) for case_id, its in groupby(decisions, lambda it: it.case_id)}
        found += [counted(case, by_case.get(case.id, [])) for case in cases]
    return found
