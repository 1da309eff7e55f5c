"""What members use, may use and give."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob, small


class EvaluationTable(SQLModel, table=True):
    """Evaluations asked for: the replay cache, and the member-signed headers behind the audit events."""

    __tablename__ = "evaluations"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.EVIDENCE)
    """Who asked."""
    request_id: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.EVIDENCE
    )
    """16 bytes of the member's, by which a retry is known."""
    content_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.EVIDENCE)
    """What a retry must repeat: of blinded elements, purpose, count and consent root."""
    header: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.EVIDENCE)
    """SignedStatement `evaluation-header`: who, why, how many, the consent root, the operator's pseudonym."""
    received_at: int = column(sa_column=big(), holds=Holds.AUDIT, kept=Kept.EVIDENCE)
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
    used: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.DAY, mutable=True)
    """Items."""
    full_at: int = column(default=0, sa_column=big(default="0"), holds=Holds.VOLUME, kept=Kept.DAY, mutable=True)
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
    items: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
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
    items: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
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
    items: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.HOUR, mutable=True)
    """Less than 0 where more was refunded than charged in the hour."""


class BusinessTable(SQLModel, table=True):
    """Declared business of members: what their volumes are held against."""

    __tablename__ = "businesses"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Whose it is."""
    applications_a_day: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """0: not declared."""
    customers: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """0: not declared."""


class StandingTable(SQLModel, table=True):
    """What members give beside what they ask, as it was computed last."""

    __tablename__ = "standings"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Whose it is."""
    score: int = column(sa_column=small(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """0 to 100."""
    tier: int = column(sa_column=small(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Number of `Tier`."""
    budget_percent: int = column(sa_column=small(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Percent of the hub's default budgets that the tier gives."""
    is_in_force: bool = column(holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Whether the percentage holds, or is only shown."""
    claims: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Live claims of the member."""
    points: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """What the claims count for, by evidence and age."""
    queried: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Identifiers asked about within 30 days."""
    upheld_disputes: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CURRENT, mutable=True)
    """Disputes about its claims that were upheld."""
    computed_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
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
    kind: int = column(sa_column=small(), holds=Holds.VOLUME, kept=Kept.AUDIT)
    """Number of `AlarmKind`."""
    day: int = column(holds=Holds.WORKINGS, kept=Kept.AUDIT)
    """Days since 1970, UTC."""
    resource: int | None = column(
        default=None, sa_column=Column(SmallInteger, nullable=True), holds=Holds.WORKINGS, kept=Kept.AUDIT
    )
    """Number of `Resource`. NULL: several."""
    observed: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.AUDIT)
    """Items counted when it was raised."""
    threshold: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.AUDIT)
    """Items that would have been no alarm."""
    since: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.AUDIT)
    """Since when the items were counted."""
    raised_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.AUDIT)
    """When."""
    acknowledged_by: str = column(max_length=32, holds=Holds.NAME, kept=Kept.AUDIT, mutable=True)
    """Id of the admin. Empty: nobody yet."""
    acknowledged_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.AUDIT, mutable=True
    )
    """NULL: not yet."""
    acknowledgement: str = column(holds=Holds.AUDIT, kept=Kept.AUDIT, mutable=True)
    """What the admin found; empty while nobody did."""


class CreditTable(SQLModel, table=True):
    """Evaluations that rows may still be filed for."""

    __tablename__ = "contribution_credits"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.CREDIT)
    """Whose credit it is."""
    epoch: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.CREDIT)
    """In which it holds; the negative number of one holds what is for re-tagged rows."""
    remaining: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CREDIT, mutable=True)
    """Rows that may still be filed."""
