"""What is listed, and what is published of it."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, text
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import LIVE, big, blob, small


class EpochTable(SQLModel, table=True):
    """Key epochs; the secret keys lie sealed in the key store."""

    __tablename__ = "epochs"

    id: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """Number, from 1."""
    suite: str = column(holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Name of the OPRF's ciphersuite."""
    public_key: bytes = column(sa_column=blob(), holds=Holds.KEY, kept=Kept.ALLIANCE, mutable=True)
    """What proofs are verified with: the OPRF's public key, 32 bytes; empty until the key is made."""
    state: int = column(sa_column=small(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE, mutable=True)
    """Number of `EpochState`."""
    not_before: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE, mutable=True)
    """When it began; set anew when it becomes active."""
    not_after: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE, mutable=True)
    """When it is over; exclusive."""
    retagged_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True
    )
    """Since when no live claim of it waits to be re-tagged. NULL: some do, or it does not retire."""
    destroyed_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True
    )
    """When its key, filter and claims were destroyed. NULL: they are not."""
    filter_sequence: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE, mutable=True
    )
    """Sequence with which its filter holds all that was re-tagged into it. NULL: nothing was, or it is not done."""


class ClaimTable(SQLModel, table=True):
    """Claims, as contributed, and their status."""

    __tablename__ = "claims"
    __table_args__ = (
        Index(
            "one_live_claim",
            "contributor",
            "epoch",
            "tag",
            "category",
            unique=True,
            sqlite_where=text(LIVE),
            postgresql_where=text(LIVE),
        ),
        # Holds all that decides whether a tag is listed, so that filters are built without reading a row.
        Index("claims_by_tag", "epoch", "tag", "status", "sharing_level", "expires_at", "sequence"),
        Index("claims_by_sequence", "epoch", "sequence", unique=True),
        # A contributor's claims are listed, and those found that wait to be re-tagged, by what has no successor.
        Index("claims_by_contributor", "contributor", "epoch", "successor", "sequence"),
        Index("claims_by_purge", "purge_at"),
    )

    entry_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Name of the claim: 16 random bytes, its contributor's."""
    contributor: str = column(max_length=32, holds=Holds.NAME, kept=Kept.CLAIM)
    """Whose claim it is."""
    epoch: int = column(holds=Holds.WORKINGS, kept=Kept.CLAIM)
    """Whose key derived the tag."""
    tag: bytes = column(sa_column=blob(), holds=Holds.TAG, kept=Kept.CLAIM)
    """32 bytes; equal for equal identifiers of an epoch."""
    sequence: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CLAIM)
    """Place in the epoch's registry, from 1; purged claims leave gaps."""
    kind: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Number of the identifier's kind."""
    category: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Number of what is stated."""
    subject_role: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Number of the subject's part in it."""
    evidence_level: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """1 to 5, for E1 to E5."""
    observed_from: int = column(sa_column=big(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Start of the observed conduct."""
    observed_to: int = column(sa_column=big(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """End of the observed conduct."""
    filed_at: int = column(sa_column=big(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """When it was filed, by the contributor's clock."""
    expires_at: int = column(sa_column=big(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """When it ends; exclusive."""
    sharing_level: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Number of the TLP level."""
    status: int = column(sa_column=small(), holds=Holds.CLAIM, kept=Kept.CLAIM, mutable=True)
    """Number of `ClaimStatus`. An end by time is marked where the contributor files on the tag before the purge."""
    status_version: int = column(holds=Holds.CLAIM, kept=Kept.CLAIM, mutable=True)
    """0 while the status never changed."""
    status_change: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.CLAIM, mutable=True
    )
    """The last SignedStatement `claim-status`. NULL while there is none."""
    received_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CLAIM)
    """When the hub took it."""
    row_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.CLAIM)
    """Digest of the row as contributed: what a retry must repeat."""
    purge_at: int = column(sa_column=big(default="0"), holds=Holds.CLAIM, kept=Kept.CLAIM, mutable=True)
    """When the row is deleted: at `expires_at`, or 30 days after it was ended if that is sooner."""
    claim: bytes = column(sa_column=blob(), holds=Holds.TAG, kept=Kept.CLAIM)
    """The claim as its contributor signed it; the tag is in it."""
    claim_sha256: bytes = column(sa_column=blob(is_filled_later=True), holds=Holds.DIGEST, kept=Kept.CLAIM)
    """Digest of the claim: readers hold the claim in the box against it."""
    signature: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.CLAIM)
    """The contributor's, over the claim."""
    handle: bytes = column(sa_column=blob(), holds=Holds.SEALED, kept=Kept.CLAIM)
    """16 bytes by which a holder of the identifier finds the box."""
    box: bytes = column(sa_column=blob(), holds=Holds.SEALED, kept=Kept.CLAIM)
    """The claim, its signature and its label, sealed for holders of the identifier."""
    predecessor: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.WORKINGS, kept=Kept.CLAIM
    )
    """Entry id of the claim in an earlier epoch that this one re-tags. NULL: it re-tags none."""
    successor: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.WORKINGS, kept=Kept.CLAIM, mutable=True
    )
    """Entry id of the claim in a later epoch that re-tags this one. NULL: none does."""
    approved_by: str | None = column(default=None, max_length=80, holds=Holds.AUDIT, kept=Kept.CLAIM)
    """Ids of the two operators who approved it, or what it re-tags. NULL: nobody had to."""
    approvals: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.CLAIM
    )
    """SignedStatements `claim-approval` of these two, each after its length in 2 bytes. NULL: none."""


class ClaimChangeTable(SQLModel, table=True):
    """The feed of changes of claims' statuses, which members follow."""

    __tablename__ = "claim_changes"
    __table_args__ = (
        Index("claim_changes_by_end", "kept_until"),
        # Recalls are few among them, and each is held against what members say to have dealt with.
        Index("claim_changes_by_status", "status", "number"),
    )

    number: int = column(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.CHANGE
    )
    """Place in the feed, rising; may leave gaps."""
    entry_id: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.CHANGE)
    """Which claim."""
    status: int = column(sa_column=small(), holds=Holds.PUBLISHED, kept=Kept.CHANGE)
    """Number of `ClaimStatus` that it has since."""
    version: int = column(holds=Holds.PUBLISHED, kept=Kept.CHANGE)
    """How often its status had changed by then."""
    changed_at: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.CHANGE)
    """When, by the hub's clock."""
    reason: str = column(max_length=64, holds=Holds.PUBLISHED, kept=Kept.CHANGE)
    """Reason code; empty where none was given."""
    kept_until: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CHANGE)
    """The claim's `expires_at`: whoever saw the claim knows its end from then on."""


