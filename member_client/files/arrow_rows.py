"""Record batches of Arrow as rows: Parquet files and data frames come as these.

A column is decoded as a whole, which is fast; only where one of its values is none of Python's (a date beyond the year
9999, bytes that are no UTF-8) is it done value by value, so that the bad one costs its own row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from member_client.files import extras
from member_client.files.cells import RawCell, cell_of, row_of
from member_client.files.model import RowReason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from member_client.files.model import Row

BATCH_ROWS: Final = 4096
"""Rows that stand in memory as Python's objects."""


def rows_of_batches(batches: Iterable[Any], wanted: Collection[str] | None = None) -> Iterator[Row]:
    """Give the rows of record batches, numbered from 1, with the wanted columns or all."""
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            places = [place for place, name in enumerate(part.schema.names) if wanted is None or name in wanted]
            names = [part.schema.names[place] for place in places]
            columns = [column_cells(part.column(place)) for place in places]
            for cells in zip(*columns, strict=True):
                number += 1
                yield row_of(number, names, cells)


def column_cells(column: Any) -> list[RawCell]:  # noqa: ANN401 - an array of pyarrow, which has no types
    """Give an array's values as cells."""
    arrow = extras.pyarrow()
    if isinstance(column, arrow.ExtensionArray):
        column = column.storage
    if arrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if arrow.types.is_nested(column.type) or arrow.types.is_fixed_size_binary(column.type):
        # Bytes of one size are keys or, from Polars, where its objects lie in memory: never a text.
        return ["" if absent else RowReason.NOT_TEXT for absent in column.is_null().to_pylist()]
    if arrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Python's moments end at microseconds; dividing loses nothing of a date.
        column = column.cast(arrow.timestamp("us", column.type.tz), safe=False)
    try:
        return [cell_of(value) for value in column.to_pylist()]
    except (ValueError, OverflowError):
        return [_one_cell(value) for value in column]


def _one_cell(value: Any) -> RawCell:  # noqa: ANN401 - a scalar of pyarrow
    try:
        return cell_of(value.as_py())
    except UnicodeDecodeError:
        return RowReason.UNDECODABLE
    except (ValueError, OverflowError):
        return RowReason.NOT_TEXT
