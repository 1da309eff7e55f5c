"""Quota at the SDK: bulk work waits until its bucket has refilled, whoever cannot wait is told when to come back."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, Tamper, command, lender, row, screen

from alliance.quotas import MIN_BURST
from alliance_server.domain import alarms
from alliance_server.domain.alarms import Finding
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.quotas import DEFAULT_BUDGETS, Quota, Resource, day_of, renews_at
from member_client import (
    AlarmKind,
    AllianceClient,
    BudgetExhausted,
    BurstExhausted,
    HubError,
    InvalidUse,
    NotFound,
    StandingTier,
    State,
    Subject,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
SMALL = {"bursts": dict.fromkeys(("portfolio_screening", "contribution", "bucket_prefixes"), MIN_BURST)}
MINUTE_MS = 60_000


def small_hub(new_hub_folder: NewFolder) -> AbstractAsyncContextManager[RunningHub]:
    return running_hub(new_hub_folder(), config=SMALL)


def emptied(hub: RunningHub, resource: Resource, wait_ms: int = MINUTE_MS) -> int:
    """Let a lender have taken so much that one more item is there in a minute; gives when."""
    quota, now = Quota(DEFAULT_BUDGETS[resource.name.lower()], MIN_BURST), hub.clock.now_ms()
    full_at = (now + wait_ms) * 1000 + quota.burst * quota.item_us - quota.item_us
    hub.hub.store.write_now(lambda it: it.quotas.charge("b", resource, day_of(now), 0, full_at))
    return now + wait_ms


def watched(hub: RunningHub, client: AllianceClient) -> list[int | None]:
    """Note until when a client waits, and let the time pass at once."""
    waits: list[int | None] = []

    def told(until: int | None) -> None:
        waits.append(until)
        if until is not None:
            hub.clock.advance(seconds=max(0, until - hub.clock.now_ms()) / 1000)

    client.on_quota_wait = told
    return waits


async def test_bulk_work_waits_for_its_bucket_and_goes_on(new_hub_folder: NewFolder) -> None:
    async with small_hub(new_hub_folder) as hub, lender(hub, "b") as b:
        await b.sync()
        waits = watched(hub, b)
        until = emptied(hub, Resource.PORTFOLIO_SCREENING)
        verdicts = await screen(b, PHONES[:1])
        assert [verdict.state for verdict in verdicts] == [State.CLEAR]
        assert waits == [until, None]
        waits.clear()
        until = emptied(hub, Resource.CONTRIBUTION)
        assert [str(result.outcome) async for result in b.contribute([row(PHONES[1])])] == ["accepted"]
        assert waits == [until, None]
        await hub.settle()
        await b.sync()
        waits.clear()
        until = emptied(hub, Resource.BUCKET_PREFIXES)
        await screen(b, PHONES[1:2])
        assert waits == [until, None]


async def test_a_call_that_cannot_wait_so_long_says_when_to_come_back(new_hub_folder: NewFolder) -> None:
    async with small_hub(new_hub_folder) as hub, lender(hub, "b", deadline_ms=20_000) as b:
        await b.sync()
        waits = watched(hub, b)
        until = emptied(hub, Resource.PORTFOLIO_SCREENING)
        with pytest.raises(BurstExhausted) as caught:
            await b.screen(Subject("C-1", phone=PHONES[0]), purpose=PORTFOLIO, consent=BASIS)
        assert caught.value.retry_at == until
        assert not waits
        hub.clock.advance(seconds=50)
        verdict = await b.screen(Subject("C-1", phone=PHONES[0]), purpose=PORTFOLIO, consent=BASIS)
        assert verdict.state is State.CLEAR
        assert waits == [until, None]


async def test_bulk_work_does_not_wait_for_tomorrow(new_hub_folder: NewFolder) -> None:
    config = {"budgets": {"portfolio_screening": 1}}
    async with running_hub(new_hub_folder(), config=config) as hub, lender(hub, "b") as b:
        await b.sync()
        if renews_at(hub.clock.now_ms()) - hub.clock.now_ms() < 30 * MINUTE_MS:
            hub.clock.advance(minutes=31)  # so short before midnight it would wait for it
        waits = watched(hub, b)
        with pytest.raises(BudgetExhausted) as caught:
            await screen(b, PHONES[:2])
        assert not isinstance(caught.value, BurstExhausted)
        assert caught.value.retry_at == renews_at(hub.clock.now_ms())
        assert not waits


# -- what members and admins see -------------------------------------------------------------------------------------


async def test_a_member_reads_its_quotas_and_standing(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        await screen(b, PHONES[:3])
        await hub.hub.watch.compute_standings(hub.clock.now_ms())
        report = await b.quota()
        used = {it.resource: it.used_today for it in report.quotas}
        assert used["portfolio_screening"] == 3
        assert (report.standing.queried, report.standing.tier) == (3, StandingTier.GIVING)
        again = await asyncio.to_thread(b.blocking.quota)  # buckets fill meanwhile
        assert again.standing == report.standing
        assert {it.resource: it.used_today for it in again.quotas} == used
        await asyncio.to_thread(b.blocking.close)


def _of_another(reply: Any) -> None:
    reply.standing.member = "somebody"


def _of_another_tier(reply: Any) -> None:
    reply.standing.tier = 9


@pytest.mark.parametrize("lie", [_of_another, _of_another_tier])
async def test_a_standing_that_cannot_be_right_is_not_shown(new_hub_folder: NewFolder, lie: Any) -> None:
    tamper = Tamper("GetStanding", lie)
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "b") as b:
        tamper.active = True
        with pytest.raises(HubError):
            await b.quota()


async def test_admins_read_standings_and_acknowledge_alarms(new_hub_folder: NewFolder) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "b"),
        lender(hub, "ann", role=Role.ADMIN) as ann,
    ):
        admin = await ann.administration()
        await hub.hub.watch.compute_standings(hub.clock.now_ms())
        assert [(it.member, it.score) async for it in admin.standings()] == [("b", 100)]
        for day in range(101):  # more than a page
            raised(hub, day)
        found = [it async for it in admin.alarms()]
        assert len(found) == 101
        assert (found[0].kind, found[0].observed, found[0].threshold) == (AlarmKind.AT_NIGHT, 30_000, 28_000)
        done = await admin.acknowledge(found[0].id, "new branch")
        assert (done.acknowledged_by, done.acknowledgement) == ("ann", "new branch")
        assert len([it async for it in admin.alarms()]) == 100
        assert len([it async for it in admin.alarms(open_only=False)]) == 101
        with pytest.raises(NotFound):
            await admin.acknowledge(999, "new branch")
        for number, reason in ((0, "x"), (1, " ")):
            with pytest.raises(InvalidUse):
                await admin.acknowledge(number, reason)


def raised(hub: RunningHub, day: int) -> None:
    finding = Finding(alarms.AlarmKind.AT_NIGHT, Resource.TRANSACTION, 30_000, 28_000, hub.clock.now_ms())
    hub.hub.store.write_now(lambda it: it.watch.raise_alarm("b", finding, day, hub.clock.now_ms()))


async def test_the_commands(new_hub_folder: NewFolder) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "b") as b,
        lender(hub, "ann", role=Role.ADMIN),
    ):
        await screen(b, PHONES[:3])
        await hub.hub.watch.compute_standings(hub.clock.now_ms())
        raised(hub, 1)
        said = await command(hub, "b", "quota")
        assert "score 100 of 100 · giving" in said
        assert "it changes no budget" in said
        shown = json.loads(await command(hub, "b", "--json", "quota"))
        assert shown["standing"]["tier"] == "giving"
        assert {it["resource"]: it["used_today"] for it in shown["quotas"]}["portfolio_screening"] == 3
        assert "贡献型" in await command(hub, "b", "--lang", "zh-CN", "quota")

        business = ("admin", "business", "b", "--applications", "800", "--customers", "120000", "--reason", "letter")
        assert "another admin must approve" in await command(hub, "ann", *business, "--yes")
        lower = ("admin", "burst", "b", "transaction", "5000", "--reason", "pilot", "--yes")
        assert "State: effective" in await command(hub, "ann", *lower)
        assert "not declared" in await command(hub, "ann", "admin", "standings")
        assert "police liaison" not in await command(hub, "ann", "admin", "members")
        listed = json.loads(await command(hub, "ann", "--json", "admin", "members"))["members"]
        assert [(it["member"], it["role"], it["state"]) for it in listed] == [
            ("ann", "admin", "active"),
            ("b", "member", "active"),
        ]
        await command(hub, "ann", "admin", "suspend", "b", "--reason", "pause", "--yes")
        assert "已暂停" in await command(hub, "ann", "--lang", "zh-CN", "admin", "members")
        hub.hub.store.write_now(lambda it: it.members.set_state("b", MemberState.OFFBOARDED, hub.clock.now_ms()))
        assert "offboarded" not in await command(hub, "ann", "admin", "members")
        assert "offboarded" in await command(hub, "ann", "admin", "members", "--all")
        assert json.loads(await command(hub, "ann", "--json", "admin", "standings"))["standings"][0]["score"] == 100
        assert "much at night" in await command(hub, "ann", "admin", "alarms")
        (alarm,) = json.loads(await command(hub, "ann", "--json", "admin", "alarms"))["alarms"]
        assert (alarm["kind"], alarm["observed"]) == ("at_night", 30_000)
        done = await command(hub, "ann", "admin", "acknowledge", str(alarm["id"]), "--reason", "called their desk")
        assert "acknowledged by ann: called their desk" in done
        assert "no alarms" in await command(hub, "ann", "admin", "alarms")
        assert "ann" in await command(hub, "ann", "admin", "alarms", "--all")
        assert "夜间大量查询" in await command(hub, "ann", "--lang", "zh-CN", "admin", "alarms", "--all")
