"""Envelopes: what a member releases, sealed to one officer by HPKE (RFC 9180, base mode) and padded to one size.

Suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. `info` binds an envelope to its case and its sender.
Who sealed it, the statement inside says: base mode authenticates nobody.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from alliance.crypto.secret import Secret
from alliance.errors import EnvelopeInvalid

REPLY_BYTES: Final = 131_120
_OVERHEAD_BYTES: Final = 32 + 16  # the encapsulated key and the AEAD's tag
_LENGTH_BYTES: Final = 4
MAX_CONTENTS_BYTES: Final = REPLY_BYTES - _OVERHEAD_BYTES - _LENGTH_BYTES
"""Bytes of a reply's contents that fit: 131,068."""
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_INFO: Final = b"alliance/v1/case-reply\x00"


def generate() -> tuple[bytes, Secret]:
    """Make a key pair for one case: the public key and the secret one, 32 bytes each."""
    key = X25519PrivateKey.generate()
    secret = Secret(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), secret


def seal_reply(public_key: bytes, case_id: bytes, member: str, contents: bytes) -> bytes:
    """Seal a reply's contents into 131,120 bytes; raises EnvelopeInvalid where they do not fit, or for a bad key."""
    if len(contents) > MAX_CONTENTS_BYTES:
        raise EnvelopeInvalid(f"contents of {len(contents)} bytes do not fit {MAX_CONTENTS_BYTES}")
    padded = len(contents).to_bytes(_LENGTH_BYTES, "big") + contents.ljust(MAX_CONTENTS_BYTES, b"\x00")
    try:
        return _SUITE.encrypt(padded, X25519PublicKey.from_public_bytes(public_key), info=_info(case_id, member))
    except ValueError:
        raise EnvelopeInvalid("the officer's key is none that can be sealed to") from None


def open_reply(secret_key: Secret, case_id: bytes, member: str, sealed: bytes) -> bytes:
    """Open a reply; raises EnvelopeInvalid where it was not sealed to this key for this case by this name."""
    if len(sealed) != REPLY_BYTES:
        raise EnvelopeInvalid(f"a sealed reply has {REPLY_BYTES} bytes")
    key = X25519PrivateKey.from_private_bytes(secret_key.reveal())
    try:
        padded = _SUITE.decrypt(sealed, key, info=_info(case_id, member))
    except (InvalidTag, ValueError):
        raise EnvelopeInvalid("the sealed reply was changed, or is for somebody else") from None
    length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    contents, padding = padded[_LENGTH_BYTES : _LENGTH_BYTES + length], padded[_LENGTH_BYTES + length :]
    if length > MAX_CONTENTS_BYTES or padding.strip(b"\x00"):
        raise EnvelopeInvalid("the sealed reply is not padded as it should be")
    return contents


def _info(case_id: bytes, member: str) -> bytes:
    return _INFO + case_id + member.encode()
