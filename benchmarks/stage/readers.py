"""Many members' programs that follow what becomes of claims, in a process of their own, and one that recalls.

All have one clock: what is measured is from the call of the recall to the event in each of the others.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from alliance.identifiers import Kind
from alliance.taxonomy import Category, EvidenceLevel, SubjectRole
from benchmarks.measure.calls import Calls
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.processes import Pipe
from benchmarks.stage.member import enrolled
from benchmarks.stage.samples import phone
from member_client import AllianceClient, ContributionRow

_EVENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Recalls:
    """Recall so many claims, one after another; each has to reach everybody before the next."""

    count: int


def serve(pipe: Pipe, bundles: Sequence[Path], folder: Path) -> None:
    """Enrol all, let them follow, say so, and answer until ended; the first one is who recalls."""
    try:
        asyncio.run(_serve(pipe, bundles, folder))
    except EOFError:
        return  # the benchmark is done with them
    except Exception as error:
        pipe.send(BenchmarkFailed(f"the readers' process: {type(error).__name__}: {error}"))
        raise


class _Reader:
    """One who follows."""

    def __init__(self, client: AllianceClient) -> None:
        self._client = client
        self._seen: dict[bytes, asyncio.Future[float]] = {}

    def event(self, entry_id: bytes) -> "asyncio.Future[float]":
        """Give when the change of a claim came."""
        return self._seen.setdefault(entry_id, asyncio.get_running_loop().create_future())

    async def follow(self) -> None:
        async with aclosing(cast("Any", self._client.status_changes())) as changes:
            async for change in changes:
                self.event(change.entry_id).set_result(time.perf_counter())


async def _serve(pipe: Pipe, bundles: Sequence[Path], folder: Path) -> None:
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(AllianceClient(await enrolled(it, folder / it.name.partition(".")[0])))
            for it in bundles
        ]
        contributor, *others = clients
        readers = [_Reader(client) for client in others]
        following = [asyncio.create_task(reader.follow()) for reader in readers]
        stack.callback(lambda: [task.cancel() for task in following])
        pipe.send(len(readers))
        while True:
            order: Recalls = await asyncio.to_thread(pipe.recv)
            pipe.send(await _recalled(contributor, readers, order.count))


async def _recalled(contributor: AllianceClient, readers: Sequence[_Reader], count: int) -> Calls:
    entries = [it.entry_id async for it in contributor.contribute(_row(2 * place) for place in range(count))]
    latencies: list[float] = []
    begun = time.perf_counter()
    for entry_id in entries:
        start = time.perf_counter()
        await contributor.recall(entry_id, reason="benchmark")
        async with asyncio.timeout(_EVENT_SECONDS):
            latencies += [await reader.event(entry_id) - start for reader in readers]
    return Calls(tuple(latencies), time.perf_counter() - begun)


def _row(number: int) -> ContributionRow:
    return ContributionRow(
        kind=Kind.PHONE,
        text=phone(number),
        category=Category.FALSE_APPLICATION,
        role=SubjectRole.PERPETRATOR,
        evidence=EvidenceLevel.E1,
    )
