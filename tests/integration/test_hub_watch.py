"""Quotas and alarms at a running hub: what members see of theirs, what admins see of all, and what follows."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, events_of, refuses, valid_elements

from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, Purpose
from alliance.v1 import admin_pb2, quota_pb2
from alliance_server.domain.members import HUB_ACTOR, Role
from alliance_server.domain.quotas import Resource, day_of
from alliance_server.domain.reciprocity import QUERIES, Business
from alliance_server.services.watch import EVERY_MS, LEASE_MS, Watch

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
LOANS = Resource.LOAN_APPLICATION
ASIDE = {"maintenance_seconds": 60}
"""The hub's own job does not look before a test is over."""


async def look(hub: RunningHub) -> None:
    """Watch as the hub's job does, whichever process looked last."""
    hub.clock.advance(seconds=(LEASE_MS + EVERY_MS) / 1000)
    assert await watch(hub).turn(hub.clock.now_ms())


def watch(hub: RunningHub, **options: Any) -> Watch:
    settings = {"night_utc": 16, "is_in_force": False} | options
    return Watch(hub.hub.store, hub.hub.config.budgets, **settings)


def charge(hub: RunningHub, member: WireMember, resource: Resource, items: int) -> None:
    day = day_of(hub.clock.now_ms())
    hub.hub.store.write_now(lambda it: it.quotas.charge(member.id, resource, day, items))


async def own(member: WireMember) -> tuple[dict[str, quota_pb2.ResourceQuota], quota_pb2.Standing]:
    reply = await member.quotas.GetStanding(quota_pb2.GetStandingRequest())
    return {it.resource: it for it in reply.quotas}, reply.standing


