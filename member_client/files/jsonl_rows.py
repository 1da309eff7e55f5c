"""Rows of a JSONL file: one object a line, cells by key; an absent key and null are an empty cell.

The columns are the keys of the first thousand lines, since optional keys may be missing from the first.
Whole numbers count as texts (a telephone number often is one); fractions do not: a float may have lost
digits of an identifier.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Final

from member_client.files.model import BadRow, Row, RowReason, shown_name

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
        self.columns = tuple(dict.fromkeys(column for row in rows for column in row.cells))

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
    cells = {str(key).strip(): _cell(value) for key, value in found.items()}
    for column, cell in cells.items():
        if cell is None:
            return BadRow(number, RowReason.NOT_TEXT, shown_name(column))
    return Row(number, {column: cell for column, cell in cells.items() if cell is not None})


def _cell(value: object) -> str | None:
    """Give a value as a cell; None where it is none."""
    if value is None:
        return ""
    if isinstance(value, str):
        # A lone surrogate cannot be encoded again; it can be no part of any identifier either.
        return value.encode(errors="replace").decode()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
