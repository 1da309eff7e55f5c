"""What happened, and which process does what."""

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
    """Row number and no order: a sealer gives leaves their indices."""
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


class LeaseTable(SQLModel, table=True):
    """Who does the work that must happen once."""

    __tablename__ = "leases"

    name: str = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.CURRENT)
    """Which work."""
    holder: str = column(holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Random name of a hub process."""
    expires_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """When another may take it."""
