"""Physical lines of a text file, each bounded in size, some of them unreadable."""

from __future__ import annotations

from collections import deque
from typing import IO, TYPE_CHECKING

from member_client.files.model import RowReason
from member_client.files.scanning import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from member_client.files.scanning import Scan

Line = str | RowReason
"""A decoded line without its ending, or why there is none."""


def read_lines(path: Path, scan: Scan) -> Iterator[Line]:
    """Give the lines of a file in order, the header first."""
    with path.open("rb") as file:
        file.seek(scan.start)
        while raw := file.readline(MAX_LINE_BYTES + 1):
            if len(raw) > MAX_LINE_BYTES:
                _skip_rest_of_line(file, raw)
                yield RowReason.TOO_LONG
                continue
            try:
                yield raw.decode(scan.encoding).removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError:
                yield RowReason.UNDECODABLE


def _skip_rest_of_line(file: IO[bytes], raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(MAX_LINE_BYTES)


class LineSource:
    """Lines that can be given back, so that a broken record costs one line and not all that it swallowed."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._returned: deque[Line] = deque()

    def next(self) -> Line | None:
        """Give the next line; None at the end."""
        if self._returned:
            return self._returned.popleft()
        return next(self._lines, None)

    def give_back(self, lines: list[Line]) -> None:
        """Put lines back, to be read again in the same order."""
        self._returned.extendleft(reversed(lines))
