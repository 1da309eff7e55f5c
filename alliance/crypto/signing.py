"""Signed statements: Ed25519 over `"alliance/v1/" ‖ type ‖ 0x00 ‖ payload` (protocol reference, opening).

Rules:

1. Verify first, parse after: `verified_payload` gives the payload only once its signature holds.
2. The payload is kept as received. Protobuf encoding is not canonical, so nothing is ever encoded again to verify.
3. The type is part of what is signed: a statement of one type never passes for another.

Signatures are verified singly: Ed25519 batch verification can disagree with single verification.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alliance.crypto import ed25519
from alliance.crypto.backend import backend
from alliance.crypto.secret import Secret
from alliance.errors import SignatureInvalid
from alliance.statements import key_id, signed_bytes
from alliance.v1.statement_pb2 import SignedStatement

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


def statement_of(public_key: bytes, statement_type: str, payload: bytes, signature: bytes) -> SignedStatement:
    """Put a statement together; the signature is over `signed_bytes`."""
    return SignedStatement(type=statement_type, key_id=key_id(public_key), payload=payload, signature=signature)


class Signer(Protocol):
    """Signs statements with a key that may lie anywhere; its repr shows no more than the key id."""

    @property
    def public_key(self) -> bytes:
        """The Ed25519 public key, 32 bytes."""

    @property
    def signs_at_once(self) -> bool:
        """Whether signing takes some microseconds of this process, and asks no device."""

    def statement(self, statement_type: str, payload: bytes) -> SignedStatement:
        """Give the whole statement."""

    def sign_text(self, text: bytes) -> bytes:
        """Give the 64-byte signature of a note's text, which no statement is mistaken for: it has no byte 0x00."""


class SigningKey:
    """An Ed25519 identity key; its repr shows the key id alone."""

    __slots__ = ("_seed", "public_key")
    signs_at_once: Final = True

    def __init__(self, seed: Secret) -> None:
        """Take the 32-byte private key of RFC 8032, section 5.1.5."""
        self._seed = seed
        self.public_key = Ed25519PrivateKey.from_private_bytes(seed.reveal()).public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> tuple["SigningKey", Secret]:
        """Make a new key; returns it with the seed to be sealed."""
        seed = Secret(Ed25519PrivateKey.generate().private_bytes_raw())
        return cls(seed), seed

    def __repr__(self) -> str:
        return f"SigningKey({key_id(self.public_key).hex()})"

    def sign(self, statement_type: str, payload: bytes) -> bytes:
        """Give the 64-byte signature alone."""
        return self.sign_many(statement_type, [payload])[0]

    def sign_many(self, statement_type: str, payloads: Sequence[bytes], *, threads: int = 1) -> list[bytes]:
        """Give the signature of each payload."""
        return backend().sign_messages(self._seed, signed_bytes(statement_type, b""), payloads, threads=threads)

    def sign_text(self, text: bytes) -> bytes:
        """Give the 64-byte signature of a note's text, which no statement is mistaken for; raises ValueError."""
        if b"\x00" in text:
            raise ValueError("a note's text has no byte 0x00")
        return backend().sign_messages(self._seed, b"", [text], threads=1)[0]

    def statement(self, statement_type: str, payload: bytes) -> SignedStatement:
        """Give the whole statement."""
        return statement_of(self.public_key, statement_type, payload, self.sign(statement_type, payload))


class VerifyingKey:
    """An Ed25519 public key that is fit to be believed."""

    __slots__ = ("public_key",)

    def __init__(self, public_key: bytes) -> None:
        """Take 32 bytes; raises SignatureInvalid where they are no public key, or one under which anybody signs."""
        try:
            ed25519.public_key(public_key)
        except ValueError:
            raise SignatureInvalid("not an Ed25519 public key, or one of small order") from None
        self.public_key = public_key

    def verify(self, statement_type: str, payload: bytes, signature: bytes) -> None:
        """Raise SignatureInvalid unless the signature holds."""
        if not self.verify_many(statement_type, [payload], [signature])[0]:
            raise SignatureInvalid(f"signature of a statement '{statement_type}' does not verify")

    def verify_many(
        self, statement_type: str, payloads: Sequence[bytes], signatures: Sequence[bytes], *, threads: int = 1
    ) -> list[bool]:
        """Say of each payload whether its signature holds: one by one, on the process's backend."""
        prefix = signed_bytes(statement_type, b"")
        return backend().verify_signatures(self.public_key, prefix, payloads, signatures, threads=threads)

    def verified_payload(self, statement_type: str, statement: SignedStatement) -> bytes:
        """Give the statement's payload; raises SignatureInvalid unless type, key and signature are as expected."""
        if statement.type != statement_type or statement.key_id != key_id(self.public_key):
            raise SignatureInvalid(f"not a statement '{statement_type}' of the expected key")
        self.verify(statement_type, statement.payload, statement.signature)
        return statement.payload
