"""Result files as Parquet: a group of rows at a time, each column of its own type, an empty cell as a null."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final, Self

from member_client.files import extras

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from member_client.files.model import Record

_GROUP_ROWS: Final = 1 << 15
_NUMBERS: Final = {"row": "int64", "sources": "int32"}
"""Columns that hold numbers, and of which sort; all others hold texts."""


def schema_of(columns: Sequence[str]) -> Any:  # noqa: ANN401 - a schema of pyarrow, which has no types
    """Give the Arrow schema of result columns."""
    arrow = extras.pyarrow()
    return arrow.schema([(column, getattr(arrow, _NUMBERS.get(column, "string"))()) for column in columns])


class ParquetRecords:
    """Writes records into a file; complete when its context ends. Raises ExtraMissing where it cannot."""

    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._schema = schema_of(columns)
        self._writer = extras.pyarrow().parquet.ParquetWriter(file, self._schema)
        self._waiting: list[dict[str, str | int | None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write_group()
        self._writer.close()

    def write(self, record: Record) -> None:
        """Write one record."""
        self._waiting.append({column: None if cell == "" else cell for column, cell in record.items()})
        if len(self._waiting) == _GROUP_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        table = extras.pyarrow().Table.from_pylist(self._waiting, schema=self._schema)
        self._writer.write_table(table)
        self._waiting.clear()
