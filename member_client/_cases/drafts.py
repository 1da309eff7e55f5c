"""What a liaison keeps of a case, and no other machine has: whom it is about, and the secret that opens replies.

A draft lies in the store under its case's id, sealed, from the first officer's signature until the hub has deleted what
members sent. It holds the officers' statements as they were signed, so that what goes out again is the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from alliance.cases.suspects import Suspect, SuspectTree, read_leaf
from alliance.cases.words import CLOSES_AFTER_MS, REPLY_WITHIN_MS, SEALED_KEPT_MS
from alliance.crypto.secret import Secret
from alliance.v1.case_pb2 import CaseRequest, SuspectContents
from alliance.v1.statement_pb2 import SignedStatement
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store
from member_client.errors import StoreDamaged

KEPT_MS: Final = REPLY_WITHIN_MS + CLOSES_AFTER_MS + SEALED_KEPT_MS
"""So long after its instrument a case's replies may lie at the hub."""


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A case as its liaison keeps it."""

    first: SignedStatement
    """Statement `case-request`, signed by the first officer."""
    leaves: tuple[bytes, ...]
    """Serialised SuspectLeaf, in the tree's order."""
    secret: Secret
    """Opens what is sealed to the request's key, 32 bytes."""
    note: str = ""
    """What the officers would have members look for."""
    second: SignedStatement | None = None
    """The same payload, signed by the second officer."""
    extension: SignedStatement | None = None
    """Statement `case-extension`, signed by the one of the officers who asked first; the other one has not signed."""

    @property
    def payload(self) -> bytes:
        """What both officers sign."""
        return self.first.payload

    @property
    def request(self) -> CaseRequest:
        """What is asked for."""
        return CaseRequest.FromString(self.payload)

    def suspects(self) -> list[Suspect]:
        """Give whom it is about, in the tree's order."""
        return [read_leaf(leaf) for leaf in self.leaves]

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        statements = (b"" if it is None else it.SerializeToString() for it in (self.first, self.second, self.extension))
        return pack(*statements, self.secret.reveal(), self.note.encode(), *self.leaves)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Draft":
        """Read what `to_bytes` gave; raises StoreDamaged."""
        try:
            first, second, extension, secret, note, *leaves = unpack(data)
            kept = cls(
                first=SignedStatement.FromString(first),
                leaves=tuple(leaves),
                secret=Secret(secret),
                note=note.decode(),
                second=SignedStatement.FromString(second) if second else None,
                extension=SignedStatement.FromString(extension) if extension else None,
            )
            if not leaves or not kept.request.case_id:
                raise _unreadable()
        except (ValueError, DecodeError):
            raise _unreadable() from None
        return kept


class Drafts:
    """The shelf of drafts; its methods block."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, draft: Draft) -> None:
        """Write a draft down, in the place of what it was before."""
        request = draft.request
        self._store.put(Shelf.CASE_DRAFTS, request.case_id, draft.to_bytes(), request.instrument_until + KEPT_MS)

    def one(self, case_id: bytes) -> Draft | None:
        """Give a draft; None where this machine has none of the case."""
        found = self._store.get(Shelf.CASE_DRAFTS, case_id)
        return None if found is None else Draft.from_bytes(found)

    def all(self) -> list[Draft]:
        """Give all drafts, by when they were drawn up."""
        found = [Draft.from_bytes(value) for _, value in self._store.rows(Shelf.CASE_DRAFTS)]
        return sorted(found, key=lambda it: (it.request.time, it.request.case_id))

    def remove(self, case_id: bytes) -> None:
        """Forget a draft, and with it whom the case was about."""
        self._store.put_many(remove=[(Shelf.CASE_DRAFTS, case_id)])


def contents_of(leaves: Sequence[bytes], tree: SuspectTree, index: int, note: str) -> bytes:
    """Give what is sealed of a suspect for who holds the identifier: serialised SuspectContents."""
    contents = SuspectContents(leaf=leaves[index], index=index, tree_size=tree.size, proof=tree.proof(index), note=note)
    return contents.SerializeToString()


def _unreadable() -> StoreDamaged:
    return StoreDamaged("A case in the local store cannot be read.")
