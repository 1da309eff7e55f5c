"""Opens a file as a table, whichever of the formats it has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

from member_client.files.csv_rows import CsvRows
from member_client.files.jsonl_rows import JsonlRows
from member_client.files.lines import read_lines
from member_client.files.model import TableInvalid, shown_names
from member_client.files.scanning import scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from member_client.files.model import BadRow, Row

_JSONL_SUFFIXES: Final = frozenset({".jsonl", ".ndjson"})


class _Rows(Protocol):
    columns: tuple[str, ...]

    def __iter__(self) -> Iterator[Row | BadRow]: ...


class Table:
    """A file with named columns, read once from start to end."""

    def __init__(self, path: Path, *, encoding: str, expected_rows: int, rows: _Rows) -> None:
        self.path = path
        self.encoding = encoding
        self.expected_rows = expected_rows
        """Rows as far as line breaks tell: exact unless a cell holds one."""
        self.columns = rows.columns
        self._rows = rows

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give the rows in order."""
        return iter(self._rows)

    def need(self, columns: Iterable[str]) -> None:
        """Raise TableInvalid, naming what is missing and what there is, unless each stands here once."""
        counts = Counter(self.columns)
        wanted = list(dict.fromkeys(columns))
        missing = [column for column in wanted if not counts[column]]
        if missing:
            raise TableInvalid(
                f"{self.path}: missing column {shown_names(missing)}; columns found: "
                f"{shown_names(self.columns)}. Name the columns in the first line, or use --map FIELD=COLUMN; "
                "nothing was sent"
            )
        doubled = [column for column in wanted if counts[column] > 1]
        if doubled:
            raise TableInvalid(f"{self.path}: column {shown_names(doubled)} stands there more than once")


def open_table(path: Path) -> Table:
    """Open a CSV or JSONL file; raises TableInvalid where it is neither."""
    found = scan(path)
    lines = read_lines(path, found)
    if path.suffix.lower() in _JSONL_SUFFIXES:
        return Table(path, encoding=found.encoding, expected_rows=found.lines, rows=JsonlRows(lines))
    try:
        rows = CsvRows(lines)
    except TableInvalid as fault:
        raise TableInvalid(f"{path}: {fault}") from None
    return Table(path, encoding=found.encoding, expected_rows=max(0, found.lines - 1), rows=rows)
