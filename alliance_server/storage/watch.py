"""Volumes by the hour, declared business, standings and alarms in SQL.

The hours are read off the budgets, which every charge writes anyway: nothing is added to a call. An hour's items are
the day's total less what the hours before it had, so a refund counts in the hour in which it came, and what nobody
looked at for a while counts in the hour in which somebody looked again.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, fields, replace

import sqlalchemy as sa

from alliance.disputes import DisputeState
from alliance.taxonomy import EvidenceLevel
from alliance_server.domain.alarms import (
    HOUR_MS,
    HOURS_A_DAY,
    KEPT_DAYS,
    NIGHT_HOURS,
    Alarm,
    AlarmKind,
    DayOfUse,
    Finding,
)
from alliance_server.domain.quotas import Resource
from alliance_server.domain.reciprocity import FRESH_MS, YEAR_MS, Age, Business, Given, Standing, Tier
from alliance_server.storage.tables import (
    LIVE_NUMBERS,
    AlarmTable,
    BudgetTable,
    BusinessTable,
    ClaimTable,
    DisputeTable,
    StandingTable,
    UsageHourTable,
    table_of,
)

_ALARMS = table_of(AlarmTable)
_BUDGETS = table_of(BudgetTable)
_BUSINESSES = table_of(BusinessTable)
_CLAIMS = table_of(ClaimTable)
_DISPUTES = table_of(DisputeTable)
_HOURS = table_of(UsageHourTable)
_STANDINGS = table_of(StandingTable)
_STANDING_COLUMNS = [_STANDINGS.c[field.name] for field in fields(Standing)]
_AGAINST_CONTRIBUTOR = sorted(
    int(state)
    for state in (
        DisputeState.CORRECTED,
        DisputeState.WITHDRAWN,
        DisputeState.RECALLED,
        DisputeState.CLAIM_SUSPENDED,
    )
)


class SqlWatch:
    """What is watched of members."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # -- volumes -------------------------------------------------------------------------------------------------

    def count_hours(self, now: int) -> None:
        """Bring the counts of today and yesterday up to the budgets, and forget those that are too old."""
        hour = now // HOUR_MS
        day = hour // HOURS_A_DAY
        self._count(day - 1, day * HOURS_A_DAY - 1)
        self._count(day, hour)
        self._connection.execute(sa.delete(_HOURS).where(_HOURS.c.hour < hour - KEPT_DAYS * HOURS_A_DAY))

    def _count(self, day: int, hour: int) -> None:
        """Give an hour what its day has beyond the day's hours before it."""
        columns = _HOURS.c
        before = (
            sa.select(columns.member_id, columns.resource, sa.func.sum(columns["items"]).label("items"))
            .where(columns.hour >= day * HOURS_A_DAY, columns.hour < hour)
            .group_by(columns.member_id, columns.resource)
            .subquery()
        )
        same = (before.c.member_id == _BUDGETS.c.member_id, before.c.resource == _BUDGETS.c.resource)
        items = _BUDGETS.c.used - sa.func.coalesce(before.c["items"], 0)
        rows = self._connection.execute(
            sa.select(_BUDGETS.c.member_id, _BUDGETS.c.resource, items.label("items"))
            .select_from(_BUDGETS.outerjoin(before, sa.and_(*same)))
            .where(_BUDGETS.c.day == day, items != 0)
        )
        counted = [
            {"member_id": member_id, "resource": resource, "hour": hour, "items": int(count)}
            for member_id, resource, count in rows
        ]
        self._connection.execute(sa.delete(_HOURS).where(columns.hour == hour))
        if counted:
            self._connection.execute(sa.insert(_HOURS), counted)

    def today(self, day: int) -> dict[str, dict[int, dict[int, int]]]:
        """Give the items of a day by member, resource and hour."""
        of_day = (_HOURS.c.hour >= day * HOURS_A_DAY, _HOURS.c.hour < (day + 1) * HOURS_A_DAY)
        found: dict[str, dict[int, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
        for row in self._connection.execute(sa.select(_HOURS).where(*of_day)):
            found[row.member_id][row.resource][row.hour] = row._mapping["items"]
        return found

    def history(self, since: int, until: int, night_utc: int) -> dict[str, dict[int, list[DayOfUse]]]:
        """Give what was used on days in [since, until), by member and resource, where anything was."""
        columns = _HOURS.c
        # Added before the remainder is taken: that of a negative number is another one in SQL.
        in_night = (columns.hour + HOURS_A_DAY - night_utc) % HOURS_A_DAY < NIGHT_HOURS
        hours = (
            sa.select(
                columns.member_id,
                columns.resource,
                (columns.hour // HOURS_A_DAY).label("day"),
                columns["items"].label("count"),
                sa.case((in_night, columns["items"]), else_=0).label("night"),
            )
            .where(columns.hour >= since * HOURS_A_DAY, columns.hour < until * HOURS_A_DAY)
            .subquery()
            .c
        )
        items = sa.func.sum(hours["count"])
        rows = self._connection.execute(
            sa.select(
                hours.member_id, hours.resource, hours.day, items, sa.func.max(hours["count"]), sa.func.sum(hours.night)
            )
            .group_by(hours.member_id, hours.resource, hours.day)
            .having(items > 0)
        )
        found: dict[str, dict[int, list[DayOfUse]]] = defaultdict(lambda: defaultdict(list))
        for member_id, resource, _, total, busiest, at_night in rows:
            found[member_id][resource].append(DayOfUse(int(total), int(busiest), int(at_night)))
        return found

    def queried(self, since: int, resources: Sequence[int]) -> dict[str, int]:
        """Give the items used of these resources from a day on, by member."""
        columns = _BUDGETS.c
        rows = self._connection.execute(
            sa.select(columns.member_id, sa.func.sum(columns.used))
            .where(columns.day >= since, columns.resource.in_([int(it) for it in resources]))
            .group_by(columns.member_id)
        )
        return {member_id: int(used) for member_id, used in rows}

    # -- business ------------------------------------------------------------------------------------------------

    def businesses(self) -> dict[str, Business]:
        """Give what was declared, by member."""
        rows = self._connection.execute(sa.select(_BUSINESSES))
        return {row.member_id: Business(row.applications_a_day, row.customers) for row in rows}

    def business(self, member_id: str) -> Business:
        """Give a member's declared business."""
        query = sa.select(_BUSINESSES).where(_BUSINESSES.c.member_id == member_id)
        row = self._connection.execute(query).first()
        return Business() if row is None else Business(row.applications_a_day, row.customers)

    def declare(self, member_id: str, business: Business) -> None:
        """Declare a member's business."""
        self._connection.execute(sa.delete(_BUSINESSES).where(_BUSINESSES.c.member_id == member_id))
        self._connection.execute(sa.insert(_BUSINESSES).values(member_id=member_id, **business._asdict()))

    # -- standings -----------------------------------------------------------------------------------------------

    def given(self, member_id: str, now: int) -> Given:
        """Give what a member has contributed, in the epoch in which it is worth most: re-tagging doubles nothing."""
        columns = _CLAIMS.c
        tags = (
            sa.select(
                columns.epoch,
                sa.func.max(columns.evidence_level).label("level"),
                sa.func.max(columns.filed_at).label("filed_at"),
            )
            .where(columns.contributor == member_id, columns.status.in_(LIVE_NUMBERS), columns.expires_at > now)
            .group_by(columns.epoch, columns.tag)
            .subquery()
        )
        age = sa.case(
            (tags.c.filed_at > now - FRESH_MS, int(Age.FRESH)),
            (tags.c.filed_at > now - YEAR_MS, int(Age.YEAR)),
            else_=int(Age.OLD),
        )
        aged = sa.select(tags.c.epoch, tags.c.level, age.label("age")).subquery().c
        counts = sa.select(aged.epoch, aged.level, aged.age, sa.func.count()).group_by(aged.epoch, aged.level, aged.age)
        by_epoch: dict[int, dict[tuple[EvidenceLevel, Age], int]] = defaultdict(dict)
        for epoch, level, how_old, count in self._connection.execute(counts):
            by_epoch[epoch][EvidenceLevel(level), Age(how_old)] = count
        most = max((Given(it) for it in by_epoch.values()), key=lambda it: it.points, default=Given({}))
        return replace(most, upheld_disputes=self._upheld_disputes(member_id, now))

    def _upheld_disputes(self, contributor: str, now: int) -> int:
        """Count the disputes of the last year that ended a contributor's claims, or had a reviewer suspend them."""
        columns = _DISPUTES.c
        against = (columns.state.in_(_AGAINST_CONTRIBUTOR), columns.closed_at > now - YEAR_MS)
        query = sa.select(sa.func.count()).where(columns.contributor == contributor, *against)
        return self._connection.execute(query).scalar_one()

    def standing(self, member_id: str) -> Standing | None:
        """Give a member's standing; None where it was not computed yet."""
        query = sa.select(*_STANDING_COLUMNS).where(_STANDINGS.c.member_id == member_id)
        row = self._connection.execute(query).first()
        return None if row is None else _standing(row)

    def last_standing(self) -> Standing | None:
        """Give one of the standings that were computed last; None where there are none."""
        row = self._connection.execute(sa.select(*_STANDING_COLUMNS).limit(1)).first()
        return None if row is None else _standing(row)

    def save_standings(self, standings: Sequence[Standing]) -> None:
        """Put standings in the place of all that there are."""
        self._connection.execute(sa.delete(_STANDINGS))
        if standings:
            self._connection.execute(sa.insert(_STANDINGS), [asdict(it) for it in standings])

    # -- alarms --------------------------------------------------------------------------------------------------

    def raise_alarm(self, member_id: str, finding: Finding, day: int, now: int) -> bool:
        """Keep an alarm; false where there is one of the member, the kind and the day."""
        key = {"member_id": member_id, "kind": int(finding.kind), "day": day}
        known = sa.select(_ALARMS.c.id).where(*(_ALARMS.c[name] == value for name, value in key.items()))
        if self._connection.execute(known).first() is not None:
            return False
        values = {**finding._asdict(), **key, "raised_at": now, "acknowledged_by": "", "acknowledgement": ""}
        self._connection.execute(sa.insert(_ALARMS).values(values))
        return True

    def alarm(self, alarm_id: int) -> Alarm | None:
        """Give an alarm. Held until the unit of work ends."""
        row = self._connection.execute(sa.select(_ALARMS).where(_ALARMS.c.id == alarm_id).with_for_update()).first()
        return None if row is None else _alarm(row)

    def alarms(self, after: int, limit: int, *, open_only: bool) -> list[Alarm]:
        """Give alarms after an id, oldest first."""
        query = sa.select(_ALARMS).where(_ALARMS.c.id > after)
        if open_only:
            query = query.where(_ALARMS.c.acknowledged_at.is_(None))
        return [_alarm(row) for row in self._connection.execute(query.order_by(_ALARMS.c.id).limit(limit))]

    def acknowledge(self, alarm_id: int, admin: str, reason: str, now: int) -> None:
        """Keep the acknowledgement of an alarm."""
        values = {"acknowledged_by": admin, "acknowledged_at": now, "acknowledgement": reason}
        self._connection.execute(sa.update(_ALARMS).where(_ALARMS.c.id == alarm_id).values(values))


def _standing(row: sa.Row[tuple[object, ...]]) -> Standing:
    return Standing(**{**row._mapping, "tier": Tier(row.tier)})


def _alarm(row: sa.Row[tuple[object, ...]]) -> Alarm:
    it = row._mapping
    resource = None if it["resource"] is None else Resource(it["resource"])
    finding = Finding(AlarmKind(it["kind"]), resource, it["observed"], it["threshold"], it["since"])
    acknowledged = (it["acknowledged_by"], it["acknowledged_at"], it["acknowledgement"])
    return Alarm(it["id"], it["member_id"], finding, it["raised_at"], *acknowledged)
