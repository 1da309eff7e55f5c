"""Rows of a Parquet file, a few thousand at a time: neither the file nor a row group of it is held in memory.

Only the columns that are used are read, once it is known which these are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from member_client.files import extras
from member_client.files.arrow_rows import BATCH_ROWS, rows_of_batches
from member_client.files.model import TableInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from member_client.files.model import Row

_BUFFER_BYTES: Final = 1 << 20


class ParquetRows:
    """A Parquet file's columns and rows."""

    def __init__(self, path: Path) -> None:
        self._arrow = extras.pyarrow()
        self._damaged = f"{path}: the Parquet file is damaged or of an unknown sort: write it again"
        try:
            self._file = self._arrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES)
            self.columns: tuple[str, ...] = tuple(self._file.schema_arrow.names)
        except (self._arrow.ArrowException, OSError, ValueError):
            # What pyarrow says can quote the file.
            raise TableInvalid(self._damaged) from None
        self.expected_rows: int = self._file.metadata.num_rows
        self._wanted: Collection[str] | None = None

    def narrow(self, columns: Collection[str]) -> None:
        """Read these columns alone."""
        self._wanted = frozenset(columns)

    def __iter__(self) -> Iterator[Row]:
        """Give the rows in order; raises TableInvalid where the file turns out to be damaged."""
        wanted = None if self._wanted is None else list(self._wanted)
        try:
            with self._file as file:
                batches = file.iter_batches(batch_size=BATCH_ROWS, columns=wanted, use_threads=False)
                yield from rows_of_batches(batches, self._wanted)
        except (self._arrow.ArrowException, OSError, ValueError):
            raise TableInvalid(self._damaged) from None
