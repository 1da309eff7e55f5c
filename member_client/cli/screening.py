"""The work of `screen`: rows in, verdicts out, in constant memory.

The file is read ahead on a thread of its own. A row that cannot be used is never sent; the others become subjects, and
their verdicts come back in the same order, so a queue of what was read tells each verdict its row, and all results
stand in the order of the rows.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from member_client._drawing import ReadAhead
from member_client.cli.check import advice
from member_client.cli.matches import OUT_COLUMNS, Line, bare_record, match_lines
from member_client.cli.outputs import refused_file, result_file, told_refusal
from member_client.cli.progress import Stopwatch, progress
from member_client.cli.reading import RowsInOrder
from member_client.cli.resuming import unknown_run
from member_client.files import BadRow, Refusal, RowFault
from member_client.subjects import Consent, Subject
from member_client.verdicts import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from member_client.cli.session import Session
    from member_client.files import Layout, RefusedFile, Table
    from member_client.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be screened, how, and where the results go."""

    table: Table
    layout: Layout
    purpose: str
    consent: Consent | None
    out: Path | None
    refused: Path
    show: int
    run_id: str
    is_resumed: bool = False


@dataclass(slots=True)
class Outcome:
    """What became of a file."""

    rows: int = 0
    states: Counter[str] = field(default_factory=Counter)
    open_reasons: Counter[str] = field(default_factory=Counter)
    shown: list[Line] = field(default_factory=list)
    match_lines: int = 0
    refused_count: int = 0
    integrity: bool = False
    epoch: int = 0
    filter_age_ms: int = 0
    evaluations: int = 0
    prefixes: int = 0
    seconds: float = 0.0


class Screening:
    """One run: turns rows into subjects, and verdicts into lines and counts."""

    def __init__(self, order: Order, refused: RefusedFile, write: Callable[[dict[str, str | int]], None]) -> None:
        self.outcome = Outcome()
        self._order = order
        self._refused = refused
        self._write = write
        self.in_order: RowsInOrder[tuple[int, str]] = RowsInOrder(self._refuse)

    def subjects(self) -> Iterator[Subject]:
        """Give the rows that can be used, as subjects; may run on another thread than the rest."""
        for row in self._order.table:
            if isinstance(row, BadRow):
                self.in_order.refused(row.refusal())
                continue
            try:
                subject = self._order.layout.subject(row)
            except RowFault as fault:
                self.in_order.refused(Refusal.of(row.number, self._order.layout.ref_of(row), fault))
                continue
            self.in_order.sent((row.number, subject.ref))
            yield subject

    def _refuse(self, refusal: Refusal) -> None:
        """Refuse a whole row before anything of it was sent."""
        self._refused.add(told_refusal(refusal))
        self.outcome.rows += 1
        self.outcome.states["refused"] += 1
        self._write(bare_record(refusal.row, refusal.ref, "refused", "step_up"))

    def take(self, verdict: Verdict) -> None:
        """Count, show and write a verdict."""
        with self.in_order.lock:
            self._take(verdict, *self.in_order.next_sent())
            self.in_order.catch_up()

    def _take(self, verdict: Verdict, row: int, ref: str) -> None:
        outcome = self.outcome
        outcome.rows += 1
        outcome.states[verdict.state.value] += 1
        if verdict.state is State.CLEAR:
            self._write(bare_record(row, ref, "clear", verdict.action.word, verdict.receipt))
            return
        outcome.integrity |= verdict.integrity
        for one in verdict.fields:
            if one.state is State.REFUSED:
                column = self._order.layout.identifiers.get(one.field, self._order.layout.identifier)
                self._refused.add(Refusal(row, ref, column, one.reason, advice(one.kind, one.reason)))
            elif one.state in (State.UNKNOWN, State.UNCONFIRMED):
                outcome.open_reasons[one.reason or one.state.value] += 1
        lines = match_lines(row, ref, verdict)
        outcome.match_lines += len(lines)
        outcome.shown += lines[: max(0, self._order.show - len(outcome.shown))]
        bare = bare_record(row, ref, verdict.state.value, verdict.action.word, verdict.receipt)
        for record in [line.record() for line in lines] or [bare]:
            self._write(record)


async def screen_table(session: Session, order: Order) -> Outcome:
    """Screen a table; result files are in place when this returns, and unchanged when it raises."""
    stopwatch = Stopwatch()
    with ExitStack() as files:
        refused = files.enter_context(refused_file(order.refused))
        write = files.enter_context(result_file(order.out, OUT_COLUMNS)) if order.out else nowhere
        run = Screening(order, refused, write)
        advance = files.enter_context(progress(session, order.table.path.name, order.table.expected_rows))
        async with session.client() as client:
            client.on_quota_wait = advance.waits
            if order.is_resumed and not await client.knows_run(order.run_id):
                raise unknown_run()
            report = await client.sync()
            verdicts = client.screen_many(
                ReadAhead(run.subjects()), purpose=order.purpose, consent=order.consent, request_id=order.run_id
            )
            async for verdict in verdicts:
                run.take(verdict)
                advance()
            run.in_order.catch_up()
            usage = client.usage
    outcome = run.outcome
    outcome.refused_count = refused.count
    outcome.epoch, outcome.filter_age_ms = report.epoch, report.filter_age_ms
    outcome.evaluations, outcome.prefixes = usage.evaluations, usage.prefixes
    outcome.seconds = stopwatch.seconds
    return outcome


def nowhere(_record: dict[str, str | int]) -> None:
    """Take a record that nobody asked for."""
