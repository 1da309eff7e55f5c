"""Boxes: sealed claims of a fixed size that only holders of the identifier can open (protocol reference, section 4).

A consumer's statement in a dispute, and a suspect of a police case, are sealed the same way, each under a key and of a
size of its own.

Order when opening, so that nothing unverified is believed:

1. length, then the commitment to the key, in constant time (AES-GCM alone does not bind a key);
2. AES-256-GCM, then the padding;
3. `alliance.claims.open_box` goes on with the claim inside: tag, entry and epoch, then the signature.

There is no forward secrecy towards somebody who kept a label key.
"""

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from alliance.errors import BoxInvalid

BOX_BYTES = 512
STATEMENT_BYTES = 4156
"""Bytes of a sealed statement of a consumer: 4 KiB and what seals them."""
SUSPECT_BYTES = 1536
"""Bytes of a sealed suspect."""
HANDLE_BYTES = 16
ENTRY_ID_BYTES = 16
DISPUTE_ID_BYTES = 16
_COMMIT_BYTES, _NONCE_BYTES, _TAG_BYTES, _LENGTH_BYTES = 32, 12, 16, 2
_OVERHEAD_BYTES = _COMMIT_BYTES + _NONCE_BYTES + _TAG_BYTES + _LENGTH_BYTES
MAX_CONTENTS_BYTES = BOX_BYTES - _OVERHEAD_BYTES
"""Bytes of serialised BoxContents that fit: 450."""
MAX_STATEMENT_BYTES = STATEMENT_BYTES - _OVERHEAD_BYTES
"""Bytes of a consumer's statement that fit: 4,094."""
MAX_SUSPECT_BYTES = SUSPECT_BYTES - _OVERHEAD_BYTES
"""Bytes of serialised SuspectContents that fit: 1,474."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What is sealed: as what it is called in its key's derivation, how large it is, and what of it fits."""

    info: bytes
    size: int
    name: str

    @property
    def most(self) -> int:
        return self.size - _OVERHEAD_BYTES

    def key_and_commitment(self, label_key: bytes, salt: bytes) -> tuple[bytes, bytes]:
        # (K ‖ commit) = HKDF-SHA256(label_key, salt=the entry's, dispute's or case's id, info, 64)
        derived = HKDF(hashes.SHA256(), 64, salt, self.info).derive(label_key)
        return derived[:32], derived[32:]


_BOX = _Form(b"alliance/v1/seal", BOX_BYTES, "box")
_STATEMENT = _Form(b"alliance/v1/dispute-statement", STATEMENT_BYTES, "sealed statement")
_SUSPECT = _Form(b"alliance/v1/case-suspect", SUSPECT_BYTES, "sealed suspect")


def seal(label_key: bytes, entry_id: bytes, contents: bytes, *, nonce: bytes | None = None) -> bytes:
    """Seal up to 450 bytes into a box of 512; a nonce is given by tests only."""
    return _sealed(_BOX, label_key, entry_id, contents, nonce)


def open_sealed(label_key: bytes, entry_id: bytes, box: bytes) -> bytes:
    """Open a box; raises BoxInvalid where it is not one that this key sealed for this entry."""
    return _opened(_BOX, label_key, entry_id, box)


def seal_statement(label_key: bytes, dispute_id: bytes, text: bytes, *, nonce: bytes | None = None) -> bytes:
    """Seal a consumer's statement of up to 4,094 bytes into 4,156.

    A nonce is given so that the same statement is sealed alike once more; under one dispute id it serves no other.
    """
    return _sealed(_STATEMENT, label_key, dispute_id, text, nonce)


def open_statement(label_key: bytes, dispute_id: bytes, sealed: bytes) -> bytes:
    """Open a consumer's statement; raises BoxInvalid where this key did not seal it for this dispute."""
    return _opened(_STATEMENT, label_key, dispute_id, sealed)


def seal_suspect(label_key: bytes, case_id: bytes, contents: bytes) -> bytes:
    """Seal a suspect's contents of up to 1,474 bytes into 1,536, for who holds the identifier."""
    return _sealed(_SUSPECT, label_key, case_id, contents, None)


def open_suspect(label_key: bytes, case_id: bytes, sealed: bytes) -> bytes:
    """Open a suspect's contents; raises BoxInvalid where this key did not seal them for this case."""
    return _opened(_SUSPECT, label_key, case_id, sealed)


def _sealed(form: _Form, label_key: bytes, salt: bytes, contents: bytes, nonce: bytes | None) -> bytes:
    if len(contents) > form.most:
        raise BoxInvalid(f"contents of {len(contents)} bytes do not fit {form.most}")
    key, commitment = form.key_and_commitment(label_key, salt)
    nonce = nonce or os.urandom(_NONCE_BYTES)
    padded = len(contents).to_bytes(_LENGTH_BYTES, "big") + contents.ljust(form.most, b"\x00")
    return commitment + nonce + AESGCM(key).encrypt(nonce, padded, None)


def _opened(form: _Form, label_key: bytes, salt: bytes, box: bytes) -> bytes:
    if len(box) != form.size:
        raise BoxInvalid(f"a {form.name} has {form.size} bytes")
    key, commitment = form.key_and_commitment(label_key, salt)
    if not hmac.compare_digest(commitment, box[:_COMMIT_BYTES]):
        raise BoxInvalid(f"the {form.name} commits to another key")
    nonce, sealed = box[_COMMIT_BYTES : _COMMIT_BYTES + _NONCE_BYTES], box[_COMMIT_BYTES + _NONCE_BYTES :]
    try:
        padded = AESGCM(key).decrypt(nonce, sealed, None)
    except InvalidTag:
        raise BoxInvalid(f"the {form.name} was changed") from None
    length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    contents, padding = padded[_LENGTH_BYTES : _LENGTH_BYTES + length], padded[_LENGTH_BYTES + length :]
    if length > form.most or padding.strip(b"\x00"):
        raise BoxInvalid(f"the {form.name} is not padded as it should be")
    return contents


def handle(label_key: bytes, entry_id: bytes) -> bytes:
    """Give the 16 bytes by which a holder of the identifier finds its entries in a bucket."""
    return hmac.digest(label_key, b"handle" + entry_id, "sha256")[:HANDLE_BYTES]


def dispute_token(label_key: bytes, entry_id: bytes) -> bytes:
    """Give the 32-byte token with which a dispute is opened by somebody who can derive the tag."""
    return hmac.digest(label_key, b"dispute" + entry_id, "sha256")


def dispute_commitment(label_key: bytes, entry_id: bytes) -> bytes:
    """Give the SHA-256 of the dispute token, as the claim carries it."""
    return sha256(dispute_token(label_key, entry_id)).digest()


def evidence_digest(label_key: bytes, file_sha256: bytes) -> bytes:
    """Give the 32 bytes by which the hub knows evidence of a dispute again, and nobody can guess what it is."""
    return hmac.digest(label_key, b"evidence" + file_sha256, "sha256")
