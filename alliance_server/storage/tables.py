"""SQLModel records of every table. They are not the domain: repositories map them.

Times are milliseconds UTC. Every column is made by `column`: what it holds, how long that is kept, and `mutable` where
code updates it; below it stands what it means, and what NULL means where it may be. No column holds an identifier;
tags are those of claims, never of queries.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, text
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column

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

    id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Chosen at the invitation; in certificates, statements and events."""
    display_name: str = column(holds=Holds.NAME, kept=Kept.ALLIANCE, mutable=True)
    """For people. Changes where somebody who has not enrolled is invited again."""
    state: int = column(sa_column=_small(), holds=Holds.NAME, kept=Kept.ALLIANCE, mutable=True)
    """Number of `MemberState`."""
    identity_key: bytes = column(sa_column=_bytes(), holds=Holds.KEY, kept=Kept.ALLIANCE, mutable=True)
    """Ed25519, 32 bytes. Empty until enrolled; never changed from then on."""
    stated_at: int = column(sa_column=_big(), holds=Holds.NAME, kept=Kept.ALLIANCE, mutable=True)
    """When state or key last changed."""
    role: int = column(
        default=1,
        sa_column=Column(SmallInteger, nullable=False, server_default="1"),
        holds=Holds.NAME,
        kept=Kept.ALLIANCE,
    )
    """Number of `Role`."""


class CertificateTable(SQLModel, table=True):
    """TLS certificates that the hub issued."""

    __tablename__ = "certificates"

    serial: str = column(primary_key=True, max_length=40, holds=Holds.KEY, kept=Kept.CERTIFICATE)
    """Hexadecimal."""
    member_id: str = column(foreign_key="members.id", index=True, holds=Holds.NAME, kept=Kept.CERTIFICATE)
    """Its holder."""
    not_before: int = column(sa_column=_big(), holds=Holds.KEY, kept=Kept.CERTIFICATE)
    """From when on it is valid."""
    not_after: int = column(sa_column=_big(), holds=Holds.KEY, kept=Kept.CERTIFICATE)
    """Until when it is valid."""
    revoked_at: int | None = column(
        default=None, sa_column=_big(nullable=True), holds=Holds.NAME, kept=Kept.CERTIFICATE, mutable=True
    )
    """NULL: not revoked. Never set back."""
    der: bytes = column(sa_column=_bytes(), holds=Holds.KEY, kept=Kept.CERTIFICATE)
    """The certificate itself, X.509 in DER."""


class InvitationTable(SQLModel, table=True):
    """Single-use enrolment tokens, by their SHA-256."""

    __tablename__ = "invitations"

    token_sha256: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.TOKEN_HASH, kept=Kept.INVITATION
    )
    """Digest of the token, which the hub does not keep."""
    member_id: str = column(foreign_key="members.id", holds=Holds.NAME, kept=Kept.INVITATION)
    """Who is invited."""
    expires_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.INVITATION, mutable=True)
    """Exclusive. Comes at once where another invitation takes its place."""
    request_sha256: bytes | None = column(
        default=None, sa_column=_bytes(nullable=True), holds=Holds.DIGEST, kept=Kept.INVITATION, mutable=True
    )
    """NULL: not used. Then the digest of the one request that it was used for."""
    serial: str | None = column(
        default=None, foreign_key="certificates.serial", holds=Holds.KEY, kept=Kept.INVITATION, mutable=True
    )
    """The certificate that it led to. NULL: not used."""


