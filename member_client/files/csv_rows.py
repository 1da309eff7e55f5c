"""Records of a CSV file (RFC 4180), one at a time, where a broken one costs itself only.

Order for each record: a line without a quotation mark is split at the separators. One with a mark goes to
the csv module; where a quoted cell is still open at the line's end, lines are added until the marks are
even, 64 at most. If that gives no record of the header's width, the first line is refused and the others
are read afresh: an unclosed mark in row 5 must not swallow rows 6 to 5,000.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from member_client.files.lines import Line, LineSource
from member_client.files.model import BadRow, Row, RowReason, TableInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_RECORD_LINES: Final = 64
_SEPARATORS: Final = ",;\t"


class CsvRows:
    """A CSV file's header and rows."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._source = LineSource(lines)
        header = self._source.next()
        if not isinstance(header, str):
            raise TableInvalid("the first line cannot be read; it must name the columns")
        # Excel writes ";" or a tab where the locale's decimal sign is a comma.
        self._separator = max(_SEPARATORS, key=header.count)
        names = self._parse([header], skip_spaces=True)
        if names is None:
            raise TableInvalid("the first line's quotation marks are not closed; it must name the columns")
        self.columns = tuple(name.strip() for name in names)

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give the rows in order."""
        number = 0
        while (line := self._source.next()) is not None:
            number += 1
            if line == "":
                continue
            yield self._row(number, line)

    def _row(self, number: int, line: Line) -> Row | BadRow:
        if isinstance(line, RowReason):
            return BadRow(number, line)
        cells = line.split(self._separator) if '"' not in line else self._quoted(line)
        if isinstance(cells, RowReason):
            return BadRow(number, cells)
        if len(cells) != len(self.columns):
            few = len(cells) < len(self.columns)
            return BadRow(number, RowReason.TOO_FEW_CELLS if few else RowReason.TOO_MANY_CELLS)
        return Row(number, dict(zip(self.columns, cells, strict=True)))

    def _quoted(self, line: str) -> list[str] | RowReason:
        cells = self._parse([line])
        if cells is not None:
            return cells
        record, taken = [line], list[Line]()
        while sum(part.count('"') for part in record) % 2 and len(record) < _MAX_RECORD_LINES:
            following = self._source.next()
            if following is None:
                break
            taken.append(following)
            if isinstance(following, RowReason):
                break
            record.append(following)
        cells = self._parse(record) if len(record) == len(taken) + 1 else None
        if cells is None or len(cells) != len(self.columns):
            self._source.give_back(taken)
            return RowReason.BAD_QUOTING
        return cells

    def _parse(self, record: list[str], *, skip_spaces: bool = False) -> list[str] | None:
        lines = [f"{line}\n" for line in record]
        try:
            rows = csv.reader(lines, delimiter=self._separator, skipinitialspace=skip_spaces, strict=True)
            records = list(rows)
        except csv.Error:
            return None
        return records[0] if len(records) == 1 else None
