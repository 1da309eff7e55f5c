"""What liaisons stand behind."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob, small


class CountersigningTable(SQLModel, table=True):
    """Requests for countersignatures, and what became of them. The claim's tag is in no column."""

    __tablename__ = "countersignings"
    __table_args__ = (
        Index("countersignings_by_claim", "claim_id"),
        Index("countersignings_by_contributor", "contributor", "row"),
        Index("countersignings_by_liaison", "liaison", "row"),
        Index("countersignings_by_purge", "purge_at"),
    )

    row: int | None = column(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        holds=Holds.WORKINGS,
        kept=Kept.COUNTERSIGNING,
    )
    """Number by which lists go on."""
    entry_id: bytes = column(
        sa_column=Column(LargeBinary, nullable=False, unique=True), holds=Holds.CLAIM, kept=Kept.COUNTERSIGNING
    )
    """The claim that it was asked for."""
    claim_id: bytes = column(sa_column=blob(), holds=Holds.CLAIM, kept=Kept.COUNTERSIGNING, mutable=True)
    """The claim that says the same by now: another one once the first one's row is gone with its epoch."""
    contributor: str = column(max_length=32, holds=Holds.NAME, kept=Kept.COUNTERSIGNING)
    """Who asks."""
    liaison: str = column(max_length=32, holds=Holds.NAME, kept=Kept.COUNTERSIGNING)
    """Who is asked."""
    substance_sha256: bytes = column(
        sa_column=Column(LargeBinary, nullable=False, unique=True), holds=Holds.DIGEST, kept=Kept.COUNTERSIGNING
    )
    """Digest of the claim's substance: one is countersigned once."""
    substance: bytes = column(sa_column=blob(), holds=Holds.CLAIM, kept=Kept.COUNTERSIGNING)
    """Serialised ClaimSubstance: what of the claim stays as it is when it is re-tagged."""
    claim_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.COUNTERSIGNING)
    """Digest of the claim as it is to be filed."""
    epoch: int = column(holds=Holds.WORKINGS, kept=Kept.COUNTERSIGNING)
    """Of the claim."""
    evidence_level: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.COUNTERSIGNING)
    """4 or 5, for E4 or E5."""
    reference: str = column(max_length=64, holds=Holds.CLAIM, kept=Kept.COUNTERSIGNING)
    """Under which the liaison knows the matter."""
    request: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.COUNTERSIGNING)
    """SignedStatement `claim-countersignature-request`."""
    approved_by: str = column(max_length=80, holds=Holds.AUDIT, kept=Kept.COUNTERSIGNING)
    """Ids of the two operators who approved the claim."""
    state: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.COUNTERSIGNING, mutable=True)
    """Number of `CountersignatureState`; that its time is over, the time says."""
    requested_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.COUNTERSIGNING)
    """When it was asked for."""
    answer_by: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.COUNTERSIGNING)
    """Until when it may be answered; exclusive."""
    purge_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.COUNTERSIGNING, mutable=True)
    """When the row is deleted."""
    answer: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.COUNTERSIGNING, mutable=True
    )
    """SignedStatement `claim-countersignature` or `claim-countersignature-refusal`. NULL: there is none."""
    officer_answer: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.COUNTERSIGNING, mutable=True
    )
    """The same, signed by the officer. NULL: there is none."""
    grounds: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.CLAIM, kept=Kept.COUNTERSIGNING, mutable=True
    )
    """Serialised CountersignatureGrounds. NULL: it was not countersigned."""
    answered_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.COUNTERSIGNING, mutable=True
    )
    """When it was answered. NULL: it was not."""
    revocation: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.COUNTERSIGNING, mutable=True
    )
    """SignedStatement `claim-countersignature-revocation`. NULL: there is none."""
    officer_revocation: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.COUNTERSIGNING, mutable=True
    )
    """The same, signed by the officer. NULL: there is none."""
    revoked_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.COUNTERSIGNING, mutable=True
    )
    """When it was revoked. NULL: it was not."""


class CountersignatureTable(SQLModel, table=True):
    """The feed of countersignatures and revocations, which members read whole."""

    __tablename__ = "countersignatures"
    __table_args__ = (Index("countersignatures_by_end", "kept_until"),)

    number: int = column(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False),
        holds=Holds.PUBLISHED,
        kept=Kept.COUNTERSIGNED,
    )
    """Place in the feed, rising; may leave gaps."""
    statement: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.COUNTERSIGNED)
    """SignedStatement `claim-countersignature` or `claim-countersignature-revocation` of a liaison."""
    kept_until: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.COUNTERSIGNED)
    """The claim's `expires_at`."""
