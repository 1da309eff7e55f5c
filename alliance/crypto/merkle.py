"""The Merkle tree of RFC 9162 §2.1 with SHA-256: roots, proofs of inclusion and of consistency.

Rules:

- a leaf is hashed behind 0x00 and a node behind 0x01, so that neither can be passed off as the other;
- the order of the leaves is part of the root; equal leaves are leaves of their own;
- a proof does not prove the sizes that it is verified with: take them from where the root is signed beside them;
- leaves stream: a `Frontier` holds one hash a level, and proofs ask for the few nodes that they are made of.

What it does not do: keep a tree, or sign. Whoever commits to data that can be guessed salts it first (protocol §2:
`SHA-256(nonce32 ‖ consent evidence)`): a root by itself hides nothing.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from alliance.errors import MerkleProofInvalid

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
"""More leaves than any tree has: what a signed 64-bit number holds, so that readers in every language can hold it."""

_EMPTY: Final = hashlib.sha256(b"").digest()

Node = tuple[int, int]
"""A complete subtree: its level, 0 for leaves, and its index among those of that level."""
Nodes = Callable[[Sequence[Node]], Sequence[bytes]]
"""Gives the hashes of nodes, in their order."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf: SHA-256(0x00 || data) (RFC 9162 §2.1.1)."""
    # MTH({d[0]}) = HASH(0x00 || d[0])
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over the hashes of its two children (RFC 9162 §2.1.1)."""
    # MTH(D_n) = HASH(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: all that is needed to add leaves and to give the root.

    `nodes` are the hashes of the complete subtrees, largest first: their sizes are the one bits of `size`, so the split
    at "k, the largest power of two smaller than n" comes by itself.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size.bit_count() != len(self.nodes) or any(len(node) != HASH_BYTES for node in self.nodes):
            raise ValueError("a frontier has one hash for each one bit of its size")

    def extended(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """Return the frontier with more leaves, given by their hashes."""
        size, nodes = self.size, list(self.nodes)
        for node in leaf_hashes:
            carry, size = size, size + 1
            while carry & 1:
                node = node_hash(nodes.pop(), node)
                carry >>= 1
            nodes.append(node)
        return Frontier(size, tuple(nodes))

    def root(self) -> bytes:
        """Return the Merkle Tree Hash, 32 bytes."""
        # MTH({}) = HASH()
        return _folded(self.nodes) if self.nodes else _EMPTY


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the Merkle Tree Hash over the leaves' data (not their hashes), 32 bytes (RFC 9162 §2.1.1)."""
    return Frontier().extended(leaf_hash(leaf) for leaf in leaves).root()


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return PATH(index, D_size): the leaf's siblings, lowest first (RFC 9162 §2.1.3.1); raises ValueError."""
    if not 0 <= index < size:
        raise ValueError("a leaf's index is below the size of its tree")
    ranges: list[tuple[int, int]] = []
    begin, end = 0, size
    while end - begin > 1:
        # PATH(m, D_n) = PATH(m, D[0:k]) : MTH(D[k:n]), or PATH(m - k, D[k:n]) : MTH(D[0:k])
        split = begin + _largest_power_below(end - begin)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((begin, split))
            begin = split
    return _hashes_of(ranges[::-1], nodes)


