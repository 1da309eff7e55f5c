"""What became of decisions in SQL: batches, counts that wait, and counts that were told."""

from collections import defaultdict

import sqlalchemy as sa

from alliance_server.domain.outcomes import (
    TOLD_KEPT_MONTHS,
    WAITING_KEPT_MONTHS,
    Cell,
    OutcomeBatch,
    Quality,
    Told,
    Waiting,
    known_since,
    tellable,
)
from alliance_server.storage.tables import (
    OutcomeBatchTable,
    OutcomeMonthTable,
    ToldOutcomeTable,
    WaitingOutcomeTable,
    table_of,
)

_BATCHES = table_of(OutcomeBatchTable)
_MONTHS = table_of(OutcomeMonthTable)
_TOLD = table_of(ToldOutcomeTable)
_WAITING = table_of(WaitingOutcomeTable)


_ONE_WAITING = tuple(_WAITING.c[name] == sa.bindparam(f"of_{name}") for name in (*Cell._fields, "month", "member_id"))
_ADD = sa.update(_WAITING).where(*_ONE_WAITING).values(reports=_WAITING.c.reports + sa.bindparam("more"))


def _key(cell: Cell, **more: int | str) -> dict[str, int | str]:
    return {f"of_{name}": value for name, value in (*cell._asdict().items(), *more.items())}


