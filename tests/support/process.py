"""A hub in a process of its own, run by its command line, so that it can be killed."""

import asyncio
import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, cast

import psutil
from rich.console import Console

from alliance.clock import SystemClock
from alliance_server.cli.hub import init_hub
from alliance_server.config import load_config
from alliance_server.hub_keys import open_keys
from alliance_server.hub_store import open_store
from alliance_server.services.enrolment import EnrolmentService
from support.forked import Forked
from support.hub import RunningHub


def free_port() -> int:
    """Give a port that stays free while its hub is away: it is none of those that connections go out from."""
    while True:
        port = random.randrange(10_000, 30_000)  # noqa: S311 - no secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


_NOWHERE = "127.0.0.1:1", "127.0.0.1:2"


def _init(folder: Path, listen: str, enrolment: str, database: str) -> None:
    init_hub(Console(quiet=True), folder, "test", ["127.0.0.1"], listen, enrolment, database)


def _copy_of_one(folder: Path, *ports: str) -> None:
    """Copy a hub's folder that was made once, and put its ports in."""
    shutil.copytree(_made_once(), folder, dirs_exist_ok=True)
    settings = folder / "hub.toml"
    content = settings.read_text("utf-8")
    for nowhere, port in zip(_NOWHERE, ports, strict=True):
        assert f'"{nowhere}"' in content
        content = content.replace(f'"{nowhere}"', f'"{port}"')
    settings.write_text(content, "utf-8")


@cache
def _made_once() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hub-"))
    atexit.register(shutil.rmtree, folder)
    before = os.umask(0o077)  # as the command sets it
    try:
        _init(folder / "hub", *_NOWHERE, "")
    finally:
        os.umask(before)
    return folder / "hub"


def serving(folder: Path, environment: dict[str, str], log: IO[bytes]) -> Forked:
    """Serve a hub in one process more, which says all that it says to a file."""
    with Path(os.devnull).open("rb") as nothing:
        streams = nothing.fileno(), log.fileno(), log.fileno()
        return Forked("alliance_server", ["serve", str(folder)], environment=os.environ | environment, streams=streams)


class HubProcess:
    """A hub's folder and, while it runs, its process."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.stderr"
        self.ports = free_port(), free_port()
        listen, enrolment = (f"127.0.0.1:{port}" for port in self.ports)
        if database:
            _init(folder, listen, enrolment, database)
        else:
            _copy_of_one(folder, listen, enrolment)
        self.environment: dict[str, str] = {}
        self._process: Forked | None = None

    def run(self, *arguments: str) -> str:
        """Run a command to its end; gives what it printed."""
        command = [sys.executable, "-m", "alliance_server", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout + done.stderr

    async def start(self) -> None:
        """Serve; returns when the hub says that it does."""
        said = self._said()
        self.launch()
        async with asyncio.timeout(60):
            while self._said() == said:
                assert self._process is not None
                assert self._process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.02)

    def launch(self) -> None:
        """Start the process, and wait for nothing."""
        with self.log.open("ab") as log:
            self._process = serving(self.folder, self.environment, log)

    def _said(self) -> int:
        return self.log.read_text().count('"hub serves"') if self.log.exists() else 0

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end; gives its exit code."""
        return self._end(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, and wait for nothing."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the process's end; gives its exit code."""
        assert self._process is not None
        async with asyncio.timeout(60):
            code = await self._process.ended()
        self._process = None
        return code

    async def says(self, words: str) -> None:
        """Wait until the log has these words."""
        async with asyncio.timeout(60):
            while words not in self.log.read_text():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.02)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(30)
        self._process = None
        return code

    def resident_bytes(self) -> int:
        """The memory that it holds."""
        assert self._process is not None
        return int(psutil.Process(self._process.pid).memory_info().rss)

    @property
    def is_alive(self) -> bool:
        """Whether the process that was started is still there."""
        return self._process is not None and self._process.poll() is None

    @property
    def runs(self) -> bool:
        return self._process is not None


@contextmanager
def another(folder: Path) -> Iterator[tuple[Forked, int]]:
    """Serve the same hub in one process more; gives it, which serves by then, and its members' port."""
    port, log = free_port(), folder.parent / f"another-{free_port()}.stderr"
    listen = {"ALLIANCE_HUB_LISTEN": f"127.0.0.1:{port}", "ALLIANCE_HUB_ENROLMENT_LISTEN": f"127.0.0.1:{free_port()}"}
    with log.open("wb") as out:
        more = serving(folder, listen, out)
    try:
        while '"hub serves"' not in log.read_text():
            assert more.poll() is None, log.read_text()
            time.sleep(0.02)
        yield more, port
    finally:
        more.send_signal(signal.SIGCONT)
        more.terminate()
        assert more.wait(60) == 0


@asynccontextmanager
async def hub_process(folder: Path, database: str = "") -> AsyncIterator[tuple[HubProcess, RunningHub]]:
    """Run a hub; gives its process, and what a wire member needs of a hub."""
    process = HubProcess(folder, database)
    config = load_config(folder)
    keys = open_keys(config.keys_folder, config.alliance, config.pkcs11)
    store = open_store(config, keys, SystemClock())
    store.start()
    clock = SystemClock()
    parts = SimpleNamespace(
        config=config,
        keys=keys,
        store=store,
        enrolment=EnrolmentService(store, keys.authority, keys.identity, clock),
        port=process.ports[0],
        enrolment_port=process.ports[1],
    )
    try:
        await process.start()
        yield process, RunningHub(cast("Any", parts), folder, cast("Any", clock))
    finally:
        if process.runs:
            process.stop()
        store.close()
