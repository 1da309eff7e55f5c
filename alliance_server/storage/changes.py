"""The feed of changes of claims' statuses, in SQL.

Numbers rise in the order of the commits: the row that counts them is held until a unit of work ends. They may leave
gaps, behind a restored backup above all. A change outlives its claim's row (`told_until`): whoever saw
the claim must be able to learn that it ended, and whoever decided on one that was recalled, for as long as it knows.
"""

from dataclasses import asdict, fields

import sqlalchemy as sa

from alliance.taxonomy import ClaimStatus
from alliance_server.domain.claims import NumberedChange
from alliance_server.storage.tables import ChangeFeedTable, ClaimChangeTable, table_of

_CHANGES = table_of(ClaimChangeTable)
_FEED = table_of(ChangeFeedTable)
_COLUMNS = [_CHANGES.c[field.name] for field in fields(NumberedChange)]
_NEXT = sa.text(
    "INSERT INTO change_feeds (id, newest) VALUES (:id, :by) "
    "ON CONFLICT (id) DO UPDATE SET newest = change_feeds.newest + :by RETURNING newest"
)
_NEWEST = sa.select(_FEED.c.newest).where(_FEED.c.id == sa.bindparam("feed"))


class FeedCounter:
    """Counts the numbers of a feed; the row is held until the unit of work ends."""

    def __init__(self, connection: sa.Connection, feed: int) -> None:
        """Count a feed, by its number: 1 is that of changes, 2 that of countersignatures."""
        self._connection = connection
        self._feed = feed

    def newest(self) -> int:
        """Give the number of the newest entry; 0 where there was none."""
        return self._connection.execute(_NEWEST, {"feed": self._feed}).scalar_one_or_none() or 0

    def advanced(self, by: int) -> int:
        """Count on, and give the newest number."""
        newest: int = self._connection.execute(_NEXT, {"id": self._feed, "by": by}).scalar_one()
        return newest


class SqlChanges:
    """The feed of changes."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._counter = FeedCounter(connection, 1)

    def add(
        self, entry_id: bytes, status: ClaimStatus, version: int, *, changed_at: int, reason: str, kept_until: int
    ) -> None:
        """Give a claim's change the next number."""
        change = NumberedChange(self._counter.advanced(1), entry_id, int(status), version, changed_at, reason)
        self._connection.execute(sa.insert(_CHANGES).values(**asdict(change), kept_until=kept_until))

    def leave_gap(self, numbers: int) -> None:
        """Leave numbers out: another origin of the hub may have given them."""
        self._counter.advanced(numbers)

    def newest(self) -> int:
        """Give the number of the newest change; 0 where there was none."""
        return self._counter.newest()

    def after(self, number: int, limit: int) -> list[NumberedChange]:
        """Give changes after a number, in order."""
        query = sa.select(*_COLUMNS).where(_CHANGES.c.number > number).order_by(_CHANGES.c.number).limit(limit)
        return [NumberedChange(*row) for row in self._connection.execute(query)]

    def is_due_to_purge(self, now: int) -> bool:
        """Say whether there are changes to forget by now."""
        return bool(self._over(now, 1))

    def purge(self, now: int, most: int) -> int:
        """Forget changes of claims that would be over by now anyhow; returns how many."""
        numbers = self._over(now, most)
        if numbers:
            self._connection.execute(sa.delete(_CHANGES).where(_CHANGES.c.number.in_(numbers)))
        return len(numbers)

    def _over(self, now: int, most: int) -> list[int]:
        over = sa.select(_CHANGES.c.number).where(_CHANGES.c.kept_until <= now).order_by(_CHANGES.c.kept_until)
        return list(self._connection.execute(over.limit(most)).scalars())
