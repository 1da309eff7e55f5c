"""The log as it lies in the database, read whole in pages: for whoever verifies it, and trusts nothing of it.

Each page is a short read of its own, so that nobody waits for a verification of hours: rows of these tables stay as
they are.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from alliance_server.domain.logs import Log, TreeHead
from alliance_server.storage import bulk
from alliance_server.storage.tables import (
    AuditTable,
    CheckpointTable,
    FactTable,
    LogTable,
    SuccessionTable,
    TreeHeadTable,
    table_of,
)

PAGE: Final = 4096

_EVENTS = table_of(AuditTable).c
_HEADS = table_of(TreeHeadTable).c
_CHECKPOINTS = table_of(CheckpointTable).c
_FACTS = table_of(FactTable).c
_LOGS = table_of(LogTable)
_SUCCESSIONS = table_of(SuccessionTable).c
_OF_HEAD = (_HEADS.log, _HEADS.size, _HEADS.root, _HEADS.last_row, _HEADS.nodes, _HEADS.sealed_at)
_OF_EVENT = (_EVENTS.id, _EVENTS.actor, _EVENTS.time, _EVENTS.action, _EVENTS.salt, _EVENTS.event, _EVENTS.leaf_hash)
_BEFORE_ALL: Final = -(2**63)
_BEHIND_ALL: Final = 2**63 - 1


class StoredEvent(NamedTuple):
    """A row of the events, with the columns that repeat what is in the event."""

    row: int
    actor: str
    time: int
    action: str
    salt: bytes
    event: bytes
    leaf_hash: bytes


class SignedHead(NamedTuple):
    """A tree, and the checkpoint that it was signed in, if it was."""

    head: TreeHead
    note: bytes | None


class LogStream:
    """Reads all that the log is made of."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def logs(self) -> list[Log]:
        """Give all logs, in their order: one a month."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_LOGS).order_by(_LOGS.c.number))
            return [Log(**row._mapping) for row in rows]

    def successions(self) -> dict[int, bytes]:
        """Give the payloads of successions, by origin."""
        return dict(self._rows(sa.select(_SUCCESSIONS.origin, _SUCCESSIONS.payload)))

    def newest(self, log: int) -> tuple[int, int] | None:
        """Give size and last row of a log's newest tree; None where it has none."""
        wanted = sa.select(_HEADS.size, _HEADS.last_row).where(_HEADS.log == log).order_by(_HEADS.size.desc()).limit(1)
        found = self._rows(wanted)
        return (found[0][0], found[0][1]) if found else None

    def newest_signed(self, log: int) -> int:
        """Give the size of a log's newest checkpoint; 0 where it has none."""
        ((size,),) = self._rows(sa.select(sa.func.max(_CHECKPOINTS.size)).where(_CHECKPOINTS.log == log))
        return size or 0

    def events(self, after_row: int | None, last_row: int | None) -> Iterator[list[StoredEvent]]:
        """Give events in a range of rows, in order, a page at a time; None is an end that is open."""
        after = _BEFORE_ALL if after_row is None else after_row
        last = _BEHIND_ALL if last_row is None else last_row
        while True:
            wanted = (
                sa.select(*_OF_EVENT).where(_EVENTS.id > after, _EVENTS.id <= last).order_by(_EVENTS.id).limit(PAGE)
            )
            page = [StoredEvent(*row) for row in self._rows(wanted)]
            if not page:
                return
            yield page
            after = page[-1].row

    def heads(self, log: int) -> Iterator[SignedHead]:
        """Give a log's trees, smallest first."""
        after = _BEFORE_ALL
        of_tree = (_CHECKPOINTS.log == _HEADS.log) & (_CHECKPOINTS.size == _HEADS.size)
        joined = _HEADS.log.table.outerjoin(_CHECKPOINTS.log.table, of_tree)
        while True:
            wanted = sa.select(*_OF_HEAD, _CHECKPOINTS.note).select_from(joined)
            wanted = wanted.where(_HEADS.log == log, _HEADS.size > after).order_by(_HEADS.size).limit(PAGE)
            page = [SignedHead(TreeHead(*row[:-1]), row[-1]) for row in self._rows(wanted)]
            if not page:
                return
            yield from page
            after = page[-1].head.size

    def homeless(self) -> list[str]:
        """Name what belongs to no tree or log: trees of no log, checkpoints of no tree."""
        of_log = sa.select(_LOGS.c.number).where(_LOGS.c.number == _HEADS.log)
        of_tree = sa.select(_HEADS.size).where(_HEADS.log == _CHECKPOINTS.log, _HEADS.size == _CHECKPOINTS.size)
        heads = self._rows(sa.select(_HEADS.log, _HEADS.size).where(~of_log.exists()).limit(1))
        notes = self._rows(sa.select(_CHECKPOINTS.log, _CHECKPOINTS.size).where(~of_tree.exists()).limit(1))
        return [
            *(f"a tree of size {size} belongs to log number {log}, which is missing" for log, size in heads),
            *(f"the checkpoint of size {size} of log number {log} has no tree" for log, size in notes),
        ]

    def facts(self, after_row: int | None, last_row: int | None) -> dict[int, bytes]:
        """Give the digests of publications in a range of rows, by their rows; None is an end that is open."""
        after = _BEFORE_ALL if after_row is None else after_row
        last = _BEHIND_ALL if last_row is None else last_row
        return dict(self._rows(sa.select(_FACTS.row, _FACTS.digest).where(_FACTS.row > after, _FACTS.row <= last)))

    def root_of(self, log: int, size: int) -> bytes | None:
        """Give the root of a tree, where there is one of this size."""
        found = self._rows(sa.select(_HEADS.root).where(_HEADS.log == log, _HEADS.size == size))
        return found[0][0] if found else None

    def _rows(self, wanted: sa.Executable) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return bulk.rows(connection, wanted, {})
