"""Boxes: sealed claims of a fixed size that only holders of the identifier can open (protocol reference, section 4).

Order when opening, so that nothing unverified is believed:

1. length, then the commitment to the key, in constant time (AES-GCM alone does not bind a key);
2. AES-256-GCM, then the padding;
3. `alliance.claims.open_box` goes on with the claim inside: tag, entry and epoch, then the signature.

There is no forward secrecy towards somebody who kept a label key.
"""

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from alliance.errors import BoxInvalid

BOX_BYTES = 512
HANDLE_BYTES = 16
ENTRY_ID_BYTES = 16
_COMMIT_BYTES, _NONCE_BYTES, _TAG_BYTES, _LENGTH_BYTES = 32, 12, 16, 2
_PADDED_BYTES = BOX_BYTES - _COMMIT_BYTES - _NONCE_BYTES - _TAG_BYTES
MAX_CONTENTS_BYTES = _PADDED_BYTES - _LENGTH_BYTES
"""Bytes of serialised BoxContents that fit: 450."""


def _key_and_commitment(label_key: bytes, entry_id: bytes) -> tuple[bytes, bytes]:
    # (K ‖ commit) = HKDF-SHA256(label_key, salt=entry_id, info="alliance/v1/seal", 64)
    derived = HKDF(hashes.SHA256(), 64, entry_id, b"alliance/v1/seal").derive(label_key)
    return derived[:32], derived[32:]


def seal(label_key: bytes, entry_id: bytes, contents: bytes, *, nonce: bytes | None = None) -> bytes:
    """Seal up to 450 bytes into a box of 512; a nonce is given by tests only."""
    if len(contents) > MAX_CONTENTS_BYTES:
        raise BoxInvalid(f"contents of {len(contents)} bytes do not fit {MAX_CONTENTS_BYTES}")
    key, commitment = _key_and_commitment(label_key, entry_id)
    nonce = nonce or os.urandom(_NONCE_BYTES)
    padded = len(contents).to_bytes(_LENGTH_BYTES, "big") + contents.ljust(MAX_CONTENTS_BYTES, b"\x00")
    return commitment + nonce + AESGCM(key).encrypt(nonce, padded, None)


def open_sealed(label_key: bytes, entry_id: bytes, box: bytes) -> bytes:
    """Open a box; raises BoxInvalid where it is not one that this key sealed for this entry."""
    if len(box) != BOX_BYTES:
        raise BoxInvalid("a box has 512 bytes")
    key, commitment = _key_and_commitment(label_key, entry_id)
    if not hmac.compare_digest(commitment, box[:_COMMIT_BYTES]):
        raise BoxInvalid("the box commits to another key")
    nonce, sealed = box[_COMMIT_BYTES : _COMMIT_BYTES + _NONCE_BYTES], box[_COMMIT_BYTES + _NONCE_BYTES :]
    try:
        padded = AESGCM(key).decrypt(nonce, sealed, None)
    except InvalidTag:
        raise BoxInvalid("the box was changed") from None
    length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    contents, padding = padded[_LENGTH_BYTES : _LENGTH_BYTES + length], padded[_LENGTH_BYTES + length :]
    if length > MAX_CONTENTS_BYTES or padding.strip(b"\x00"):
        raise BoxInvalid("the box is not padded as it should be")
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