class SqlOutcomes:
    """What became of decisions."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # -- what members report -------------------------------------------------------------------------------------

    def digest(self, member_id: str, day: int) -> bytes | None:
        """Give the digest of the batch that a member sent for a day; None where it sent none."""
        key = (_BATCHES.c.member_id == member_id, _BATCHES.c.day == day)
        return self._connection.execute(sa.select(_BATCHES.c.batch_sha256).where(*key)).scalar()

    def reported(self, member_id: str, since: int) -> int:
        """Count what a member reported since a time."""
        recent = (_BATCHES.c.member_id == member_id, _BATCHES.c.received_at > since)
        return int(self._connection.execute(sa.select(sa.func.sum(_BATCHES.c.reports)).where(*recent)).scalar() or 0)

    def add(self, batch: OutcomeBatch, month: int, now: int) -> None:
        """Add a batch to what waits in a month; its member is held."""
        said = {
            "member_id": batch.member_id,
            "day": batch.day,
            "batch_sha256": batch.digest,
            "reports": batch.reports,
            "received_at": now,
        }
        self._connection.execute(sa.insert(_BATCHES).values(said))
        of: dict[str, int | str] = {"month": month, "member_id": batch.member_id}
        there = self._there(batch.member_id, month)
        if more := [{**_key(cell, **of), "more": count} for cell, count in batch.counts.items() if cell in there]:
            self._connection.execute(_ADD, more)
        new = [{**cell._asdict(), **of, "reports": count} for cell, count in batch.counts.items() if cell not in there]
        if new:
            self._connection.execute(sa.insert(_WAITING), new)

    def _there(self, member_id: str, month: int) -> set[Cell]:
        """Give the cells in which something of a member waits in a month; held, so that none is told meanwhile."""
        columns = _WAITING.c
        query = sa.select(*(columns[name] for name in Cell._fields))
        of_member = (columns.member_id == member_id, columns.month == month)
        return {Cell(*row) for row in self._connection.execute(query.where(*of_member).with_for_update())}

    # -- what is told --------------------------------------------------------------------------------------------

    def is_due(self, month: int) -> bool:
        """Say whether the end of a month is still to be dealt with: its counts told, and old ones forgotten."""
        if self._connection.execute(sa.select(_MONTHS.c.month).where(_MONTHS.c.month >= month)).first() is not None:
            return False
        some = sa.union_all(*(sa.select(sa.literal(1)).select_from(it) for it in (_BATCHES, _WAITING, _TOLD)))
        return self._connection.execute(some.limit(1)).first() is not None

    def next_waiting(self, after: str, month: int) -> str | None:
        """Give the contributor after one about whom something waits up to a month."""
        columns = _WAITING.c
        query = sa.select(sa.func.min(columns.contributor)).where(columns.contributor > after, columns.month <= month)
        found: str | None = self._connection.execute(query).scalar()
        return found

    def tell(self, contributor: str, month: int) -> int:
        """Tell what may be told of a contributor's claims by the end of a month; returns how many counts."""
        waiting = self._waiting(contributor, month)
        before = self._told_in(contributor, month)  # a month that was cut off is gone on with, and told once
        told = {cell: count for cell, count in tellable(waiting).items() if cell not in before}
        if not told:
            return 0
        values = [{**cell._asdict(), "month": month, "reports": count} for cell, count in told.items()]
        self._connection.execute(sa.insert(_TOLD), values)
        gone = [_key(it.cell, month=it.month, member_id=it.member_id) for it in waiting if it.cell in told]
        self._connection.execute(sa.delete(_WAITING).where(*_ONE_WAITING), gone)
        return len(told)

    def _waiting(self, contributor: str, month: int) -> list[Waiting]:
        """Give what waits; held until the unit of work ends, so that nothing is added to it meanwhile."""
        columns = _WAITING.c
        query = sa.select(_WAITING).where(columns.contributor == contributor, columns.month <= month)
        return [
            Waiting(it.month, it.member_id, Cell(contributor, it.category, it.outcome), it.reports)
            for it in self._connection.execute(query.with_for_update())
        ]

    def _told_in(self, contributor: str, month: int) -> set[Cell]:
        columns = _TOLD.c
        query = sa.select(*(columns[name] for name in Cell._fields))
        rows = self._connection.execute(query.where(columns.contributor == contributor, columns.month == month))
        return {Cell(*row) for row in rows}

    def end(self, month: int, now: int) -> int:
        """Note that a month was dealt with, and forget what is too old; returns how many rows."""
        self._connection.execute(sa.insert(_MONTHS).values(month=month, told_at=now))
        too_old = (
            sa.delete(_BATCHES).where(_BATCHES.c.received_at <= known_since(now)),
            sa.delete(_WAITING).where(_WAITING.c.month <= month - WAITING_KEPT_MONTHS),
            sa.delete(_TOLD).where(_TOLD.c.month <= month - TOLD_KEPT_MONTHS),
            sa.delete(_MONTHS).where(_MONTHS.c.month <= month - TOLD_KEPT_MONTHS),
        )
        return sum(self._connection.execute(it).rowcount for it in too_old)

    def told(self, contributor: str, after: tuple[int, int, int], limit: int) -> list[Told]:
        """Give what was told of a contributor's claims after (month, category, outcome), in their order."""
        columns = _TOLD.c
        place = sa.tuple_(columns.month, columns.category, columns.outcome)
        query = (
            sa.select(_TOLD)
            .where(columns.contributor == contributor, place > sa.tuple_(*map(sa.literal, after)))
            .order_by(columns.month, columns.category, columns.outcome)
            .limit(limit)
        )
        return [
            Told(it.month, Cell(contributor, it.category, it.outcome), it.reports)
            for it in self._connection.execute(query)
        ]

    def quality(self, after: str, limit: int, since: int) -> list[Quality]:
        """Sum up what was told from a month on, of so many contributors after one."""
        columns = _TOLD.c
        recent = (columns.contributor > after, columns.month >= since)
        contributors = sa.select(columns.contributor).where(*recent).distinct().order_by(columns.contributor)
        rows = self._connection.execute(
            sa.select(columns.contributor, columns.category, columns.outcome, sa.func.sum(columns.reports))
            .where(*recent, columns.contributor.in_(contributors.limit(limit)))
            .group_by(columns.contributor, columns.category, columns.outcome)
            .order_by(columns.contributor, columns.category)
        )
        found: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
        for contributor, category, outcome, reports in rows:
            found[contributor, category][outcome] = int(reports)
        return [Quality(*key, counts) for key, counts in found.items()]
