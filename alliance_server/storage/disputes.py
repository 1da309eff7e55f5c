"""Disputes in SQL."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Final

import sqlalchemy as sa

from alliance.disputes import WAITING_STATES, DisputeGround, DisputeState
from alliance.taxonomy import ClaimStatus
from alliance_server.domain.disputes import DISPUTE_KEPT_MS, SEALED_KEPT_MS, UNFINISHED, Dispute, Overdue
from alliance_server.storage.tables import LIVE_NUMBERS, ClaimTable, DisputeTable, table_of

_DISPUTES = table_of(DisputeTable)
_CLAIMS = table_of(ClaimTable)
_FIELDS: Final = tuple(field.name for field in fields(Dispute))
_COLUMNS = [_DISPUTES.c[name] for name in _FIELDS]
_MUTABLE: Final = (
    "state",
    "due_at",
    "answer",
    "answer_reason",
    "answered_at",
    "escalated_at",
    "review",
    "decision_reason",
    "decided_at",
    "closed_at",
)


class SqlDisputes:
    """Disputes."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, dispute_id: bytes) -> Dispute | None:
        """Give a dispute; held until the unit of work ends."""
        query = sa.select(*_COLUMNS).where(_DISPUTES.c.id == dispute_id).with_for_update()
        row = self._connection.execute(query).first()
        return None if row is None else _dispute(row)

    def about(self, claim_ids: Sequence[bytes]) -> list[Dispute]:
        """Give all disputes about some claims, oldest first."""
        query = sa.select(*_COLUMNS).where(_DISPUTES.c.claim_id.in_(claim_ids)).order_by(_DISPUTES.c.row)
        return [_dispute(row) for row in self._connection.execute(query)]

    def add(self, dispute: Dispute) -> None:
        """Add a dispute."""
        self._connection.execute(sa.insert(_DISPUTES).values(asdict(dispute)))

    def save(self, dispute: Dispute) -> None:
        """Keep where a dispute is."""
        values = {name: getattr(dispute, name) for name in _MUTABLE}
        self._connection.execute(sa.update(_DISPUTES).where(_DISPUTES.c.id == dispute.id).values(values))

    def opened_by(self, member: str, after: int, limit: int, *, waiting_only: bool) -> list[tuple[int, Dispute]]:
        """Give what a member opened after a row number, with their row numbers."""
        return self._page(_DISPUTES.c.opener == member, after, limit, _waiting(waiting_only))

    def about_own(self, contributor: str, after: int, limit: int, *, waiting_only: bool) -> list[tuple[int, Dispute]]:
        """Give what is about a contributor's claims after a row number, with their row numbers."""
        return self._page(_DISPUTES.c.contributor == contributor, after, limit, _waiting(waiting_only))

    def escalated(self, after: int, limit: int) -> list[tuple[int, Dispute]]:
        """Give what waits for a reviewer after a row number, with their row numbers."""
        return self._page(_DISPUTES.c.state == int(DisputeState.ESCALATED), after, limit, sa.true())

    def overdue(self, now: int, most: int) -> list[Dispute]:
        """Give up to so many disputes that nobody answered in time, each contributor's together; held."""
        query = sa.select(*_COLUMNS).where(*_late(now)).order_by(_DISPUTES.c.due_at).limit(most).with_for_update()
        found = [_dispute(row) for row in self._connection.execute(query)]
        return sorted(found, key=lambda it: (it.contributor, it.id))

    def is_overdue(self, now: int) -> bool:
        """Say whether there are open disputes that are due."""
        query = sa.select(_DISPUTES.c.row).where(*_late(now)).limit(1)
        return self._connection.execute(query).first() is not None

    def of_ended_claims(self, now: int, most: int) -> list[tuple[Dispute, ClaimStatus | None]]:
        """Give up to so many unfinished disputes whose claim lives no more, with its status; None: it is gone."""
        claim = _CLAIMS.c
        ended = sa.or_(claim.entry_id.is_(None), claim.status.not_in(LIVE_NUMBERS), claim.expires_at <= now)
        query = (
            sa.select(claim.status.label("claim_status"), *_COLUMNS)
            .outerjoin(_CLAIMS, claim.entry_id == _DISPUTES.c.claim_id)
            .where(_DISPUTES.c.state.in_(sorted(int(it) for it in UNFINISHED)), ended)
            .order_by(_DISPUTES.c.row)
            .limit(most)
        )
        rows = self._connection.execute(query).all()
        return [(_dispute(it), None if it.claim_status is None else ClaimStatus(it.claim_status)) for it in rows]

    def overdue_by_contributor(self, now: int) -> list[Overdue]:
        """Count by contributor what is overdue: its answers, and reviewers' decisions about its claims."""
        columns = _DISPUTES.c
        waits = sorted(int(it) for it in WAITING_STATES)
        unanswered = sa.func.sum(sa.case((columns.state.in_(waits), 1), else_=0))
        late = (columns.state.in_([*waits, int(DisputeState.ESCALATED)]), columns.due_at <= now)
        query = (
            sa.select(columns.contributor, unanswered, sa.func.count(), sa.func.min(columns.due_at))
            .where(*late)
            .group_by(columns.contributor)
            .order_by(columns.contributor)
        )
        rows = self._connection.execute(query)
        return [Overdue(who, int(late), every - int(late), since) for who, late, every, since in rows]

    def is_due_to_purge(self, now: int) -> bool:
        """Say whether there is something to delete by now."""
        sealed = sa.select(sa.literal(1)).where(*_sealed_too_long(now)).limit(1)
        kept = sa.select(sa.literal(1)).where(*_kept_too_long(now)).limit(1)
        return any(self._connection.execute(query).first() is not None for query in (sealed, kept))

    def purge(self, now: int, most: int) -> tuple[int, int]:
        """Delete sealed statements and whole disputes, up to so many of each; returns how many of each."""
        return (
            self._some(most, _sealed_too_long(now), lambda them: sa.update(_DISPUTES).where(them).values(sealed=None)),
            self._some(most, _kept_too_long(now), lambda them: sa.delete(_DISPUTES).where(them)),
        )

    def _some(self, most: int, condition: tuple[sa.ColumnElement[bool], ...], make: Any) -> int:  # noqa: ANN401
        query = sa.select(_DISPUTES.c.row).where(*condition).order_by(_DISPUTES.c.closed_at).limit(most)
        rows = list(self._connection.execute(query).scalars())
        if rows:
            self._connection.execute(make(_DISPUTES.c.row.in_(rows)))
        return len(rows)

    def _page(
        self, whose: sa.ColumnElement[bool], after: int, limit: int, which: sa.ColumnElement[bool]
    ) -> list[tuple[int, Dispute]]:
        row = _DISPUTES.c.row
        query = sa.select(row, *_COLUMNS).where(whose, which, row > after).order_by(row).limit(limit)
        return [(it.row, _dispute(it)) for it in self._connection.execute(query)]


