"""What watching members' volumes needs of a store, on SQLite and on a real PostgreSQL."""

from typing import Any

import pytest
from support.stores import NOW, Databases, add, claim, dispute, given

from alliance.disputes import DisputeState
from alliance.taxonomy import DAY_MS, ClaimStatus, EvidenceLevel
from alliance_server.domain.alarms import HOUR_MS, HOURS_A_DAY, KEPT_DAYS, AlarmKind, DayOfUse, Finding
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import Resource, day_of
from alliance_server.domain.reciprocity import FRESH_MS, YEAR_MS, Age, Business, Given, standing_of
from alliance_server.storage.unit_of_work import SqlStore

DAY = day_of(NOW)
MIDNIGHT = DAY * HOURS_A_DAY
LOANS = int(Resource.LOAN_APPLICATION)
NIGHT_UTC = 16


def charge(transaction: Transaction, items: int, *, day: int = DAY, member: str = "a", resource: int = LOANS) -> None:
    transaction.quotas.charge(member, resource, day, items)


def count(store: SqlStore, hour: int) -> None:
    store.write_now(lambda it: it.watch.count_hours(hour * HOUR_MS + 1))


# -- bursts ----------------------------------------------------------------------------------------------------------


def test_a_bucket_moves_ahead_from_now_or_from_where_it_was_and_over_midnight(store: SqlStore) -> None:
    def work(transaction: Transaction) -> list[int]:
        def full_at(day: int, items: int, now: int) -> int:
            return transaction.quotas.charge("a", LOANS, day, items, now, 7).full_at

        found = [full_at(1, 10, 1_000), full_at(1, 10, 1_010), full_at(1, 1, 5_000), full_at(1, -1, 4_000)]
        found += [full_at(2, 2, 4_500), full_at(4, 1, 100)]  # of the day before yesterday nothing is left
        transaction.quotas.settle("a", LOANS, 4, 3, 77)
        return [*found, transaction.quotas.used("a", LOANS, 4), transaction.quotas.buckets("a", 4)[LOANS]]

    assert store.write_now(work) == [1_070, 1_140, 5_007, 5_000, 5_014, 107, 3, 77]


def test_bursts_and_standings_of_a_member_come_with_a_charge(store: SqlStore) -> None:
    def standing(*, is_in_force: bool) -> Any:
        arguments: dict[str, Any] = {"default_budget": 100, "is_in_force": is_in_force, "now": 1}
        return standing_of("a", Given({}), 10**9, Business(), **arguments)

    def work(transaction: Transaction) -> list[tuple[int | None, ...]]:
        found = [transaction.quotas.charge("a", LOANS, 1, 1)]
        transaction.quotas.set_burst("a", LOANS, 5)
        transaction.watch.save_standings([standing(is_in_force=False)])
        found.append(transaction.quotas.charge("a", LOANS, 1, 1))
        transaction.quotas.set_burst("a", LOANS, 6)
        transaction.watch.save_standings([standing(is_in_force=True)])
        found += [transaction.quotas.charge("a", LOANS, 1, 1), transaction.quotas.charge("a", LOANS, 2, 1)]
        found += [transaction.quotas.own("a", LOANS), transaction.quotas.own("a", LOANS + 1)]
        return [(it.limit, it.burst, it.percent) for it in found]

    own = (None, 6, 50)
    assert store.write_now(work) == [(None, None, None), (None, 5, None), own, own, own, (None, None, 50)]


# -- volumes ---------------------------------------------------------------------------------------------------------


def test_hours_are_read_off_the_budgets(store: SqlStore) -> None:
    store.write_now(lambda it: charge(it, 10))
    count(store, MIDNIGHT + 2)
    store.write_now(lambda it: charge(it, 5))
    count(store, MIDNIGHT + 2)
    store.write_now(lambda it: charge(it, 7))
    count(store, MIDNIGHT + 3)
    count(store, MIDNIGHT + 4)
    store.write_now(lambda it: charge(it, -2))
    store.write_now(lambda it: charge(it, 4, member="b"))
    count(store, MIDNIGHT + 4)
    found = store.read_now(lambda it: it.watch.today(DAY))
    hours = {MIDNIGHT + 2: 15, MIDNIGHT + 3: 7, MIDNIGHT + 4: -2}
    assert found == {"a": {LOANS: hours}, "b": {LOANS: {MIDNIGHT + 4: 4}}}


