"""Furnishes a development hub that serves: lenders enrol, and those that claim something contribute their lists."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from alliance.keyring.store import write_atomically
from alliance_server.bootstrap import Hub
from alliance_server.cli.dev.confirming import confirm_own
from alliance_server.cli.dev.folder import is_enrolled, point_to
from alliance_server.cli.dev.lists import CONTRIBUTORS, DEV, FAULTY, damage, write_lists
from alliance_server.cli.members import bundle
from alliance_server.demo.lender import Lender
from alliance_server.demo.processes import Child, Processes, demand

_SECONDS: Final = 120.0
OPERATORS: Final = ("operator-1", "operator-2")


async def furnish(hub: Hub, home: Path, seed: int, processes: Processes) -> Lender:
    """Do it, and give the developer's lender; raises DemoFailed. What was done by an earlier start stands."""
    lists = await asyncio.to_thread(write_lists, home, seed)
    lenders = {name: Lender(name, home / name, processes) for name in (DEV, *CONTRIBUTORS, FAULTY)}
    await _good([(await _enrolling(hub, lender)) for lender in lenders.values() if not is_enrolled(lender.profile)])
    for name in lenders:
        await confirm_own(hub, name)
    for lender in lenders.values():
        _bundle_of(lender).unlink(missing_ok=True)
        point_to(lender.profile, hub.config.listen, hub.config.enrolment_listen)
    await _contributed(lenders, lists)
    await asyncio.to_thread(damage, hub.store.engine)
    await hub.maintenance.turn()
    return lenders[DEV]


async def _contributed(lenders: Mapping[str, Lender], lists: Mapping[str, Path]) -> None:
    """Have lists contributed; what the first lender states needs two operators for some of it."""
    stating, (first, second) = lenders[CONTRIBUTORS[0]], OPERATORS
    for name in OPERATORS:
        await _good([stating.add_operator(name)])
    options = {CONTRIBUTORS[0]: ("--operator", first)}
    await _good([lenders[name].contribute(file, *options.get(name, ())) for name, file in lists.items()])
    await _good([stating.approve(second)])


async def _enrolling(hub: Hub, lender: Lender) -> Child:
    """Let a lender enrol; an enrolment that was cut off is taken up with the invitation that it began with."""
    path = _bundle_of(lender)
    hub_address, enrolment = hub.config.listen, hub.config.enrolment_listen
    begun = json.loads(path.read_bytes()) if path.exists() else {}
    if begun.get("expires_at", 0) > hub.clock.now_ms():
        content = json.dumps(begun | {"hub": hub_address, "enrolment": enrolment}).encode()
    else:
        ticket = await hub.enrolment.invite(lender.name, lender.name)
        content = bundle(hub.config, hub.keys, ticket, hub_address, enrolment)
    write_atomically(path, content)
    return lender.enrol(path)


def _bundle_of(lender: Lender) -> Path:
    return lender.folder / "bundle.json"


async def _good(children: Sequence[Child]) -> None:
    """Wait for children that ought to end well."""
    for child in children:
        demand(child.name, await asyncio.to_thread(child.wait, _SECONDS))
