"""Publications of facts in SQL: each is an event, whose number is known only when the unit of work commits."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from alliance.facts import DIGEST_BYTES
from alliance_server.domain.audit import AuditRecord
from alliance_server.storage import bulk
from alliance_server.storage.audit_log import RECORD
from alliance_server.storage.tables import AuditTable, FactTable, table_of

_FACTS = table_of(FactTable)
_EVENTS = table_of(AuditTable)
_ADD = bulk.Insertion(_FACTS, ("row", "digest"))
_PUBLISHED = bulk.Lookup(_FACTS, 'digest, "row"', 'digest = {key} AND "row" > :after', DIGEST_BYTES)

Publication = tuple[AuditRecord, bytes]
"""The event and the digest."""


def append(connection: sa.Connection, publications: Iterable[Publication]) -> None:
    """Add publications whose events were appended just now."""
    _ADD.run(connection, [(record.row, digest) for record, digest in publications])


class SqlFacts:
    """What is published."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def published(self, digests: Sequence[bytes], after_row: int) -> dict[bytes, int]:
        """Give the row of the newest publication of those digests that have one after a row."""
        rows = _PUBLISHED.run(self._connection, digests, after=after_row)
        return {bytes(digest): row for row, digest in sorted((row, digest) for digest, row in rows)}

    def events(self, rows: Sequence[int]) -> dict[int, AuditRecord]:
        """Give events by their rows."""
        found = self._connection.execute(sa.select(*RECORD).where(_EVENTS.c.id.in_(rows)))
        return {row.id: AuditRecord(*row) for row in found}