def test_what_came_before_midnight_and_was_not_counted_yet_is_yesterdays(store: SqlStore) -> None:
    store.write_now(lambda it: charge(it, 10, day=DAY - 1))
    count(store, MIDNIGHT - 5)
    store.write_now(lambda it: charge(it, 3, day=DAY - 1))
    store.write_now(lambda it: charge(it, 1))
    count(store, MIDNIGHT)
    assert store.read_now(lambda it: it.watch.today(DAY - 1)) == {"a": {LOANS: {MIDNIGHT - 5: 10, MIDNIGHT - 1: 3}}}
    assert store.read_now(lambda it: it.watch.today(DAY)) == {"a": {LOANS: {MIDNIGHT: 1}}}


def test_history_is_by_day_with_the_busiest_hour_and_the_night(store: SqlStore) -> None:
    for day in (DAY - 2, DAY - 1):
        for hour, items in {3: 100, NIGHT_UTC - 1: 40, NIGHT_UTC: 20, NIGHT_UTC + 5: 10, NIGHT_UTC + 6: 5}.items():
            store.write_now(given(lambda it, day, items: charge(it, items, day=day), day, items))
            count(store, day * HOURS_A_DAY + hour)
    store.write_now(lambda it: charge(it, 9))
    count(store, MIDNIGHT)
    a_day = DayOfUse(175, 100, 30)
    read = given(lambda it, since: it.watch.history(since, DAY, NIGHT_UTC), DAY - 28)
    assert store.read_now(read) == {"a": {LOANS: [a_day, a_day]}}
    assert store.read_now(lambda it: it.watch.history(DAY - 1, DAY, NIGHT_UTC)) == {"a": {LOANS: [a_day]}}


def test_hours_are_kept_for_ninety_days(databases: Databases, store: SqlStore) -> None:
    store.write_now(lambda it: charge(it, 1))
    count(store, MIDNIGHT)
    count(store, MIDNIGHT + KEPT_DAYS * HOURS_A_DAY)
    assert databases.rows("SELECT hour FROM usage_hours") == [(MIDNIGHT,)]
    count(store, MIDNIGHT + KEPT_DAYS * HOURS_A_DAY + 1)
    assert databases.rows("SELECT hour FROM usage_hours") == []


def test_what_was_asked_is_summed_by_member(store: SqlStore) -> None:
    for day in range(3):
        store.write_now(given(lambda it, day: charge(it, 10 + day, day=day), day))
        store.write_now(given(lambda it, day: charge(it, 2**40, day=day, resource=Resource.BUCKET_PREFIXES), day))
    store.write_now(lambda it: charge(it, 5, day=2, member="b", resource=Resource.CONTRIBUTION))
    resources = (Resource.LOAN_APPLICATION, Resource.CONTRIBUTION)
    assert store.read_now(lambda it: it.watch.queried(1, resources)) == {"a": 23, "b": 5}


def test_business_is_what_was_declared_last(store: SqlStore) -> None:
    assert store.read_now(lambda it: it.watch.business("a")) == Business(0, 0)
    for business in (Business(5, 6), Business(7, 2**40)):
        store.write_now(given(lambda it, declared: it.watch.declare("a", declared), business))
        assert store.read_now(lambda it: it.watch.business("a")) == business
    assert store.read_now(lambda it: it.watch.businesses()) == {"a": Business(7, 2**40)}


# -- standings -------------------------------------------------------------------------------------------------------


def test_given_counts_distinct_live_tags_by_evidence_and_age(store: SqlStore) -> None:
    tag, now, ends = bytes(32), NOW + 2 * YEAR_MS, NOW + 3 * YEAR_MS
    live: dict[str, Any] = {"expires_at": ends, "filed_at": now}
    add(
        store,
        claim(1, tag=tag, category=1, evidence_level=1, **live | {"filed_at": now - YEAR_MS}),
        claim(2, tag=tag, category=2, evidence_level=3, **live),  # the same tag: its best evidence, its newest filing
        claim(3, evidence_level=1, **live | {"filed_at": now - FRESH_MS}),
        claim(4, evidence_level=1, **live | {"filed_at": now - YEAR_MS}),
        claim(5, **live | {"expires_at": now}),
        claim(6, **live | {"status": ClaimStatus.WITHDRAWN}),
        claim(7, **live | {"contributor": "another"}),
        claim(8, **live | {"epoch": 2}),  # another epoch's tags say the same once more
    )
    e1, e3 = EvidenceLevel.E1, EvidenceLevel.E3
    expected = Given({(e3, Age.FRESH): 1, (e1, Age.YEAR): 1, (e1, Age.OLD): 1})
    assert store.read_now(lambda it: it.watch.given("lender-a", now)) == expected
    assert store.read_now(lambda it: it.watch.given("nobody", now)) == Given({})