class EpochTable(SQLModel, table=True):
    """Key epochs; the secret keys lie sealed in the key store."""

    __tablename__ = "epochs"

    id: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """Number, from 1."""
    suite: str = column(holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Name of the OPRF's ciphersuite."""
    public_key: bytes = column(sa_column=_bytes(), holds=Holds.KEY, kept=Kept.ALLIANCE, mutable=True)
    """What proofs are verified with: the OPRF's public key, 32 bytes; empty until the key is made."""
    state: int = column(sa_column=_small(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE, mutable=True)
    """Number of `EpochState`."""
    not_before: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE, mutable=True)
    """When it began; set anew when it becomes active."""
    not_after: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE, mutable=True)
    """When it is over; exclusive."""
    retagged_at: int | None = column(
        default=None, sa_column=_big(nullable=True), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True
    )
    """Since when no live claim of it waits to be re-tagged. NULL: some do, or it does not retire."""
    destroyed_at: int | None = column(
        default=None, sa_column=_big(nullable=True), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True
    )
    """When its key, filter and claims were destroyed. NULL: they are not."""
    filter_sequence: int | None = column(
        default=None, sa_column=_big(nullable=True), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE, mutable=True
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
    )

    entry_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Name of the claim: 16 random bytes, its contributor's."""
    contributor: str = column(max_length=32, holds=Holds.NAME, kept=Kept.CLAIM)
    """Whose claim it is."""
    epoch: int = column(holds=Holds.WORKINGS, kept=Kept.CLAIM)
    """Whose key derived the tag."""
    tag: bytes = column(sa_column=_bytes(), holds=Holds.TAG, kept=Kept.CLAIM)
    """32 bytes; equal for equal identifiers of an epoch."""
    sequence: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.CLAIM)
    """Place in the epoch's registry, from 1, without gaps."""
    kind: int = column(sa_column=_small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Number of the identifier's kind."""
    category: int = column(sa_column=_small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Number of what is stated."""
    subject_role: int = column(sa_column=_small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Number of the subject's part in it."""
    evidence_level: int = column(sa_column=_small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """1 to 5, for E1 to E5."""
    observed_from: int = column(sa_column=_big(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Start of the observed conduct."""
    observed_to: int = column(sa_column=_big(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """End of the observed conduct."""
    filed_at: int = column(sa_column=_big(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """When it was filed, by the contributor's clock."""
    expires_at: int = column(sa_column=_big(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """When it ends; exclusive."""
    sharing_level: int = column(sa_column=_small(), holds=Holds.CLAIM, kept=Kept.CLAIM)
    """Number of the TLP level."""
    status: int = column(sa_column=_small(), holds=Holds.CLAIM, kept=Kept.CLAIM, mutable=True)
    """Number of `ClaimStatus`. An end by time is marked once the contributor files on the tag again."""
    status_version: int = column(holds=Holds.CLAIM, kept=Kept.CLAIM, mutable=True)
    """0 while the status never changed."""
    status_change: bytes | None = column(
        default=None, sa_column=_bytes(nullable=True), holds=Holds.STATEMENT, kept=Kept.CLAIM, mutable=True
    )
    """The last SignedStatement `claim-status`. NULL while there is none."""
    received_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.CLAIM)
    """When the hub took it."""
    row_sha256: bytes = column(sa_column=_bytes(), holds=Holds.DIGEST, kept=Kept.CLAIM)
    """Digest of the row as contributed: what a retry must repeat."""
    claim: bytes = column(sa_column=_bytes(), holds=Holds.TAG, kept=Kept.CLAIM)
    """The claim as its contributor signed it; the tag is in it."""
    signature: bytes = column(sa_column=_bytes(), holds=Holds.STATEMENT, kept=Kept.CLAIM)
    """The contributor's, over the claim."""
    handle: bytes = column(sa_column=_bytes(), holds=Holds.SEALED, kept=Kept.CLAIM)
    """16 bytes by which a holder of the identifier finds the box."""
    box: bytes = column(sa_column=_bytes(), holds=Holds.SEALED, kept=Kept.CLAIM)
    """The claim, its signature and its label, sealed for holders of the identifier."""
    predecessor: bytes | None = column(
        default=None, sa_column=_bytes(nullable=True), holds=Holds.WORKINGS, kept=Kept.CLAIM
    )
    """Entry id of the claim in an earlier epoch that this one re-tags. NULL: it re-tags none."""
    successor: bytes | None = column(
        default=None, sa_column=_bytes(nullable=True), holds=Holds.WORKINGS, kept=Kept.CLAIM, mutable=True
    )
    """Entry id of the claim in a later epoch that re-tags this one. NULL: none does."""


class EntryReportTable(SQLModel, table=True):
    """Entries that a reader found wrong."""

    __tablename__ = "entry_reports"

    entry_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.CLAIM, kept=Kept.REPORT)
    """The claim that was found wrong."""
    reporter: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.REPORT)
    """Who found it: a member that holds the identifier."""
    finding: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.REPORT)
    """Number of what is wrong with it."""
    reported_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.REPORT)
    """When the first such report came."""


class FilterStateTable(SQLModel, table=True):
    """One row an epoch: how far its registry and its filter are."""

    __tablename__ = "filter_states"

    epoch: int = column(primary_key=True, foreign_key="epochs.id", holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """The epoch."""
    sequence: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Rows that were ever filed in it."""
    base_sha256: bytes = column(sa_column=_bytes(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
    """Digest of the bits of the snapshot in force. Empty until the first."""
    delta_sequence: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
    """Sequence that snapshot and deltas together reach."""
    header: bytes = column(sa_column=_bytes(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
    """SignedStatement `filter-header` of the snapshot in force. Empty until the first."""
    heartbeat: bytes = column(sa_column=_bytes(), holds=Holds.PUBLISHED, kept=Kept.CURRENT, mutable=True)
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
    sequence: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Sequence that it reaches."""
    listings: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """How many tags are in it."""
    bits: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Its size, in bits."""
    hashes: int = column(sa_column=_small(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Positions a tag."""
    seed: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Of the positions; drawn for each snapshot."""
    prefix_bits: int = column(sa_column=_small(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """How many bits name a bucket."""
    created_at: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """When it was built."""
    header: bytes = column(sa_column=_bytes(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
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
    to_sequence: int = column(sa_column=_big(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """Inclusive."""
    statement: bytes = column(sa_column=_bytes(), holds=Holds.PUBLISHED, kept=Kept.SNAPSHOT)
    """SignedStatement `filter-delta`: positions, which tell nothing without a tag."""


class EvaluationTable(SQLModel, table=True):
    """Evaluations asked for: the replay cache, and the member-signed headers behind the audit events."""

    __tablename__ = "evaluations"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.EVIDENCE)
    """Who asked."""
    request_id: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.EVIDENCE
    )
    """16 bytes of the member's, by which a retry is known."""
    content_sha256: bytes = column(sa_column=_bytes(), holds=Holds.DIGEST, kept=Kept.EVIDENCE)
    """What a retry must repeat: of blinded elements, purpose, count and consent root."""
    header: bytes = column(sa_column=_bytes(), holds=Holds.STATEMENT, kept=Kept.EVIDENCE)
    """SignedStatement `evaluation-header`: who, why, how many, the consent root, the operator's pseudonym."""
    received_at: int = column(sa_column=_big(), holds=Holds.AUDIT, kept=Kept.EVIDENCE)
    """When it came."""


class BudgetTable(SQLModel, table=True):
    """Items that a member used of a resource on a UTC day, and how far its bucket is."""

    __tablename__ = "budgets"
    __table_args__ = (Index("budgets_by_day", "day"),)

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.DAY)
    """Who is charged."""
    resource: int = column(
        sa_column=Column(SmallInteger, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.DAY
    )
    """Number of `Resource`."""
    day: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.DAY)
    """Days since 1970, UTC."""
    used: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.DAY, mutable=True)
    """Items."""
    full_at: int = column(default=0, sa_column=_big(default="0"), holds=Holds.VOLUME, kept=Kept.DAY, mutable=True)
    """When the bucket of the burst will be full, microseconds UTC; the next day's row takes it over. 0: it is."""


class LimitTable(SQLModel, table=True):
    """Limits of single members, where the hub's default does not hold."""

    __tablename__ = "budget_limits"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.CURRENT)
    """Whose limit it is."""
    resource: int = column(
        sa_column=Column(SmallInteger, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.CURRENT
    )
    """Number of `Resource`."""
    items: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Items a UTC day."""


class BurstTable(SQLModel, table=True):
    """Sizes of single members' buckets, where they are not derived from the budget."""

    __tablename__ = "burst_limits"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Whose it is."""
    resource: int = column(
        sa_column=Column(SmallInteger, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.ALLIANCE
    )
    """Number of `Resource`."""
    items: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Items at once."""


class UsageHourTable(SQLModel, table=True):
    """Items that a member used of a resource in an hour; counted until the hour is over."""

    __tablename__ = "usage_hours"
    __table_args__ = (Index("usage_hours_by_hour", "hour"),)

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.HOUR)
    """Who used them."""
    resource: int = column(
        sa_column=Column(SmallInteger, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.HOUR
    )
    """Number of `Resource`."""
    hour: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.HOUR)
    """Hours since 1970, UTC."""
    items: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.HOUR, mutable=True)
    """Less than 0 where more was refunded than charged in the hour."""


