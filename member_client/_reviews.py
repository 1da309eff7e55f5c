"""Claims that one operator approved and another one, or a liaison, is still to look at: sealed, written down, not sent.

A review lies in the store under its claim's entry id, so that it survives a restart, for as long as approvals count.
It holds all that landing the claim later needs: the sealed row, its names in the journal, what it is about, and the
first operator's statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.approvals import read_approval
from alliance.claims import parse
from alliance.countersignatures import approval_life_ms
from alliance.taxonomy import COUNTERSIGNED_LEVELS, Category, EvidenceLevel, SubjectRole
from alliance.v1.claim_pb2 import Claim, Label
from alliance.v1.statement_pb2 import SignedStatement
from member_client._framing import pack, unpack
from member_client._journal import Drawn, Keepsake, Place, drawn_from, drawn_record
from member_client._store import Shelf, Store
from member_client.errors import StoreDamaged


@dataclass(frozen=True, slots=True, repr=False)
class Review:
    """A sealed claim with its first approval; `amends` says that it may take another claim's place."""

    place: Place
    drawn: Drawn
    kept: Keepsake
    first: SignedStatement
    amends: bool
    second: SignedStatement | None = None
    """Of a claim that waits for a liaison: the second approval."""

    @property
    def needs_countersignature(self) -> bool:
        """Whether a liaison must stand behind it."""
        return EvidenceLevel(self.claim.evidence_level) in COUNTERSIGNED_LEVELS

    @property
    def claim(self) -> Claim:
        """What is stated."""
        return parse(self.drawn.sealed.claim)

    @property
    def ends_at(self) -> int:
        """When the first approval no longer counts."""
        return read_approval(self.first).time + approval_life_ms(EvidenceLevel(self.claim.evidence_level))

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        return pack(
            self.place.acknowledged,
            self.place.drawn,
            drawn_record(self.drawn),
            self.kept.to_bytes(),
            self.first.SerializeToString(),
            b"amends" if self.amends else b"",
            b"" if self.second is None else self.second.SerializeToString(),
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Review":
        """Read what `to_bytes` gave; raises StoreDamaged."""
        try:
            acknowledged, drawn, record, kept, first, amends, *second = unpack(data)
            row, keepsake = drawn_from(record), Keepsake.from_bytes(kept)
            if keepsake is None:
                raise _unreadable()
            signed = [SignedStatement.FromString(it) for it in (first, *filter(None, second))]
            return cls(Place(acknowledged, drawn), row, keepsake, signed[0], bool(amends), *signed[1:2])
        except ValueError:
            raise _unreadable() from None


class Reviews:
    """The shelf of reviews; its methods block."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, reviews: Sequence[Review]) -> None:
        """Write reviews down; the rows that they hold stay as long as they do, and no longer."""
        self._store.put_many(
            it
            for review in reviews
            for it in (
                (Shelf.REVIEWS, review.drawn.sealed.entry_id, review.to_bytes(), review.ends_at),
                (Shelf.DRAWN, review.place.drawn, drawn_record(review.drawn), review.ends_at),
            )
        )

    def all(self) -> list[Review]:
        """Give all that wait, by what was approved first."""
        found = [Review.from_bytes(value) for _, value in self._store.rows(Shelf.REVIEWS) if value]
        return sorted(found, key=lambda it: (it.ends_at, it.drawn.sealed.entry_id))

    def some(self, entry_ids: Sequence[bytes]) -> list[Review | None]:
        """Give those of some claims."""
        return [None if it is None else Review.from_bytes(it) for it in self._store.get_many(Shelf.REVIEWS, entry_ids)]

    def remove(self, reviews: Sequence[Review], *, with_rows: bool) -> None:
        """Forget reviews; `with_rows` also the sealed rows, so that the same is drawn up anew."""
        gone = [(Shelf.REVIEWS, it.drawn.sealed.entry_id) for it in reviews]
        rows = [(Shelf.DRAWN, it.place.drawn) for it in reviews] if with_rows else []
        self._store.put_many((), remove=[*gone, *rows])


@dataclass(frozen=True, slots=True, repr=False)
class PendingReview:
    """A claim that waits for a second operator. Times in milliseconds UTC; `text` is the identifier, canonical.

    `epoch_is_over`: the key changed meanwhile, so that the row must be contributed anew.
    """

    entry_id: bytes
    kind: str
    text: str
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    observed_from: int
    observed_to: int
    filed_at: int
    expires_at: int
    case_reference: str
    first_operator: str
    approved_at: int
    counts_until: int
    epoch_is_over: bool

    def __repr__(self) -> str:
        return f"PendingReview({self.entry_id.hex()})"


def pending(review: Review, epoch: int) -> PendingReview:
    """Give a review as its second operator looks at it; `epoch` is the one that serves."""
    claim, approval = review.claim, read_approval(review.first)
    return PendingReview(
        entry_id=claim.entry_id,
        kind=str(review.kept.identifier.kind),
        text=review.kept.identifier.canonical,
        category=Category(claim.category),
        role=SubjectRole(claim.subject_role),
        evidence=EvidenceLevel(claim.evidence_level),
        observed_from=claim.observed_from,
        observed_to=claim.observed_to,
        filed_at=claim.filed_at,
        expires_at=claim.expires_at,
        case_reference=Label.FromString(review.kept.label).case_reference if review.kept.label else "",
        first_operator=approval.operator,
        approved_at=approval.time,
        counts_until=review.ends_at,
        epoch_is_over=claim.epoch != epoch,
    )


def _unreadable() -> StoreDamaged:
    return StoreDamaged("The store's reviews cannot be read.")
