"""Filter bits in content-addressed files: the name is the SHA-256, so a file is right or absent."""

import hmac
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from alliance.errors import FilterInvalid
from alliance.keyring.store import write_atomically


class FileSnapshots:
    """A folder of snapshot files."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it is made where it is missing."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, bits: bytes | bytearray) -> bytes:
        """Write bits durably; returns their SHA-256."""
        digest = sha256(bits).digest()
        self._folder.mkdir(parents=True, exist_ok=True)  # somebody may have tidied up
        write_atomically(self._path(digest), bits)
        return digest

    def has(self, bits_sha256: bytes) -> bool:
        """Say whether there is a file of this name; its bits may still be wrong."""
        return self._path(bits_sha256).is_file()

    def load(self, bits_sha256: bytes) -> bytearray:
        """Read bits back; raises FilterInvalid where the file is missing or changed."""
        try:
            bits = bytearray(self._path(bits_sha256).read_bytes())
        except FileNotFoundError:
            raise FilterInvalid("a snapshot's file is missing") from None
        if not hmac.compare_digest(sha256(bits).digest(), bits_sha256):
            raise FilterInvalid("a snapshot's file was changed")
        return bits

    def chunks(self, bits_sha256: bytes, offset: int, size: int) -> Iterator[bytes]:
        """Read bits from an offset on, in chunks; raises FilterInvalid where the file is missing."""
        try:
            file = self._path(bits_sha256).open("rb")
        except FileNotFoundError:
            raise FilterInvalid("a snapshot's file is missing") from None
        with file:
            file.seek(offset)
            while chunk := file.read(size):
                yield chunk

    def delete(self, bits_sha256: bytes) -> None:
        """Remove bits that no snapshot needs."""
        self._path(bits_sha256).unlink(missing_ok=True)

    def _path(self, bits_sha256: bytes) -> Path:
        return self._folder / f"{bits_sha256.hex()}.bits"