class BusinessTable(SQLModel, table=True):
    """Declared business of members: what their volumes are held against."""

    __tablename__ = "businesses"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Whose it is."""
    applications_a_day: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """0: not declared."""
    customers: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """0: not declared."""


class StandingTable(SQLModel, table=True):
    """What members give beside what they ask, as it was computed last."""

    __tablename__ = "standings"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Whose it is."""
    score: int = column(sa_column=_small(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """0 to 100."""
    tier: int = column(sa_column=_small(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Number of `Tier`."""
    budget_percent: int = column(sa_column=_small(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Percent of the hub's default budgets that the tier gives."""
    is_in_force: bool = column(holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Whether the percentage holds, or is only shown."""
    claims: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Live claims of the member."""
    points: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """What the claims count for, by evidence and age."""
    queried: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Identifiers asked about within 30 days."""
    upheld_disputes: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Disputes about its claims that were upheld."""
    computed_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """When."""


class AlarmTable(SQLModel, table=True):
    """Alarms about members' volumes; acknowledged once."""

    __tablename__ = "alarms"
    __table_args__ = (Index("one_alarm_a_day", "member_id", "kind", "day", unique=True),)

    id: int | None = column(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        holds=Holds.WORKINGS,
        kept=Kept.AUDIT,
    )
    """Number of the row."""
    member_id: str = column(max_length=32, holds=Holds.NAME, kept=Kept.AUDIT)
    """Whom it is about."""
    kind: int = column(sa_column=_small(), holds=Holds.VOLUME, kept=Kept.AUDIT)
    """Number of `AlarmKind`."""
    day: int = column(holds=Holds.WORKINGS, kept=Kept.AUDIT)
    """Days since 1970, UTC."""
    resource: int | None = column(
        default=None, sa_column=Column(SmallInteger, nullable=True), holds=Holds.WORKINGS, kept=Kept.AUDIT
    )
    """Number of `Resource`. NULL: several."""
    observed: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.AUDIT)
    """Items counted when it was raised."""
    threshold: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.AUDIT)
    """Items that would have been no alarm."""
    since: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.AUDIT)
    """Since when the items were counted."""
    raised_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.AUDIT)
    """When."""
    acknowledged_by: str = column(max_length=32, holds=Holds.NAME, kept=Kept.AUDIT, mutable=True)
    """Id of the admin. Empty: nobody yet."""
    acknowledged_at: int | None = column(
        default=None, sa_column=_big(nullable=True), holds=Holds.WORKINGS, kept=Kept.AUDIT, mutable=True
    )
    """NULL: not yet."""
    acknowledgement: str = column(holds=Holds.AUDIT, kept=Kept.AUDIT, mutable=True)
    """What the admin found; empty while nobody did."""


class ProposalTable(SQLModel, table=True):
    """Proposals of admins."""

    __tablename__ = "proposals"

    row: int | None = column(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        holds=Holds.WORKINGS,
        kept=Kept.EVIDENCE,
    )
    """Number by which lists go on."""
    id: bytes = column(
        sa_column=Column(LargeBinary, nullable=False, unique=True), holds=Holds.WORKINGS, kept=Kept.EVIDENCE
    )
    """16 random bytes, the proposer's."""
    proposer: str = column(max_length=32, holds=Holds.NAME, kept=Kept.EVIDENCE)
    """The admin who proposed."""
    change: str = column(holds=Holds.AUDIT, kept=Kept.EVIDENCE)
    """Name of the change, as the policy's table of controls has it."""
    statement: bytes = column(sa_column=_bytes(), holds=Holds.STATEMENT, kept=Kept.EVIDENCE)
    """SignedStatement `proposal`."""
    payload_sha256: bytes = column(sa_column=_bytes(), holds=Holds.DIGEST, kept=Kept.EVIDENCE)
    """Of what was signed; a decision names it."""
    proposed_at: int = column(sa_column=_big(), holds=Holds.AUDIT, kept=Kept.EVIDENCE)
    """When it came."""
    decide_by: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.EVIDENCE)
    """Exclusive. Of what break-glass did: when its review is due."""
    state: int = column(sa_column=_small(), holds=Holds.AUDIT, kept=Kept.EVIDENCE, mutable=True)
    """Number of `ProposalState`; final once it is decided."""
    decision: bytes | None = column(
        default=None, sa_column=_bytes(nullable=True), holds=Holds.STATEMENT, kept=Kept.EVIDENCE, mutable=True
    )
    """SignedStatement `proposal-decision`. NULL: not decided, or there is nothing to decide."""
    decided_by: str = column(max_length=32, holds=Holds.NAME, kept=Kept.EVIDENCE, mutable=True)
    """The admin who decided. Empty: nobody."""
    decided_at: int | None = column(
        default=None, sa_column=_big(nullable=True), holds=Holds.AUDIT, kept=Kept.EVIDENCE, mutable=True
    )
    """When it was decided. NULL: it is not."""


