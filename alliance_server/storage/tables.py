"""SQLModel records of every table. They are not the domain: repositories map them.

Times are milliseconds UTC. "Immutable" means that no code updates the column. No column holds an identifier; tags
are those of claims, never of queries.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, text
from sqlmodel import Field, SQLModel

LIVE = "status IN (3, 4, 5)"
"""active, disputed, suspended"""


def table_of(model: type[SQLModel]) -> Table:
    """Give the Core table of a record."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def _big(*, nullable: bool = False, default: str | None = None) -> Column[int]:
    return Column(BigInteger, nullable=nullable, server_default=default)


def _bytes(*, nullable: bool = False) -> Column[bytes]:
    return Column(LargeBinary, nullable=nullable)


def _small() -> Column[int]:
    return Column(SmallInteger, nullable=False)


class MemberTable(SQLModel, table=True):
    """Institutions."""

    __tablename__ = "members"

    id: str = Field(primary_key=True, max_length=32)
    display_name: str
    state: int = Field(sa_column=_small())
    identity_key: bytes = Field(sa_column=_bytes())
    """Empty until enrolled; then immutable."""
    stated_at: int = Field(sa_column=_big())
    """When state or key last changed."""
    role: int = Field(default=1, sa_column=Column(SmallInteger, nullable=False, server_default="1"))
    """Immutable."""


class CertificateTable(SQLModel, table=True):
    """TLS certificates that the hub issued."""

    __tablename__ = "certificates"

    serial: str = Field(primary_key=True, max_length=40)
    member_id: str = Field(foreign_key="members.id", index=True)
    not_before: int = Field(sa_column=_big())
    not_after: int = Field(sa_column=_big())
    revoked_at: int | None = Field(default=None, sa_column=_big(nullable=True))
    """NULL: not revoked. Never set back."""
    der: bytes = Field(sa_column=_bytes())


class InvitationTable(SQLModel, table=True):
    """Single-use enrolment tokens, by their SHA-256."""

    __tablename__ = "invitations"

    token_sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    member_id: str = Field(foreign_key="members.id")
    expires_at: int = Field(sa_column=_big())
    request_sha256: bytes | None = Field(default=None, sa_column=_bytes(nullable=True))
    """NULL: not used. Then the digest of the one request that it was used for."""
    serial: str | None = Field(default=None, foreign_key="certificates.serial")


class EpochTable(SQLModel, table=True):
    """Key epochs; the secret keys lie sealed in the key store."""

    __tablename__ = "epochs"

    id: int = Field(primary_key=True)
    suite: str
    public_key: bytes = Field(sa_column=_bytes())
    state: int = Field(sa_column=_small())
    not_before: int = Field(sa_column=_big())
    not_after: int = Field(sa_column=_big())


class ClaimTable(SQLModel, table=True):
    """Claims. All but the status columns is immutable."""

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
        Index("claims_by_contributor", "contributor", "epoch", "sequence"),
    )

    entry_id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    contributor: str = Field(max_length=32)
    epoch: int
    tag: bytes = Field(sa_column=_bytes())
    sequence: int = Field(sa_column=_big())
    """Place in the epoch's registry, from 1, without gaps."""
    kind: int = Field(sa_column=_small())
    category: int = Field(sa_column=_small())
    subject_role: int = Field(sa_column=_small())
    evidence_level: int = Field(sa_column=_small())
    observed_from: int = Field(sa_column=_big())
    observed_to: int = Field(sa_column=_big())
    filed_at: int = Field(sa_column=_big())
    expires_at: int = Field(sa_column=_big())
    """Exclusive."""
    sharing_level: int = Field(sa_column=_small())
    status: int = Field(sa_column=_small())
    """Mutable."""
    status_version: int
    """Mutable; 0 while the status never changed."""
    status_change: bytes | None = Field(default=None, sa_column=_bytes(nullable=True))
    """Mutable; the last SignedStatement `claim-status`. NULL while there is none."""
    received_at: int = Field(sa_column=_big())
    row_sha256: bytes = Field(sa_column=_bytes())
    """Digest of the row as contributed: what a retry must repeat."""
    claim: bytes = Field(sa_column=_bytes())
    signature: bytes = Field(sa_column=_bytes())
    handle: bytes = Field(sa_column=_bytes())
    box: bytes = Field(sa_column=_bytes())


class EntryReportTable(SQLModel, table=True):
    """Entries that a reader found wrong."""

    __tablename__ = "entry_reports"

    entry_id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    reporter: str = Field(primary_key=True, max_length=32)
    finding: int = Field(primary_key=True)
    reported_at: int = Field(sa_column=_big())


