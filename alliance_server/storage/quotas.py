"""Budgets, contribution credit, the replay cache and leases in SQL.

Statements of every evaluation are built once, here: building one costs more than running it.
"""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from alliance_server.domain.evaluations import REQUEST_ID_BYTES, Evaluation, RequestKey
from alliance_server.domain.quotas import Charged
from alliance_server.storage import bulk
from alliance_server.storage.tables import BudgetTable, CreditTable, EvaluationTable, LeaseTable, LimitTable, table_of

_BUDGETS = table_of(BudgetTable)
_CREDITS = table_of(CreditTable)
_EVALUATIONS = table_of(EvaluationTable)
_LEASES = table_of(LeaseTable)
_LIMITS = table_of(LimitTable)

_LIMIT = sa.select(_LIMITS.c["items"]).where(
    _LIMITS.c.member_id == sa.bindparam("member"), _LIMITS.c.resource == sa.bindparam("what")
)
_CHARGE = (
    sa.update(_BUDGETS)
    .where(
        _BUDGETS.c.member_id == sa.bindparam("member"),
        _BUDGETS.c.resource == sa.bindparam("what"),
        _BUDGETS.c.day == sa.bindparam("on"),
    )
    .values(used=_BUDGETS.c.used + sa.bindparam("items"))
    .returning(_BUDGETS.c.used, _LIMIT.scalar_subquery().label("own_limit"))
)
_EVALUATION_CONTENTS = bulk.Lookup(
    _EVALUATIONS, "request_id, content_sha256", "member_id = :member AND request_id = {key}", REQUEST_ID_BYTES
)
_ADD_EVALUATIONS = bulk.Insertion(_EVALUATIONS, ("member_id", "request_id", "content_sha256", "header", "received_at"))


class SqlQuotas:
    """Budgets, contribution credit and the replay cache."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def charge(self, member_id: str, resource: int, day: int, items: int) -> Charged:
        """Add items (or take them back, where negative) and give the day's total, and the member's own limit."""
        parameters = {"member": member_id, "what": resource, "on": day, "items": items}
        row = self._connection.execute(_CHARGE, parameters).first()
        if row is not None:
            return Charged(row.used, row.own_limit)
        values = {"member_id": member_id, "resource": resource, "day": day, "used": items}
        self._connection.execute(sa.insert(_BUDGETS).values(values))
        return Charged(items, self.limit(member_id, resource))

    def used(self, member_id: str, resource: int, day: int) -> int:
        """Give the items used on a day."""
        columns = _BUDGETS.c
        key = (columns.member_id == member_id, columns.resource == resource, columns.day == day)
        return self._connection.execute(sa.select(columns.used).where(*key)).scalar() or 0

    def limit(self, member_id: str, resource: int) -> int | None:
        """Give a member's own limit of items a day; None where it has none of its own."""
        return self._connection.execute(_LIMIT, {"member": member_id, "what": resource}).scalar()

    def set_limit(self, member_id: str, resource: int, items: int) -> None:
        """Give a member a limit of its own."""
        key = (_LIMITS.c.member_id == member_id, _LIMITS.c.resource == resource)
        changed = self._connection.execute(sa.update(_LIMITS).where(*key).values(items=items))
        if changed.rowcount == 0:
            values = {"member_id": member_id, "resource": resource, "items": items}
            self._connection.execute(sa.insert(_LIMITS).values(values))

    def evaluation_contents(self, requests: Sequence[RequestKey]) -> dict[RequestKey, bytes]:
        """Give the content digests of those requests that were admitted before."""
        asked: dict[str, list[bytes]] = defaultdict(list)
        for member_id, request_id in requests:
            asked[member_id].append(request_id)
        return {
            (member_id, request_id): content
            for member_id, ids in asked.items()
            for request_id, content in _EVALUATION_CONTENTS.run(self._connection, ids, member=member_id)
        }

    def add_evaluations(self, evaluations: Sequence[Evaluation], now: int) -> None:
        """Remember evaluations."""
        rows = [(it.member_id, it.request_id, it.content_sha256, it.header, now) for it in evaluations]
        _ADD_EVALUATIONS.run(self._connection, rows)

    def add_credit(self, member_id: str, epoch: int, evaluations: int) -> None:
        """Add contribution evaluations."""
        changed = self._connection.execute(
            sa.update(_CREDITS)
            .where(_CREDITS.c.member_id == member_id, _CREDITS.c.epoch == epoch)
            .values(remaining=_CREDITS.c.remaining + evaluations)
        )
        if changed.rowcount == 0:
            values = {"member_id": member_id, "epoch": epoch, "remaining": evaluations}
            self._connection.execute(sa.insert(_CREDITS).values(values))

    def credit(self, member_id: str, epoch: int) -> int:
        """Give the evaluations that rows may still be filed for."""
        key = (_CREDITS.c.member_id == member_id, _CREDITS.c.epoch == epoch)
        return self._connection.execute(sa.select(_CREDITS.c.remaining).where(*key)).scalar() or 0

    def spend_credit(self, member_id: str, epoch: int, rows: int) -> int:
        """Take up to `rows` evaluations; returns how many were left to take."""
        key = (_CREDITS.c.member_id == member_id, _CREDITS.c.epoch == epoch)
        remaining = self._connection.execute(sa.select(_CREDITS.c.remaining).where(*key).with_for_update()).scalar()
        taken = min(rows, remaining or 0)
        if taken:
            self._connection.execute(sa.update(_CREDITS).where(*key).values(remaining=_CREDITS.c.remaining - taken))
        return taken


class SqlLeases:
    """Work that must happen once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def acquire(self, name: str, holder: str, now: int, until: int) -> bool:
        """Take or renew a lease; false where another holds it.

        One that ends ten terms ahead was taken by a clock that went wrong, and holds nothing up.
        """
        latest = now + 10 * (until - now)
        ended = sa.or_(_LEASES.c.holder == holder, _LEASES.c.expires_at <= now, _LEASES.c.expires_at > latest)
        taken = self._connection.execute(
            sa.update(_LEASES).where(_LEASES.c.name == name, ended).values(holder=holder, expires_at=until)
        )
        if taken.rowcount:
            return True
        if self._connection.execute(sa.select(_LEASES.c.name).where(_LEASES.c.name == name)).first() is not None:
            return False
        self._connection.execute(sa.insert(_LEASES).values(name=name, holder=holder, expires_at=until))
        return True

    def release(self, name: str, holder: str) -> None:
        """Give a lease back, where the holder has it."""
        self._connection.execute(sa.delete(_LEASES).where(_LEASES.c.name == name, _LEASES.c.holder == holder))