def test_given_counts_the_disputes_of_a_year_that_went_against_a_contributor(store: SqlStore) -> None:
    against = (
        DisputeState.CORRECTED,
        DisputeState.WITHDRAWN,
        DisputeState.RECALLED,
        DisputeState.CLAIM_SUSPENDED,
    )
    for state in DisputeState:
        for closed_at in (NOW, NOW - YEAR_MS):
            kept = dispute(state=state, closed_at=closed_at)
            store.write_now(given(lambda it, one: it.disputes.add(one), kept))
    store.write_now(lambda it: it.disputes.add(dispute(state=against[0], closed_at=NOW, contributor="another")))
    assert store.read_now(lambda it: it.watch.given("lender-a", NOW)).upheld_disputes == len(against)


def test_standings_replace_each_other(store: SqlStore) -> None:
    def standing(member: str) -> Any:
        return standing_of(member, Given({}), 1, Business(), default_budget=10, is_in_force=True, now=NOW)

    assert store.read_now(lambda it: it.watch.last_standing()) is None
    for members in ("ab", "bc"):
        made = [standing(member) for member in members]
        store.write_now(given(lambda it, standings: it.watch.save_standings(standings), made))
    assert [store.read_now(given(lambda it, name: it.watch.standing(name), name)) for name in "abc"] == [
        None,
        standing("b"),
        standing("c"),
    ]
    last = store.read_now(lambda it: it.watch.last_standing())
    assert last in (standing("b"), standing("c"))


# -- alarms ----------------------------------------------------------------------------------------------------------


def finding(kind: AlarmKind = AlarmKind.AT_NIGHT, observed: int = 2**40) -> Finding:
    return Finding(kind, Resource.TRANSACTION, observed, 7, NOW)


def test_an_alarm_is_raised_once_a_member_kind_and_day(store: SqlStore) -> None:
    def raised(member: str, kind: AlarmKind, day: int) -> bool:
        return store.write_now(lambda it: it.watch.raise_alarm(member, finding(kind), day, NOW))

    night, few = AlarmKind.AT_NIGHT, AlarmKind.FEW_BUCKETS
    asked = [("a", night, 1), ("a", night, 1), ("a", few, 1), ("b", night, 1), ("a", night, 2), ("a", night, 2)]
    assert [raised(*it) for it in asked] == [True, False, True, True, True, False]
    alarms = store.read_now(lambda it: it.watch.alarms(0, 10, open_only=True))
    assert [(it.member_id, it.finding.kind) for it in alarms] == [("a", night), ("a", few), ("b", night), ("a", night)]
    assert alarms[0].finding == finding()
    page = store.read_now(lambda it: it.watch.alarms(alarms[0].id, 2, open_only=True))
    assert page == alarms[1:3]


def test_an_acknowledged_alarm_is_not_open(store: SqlStore) -> None:
    store.write_now(lambda it: it.watch.raise_alarm("a", finding(), 1, NOW))
    (alarm,) = store.read_now(lambda it: it.watch.alarms(0, 10, open_only=True))
    store.write_now(lambda it: it.watch.acknowledge(alarm.id, "ann", "looked into", NOW + DAY_MS))
    assert store.read_now(lambda it: it.watch.alarms(0, 10, open_only=True)) == []
    (kept,) = store.read_now(lambda it: it.watch.alarms(0, 10, open_only=False))
    assert (kept.acknowledged_by, kept.acknowledged_at, kept.acknowledgement) == ("ann", NOW + DAY_MS, "looked into")
    assert store.read_now(lambda it: it.watch.alarm(alarm.id)) == kept
    assert store.read_now(lambda it: it.watch.alarm(alarm.id + 1)) is None


@pytest.mark.parametrize("resource", [None, Resource.BUCKET_PREFIXES])
def test_an_alarm_may_be_about_several_resources(store: SqlStore, resource: Resource | None) -> None:
    store.write_now(lambda it: it.watch.raise_alarm("a", finding()._replace(resource=resource), 1, NOW))
    (alarm,) = store.read_now(lambda it: it.watch.alarms(0, 10, open_only=True))
    assert alarm.finding.resource is resource
