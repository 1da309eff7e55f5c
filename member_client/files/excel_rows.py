"""Rows of an Excel workbook (.xlsx): of the one sheet that holds something, or of the one that is named.

- The sheet is the only visible one that is not empty. Where there are several, one is named, as FILE#SHEET: taking the
  first would leave out people whom the second lists.
- The first row that is not empty names the columns; rows are numbered from the next one on, empty ones counted.
- Whole numbers of at most 15 digits count as texts. Excel keeps 15 digits of a number and no more: a longer one lost
  the others before it was saved, and is refused, as is a fraction.
- Dates are written in ISO 8601. A formula counts by the value that was computed last; errors and true/false are
  refused.

Memory holds the open rows, a trace of each row before, and the texts that cells share; `excel_package` bounds them all.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from member_client.files import extras
from member_client.files.cells import RawCell, cell_of, row_of
from member_client.files.excel_package import MAX_ROWS, check_package
from member_client.files.model import BadRow, Row, RowReason, TableInvalid, shown_names

if TYPE_CHECKING:
    from pathlib import Path

_ROWS_AT_ONCE: Final = 256
_LOST: Final = 10**15
"""The least whole number of which Excel may have lost a digit."""


class _Cell(Protocol):
    value: object
    data_type: str


_Cells = Sequence[_Cell]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One of a workbook's sheets."""

    title: str
    is_visible: bool
    claimed_rows: int
    rows: Callable[[], Iterator[_Cells]]

    def filled(self) -> Iterator[tuple[int, _Cells]]:
        """Give the rows that are not empty, with their places from 1."""
        rows = enumerate(self.rows(), start=1)
        while True:
            with warnings.catch_warnings():
                # The library warns of a number that is no date, and its warning repeats the number.
                warnings.simplefilter("ignore")
                drawn = list(islice(rows, _ROWS_AT_ONCE))
            if not drawn:
                return
            yield from ((place, cells) for place, cells in drawn if not _is_empty(cells))


class ExcelRows:
    """A workbook's columns and rows."""

    def __init__(self, path: Path, sheet: str = "") -> None:
        self._path = path
        self.expected_rows = 0
        self._rows = self._drawn(extras.openpyxl(), sheet)
        self._header, cells = next(self._rows)
        self.columns = self._names(cells)

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give the rows in order; empty ones are passed over."""
        width = len(self.columns)
        for place, cells in self._rows:
            number = place - self._header
            if _is_empty(cells[width:]):
                # Excel leaves out what is empty at a row's end.
                absent = ("",) * (width - len(cells))
                yield row_of(number, self.columns, (*map(_cell, cells[:width]), *absent))
            else:
                yield BadRow(number, RowReason.TOO_MANY_CELLS)

    def _names(self, cells: _Cells) -> tuple[str, ...]:
        names = [_cell(cell) for cell in cells]
        if any(isinstance(name, RowReason) for name in names):
            raise TableInvalid(f"{self._path}: the first row must name the columns, each by a text")
        while not names[-1].strip():
            names.pop()
        return tuple(name.strip() for name in names)

    def _drawn(self, library: Any, name: str) -> Iterator[tuple[int, _Cells]]:  # noqa: ANN401 - the library
        """Give the sheet's rows that are not empty, with their places from 1, the header first."""
        with self._path.open("rb") as file, self._own_faults():
            check_package(file)
            sheet = self._chosen(_sheets(library, file), name)
            rows = sheet.filled()
            header = next(rows)
            self.expected_rows = max(0, min(sheet.claimed_rows, MAX_ROWS) - header[0])
            yield header
            yield from rows

    def _chosen(self, sheets: Sequence[_Sheet], name: str) -> _Sheet:
        if name and name not in {sheet.title for sheet in sheets}:
            raise TableInvalid(f"no sheet of this name; there are: {shown_names(sheet.title for sheet in sheets)}")
        wanted = [sheet for sheet in sheets if (sheet.title == name if name else sheet.is_visible)]
        found = [sheet for sheet in wanted if next(sheet.filled(), None)]
        if not found:
            raise TableInvalid("the sheet is empty" if name else "no visible sheet holds anything")
        if len(found) > 1:
            titles = shown_names(sheet.title for sheet in found)
            raise TableInvalid(f"several sheets hold something: {titles}. Choose one, as FILE#SHEET; nothing was sent")
        return found[0]

    @contextmanager
    def _own_faults(self) -> Iterator[None]:
        """Turn whatever the library raises into TableInvalid: its messages repeat cells."""
        try:
            yield
        except TableInvalid as fault:
            raise TableInvalid(f"{self._path}: {fault}") from None
        except Exception:  # noqa: BLE001 - it raises whatever its parts raise
            raise TableInvalid(f"{self._path}: the workbook is damaged: open it in Excel and save it again") from None


def _sheets(library: Any, file: IO[bytes]) -> Sequence[_Sheet]:  # noqa: ANN401 - the library
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = library.load_workbook(file, read_only=True, data_only=True, keep_links=False).worksheets
    sheets = [_Sheet(one.title, one.sheet_state == "visible", one.max_row or 0, one.iter_rows) for one in found]
    for one in found:
        # What a sheet claims of its size would have rows filled up, or cut.
        one.reset_dimensions()
    return sheets


def _is_empty(cells: _Cells) -> bool:
    return all(cell.value is None or (isinstance(cell.value, str) and not cell.value.strip()) for cell in cells)


def _cell(cell: _Cell) -> RawCell:
    value = cell.value
    if cell.data_type == "e":
        return RowReason.NOT_TEXT
    if isinstance(value, int | float) and not isinstance(value, bool):
        whole = abs(value) < _LOST and value == int(value)
        return str(int(value)) if whole else RowReason.SPREADSHEET_DAMAGED
    return cell_of(value)
