"""A member that no case asks, in a run: it asks two hubs for its inquiries, in pairs and in a drawn order."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure.processes import Pipe
from benchmarks.stage.member import enrolled
from member_client import AllianceClient

_SEED = 20


@dataclass(frozen=True, slots=True)
class Pairs:
    """Ask both hubs so many times."""

    count: int


def serve(pipe: Pipe, bundles: list[Path], folder: Path) -> None:
    """Be that member at each hub: enrol, then time what is asked for."""
    asyncio.run(_serve(pipe, bundles, folder))


async def _serve(pipe: Pipe, bundles: list[Path], folder: Path) -> None:
    dice = random.Random(_SEED)  # noqa: S311 - a benchmark
    async with AsyncExitStack() as stack:
        profiles = [await enrolled(bundle, folder / str(place)) for place, bundle in enumerate(bundles)]
        clients = [await stack.enter_async_context(AllianceClient(profile)) for profile in profiles]
        for client in clients:
            await client.sync()
        pipe.send(None)
        while True:
            pairs: Pairs = await asyncio.to_thread(pipe.recv)
            pipe.send([await _pair(clients, dice) for _ in range(pairs.count)])


async def _pair(clients: list[AllianceClient], dice: random.Random) -> tuple[float, ...]:
    seconds = [0.0] * len(clients)
    for place in dice.sample(range(len(clients)), len(clients)):
        start = time.perf_counter()
        _ = [it async for it in clients[place].inquiries.listed()]
        seconds[place] = time.perf_counter() - start
    return tuple(seconds)
