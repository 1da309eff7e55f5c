"""The log as it lies in the database, read whole in pages: for whoever verifies it, and trusts nothing of it.

Each page is a short read of its own, so that nobody waits for a verification of hours: rows of these tables stay as
they are.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.logs import MAX_ROW, Log, TreeHead
from alliance_server.storage import bulk
from alliance_server.storage.logs import SqlLogs
from alliance_server.storage.tables import (
    CheckpointTable,
    FactTable,
    LogTable,
    SuccessionTable,
    TreeHeadTable,
    table_of,
)

PAGE: Final = 4096

_HEADS = table_of(TreeHeadTable).c
_CHECKPOINTS = table_of(CheckpointTable).c
_FACTS = table_of(FactTable).c
_LOGS = table_of(LogTable)
_SUCCESSIONS = table_of(SuccessionTable).c
_OF_HEAD = (_HEADS.log, _HEADS.size, _HEADS.root, _HEADS.last_row, _HEADS.nodes, _HEADS.sealed_at)
_BEFORE_ALL: Final = -(2**63)


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
        with self._logs() as logs:
            return logs.all()

    def successions(self) -> dict[int, bytes]:
        """Give the payloads of successions, by origin."""
        return dict(self._rows(sa.select(_SUCCESSIONS.origin, _SUCCESSIONS.payload)))

    def newest(self, log: int) -> tuple[int, int] | None:
        """Give size and last row of a log's newest tree; None where it has none."""
        with self._logs() as logs:
            head = logs.head(log)
        return None if head is None else (head.size, head.last_row)

    def newest_signed(self, log: int) -> int:
        """Give the size of a log's newest checkpoint; 0 where it has none."""
        with self._logs() as logs:
            signed = logs.checkpoint(log)
        return 0 if signed is None else signed[0]

    def events(self, after_row: int | None, last_row: int | None) -> Iterator[list[AuditRecord]]:
        """Give events in a range of rows, in order, a page at a time; None is an end that is open."""
        after = _BEFORE_ALL if after_row is None else after_row
        last = MAX_ROW if last_row is None else last_row
        while True:
            with self._logs() as logs:
                page = logs.records(after, last, PAGE)
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
        last = MAX_ROW if last_row is None else last_row
        return dict(self._rows(sa.select(_FACTS.row, _FACTS.digest).where(_FACTS.row > after, _FACTS.row <= last)))

    def root_of(self, log: int, size: int) -> bytes | None:
        """Give the root of a tree, where there is one of this size."""
        with self._logs() as logs:
            head = logs.head(log, size)
        return None if head is None else head.root

    @contextmanager
    def _logs(self) -> Iterator[SqlLogs]:
        with self._engine.connect() as connection:
            yield SqlLogs(connection)

    def _rows(self, wanted: sa.Executable) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return bulk.rows(connection, wanted, {})
