"""What is contested."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob, small


class DisputeTable(SQLModel, table=True):
    """Disputes about claims. The token with which one was opened is in no column."""

    __tablename__ = "disputes"
    __table_args__ = (
        Index("disputes_by_claim", "claim_id"),
        Index("disputes_by_contributor", "contributor", "row"),
        Index("disputes_by_opener", "opener", "row"),
        Index("disputes_by_state", "state", "due_at"),
        Index("disputes_by_closing", "closed_at"),
    )

    row: int | None = column(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        holds=Holds.WORKINGS,
        kept=Kept.DISPUTE,
    )
    """Number by which lists go on."""
    id: bytes = column(
        sa_column=Column(LargeBinary, nullable=False, unique=True), holds=Holds.WORKINGS, kept=Kept.DISPUTE
    )
    """16 random bytes, the opener's."""
    entry_id: bytes = column(sa_column=blob(), holds=Holds.CLAIM, kept=Kept.DISPUTE)
    """The claim that it was opened about."""
    claim_id: bytes = column(sa_column=blob(), holds=Holds.CLAIM, kept=Kept.DISPUTE, mutable=True)
    """The claim that says the same by now: another one once the first one's row is gone with its epoch."""
    contributor: str = column(max_length=32, holds=Holds.NAME, kept=Kept.DISPUTE)
    """Whose claim it is."""
    opener: str = column(max_length=32, holds=Holds.NAME, kept=Kept.DISPUTE)
    """The member to whom the consumer came; the contributor is not told."""
    ground: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.DISPUTE)
    """Number of `DisputeGround`."""
    state: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.DISPUTE, mutable=True)
    """Number of `DisputeState`."""
    opened_at: int = column(sa_column=big(), holds=Holds.CLAIM, kept=Kept.DISPUTE)
    """When it was opened."""
    due_at: int = column(sa_column=big(), holds=Holds.CLAIM, kept=Kept.DISPUTE, mutable=True)
    """When the contributor is due, or once it is escalated the reviewer."""
    content_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.DISPUTE)
    """Of the opening but its time: what a retry must repeat."""
    request_commitment: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.DISPUTE)
    """SHA-256(salt32 ‖ digest of the consumer's request); the request stays with the opener."""
    evidence_digest: bytes = column(sa_column=blob(), holds=Holds.SEALED, kept=Kept.DISPUTE)
    """The evidence under the label key, by which it is known again. Empty: the consumer brought none."""
    opening: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.DISPUTE)
    """SignedStatement `dispute-opening`; it binds the token's digest."""
    sealed: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.SEALED, kept=Kept.CONTESTED, mutable=True
    )
    """The consumer's statement, sealed for holders of the identifier. NULL: it was deleted."""
    answer: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.DISPUTE, mutable=True
    )
    """SignedStatement `dispute-answer`. NULL: there is none."""
    answer_reason: str = column(max_length=64, holds=Holds.CLAIM, kept=Kept.DISPUTE, mutable=True)
    """Reason code of the answer. Empty: there is none."""
    answered_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.CLAIM, kept=Kept.DISPUTE, mutable=True
    )
    """When it was answered, or its claim ended. NULL: neither."""
    escalated_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.CLAIM, kept=Kept.DISPUTE, mutable=True
    )
    """When it was escalated. NULL: it was not."""
    review: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.DISPUTE, mutable=True
    )
    """SignedStatement `dispute-review`. NULL: there is none."""
    decision_reason: str = column(max_length=64, holds=Holds.CLAIM, kept=Kept.DISPUTE, mutable=True)
    """Reason code of the decision. Empty: there is none."""
    decided_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.CLAIM, kept=Kept.DISPUTE, mutable=True
    )
    """When a reviewer decided. NULL: none did."""
    closed_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.DISPUTE, mutable=True
    )
    """Since when nobody is to act any more. NULL: somebody is."""
