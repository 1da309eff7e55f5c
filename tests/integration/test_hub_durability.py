"""What was acknowledged survives the hub's process: killed, not stopped."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from grpc import aio
from support.hub import RunningHub
from support.process import HubProcess, hub_process
from support.wire import WireMember, enrol, row_of, valid_elements

from alliance.claims import SealedClaim
from alliance.v1 import epoch_pb2
from alliance.v1.claim_pb2 import Claim

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENOUGH = 60


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
def database(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres").migrated())


@pytest_asyncio.fixture(loop_scope="module")
async def running(tmp_path: Path, database: str) -> AsyncIterator[tuple[HubProcess, RunningHub]]:
    async with hub_process(tmp_path / "hub", database) as pair:
        yield pair


class Load:
    """Members that file and evaluate until their hub is gone, and note what was acknowledged."""

    def __init__(self, members: list[WireMember]) -> None:
        self._members = members
        self.rows: list[SealedClaim] = []
        self.queries: list[bytes] = []
        self.enough = asyncio.Event()

    async def run(self) -> None:
        jobs: list[Callable[[WireMember], Any]] = [self._file, self._evaluate]
        await asyncio.gather(*(self._repeat(job, member) for job in jobs for member in self._members))

    async def _repeat(self, job: Callable[[WireMember], Any], member: WireMember) -> None:
        try:
            while True:
                await job(member)
                if min(len(self.rows), len(self.queries)) >= ENOUGH:
                    self.enough.set()
        except aio.AioRpcError:
            self.enough.set()

    async def _file(self, member: WireMember) -> None:
        sealed = member.seal()
        (result,) = await member.contribute(row_of(sealed))
        assert result.refusal == 0
        self.rows.append(sealed)

    async def _evaluate(self, member: WireMember) -> None:
        request_id = os.urandom(16)
        await member.evaluate(valid_elements(1), 3, request_id=request_id)
        self.queries.append(request_id)


def column(hub: RunningHub, query: str) -> list[Any]:
    with hub.hub.store.engine.connect() as connection:
        return list(connection.execute(sa.text(query)).scalars())


async def test_acknowledged_rows_and_events_survive_a_kill(running: tuple[HubProcess, RunningHub]) -> None:
    process, hub = running
    members = [await enrol(hub, f"lender-{number}") for number in range(3)]
    for member in members:
        await member.credit(2000)
    load = Load(members)
    under_way = asyncio.create_task(load.run())
    await load.enough.wait()
    process.kill()
    await under_way
    assert len(load.rows) >= ENOUGH

    await process.start()
    entries = {bytes(it) for it in column(hub, "SELECT entry_id FROM claims")}
    assert {it.entry_id for it in load.rows} <= entries
    requests = {bytes(it) for it in column(hub, "SELECT request_id FROM evaluations")}
    assert set(load.queries) <= requests
    # Every row has its event, acknowledged or not; and the registry has no gap.
    assert column(hub, "SELECT count(*) FROM audit_events WHERE action = 'claim:contribute'") == [len(entries)]
    assert column(hub, "SELECT count(*) FROM audit_events WHERE action = 'evaluation:evaluate'") == [len(requests)]
    assert column(hub, "SELECT sequence FROM claims ORDER BY sequence") == list(range(1, len(entries) + 1))
    assert sum(column(hub, "SELECT remaining FROM contribution_credits")) == 6000 - len(entries)

    # The hub that came back takes the rest up: what it has is repeated, the same question is free.
    contributor = Claim.FromString(load.rows[0].claim).contributor
    back = next(it for it in members if it.id == contributor).again()
    (result,) = await back.contribute(row_of(load.rows[0]))
    assert (result.refusal, result.repeated_row) == (0, True)
    for it in (*members, back):
        await it.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_hub_that_is_asked_to_stop_ends_well_and_serves_again(
    running: tuple[HubProcess, RunningHub],
) -> None:
    process, hub = running
    member = await enrol(hub, "lender")
    assert process.stop() == 0
    await process.start()
    back = member.again()
    assert len((await back.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())).epochs) == 1
    await back.close()
    await member.close()
