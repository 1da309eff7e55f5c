"""Opens a file as a table, whichever of the formats it has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from member_client.files.csv_rows import CsvRows
from member_client.files.excel_rows import ExcelRows
from member_client.files.jsonl_rows import JsonlRows
from member_client.files.lines import read_lines
from member_client.files.model import TableInvalid, shown_names
from member_client.files.parquet_rows import ParquetRows
from member_client.files.scanning import Format, format_of, scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from member_client.files.model import BadRow, Row

_JSONL_SUFFIXES: Final = frozenset({".jsonl", ".ndjson"})
_SHEET_SIGN: Final = "#"


class _Rows(Protocol):
    columns: tuple[str, ...]

    def __iter__(self) -> Iterator[Row | BadRow]: ...


class Table:
    """A file with named columns, read once from start to end."""

    def __init__(self, path: Path, *, encoding: str, expected_rows: int, rows: _Rows) -> None:
        self.path = path
        self.encoding = encoding
        self.expected_rows = expected_rows
        """Rows as far as line breaks, or the file's own count, tell: for progress, and not to be relied on."""
        self.columns = rows.columns
        self._rows = rows

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give the rows in order."""
        return iter(self._rows)

    def need(self, columns: Iterable[str]) -> None:
        """Raise TableInvalid, naming what is missing and what there is, unless each stands here once.

        No other columns are read afterwards where the format keeps them apart.
        """
        counts = Counter(self.columns)
        wanted = list(dict.fromkeys(columns))
        missing = [column for column in wanted if not counts[column]]
        if missing:
            raise TableInvalid(
                f"{self.path}: missing column {shown_names(missing)}; columns found: "
                f"{shown_names(self.columns)}. Name the columns in the first line, with no title above it, or use "
                "--map FIELD=COLUMN; nothing was sent"
            )
        doubled = [column for column in wanted if counts[column] > 1]
        if doubled:
            raise TableInvalid(f"{self.path}: column {shown_names(doubled)} stands there more than once")
        if isinstance(self._rows, ParquetRows):
            self._rows.narrow(wanted)


def open_table(path: Path) -> Table:
    """Open a file as a table by what is in it; raises TableInvalid where it is none.

    Of a workbook with several sheets, FILE#SHEET names one.
    """
    path, sheet = _with_sheet(path)
    form = format_of(path)
    if form is Format.EXCEL:
        workbook = ExcelRows(path, sheet)
        return Table(path, encoding="utf-8", expected_rows=workbook.expected_rows, rows=workbook)
    if form is Format.PARQUET:
        columns = ParquetRows(path)
        return Table(path, encoding="utf-8", expected_rows=columns.expected_rows, rows=columns)
    return _open_text(path)


def _with_sheet(path: Path) -> tuple[Path, str]:
    """Give a file's path and the name of its sheet, where there is one: a file may have the sign in its name."""
    name, sign, sheet = path.name.rpartition(_SHEET_SIGN)
    return (path.with_name(name), sheet) if sign and name and not path.exists() else (path, "")


def _open_text(path: Path) -> Table:
    found = scan(path)
    lines = read_lines(path, found)
    if path.suffix.lower() in _JSONL_SUFFIXES:
        return Table(path, encoding=found.encoding, expected_rows=found.lines, rows=JsonlRows(lines))
    try:
        rows = CsvRows(lines)
    except TableInvalid as fault:
        raise TableInvalid(f"{path}: {fault}") from None
    return Table(path, encoding=found.encoding, expected_rows=max(0, found.lines - 1), rows=rows)
