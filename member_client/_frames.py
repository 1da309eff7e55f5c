"""Data frames in, a frame of the same library out: one row for each row, in the same order.

- Taken are pandas' frames, everything that gives Arrow's C stream (Polars, Arrow, DuckDB), and the path of a file that
  `member_client.files` reads. Only the columns that are named are looked at.
- Files and frames that stand in memory are read on another thread while what was read before is worked on; a stream is
  drawn on the event loop, since what feeds it may belong to its thread.
- A row that cannot be used (a float where an identifier should be, a ref that repeats one) is a refused row of the
  result, never an exception.
- The result has the names of the command's result file, in the plural where a row joins several, and no identifier.
  What is not there is null.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from member_client._drawing import ReadAhead
from member_client._frame_sources import Source, open_frame
from member_client.errors import ConfigurationInvalid, InvalidUse
from member_client.files import BadRow, Layout, Row, RowFault, TableInvalid, shown_date, shown_name
from member_client.files.extras import ExtraMissing, pyarrow
from member_client.files.parquet_records import schema_of
from member_client.screening import OnProgress
from member_client.subjects import FIELDS, Subject
from member_client.verdicts import OnUnavailable, Together, Verdict
from member_client.verdicts import verdict as judged

FRAME_COLUMNS: Final = (
    "row",
    "ref",
    "state",
    "action",
    "fields",
    "categories",
    "roles",
    "evidence",
    "sources",
    "until",
    "status",
    "contributors",
    "receipt",
    "reason",
)
ScreenMany = Callable[[Iterator[Subject] | ReadAhead[Subject], OnProgress], AsyncGenerator[Verdict, None]]


@dataclass(frozen=True, slots=True)
class FrameColumns:
    """Which column of a frame holds what; an empty name is a column that is not used."""

    identifiers: Mapping[str, str]
    ref: str = ""
    consent: str = ""

    def layout(self) -> Layout:
        """Give it as a layout; raises InvalidUse where it makes no sense."""
        given: object = self.identifiers  # callers without a type checker pass a list
        if not isinstance(given, Mapping) or not given or not given.keys() <= FIELDS.keys():
            raise InvalidUse(f'columns is like {{"phone": "mobile"}}; the fields are {", ".join(FIELDS)}')
        taken = list(self.identifiers.values())
        if len(set(taken)) < len(taken):
            raise InvalidUse("columns names one column for two fields")
        for option, column in (("ref", self.ref), ("consent_column", self.consent)):
            if column and column in taken:
                raise InvalidUse(
                    f"{option} {shown_name(column)} is a column of identifiers: refs are kept in results, so name a "
                    "column with your own case or customer numbers"
                )
        return Layout(identifiers=dict(self.identifiers), ref=self.ref, consent=self.consent)


async def screened(
    frame: object,
    columns: FrameColumns,
    screen_many: ScreenMany,
    on_unavailable: OnUnavailable,
    on_progress: OnProgress | None,
) -> Any:  # noqa: ANN401 - a frame of the caller's library
    """Screen a frame; raises InvalidUse where it is none or lacks a column, ConfigurationInvalid without the extra."""
    layout = columns.layout()
    with _own_errors():
        # Loading the library, and looking through a file, take longer than the loop may stand still.
        await asyncio.to_thread(pyarrow)
        used = (*layout.identifier_columns, layout.ref, layout.consent)
        source = await asyncio.to_thread(open_frame, frame, used)
        run = _Run(source, layout, on_unavailable)
        report = on_progress or _nobody
        subjects = ReadAhead(run.subjects()) if source.stands else run.subjects()
        async with aclosing(screen_many(subjects, lambda _done: report(run.done))) as verdicts:
            async for verdict in verdicts:
                run.take(verdict)
        run.flush()
        report(run.done)
        return source.like(await asyncio.to_thread(run.table))


def _nobody(_done: int) -> None:
    """Tell nobody."""


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except ExtraMissing as fault:
        raise ConfigurationInvalid(str(fault)) from None
    except TableInvalid as fault:
        raise InvalidUse(str(fault)) from None


class _Run:
    """Turns rows into subjects, and their verdicts and the refusals between them into rows again."""

    def __init__(self, source: Source, layout: Layout, on_unavailable: OnUnavailable) -> None:
        self._source = source
        self._layout = layout
        self._on_unavailable: OnUnavailable = on_unavailable
        self._fields = {column: field for field, column in layout.identifiers.items()}
        self._fields |= {layout.ref: "ref", layout.consent: "consent"}
        self._results: dict[str, list[Any]] = {column: [] for column in FRAME_COLUMNS}
        self._open: deque[tuple[int, str, str | None]] = deque()
        """Number, ref, and the reason of a refusal; None where a verdict is to come."""

    @property
    def done(self) -> int:
        """Rows that have their result."""
        return len(self._results["row"])

    def subjects(self) -> Iterator[Subject]:
        """Give the rows that can be used; may run on another thread than the rest."""
        for row in self._source.rows:
            subject = self._subject(row)
            if subject is not None:
                self._open.append((row.number, subject.ref, None))
                yield subject

    def _subject(self, row: Row | BadRow) -> Subject | None:
        if isinstance(row, BadRow):
            self._open.append((row.number, "", str(row.reason)))
            return None
        try:
            return self._layout.subject(row)
        except RowFault as fault:
            where = self._fields.get(fault.column, "") if fault.column else ""
            reason = f"{where}:{fault.reason}" if where else str(fault.reason)
            self._open.append((row.number, self._layout.ref_of(row), reason))
            return None

    def take(self, verdict: Verdict) -> None:
        """Take the next verdict, and the refusals that stand before it."""
        self.flush()
        number, ref, _ = self._open.popleft()
        reason = " ".join(f"{field.field}:{field.reason}" for field in verdict.fields if field.reason)
        self._add(number, ref, verdict, reason)

    def flush(self) -> None:
        """Take the refusals that stand before the next verdict to come."""
        while self._open and self._open[0][2] is not None:
            number, ref, reason = self._open.popleft()
            self._add(number, ref, judged(ref, (), on_unavailable=self._on_unavailable), reason or "")

    def _add(self, number: int, ref: str, verdict: Verdict, reason: str) -> None:
        record: dict[str, str | int | None] = {
            "row": number,
            "ref": ref,
            "state": verdict.state.value,
            "action": verdict.action.word,
            "receipt": verdict.receipt,
            "reason": reason,
            **_of_matches(verdict),
        }
        for column, cells in self._results.items():
            cells.append(record.get(column) or None)

    def table(self) -> Any:  # noqa: ANN401 - a table of pyarrow, which has no types
        """Give the results as an Arrow table."""
        return pyarrow().table(self._results, schema=schema_of(FRAME_COLUMNS))


def _of_matches(verdict: Verdict) -> dict[str, str | int]:
    """Give a verdict's matches as columns."""
    matches = verdict.matches
    if not matches:
        return {}
    together = Together.of(matches)
    return {
        "fields": " ".join(dict.fromkeys(match.field for match in matches)),
        "categories": " ".join(dict.fromkeys(match.category.word for match in matches)),
        "roles": " ".join(dict.fromkeys(match.role.word for match in matches)),
        "evidence": together.evidence.name,
        "sources": len(together.contributors),
        "until": shown_date(together.expires_at),
        "status": together.status.word,
        "contributors": " ".join(together.contributors),
    }
