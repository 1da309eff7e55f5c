"""Runs a development hub: makes or opens it, furnishes it, says how to use it, and serves until it is interrupted."""

import asyncio
import logging
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from rich.console import Console

from alliance_server.bootstrap import Hub
from alliance_server.cli.dev.folder import opened_config, working_folder
from alliance_server.cli.dev.furnishing import furnish
from alliance_server.cli.dev.printing import welcome
from alliance_server.cli.printing import say
from alliance_server.cli.serving import start_hub
from alliance_server.config import ConfigurationInvalid, settings_of_others
from alliance_server.demo.lender import Lender
from alliance_server.demo.processes import DemoFailed, Processes
from alliance_server.domain.epochs import contributes
from alliance_server.logs import configure_logs

INTERRUPTED = 130


def run_dev(out: Console, folder: Path, port: int, seed: int, *, memory: bool) -> int:
    """Serve until SIGINT or SIGTERM, and give the exit code; raises ConfigurationInvalid."""
    caller = dict(os.environ)
    for name in settings_of_others(caller):
        del os.environ[name]
    configure_logs(logging.WARNING)
    with working_folder(folder, memory=memory) as home:
        hub = Hub(opened_config(home, port))
        _check_age(hub, home)
        return uvloop.run(_Run(out, hub, home, caller).serve(seed))


def _check_age(hub: Hub, home: Path) -> None:
    now = hub.clock.now_ms()
    if not any(contributes(epoch, now) for epoch in hub.store.read_now(lambda transaction: transaction.epochs.all())):
        raise ConfigurationInvalid(f"the key epoch of the development hub in {home} is over: remove it and start again")


class _Run:
    """One run of a hub that is opened."""

    def __init__(self, out: Console, hub: Hub, home: Path, caller: dict[str, str]) -> None:
        self._out = out
        self._hub = hub
        self._home = home
        self._caller = caller
        self._stopped = asyncio.Event()

    async def serve(self, seed: int) -> int:
        """Serve until it is interrupted."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopped.set)
        await start_hub(self._hub, "give --port another number; the one after it is taken as well")
        try:
            lender = await self._furnished(seed)
            if lender is None:
                return INTERRUPTED
            for line in welcome(lender, self._hub.config.listen, self._home, self._caller):
                say(self._out, line)
            await self._stopped.wait()
        finally:
            await self._hub.stop()
        return 0

    async def _furnished(self, seed: int) -> Lender | None:
        """Furnish the hub and give the developer's lender; None where that was interrupted."""
        stopping = asyncio.create_task(self._stopped.wait())
        with TemporaryDirectory(prefix="alliance-dev-processes-") as scratch:
            with Processes(Path(scratch)) as processes, self._out.status("making people up …"):
                furnishing = asyncio.create_task(furnish(self._hub, self._home, seed, processes))
                await asyncio.wait({furnishing, stopping}, return_when=asyncio.FIRST_COMPLETED)
                furnishing.cancel()  # of no effect on one that is done; one that is not must start no more processes
            stopping.cancel()
            await asyncio.gather(furnishing, stopping, return_exceptions=True)
        try:
            return None if furnishing.cancelled() else furnishing.result()
        except DemoFailed as failure:
            raise ConfigurationInvalid(f"the development hub could not be furnished: {failure}") from None
