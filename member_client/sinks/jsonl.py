"""Events as lines of JSON, appended to a file, on the disk before they are acknowledged.

The number in the last line is the cursor: what was written and not acknowledged before a crash is not written again. A
last line that was torn is cut off, and its event comes again. One process at a time writes.
"""

import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from alliance.keyring.store import sync
from member_client._documents import dumped
from member_client.errors import InvalidUse, StorageFull
from member_client.watch_events import WatchEvent

_READ_BYTES: Final = 1 << 16


class JsonlSink:
    """A file of events; its methods block, but for `take`."""

    def __init__(self, path: Path) -> None:
        """Open or make the file for its owner's eyes; raises InvalidUse where it cannot be, or another writes it."""
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise InvalidUse(f"{path} cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._last = self._recovered()
            sync(path.parent)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise InvalidUse(f"{path} is written by another process") from error
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def cursor(self, book: str) -> int:
        """Give the number of the last event of a book that is in the file; 0 where the last is another book's."""
        try:
            last = json.loads(self._last)
            return int(last["number"]) if last["book"] == book else 0
        except (ValueError, KeyError, TypeError):
            return 0

    def take(self, events: Sequence[WatchEvent]) -> None:
        """Append events, durably; raises StorageFull, with nothing of them left behind."""
        lines = [dumped(event.record()).encode() + b"\n" for event in events]
        end = os.fstat(self._descriptor).st_size
        try:
            _write_all(self._descriptor, b"".join(lines))
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, end)
            raise StorageFull("Events cannot be written: the disk is full or fails.") from error
        self._last = lines[-1]

    def _recovered(self) -> bytes:
        """Cut a torn line off, and give the last one that is whole."""
        size = os.fstat(self._descriptor).st_size
        tail, start = b"", size
        while start > 0 and tail.count(b"\n") < 2:  # noqa: PLR2004, RUF100 - the end of the line before the last one
            step = min(_READ_BYTES, start)
            start -= step
            tail = os.pread(self._descriptor, step, start) + tail
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            os.ftruncate(self._descriptor, start + whole)
        return tail[:whole].rstrip(b"\n").rpartition(b"\n")[2]


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