async def test_a_member_sees_what_it_may_use_and_has_used(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder(), config={"bursts": {"transaction": 5000}}) as hub:
        member = await enrol(hub, "lender")
        await member.evaluate(valid_elements(1000), purpose=Purpose.TRANSACTION)
        quotas, standing = await own(member)
        assert set(quotas) == {resource.name.lower() for resource in Resource if resource.base is resource}
        used = quotas["transaction"]
        assert (used.budget, used.used_today, used.burst) == (3_000_000, 1000, 5000)
        assert 4000 <= used.burst_left < 5000
        assert used.renews_at == (hub.clock.now_ms() // DAY_MS + 1) * DAY_MS
        untouched = quotas["loan_application"]
        assert (untouched.used_today, untouched.burst, untouched.burst_left) == (0, 250_000, 250_000)
        assert standing.member == "lender"
        await member.close()


async def test_contribution_evaluations_without_rows_are_queries(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder(), config={"budgets": {"contribution": 10}}) as hub:
        member = await enrol(hub, "lender")
        await member.credit(8)
        rows = [member.row(), member.row(tag=bytes(31) + b"1"), member.row(tag=bytes(31) + b"1", category=1)]
        assert [it.refusal for it in await member.contribute(*rows)] == [0, 0, 0]
        quotas, _ = await own(member)
        # Three rows, two new tags; both are back in the budget and in the bucket.
        assert (quotas["contribution"].used_today, quotas["contribution"].burst_left) == (6, 4090)
        await member.credit(4)
        with refuses(Reason.BUDGET_EXHAUSTED):  # nothing more for free, though six evaluations have no row yet
            await member.credit(1)
        await watch(hub).compute_standings(hub.clock.now_ms())
        _, standing = await own(member)
        assert (standing.queried, standing.claims) == (10, 2)
        assert Resource.CONTRIBUTION in QUERIES
        await member.close()


async def test_a_standing_in_force_changes_default_budgets_alone(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder(), config=ASIDE) as hub:
        taker, other = await enrol(hub, "taker"), await enrol(hub, "other")
        charge(hub, taker, Resource.PORTFOLIO_SCREENING, 4_000_000)
        hub.hub.store.write_now(lambda it: it.quotas.set_limit("taker", Resource.TRANSACTION, 77))
        await watch(hub).compute_standings(hub.clock.now_ms())
        quotas, standing = await own(taker)
        assert (standing.tier, standing.budget_percent, standing.is_in_force) == (
            quota_pb2.STANDING_TIER_TAKING,
            50,
            False,
        )
        assert quotas["loan_application"].budget == 1_000_000
        await watch(hub, is_in_force=True).compute_standings(hub.clock.now_ms())
        quotas, standing = await own(taker)
        assert standing.is_in_force
        assert (quotas["loan_application"].budget, quotas["transaction"].budget) == (500_000, 77)
        charge(hub, taker, LOANS, 499_999)
        await taker.evaluate(valid_elements(1), purpose=Purpose.LOAN_APPLICATION)
        with refuses(Reason.BUDGET_EXHAUSTED):
            await taker.evaluate(valid_elements(1), purpose=Purpose.LOAN_APPLICATION)
        assert (await own(other))[0]["loan_application"].budget == 1_500_000

        declared = Business(applications_a_day=60_000, customers=0)
        hub.hub.store.write_now(lambda it: it.watch.declare("taker", declared))
        await watch(hub, is_in_force=True).compute_standings(hub.clock.now_ms())
        assert (await own(taker))[0]["loan_application"].budget == 720_000  # twelve an application, whatever the tier
        for member in (taker, other):
            await member.close()


async def test_an_alarm_is_raised_once_audited_logged_seen_and_acknowledged(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder(), config=ASIDE) as hub:
        member, ann, bob = [await enrol(hub, "lender"), *[await enrol(hub, it, Role.ADMIN) for it in ("ann", "bob")]]
        await look(hub)
        charge(hub, member, LOANS, 24_001)  # nobody declared its business: two thousand applications are assumed
        charge(hub, member, Resource.BUCKET_PREFIXES, 240)
        with capture_logs() as logs:
            await look(hub)
            await look(hub)
        (line,) = [it for it in logs if it["event"].startswith("alarm")]
        assert (line["log_level"], line["reason"], line["items"]) == ("error", "beyond_business", 24_001)
        raised = [it for it in events_of(hub, HUB_ACTOR) if it.action == "alarm:raise"]
        assert [it.items for it in raised] == [24_001]

        (alarm,) = await alarms(ann)
        assert (alarm.member, alarm.kind, alarm.resource) == (
            "lender",
            quota_pb2.ALARM_KIND_BEYOND_BUSINESS,
            "loan_application",
        )
        assert (alarm.observed, alarm.threshold) == (24_001, 24_000)
        assert alarm.since == alarm.raised_at // DAY_MS * DAY_MS
        for who, reason in ((ann, "called their desk"), (bob, "another reason")):
            request = admin_pb2.AcknowledgeAlarmRequest(alarm=alarm.id, reason=reason)
            kept = (await who.admin.AcknowledgeAlarm(request)).alarm
            assert (kept.acknowledged_by, kept.acknowledgement) == ("ann", "called their desk")
        assert await alarms(bob, open_only=True) == []
        assert await alarms(bob) == [kept]
        for number, reason in ((alarm.id + 1, "x"), (2**64 - 1, "x"), (0, "x")):
            with refuses(Reason.NOT_FOUND):
                await ann.admin.AcknowledgeAlarm(admin_pb2.AcknowledgeAlarmRequest(alarm=number, reason=reason))
        for caller in (member, ann, bob):
            await caller.close()


async def alarms(admin: WireMember, **request: Any) -> list[quota_pb2.Alarm]:
    return list((await admin.admin.ListAlarms(admin_pb2.ListAlarmsRequest(**request))).alarms)


async def test_standings_of_lenders_are_listed_by_pages(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub:
        ann = await enrol(hub, "ann", Role.ADMIN)
        lenders = [await enrol(hub, name) for name in ("a", "b", "c")]
        await hub.invite("d")
        found, token = [], ""
        while True:
            request = admin_pb2.ListStandingsRequest(page_size=2, page_token=token)
            page = await ann.admin.ListStandings(request)
            found += [it.member for it in page.standings]
            token = page.next_page_token
            if not token:
                break
        assert found == ["a", "b", "c"]
        for caller in (ann, *lenders):
            await caller.close()


async def test_one_process_watches_at_a_time(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder(), config=ASIDE) as hub:
        hub.clock.advance(seconds=(LEASE_MS + EVERY_MS) / 1000)
        first, second = watch(hub), watch(hub)
        now = hub.clock.now_ms()
        assert await first.turn(now)
        assert not await second.turn(now)
        assert await second.turn(now + LEASE_MS)


async def test_standings_are_computed_once_a_day_and_where_they_begin_to_count(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder(), config=ASIDE) as hub:
        member, now = await enrol(hub, "lender"), hub.clock.now_ms() // DAY_MS * DAY_MS + DAY_MS

        async def computed(at: int, **options: Any) -> tuple[int, bool]:
            assert await watch(hub, **options).turn(at)
            standing = (await own(member))[1]
            return standing.computed_at, standing.is_in_force

        assert await computed(now) == (now, False)
        later = now + 2 * LEASE_MS
        assert await computed(later) == (now, False)  # a hub that was started anew
        assert await computed(later + LEASE_MS, is_in_force=True) == (later + LEASE_MS, True)
        assert await computed(now + DAY_MS, is_in_force=True) == (now + DAY_MS, True)
        await member.close()


async def test_the_hubs_own_job_watches(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub:
        member = await enrol(hub, "lender")

        async def computed() -> bool:
            hub.clock.advance(seconds=EVERY_MS / 1000)
            return bool((await own(member))[1].computed_at)

        await until(computed)
        await member.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1200):
        if await holds():
            return
        await asyncio.sleep(0.05)
    pytest.fail("nothing happened")
