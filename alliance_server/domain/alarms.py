"""Alarms: a member's volumes against its own history and its declared business, so that enumeration is seen.

Rules:

1. Counts alone: items by member, resource and hour. No alarm says what was asked.
2. What is usual is the median of the days on which a member used a resource, of the last 28; it takes seven of them.
   Medians and their deviations are not moved by a single day, so an attack does not make itself usual.
3. Each resource is held against its own history: a portfolio is screened once a month, applications come every day.
4. A member whose business nobody declared is held against that of a small one.
5. Small numbers are no alarm: below 1,000 identifiers nobody enumerates.

All numbers are whole; the thresholds stand here and nowhere else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from statistics import median_low
from typing import NamedTuple

from alliance.v1 import quota_pb2
from alliance_server.domain.quotas import Resource
from alliance_server.domain.reciprocity import (
    APPLICATIONS,
    CUSTOMERS,
    IDENTIFIERS_AN_APPLICATION,
    QUESTIONS,
    Business,
)

HOUR_MS = 60 * 60 * 1000
HOURS_A_DAY = 24
HISTORY_DAYS = 28
KEPT_DAYS = 90
NIGHT_HOURS = 6
IDENTIFIERS_A_CUSTOMER = 4
UNDECLARED = Business(applications_a_day=2_000, customers=250_000)

_LEAST_DAYS = 7
_LEAST_ITEMS = 1_000
_TIMES_USUAL = 4
_DEVIATIONS = 8
_MANY_BUCKETS_LEAST, _MANY_BUCKETS_PERCENT = 2_000, 30
_FEW_BUCKETS_LEAST, _FEW_BUCKETS_ONE_IN = 50_000, 5_000
_WITHOUT_ROWS_LEAST = 5_000


class AlarmKind(IntEnum):
    """What an alarm is about, with the wire's numbers."""

    HOUR_ABOVE_USUAL = quota_pb2.ALARM_KIND_HOUR_ABOVE_USUAL
    DAY_ABOVE_USUAL = quota_pb2.ALARM_KIND_DAY_ABOVE_USUAL
    BEYOND_BUSINESS = quota_pb2.ALARM_KIND_BEYOND_BUSINESS
    AT_NIGHT = quota_pb2.ALARM_KIND_AT_NIGHT
    MANY_BUCKETS = quota_pb2.ALARM_KIND_MANY_BUCKETS
    FEW_BUCKETS = quota_pb2.ALARM_KIND_FEW_BUCKETS
    CONTRIBUTION_WITHOUT_ROWS = quota_pb2.ALARM_KIND_CONTRIBUTION_WITHOUT_ROWS

    @property
    def word(self) -> str:
        """The word for it."""
        return self.name.lower()


class DayOfUse(NamedTuple):
    """What a member used of a resource on a UTC day."""

    items: int
    busiest: int
    """Items of the busiest hour."""
    night: int
    """Items within the six hours of the night."""


class Finding(NamedTuple):
    """What is alarming: what was counted, above (or below) what, and since when in milliseconds UTC."""

    kind: AlarmKind
    resource: Resource | None
    observed: int
    threshold: int
    since: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it is kept; times in milliseconds UTC."""

    id: int
    member_id: str
    finding: Finding
    raised_at: int
    acknowledged_by: str = ""
    acknowledged_at: int | None = None
    acknowledgement: str = ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """A member's traffic: today by resource and hour since 1970, and the days before on which it used a resource."""

    day: int
    hours: Mapping[Resource, Mapping[int, int]]
    history: Mapping[Resource, Sequence[DayOfUse]]
    business: Business
    night_utc: int
    """Hour of the UTC day at which the night begins where the members are."""

    def today(self, resource: Resource) -> int:
        """Give the items so far; never less than 0, though refunds may come an hour after what they refund."""
        return max(0, sum(self.hours.get(resource, {}).values()))

    def total(self, resources: Sequence[Resource]) -> int:
        """Give the items of several resources so far."""
        return sum(map(self.today, resources))

    @property
    def midnight(self) -> int:
        """When the day began, milliseconds UTC."""
        return self.day * HOURS_A_DAY * HOUR_MS


