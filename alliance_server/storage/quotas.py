"""Budgets, contribution credit, the replay cache and leases in SQL.

Statements of every evaluation are built once, here: building one costs more than running it.
"""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from alliance_server.domain.evaluations import REQUEST_ID_BYTES, Evaluation, RequestKey
from alliance_server.domain.quotas import Charged, Resource
from alliance_server.storage import bulk
from alliance_server.storage.tables import (
    BudgetTable,
    BurstTable,
    CreditTable,
    EvaluationTable,
    LeaseTable,
    LimitTable,
    StandingTable,
    table_of,
)

_BUDGETS = table_of(BudgetTable)
_BURSTS = table_of(BurstTable)
_CREDITS = table_of(CreditTable)
_EVALUATIONS = table_of(EvaluationTable)
_LEASES = table_of(LeaseTable)
_LIMITS = table_of(LimitTable)
_STANDINGS = table_of(StandingTable)


def _own(table: sa.Table) -> sa.ScalarSelect[int]:
    of_member = (table.c.member_id == sa.bindparam("member"), table.c.resource == sa.bindparam("limits_of"))
    return sa.select(table.c["items"]).where(*of_member).scalar_subquery()


_OWN_LIMIT, _OWN_BURST = _own(_LIMITS).label("own_limit"), _own(_BURSTS).label("own_burst")
_OWN_PERCENT = (
    sa.select(_STANDINGS.c.budget_percent)
    .where(_STANDINGS.c.member_id == sa.bindparam("member"), _STANDINGS.c.is_in_force)
    .scalar_subquery()
    .label("own_percent")
)
_OWN = sa.select(_OWN_LIMIT, _OWN_BURST, _OWN_PERCENT)
_TODAY = (
    _BUDGETS.c.member_id == sa.bindparam("member"),
    _BUDGETS.c.resource == sa.bindparam("what"),
    _BUDGETS.c.day == sa.bindparam("on"),
)
_FULL_AT = sa.case((_BUDGETS.c.full_at > sa.bindparam("now"), _BUDGETS.c.full_at), else_=sa.bindparam("now"))
_CHARGE = (
    sa.update(_BUDGETS)
    .where(*_TODAY)
    .values(used=_BUDGETS.c.used + sa.bindparam("items"), full_at=_FULL_AT + sa.bindparam("ahead"))
    .returning(_BUDGETS.c.used, _OWN_LIMIT, _OWN_BURST, _OWN_PERCENT, _BUDGETS.c.full_at)
)
_ENDED = sa.or_(
    _LEASES.c.holder == sa.bindparam("taker"),
    _LEASES.c.expires_at <= sa.bindparam("now"),
    _LEASES.c.expires_at > sa.bindparam("latest"),
)
_TAKE = (
    sa.update(_LEASES)
    .where(_LEASES.c.name == sa.bindparam("wanted"), _ENDED)
    .values(holder=sa.bindparam("taker"), expires_at=sa.bindparam("until"))
)
_SETTLE = sa.update(_BUDGETS).where(*_TODAY).values(used=sa.bindparam("to"), full_at=sa.bindparam("full"))
_EVALUATION_CONTENTS = bulk.Lookup(
    _EVALUATIONS, "request_id, content_sha256", "member_id = :member AND request_id = {key}", REQUEST_ID_BYTES
)
_ADD_EVALUATIONS = bulk.Insertion(_EVALUATIONS, ("member_id", "request_id", "content_sha256", "header", "received_at"))


