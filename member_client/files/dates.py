"""Dates and durations as people type them, as milliseconds UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

DAY_MS: Final = 24 * 60 * 60 * 1000
_DAYS: Final = re.compile(r"([1-9][0-9]{0,4})\s*d", re.IGNORECASE | re.ASCII)


class BadDate(ValueError):
    """A text is no date. Its message does not repeat the text."""

    def __init__(self) -> None:
        super().__init__("write a date as 2027-01-31, or a duration as 90d")


def parse_date(text: str) -> int:
    """Read an ISO 8601 date (its first moment, UTC) or date and time (UTC unless it says otherwise)."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadDate from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    milliseconds = round(moment.timestamp() * 1000)
    if milliseconds <= 0:
        raise BadDate
    return milliseconds


def parse_expiry(text: str, now_ms: int) -> int:
    """Read a date, or `90d` for days from the start of today, UTC. Exclusive: 2027-01-31 ends with the 30th.

    From the start of the day, so that a run taken up an hour later says the same of each row.
    """
    days = _DAYS.fullmatch(text.strip())
    return now_ms - now_ms % DAY_MS + int(days[1]) * DAY_MS if days else parse_date(text)


def shown_date(milliseconds: int) -> str:
    """Give the UTC date of a moment; nothing where there is none."""
    if not milliseconds:
        return ""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return "beyond 9999"
