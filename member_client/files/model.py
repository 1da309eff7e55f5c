"""What a table's rows are, and how one is refused.

Rules of the whole package:

1. A fault of the file as a whole (no header, a missing column) is a TableInvalid before anything is sent. A
   fault of one row is a BadRow or a Refusal, and the other rows go on.
2. Rows are numbered from 1, the header not counted, blank lines counted: the number is the line in a
   spreadsheet less one, as long as no cell holds a line break.
3. Neither a refusal nor an error holds the value of a cell. Names of columns are shown only where they look
   like names, because a file without a header has identifiers in that place.
4. A cell that is no text (a fraction, true/false, a list) refuses its row where its column is used, and only there: a
   list may well have a column of amounts beside its identifiers.
5. Files are read as streams: memory does not grow with their length.

Not done here: no canonical forms, no taxonomy, no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME_LENGTH: Final = 40
_VALUE_LIKE: Final = re.compile(r"\d{5}|[@:.]|(?:\d.*){7}")


Record = Mapping[str, str | int]
"""One line of a result file, by column."""


class TableInvalid(Exception):
    """A file cannot be used as a table at all. Its text names columns and never a value."""


class RowReason(StrEnum):
    """Why a row or a cell was refused before anything was derived from it."""

    EMPTY = "empty"
    TOO_FEW_CELLS = "too_few_cells"
    TOO_MANY_CELLS = "too_many_cells"
    BAD_QUOTING = "bad_quoting"
    TOO_LONG = "too_long"
    UNDECODABLE = "undecodable"
    NOT_JSON = "not_json"
    NOT_TEXT = "not_text"
    SPREADSHEET_DAMAGED = "spreadsheet_damaged"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_WORD = "unknown_word"
    BAD_DATE = "bad_date"
    CONSENT_MISSING = "consent_missing"
    REF_IS_IDENTIFIER = "ref_is_identifier"
    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_UNREADABLE = "evidence_unreadable"


_HOW_TO_FIX: Final[dict[RowReason, str]] = {
    RowReason.EMPTY: "The cell is empty: fill it in or leave the row out.",
    RowReason.TOO_FEW_CELLS: "Fewer cells than the header: look for a lost separator or a broken line.",
    RowReason.TOO_MANY_CELLS: "The row has more cells than the header: quote cells that hold the separator.",
    RowReason.BAD_QUOTING: "A quotation mark is not closed: double the marks inside a quoted cell.",
    RowReason.TOO_LONG: "The line is longer than 256 KiB: look for a lost line break.",
    RowReason.UNDECODABLE: "The line is not in the file's encoding: save the file as UTF-8.",
    RowReason.NOT_JSON: "The line is not a JSON object: write one object a line.",
    RowReason.NOT_TEXT: "The cell holds a list, an object, true/false or an error: write it as a text.",
    RowReason.SPREADSHEET_DAMAGED: (
        "The cell is a number that may have lost digits (a float, or more than 15 digits in a spreadsheet): "
        "format the column as text in the system of origin and export again."
    ),
    RowReason.UNKNOWN_KIND: "The kind is none of the known ones: see member-client check --help.",
    RowReason.UNKNOWN_WORD: "The word is none of the known ones.",
    RowReason.BAD_DATE: "Write a date as 2027-01-31, or a duration as 90d.",
    RowReason.CONSENT_MISSING: "The purpose needs evidence of consent for each row: fill the cell in.",
    RowReason.REF_IS_IDENTIFIER: "The ref repeats an identifier, and refs are printed: take another column.",
    RowReason.EVIDENCE_MISSING: "Evidence above E1 needs its file: use evidence_file or --evidence-file.",
    RowReason.EVIDENCE_UNREADABLE: "The evidence file cannot be read: paths start at the list's folder.",
}


class RowFault(Exception):
    """Why one row cannot be used, and the column at fault; the next row goes on."""

    def __init__(self, reason: RowReason, column: str = "", detail: str = "") -> None:
        super().__init__(reason, column)
        self.reason = reason
        self.column = column
        self.how_to_fix = detail or _HOW_TO_FIX[reason]


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One row: its number, its cells by column, and for cells that are no text the reason."""

    number: int
    cells: Mapping[str, str]
    faults: Mapping[str, RowReason] = field(default_factory=dict)

    def cell(self, column: str) -> str:
        """Give a cell; an absent one is empty. Raises RowFault where it is no text."""
        if column in self.faults:
            raise RowFault(self.faults[column], column)
        return self.cells.get(column, "")

    def text(self, column: str) -> str:
        """Give a cell without surrounding spaces; raises RowFault where it is no text."""
        return self.cell(column).strip()

    def __repr__(self) -> str:
        return f"Row({self.number})"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read."""

    number: int
    reason: RowReason

    def refusal(self) -> Refusal:
        """Give it as a line of `refused.csv`."""
        return Refusal.of(self.number, "", RowFault(self.reason))


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line of `refused.csv`."""

    row: int
    ref: str
    column: str
    reason: str
    how_to_fix: str

    @classmethod
    def of(cls, row: int, ref: str, fault: RowFault) -> Refusal:
        """Refuse a row for a fault."""
        return cls(row, ref, fault.column, str(fault.reason), fault.how_to_fix)


def shown_name(name: str) -> str:
    """Give a column's name for a message, or a stand-in where it looks like a value."""
    looks_like_value = not name or len(name) > _NAME_LENGTH or not name.isprintable() or _VALUE_LIKE.search(name)
    return "(not shown: looks like a value)" if looks_like_value else name


def shown_names(names: Iterable[str]) -> str:
    """Give columns' names for a message."""
    return ", ".join(shown_name(name) for name in names) or "none"
