"""What became of decisions, in counts."""

from sqlalchemy import Column, Index, SmallInteger
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob


def _key() -> "Column[int]":
    return Column(SmallInteger, primary_key=True, autoincrement=False)


class OutcomeBatchTable(SQLModel, table=True):
    """Batches that members sent, by which a retry is known and too many reports are noticed."""

    __tablename__ = "outcome_batches"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.BATCH)
    """Who reported."""
    day: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.BATCH)
    """Days since 1970, UTC: what the member calls the batch."""
    batch_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.BATCH)
    """What a retry must repeat; a nonce of the member's is in it."""
    reports: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.BATCH)
    """How many reports it counts."""
    received_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.BATCH)
    """When it came."""


class WaitingOutcomeTable(SQLModel, table=True):
    """Reports that are not told yet: too few of them, or the month is not over."""

    __tablename__ = "waiting_outcomes"

    contributor: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.WAITING)
    """Whose claims they are about."""
    category: int = column(sa_column=_key(), holds=Holds.OUTCOME, kept=Kept.WAITING)
    """Number of what the claims state."""
    outcome: int = column(sa_column=_key(), holds=Holds.OUTCOME, kept=Kept.WAITING)
    """Number of `Outcome`."""
    month: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.WAITING)
    """Months since January 1970, UTC, in which they came."""
    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.WAITING)
    """Who reported: two must stand behind what is told."""
    reports: int = column(sa_column=big(), holds=Holds.OUTCOME, kept=Kept.WAITING, mutable=True)
    """How many."""


class ToldOutcomeTable(SQLModel, table=True):
    """Counts that were told at the end of a month. Each has five reports of two members, and names none of them."""

    __tablename__ = "told_outcomes"
    __table_args__ = (Index("told_outcomes_by_month", "month"),)

    contributor: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.TOLD)
    """Whose claims they are about."""
    month: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.TOLD)
    """Months since January 1970, UTC, at whose end it was told."""
    category: int = column(sa_column=_key(), holds=Holds.OUTCOME, kept=Kept.TOLD)
    """Number of what the claims state."""
    outcome: int = column(sa_column=_key(), holds=Holds.OUTCOME, kept=Kept.TOLD)
    """Number of `Outcome`."""
    reports: int = column(sa_column=big(), holds=Holds.OUTCOME, kept=Kept.TOLD)
    """How many."""


class OutcomeMonthTable(SQLModel, table=True):
    """Months whose end was dealt with."""

    __tablename__ = "outcome_months"

    month: int = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.TOLD)
    """Months since January 1970, UTC."""
    told_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.TOLD)
    """When."""
