"""The audit table."""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter

import sqlalchemy as sa

from alliance_server.domain.audit import AuditRecord
from alliance_server.storage import bulk
from alliance_server.storage.tables import AuditTable, table_of

_EVENTS = table_of(AuditTable)
_APPEND = bulk.Insertion(_EVENTS, tuple(field.name for field in fields(AuditRecord)))
_row_of = attrgetter(*(field.name for field in fields(AuditRecord)))


def append(connection: sa.Connection, records: Sequence[AuditRecord]) -> None:
    """Add records, as one statement."""
    _APPEND.run(connection, [_row_of(record) for record in records])


class SqlAudit:
    """Reads audit events."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def page(self, actor: str, after: int, limit: int) -> list[tuple[int, AuditRecord]]:
        """Give an actor's events after a row number, with their row numbers."""
        columns = _EVENTS.c
        rows = self._connection.execute(
            sa.select(_EVENTS).where(columns.actor == actor, columns.id > after).order_by(columns.id).limit(limit)
        )
        return [
            (row.id, AuditRecord(row.actor, row.time, row.action, row.salt, row.event, row.leaf_hash)) for row in rows
        ]

    def count(self, actor: str, since: int, most: int) -> int:
        """Count an actor's newest events since a time, at most so many."""
        columns = _EVENTS.c
        own = sa.select(columns.time).where(columns.actor == actor)
        newest = own.order_by(columns.id.desc()).limit(most).subquery()
        return self._connection.execute(sa.select(sa.func.count()).where(newest.c.time >= since)).scalar_one()
