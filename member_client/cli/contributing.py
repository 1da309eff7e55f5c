"""The work of `contribute`: rows in, results out, in constant memory.

The SDK remembers what was acknowledged, so a run that was cut off is simply run again: rows that stand already come
back as unchanged. In the wide format a row holds several identifiers; each is a contribution of its own. The file is
read ahead on a thread of its own, and a queue of what was read leads each result back to row and column.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from member_client._drawing import ReadAhead
from member_client.cli.outputs import refused_file, told_refusal
from member_client.cli.progress import Stopwatch, progress
from member_client.cli.reading import RowsInOrder
from member_client.files import BadRow, Refusal, RowFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from member_client import ContributionPreview, ContributionResult, ContributionRow, Operator
    from member_client.cli.claim_rows import RowReader
    from member_client.cli.session import Session
    from member_client.files import RefusedFile, Table


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be contributed, and where refused rows go."""

    table: Table
    reader: RowReader
    refused: Path
    run_id: str
    amend: bool = False
    relist: bool = False
    operator: Operator | None = None

    @property
    def expected(self) -> int:
        """Contributions to come, as far as one can tell before."""
        return self.table.expected_rows * max(1, len(self.reader.layout.identifiers))


@dataclass(slots=True)
class Outcome:
    """What became of a list."""

    rows: int = 0
    results: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    evaluations: int = 0
    seconds: float = 0.0


class Contributing:
    """One run: turns rows into contributions, and results into counts and refusals."""

    def __init__(self, order: Order, refused: RefusedFile) -> None:
        self.outcome = Outcome()
        self._order = order
        self._refused = refused
        self.in_order: RowsInOrder[tuple[int, str, str]] = RowsInOrder(self._refuse)

    def rows(self) -> Iterator[ContributionRow]:
        """Give what can be contributed; may run on another thread than the rest."""
        for row in self._order.table:
            self.outcome.rows += 1
            if isinstance(row, BadRow):
                self.in_order.refused(row.refusal())
                continue
            try:
                ref, cells = self._order.reader.layout.read(row)
            except RowFault as fault:
                self.in_order.refused(Refusal.of(row.number, self._order.reader.layout.ref_of(row), fault))
                continue
            for cell in cells:
                try:
                    contribution = self._order.reader.contribution(row, cell, row.number)
                except RowFault as fault:
                    self.in_order.refused(Refusal.of(row.number, ref, fault))
                    continue
                self.in_order.sent((row.number, ref, cell.column))
                yield contribution

    def take(self, result: ContributionResult | ContributionPreview) -> None:
        """Count a result."""
        with self.in_order.lock:
            row, ref, column = self.in_order.next_sent()
            outcome = str(result.outcome)
            if outcome == "refused":
                self._refuse(Refusal(row, ref, column, str(result.reason), result.how_to_fix))
            else:
                self.outcome.results[outcome] += 1
            self.in_order.catch_up()

    def _refuse(self, refusal: Refusal) -> None:
        self._refused.add(told_refusal(refusal))
        self.outcome.results["refused"] += 1
        self.outcome.reasons[refusal.reason] += 1


async def contribute_table(session: Session, order: Order) -> Outcome:
    """Contribute a table; the refused file is in place when this returns, and unchanged when it raises."""
    stopwatch = Stopwatch()
    with ExitStack() as files:
        refused = files.enter_context(refused_file(order.refused))
        run = Contributing(order, refused)
        advance = files.enter_context(progress(session, order.table.path.name, order.expected))
        async with session.client() as client:
            client.on_quota_wait = advance.waits
            rows = ReadAhead(run.rows())
            options = {"amend": order.amend, "relist": order.relist}
            async for result in client.contribute(rows, **options, operator=order.operator):
                run.take(result)
                advance()
            run.in_order.catch_up()
            run.outcome.evaluations = client.usage.evaluations
    run.outcome.seconds = stopwatch.seconds
    return run.outcome