class SuccessionTable(SQLModel, table=True):
    """Origins of this hub after the first: one a restore."""

    __tablename__ = "successions"

    origin: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """From 2."""
    payload: bytes = column(sa_column=_bytes(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Serialised Succession, as admins sign it."""
    made_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When the hub was restored."""
    completed_at: int | None = column(
        default=None, sa_column=_big(nullable=True), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True
    )
    """When the second admin signed. NULL: the hub waits, and serves nothing else."""


class SuccessionSignatureTable(SQLModel, table=True):
    """Admins' signatures of successions."""

    __tablename__ = "succession_signatures"

    origin: int = column(
        sa_column=Column(Integer, ForeignKey("successions.origin"), primary_key=True, autoincrement=False),
        holds=Holds.PUBLISHED,
        kept=Kept.ALLIANCE,
    )
    """What was signed."""
    admin: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Who signed."""
    statement: bytes = column(sa_column=_bytes(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """SignedStatement `succession`."""
    signed_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When."""


class DepartureTable(SQLModel, table=True):
    """Members who left and whose claims are withdrawn after them: one row each, from the membership's end on."""

    __tablename__ = "departures"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Who left."""
    asked_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When the membership ended."""
    epoch: int = column(holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True)
    """With `sequence` the last claim that was looked at, 0 before the first."""
    sequence: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True)
    """See `epoch`."""
    withdrawn: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.ALLIANCE, mutable=True)
    """Claims so far."""
    ended_at: int | None = column(
        default=None, sa_column=_big(nullable=True), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True
    )
    """NULL: not all are withdrawn yet."""


