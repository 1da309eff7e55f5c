"""Attachments as files: written as they come, and taken up where they are durable after whatever happened.

Rules:

1. `NAME.sealed` holds the bytes, `NAME.durable` how many of them are on the disk for good. That is written after a sync
   of the bytes: every so often, and when an upload ends in whatever way. An upload goes on there or before, and what
   lies behind is cut off: nothing is believed that a crash may have left undone.
2. One upload of an attachment goes on at a time: it holds a lock, which other processes of the hub see. Within a
   process whoever asks how far it is ends it: its connection is gone, and nobody has noticed.
3. Some room is left to the rest of the hub: attachments are large, and a full disk would stop everything else. That is
   seen to before each write, since uploads that began when there was room for any of them do not know of each other.
4. Names are digests: a list of the folder names nobody.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from alliance.keyring.store import write_atomically

DURABLE_EVERY_BYTES: Final = 32 * 1024 * 1024
"""So much at most is sent twice after a crash of the hub."""
SPARE_BYTES: Final = 256 * 1024 * 1024
"""Room that attachments leave on the disk."""
_READ_BYTES: Final = 1 << 20


class AttachmentFiles:
    """A folder of sealed attachments."""

    def __init__(self, folder: Path, *, spare_bytes: int = SPARE_BYTES) -> None:
        """Use a folder; it is made where it is missing."""
        self._folder = folder
        self._spare = spare_bytes
        self._open: dict[str, FileUpload] = {}
        self._lock = Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def durable(self, name: str) -> int:
        """End an upload of an attachment, and give how many of its bytes are durable, 0 where there are none."""
        with self._lock:
            older = self._open.pop(name, None)
        if older is not None:
            with suppress(OSError):  # then it is as it was before
                older.close()
        return _durable(*self._paths(name))

    def begin(self, name: str, offset: int, size: int) -> "FileUpload":
        """Go on with an attachment at an offset up to which it is durable.

        Raises BlockingIOError where another process is at it, ValueError where less of it is durable, and OSError where
        there is no room for the rest.
        """
        self.durable(name)
        self._check_room(size - offset)
        upload = FileUpload(*self._paths(name), offset, self._check_room)
        with self._lock:
            self._open[name] = upload
        return upload

    def chunks(self, name: str, offset: int, size: int) -> Iterator[bytes]:
        """Read an attachment from an offset on, in chunks; raises FileNotFoundError."""
        with self._paths(name)[0].open("rb") as file:
            file.seek(offset)
            while chunk := file.read(size):
                yield chunk

    def remove(self, name: str) -> None:
        """Remove what there is of an attachment."""
        for path in self._paths(name):
            path.unlink(missing_ok=True)

    def _paths(self, name: str) -> tuple[Path, Path]:
        return self._folder / f"{name}.sealed", self._folder / f"{name}.durable"

    def _check_room(self, missing: int) -> None:
        if shutil.disk_usage(self._folder).free < missing + self._spare:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FileUpload:
    """An attachment while it is written; its methods block, and may be called from any thread."""

    def __init__(self, path: Path, mark: Path, offset: int, check_room: Callable[[int], None]) -> None:
        self._mark = mark
        self._check_room = check_room
        self.received = offset
        self._lock = Lock()
        self._digest = sha256()
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _check_durable(path, mark, offset)
            write_atomically(mark, b"%d" % offset)
            self._durable = offset
            os.ftruncate(self._descriptor, offset)
            self._read_back()
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def sha256(self) -> bytes:
        """Digest of all that came, over all its uploads."""
        return self._digest.digest()

    def append(self, part: bytes) -> None:
        """Write what came next; raises BlockingIOError where another upload took over, and OSError."""
        with self._lock:
            if self._descriptor is None:
                raise BlockingIOError(errno.EWOULDBLOCK, "another upload of it is under way")
            self._check_room(len(part))
            if os.pwrite(self._descriptor, part, self.received) != len(part):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._digest.update(part)
            self.received += len(part)
            if self.received - self._durable >= DURABLE_EVERY_BYTES:
                self._make_durable(self._descriptor)

    def close(self) -> None:
        """Have what came on the disk for good, and let go of it; raises OSError where it stays as it was."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is None:
                return
            try:
                if self.received != self._durable:
                    self._make_durable(descriptor)
            finally:
                os.close(descriptor)

    def _make_durable(self, descriptor: int) -> None:
        os.fsync(descriptor)
        write_atomically(self._mark, b"%d" % self.received)
        self._durable = self.received

    def _read_back(self) -> None:
        """Digest what is there already; raises OSError."""
        assert self._descriptor is not None  # noqa: S101 - it was opened just now
        at = 0
        while at < self.received:
            part = os.pread(self._descriptor, min(_READ_BYTES, self.received - at), at)
            self._digest.update(part)
            at += len(part)


def _check_durable(path: Path, mark: Path, offset: int) -> None:
    if _durable(path, mark) < offset:
        raise ValueError("less of the attachment is durable")


def _durable(path: Path, mark: Path) -> int:
    """Read how much is durable; a mark without as many bytes tells of a file that is gone."""
    try:
        count = int(mark.read_bytes())
        return count if path.stat().st_size >= count else 0
    except (FileNotFoundError, ValueError):
        return 0
