"""The work of `watch add`: rows of a file into the book, and those that cannot be watched into the refused file."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from member_client._drawing import ReadAhead
from member_client.cli.check import advice
from member_client.cli.outputs import refused_file, told_refusal
from member_client.cli.progress import Stopwatch, counting
from member_client.files import BadRow, Refusal, RowFault
from member_client.subjects import FIELDS, Consent, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from member_client import RefusedField, Usage, WatchAddReport
    from member_client.cli.session import Session
    from member_client.files import Layout, RefusedFile, Table


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be added, on which basis, and where refused rows go."""

    table: Table
    layout: Layout
    consent: Consent
    refused: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file."""

    report: WatchAddReport
    rows: int
    refused: int
    usage: Usage
    seconds: float


class _Reading:
    """Turns rows into subjects; remembers which row each came from."""

    def __init__(self, order: Order, refused: RefusedFile) -> None:
        self._order = order
        self._refused = refused
        self._rows = array("Q")
        self.refusals: list[Refusal] = []
        self.read = 0

    def subjects(self) -> Iterator[Subject]:
        """Give the rows that can be used; runs on another thread."""
        for row in self._order.table:
            self.read += 1
            if isinstance(row, BadRow):
                self.refusals.append(row.refusal())
                continue
            try:
                subject = self._order.layout.subject(row)
            except RowFault as fault:
                self.refusals.append(Refusal.of(row.number, self._order.layout.ref_of(row), fault))
                continue
            self._rows.append(row.number)
            yield subject

    def refused_field(self, one: RefusedField) -> Refusal:
        """Give the line about a field that cannot be watched."""
        column = self._order.layout.identifiers.get(one.field, self._order.layout.identifier)
        kind = FIELDS[one.field][0]
        return Refusal(self._rows[one.place], one.ref, column, one.reason, advice(kind, one.reason))


async def add_table(session: Session, order: Order) -> Outcome:
    """Add a table's rows to the book; the refused file is in place when this returns."""
    stopwatch = Stopwatch()
    with refused_file(order.refused) as refused, counting(session, order.table.path.name) as told:
        reading = _Reading(order, refused)
        async with session.client() as client:
            report = await client.watch_add(ReadAhead(reading.subjects()), consent=order.consent, on_progress=told)
            usage = client.usage
        refusals = [*reading.refusals, *map(reading.refused_field, report.refused)]
        for refusal in sorted(refusals, key=lambda it: it.row):
            refused.add(told_refusal(refusal))
    return Outcome(report, reading.read, refused.count, usage, stopwatch.seconds)
