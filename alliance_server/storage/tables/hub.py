"""Which process does what."""

from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big


class LeaseTable(SQLModel, table=True):
    """Who does the work that must happen once."""

    __tablename__ = "leases"

    name: str = column(primary_key=True, holds=Holds.WORKINGS, kept=Kept.CURRENT)
    """Which work."""
    holder: str = column(holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Random name of a hub process."""
    expires_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """When another may take it."""
