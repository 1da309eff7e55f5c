"""Result files: complete or absent, and safe to open in a spreadsheet.

- A file is written under another name beside its place and renamed when everything went well; whatever
  stops the run leaves the old file as it was. New files are for their owner's eyes (mode 0600).
- Parquet is written a group of rows at a time (`parquet_records`).
- CSV starts with a byte order mark where the caller asks for one: a Chinese Excel takes a file without it for GBK.
  Readers of ours skip it.
- A CSV cell that a spreadsheet would take for a formula gets an apostrophe in front (refs come from the
  user's file). JSONL needs none of that.
"""

from __future__ import annotations

import codecs
import csv
import errno
import io
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

from member_client._documents import dumped
from member_client.errors import StorageFull
from member_client.files.model import Record, TableInvalid
from member_client.files.parquet_records import ParquetRecords

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from member_client.files.model import Refusal

REFUSED_COLUMNS: Final = ("row", "ref", "column", "reason", "how_to_fix")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_JSONL_SUFFIXES: Final = frozenset({".jsonl", ".ndjson"})
_PARQUET_SUFFIX: Final = ".parquet"

WriteRecord = Callable[[Record], None]


def spreadsheet_safe(cell: str | int) -> str | int:
    """Give a cell such that no spreadsheet takes it for a formula; numbers of ours stay numbers."""
    if not cell or isinstance(cell, int) or cell[:1].isalnum() or not cell.lstrip(" ").startswith(_FORMULA_STARTS):
        return cell
    return f"'{cell}"


@contextmanager
def replaced_on_success(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when the block ends without an exception."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        kind = StorageFull if error.errno in _NO_ROOM else TableInvalid
        raise kind(f"{path}: it cannot be written ({error.strerror})") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageFull(f"{path}: it cannot be written, the disk is full; the earlier file is unchanged") from None
    finally:
        # After the rename there is nothing left under this name.
        temporary.unlink(missing_ok=True)


@contextmanager
def replaced_text(path: Path, *, bom: bool = False) -> Iterator[IO[str]]:
    """Open a text file (UTF-8) that takes its place when the block ends without an exception."""
    with replaced_on_success(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig" if bom else "utf-8", newline="")
        yield text
        text.flush()


def record_writer(file: IO[str], path: Path, columns: Sequence[str]) -> WriteRecord:
    """Give what writes one record, as CSV or JSONL after the file's name."""
    if path.suffix.lower() in _JSONL_SUFFIXES:

        def write_json(record: Record) -> None:
            file.write(dumped({column: record[column] for column in columns}) + "\n")

        return write_json
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)

    def write_csv(record: Record) -> None:
        writer.writerow([spreadsheet_safe(record[column]) for column in columns])

    return write_csv


@contextmanager
def record_file(path: Path, columns: Sequence[str], *, bom: bool = False) -> Iterator[WriteRecord]:
    """Open a result file; records go to what this gives. `bom` puts a byte order mark before CSV, and only there."""
    suffix = path.suffix.lower()
    if suffix not in {*_JSONL_SUFFIXES, ".csv", _PARQUET_SUFFIX}:
        raise TableInvalid(f"{path}: results are written as .csv, .jsonl or .parquet")
    if suffix == _PARQUET_SUFFIX:
        with replaced_on_success(path) as file, ParquetRecords(file, columns) as records:
            yield records.write
        return
    with replaced_text(path, bom=bom and suffix == ".csv") as text:
        yield record_writer(text, path, columns)


class RefusedFile:
    """`refused.csv`: made when the first row is refused, and not otherwise. Use it as a context manager.

    One that an earlier run left in the same place is removed where this run refused nothing: it would lie.
    """

    def __init__(self, path: Path, *, bom: bool = False) -> None:
        self.path = path
        self.count = 0
        self._bom = bom
        self._stack = ExitStack()
        self._write: WriteRecord | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if kind is None and not self.count and _is_refused_file(self.path):
            self.path.unlink()

    def add(self, refusal: Refusal) -> None:
        """Write one line."""
        if self._write is None:
            file = self._stack.enter_context(replaced_text(self.path, bom=self._bom))
            self._write = record_writer(file, Path("refused.csv"), REFUSED_COLUMNS)
        self.count += 1
        self._write(asdict(refusal))


def _is_refused_file(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline(200).removeprefix(codecs.BOM_UTF8) == ",".join(REFUSED_COLUMNS).encode() + b"\n"
