"""What the clocks report reads: how long it took until events were sealed, disputes answered, recalls dealt with."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from alliance.disputes import DisputeGround
from alliance.taxonomy import ClaimStatus
from alliance_server.domain.logs import Log
from alliance_server.storage.recalls import SqlRecalls
from alliance_server.storage.tables import (
    AuditTable,
    ClaimChangeTable,
    DisputeTable,
    TreeHeadTable,
    table_of,
)

_EVENTS = table_of(AuditTable)
_HEADS = table_of(TreeHeadTable)
_DISPUTES = table_of(DisputeTable)
_CHANGES = table_of(ClaimChangeTable)
_RECALLS_A_READ = 500


@dataclass(frozen=True, slots=True)
class DisputeTimes:
    """When a dispute was opened, answered, escalated and decided; None where it was not."""

    ground: DisputeGround
    opened_at: int
    answered_at: int | None
    escalated_at: int | None
    decided_at: int | None
    closed_at: int | None


def sealing_delays(connection: sa.Connection, logs: Iterable[Log]) -> "array[int]":
    """Give of each tree how old its oldest event was when it was sealed, milliseconds."""
    delays = array("q")
    for log in logs:
        before = sa.func.lag(_HEADS.c.last_row).over(order_by=_HEADS.c.size)
        heads = sa.select(_HEADS.c.sealed_at, before.label("before")).where(_HEADS.c.log == log.number).subquery()
        first = (
            sa.select(_EVENTS.c.time)
            .where(_EVENTS.c.id > heads.c.before)
            .order_by(_EVENTS.c.id)
            .limit(1)
            .scalar_subquery()
        )
        wanted = sa.select(heads.c.sealed_at, first).where(heads.c.before.is_not(None))
        streaming = connection.execution_options(stream_results=True, yield_per=1000)
        # A sealer takes the time before it takes the events: those that came in between are no older than nothing.
        delays.extend(max(sealed - time, 0) for sealed, time in streaming.execute(wanted) if time is not None)
    return delays


def disputes(connection: sa.Connection, begin: int, end: int) -> list[DisputeTimes]:
    """Give the disputes that were opened in a time."""
    names = ("ground", "opened_at", "answered_at", "escalated_at", "decided_at", "closed_at")
    opened = _DISPUTES.c.opened_at
    wanted = sa.select(*(_DISPUTES.c[name] for name in names)).where(opened >= begin, opened < end).order_by(opened)
    return [DisputeTimes(DisputeGround(row[0]), *row[1:]) for row in connection.execute(wanted)]


def outstanding_recalls(connection: sa.Connection, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Give the recalls of a time, and how many members have not said that they dealt with each."""
    columns = _CHANGES.c
    first = connection.execute(
        sa.select(sa.func.min(columns.number)).where(
            columns.status == int(ClaimStatus.RECALLED), columns.changed_at >= begin, columns.changed_at < end
        )
    ).scalar()
    after = None if first is None else first - 1
    while after is not None and (page := SqlRecalls(connection).after(after, _RECALLS_A_READ)):
        yield from ((it.recalled_at, len(it.outstanding)) for it in page if begin <= it.recalled_at < end)
        after = page[-1].number if page[-1].recalled_at < end else None
