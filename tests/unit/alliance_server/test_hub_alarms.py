"""Alarms on simulated traffic: ordinary lenders raise none in two months, enumerators do within the hour or the day."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from alliance_server.domain.alarms import (
    HISTORY_DAYS,
    HOUR_MS,
    HOURS_A_DAY,
    AlarmKind,
    DayOfUse,
    Finding,
    Traffic,
    found,
    is_night,
)
from alliance_server.domain.quotas import Resource
from alliance_server.domain.reciprocity import Business

FIRST_DAY = 20_500
NIGHT_UTC = 16
DAYS = 60
ATTACK_DAY = 40
_OFFICE = {hour: 1 + (hour in (2, 3, 6, 7)) for hour in range(1, 11)}
"""Nine to seven in Beijing, busiest at ten and at three; hours of the UTC day with their weights."""
Hours = dict[int, int]


@dataclass
class Lender:
    """What a lender does on a day: items by resource, and the hours in which they come."""

    business: Business
    day: Callable[[int, random.Random], dict[Resource, int]]
    hours: dict[int, int] = field(default_factory=lambda: _OFFICE)


def spread(total: int, weights: dict[int, int], dice: random.Random) -> Hours:
    """Spread a day's items over its hours, with some noise."""
    noisy = {hour: weight * dice.uniform(0.7, 1.3) for hour, weight in weights.items()}
    return {hour: round(total * weight / sum(noisy.values())) for hour, weight in noisy.items()}


def rhythm(number: int) -> float:
    """Weekends are quiet, the end of a month is not."""
    weekend = 0.3 if (number + 4) % 7 in (5, 6) else 1.0
    return 2.5 if number % 30 in (28, 29) else weekend


def office(applications: int, growth: float = 0.0) -> Callable[[int, random.Random], dict[Resource, int]]:
    """Applications of three identifiers a day, and as many buckets as cover and hits make."""

    def day(number: int, dice: random.Random) -> dict[Resource, int]:
        level = 1 + growth * number / DAYS
        items = round(applications * 3 * rhythm(number) * level * dice.uniform(0.85, 1.15))
        return {Resource.LOAN_APPLICATION: items, Resource.BUCKET_PREFIXES: round(items * dice.uniform(0.011, 0.04))}

    return day


