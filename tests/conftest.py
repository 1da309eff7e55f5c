"""Fixtures that several folders share.

Tests that take a hub from here run on their module's event loop:
`pytestmark = pytest.mark.asyncio(loop_scope="module")`.
"""

import gc
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from support import backends
from support.commands import build_once
from support.engines import compile_once
from support.forked import forked_programs
from support.hub import RunningHub, make_config, running_hub
from support.keys import open_cheaply
from support.postgres import Postgres, running_postgres
from support.scheduling import Scheduling
from support.softhsm import NoSoftHsm, SoftHsm, running_softhsm
from support.stores import Databases, epoch
from support.wire import WireMember, enrol

from alliance.crypto.backend import Backend
from alliance_server.domain.members import Role
from alliance_server.storage import database, schema
from alliance_server.storage.unit_of_work import SqlStore

# Programs under test speak English whatever the locale of whoever runs the tests; those about languages choose one.
os.environ["ALLIANCE_LANG"] = "en"
# They are started hundreds of times, and would compile their sources as often.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Hubs in this process log to its standard error itself, as hubs do: a runner of commands captures what Python calls so,
# and would take a hub's line for the command's.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))
# What a failure shows; the search for leaks reads everything. Once: pytest would set it three times a test.
logging.getLogger().setLevel(logging.INFO)
open_cheaply()
build_once()
compile_once()

pytest_plugins = ["support.leak_plugin"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Share the tests out by files, and long ones singly."""
    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what stays to the end: thousands of tests, and all modules."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest test: begun last, it would keep one core busy and leave the others idle."""
    items.sort(key=lambda item: "tests/simulation/" not in item.nodeid)


@pytest.fixture(params=backends.NAMES)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend in turn."""
    return backends.backend_named(request.param)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A real PostgreSQL; where none starts, what needs it is skipped, with the reason."""
    try:
        context = running_postgres(tmp_path_factory.mktemp("postgres"))
        server = context.__enter__()
    except Exception as error:  # noqa: BLE001 - whatever keeps it from starting
        pytest.skip(f"PostgreSQL does not start here: {type(error).__name__}: {error}")
    yield server
    context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "hub.db"
    engine = database.connect(f"sqlite:///{path}")
    schema.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Databases]:
    if request.param == "sqlite":
        shutil.copy(sqlite_template, tmp_path / "hub.db")
        url = f"sqlite:///{tmp_path / 'hub.db'}"
    else:
        url = request.getfixturevalue("postgres").migrated()
    opened = Databases(url)
    yield opened
    opened.close()


@pytest.fixture
def store(databases: Databases) -> SqlStore:
    return databases.open()


@pytest.fixture
def with_epoch(store: SqlStore) -> SqlStore:
    store.write_now(lambda transaction: transaction.epochs.add(epoch()))
    return store


@pytest.fixture(scope="session")
def new_hub_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Give a fresh hub's folder, SQLite inside: a copy of one that was made once."""
    template = tmp_path_factory.mktemp("hub-template") / "hub"
    make_config(template)

    def new() -> Path:
        folder = tmp_path_factory.mktemp("hub") / "hub"
        shutil.copytree(template, folder)
        return folder

    return new


@pytest_asyncio.fixture(loop_scope="module")
async def own_hub(new_hub_folder: Callable[[], Path]) -> AsyncIterator[RunningHub]:
    """A hub for one test alone: its clock, keys and database may be bent."""
    async with running_hub(new_hub_folder()) as hub:
        yield hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(new_hub_folder: Callable[[], Path]) -> AsyncIterator[RunningHub]:
    """A hub for a module; tests stay apart by members of their own."""
    async with running_hub(new_hub_folder()) as running:
        yield running


class Members:
    """Enrols members with unused names and closes their channels."""

    def __init__(self) -> None:
        self._made: list[WireMember] = []
        self._names = iter(range(1, 10_000))

    async def __call__(self, hub: RunningHub, name: str = "", role: Role = Role.MEMBER) -> WireMember:
        member = await enrol(hub, name or f"{role.word.replace('_', '-')}-{next(self._names)}", role)
        self._made.append(member)
        return member

    async def close(self) -> None:
        for member in self._made:
            await member.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def members() -> AsyncIterator[Members]:
    """Enrols members at the module's hub."""
    made = Members()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def own_members() -> AsyncIterator[Members]:
    """Enrols members at a test's own hub."""
    made = Members()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def member(hub: RunningHub, members: Members) -> WireMember:
    """A member of the module's hub with credit for fifty rows."""
    made = await members(hub)
    await made.credit(50)
    return made


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our programs in a folder, forked from a process that has imported what they need (`support/forked.py`)."""
    folder = tmp_path_factory.mktemp("programs")
    forked_programs(folder)
    return folder


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """A SoftHSM2; where there is none, what needs it is skipped, with the reason."""
    try:
        yield from running_softhsm(tmp_path_factory.mktemp("softhsm"))
    except NoSoftHsm as reason:
        pytest.skip(str(reason))
