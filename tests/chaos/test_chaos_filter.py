"""A hub killed while it builds its filter, and while a member downloads it: the filter ends whole, and no byte that
arrived is fetched again.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.hub import RunningHub
from support.kills import STARTING_SECONDS, seed_of, until
from support.process import HubProcess, hub_process
from support.proxy import through_proxy
from support.sdk import PHONES, contribute, lender, row, screen
from support.stores import add, claim, given

from alliance.clock import SystemClock
from alliance.crypto import bloom
from alliance.taxonomy import DAY_MS
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.ports import Transaction
from member_client import State

LISTINGS = 130_000
"""Enough for two chunks of a download."""
CLAIMS_AT_ONCE = 20_000
SEED = 20_260_302


@asynccontextmanager
async def with_a_long_list(folder: Path) -> AsyncIterator[tuple[HubProcess, RunningHub]]:
    """Run a hub whose list is so long that its filter takes a while; it is not built yet."""
    async with hub_process(folder / "hub") as (process, hub):
        async with lender(hub, "a") as lister, lender(hub, "b"):
            await contribute(lister, [row(PHONES[0])])
        process.kill()
        store = hub.hub.store
        for start in range(2, LISTINGS, CLAIMS_AT_ONCE):
            numbers = range(start, min(start + CLAIMS_AT_ONCE, LISTINGS + 1))
            store.write_now(given(_advance, len(numbers)))
            add(store, *(_listing(number) for number in numbers))
        free_the_lease(hub)
        yield process, hub


def _listing(number: int) -> StoredClaim:
    """Give a claim on a tag of its own; they follow each other, which databases like."""
    ends_at = SystemClock().now_ms() + 60 * DAY_MS
    name, tag = number.to_bytes(16), number.to_bytes(32)
    return claim(number, contributor="a", entry_id=name, tag=tag, expires_at=ends_at, box=b"", claim=b"")


def _advance(transaction: Transaction, count: int) -> int:
    return transaction.filters.advance(1, count)


def free_the_lease(hub: RunningHub) -> None:
    """Do what half a minute would: a hub that was killed holds the lease of the filter's maintenance that long."""
    with hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE leases SET expires_at = 0"))


@pytest.mark.nightly
async def test_a_hub_killed_while_its_filter_is_built_and_downloaded(tmp_path: Path) -> None:
    chance = random.Random(seed_of(SEED))  # noqa: S311 - points of a test, to be had again
    size = bloom.bit_count_for(LISTINGS) // 8
    async with with_a_long_list(tmp_path) as (process, hub):
        for _ in range(4):
            process.launch()
            await asyncio.sleep(STARTING_SECONDS + chance.uniform(0, 1.5))
            process.kill()
            free_the_lease(hub)
        await process.start()

        filter_folder = tmp_path / "b" / "filter" / "1"
        async with through_proxy(tmp_path / "b") as (client, proxy):
            proxy.bytes_a_second = 100_000  # a busy machine looks a while after the first chunk is there
            syncing = asyncio.create_task(client.ready(120))
            await part_reaches(filter_folder, 1)
            process.kill()
            syncing.cancel()  # and the member's program with it
            await asyncio.gather(syncing, return_exceptions=True)
            await client.close()
            reached = part_of(filter_folder)
            assert 0 < reached < size
            free_the_lease(hub)
            await process.start()

            proxy.bytes_a_second = 0
            report = await client.sync()
            assert report.sequence == LISTINGS
            assert size - reached <= report.downloaded_bytes < size
            assert [path.suffix for path in filter_folder.iterdir()] == [".bits"]
            assert [verdict.state for verdict in await screen(client, PHONES[:2])] == [State.MATCH, State.CLEAR]


def part_of(folder: Path) -> int:
    """Bytes of a download that have arrived."""
    return max((path.stat().st_size for path in folder.glob("*.part")), default=0)


async def part_reaches(folder: Path, size: int) -> None:
    async with asyncio.timeout(120):
        await until(lambda: part_of(folder) >= size)
