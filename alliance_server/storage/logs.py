"""Logs over the audit events in SQL. Rows are added, and never changed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.logs import Leaf, Log, Position, TreeHead
from alliance_server.storage import bulk
from alliance_server.storage.audit_log import RECORD, settled
from alliance_server.storage.tables import AuditTable, CheckpointTable, LogTable, TreeHeadTable, table_of

_EVENTS = table_of(AuditTable)
_LOGS = table_of(LogTable)
_HEADS = table_of(TreeHeadTable)
_CHECKPOINTS = table_of(CheckpointTable)

# Asked many times a second by every hub: built once, since building costs more than asking.
_LOG: sa.BindParameter[int] = sa.bindparam("log")
_SIZE: sa.BindParameter[int] = sa.bindparam("size")
_ROW: sa.BindParameter[int] = sa.bindparam("row")
_NEWEST_LOG = sa.select(_LOGS).order_by(_LOGS.c.number.desc()).limit(1)
_NUMBERED_LOG = sa.select(_LOGS).where(_LOGS.c.number == _LOG)
_HEAD = sa.select(_HEADS).where(_HEADS.c.log == _LOG).order_by(_HEADS.c.size.desc()).limit(1)
_HEAD_OF_SIZE = _HEAD.where(_HEADS.c.size == _SIZE)
_SMALLER_HEAD = _HEAD.where(_HEADS.c.size < _SIZE).with_only_columns(_HEADS.c.size, _HEADS.c.last_row)
_HEAD_WITH = (
    sa.select(_HEADS.c.log, _HEADS.c.size, _HEADS.c.last_row)
    .where(_HEADS.c.last_row >= _ROW)
    .order_by(_HEADS.c.last_row, _HEADS.c.log, _HEADS.c.size)
    .limit(1)
)
_CHECKPOINT = (
    sa.select(_CHECKPOINTS.c.size, _CHECKPOINTS.c.note)
    .where(_CHECKPOINTS.c.log == _LOG)
    .order_by(_CHECKPOINTS.c.size.desc())
    .limit(1)
)
_CHECKPOINT_OF_SIZE = _CHECKPOINT.where(_CHECKPOINTS.c.size == _SIZE)
_BEYOND = sa.select(_EVENTS.c.id).where(_EVENTS.c.id > _ROW).limit(1)


class SqlLogs:
    """Logs, their trees and checkpoints."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def all(self) -> list[Log]:
        """Give all logs, in their order."""
        return [Log(**row._mapping) for row in self._connection.execute(sa.select(_LOGS).order_by(_LOGS.c.number))]

    def newest(self) -> Log | None:
        """Give the log that events are added to."""
        row = self._connection.execute(_NEWEST_LOG).first()
        return None if row is None else Log(**row._mapping)

    def get(self, origin: str) -> Log | None:
        """Give a log by its origin."""
        if not origin.isprintable():
            return None  # whoever asks may send anything, and PostgreSQL fails at a byte 0x00
        row = self._connection.execute(sa.select(_LOGS).where(_LOGS.c.origin == origin)).first()
        return None if row is None else Log(**row._mapping)

    def begin(self, log: Log) -> None:
        """Add a log; raises where there is one of its number or origin."""
        self._connection.execute(sa.insert(_LOGS).values(asdict(log)))

    def head(self, log: int, size: int | None = None) -> TreeHead | None:
        """Give a log's newest tree, or that of a size."""
        row = self._of_size(_HEAD, _HEAD_OF_SIZE, log, size)
        return None if row is None else TreeHead(**row._mapping)

    def add_head(self, head: TreeHead) -> None:
        """Add a tree; raises where the log has one of this size."""
        self._connection.execute(sa.insert(_HEADS).values(asdict(head)))

    def checkpoint(self, log: int, size: int | None = None) -> tuple[int, bytes] | None:
        """Give a log's newest signed checkpoint, or that of a size: size and note."""
        row = self._of_size(_CHECKPOINT, _CHECKPOINT_OF_SIZE, log, size)
        return None if row is None else (row.size, row.note)

    def add_checkpoint(self, log: int, size: int, note: bytes) -> None:
        """Add the signed checkpoint of a tree; raises where there is one."""
        self._connection.execute(sa.insert(_CHECKPOINTS).values(log=log, size=size, note=note))

    def settled(self, wait_ms: int) -> int:
        """Give the number up to which no event can appear any more; raises Refused where somebody is in the way."""
        return settled(self._connection, wait_ms)

    def has_beyond(self, row: int) -> bool:
        """Say whether there is an event behind a row."""
        return self._connection.execute(_BEYOND, {"row": row}).first() is not None

    def leaves(self, after_row: int, last_row: int, limit: int) -> list[Leaf]:
        """Give the leaves of events in a range of rows, in order."""
        columns = _EVENTS.c
        wanted = sa.select(columns.id, columns.time, columns.leaf_hash)
        wanted = wanted.where(columns.id > after_row, columns.id <= last_row).order_by(columns.id).limit(limit)
        return [Leaf(*row) for row in bulk.rows(self._connection, wanted, {})]

    def records(self, after_row: int, last_row: int, limit: int) -> list[AuditRecord]:
        """Give the events in a range of rows, in order, with their rows."""
        columns = _EVENTS.c
        wanted = (
            sa.select(*RECORD).where(columns.id > after_row, columns.id <= last_row).order_by(columns.id).limit(limit)
        )
        return [AuditRecord(*row) for row in bulk.rows(self._connection, wanted, {})]

    def row_at(self, log: Log, leaf_index: int) -> int | None:
        """Give the row before the event of a leaf: the leaf is the first event behind it. None beyond the newest tree.

        Leaf 0 is the log's own; of leaf 1 it is the row that the log begins behind.
        """
        if leaf_index == 1:
            return log.after_row
        columns = _HEADS.c
        of_log = sa.select(columns.size, columns.last_row).where(columns.log == log.number)
        larger = of_log.where(columns.size >= leaf_index).order_by(columns.size).limit(1)
        until = self._connection.execute(larger).first()
        if until is None or leaf_index < 1:
            return None
        # The row of the leaf before, counted back from the last one of the first tree that has it.
        backwards = sa.select(_EVENTS.c.id).where(_EVENTS.c.id <= until.last_row).order_by(_EVENTS.c.id.desc())
        return self._connection.execute(backwards.offset(until.size - leaf_index).limit(1)).scalar()

    def positions(self, rows: Sequence[int]) -> dict[int, Position]:
        """Say where events are, by their rows; those that no checkpoint has yet are left out."""
        found: dict[int, Position] = {}
        signed: dict[int, tuple[Log, int]] = {}
        wanted = sorted(set(rows))
        while wanted:
            head = self._head_with(wanted[0])
            if head is None:
                break
            number, size, last_row = head
            within = [row for row in wanted if row <= last_row]
            wanted = wanted[len(within) :]
            if number not in signed:  # trees are small, and a page of events is of many
                signed[number] = self._signed(number)
            found.update(self._positions_in(*signed[number], size, last_row, within))
        return found

    def _of_size(
        self, newest: sa.Select[Any], of_size: sa.Select[Any], log: int, size: int | None
    ) -> sa.Row[Any] | None:
        if size is None:
            return self._connection.execute(newest, {"log": log}).first()
        return self._connection.execute(of_size, {"log": log, "size": size}).first()

    def _signed(self, number: int) -> tuple[Log, int]:
        """Give a log, and how many of its leaves are signed for."""
        row = self._connection.execute(_NUMBERED_LOG, {"log": number}).one()
        checkpoint = self.checkpoint(number)
        return Log(**row._mapping), 0 if checkpoint is None else checkpoint[0]

    def _head_with(self, row: int) -> tuple[int, int, int] | None:
        """Give log, size and last row of the first tree that has an event of this row, or a later one."""
        found = self._connection.execute(_HEAD_WITH, {"row": row}).first()
        return None if found is None else (found.log, found.size, found.last_row)

    def _positions_in(
        self, log: Log, signed: int, size: int, last_row: int, rows: Sequence[int]
    ) -> Iterator[tuple[int, Position]]:
        """Say where rows are that a tree has, and none of its log's before: counted back from its last one."""
        behind = self._behind(log.number, size, last_row, rows)
        for row in rows:
            if row not in behind or row <= log.after_row:
                continue
            index = size - 1 - behind[row]
            if index < signed:
                yield row, Position(log.number, log.origin, index)

    def _behind(self, number: int, size: int, last_row: int, rows: Sequence[int]) -> dict[int, int]:
        """Say how many events of a tree are behind each of its rows. Where no number was left out none is read."""
        before = self._connection.execute(_SMALLER_HEAD, {"log": number, "size": size}).first()
        if before is not None and last_row - before.last_row == size - before.size:
            return {row: last_row - row for row in rows if row > before.last_row}
        between = sa.select(_EVENTS.c.id).where(_EVENTS.c.id >= rows[0], _EVENTS.c.id <= last_row)
        known = bulk.rows(self._connection, between.order_by(_EVENTS.c.id.desc()), {})
        return {row: place for place, (row,) in enumerate(known)}
