"""The records of a book, and their sealed forms.

An entry is one identifier under one reference; its place is the number of its segment and its index there, and stays
the same for as long as it is in the book, whatever epoch its tag is of. A place that was taken out holds nothing.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, NamedTuple, Self

from alliance.taxonomy import Category, ClaimStatus, EvidenceLevel, Ground, SubjectRole
from member_client._framing import pack, unpack
from member_client.errors import BookDamaged

SEGMENT_ENTRIES: Final = 1024
"""Of a segment at most: a call of the evaluation, and what is written anew where a few entries are added."""
TAG_BYTES: Final = 32
NO_TAG: Final = bytes(TAG_BYTES)


class Place(NamedTuple):
    """Where an entry is."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Whose identifier it is, which field, and the input of its evaluation."""

    ref: str
    field: str
    input: bytes

    def __repr__(self) -> str:
        return f"Entry({self.field})"

    def to_bytes(self) -> bytes:
        """Give the form that the book keeps."""
        return pack(self.ref.encode(errors="surrogatepass"), self.field.encode(), self.input)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Entry | None":
        """Read what `to_bytes` gave; None for a place that was taken out."""
        if not data:
            return None
        ref, name, evaluated = unpack(data)
        return cls(ref.decode(errors="surrogatepass"), name.decode(), evaluated)


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """What is in a segment: its entries by index, and the digest of the statement of basis that they were added on."""

    basis: bytes
    entries: tuple[Entry | None, ...]

    def to_bytes(self) -> bytes:
        """Give the form that the book keeps."""
        return pack(self.basis, *(entry.to_bytes() if entry else b"" for entry in self.entries))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` gave; raises BookDamaged."""
        try:
            basis, *entries = unpack(data)
            return cls(basis, tuple(map(Entry.from_bytes, entries)))
        except ValueError:
            raise BookDamaged("A segment of the book cannot be read.") from None


@dataclass(frozen=True, slots=True)
class Known:
    """A claim about an entry, as it was told last. `expires_at` in milliseconds UTC."""

    ref: str
    field: str
    contributor: str
    category: Category
    entry_id: bytes
    epoch: int
    role: SubjectRole
    evidence: EvidenceLevel
    status: ClaimStatus
    expires_at: int

    @property
    def ground(self) -> Ground:
        """What of it decides the action."""
        return Ground(self.role, self.evidence, self.status)

    @property
    def about(self) -> tuple[str, Category]:
        """What makes it the same claim in every epoch: a contributor has one of a category on an identifier."""
        return self.contributor, self.category


Matches = dict[Place, tuple[Known, ...]]


def matches_to_bytes(place: Place, known: tuple[Known, ...]) -> bytes:
    """Give the row of an entry's claims."""
    return json.dumps([place, [asdict(it) for it in known]], default=bytes.hex).encode()


def matches_from_bytes(data: bytes) -> tuple[Place, tuple[Known, ...]]:
    """Read what `matches_to_bytes` gave; raises BookDamaged."""
    try:
        place, known = json.loads(data)
        return Place(*place), tuple(map(_known, known))
    except (ValueError, KeyError, TypeError):
        raise BookDamaged("The matches of the book cannot be read.") from None


def _known(raw: dict[str, Any]) -> Known:
    words = {
        "category": Category(raw["category"]),
        "entry_id": bytes.fromhex(raw["entry_id"]),
        "role": SubjectRole(raw["role"]),
        "evidence": EvidenceLevel(raw["evidence"]),
        "status": ClaimStatus(raw["status"]),
    }
    return Known(**{**raw, **words})


@dataclass(frozen=True, slots=True)
class Head:
    """What the book says of itself; every change of the book is a change of this row, in one transaction.

    `sizes` are entries by segment. `changed` rises with entries and tags, `generation` with what was found out about
    them. Events have numbers below `next_event`; those up to `acknowledged` are gone. `feed` is the number of the last
    change of a status that was taken in. Times in milliseconds UTC, 0 before the first.
    """

    book: str
    sizes: tuple[int, ...] = ()
    entries: int = 0
    changed: int = 0
    generation: int = 0
    next_event: int = 1
    acknowledged: int = 0
    feed: int = 0
    looked_at: int = 0
    rescreened_at: int = 0
    unsettled: int = 0
    evaluations: int = 0
    prefixes: int = 0
    rescreenings: int = 0
    covered: dict[int, Place] = field(default_factory=dict)
    """By epoch: entries before this place had their share of cover when they were first looked up."""
    keys: dict[int, str] = field(default_factory=dict)
    """By epoch: the public key that its tags were derived under, hexadecimal."""

    def spent(self, *, evaluations: int = 0, prefixes: int = 0) -> "Head":
        """Count what the hub learned to count."""
        return replace(self, evaluations=self.evaluations + evaluations, prefixes=self.prefixes + prefixes)

    def to_bytes(self) -> bytes:
        """Give the form that the book keeps."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` gave; raises BookDamaged."""
        try:
            raw: dict[str, Any] = json.loads(data)
            raw["sizes"] = tuple(raw["sizes"])
            raw["keys"] = {int(epoch): key for epoch, key in raw["keys"].items()}
            raw["covered"] = {int(epoch): Place(*place) for epoch, place in raw["covered"].items()}
            return cls(**raw)
        except (ValueError, KeyError, TypeError):
            raise BookDamaged("The head of the book cannot be read.") from None
