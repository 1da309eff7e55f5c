"""Snapshots on disk: named by their hash, downloaded beside their place, put in it whole.

A download that was cut leaves its part behind and goes on there. Two processes never write to one part: who finds it
locked downloads on its own.
"""

import fcntl
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from member_client.errors import FilterTampered, StorageFull

_READ_BYTES = 1 << 20


def snapshot_path(folder: Path, digest: bytes) -> Path:
    """Give the place of a snapshot's bits."""
    return folder / f"{digest.hex()}.bits"


class PartFile:
    """A snapshot while it is downloaded; its methods block."""

    def __init__(self, folder: Path, digest: bytes, size: int) -> None:
        """Open the part, where it was left if it was; raises StorageFull where it cannot be written."""
        self._digest, self._size = digest, size
        self._target = snapshot_path(folder, digest)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path, self._descriptor = _locked(folder, digest)
            self.position = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise StorageFull("The filter cannot be written to this machine's disk.") from error
        self.resumed = self.position > 0
        if self.position > size:
            self.restart()

    def restart(self) -> None:
        """Forget what is there."""
        os.ftruncate(self._descriptor, 0)
        self.position = 0

    def append(self, offset: int, chunk: bytes) -> None:
        """Write the next chunk; raises FilterTampered where it is not the next or goes past the end."""
        if offset != self.position or not chunk or offset + len(chunk) > self._size:
            raise FilterTampered("The hub sends the filter's bits out of order or too many.")
        try:
            if os.pwrite(self._descriptor, chunk, offset) != len(chunk):
                raise StorageFull("This machine's disk is full.")
        except OSError as error:
            raise StorageFull("The filter cannot be written to this machine's disk.") from error
        self.position += len(chunk)

    @property
    def is_whole(self) -> bool:
        """True once all bytes are there."""
        return self.position == self._size

    def publish(self) -> Path:
        """Verify the hash and move the file to its place; wrong bytes are forgotten and FilterTampered raised."""
        digest, place = sha256(), 0
        while chunk := os.pread(self._descriptor, _READ_BYTES, place):
            digest.update(chunk)
            place += len(chunk)
        if digest.digest() != self._digest:
            self.restart()
            raise FilterTampered("The filter's bits are not those that the hub signed.")
        try:
            os.fsync(self._descriptor)
            self._path.replace(self._target)
        except OSError as error:
            raise StorageFull("The filter cannot be written to this machine's disk.") from error
        return self._target

    def close(self) -> None:
        """Leave the part as it is, for the next try."""
        os.close(self._descriptor)


def _locked(folder: Path, digest: bytes) -> tuple[Path, int]:
    path = folder / f"{digest.hex()}.part"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return path, descriptor
    except OSError:
        pass  # locked by another process, or moved into its place by one meanwhile
    os.close(descriptor)
    path = folder / f"{digest.hex()}.{os.getpid()}.part"
    return path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)


def remove_others(folder: Path, kept: set[bytes]) -> None:
    """Remove snapshots and parts of other filters; whoever has one mapped keeps it until it lets go."""
    names = {digest.hex() for digest in kept}
    for path in folder.glob("*"):
        if path.suffix in (".bits", ".part") and path.name.partition(".")[0] not in names:
            with suppress(OSError):
                path.unlink()
