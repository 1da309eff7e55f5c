"""Four hub processes on one PostgreSQL: budgets and bursts hold across all of them, to the item."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import grpc
from support.postgres import Postgres
from support.process import another, hub_process
from support.wire import WireMember, enrol, refusal_of, valid_elements

from alliance.errors import Reason
from alliance.quotas import MIN_BURST
from alliance.taxonomy import Purpose
from alliance_server.domain.quotas import Quota, Resource, day_of

PROCESSES = 4
BUDGET = 100
CALLS = 60
"""Calls at each process, of one or two elements: more than the budget holds, and never a whole number of them."""
BURST_BUDGET = 5000
"""One more item comes back every 8.64 s."""
LARGE, LARGE_CALLS, SINGLE_CALLS = 61, 20, 15
"""Elements of large calls, of which the bucket holds no whole number; calls of each kind at each process."""


async def reached(member: WireMember) -> None:
    """Wait until the hub behind a member's channel serves."""
    async with asyncio.timeout(60):
        await member.channel.channel_ready()


async def hammered(
    callers: Sequence[WireMember], purpose: Purpose, sizes: Sequence[int]
) -> tuple[int, Counter[Reason | None]]:
    """Have every caller ask for these numbers of elements in turn; gives what was granted, and what was refused."""
    granted = 0
    refused: Counter[Reason | None] = Counter()

    async def hammer(caller: WireMember) -> None:
        nonlocal granted
        for count in sizes:
            try:
                await caller.evaluate(valid_elements(count), purpose=purpose)
                granted += count
            except grpc.aio.AioRpcError as error:
                refused[refusal_of(error).reason] += 1

    await asyncio.gather(*(hammer(caller) for caller in callers))
    return granted, refused


async def test_budgets_and_bursts_hold_to_the_item_across_processes(tmp_path: Path, postgres: Postgres) -> None:
    async with hub_process(tmp_path / "hub", postgres.migrated()) as (process, hub):
        member = await enrol(hub, "lender")
        resource, now = Resource.PORTFOLIO_SCREENING, member.now
        hub.hub.store.write_now(lambda it: it.quotas.set_limit("lender", resource, BUDGET))
        hub.hub.store.write_now(lambda it: it.quotas.set_limit("lender", Resource.TRANSACTION, BURST_BUDGET))
        ports = [another(process.folder) for _ in range(PROCESSES - 1)]
        with ports[0] as (_, first), ports[1] as (_, second), ports[2] as (_, third):
            callers = [member]
            for port in (first, second, third):
                hub.hub.port = port
                callers.append(WireMember(hub, member.id, member.key, member.identity))
            await asyncio.gather(*(reached(caller) for caller in callers))
            granted, refused = await hammered(callers, Purpose.PORTFOLIO_SCREENING, [1, 2] * (CALLS // 2))
            assert set(refused) == {Reason.BUDGET_EXHAUSTED}
            used = hub.hub.store.read_now(lambda it: it.quotas.used("lender", resource, day_of(now)))
            assert used == granted
            assert granted == BUDGET  # single items fill what is left

            began = time.time_ns()
            sizes = [LARGE] * LARGE_CALLS + [1] * SINGLE_CALLS
            granted, refused = await hammered(callers, Purpose.TRANSACTION, sizes)
            came_back = (time.time_ns() - began) // 1000 // Quota(BURST_BUDGET, MIN_BURST).item_us
            assert set(refused) == {Reason.BURST_EXHAUSTED}
            assert MIN_BURST <= granted <= MIN_BURST + came_back + 1
            for caller in callers:
                await caller.close()
