"""What happened, and the Merkle trees over it. Nothing in here is ever changed or deleted: triggers refuse it."""

from sqlalchemy import BigInteger, Column, Index, Integer
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob


class AuditTable(SQLModel, table=True):
    """Audit events."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("audit_events_by_actor", "actor", "id"),)

    id: int | None = column(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        holds=Holds.WORKINGS,
        kept=Kept.AUDIT,
    )
    """Row number. Ascends in the order of the leaves, and may leave numbers out."""
    actor: str = column(max_length=32, holds=Holds.NAME, kept=Kept.AUDIT)
    """Who did it: a member, or the hub itself."""
    time: int = column(sa_column=big(), holds=Holds.AUDIT, kept=Kept.AUDIT)
    """When."""
    action: str = column(holds=Holds.AUDIT, kept=Kept.AUDIT)
    """Word of `AuditAction`."""
    salt: bytes = column(sa_column=blob(), holds=Holds.AUDIT, kept=Kept.AUDIT)
    """32 random bytes, which open the leaf."""
    event: bytes = column(sa_column=blob(), holds=Holds.AUDIT, kept=Kept.AUDIT)
    """The whole `AuditEvent`: purpose, counts, digests, outcome, the policy's version."""
    leaf_hash: bytes = column(sa_column=blob(), holds=Holds.AUDIT, kept=Kept.AUDIT)
    """SHA-256(0x00 ‖ salt ‖ event)."""


class LogTable(SQLModel, table=True):
    """Logs: one a month, each bound to the one before by its first leaf."""

    __tablename__ = "audit_logs"

    number: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.ALLIANCE
    )
    """From 1, in their order."""
    origin: str = column(unique=True, holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Origin line of its checkpoints."""
    after_row: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """Its leaves are the events after this row, behind the first leaf; up to the next log's."""
    began_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When."""
    salt: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Opens the first leaf: 32 random bytes."""
    event: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """The first leaf's `AuditEvent`, which binds it to the log before."""


class TreeHeadTable(SQLModel, table=True):
    """Trees of the logs: one for each size that a checkpoint was made of, committed before it was signed."""

    __tablename__ = "audit_tree_heads"
    __table_args__ = (Index("audit_tree_heads_by_row", "last_row"),)

    log: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.ALLIANCE
    )
    """Number of the log."""
    size: int = column(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """Leaves."""
    root: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Merkle Tree Hash over them."""
    last_row: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """Row of the last event in it; of a log's first tree that of the log before."""
    nodes: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Hashes of its complete subtrees, largest first: the tree goes on from here."""
    sealed_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When."""


class CheckpointTable(SQLModel, table=True):
    """Signed checkpoints of tree heads."""

    __tablename__ = "audit_checkpoints"

    log: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.ALLIANCE
    )
    """Number of the log."""
    size: int = column(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """Leaves."""
    note: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """The signed note, without cosignatures."""


class CosignatureTable(SQLModel, table=True):
    """Witnesses' cosignatures of checkpoints."""

    __tablename__ = "audit_cosignatures"

    log: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.ALLIANCE
    )
    """Number of the log."""
    size: int = column(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """Leaves."""
    witness: str = column(primary_key=True, holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Name and id of the witness's key, `NAME+ID`."""
    line: str = column(holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Its signature line."""
    received_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When."""


class FactTable(SQLModel, table=True):
    """Publications of facts: what the hub states is in force, each by an event of its own in each log."""

    __tablename__ = "published_facts"
    __table_args__ = (Index("published_facts_by_digest", "digest", "row"),)

    row: int = column(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.AUDIT
    )
    """Row of its event."""
    digest: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.AUDIT)
    """Of the fact."""
