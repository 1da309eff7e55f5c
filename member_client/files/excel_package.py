"""A first pass over a workbook: what its reader takes on trust is checked before the reader sees it.

A workbook is a zip archive of XML parts. Each part is read through once, in constant memory, and refused where

1. the archive is larger unpacked than any list, is encrypted, or is packed in a way that Excel never uses;
2. XML declares a document type, and so could declare entities;
3. a row, a shared text or what stands between them is larger than any that a person keeps, or there are more of them
   than Excel allows, or row numbers go backwards or beyond the last row there is: the reader fills such gaps;
4. a formula has no computed value beside it: its cell would read as empty, and who stands there would not be asked for.

Parts are told by their content, not by their names: the archive itself says which names it uses for what.
"""

from __future__ import annotations

import zlib
from typing import IO, TYPE_CHECKING, Final
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from member_client.files.model import TableInvalid

if TYPE_CHECKING:
    from zipfile import ZipInfo

MAX_ROWS: Final = 1_048_576
"""Rows of a sheet, by Excel's own limit."""
MAX_UNPACKED_BYTES: Final = 1 << 30
MAX_PARTS: Final = 10_000
MAX_RECORD_BYTES: Final = 2 << 20
"""Of one row with its cells, or of one shared text."""
MAX_OTHER_BYTES: Final = 16 << 20
"""Of all that is neither, in one part: styles, names, widths, rules of formatting."""
MAX_SHARED_TEXTS: Final = 4 << 20
_MAX_DEPTH: Final = 64
_CHUNK_BYTES: Final = 1 << 18
_ENCRYPTED: Final = 0x1
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
_ROW, _SHARED_TEXT = f"{_MAIN}row", f"{_MAIN}si"
_CELL, _FORMULA, _VALUE = f"{_MAIN}c", f"{_MAIN}f", f"{_MAIN}v"
_TOO_LARGE: Final = "the workbook is larger than any list: save the sheet as CSV UTF-8, or split it"
_DAMAGED: Final = "the workbook is damaged: open it in Excel and save it again"
_NOT_COMPUTED: Final = "the workbook holds formulas that were never computed: open it in Excel and save it again"


def check_package(file: IO[bytes]) -> None:
    """Read a workbook through; raises TableInvalid, without the file's name."""
    try:
        with ZipFile(file) as archive:
            parts = archive.infolist()
            _check_directory(parts)
            for part in parts:
                with archive.open(part) as content:
                    _PartCheck().read(content, is_xml=part.filename.lower().endswith((".xml", ".rels")))
    except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise TableInvalid(_DAMAGED) from None


def _check_directory(parts: list[ZipInfo]) -> None:
    if "[Content_Types].xml" not in {part.filename for part in parts}:
        raise TableInvalid("it is an archive and no Excel workbook (.xlsx): unpack it first")
    # Reading a part ends where the directory says that it does, so that these sizes hold.
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise TableInvalid(_TOO_LARGE)
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise TableInvalid("the workbook is encrypted: save it without a password")
    if any(part.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for part in parts):
        raise TableInvalid(_DAMAGED)


class _PartCheck:
    """Reads one part."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._depth = 0
        self._record_depth = 0  # of the row or shared text that is open; 0 where none is
        self._mark = 0  # byte at which the open record, or what follows the last one, begins
        self._others = 0
        self._rows = self._last_row = self._shared_texts = 0
        self._has_formula = self._is_computed = False

    def read(self, content: IO[bytes], *, is_xml: bool) -> None:
        """Read it through; what is no XML at all ends the reading of this part, unless it is said to be."""
        read = 0
        try:
            while chunk := content.read(_CHUNK_BYTES):
                read += len(chunk)
                self._parser.Parse(chunk, False)  # noqa: FBT003 - by position alone
                self._check_open(read)
            if is_xml:
                self._parser.Parse(b"", True)  # noqa: FBT003 - by position alone
        except expat.ExpatError:
            if is_xml:
                raise TableInvalid(_DAMAGED) from None

    def _check_open(self, at: int) -> None:
        since = at - self._mark
        too_large = since > MAX_RECORD_BYTES if self._record_depth else self._others + since > MAX_OTHER_BYTES
        if too_large:
            raise TableInvalid(_TOO_LARGE)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TableInvalid(_DAMAGED)
        if name == _CELL:
            self._has_formula, self._is_computed, self._is_text = False, False, attributes.get("t") == "str"
        elif name == _VALUE and self._has_formula:
            self._is_computed = self._is_text  # where a formula gives a text, that may be an empty one
            self._parser.CharacterDataHandler = self._take_value
        elif name == _FORMULA:
            self._has_formula = True
        elif name in (_ROW, _SHARED_TEXT):
            self._start_record(name, attributes)

    def _start_record(self, name: str, attributes: dict[str, str]) -> None:
        if self._record_depth:
            raise TableInvalid(_DAMAGED)
        self._record_depth = self._depth
        at = self._parser.CurrentByteIndex
        self._others += at - self._mark
        self._mark = at
        if name == _ROW:
            self._count_row(attributes.get("r"))
        else:
            self._shared_texts += 1
        if self._rows > MAX_ROWS or self._shared_texts > MAX_SHARED_TEXTS or self._others > MAX_OTHER_BYTES:
            raise TableInvalid(_TOO_LARGE)

    def _count_row(self, number: str | None) -> None:
        self._rows += 1
        if number is not None and not (number.isascii() and number.isdigit() and len(number) < len(str(MAX_ROWS)) + 1):
            raise TableInvalid(_DAMAGED)
        here = self._last_row + 1 if number is None else int(number)
        if not self._last_row < here <= MAX_ROWS:
            raise TableInvalid(_DAMAGED)
        self._last_row = here

    def _take_value(self, _text: str) -> None:
        self._is_computed = True

    def _end(self, name: str) -> None:
        if self._depth == self._record_depth:
            self._check_open(self._parser.CurrentByteIndex)
            self._record_depth, self._mark = 0, self._parser.CurrentByteIndex
        elif name == _VALUE:
            self._parser.CharacterDataHandler = None
        elif name == _CELL and self._has_formula and not self._is_computed:
            raise TableInvalid(_NOT_COMPUTED)
        self._depth -= 1

    def _refuse_doctype(self, *_: object) -> None:
        raise TableInvalid(_DAMAGED)
