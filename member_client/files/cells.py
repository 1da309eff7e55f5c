"""A value of a typed table as a cell: its text, or why it has none.

- Whole numbers count as texts: a telephone number often is one.
- A float never does. It holds 15 to 17 digits and rounds the rest away, and nobody can see it afterwards: a resident id
  that was a float once is the id of somebody else. NaN is how data frames write that there is nothing.
- Dates are written in ISO 8601; a moment that is midnight without a zone is the date alone.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING, Final

from member_client.files.model import Row, RowReason

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_DIGITS: Final = 40
"""More than any identifier has; a number beyond is not worth the time that writing it out takes."""

RawCell = str | RowReason
"""A cell's text, or why it has none."""


def cell_of(value: object) -> RawCell:
    """Give a value as a cell; nothing is an empty one."""
    if value is None:
        return ""
    if isinstance(value, str):
        # A lone surrogate cannot be encoded again; it can be no part of any identifier either.
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, bool):
        return RowReason.NOT_TEXT
    if isinstance(value, Integral):
        return _whole(int(value))
    if isinstance(value, Decimal):
        return _exact(value)
    if isinstance(value, Real):
        return "" if math.isnan(value) else RowReason.SPREADSHEET_DAMAGED
    if isinstance(value, bytes):
        return _decoded(value)
    return _shown(value) if isinstance(value, date) else RowReason.NOT_TEXT


def row_of(number: int, columns: Iterable[str], cells: Iterable[RawCell]) -> Row:
    """Give a row of cells, those at fault apart: they count where their column is used."""
    texts: dict[str, str] = {}
    faults: dict[str, RowReason] = {}
    for column, cell in zip(columns, cells, strict=True):
        if isinstance(cell, RowReason):
            faults[column] = cell
        else:
            texts[column] = cell
    return Row(number, texts, faults)


def _whole(value: int) -> RawCell:
    return str(value) if abs(value) < 10**_MAX_DIGITS else RowReason.NOT_TEXT


def _exact(value: Decimal) -> RawCell:
    """Give a decimal, which loses nothing, where it is whole."""
    if value.is_nan():
        return ""
    if not value.is_finite() or value.adjusted() >= _MAX_DIGITS or value != value.to_integral_value():
        return RowReason.NOT_TEXT
    return str(int(value))


def _decoded(value: bytes) -> RawCell:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return RowReason.UNDECODABLE


def _shown(value: date) -> str:
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time.min:
        return value.date().isoformat()
    return value.isoformat()
