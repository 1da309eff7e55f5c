"""Four hub processes on one PostgreSQL: a member's budget holds across all of them, to the item."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from support.postgres import Postgres
from support.process import HubProcess, free_port, hub_process
from support.wire import WireMember, enrol, refusal_of, valid_elements

from alliance.errors import Reason
from alliance.taxonomy import Purpose
from alliance_server.domain.quotas import Resource, day_of

PROCESSES = 4
BUDGET = 100
CALLS = 60
"""Calls at each process, of one or two elements: more than the budget holds, and never a whole number of them."""


@contextmanager
def another(process: HubProcess) -> Iterator[int]:
    """Serve the same hub in one more process; gives its members' port."""
    port, log = free_port(), process.folder.parent / f"more-{free_port()}.stderr"
    listen = {"ALLIANCE_HUB_LISTEN": f"127.0.0.1:{port}", "ALLIANCE_HUB_ENROLMENT_LISTEN": f"127.0.0.1:{free_port()}"}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "alliance_server", "serve", str(process.folder)]
        more = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | listen)
    try:
        yield port
    finally:
        more.terminate()
        more.wait(30)


async def reached(member: WireMember) -> None:
    """Wait until the hub behind a member's channel serves."""
    async with asyncio.timeout(60):
        await member.channel.channel_ready()


async def test_a_budget_holds_to_the_item_across_processes(tmp_path: Path, postgres: Postgres) -> None:
    async with hub_process(tmp_path / "hub", postgres.empty()) as (process, hub):
        member = await enrol(hub, "lender")
        resource, now = Resource.PORTFOLIO_SCREENING, member.now
        hub.hub.store.write_now(lambda it: it.quotas.set_limit("lender", resource, BUDGET))
        ports = [another(process) for _ in range(PROCESSES - 1)]
        with ports[0] as first, ports[1] as second, ports[2] as third:
            callers = [member]
            for port in (first, second, third):
                hub.hub.port = port
                callers.append(WireMember(hub, member.id, member.key, member.identity))
            await asyncio.gather(*(reached(caller) for caller in callers))
            granted = 0
            refused: Counter[Reason | None] = Counter()

            async def hammer(caller: WireMember) -> None:
                nonlocal granted
                for number in range(CALLS):
                    count = 1 + number % 2
                    try:
                        await caller.evaluate(valid_elements(count), purpose=Purpose.PORTFOLIO_SCREENING)
                        granted += count
                    except grpc.aio.AioRpcError as error:
                        refused[refusal_of(error).reason] += 1

            await asyncio.gather(*(hammer(caller) for caller in callers))
            assert set(refused) == {Reason.BUDGET_EXHAUSTED}
            used = hub.hub.store.read_now(lambda it: it.quotas.used("lender", resource, day_of(now)))
            assert used == granted
            assert granted == BUDGET  # single items fill what is left
            for caller in callers:
                await caller.close()
