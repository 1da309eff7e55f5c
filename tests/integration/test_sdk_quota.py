"""Quota at the SDK: bulk work waits until its bucket has refilled, whoever cannot wait is told when to come back."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, lender, row, screen

from alliance_server.domain.quotas import DEFAULT_BUDGETS, MIN_BURST, Quota, Resource, day_of, renews_at
from member_client import AllianceClient, BudgetExhausted, BurstExhausted, State, Subject

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