class SqlQuotas:
    """Budgets, contribution credit and the replay cache."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def charge(self, member_id: str, resource: int, day: int, items: int, now: int = 0, item_us: int = 0) -> Charged:
        """Add items (or take them back, where negative) and give what is so then. Held until the unit of work ends."""
        parameters = {"member": member_id, "what": resource, "on": day, "items": items}
        changes = parameters | {"now": now, "ahead": items * item_us, "limits_of": Resource(resource).base}
        row = self._connection.execute(_CHARGE, changes).first()
        return Charged(*row) if row is not None else self._first_of_day(member_id, resource, day, items, now, item_us)

    def _first_of_day(self, member_id: str, resource: int, day: int, items: int, now: int, item_us: int) -> Charged:
        """Begin a day's row; the bucket is as full as the day before left it."""
        yesterday = sa.select(_BUDGETS.c.full_at).where(*_TODAY)
        before = self._connection.execute(yesterday, {"member": member_id, "what": resource, "on": day - 1}).scalar()
        full_at = max(before or 0, now) + items * item_us
        values = {"member_id": member_id, "resource": resource, "day": day, "used": items, "full_at": full_at}
        self._connection.execute(sa.insert(_BUDGETS).values(values))
        return self.own(member_id, resource)._replace(total=items, full_at=full_at)

    def settle(self, member_id: str, resource: int, day: int, used: int, full_at: int) -> None:
        """Put a day's row, which a charge holds, right."""
        key = {"member": member_id, "what": resource, "on": day}
        self._connection.execute(_SETTLE, key | {"to": used, "full": full_at})

    def buckets(self, member_id: str, day: int) -> dict[int, int]:
        """Give when a member's buckets will be full, microseconds UTC, by resource, as the last two days left them."""
        columns = _BUDGETS.c
        rows = self._connection.execute(
            sa.select(columns.resource, sa.func.max(columns.full_at))
            .where(columns.member_id == member_id, columns.day.in_((day - 1, day)))
            .group_by(columns.resource)
        )
        return {row[0]: row[1] for row in rows}

    def own(self, member_id: str, resource: int) -> Charged:
        """Give a member's own limits; None where it has none of its own."""
        row = self._connection.execute(_OWN, {"member": member_id, "limits_of": Resource(resource).base}).one()
        return Charged(0, row.own_limit, row.own_burst, row.own_percent)

    def used(self, member_id: str, resource: int, day: int) -> int:
        """Give the items used on a day."""
        columns = _BUDGETS.c
        key = (columns.member_id == member_id, columns.resource == resource, columns.day == day)
        return self._connection.execute(sa.select(columns.used).where(*key)).scalar() or 0

    def used_since(self, member_id: str, resources: Sequence[int], day: int) -> int:
        """Give the items of these resources used from a day on."""
        columns = _BUDGETS.c
        key = (columns.member_id == member_id, columns.resource.in_(list(map(int, resources))), columns.day >= day)
        return int(self._connection.execute(sa.select(sa.func.sum(columns.used)).where(*key)).scalar() or 0)

    def set_limit(self, member_id: str, resource: int, items: int) -> None:
        """Give a member a limit of its own."""
        self._set(_LIMITS, member_id, resource, items)

    def set_burst(self, member_id: str, resource: int, items: int) -> None:
        """Give a member a bucket of its own size."""
        self._set(_BURSTS, member_id, resource, items)

    def _set(self, table: sa.Table, member_id: str, resource: int, items: int) -> None:
        key = (table.c.member_id == member_id, table.c.resource == resource)
        changed = self._connection.execute(sa.update(table).where(*key).values(items=items))
        if changed.rowcount == 0:
            values = {"member_id": member_id, "resource": resource, "items": items}
            self._connection.execute(sa.insert(table).values(values))

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

    def add_credit(self, member_id: str, epoch: int, evaluations: int, *, retagging: bool = False) -> None:
        """Add evaluations for rows to be filed: for new claims, or for re-tagged ones; each pays for its own."""
        kept_under = _kept_under(epoch, retagging=retagging)
        changed = self._connection.execute(
            sa.update(_CREDITS)
            .where(_CREDITS.c.member_id == member_id, _CREDITS.c.epoch == kept_under)
            .values(remaining=_CREDITS.c.remaining + evaluations)
        )
        if changed.rowcount == 0:
            values = {"member_id": member_id, "epoch": kept_under, "remaining": evaluations}
            self._connection.execute(sa.insert(_CREDITS).values(values))

    def credit(self, member_id: str, epoch: int, *, retagging: bool = False) -> int:
        """Give the evaluations that rows may still be filed for."""
        key = (_CREDITS.c.member_id == member_id, _CREDITS.c.epoch == _kept_under(epoch, retagging=retagging))
        return self._connection.execute(sa.select(_CREDITS.c.remaining).where(*key)).scalar() or 0

    def drop_credits(self, epoch: int) -> None:
        """Forget what rows of an epoch could be filed for."""
        self._connection.execute(sa.delete(_CREDITS).where(_CREDITS.c.epoch.in_((epoch, -epoch))))

    def spend_credit(self, member_id: str, epoch: int, rows: int, *, retagging: bool = False) -> int:
        """Take up to `rows` evaluations; returns how many were left to take."""
        key = (_CREDITS.c.member_id == member_id, _CREDITS.c.epoch == _kept_under(epoch, retagging=retagging))
        remaining = self._connection.execute(sa.select(_CREDITS.c.remaining).where(*key).with_for_update()).scalar()
        taken = min(rows, remaining or 0)
        if taken:
            self._connection.execute(sa.update(_CREDITS).where(*key).values(remaining=_CREDITS.c.remaining - taken))
        return taken


def _kept_under(epoch: int, *, retagging: bool) -> int:
    """Give the number under which an epoch's credit is kept."""
    return -epoch if retagging else epoch


class SqlLeases:
    """Work that must happen once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def acquire(self, name: str, holder: str, now: int, until: int) -> bool:
        """Take or renew a lease; false where another holds it.

        One that ends ten terms ahead was taken by a clock that went wrong, and holds nothing up.
        """
        wanted = {"wanted": name, "taker": holder, "now": now, "until": until, "latest": now + 10 * (until - now)}
        if self._connection.execute(_TAKE, wanted).rowcount:
            return True
        if self._connection.execute(sa.select(_LEASES.c.name).where(_LEASES.c.name == name)).first() is not None:
            return False
        self._connection.execute(sa.insert(_LEASES).values(name=name, holder=holder, expires_at=until))
        return True

    def release(self, name: str, holder: str) -> None:
        """Give a lease back, where the holder has it."""
        self._connection.execute(sa.delete(_LEASES).where(_LEASES.c.name == name, _LEASES.c.holder == holder))
