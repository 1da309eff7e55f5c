"""What tables are made of."""

from sqlalchemy import BigInteger, Column, LargeBinary, SmallInteger, Table, text
from sqlmodel import SQLModel

from alliance.taxonomy import LIVE_STATUSES

LIVE = "status IN (3, 4, 5)"
"""active, disputed, suspended"""
LIVE_NUMBERS = sorted(int(status) for status in LIVE_STATUSES)
"""The same, for a query."""


def table_of(model: type[SQLModel]) -> Table:
    """Give the Core table of a record."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def big(*, nullable: bool = False, default: str | None = None) -> Column[int]:
    """Make a column of 64 bits, for times and counts."""
    return Column(BigInteger, nullable=nullable, server_default=default)


def blob(*, nullable: bool = False, is_filled_later: bool = False) -> Column[bytes]:
    """Make a column of bytes; one that a migration adds and then fills is empty until then."""
    return Column(LargeBinary, nullable=nullable, server_default=text("''") if is_filled_later else None)


def small() -> Column[int]:
    """Make a column for the number of an enumeration."""
    return Column(SmallInteger, nullable=False)
