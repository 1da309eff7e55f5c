"""Reports of outcomes at home: those that wait, the batch that is under way, and marks of what was sent.

Rules:

1. One report a decision and claim. A later one takes its place until it goes into a batch; after that it is sent.
2. One batch is under way at a time, whichever process of this profile made it, and it never changes: it is sent again
   until the hub acknowledges it, or refuses it. What was refused waits again.
3. Everything is one sealed row beside the marks, so that every change is one transaction.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from alliance.outcomes import MAX_ROWS, NONCE_BYTES
from alliance.taxonomy import DAY_MS, Category, Outcome
from member_client._decision_records import LIFE_MS
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store, Write, Writes
from member_client.errors import StoreDamaged
from member_client.outcomes import OutcomeReport, OutcomeReports

_BOX: Final = b"box"
_SENT: Final = b"sent"
_NEVER: Final = 2**62

Cell = tuple[str, Category, Outcome]
"""What is counted: the contributor's id, the category, and what became of the decision."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Reports that go out together; `day` is the number of a UTC day that is over."""

    day: int
    nonce: bytes
    reports: tuple[OutcomeReport, ...]

    def counts(self) -> list[tuple[Cell, int]]:
        """Give all that the hub learns of them, in its order."""
        return sorted(Counter(map(_cell, self.reports)).items())


@dataclass(frozen=True, slots=True)
class _Box:
    waiting: tuple[OutcomeReport, ...] = ()
    batch: Batch | None = None


class OutcomeBox:
    """The box of one profile; every method blocks."""

    def __init__(self, store: Store) -> None:
        """Use the file of the decisions that they are about."""
        self._store = store

    def put(self, reports: Sequence[OutcomeReport]) -> list[OutcomeReport]:
        """Keep reports, in place of earlier ones that wait; gives them without those that were sent already."""
        kept: list[OutcomeReport] = []

        def work(box: _Box, marks: list[bytes | None]) -> tuple[_Box, list[Write]]:
            kept[:] = [it for it, mark in zip(reports, marks, strict=True) if not mark]
            return _Box((*_without(box.waiting, kept), *kept), box.batch), []

        self._rewrite(work, reports)
        return kept

    def next_batch(self, until: int) -> Batch | None:
        """Give the batch that is under way, or make one of what was reported up to the end of a UTC day."""
        if not _is_due(_read(self._store.get(Shelf.OUTCOMES, _BOX)), until):
            return None
        found: list[Batch | None] = []

        def work(box: _Box, _marks: list[bytes | None]) -> tuple[_Box, list[Write]]:
            batch = box.batch or _drawn_up(box.waiting, until)
            found[:] = [batch]
            if batch is None or batch is box.batch:
                return box, []
            return _Box(_without(box.waiting, batch.reports), batch), [_mark(it, b"sent") for it in batch.reports]

        self._rewrite(work)
        return found[0]

    def settle(self, batch: Batch) -> None:
        """Note that the hub counted a batch."""
        self._rewrite(lambda box, _: (_Box(box.waiting, _unless(box.batch, batch)), []))

    def release(self, batch: Batch) -> None:
        """Let the reports of a batch that the hub refused wait again."""

        def work(box: _Box, _marks: list[bytes | None]) -> tuple[_Box, list[Write]]:
            if _unless(box.batch, batch) is not None or box.batch is None:
                return box, []
            return _Box((*batch.reports, *box.waiting)), [_mark(it, b"") for it in batch.reports]

        self._rewrite(work)

    def standing(self) -> OutcomeReports:
        """Give what waits or is under way, and how many were sent."""
        box = _read(self._store.get(Shelf.OUTCOMES, _BOX))
        under_way = box.batch.reports if box.batch else ()
        empty, marks = self._store.count_ending(Shelf.OUTCOMES, 0, _NEVER)
        return OutcomeReports((*under_way, *box.waiting), marks - empty - len(under_way))

    def _rewrite(
        self,
        work: Callable[[_Box, list[bytes | None]], tuple[_Box, list[Write]]],
        marks_of: Sequence[OutcomeReport] = (),
    ) -> None:
        def written(values: list[bytes | None]) -> Writes:
            box, marks = work(_read(values[0]), values[1:])
            return Writes([(Shelf.OUTCOMES, _BOX, _written(box), None), *marks])

        self._store.rewrite(Shelf.OUTCOMES, [_BOX, *map(_mark_name, marks_of)], written)


def _is_due(box: _Box, until: int) -> bool:
    return box.batch is not None or any(it.reported_at // DAY_MS <= until for it in box.waiting)


def _drawn_up(waiting: Sequence[OutcomeReport], until: int) -> Batch | None:
    """Make a batch of what was reported up to the end of a day; None where that is nothing."""
    due = [it for it in waiting if it.reported_at // DAY_MS <= until]
    cells = set(sorted(set(map(_cell, due)))[:MAX_ROWS])
    reports = tuple(it for it in due if _cell(it) in cells)
    return Batch(until, os.urandom(NONCE_BYTES), reports) if reports else None


def _unless(standing: Batch | None, batch: Batch) -> Batch | None:
    """Give the batch that is under way, unless it is this one."""
    return None if standing is not None and standing.nonce == batch.nonce else standing


def _without(waiting: Sequence[OutcomeReport], gone: Sequence[OutcomeReport]) -> tuple[OutcomeReport, ...]:
    names = set(map(_mark_name, gone))
    return tuple(it for it in waiting if _mark_name(it) not in names)


def _cell(report: OutcomeReport) -> Cell:
    return report.contributor, report.category, report.outcome


def _mark_name(report: OutcomeReport) -> bytes:
    return pack(_SENT, report.receipt.encode(), report.entry_id)


def _mark(report: OutcomeReport, value: bytes) -> Write:
    return Shelf.OUTCOMES, _mark_name(report), value, report.reported_at + LIFE_MS


def _written(box: _Box) -> bytes:
    batch = pack(b"%d" % box.batch.day, box.batch.nonce, *map(_packed, box.batch.reports)) if box.batch else b""
    return pack(batch, *map(_packed, box.waiting))


def _packed(report: OutcomeReport) -> bytes:
    numbers = (report.category, report.outcome, report.reported_at)
    texts = (report.receipt.encode(), report.entry_id, report.contributor.encode())
    return pack(*texts, *(b"%d" % number for number in numbers))


def _read(value: bytes | None) -> _Box:
    if value is None:
        return _Box()
    try:
        batch, *waiting = unpack(value)
        return _Box(tuple(map(_unpacked, waiting)), _batch(unpack(batch)) if batch else None)
    except ValueError:
        raise StoreDamaged("The reports of outcomes in the local store cannot be read.") from None


def _batch(parts: Sequence[bytes]) -> Batch:
    day, nonce, *reports = parts
    return Batch(int(day), nonce, tuple(map(_unpacked, reports)))


def _unpacked(packed: bytes) -> OutcomeReport:
    receipt, entry_id, contributor, category, outcome, reported_at = unpack(packed)
    words = (contributor.decode(), Category(int(category)), Outcome(int(outcome)))
    return OutcomeReport(receipt.decode(), entry_id, *words, int(reported_at))
