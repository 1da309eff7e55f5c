"""What an export takes out of the database: a month's logs as far as they are sealed, and what vouches for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sqlalchemy as sa

from alliance.errors import Reason
from alliance.v1.audit_pb2 import AuditEvent
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.errors import Refused
from alliance_server.domain.logs import Log
from alliance_server.domain.witnesses import with_cosignatures
from alliance_server.storage.logs import SqlLogs
from alliance_server.storage.tables import AuditTable, CosignatureTable, table_of

_EVENTS = table_of(AuditTable)
_COSIGNATURES = table_of(CosignatureTable)
ROWS_A_PAGE = 4096


@dataclass(frozen=True, slots=True)
class SealedLog:
    """A log as far as it is sealed: its leaves are the first one, and the events up to `last_row`."""

    log: Log
    size: int
    last_row: int
    note: bytes
    """Newest checkpoint, with the cosignatures that there are."""
    witnessed: bytes
    """Newest checkpoint that a witness cosigned, where that is another one; else empty."""
    previous: bytes
    """The checkpoint of the log before to which it is bound; empty where there is none."""


def sealed_logs(connection: sa.Connection, month: str) -> list[SealedLog]:
    """Give the logs of a month that have a checkpoint, oldest first."""
    logs = SqlLogs(connection)
    known = logs.all()
    before = {log.number: earlier for earlier, log in pairwise(known)}
    found = (
        _sealed(connection, logs, log, before.get(log.number), is_over=log is not known[-1])
        for log in known
        if log.name.month == month
    )
    return [one for one in found if one is not None]


def months(connection: sa.Connection) -> list[str]:
    """Give the months that there are logs of."""
    return sorted({log.name.month for log in SqlLogs(connection).all()})


def newest_note(connection: sa.Connection) -> bytes:
    """Give the newest checkpoint of all, with its cosignatures; raises Refused where there is none."""
    logs = SqlLogs(connection)
    for log in reversed(logs.all()):
        if (signed := logs.checkpoint(log.number)) is not None:
            return _with_cosignatures(connection, log.number, *signed)
    raise Refused(Reason.NOT_FOUND, "there is no checkpoint yet: a hub that serves makes one within seconds")


def records(connection: sa.Connection, after_row: int, last_row: int) -> list[AuditRecord]:
    """Give a page of events behind a row, in order."""
    return SqlLogs(connection).records(after_row, last_row, ROWS_A_PAGE)


def _sealed(
    connection: sa.Connection, logs: SqlLogs, log: Log, before: Log | None, *, is_over: bool
) -> SealedLog | None:
    signed = logs.checkpoint(log.number)
    if signed is None:
        return None
    # A log that a restore ended may have a tree that nobody signed any more: the next log's first leaf vouches for it.
    tree = logs.head(log.number, None if is_over else signed[0])
    if tree is None:
        raise Refused(Reason.INTERNAL, "the tree of a signed checkpoint is missing")
    note = _with_cosignatures(connection, log.number, *signed)
    witnessed = _witnessed(connection, logs, log.number, signed[0])
    return SealedLog(log, tree.size, tree.last_row, note, witnessed, _bound(logs, log, before))


def _witnessed(connection: sa.Connection, logs: SqlLogs, number: int, newest: int) -> bytes:
    columns = _COSIGNATURES.c
    size = connection.execute(sa.select(sa.func.max(columns.size)).where(columns.log == number)).scalar()
    signed = logs.checkpoint(number, size) if size is not None and size != newest else None
    return b"" if signed is None else _with_cosignatures(connection, number, *signed)


def _with_cosignatures(connection: sa.Connection, number: int, size: int, note: bytes) -> bytes:
    columns = _COSIGNATURES.c
    wanted = sa.select(columns.line).where(columns.log == number, columns.size == size).order_by(columns.witness)
    return with_cosignatures(note, list(connection.execute(wanted).scalars()))


def _bound(logs: SqlLogs, log: Log, before: Log | None) -> bytes:
    if before is None:
        return b""
    signed = logs.checkpoint(before.number, AuditEvent.FromString(log.event).items)
    return b"" if signed is None else signed[1]


def newest_events(
    connection: sa.Connection, actor: str, action: str, since: int, limit: int
) -> Sequence[tuple[int, bytes]]:
    """Give the newest events, newest first, with their rows; of an actor, of a pattern of actions, since a time."""
    columns = _EVENTS.c
    wanted = sa.select(columns.id, columns.event).where(columns.time >= since)
    if actor:
        wanted = wanted.where(columns.actor == actor)
    if action:
        parts = (part.replace("/", "//").replace("%", "/%").replace("_", "/_") for part in action.split("*"))
        wanted = wanted.where(columns.action.like("%".join(parts), escape="/"))
    return [(row.id, row.event) for row in connection.execute(wanted.order_by(columns.id.desc()).limit(limit))]