class PolicyTable(SQLModel, table=True):
    """Versions of the policy's tables that two admins adopted: only releases with one of them serve."""

    __tablename__ = "policies"

    policy_sha256: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """SHA-256 of the tables, as audit events name it."""
    adopted_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When it was adopted."""


class SuppressionListTable(SQLModel, table=True):
    """Suppression lists that two admins set; the one with the highest number is in force."""

    __tablename__ = "suppression_lists"

    number: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """From 1, one more each time."""
    content: bytes = column(sa_column=_bytes(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """The list in its one encoding: values that many people share or nobody has."""
    set_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When it was set."""


class CreditTable(SQLModel, table=True):
    """Contribution evaluations that rows may still be filed for."""

    __tablename__ = "contribution_credits"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.CREDIT)
    """Whose credit it is."""
    epoch: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.CREDIT)
    """In which it holds."""
    remaining: int = column(sa_column=_big(), holds=Holds.VOLUME, kept=Kept.CREDIT, mutable=True)
    """Rows that may still be filed."""


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
    time: int = column(sa_column=_big(), holds=Holds.AUDIT, kept=Kept.AUDIT)
    """When."""
    action: str = column(holds=Holds.AUDIT, kept=Kept.AUDIT)
    """Word of `AuditAction`."""
    salt: bytes = column(sa_column=_bytes(), holds=Holds.AUDIT, kept=Kept.AUDIT)
    """32 random bytes, which open the leaf."""
    event: bytes = column(sa_column=_bytes(), holds=Holds.AUDIT, kept=Kept.AUDIT)
    """The whole `AuditEvent`: purpose, counts, digests, outcome, the policy's version."""
    leaf_hash: bytes = column(sa_column=_bytes(), holds=Holds.AUDIT, kept=Kept.AUDIT)
    """SHA-256(0x00 ‖ salt ‖ event)."""


class LeaseTable(SQLModel, table=True):
    """Who does the work that must happen once."""

    __tablename__ = "leases"

    name: str = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.CURRENT)
    """Which work."""
    holder: str = column(holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Random name of a hub process."""
    expires_at: int = column(sa_column=_big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """When another may take it."""
