"""Making and running a hub."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console

from alliance.clock import SystemClock
from alliance.keyring.store import write_atomically
from alliance_server.bootstrap import Hub
from alliance_server.config import CONFIG_FILE, ConfigurationInvalid, HubConfig, load_config
from alliance_server.domain.audit import AuditAction, record_event
from alliance_server.domain.epochs import Epoch
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Transaction
from alliance_server.hub_keys import create_keys
from alliance_server.logs import configure_logs
from alliance_server.storage import schema
from alliance_server.storage.unit_of_work import SqlStore


def init_hub(
    out: Console, folder: Path, alliance: str, hosts: list[str], listen: str, enrolment_listen: str, database: str
) -> None:
    """Make a hub's folder; raises ConfigurationInvalid where there is one already."""
    if (folder / CONFIG_FILE).exists():
        raise ConfigurationInvalid(f"{folder} is a hub's folder already; nothing was changed")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "alliance": alliance,
        "listen": listen,
        "enrolment_listen": enrolment_listen,
        "public_host": hosts[0],
        "database": database,
    }
    # The configuration is written last: a folder with one is a whole hub.
    config = HubConfig(folder=folder.resolve(), **settings)
    now = SystemClock().now_ms()
    try:
        keys = create_keys(config.keys_folder, alliance, hosts, now)
    except FileExistsError as error:
        raise ConfigurationInvalid(f"{error}; move them away, or restore {CONFIG_FILE}") from None
    epoch = keys.create_epoch(1, now)
    store = SqlStore(config.database_url)
    schema.upgrade(store.engine)
    store.start()
    try:
        store.write_now(lambda transaction: _begin(transaction, epoch, now))
    finally:
        store.close()
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    write_atomically(folder / CONFIG_FILE, ("\n".join(lines) + "\n").encode(), mode=0o640)
    out.print(f"hub made in {folder}: alliance '{alliance}', epoch 1, {store.engine.dialect.name}")
    out.print(f"identity {keys.identity.public_key.hex()}: members pin it through their bundles", highlight=False)
    out.print(f"next: alliance-server serve {folder}", highlight=False)


def _begin(transaction: Transaction, epoch: Epoch, now: int) -> None:
    transaction.epochs.add(epoch)
    transaction.record(
        record_event(
            time=now,
            actor=HUB_ACTOR,
            action=AuditAction.EPOCH_BEGIN,
            epoch=epoch.id,
            items=1,
            commitments=(epoch.public_key,),
        )
    )


def serve_hub(folder: Path) -> None:
    """Serve until SIGINT or SIGTERM."""
    configure_logs()
    uvloop.run(_serve(Hub(load_config(folder))))


async def _serve(hub: Hub) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await hub.start()
    try:
        await stopped.wait()
    finally:
        await hub.stop()