class FilterStateTable(SQLModel, table=True):
    """One row an epoch: how far its registry and its filter are. All but the key is mutable."""

    __tablename__ = "filter_states"

    epoch: int = Field(primary_key=True, foreign_key="epochs.id")
    sequence: int = Field(sa_column=_big())
    base_sha256: bytes = Field(sa_column=_bytes())
    """Empty until the first snapshot."""
    delta_sequence: int = Field(sa_column=_big())
    header: bytes = Field(sa_column=_bytes())
    heartbeat: bytes = Field(sa_column=_bytes())


class SnapshotTable(SQLModel, table=True):
    """Filter snapshots; immutable. The bits lie in a file."""

    __tablename__ = "filter_snapshots"

    bits_sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    epoch: int = Field(foreign_key="epochs.id")
    sequence: int = Field(sa_column=_big())
    listings: int = Field(sa_column=_big())
    bits: int = Field(sa_column=_big())
    hashes: int = Field(sa_column=_small())
    seed: int = Field(sa_column=_big())
    prefix_bits: int = Field(sa_column=_small())
    created_at: int = Field(sa_column=_big())
    header: bytes = Field(sa_column=_bytes())


class DeltaTable(SQLModel, table=True):
    """Filter deltas; immutable, deleted with their snapshot."""

    __tablename__ = "filter_deltas"

    base_sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    from_sequence: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    to_sequence: int = Field(sa_column=_big())
    statement: bytes = Field(sa_column=_bytes())


class EvaluationTable(SQLModel, table=True):
    """Evaluations asked for: the replay cache, and the member-signed headers behind the audit events. Immutable."""

    __tablename__ = "evaluations"

    member_id: str = Field(primary_key=True, max_length=32)
    request_id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    content_sha256: bytes = Field(sa_column=_bytes())
    header: bytes = Field(sa_column=_bytes())
    received_at: int = Field(sa_column=_big())


class BudgetTable(SQLModel, table=True):
    """Items that a member used of a resource on a UTC day. `used` is mutable."""

    __tablename__ = "budgets"

    member_id: str = Field(primary_key=True, max_length=32)
    resource: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    day: int = Field(primary_key=True)
    used: int = Field(sa_column=_big())


class LimitTable(SQLModel, table=True):
    """Limits of single members, where the hub's default does not hold. Mutable."""

    __tablename__ = "budget_limits"

    member_id: str = Field(primary_key=True, max_length=32)
    resource: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    items: int = Field(sa_column=_big())
    """Items a UTC day."""


class ProposalTable(SQLModel, table=True):
    """Proposals of admins. State and decision are mutable until it is decided; all else is immutable."""

    __tablename__ = "proposals"

    row: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    id: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    proposer: str = Field(max_length=32)
    change: str
    """Name of the change, as the policy's table of controls has it."""
    statement: bytes = Field(sa_column=_bytes())
    """SignedStatement `proposal`."""
    payload_sha256: bytes = Field(sa_column=_bytes())
    proposed_at: int = Field(sa_column=_big())
    decide_by: int = Field(sa_column=_big())
    """Exclusive."""
    state: int = Field(sa_column=_small())
    decision: bytes | None = Field(default=None, sa_column=_bytes(nullable=True))
    """SignedStatement `proposal-decision`. NULL: not decided, or there is nothing to decide."""
    decided_by: str = Field(max_length=32)
    """Empty: nobody."""
    decided_at: int | None = Field(default=None, sa_column=_big(nullable=True))


class DepartureTable(SQLModel, table=True):
    """Members who left and whose claims are withdrawn after them: one row each, from the membership's end on."""

    __tablename__ = "departures"

    member_id: str = Field(primary_key=True, max_length=32)
    asked_at: int = Field(sa_column=_big())
    """When the membership ended. Immutable."""
    epoch: int
    """Mutable; with `sequence` the last claim that was looked at, 0 before the first."""
    sequence: int = Field(sa_column=_big())
    """Mutable."""
    withdrawn: int = Field(sa_column=_big())
    """Claims so far. Mutable."""
    ended_at: int | None = Field(default=None, sa_column=_big(nullable=True))
    """NULL: not all are withdrawn yet. Mutable once."""


class CreditTable(SQLModel, table=True):
    """Contribution evaluations that rows may still be filed for. Mutable."""

    __tablename__ = "contribution_credits"

    member_id: str = Field(primary_key=True, max_length=32)
    epoch: int = Field(primary_key=True)
    remaining: int = Field(sa_column=_big())


class AuditTable(SQLModel, table=True):
    """Audit events. Immutable; `id` is a row number and no order: a sealer gives leaves their indices."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("audit_events_by_actor", "actor", "id"),)

    id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    actor: str = Field(max_length=32)
    time: int = Field(sa_column=_big())
    action: str
    salt: bytes = Field(sa_column=_bytes())
    event: bytes = Field(sa_column=_bytes())
    leaf_hash: bytes = Field(sa_column=_bytes())


class LeaseTable(SQLModel, table=True):
    """Who does the work that must happen once. Mutable."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    expires_at: int = Field(sa_column=_big())
