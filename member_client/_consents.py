"""Commitments to consent: what of it the hub sees, and what stays here to prove it later.

leaf_i = SHA-256(nonce_i ‖ digest_i), nonce_i = SHAKE-256(seed)[32·i : 32·i + 32], root = RFC 9162 over the leaves; one
leaf for each item where the purpose asks for each person's consent, one for the whole batch where it asks for a basis.
Seed and digests never leave the store.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256, shake_256
from typing import Final, Self

from alliance.crypto import merkle
from alliance.crypto.secret import Secret
from alliance.taxonomy import CONSENT_NEEDS, ConsentNeed, Purpose
from member_client._framing import pack, unpack
from member_client.errors import ConsentMissing, StoreDamaged
from member_client.subjects import Consent

_PERSONAL: Final = frozenset({ConsentNeed.CONSUMER_CONSENT, ConsentNeed.CONSUMER_REQUEST})
_SEED_BYTES: Final = 32
_NONCE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Commitment:
    """A consent root, empty where the purpose needs none, and what it was made of."""

    root: bytes = b""
    seed: Secret = field(default_factory=lambda: Secret(b""))
    digests: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        return pack(self.root, self.seed.reveal(), *self.digests)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` gave; raises StoreDamaged."""
        try:
            root, seed, *digests = unpack(data)
        except ValueError:
            raise StoreDamaged("A commitment in the local store cannot be read.") from None
        return cls(root, Secret(seed), tuple(digests))


def needed(purpose: Purpose, own: Sequence[Consent | None], common: Consent | None) -> tuple[bytes, ...]:
    """Give the digests to commit to, in order of the items; raises ConsentMissing where one is lacking.

    `own` holds each item's own consent, `common` that of the call, which stands in for an item's that is missing. A
    basis is one digest for the batch; each item's own will do where the call names none.
    """
    need = CONSENT_NEEDS[purpose]
    if need is ConsentNeed.NONE:
        return ()
    if need not in _PERSONAL and common is not None:
        return (common.digest,)
    given = [consent or common for consent in own]
    digests = tuple(consent.digest for consent in given if consent is not None)
    if len(digests) != len(given) or not digests:
        raise ConsentMissing(f"Purpose {purpose.word} needs a {need.word.replace('_', ' ')}; nothing was sent.")
    return digests


def committed(digests: Sequence[bytes], seed: Secret | None = None) -> Commitment:
    """Commit to digests under a fresh seed; a seed is given to open an earlier commitment again."""
    if not digests:
        return Commitment()
    seed = seed or Secret(os.urandom(_SEED_BYTES))
    leaves = map(leaf, nonces(seed, len(digests)), digests)
    return Commitment(merkle.root(leaves), seed, tuple(digests))


def nonces(seed: Secret, count: int) -> list[bytes]:
    """Give the 32 bytes that hide each digest, from the first one on."""
    stream = shake_256(seed.reveal()).digest(count * _NONCE_BYTES)
    return [stream[start : start + _NONCE_BYTES] for start in range(0, len(stream), _NONCE_BYTES)]


def leaf(nonce: bytes, digest: bytes) -> bytes:
    """Give what the root commits to of one digest."""
    return sha256(nonce + digest).digest()
