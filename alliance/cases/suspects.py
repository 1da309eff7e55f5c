"""Suspects: fixed by a Merkle root before anybody approves, and shown one by one to who holds the same identifier.

`leaf = SHA-256(0x00 ‖ SuspectLeaf)` with 32 random bytes of salt, so that nobody guesses whom a root is about (RFC 9162
section 2.1.1). A member believes that it is asked under an approved case only where the leaf proves to be in the root.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance.claims import kind_number, kind_of
from alliance.crypto import merkle
from alliance.errors import CaseInvalid, ClaimInvalid, MerkleProofInvalid, Reason
from alliance.identifiers import Kind
from alliance.v1.case_pb2 import SuspectContents, SuspectLeaf, SuspectRow

SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True, repr=False)
class Suspect:
    """A suspect in canonical form, with the leaf that fixes it."""

    kind: Kind
    canonical: str
    leaf: bytes


def drawn(kind: Kind, canonical: str, *, salt: bytes | None = None) -> Suspect:
    """Make a suspect's leaf; a salt is given by tests only."""
    leaf = SuspectLeaf(salt=salt or os.urandom(SALT_BYTES), kind=kind_number(kind), canonical=canonical)
    return Suspect(kind, canonical, leaf.SerializeToString())


def read_leaf(leaf: bytes) -> Suspect:
    """Read a leaf; raises CaseInvalid."""
    try:
        said = SuspectLeaf.FromString(leaf)
        kind = kind_of(said.kind)
    except (DecodeError, ClaimInvalid):
        raise CaseInvalid(Reason.INVALID_REQUEST, "a suspect's leaf cannot be read") from None
    if len(said.salt) != SALT_BYTES or not said.canonical:
        raise CaseInvalid(Reason.INVALID_REQUEST, "a suspect's leaf has a salt and an identifier")
    return Suspect(kind, said.canonical, leaf)


class SuspectTree:
    """The tree over a case's suspects, in their order; some thousands at most, so all of it is held."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [[merkle.leaf_hash(leaf) for leaf in leaves]]
        while len(below := self._levels[-1]) > 1:
            pairs = zip(below[::2], below[1::2], strict=False)
            self._levels.append([merkle.node_hash(left, right) for left, right in pairs])
        self.size = len(leaves)
        self.root = merkle.root(leaves)

    def proof(self, index: int) -> list[bytes]:
        """Give the proof that a leaf is in the tree."""
        return merkle.inclusion_proof(index, self.size, lambda nodes: [self._levels[level][at] for level, at in nodes])


def verified(contents: SuspectContents, root: bytes, items: int) -> Suspect:
    """Give the suspect whose leaf proves to be among the `items` of a request; raises CaseInvalid."""
    leaf, proof = merkle.leaf_hash(contents.leaf), list(contents.proof)
    try:
        merkle.verify_inclusion(leaf, contents.index, items, proof, root)
    except MerkleProofInvalid:
        raise CaseInvalid(Reason.SUSPECTS_NOT_EVALUATED, "the suspect is not among those that were approved") from None
    return read_leaf(contents.leaf)


def rows_digest(rows: Sequence[SuspectRow]) -> bytes:
    """Digest the rows of a submission, as its statement binds them."""
    digest = sha256()
    for row in rows:
        digest.update(row.tag + sha256(row.sealed).digest())
    return digest.digest()