def follow_successors(connection: sa.Connection, purged: Sequence[bytes]) -> None:
    """Have disputes about claims that are about to be deleted be about those that re-tag them."""
    successor = sa.select(_CLAIMS.c.successor).where(_CLAIMS.c.entry_id == _DISPUTES.c.claim_id).scalar_subquery()
    retagged = sa.select(_CLAIMS.c.entry_id).where(_CLAIMS.c.entry_id.in_(purged), _CLAIMS.c.successor.is_not(None))
    moved = sa.update(_DISPUTES).where(_DISPUTES.c.claim_id.in_(retagged)).values(claim_id=successor)
    connection.execute(moved)


def _waiting(waiting_only: bool) -> sa.ColumnElement[bool]:  # noqa: FBT001 - the one thing that it is about
    return _DISPUTES.c.state.in_(sorted(int(it) for it in WAITING_STATES)) if waiting_only else sa.true()


def _late(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    return _DISPUTES.c.state == int(DisputeState.OPEN), _DISPUTES.c.due_at <= now


def _sealed_too_long(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    return _DISPUTES.c.closed_at <= now - SEALED_KEPT_MS, _DISPUTES.c.sealed.is_not(None)


def _kept_too_long(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (_DISPUTES.c.closed_at <= now - DISPUTE_KEPT_MS,)


def _dispute(row: sa.Row[Any]) -> Dispute:
    values = {name: row._mapping[name] for name in _FIELDS}
    return Dispute(**{**values, "ground": DisputeGround(row.ground), "state": DisputeState(row.state)})
