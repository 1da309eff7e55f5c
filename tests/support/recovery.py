"""Backups in tests: a hub with claims, a load that goes on, and the passphrase where restored keys look for it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alliance.keyring.passphrase import PASSPHRASE_VARIABLE
from alliance.v1.succession_pb2 import Succession
from alliance_server.recovery.backup import take_backup
from alliance_server.recovery.manifest import Manifest
from alliance_server.recovery.opening import open_backup
from alliance_server.recovery.restoring import plan, restore
from support.hub import RunningHub, running_hub
from support.wire import WireMember


def quiet(_table: str, _done: int, _total: int) -> None:
    """Watch nothing."""


def know_passphrase(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Set the passphrase of a hub's folder, which its backups leave behind."""
    monkeypatch.setenv(PASSPHRASE_VARIABLE, (folder / "keys" / "passphrase").read_text())


async def backed_up(hub: RunningHub, destination: Path) -> Manifest:
    """Take a backup beside the hub, on another thread."""
    return await asyncio.to_thread(take_backup, hub.hub.config, destination, hub.clock, quiet)


@asynccontextmanager
async def contributing(member: WireMember, rows: int = 4) -> AsyncIterator[list[bytes]]:
    """File claims one chunk after the other until the block ends; gives the entry ids that were acknowledged so far."""
    acknowledged: list[bytes] = []

    async def file() -> None:
        while True:
            sealed = [member.row() for _ in range(rows)]
            await member.credit(rows)
            results = await member.contribute(*sealed)
            acknowledged.extend(result.entry_id for result in results if not result.refusal)

    task = asyncio.create_task(file())
    try:
        yield acknowledged
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def restored(
    backup: Path, destination: Path, *hubs: RunningHub, url: str = "", ledger: bool = True, **token: str
) -> Succession:
    """Restore a backup of a hub that is gone, with the ledgers of its origins or without any.

    Its passphrase lies beside the keys.
    """
    hub, purges = hubs[0], [it.hub.config.purges_folder for it in hubs] if ledger else None
    with pytest.MonkeyPatch.context() as patch:
        know_passphrase(patch, hub.folder)
        made = restore(plan(open_backup(backup), purges, hub.clock), destination, url, quiet, token)
    shutil.copy(hub.folder / "keys" / "passphrase", destination / "keys" / "passphrase")
    return Succession.FromString(made.payload)


@asynccontextmanager
async def in_its_place(folder: Path, lost: RunningHub, **options: Any) -> AsyncIterator[RunningHub]:
    """Run a restored hub where members look for the lost one."""
    ports = {"listen": lost.address, "enrolment_listen": lost.enrolment_address}
    async with running_hub(folder, clock=lost.clock, config=ports, **options) as hub:
        yield hub
