"""Serving until a signal: the first drains, the second ends at once."""

import asyncio
import gc
import os
import signal
from pathlib import Path
from typing import Final

import uvloop

from alliance.development import DEVELOPMENT_ALLIANCE
from alliance_server.bootstrap import Hub
from alliance_server.cli.systemd import keep_alive, tell
from alliance_server.config import ConfigurationInvalid, load_config
from alliance_server.logs import configure_logs


def serve_hub(folder: Path) -> None:
    """Serve until SIGINT or SIGTERM."""
    config = load_config(folder)
    if config.alliance == DEVELOPMENT_ALLIANCE:
        raise ConfigurationInvalid(f"{folder} is a development hub's: run it with 'alliance-server dev'")
    configure_logs()
    uvloop.run(_serve(Hub(config)))


async def _serve(hub: Hub) -> None:
    ending = _Ending()
    await start_hub(hub, "listen and enrolment_listen in hub.toml (members follow their bundles)")
    gc.freeze()  # what stands by now stays: collections at work need not look at it, which would stop all calls
    tell("READY=1")
    alive = asyncio.create_task(keep_alive(), name="watchdog")
    try:
        await ending.asked.wait()
        tell("STOPPING=1")
    finally:
        await hub.stop()
        alive.cancel()


ONE_WISH_SECONDS: Final = 0.5
"""Signals so close together are one wish: timeout(1) and others signal a process and then its group."""


class _Ending:
    """The signals to end. What was acknowledged is on disk, so that an end at once loses nothing of it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._asked_at = 0.0
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._ask, number)

    def _ask(self, number: signal.Signals) -> None:
        now = asyncio.get_running_loop().time()
        if not self.asked.is_set():
            self._asked_at = now
            self.asked.set()
        elif now - self._asked_at > ONE_WISH_SECONDS:
            os._exit(128 + number)


async def start_hub(hub: Hub, where_ports_are_set: str) -> None:
    """Start a hub; raises ConfigurationInvalid where its ports are not to be had."""
    try:
        await hub.start()
    except RuntimeError as error:
        if "bind" not in str(error):
            raise
        raise ConfigurationInvalid(
            f"cannot listen on {hub.config.listen} and {hub.config.enrolment_listen}: is a hub running already, or is "
            f"a port in use? Other ports: {where_ports_are_set}"
        ) from None
