"""The logs of an alliance: one a month of each origin of its hub, each a log of its own to everybody's tools.

The origin line of a log is `ALLIANCE/audit/ORIGIN/YYYY-MM`, and the hub's identity key of that origin signs under this
name. Each log's first leaf binds it to the one before (see the protocol reference, section 8).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from alliance.errors import NoteInvalid
from alliance.tlog.notes import NoteKey, check_name

_MIDDLE = "audit"
_ORIGIN = re.compile("[1-9][0-9]{0,8}")
_MONTH = re.compile("[0-9]{4}-[0-9]{2}")


@dataclass(frozen=True, slots=True, order=True)
class LogName:
    """Names a log; of two of one alliance the later one is the greater."""

    alliance: str
    origin: int
    month: str

    def __str__(self) -> str:
        return f"{self.alliance}/{_MIDDLE}/{self.origin}/{self.month}"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read an origin line; raises NoteInvalid."""
        try:
            alliance, middle, origin, month = line.rsplit("/", 3)
            _first_of(month)
        except ValueError:
            raise NoteInvalid("not the name of an alliance's log") from None
        if not alliance or middle != _MIDDLE or not _ORIGIN.fullmatch(origin):
            raise NoteInvalid("not the name of an alliance's log")
        check_name(line)
        return cls(alliance, int(origin), month)

    def key(self, public_key: bytes) -> NoteKey:
        """Give the key under which the log signs: the hub's identity key of its origin."""
        return NoteKey(str(self), public_key)


def month_of(time_ms: int) -> str:
    """Give the month of a time, milliseconds UTC: `2026-11`."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m")


def month_begins(month: str) -> int:
    """Give the first millisecond UTC of a month."""
    return int(_first_of(month).timestamp() * 1000)


def month_ends(month: str) -> int:
    """Give the first millisecond UTC after a month; raises ValueError where it is none."""
    first = _first_of(month)
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return int(after.timestamp() * 1000)


def _first_of(month: str) -> datetime:
    if not _MONTH.fullmatch(month):
        raise ValueError("not a month")
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
