"""A hub's process that is asked to end under load: clients notice nothing, and nothing acknowledged is lost."""

import asyncio
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa
from support.hub import RunningHub
from support.postgres import Postgres
from support.process import HubProcess, another, hub_process
from support.proxy import Proxy
from support.sdk import PHONES, contribute, lender, row, screen
from support.wire import WireMember, enrol, valid_elements

from alliance.taxonomy import Purpose
from alliance_server.cli.serving import ONE_WISH_SECONDS
from member_client import AllianceClient, Profile, State

ENOUGH = 4
"""Runs of each kind before, and after, the hub is asked to end."""
LISTED, CLEAR = PHONES[:20], PHONES[900:920]


class Load:
    """A client that contributes and screens without a pause; every error of the SDK ends the test."""

    def __init__(self, contributor: AllianceClient, reader: AllianceClient) -> None:
        self._contributor, self._reader = contributor, reader
        self.runs = {"contribute": 0, "screen": 0, "ask": 0}
        self.entries: set[bytes] = set()
        self._ended = False

    async def run(self) -> None:
        await asyncio.gather(self._contribute(), self._screen(), self._ask())

    def end(self) -> None:
        self._ended = True

    async def reach(self, runs: int) -> None:
        """Wait until so many more runs of each kind are done."""
        goal = {kind: done + runs for kind, done in self.runs.items()}
        while any(self.runs[kind] < wanted for kind, wanted in goal.items()):  # noqa: ASYNC110 - runs tell nobody
            await asyncio.sleep(0.01)

    async def _contribute(self) -> None:
        for number in range(20, 900, 4):
            if self._ended:
                return
            rows = [row(text) for text in PHONES[number : number + 4]]
            self.entries |= {it.entry_id for it in await contribute(self._contributor, rows)}
            self.runs["contribute"] += 1
        raise AssertionError("ran out of rows")

    async def _screen(self) -> None:
        while not self._ended:
            verdicts = await screen(self._reader, [*LISTED, *CLEAR])
            states = [verdict.state for verdict in verdicts]
            assert states == [State.MATCH] * len(LISTED) + [State.CLEAR] * len(CLEAR)
            self.runs["screen"] += 1

    async def _ask(self) -> None:
        while not self._ended:
            (verdict,) = await screen(self._reader, LISTED[:1])
            assert verdict.state is State.MATCH
            self.runs["ask"] += 1


@asynccontextmanager
async def behind(proxy: Proxy, hub: RunningHub, name: str) -> AsyncIterator[AllianceClient]:
    async with lender(hub, name):
        pass
    profile = replace(Profile.load(hub.folder.parent / name), hub=proxy.address)
    async with AllianceClient(profile) as client:
        yield client


@pytest.mark.nightly
async def test_a_hub_that_ends_under_load_hands_over_to_another(tmp_path: Path, postgres: Postgres) -> None:
    async with hub_process(tmp_path / "hub", postgres.migrated()) as (process, hub):
        proxy = Proxy(hub.address)
        await proxy.start()
        async with behind(proxy, hub, "contributor") as contributor, behind(proxy, hub, "reader") as reader:
            entries = {it.entry_id for it in await contribute(contributor, [row(text) for text in LISTED])}
            while (await reader.sync()).listings < len(LISTED):  # noqa: ASYNC110 - the hub tells nobody
                await asyncio.sleep(0.1)
            load = Load(contributor, reader)
            under_way = asyncio.create_task(load.run())
            await load.reach(ENOUGH)
            with another(process.folder) as (_, port):
                proxy.point_to(port)
                process.send(signal.SIGTERM)
                assert await process.ended() == 0
                await load.reach(ENOUGH)
                load.end()
                await under_way
                with sa.create_engine(hub.hub.config.database_url).connect() as connection:
                    found = {bytes(it) for it in connection.execute(sa.text("SELECT entry_id FROM claims")).scalars()}
                assert load.entries | entries <= found
        await proxy.stop()


# -- signals, and what a service manager is told ---------------------------------------------------------------


@contextmanager
def database_held(hub: RunningHub) -> Iterator[None]:
    """Hold the database's writers up, so that calls hang."""
    connection = sqlite3.connect(hub.folder / "hub.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def hanging(member: WireMember) -> "asyncio.Task[object]":
    """Make a call that reached the hub and waits for its database."""
    asked = asyncio.create_task(member.evaluate(valid_elements(1), Purpose.TRANSACTION))
    await asyncio.sleep(0.3)
    assert not asked.done()
    return asked


@pytest_asyncio.fixture
async def managed(tmp_path: Path) -> AsyncIterator[tuple[HubProcess, RunningHub, socket.socket]]:
    """A hub's process with a service manager that listens."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(60)
    os.environ |= (told := {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
    try:
        async with hub_process(tmp_path / "hub") as (process, hub):
            yield process, hub, manager
    finally:
        manager.close()
        for name in told:
            del os.environ[name]


async def heard(manager: socket.socket, state: bytes) -> None:
    while await asyncio.to_thread(manager.recv, 100) != state:
        pass


async def test_a_call_that_hangs_is_answered_before_the_process_ends(
    managed: tuple[HubProcess, RunningHub, socket.socket],
) -> None:
    process, hub, manager = managed
    await heard(manager, b"READY=1")
    await heard(manager, b"WATCHDOG=1")
    member = await enrol(hub, "lender")
    with database_held(hub):
        asked = await hanging(member)
        process.send(signal.SIGTERM)
        await heard(manager, b"STOPPING=1")
        await process.says('"hub drains"')
        assert process.is_alive
    await asked
    assert await process.ended() == 0
    assert hub.hub.store.read_now(lambda it: len(it.audit.page("lender", 0, 10))) == 2
    await member.close()


async def test_a_second_signal_ends_the_process_at_once(
    managed: tuple[HubProcess, RunningHub, socket.socket],
) -> None:
    process, hub, _ = managed
    member = await enrol(hub, "lender")
    with database_held(hub):
        asked = await hanging(member)
        process.send(signal.SIGTERM)
        await process.says('"hub drains"')
        process.send(signal.SIGTERM)  # a group's signal beside its own is one wish
        await asyncio.sleep(2 * ONE_WISH_SECONDS)
        assert process.is_alive
        process.send(signal.SIGINT)
        assert await process.ended() == 128 + signal.SIGINT
    await asyncio.gather(asked, return_exceptions=True)
    await process.start()  # what it left behind opens again
    await member.close()
