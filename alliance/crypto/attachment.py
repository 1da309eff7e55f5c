"""Attachments: files of any length, each sealed under a key of its own and padded to a size class.

The sealed form is the payload of the format age, version 1 (https://c2sp.org/age#payload): others have looked at it,
and there are published figures for it.

1. payload key = HKDF-SHA-256(ikm = file key of 16 bytes, salt = nonce of 16 bytes, info = "payload"), 32 bytes.
2. Sealed are the nonce and then chunks of 64 KiB, the last one up to as much, by ChaCha20-Poly1305. A chunk's nonce is
   its number, 11 bytes, and a byte: 1 at the last chunk, 0 before. Chunks that are left out, moved, added or cut off do
   not open; an empty last chunk is one of an empty payload alone.

What an attachment adds:

3. The file is padded with zeros to a power of two, 64 KiB at least: of its length 17 classes are told apart.
4. A file key seals one content and no other, so the nonce is derived from it. The same file is sealed to the same
   bytes: an upload that was cut goes on without a copy, and who has key and file knows the sealed digest.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from alliance.crypto.hashing import hkdf_sha256
from alliance.crypto.secret import Secret
from alliance.errors import EnvelopeInvalid

FILE_KEY_BYTES: Final = 16
ATTACHMENT_ID_BYTES: Final = 16
NONCE_BYTES: Final = 16
CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES
MIN_CLASS_BYTES: Final = CHUNK_BYTES
MAX_FILE_BYTES: Final = 4 * 1024**3
"""The largest class, so the largest file: 4 GiB."""
_NUMBER_BYTES: Final = 11
_PAYLOAD: Final = b"payload"
_NONCE: Final = b"alliance/v1/case-attachment-nonce"
_NAMED: Final = b"alliance/v1/case-attachment\x00"


def class_of(size: int) -> int:
    """Give the size class of a file: the next power of two, 65,536 to 4,294,967,296 bytes; raises EnvelopeInvalid."""
    if not 0 <= size <= MAX_FILE_BYTES:
        raise EnvelopeInvalid(f"an attachment has up to {MAX_FILE_BYTES} bytes")
    return max(MIN_CLASS_BYTES, 1 << (size - 1).bit_length()) if size else MIN_CLASS_BYTES


def sealed_size(size: int) -> int:
    """Give how many bytes a file of this size is when it is sealed; raises EnvelopeInvalid where it is too large."""
    padded = class_of(size)
    return NONCE_BYTES + padded + padded // CHUNK_BYTES * TAG_BYTES


MAX_SEALED_BYTES: Final = sealed_size(MAX_FILE_BYTES)
SEALED_SIZES: Final = frozenset(sealed_size(1 << bits) for bits in range(16, 33))
"""The 17 sizes that a sealed attachment may have."""


def named(secret: Secret, case_id: bytes, sha256: bytes) -> tuple[bytes, Secret]:
    """Give the id and the file key, 16 bytes each, under which who has a secret attaches a content to a case.

    They are the same each time, so that an upload goes on after its program ended; another content has others.
    """
    derived = hkdf_sha256(secret.reveal(), _NAMED + case_id + sha256, ATTACHMENT_ID_BYTES + FILE_KEY_BYTES)
    return derived[:ATTACHMENT_ID_BYTES], Secret(derived[ATTACHMENT_ID_BYTES:])


def nonce_of(file_key: Secret) -> bytes:
    """Give the nonce of the one content that a file key seals."""
    return hkdf_sha256(file_key.reveal(), _NONCE, NONCE_BYTES)


class Payload:
    """Seals and opens chunks of one payload, by their number."""

    def __init__(self, file_key: Secret, nonce: bytes) -> None:
        """Take a file key and a nonce, 16 bytes each; raises EnvelopeInvalid."""
        if len(file_key) != FILE_KEY_BYTES or len(nonce) != NONCE_BYTES:
            raise EnvelopeInvalid("an attachment's key and its nonce have 16 bytes each")
        key = HKDF(algorithm=SHA256(), length=32, salt=nonce, info=_PAYLOAD).derive(file_key.reveal())
        self._aead = ChaCha20Poly1305(key)

    def seal(self, number: int, chunk: bytes, *, last: bool) -> bytes:
        """Seal a chunk."""
        return self._aead.encrypt(_nonce(number, last=last), chunk, None)

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        """Open a chunk; raises EnvelopeInvalid where it is not this one, or was changed."""
        try:
            return self._aead.decrypt(_nonce(number, last=last), sealed, None)
        except (InvalidTag, ValueError):
            raise EnvelopeInvalid("the attachment was changed, or is sealed under another key") from None


class Opener:
    """Opens a payload as it comes, in order: nothing is given that was not verified. Holds two chunks at most."""

    def __init__(self, file_key: Secret, nonce: bytes, number: int = 0) -> None:
        """Begin at a chunk; the nonce that stands before the first one is the caller's to take off."""
        self._payload = Payload(file_key, nonce)
        self._number = number
        self._waiting = bytearray()

    def feed(self, sealed: bytes) -> bytes:
        """Give what the next bytes complete; raises EnvelopeInvalid."""
        self._waiting += sealed
        opened = []
        while len(self._waiting) > SEALED_CHUNK_BYTES:  # a full one may be the last, so it waits
            opened.append(self._opened(bytes(self._waiting[:SEALED_CHUNK_BYTES]), last=False))
            del self._waiting[:SEALED_CHUNK_BYTES]
        return b"".join(opened)

    def finish(self) -> bytes:
        """Give the last chunk; raises EnvelopeInvalid where it is not the last one, or not whole."""
        chunk = self._opened(bytes(self._waiting), last=True)
        if not chunk and self._number > 1:
            raise EnvelopeInvalid("the attachment ends with an empty chunk")
        self._waiting.clear()
        return chunk

    def _opened(self, sealed: bytes, *, last: bool) -> bytes:
        chunk = self._payload.open(self._number, sealed, last=last)
        self._number += 1
        return chunk


def sealed_parts(file: BinaryIO, size: int, file_key: Secret, offset: int = 0) -> Iterator[bytes]:
    """Seal a file that is open for reading, from an offset of its sealed form on; gives a chunk at a time.

    Raises EnvelopeInvalid where the file is too large, or shorter than said.
    """
    nonce = nonce_of(file_key)
    payload, chunks = Payload(file_key, nonce), class_of(size) // CHUNK_BYTES
    if offset < NONCE_BYTES:
        yield nonce[offset:]
    number, skipped = divmod(max(offset - NONCE_BYTES, 0), SEALED_CHUNK_BYTES)
    file.seek(min(number * CHUNK_BYTES, size))
    for at in range(number, chunks):
        wanted = max(0, min(CHUNK_BYTES, size - at * CHUNK_BYTES))
        chunk = file.read(wanted)
        if len(chunk) != wanted:
            raise EnvelopeInvalid("the file is shorter than it was")
        yield payload.seal(at, chunk.ljust(CHUNK_BYTES, b"\x00"), last=at == chunks - 1)[skipped:]
        skipped = 0


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes([last])
