"""A file that is attached: read in parts, several times over, and sealed as it is read."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from alliance.crypto import attachment
from alliance.crypto.secret import Secret
from alliance.errors import EnvelopeInvalid
from alliance.v1.case_pb2 import ReleasedFile
from member_client._cases.moving import PART_BYTES
from member_client.errors import InvalidUse

MAX_NAME_BYTES: Final = 128
_READ_BYTES: Final = 1 << 20


class Source:
    """A file that is read several times, and must stay as it is; its methods block."""

    def __init__(self, path: Path) -> None:
        """Open it; raises InvalidUse."""
        self.name = path.name
        if not 0 < len(self.name.encode()) <= MAX_NAME_BYTES:
            raise InvalidUse(f"an attachment's name has 1 to {MAX_NAME_BYTES} bytes")
        try:
            self.file: BinaryIO = path.open("rb")
        except OSError as error:
            raise InvalidUse(f"{path.name} cannot be read: {error.strerror}") from error
        self._state = self._look()
        self.size = self._state[0]
        if self.size > attachment.MAX_FILE_BYTES:
            self.file.close()
            raise InvalidUse(f"{path.name} is larger than 4 GiB: release it in pieces")

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_failure: object) -> None:
        self.file.close()

    def check(self) -> None:
        """Raise InvalidUse where it is not as it was when it was opened."""
        if self._look() != self._state:
            raise InvalidUse(f"{self.name} changes while it is read: copy it, and release the copy")

    def digest(self) -> bytes:
        """Give its SHA-256."""
        digest, left = sha256(), self.size
        self.file.seek(0)
        while left and (part := self.file.read(min(_READ_BYTES, left))):
            digest.update(part)
            left -= len(part)
        self.check()
        return digest.digest()

    def _look(self) -> tuple[int, int]:
        state = os.fstat(self.file.fileno())
        return state.st_size, state.st_mtime_ns


def described(source: Source, secret: Secret, case_id: bytes) -> ReleasedFile:
    """Read a file twice: for the digest that its key follows from, and for the digest of what is sealed."""
    content = source.digest()
    attachment_id, key = attachment.named(secret, case_id, content)
    sealed, size = sha256(), 0
    for part in sealed_parts(source, key, 0):
        sealed.update(part)
        size += len(part)
    return ReleasedFile(
        attachment_id=attachment_id,
        name=source.name,
        size=source.size,
        sha256=content,
        key=key.reveal(),
        sealed_size=size,
        sealed_sha256=sealed.digest(),
    )


def is_still(source: Source, released: ReleasedFile) -> bool:
    """Say whether a file is the one that was prepared: its key seals no other content."""
    return source.size == released.size and source.digest() == released.sha256


def sealed_parts(source: Source, key: Secret, offset: int) -> Iterator[bytes]:
    """Seal a file from an offset of its sealed form on, in parts as messages have them."""
    waiting = bytearray()
    try:
        for chunk in attachment.sealed_parts(source.file, source.size, key, offset):
            source.check()
            waiting += chunk
            while len(waiting) >= PART_BYTES:
                yield bytes(waiting[:PART_BYTES])
                del waiting[:PART_BYTES]
    except EnvelopeInvalid:
        source.check()
        raise
    if waiting:
        yield bytes(waiting)
