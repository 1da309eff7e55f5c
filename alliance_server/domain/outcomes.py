"""What became of decisions, as the hub counts it: batches of members, and what may be told of them.

Rules:

1. A member reports for days that are over, in counts; the hub knows a batch again by a digest that nobody can guess.
2. Until counts are told they are kept by the member that reported them: two must stand behind each. Afterwards nobody
   knows whose they were.
3. What may be told is decided in `tellable` and nowhere else; what is told is never changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Final, NamedTuple

from alliance.errors import Reason
from alliance.outcomes import LEAST_REPORTERS, LEAST_REPORTS, MAX_ROWS, NONCE_BYTES
from alliance.taxonomy import DAY_MS, Category, Outcome
from alliance.v1.outcome_pb2 import OutcomeReport
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import check_member_id
from alliance_server.domain.quotas import Resource, day_of
from alliance_server.domain.reciprocity import QUESTIONS

BATCHES_KEPT_DAYS: Final = 90
"""So long a batch is known again; one of an older day is refused."""
WAITING_KEPT_MONTHS: Final = 12
TOLD_KEPT_MONTHS: Final = 36
ASKED: Final = tuple(it for it in Resource if it.base in QUESTIONS)
"""What may have led to a decision."""
_MAX_COUNT = 1_000_000


class Cell(NamedTuple):
    """What counts are of: one contributor's claims of a category, and one outcome. In this order everywhere."""

    contributor: str
    category: int
    outcome: int


@dataclass(frozen=True, slots=True)
class OutcomeBatch:
    """What one member reported for a day; `day` is the number of a UTC day."""

    member_id: str
    day: int
    digest: bytes
    counts: Mapping[Cell, int]

    @property
    def reports(self) -> int:
        """How many reports it counts."""
        return sum(self.counts.values())


class Waiting(NamedTuple):
    """What a member reported of a cell in a month, and is not told yet."""

    month: int
    member_id: str
    cell: Cell
    reports: int


class Told(NamedTuple):
    """A count that was told at the end of a month."""

    month: int
    cell: Cell
    reports: int


@dataclass(frozen=True, slots=True)
class Quality:
    """What was told of a contributor's claims of a category, by outcome."""

    contributor: str
    category: int
    counts: Mapping[int, int]


def batch_of(report: OutcomeReport, now: int) -> OutcomeBatch:
    """Check a report that its member signed just now, and give its batch; raises Refused."""
    if not day_of(now) - BATCHES_KEPT_DAYS <= report.day < day_of(report.time):
        raise Refused(Reason.INVALID_REQUEST, "the day is not over, or over for too long")
    if len(report.nonce) != NONCE_BYTES or not 1 <= len(report.rows) <= MAX_ROWS:
        raise Refused(Reason.INVALID_REQUEST, "a batch has 1 to 8,192 rows and a nonce of 16 bytes")
    cells = [Cell(row.contributor, row.category, row.outcome) for row in report.rows]
    if not all(before < cell for before, cell in pairwise(cells)):
        raise Refused(Reason.INVALID_REQUEST, "rows are in order, and none comes twice")
    for cell, row in zip(cells, report.rows, strict=True):
        _check(cell, row.count, report.member)
    counts = {cell: row.count for cell, row in zip(cells, report.rows, strict=True)}
    digest = sha256(repr((report.day, report.nonce, [*counts.items()])).encode()).digest()
    return OutcomeBatch(report.member, report.day, digest, counts)


def _check(cell: Cell, count: int, member_id: str) -> None:
    check_member_id(cell.contributor)
    if cell.contributor == member_id:
        raise Refused(Reason.INVALID_REQUEST, "a member reports nothing about its own claims")
    if cell.category not in _CATEGORIES or cell.outcome not in _OUTCOMES or not 1 <= count <= _MAX_COUNT:
        raise Refused(Reason.INVALID_REQUEST, "a row's category, outcome or count is none")


def tellable(waiting: Iterable[Waiting]) -> dict[Cell, int]:
    """Give the counts that enough reports and enough members stand behind; the rest goes on waiting."""
    counts: dict[Cell, int] = defaultdict(int)
    reporters: dict[Cell, set[str]] = defaultdict(set)
    for it in waiting:
        counts[it.cell] += it.reports
        reporters[it.cell].add(it.member_id)
    return {
        cell: count
        for cell, count in counts.items()
        if count >= LEAST_REPORTS and len(reporters[cell]) >= LEAST_REPORTERS
    }


def known_since(now: int) -> int:
    """Give the time before which batches are forgotten."""
    return now - BATCHES_KEPT_DAYS * DAY_MS


_CATEGORIES = frozenset(map(int, Category))
_OUTCOMES = frozenset(map(int, Outcome))
