"""What became of decisions: when counts of it may be told, and what hub and members must know alike.

Rules:

1. A count is told once five reports and two members stand behind it, at the end of a month. What is too little by then
   waits for the next month's end, and is told within one later count. So every report is in one told count at most, and
   every difference and sum of told counts is made of whole ones: no set of answers yields a smaller one.
2. What is not told and what was never reported look alike.
"""

from datetime import UTC, datetime
from typing import Final

from alliance.taxonomy import Outcome

LEAST_REPORTS: Final = 5
LEAST_REPORTERS: Final = 2
QUALITY_MONTHS: Final = 12
"""Months that the quality table looks back."""
MAX_ROWS: Final = 8192
NONCE_BYTES: Final = 16
PLAUSIBLE_DAYS: Final = 35
"""Reports of so many days are held against the evaluations of as many."""
_MONTHS_A_YEAR = 12
_FIRST_YEAR = 1970


RIGHT: Final = (Outcome.CONFIRMED_FRAUD,)
WRONG: Final = (Outcome.FALSE_MATCH, Outcome.WRONG_PERSON)
"""What precision is made of: right ÷ (right + wrong). A stale claim was right once; some claims are about victims."""


def month_of(time: int) -> int:
    """Give the months since January 1970 of a time in milliseconds UTC."""
    at = datetime.fromtimestamp(time / 1000, UTC)
    return (at.year - _FIRST_YEAR) * _MONTHS_A_YEAR + at.month - 1


def month_text(month: int) -> str:
    """Give a month as people write it: 2026-11."""
    return f"{_FIRST_YEAR + month // _MONTHS_A_YEAR:04d}-{month % _MONTHS_A_YEAR + 1:02d}"
