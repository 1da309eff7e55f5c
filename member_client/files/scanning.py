"""A first pass over a file: which format; and of text which encoding, how many lines, and whether it is text at all.

Encodings: UTF-8 with or without byte order mark, else GB18030 (which contains GBK and GB2312). The whole
file is looked at, since lists often have their first Chinese name far down. One broken line does not change
the verdict: it is the majority of the lines with characters beyond ASCII that decides, and UTF-8 where both
would do, because text of another encoding hardly ever is valid UTF-8.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from member_client.files.model import TableInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE_BYTES: Final = 256 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
_MAGIC_BYTES: Final = 4
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_NO_TEXT: Final = (
    (b"\xd0\xcf\x11\xe0", "it is an old Excel workbook, or one with a password: save it as .xlsx without one"),
    (b"PARE", "it is an encrypted Parquet file: write it without encryption"),
    (b"\x1f\x8b", "it is compressed: unpack it first"),
    (b"\xff\xfe", "it is UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16: save it as UTF-8"),
)


class Format(Enum):
    """What is inside a file, by its first bytes."""

    TEXT = b""
    EXCEL = b"PK\x03\x04"
    PARQUET = b"PAR1"


_SUFFIXES: Final = {".xlsx": Format.EXCEL, ".xlsm": Format.EXCEL, ".parquet": Format.PARQUET}


@dataclass(frozen=True, slots=True)
class Scan:
    """What the first pass found. `start` is where the text begins, in bytes; `lines` counts the header."""

    encoding: str
    start: int
    lines: int


@dataclass(slots=True)
class _Counts:
    """Lines with characters beyond ASCII, by what they are valid in."""

    utf8: int = 0
    gb18030_only: int = 0
    neither: int = 0

    def add(self, line: bytes) -> None:
        if line.isascii():
            return
        if _decodes(line, "utf-8"):
            self.utf8 += 1
        elif _decodes(line, "gb18030"):
            self.gb18030_only += 1
        else:
            self.neither += 1

    @property
    def encoding(self) -> str:
        return "gb18030" if self.gb18030_only > self.utf8 + self.neither else "utf-8"


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def format_of(path: Path) -> Format:
    """Look at a file's first bytes; raises TableInvalid where it cannot be read, or is not what its name says."""
    if not path.is_file():
        raise TableInvalid(f"{path}: there is no such file (a regular file is needed, because it is read twice)")
    with _readable(path), path.open("rb") as file:
        head = file.read(_MAGIC_BYTES)
    found = next((form for form in (Format.EXCEL, Format.PARQUET) if head == form.value), Format.TEXT)
    if found is Format.TEXT:
        _refuse_known(path, head)
        if path.suffix.lower() in _SUFFIXES:
            raise TableInvalid(f"{path}: it is not what its name says, no {path.suffix.lower()} file")
    return found


def scan(path: Path) -> Scan:
    """Look through a file once; raises TableInvalid where it is no table of text."""
    with _readable(path):
        return _scan(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TableInvalid(f"{path}: it cannot be read ({error.strerror})") from None


def _scan(path: Path) -> Scan:
    counts, lines, rest = _Counts(), 0, b""
    with path.open("rb") as file:
        chunk = file.read(_CHUNK_BYTES)
        _refuse_other_formats(path, chunk)
        has_bom = chunk.startswith(_UTF8_BOM)
        while chunk:
            lines += chunk.count(b"\n")
            complete, newline, tail = (rest + chunk).rpartition(b"\n")
            if newline and not complete.isascii():
                for line in complete.split(b"\n"):
                    counts.add(line)
            # A line over the limit is refused by the reader, so its bytes need not be kept either.
            rest = tail if len(tail) <= MAX_LINE_BYTES else b""
            chunk = file.read(_CHUNK_BYTES)
    counts.add(rest)
    encoding = "utf-8" if has_bom else counts.encoding
    return Scan(encoding, len(_UTF8_BOM) if has_bom else 0, lines + bool(rest))


def _refuse_known(path: Path, head: bytes) -> None:
    for magic, advice in _NO_TEXT:
        if head.startswith(magic):
            raise TableInvalid(f"{path}: {advice}")


def _refuse_other_formats(path: Path, head: bytes) -> None:
    _refuse_known(path, head)
    if not head.strip():
        raise TableInvalid(f"{path}: it is empty")
    if b"\r" in head and b"\n" not in head:
        raise TableInvalid(f"{path}: its lines end in CR alone: save it with LF or CR LF")
    if head.count(b"\0") > len(head) // 8:
        raise TableInvalid(f"{path}: it is no text: save it as CSV UTF-8")
