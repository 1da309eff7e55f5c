"""What members, clocks and tidy operators could do to a hub."""

import asyncio
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, enrolment_channel

from alliance.v1 import enrolment_pb2, enrolment_pb2_grpc
from alliance.v1.filter_pb2 import DownloadSnapshotRequest, FilterHeader, FilterHeartbeat, GetFilterRequest
from alliance_server.rpc.server import MAX_ENROLMENT_BYTES

NewFolder = Callable[[], Path]


def used(hub: RunningHub) -> list[int]:
    """Contribution evaluations used, by day."""
    with hub.hub.store.engine.connect() as connection:
        return list(connection.execute(sa.text("SELECT used FROM budgets WHERE resource = 5 ORDER BY day")).scalars())


async def in_force(member: WireMember) -> tuple[FilterHeader, FilterHeartbeat]:
    reply = await member.filters.GetFilter(GetFilterRequest(epoch=1))
    return FilterHeader.FromString(reply.header.payload), FilterHeartbeat.FromString(reply.heartbeat.payload)


async def downloaded(member: WireMember, header: FilterHeader) -> int:
    request = DownloadSnapshotRequest(bits_sha256=header.bits_sha256)
    return sum([len(reply.chunk) async for reply in member.filters.DownloadSnapshot(request)])


async def test_refunds_end_and_do_not_enlarge_the_next_day(new_hub_folder: NewFolder) -> None:
    budgets = {"contribution": 40, "contribution_refunds": 30}
    async with running_hub(new_hub_folder(), config={"budgets": budgets}) as hub:
        member = await enrol(hub, "a")
        for spent in (0, 10, 30):  # the second chunk is refunded in part, the third not at all
            await member.credit(20)
            await member.contribute(*(member.row() for _ in range(20)))
            assert used(hub) == [spent]
        await member.credit(10)
        hub.clock.advance(days=1)
        await member.contribute(*(member.row() for _ in range(10)))
        assert used(hub) == [40, 0]
        await member.close()


@pytest.mark.parametrize("harm", ["folder gone", "file changed"])
async def test_a_snapshot_that_is_gone_is_built_anew(new_hub_folder: NewFolder, harm: str) -> None:
    folder = new_hub_folder()
    async with running_hub(folder, config={"maintenance_seconds": 60}) as hub:
        member = await enrol(hub, "a")
        await member.credit(2)
        if harm == "folder gone":
            shutil.rmtree(folder / "snapshots")
        else:
            hub.hub.maintenance._held.clear()
            for path in (folder / "snapshots").iterdir():
                path.write_bytes(b"\xff" + path.read_bytes()[1:])
        await member.contribute(member.row())
        await hub.settle()
        header, heartbeat = await in_force(member)
        assert heartbeat.sequence == 1
        assert await downloaded(member, header) == header.bits // 8
        await member.close()


async def test_a_clock_that_was_wrong_for_a_while_stops_nothing(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    async with running_hub(folder, config={"maintenance_seconds": 60}) as hub:
        hub.clock.advance(days=2)
        await hub.settle()
    async with running_hub(folder, config={"maintenance_seconds": 60}) as hub:  # with the right clock again
        await hub.settle()
        member = await enrol(hub, "a")
        header, heartbeat = await in_force(member)
        assert abs(heartbeat.time - hub.clock.now_ms()) < 60_000
        assert abs(header.created_at - hub.clock.now_ms()) < 60_000
        await member.close()


async def test_the_enrolment_port_reads_small_messages_only(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, enrolment_channel(hub) as channel:
        stub: Any = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Enrol(enrolment_pb2.EnrolRequest(token=bytes(MAX_ENROLMENT_BYTES)))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_work_that_was_cancelled_before_it_began_is_left_undone(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub:
        store = hub.hub.store
        begun, go_on = threading.Event(), threading.Event()
        ran: list[str] = []

        def hold(_transaction: Any) -> None:
            begun.set()
            go_on.wait(10)

        holding = asyncio.create_task(store.write(hold))
        await asyncio.to_thread(begun.wait, 10)
        cancelled: Future[None] = store._submit(lambda _transaction: ran.append("cancelled"))
        wanted = asyncio.create_task(store.write(lambda _transaction: ran.append("wanted")))
        await asyncio.sleep(0)
        assert cancelled.cancel()
        go_on.set()
        await asyncio.gather(holding, wanted)
        assert ran == ["wanted"]
