"""Sealed streams: a file of any length under one key, in chunks, so that neither side holds it in memory.

AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", 2015), as the format age uses it:

1. Each file has a key of its own: HKDF-SHA-256 of the given key, with the file's name as its info. So no nonce is used
   twice as long as no name is, and a file that was put under another name does not open.
2. A chunk holds 64 KiB of plaintext, the last one up to as much. Its nonce is its number, 11 bytes, and a byte: 1
   at the last chunk, 0 before: chunks that were left out, moved or cut off do not open.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid

KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 64 * 1024
_TAG_BYTES: Final = 16
_NUMBER_BYTES: Final = 11


def _aead(key: Secret, name: str) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError("a stream's key has 32 bytes")
    info = b"alliance-stream/1/" + name.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key.reveal()))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes([last])


class SealedWriter:
    """Seals what is written to it, in order; `close` writes the last chunk, without which nothing opens."""

    def __init__(self, file: BinaryIO, key: Secret, name: str) -> None:
        """Write to an open file, whose closing is the caller's; `name` is used once under a key."""
        self._file = file
        self._aead = _aead(key, name)
        self._waiting = bytearray()
        self._number = 0

    def write(self, content: bytes) -> None:
        """Take the next bytes."""
        self._waiting += content
        while len(self._waiting) > CHUNK_BYTES:  # a full one may be the last, so it waits
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]

    def close(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, content: bytes, *, last: bool) -> None:
        self._file.write(self._aead.encrypt(_nonce(self._number, last=last), content, None))
        self._number += 1


def opened_chunks(file: BinaryIO, key: Secret, name: str) -> Iterator[bytes]:
    """Open a sealed stream chunk by chunk; raises KeyFileInvalid where it is damaged, cut off or another file's.

    What was given before that is genuine, and a beginning of what was sealed.
    """
    aead = _aead(key, name)
    number, chunk = 0, file.read(CHUNK_BYTES + _TAG_BYTES)
    while True:
        following = file.read(CHUNK_BYTES + _TAG_BYTES)
        try:
            yield aead.decrypt(_nonce(number, last=not following), chunk, None)
        except (InvalidTag, ValueError):
            raise KeyFileInvalid(f"'{name}' does not open: another key, or the file is damaged") from None
        if not following:
            return
        number, chunk = number + 1, following
