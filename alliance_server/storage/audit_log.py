"""The audit table."""

from collections.abc import Sequence
from operator import attrgetter

import sqlalchemy as sa

from alliance_server.domain.audit import AuditRecord
from alliance_server.storage import bulk
from alliance_server.storage.tables import AuditTable, table_of

_EVENTS = table_of(AuditTable)
_FIELDS = ("actor", "time", "action", "salt", "event", "leaf_hash")
_APPEND = bulk.Insertion(_EVENTS, (*_FIELDS, "id"))
_row_of = attrgetter(*_FIELDS, "row")
RECORD = tuple(_EVENTS.c[name] for name in (*_FIELDS, "id"))
"""The columns of an `AuditRecord`, in its order."""
_NEWEST = sa.select(sa.func.coalesce(sa.func.max(_EVENTS.c.id), 0))
_APPENDING = 0x616C_6C69_616E_6365
"""PostgreSQL's advisory lock of whoever appends: shared, so that appenders never wait for each other."""
_NUMBERS = sa.text(
    "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(:appending)) "
    "SELECT nextval(pg_get_serial_sequence('audit_events', 'id')) FROM held, generate_series(1, :count)"
)


def append(connection: sa.Connection, records: Sequence[AuditRecord]) -> None:
    """Add records and give them their numbers, which ascend in the order of commits as far as `settled` needs it."""
    if not records:
        return
    for record, number in zip(records, _numbers(connection, len(records)), strict=True):
        record.row = number
    _APPEND.run(connection, [_row_of(record) for record in records])


def _numbers(connection: sa.Connection, count: int) -> Sequence[int]:
    """Take numbers for events, as the last thing before the commit."""
    if connection.dialect.name == "sqlite":
        first = _newest(connection) + 1
        return range(first, first + count)
    return connection.execute(_NUMBERS, {"appending": _APPENDING, "count": count}).scalars().all()


def settled(connection: sa.Connection, wait_ms: int) -> int:
    """Give the highest number below which no event can appear any more; 0 where there is none.

    Numbers of several processes are taken before their commits: on PostgreSQL this waits, no longer than it is told,
    until nobody is between the two. SQLite has one writer. Raises DBAPIError where somebody did not come to an end.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text(f"SET LOCAL lock_timeout = {wait_ms:d}"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_APPENDING)))
    return _newest(connection)


def _newest(connection: sa.Connection) -> int:
    newest: int = connection.execute(_NEWEST).scalar_one()
    return newest


class SqlAudit:
    """Reads audit events."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def page(self, actor: str, after: int, limit: int) -> list[AuditRecord]:
        """Give an actor's events after a row number, with their row numbers."""
        columns = _EVENTS.c
        wanted = sa.select(*RECORD)
        rows = self._connection.execute(
            wanted.where(columns.actor == actor, columns.id > after).order_by(columns.id).limit(limit)
        )
        return [AuditRecord(*row) for row in rows]

    def count(self, actor: str, since: int, most: int) -> int:
        """Count an actor's newest events since a time, at most so many."""
        columns = _EVENTS.c
        own = sa.select(columns.time).where(columns.actor == actor)
        newest = own.order_by(columns.id.desc()).limit(most).subquery()
        return self._connection.execute(sa.select(sa.func.count()).where(newest.c.time >= since)).scalar_one()
