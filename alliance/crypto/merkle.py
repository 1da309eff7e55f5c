"""The Merkle Tree Hash of RFC 9162 §2.1.1 with SHA-256.

Rules:

- a leaf is hashed behind 0x00 and a node behind 0x01, so that neither can be passed off as the other;
- the order of the leaves is part of the root; equal leaves are leaves of their own;
- leaves stream: memory holds one hash a level.

What it does not do: keep a tree, prove inclusion or consistency, or sign. Whoever commits to data that can be
guessed salts it first (protocol §2: `SHA-256(nonce32 ‖ consent evidence)`): a root by itself hides nothing.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

HASH_BYTES: Final = 32


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf: SHA-256(0x00 || data) (RFC 9162 §2.1.1)."""
    # MTH({d[0]}) = HASH(0x00 || d[0])
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over the hashes of its two children (RFC 9162 §2.1.1)."""
    # MTH(D_n) = HASH(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the Merkle Tree Hash over the leaves' data (not their hashes), 32 bytes (RFC 9162 §2.1.1)."""
    # The hashes of the complete subtrees so far, largest first: their sizes are the one bits of `count`, so
    # the split at "k, the largest power of two smaller than n" comes by itself.
    subtrees: list[bytes] = []
    for count, leaf in enumerate(leaves):
        node = leaf_hash(leaf)
        carry = count
        while carry & 1:
            node = node_hash(subtrees.pop(), node)
            carry >>= 1
        subtrees.append(node)
    if not subtrees:
        # MTH({}) = HASH()
        return hashlib.sha256(b"").digest()
    node = subtrees.pop()
    while subtrees:
        node = node_hash(subtrees.pop(), node)
    return node
