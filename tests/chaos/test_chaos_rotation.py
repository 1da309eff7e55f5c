"""The key changes under load: three lenders screen, contribute, withdraw and re-tag, and everybody is killed.

Nobody who is listed is missed and nobody else is found, in any round of anybody, whichever step the epochs are at and
whoever was killed at it. In the end what was acknowledged as filed stands, what was acknowledged as withdrawn does not,
and nothing is left of the old epoch.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.hub import RunningHub
from support.kills import seed_of, unforeseen
from support.process import HubProcess, hub_process
from support.rotating_lender import RotatingLender, listed_by
from support.sdk import contribute, lender, row, screen

from alliance_server.domain.epochs import EpochState
from alliance_server.services import epochs
from member_client import AllianceClient, State

NAMES = ("alpha", "beta", "gamma")
pytestmark = pytest.mark.timeout(600)


async def holds(what: Any) -> None:
    """Wait until the hub's own job has done something."""
    async with asyncio.timeout(120):
        while not what():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.05)


def end_leases(hub: RunningHub) -> None:
    """Whoever held them was killed: nobody waits until they are over."""
    with hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE leases SET expires_at = 0"))


class Ordeal:
    """A hub that serves, lenders that work, and kills between."""

    def __init__(
        self, process: HubProcess, hub: RunningHub, lenders: list[RotatingLender], seed: int, *, waits: bool
    ) -> None:
        self._process, self._hub, self._lenders, self._waits = process, hub, lenders, waits
        self._dice = random.Random(seed)  # noqa: S311 - seeded on purpose

    async def kill_some(self, kills: int, *, hub: bool) -> None:
        """Kill lenders, and the hub, in some order, at moments of chance; all get on afterwards."""
        for _ in range(kills):
            for victim in self._dice.sample(("hub", "lender"), 2):
                await asyncio.sleep(self._dice.uniform(0, 0.5))
                if victim == "lender":
                    await self._dice.choice(self._lenders).kill()
                elif hub:
                    self._process.kill()
                    if not self._waits:
                        end_leases(self._hub)
                    await self._process.start()
        await asyncio.gather(*(it.gets_on() for it in self._lenders))

    def epoch(self, number: int) -> Any:
        return self._hub.hub.store.read_now(lambda transaction: transaction.epochs.get(number))

    def step(self, work: Any, number: int) -> None:
        now = self._hub.clock.now_ms()
        self._hub.hub.store.write_now(lambda transaction: work(transaction, number, now))

    async def rotate(self, old: int, new: int, kills: int, *, hub_always: bool) -> None:
        """Take the epochs through all their steps, with kills at each.

        Who takes over from a hub that was killed waits for its leases, half a minute, wherever it has work for them,
        unless they are ended for it.
        """
        self.step(epochs.begin, new)
        await self.kill_some(kills, hub=hub_always)
        await holds(lambda: self.is_filtered(new))
        await self.kill_some(kills, hub=hub_always)
        self.step(epochs.activate, new)
        await self.kill_some(kills, hub=hub_always)
        await holds(lambda: self.epoch(old).retagged_at)
        # What was re-tagged just before is in the registry, and may be in nobody's filter yet.
        await self.kill_some(kills, hub=True)
        self.step(epochs.retire, old)
        await self.kill_some(kills, hub=hub_always)
        await holds(lambda: self.epoch(old).destroyed_at)
        await asyncio.gather(*(it.gets_on() for it in self._lenders))

    def is_caught_up(self, number: int) -> bool:
        state = self._hub.hub.store.read_now(lambda transaction: transaction.filters.state(number))
        return state is not None and state.delta_sequence == state.sequence

    def is_filtered(self, number: int) -> bool:
        state = self._hub.hub.store.read_now(lambda transaction: transaction.filters.state(number))
        return state is not None and bool(state.heartbeat)


async def rotated(tmp_path: Path, database: str, *, seed: int, kills: int, times: int, is_soak: bool) -> None:
    async with AsyncExitStack() as stack:
        process, hub = await stack.enter_async_context(hub_process(tmp_path / "hub", database))
        lenders = []
        for number, name in enumerate(NAMES):
            async with lender(hub, name) as client:
                await contribute(client, [row(text) for text in listed_by(number)])
            lenders.append(RotatingLender(tmp_path / name, number))
        await asyncio.sleep(2)  # the filter takes them up
        reader = await stack.enter_async_context(lender(hub, "reader"))
        for it in lenders:
            await it.start()
            stack.callback(it.abandon)
        ordeal = Ordeal(process, hub, lenders, seed, waits=is_soak)
        await asyncio.gather(*(it.gets_on() for it in lenders))
        for turn in range(times):
            await ordeal.rotate(turn + 1, turn + 2, kills, hub_always=is_soak)
        for it in lenders:
            await it.end()
        await holds(lambda: ordeal.is_caught_up(times + 1))
        assert not [line for it in lenders for line in it.said if line.startswith("wrong")]
        await stands_in_the_end(hub, reader, lenders)
        assert ordeal.epoch(1).state is EpochState.RETIRED
        left = hub.hub.store.read_now(lambda transaction: transaction.claims.count_of(1, 0))
        assert left == (0, 0)


async def stands_in_the_end(hub: RunningHub, reader: AllianceClient, lenders: list[RotatingLender]) -> None:
    await reader.sync()
    withdrawn = set[str]().union(*(it.texts("withdrawn") for it in lenders))
    # Every other one is to be withdrawn, and a lender may have been killed between the two.
    filed = {text for it in lenders for text in it.texts("filed") if not int(text[-1]) % 2}
    assert filed
    assert withdrawn
    for texts, expected in ((sorted(filed), State.MATCH), (sorted(withdrawn), State.CLEAR)):
        found = {verdict.state for verdict in await screen(reader, texts)}
        assert found == {expected}


@pytest.mark.nightly
async def test_the_key_changes_under_load_and_under_kills(tmp_path: Path) -> None:
    await rotated(tmp_path, "", seed=seed_of(20261124), kills=1, times=1, is_soak=False)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_the_key_changes_again_and_again(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> None:
    url = "" if database == "sqlite" else str(request.getfixturevalue("postgres").migrated())
    await rotated(tmp_path, url, seed=seed_of(unforeseen()), kills=3, times=3, is_soak=True)