def is_night(hour: int, night_utc: int) -> bool:
    """Tell whether an hour since 1970 is within the night."""
    return (hour - night_utc) % HOURS_A_DAY < NIGHT_HOURS


def measured(business: Business) -> Business:
    """Give what volumes are held against: what is not declared is taken for `UNDECLARED`."""
    return Business(*(stated or usual for stated, usual in zip(business, UNDECLARED, strict=True)))


def found(traffic: Traffic) -> list[Finding]:
    """Give what is alarming about a member's day so far, each kind once: the first that shows."""
    first: dict[AlarmKind, Finding] = {}
    for finding in (*_above_usual(traffic), *_beyond_business(traffic), *_buckets(traffic), *_without_rows(traffic)):
        first.setdefault(finding.kind, finding)
    return list(first.values())


def _limit(past: Sequence[int]) -> int | None:
    """Give what a usual number may rise to; None where there is too little history."""
    if len(past) < _LEAST_DAYS:
        return None
    usual = median_low(past)
    deviation = median_low([abs(number - usual) for number in past])
    return max(_LEAST_ITEMS, _TIMES_USUAL * usual, usual + _DEVIATIONS * deviation)


def _above_usual(traffic: Traffic) -> Iterator[Finding]:
    for resource in QUESTIONS:
        past = traffic.history.get(resource, ())
        hours = traffic.hours.get(resource, {})
        an_hour, a_day = _limit([it.busiest for it in past]), _limit([it.items for it in past])
        if an_hour is None or a_day is None or not hours:
            continue
        busiest = max(hours, key=lambda hour: hours[hour])
        if hours[busiest] > an_hour:
            since = busiest * HOUR_MS
            yield Finding(AlarmKind.HOUR_ABOVE_USUAL, resource, hours[busiest], an_hour, since)
        if traffic.today(resource) > a_day:
            yield Finding(AlarmKind.DAY_ABOVE_USUAL, resource, traffic.today(resource), a_day, traffic.midnight)
        night = {hour: items for hour, items in hours.items() if is_night(hour, traffic.night_utc)}
        at_night = max(_limit([it.night for it in past]) or 0, median_low([it.items for it in past]) // 2)
        if sum(night.values()) > at_night:
            yield Finding(AlarmKind.AT_NIGHT, resource, sum(night.values()), at_night, min(night) * HOUR_MS)


def _beyond_business(traffic: Traffic) -> Iterator[Finding]:
    applications, customers = measured(traffic.business)
    for resources, limit in (
        (APPLICATIONS, applications * IDENTIFIERS_AN_APPLICATION),
        (CUSTOMERS, customers * IDENTIFIERS_A_CUSTOMER),
    ):
        asked, most = traffic.total(resources), max(_LEAST_ITEMS, limit)
        if asked > most:
            yield Finding(AlarmKind.BEYOND_BUSINESS, max(resources, key=traffic.today), asked, most, traffic.midnight)


def _buckets(traffic: Traffic) -> Iterator[Finding]:
    """Look at how many buckets were fetched: a harvester fetches many, one who only tries numbers next to none."""
    asked, fetched = traffic.total(QUESTIONS), traffic.today(Resource.BUCKET_PREFIXES)
    many = max(_MANY_BUCKETS_LEAST, asked * _MANY_BUCKETS_PERCENT // 100)
    if fetched > many:
        yield Finding(AlarmKind.MANY_BUCKETS, Resource.BUCKET_PREFIXES, fetched, many, traffic.midnight)
    if asked >= _FEW_BUCKETS_LEAST and fetched < asked // _FEW_BUCKETS_ONE_IN:
        few = asked // _FEW_BUCKETS_ONE_IN
        yield Finding(AlarmKind.FEW_BUCKETS, Resource.BUCKET_PREFIXES, fetched, few, traffic.midnight)


def _without_rows(traffic: Traffic) -> Iterator[Finding]:
    left, refunded = traffic.today(Resource.CONTRIBUTION), traffic.today(Resource.CONTRIBUTION_REFUNDS)
    most = max(_WITHOUT_ROWS_LEAST, refunded)
    if left > most:
        yield Finding(AlarmKind.CONTRIBUTION_WITHOUT_ROWS, Resource.CONTRIBUTION, left, most, traffic.midnight)