def with_monthly_portfolio(customers: int) -> Callable[[int, random.Random], dict[Resource, int]]:
    ordinary = office(customers // 200)

    def day(number: int, dice: random.Random) -> dict[Resource, int]:
        items = ordinary(number, dice)
        if number % 30 == 12:
            items[Resource.PORTFOLIO_SCREENING] = customers * 3
            items[Resource.BUCKET_PREFIXES] += customers // 20
        return items

    return day


def contributor(number: int, dice: random.Random) -> dict[Resource, int]:
    """Contributes every week, some of it known already."""
    items = office(300)(number, dice)
    if number % 7 == 2:
        items |= {Resource.CONTRIBUTION: 900, Resource.CONTRIBUTION_REFUNDS: 20_000}
    return items


ORDINARY = {
    "a small lender": Lender(Business(40, 5_000), office(40)),
    "a large lender": Lender(Business(20_000, 2_000_000), office(20_000)),
    "one that doubles in two months": Lender(Business(1_500, 100_000), office(1_000, growth=1.0)),
    "one that doubles in a month": Lender(Business(2_000, 100_000), office(800, growth=2.0)),
    "one with a monthly portfolio": Lender(Business(2_000, 200_000), with_monthly_portfolio(200_000)),
    "one whose batches run at night": Lender(Business(3_000, 100_000), office(3_000), {17: 1, 18: 3, 19: 1}),
    "one that contributes every week": Lender(Business(300, 30_000), contributor),
    "one of which nothing was declared": Lender(Business(), office(1_500)),
}


@dataclass
class Run:
    """What was found, by day and hour of the day."""

    findings: list[tuple[int, int, Finding]]

    def first(self, *kinds: AlarmKind) -> tuple[int, int] | None:
        return next(((day, hour) for day, hour, it in self.findings if not kinds or it.kind in kinds), None)


def simulated(lender: Lender, seed: int, extra: Callable[[int, int], dict[Resource, int]] = lambda _d, _h: {}) -> Run:
    """Let a lender work for two months, looked at every hour; `extra` comes on top, by day and hour."""
    dice, findings = random.Random(seed), []  # noqa: S311 - a simulation
    history: dict[Resource, list[DayOfUse]] = defaultdict(list)
    for number in range(DAYS):
        day = FIRST_DAY + number
        planned = {it: spread(total, lender.hours, dice) for it, total in lender.day(number, dice).items()}
        hours: dict[Resource, Hours] = defaultdict(dict)
        for hour in range(HOURS_A_DAY):
            at = day * HOURS_A_DAY + hour
            for resource in Resource:
                items = planned.get(resource, {}).get(hour, 0) + extra(number, hour).get(resource, 0)
                if items:
                    hours[resource][at] = items
            traffic = Traffic(
                day, hours, {it: past[-HISTORY_DAYS:] for it, past in history.items()}, lender.business, NIGHT_UTC
            )
            findings += [(number, hour, it) for it in found(traffic)]
        for resource, of_day in hours.items():
            night = sum(items for at, items in of_day.items() if is_night(at, NIGHT_UTC))
            history[resource].append(DayOfUse(sum(of_day.values()), max(of_day.values()), night))
    return Run(findings)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_lenders_raise_no_alarm(name: str, seed: int) -> None:
    assert simulated(ORDINARY[name], seed).findings == []


def attack(per_hour: int, hours: range, *, bucket_share: float = 0.01) -> Callable[[int, int], dict[Resource, int]]:
    def extra(number: int, hour: int) -> dict[Resource, int]:
        if number != ATTACK_DAY or hour not in hours:
            return {}
        return {
            Resource.LOAN_APPLICATION: per_hour,
            Resource.BUCKET_PREFIXES: round(per_hour * bucket_share),
        }

    return extra


def test_five_times_the_usual_is_seen_within_the_hour() -> None:
    lender = ORDINARY["a large lender"]
    busiest = 20_000 * 3 * 2 // 14  # four of ten hours weigh double
    run = simulated(lender, 1, attack(5 * busiest, range(2, 11)))
    assert run.first() == (ATTACK_DAY, 2)
    assert run.findings[0][2].kind is AlarmKind.HOUR_ABOVE_USUAL


def test_going_beyond_the_declared_business_is_seen_within_the_hour() -> None:
    """Also of a newcomer, who has no history yet."""
    lender = Lender(Business(500, 1_000), office(500))
    run = simulated(lender, 2, lambda number, hour: attack(6_500, range(4, 5))(number + ATTACK_DAY - 1, hour))
    assert run.first(AlarmKind.BEYOND_BUSINESS) == (1, 4)


def test_slow_enumeration_within_the_budget_is_seen_within_the_day() -> None:
    lender = Lender(Business(500, 1_000), office(500))
    run = simulated(lender, 3, attack(350, range(24)))
    first = run.first(AlarmKind.BEYOND_BUSINESS, AlarmKind.DAY_ABOVE_USUAL)
    assert first is not None
    assert first[0] == ATTACK_DAY


def test_what_comes_at_night_is_seen_at_night() -> None:
    run = simulated(ORDINARY["a large lender"], 4, attack(15_000, range(16, 22)))
    assert run.first() == (ATTACK_DAY, 17)
    assert run.findings[0][2].kind is AlarmKind.AT_NIGHT


def test_an_attack_does_not_make_itself_usual() -> None:
    def extra(number: int, hour: int) -> dict[Resource, int]:
        return attack(60_000, range(2, 5))(ATTACK_DAY if number % 10 == 9 else 0, hour)

    days = {day for day, _, _ in simulated(ORDINARY["a large lender"], 5, extra).findings}
    assert days >= {9, 19, 29, 39, 49, 59}


def a_day(**items: int) -> Traffic:
    hours = {Resource[name.upper()]: {FIRST_DAY * HOURS_A_DAY: count} for name, count in items.items()}
    return Traffic(FIRST_DAY, hours, {}, Business(10**6, 10**7), NIGHT_UTC)


def kinds(traffic: Traffic) -> Iterator[AlarmKind]:
    return (it.kind for it in found(traffic))


def test_buckets_tell_harvesters_and_those_who_only_try_numbers() -> None:
    assert list(kinds(a_day(loan_application=100_000, bucket_prefixes=1_500))) == []
    assert list(kinds(a_day(loan_application=100_000, bucket_prefixes=30_001))) == [AlarmKind.MANY_BUCKETS]
    assert list(kinds(a_day(bucket_prefixes=2_001))) == [AlarmKind.MANY_BUCKETS]
    assert list(kinds(a_day(loan_application=100_000, bucket_prefixes=19))) == [AlarmKind.FEW_BUCKETS]
    assert list(kinds(a_day(loan_application=100_000))) == [AlarmKind.FEW_BUCKETS]
    assert list(kinds(a_day(loan_application=49_999))) == []


def test_contribution_evaluations_without_rows_are_seen() -> None:
    kind = AlarmKind.CONTRIBUTION_WITHOUT_ROWS
    assert list(kinds(a_day(contribution=5_001))) == [kind]
    assert list(kinds(a_day(contribution=5_001, contribution_refunds=100_000))) == []
    assert list(kinds(a_day(contribution=60_000, contribution_refunds=50_000))) == [kind]


def test_a_finding_says_what_against_what_and_since_when() -> None:
    traffic = Traffic(
        FIRST_DAY,
        {Resource.TRANSACTION: {FIRST_DAY * HOURS_A_DAY + 5: 9_000}},
        {Resource.TRANSACTION: [DayOfUse(2_000, 400, 0)] * 7},
        Business(10, 10_000),
        NIGHT_UTC,
    )
    hour = (FIRST_DAY * HOURS_A_DAY + 5) * HOUR_MS
    assert found(traffic) == [
        Finding(AlarmKind.HOUR_ABOVE_USUAL, Resource.TRANSACTION, 9_000, 1_600, hour),
        Finding(AlarmKind.DAY_ABOVE_USUAL, Resource.TRANSACTION, 9_000, 8_000, FIRST_DAY * HOURS_A_DAY * HOUR_MS),
    ]
