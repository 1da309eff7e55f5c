"""Rows of a JSONL file: one object a line, cells by key; an absent key and null are an empty cell.

The columns are the keys of the first thousand lines, since optional keys may be missing from the first.
What counts as a text is said in `cells`.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Final

from member_client.files.cells import cell_of, row_of
from member_client.files.model import BadRow, Row, RowReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from member_client.files.lines import Line

_LINES_LOOKED_AT: Final = 1000


class JsonlRows:
    """A JSONL file's columns and rows."""

    def __init__(self, lines: Iterator[Line]) -> None:
        numbered = enumerate(lines, start=1)
        first = [_row(number, line) for number, line in (next(numbered, (0, "")) for _ in range(_LINES_LOOKED_AT))]
        self._rows = chain(first, (_row(number, line) for number, line in numbered))
        rows = [row for row in first if isinstance(row, Row)]
        self.columns = tuple(dict.fromkeys(column for row in rows for column in (*row.cells, *row.faults)))

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give the rows in order; blank lines are passed over."""
        return (row for row in self._rows if row is not None)


def _row(number: int, line: Line) -> Row | BadRow | None:
    if isinstance(line, RowReason):
        return BadRow(number, line)
    if not line.strip():
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return BadRow(number, RowReason.NOT_JSON)
    if not isinstance(found, dict):
        return BadRow(number, RowReason.NOT_JSON)
    columns = [str(key).strip() for key in found]
    return row_of(number, columns, map(cell_of, found.values()))