class ChangeFeedTable(SQLModel, table=True):
    """One row a feed: how far it is."""

    __tablename__ = "change_feeds"

    id: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """1: the feed of changes; 2: that of countersignatures."""
    newest: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
    """Number of the newest entry."""


class RecallReceiptTable(SQLModel, table=True):
    """How far each member has held recalls against its decisions, by its own word."""

    __tablename__ = "recall_receipts"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.CURRENT)
    """Who says so."""
    upto: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Number of the change up to which recalls were dealt with."""
    received_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """When it said so."""
    statement: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.CURRENT, mutable=True)
    """SignedStatement `recall-receipt`."""


class EntryReportTable(SQLModel, table=True):
    """Entries that a reader found wrong."""

    __tablename__ = "entry_reports"

    entry_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.CLAIM, kept=Kept.REPORT)
    """The claim that was found wrong."""
    reporter: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.REPORT)
    """Who found it: a member that holds the identifier."""
    finding: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.REPORT)
    """Number of what is wrong with it."""
    reported_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.REPORT)
    """When the first such report came."""


class FilterStateTable(SQLModel, table=True):
    """One row an epoch: how far its registry and its filter are."""

    __tablename__ = "filter_states"

    epoch: int = column(primary_key=True, foreign_key="epochs.id", holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """The epoch."""
    sequence: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Rows that were ever filed in it."""
    base_sha256: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
    """Digest of the bits of the snapshot in force. Empty until the first."""
    delta_sequence: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
    """Sequence that snapshot and deltas together reach."""
    header: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
    """SignedStatement `filter-header` of the snapshot in force. Empty until the first."""
    heartbeat: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
    """The newest SignedStatement `filter-heartbeat`. Empty until the first."""


class SnapshotTable(SQLModel, table=True):
    """Filter snapshots. The bits lie in a file."""

    __tablename__ = "filter_snapshots"

    bits_sha256: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT
    )
    """Digest of the bits; their file's name."""
    epoch: int = column(foreign_key="epochs.id", holds=Holds.WORKINGS, kept=Kept.SNAPSHOT)
    """Whose tags they are."""
    sequence: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Sequence that it reaches."""
    listings: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """How many tags are in it."""
    bits: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Its size, in bits."""
    hashes: int = column(sa_column=small(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Positions a tag."""
    seed: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Of the positions; drawn for each snapshot."""
    prefix_bits: int = column(sa_column=small(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """How many bits name a bucket."""
    created_at: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """When it was built."""
    header: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """SignedStatement `filter-header`."""


class DeltaTable(SQLModel, table=True):
    """Filter deltas, deleted with their snapshot."""

    __tablename__ = "filter_deltas"

    base_sha256: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT
    )
    """The snapshot that it adds to."""
    from_sequence: int = column(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT
    )
    """Exclusive."""
    to_sequence: int = column(sa_column=big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Inclusive."""
    statement: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """SignedStatement `filter-delta`: positions, which tell nothing without a tag."""
