"""Frames as rows, and an Arrow table as a frame of the same library: Polars and pandas are here if their frames are."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from member_client.errors import InvalidUse
from member_client.files import BadRow, Row, TableInvalid, open_table
from member_client.files.arrow_rows import BATCH_ROWS, rows_of_batches
from member_client.files.cells import RawCell, cell_of, row_of
from member_client.files.extras import pyarrow
from member_client.files.model import shown_names

_NO_FRAME: Final = (
    "it is no frame: give a pandas, Polars or Arrow frame (a lazy one collected first), or the Path of a file"
)
_NO_STREAM: Final = "the frame cannot be had as an Arrow stream: a column that is used mixes types, or it is no frame"


@dataclass(frozen=True, slots=True)
class Source:
    """A frame's rows, and what makes a frame of its sort of the results."""

    rows: Iterable[Row | BadRow]
    like: Callable[[Any], Any]


def open_frame(frame: object, used: Iterable[str]) -> Source:
    """Open a frame for the columns that are used (empty names aside); raises InvalidUse, TableInvalid, ExtraMissing."""
    wanted = tuple(dict.fromkeys(column for column in used if column))
    if isinstance(frame, Path):
        table = open_table(frame)
        _need(wanted, table.columns)
        table.need(wanted)
        return Source(table, lambda results: results)
    library = type(frame).__module__.partition(".")[0]
    if library == "pandas" and hasattr(frame, "iloc") and hasattr(frame, "columns"):
        return _of_pandas(frame, wanted)
    if library == "polars" and hasattr(frame, "select"):
        return _of_polars(frame, wanted)
    return Source(_stream_rows(frame, wanted), lambda results: results)


def _need(wanted: Iterable[str], columns: Iterable[object]) -> None:
    """Raise InvalidUse unless each column stands there once."""
    found = list(columns)
    if missing := [column for column in wanted if column not in found]:
        names = shown_names(str(column) for column in found)
        raise InvalidUse(f"missing column {shown_names(missing)}; columns found: {names}; nothing was sent")
    if doubled := [column for column in wanted if found.count(column) > 1]:
        raise InvalidUse(f"column {shown_names(doubled)} stands there more than once")


# -- Arrow -----------------------------------------------------------------------------------------------------------


def _stream_rows(frame: object, wanted: tuple[str, ...]) -> Iterator[Row]:
    arrow = pyarrow()
    if not hasattr(frame, "__arrow_c_stream__"):
        raise InvalidUse(_NO_FRAME)
    try:
        reader = arrow.RecordBatchReader.from_stream(frame)
    except Exception:  # noqa: BLE001 - another library's, and its message can repeat a value
        raise InvalidUse(_NO_STREAM) from None
    _need(wanted, reader.schema.names)
    return _drawn(reader, wanted)


def _drawn(reader: Any, wanted: tuple[str, ...]) -> Iterator[Row]:  # noqa: ANN401 - of pyarrow, which has no types
    try:
        yield from rows_of_batches(reader, wanted)
    except (pyarrow().ArrowException, OSError):
        raise TableInvalid("the frame's stream broke off") from None


def _of_polars(frame: Any, wanted: tuple[str, ...]) -> Source:  # noqa: ANN401 - of a library that is not imported
    if not hasattr(frame, "__arrow_c_stream__"):
        raise InvalidUse(_NO_FRAME)
    _need(wanted, frame.columns)
    # Columns of Python's objects cannot be given as Arrow; they need not, where they are not used.
    return Source(_stream_rows(frame.select(wanted), wanted), import_module("polars").from_arrow)


# -- pandas ----------------------------------------------------------------------------------------------------------


def _of_pandas(frame: Any, wanted: tuple[str, ...]) -> Source:  # noqa: ANN401 - of a library that is not imported
    pandas = import_module("pandas")
    numbers = {pyarrow().int32(): pandas.Int32Dtype()}

    def like(results: Any) -> Any:  # noqa: ANN401 - from pyarrow to pandas
        found = results.to_pandas(types_mapper=numbers.get)
        found.index = frame.index
        return found

    _need(wanted, frame.columns)
    return Source(_pandas_rows(frame, wanted), like)


def _pandas_rows(frame: Any, wanted: tuple[str, ...]) -> Iterator[Row]:  # noqa: ANN401 - a frame of pandas
    """Give a frame's rows by its values: a column of Python's objects may mix texts and numbers; Arrow refuses that."""
    number = 0
    places = [list(frame.columns).index(column) for column in wanted]
    for start in range(0, len(frame), BATCH_ROWS):
        part = frame.iloc[start : start + BATCH_ROWS]
        columns = [_series_cells(part.iloc[:, place]) for place in places]
        for cells in zip(*columns, strict=True):
            number += 1
            yield row_of(number, wanted, cells)


def _series_cells(series: Any) -> list[RawCell]:  # noqa: ANN401 - a column of pandas
    absent = series.isna().tolist()
    return [cell_of(None if nothing else value) for value, nothing in zip(series.tolist(), absent, strict=True)]