def consistency_proof(first: int, second: int, nodes: Nodes) -> list[bytes]:
    """Return PROOF(first, D_second): that the larger tree begins with the smaller (RFC 9162 §2.1.4.1).

    Raises ValueError unless 0 < first <= second.
    """
    if not 0 < first <= second:
        raise ValueError("a proof of consistency leads from a tree that is not empty to one that is not smaller")
    ranges: list[tuple[int, int]] = []
    begin, end, is_whole = 0, second, True
    while first != end:
        # SUBPROOF(m, D_n, b) = SUBPROOF(m, D[0:k], b) : MTH(D[k:n]),
        #                    or SUBPROOF(m - k, D[k:n], false) : MTH(D[0:k])
        split = begin + _largest_power_below(end - begin)
        if first <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((begin, split))
            begin, is_whole = split, False
    if not is_whole:
        # SUBPROOF(m, D_m, false) = {MTH(D_m)}
        ranges.append((begin, end))
    return _hashes_of(ranges[::-1], nodes)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Raise MerkleProofInvalid unless a leaf's hash is in a tree at its index (RFC 9162 §2.1.3.2)."""
    # 1. Compare leaf_index with tree_size.
    if not 0 <= index < size <= MAX_SIZE:
        raise MerkleProofInvalid("a leaf's index is not below the size of its tree")
    # 2. Set fn to leaf_index and sn to tree_size - 1.
    fn, sn = index, size - 1
    # 3. Set r to hash.
    r = leaf
    for p in _of_full_length(proof, leaf, root_hash):
        # 4. If sn is 0, then stop the iteration and fail.
        if sn == 0:
            raise MerkleProofInvalid("a proof of inclusion is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    # 5. Compare sn to 0, and r against the root_hash.
    if sn or not hmac.compare_digest(r, root_hash):
        raise MerkleProofInvalid("a leaf is not in the tree")


def verify_consistency(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise MerkleProofInvalid unless the second tree begins with the first (RFC 9162 §2.1.4.2).

    Every tree begins with the empty one, and with itself: such a proof is empty.
    """
    hashes = list(_of_full_length(proof, first_root, second_root))
    if not 0 <= first <= second <= MAX_SIZE:
        raise MerkleProofInvalid("a proof of consistency leads from a tree to one that is not smaller")
    if first in (0, second):
        _require_no_proof(first, first_root, second, second_root, hashes)
        return
    # 1. If consistency_path is an empty array, stop and fail the proof verification.
    if not hashes:
        raise MerkleProofInvalid("a proof of consistency is empty")
    # 2. If first is an exact power of 2, then prepend first_hash to the consistency_path array.
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    # 3. Set fn to first - 1 and sn to second - 1.
    fn, sn = first - 1, second - 1
    # 4. If LSB(fn) is set, then right-shift both fn and sn equally until LSB(fn) is not set.
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # 5. Set both fr and sr to the first value in the consistency_path array.
    fr = sr = hashes[0]
    for c in hashes[1:]:
        # 6. If sn is 0, then stop the iteration and fail the proof verification.
        if sn == 0:
            raise MerkleProofInvalid("a proof of consistency is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    # 7. Compare sn to 0, fr to first_hash, and sr to second_hash.
    if sn or not hmac.compare_digest(fr, first_root) or not hmac.compare_digest(sr, second_root):
        raise MerkleProofInvalid("the larger tree does not begin with the smaller one")


def _require_no_proof(first: int, first_root: bytes, second: int, second_root: bytes, hashes: Sequence[bytes]) -> None:
    """Raise MerkleProofInvalid unless a tree is the other, or is the empty one, by its root alone."""
    if first == 0 and first_root != _EMPTY:
        raise MerkleProofInvalid("a tree without leaves has another root")
    if hashes or (first == second and not hmac.compare_digest(first_root, second_root)):
        raise MerkleProofInvalid("two trees of one size differ, or a proof says more than is asked")


def _of_full_length(proof: Sequence[bytes], *others: bytes) -> Sequence[bytes]:
    if any(len(node) != HASH_BYTES for node in (*others, *proof)):
        raise MerkleProofInvalid("a proof holds something other than hashes")
    return proof


def _largest_power_below(size: int) -> int:
    """Return k, the largest power of two smaller than n."""
    return 1 << ((size - 1).bit_length() - 1)


def _hashes_of(ranges: Sequence[tuple[int, int]], nodes: Nodes) -> list[bytes]:
    """Return MTH(D[begin:end]) of each range, all nodes asked for at once."""
    subtrees = [list(_subtrees(begin, end)) for begin, end in ranges]
    wanted = [node for group in subtrees for node in group]
    found = nodes(wanted)
    if len(found) != len(wanted):
        raise ValueError("other nodes were given than were asked for")
    hashes = iter(found)
    return [_folded([next(hashes) for _ in group]) for group in subtrees]


def _subtrees(begin: int, end: int) -> Iterator[Node]:
    """Give the complete subtrees of a range, left to right; `begin` is a multiple of the first one's width."""
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def _folded(nodes: Sequence[bytes]) -> bytes:
    """Return the hash over complete subtrees, largest first."""
    node = nodes[-1]
    for left in reversed(nodes[:-1]):
        node = node_hash(left, node)
    return node
