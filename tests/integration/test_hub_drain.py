"""A hub that is asked to end: no new calls, those under way finish, streams are told to come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import Members
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.filters import read_head
from support.hub import RunningHub, running_hub
from support.wire import events_of, refuses, valid_elements

from alliance.errors import Reason
from alliance.taxonomy import Purpose
from alliance.v1 import epoch_pb2, filter_pb2, registry_pb2
from alliance_server.bootstrap import Hub
from alliance_server.services import filters as filter_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
PATIENT = {"drain_seconds": 600.0}
"""So patient that what ends does not end because time ran out."""


class Held(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Keeps the handler of one method back: a unary one before it begins, a stream after its first message."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        if not handler_call_details.method.endswith(self.method):
            return handler
        if handler.unary_unary is not None:
            return handler._replace(unary_unary=self._one(handler.unary_unary))
        return handler._replace(unary_stream=self._many(handler.unary_stream))

    async def _hold(self) -> None:
        self.reached.set()
        await self.released.wait()

    def _one(self, work: Any) -> Any:
        async def answered(request: Any, context: Any) -> Any:
            answer = await work(request, context)
            await self._hold()
            return answer

        return answered

    def _many(self, work: Any) -> Any:
        async def answered(request: Any, context: Any) -> AsyncIterator[Any]:
            async for answer in work(request, context):
                yield answer
                await self._hold()

        return answered


async def drains(hub: RunningHub) -> "asyncio.Task[None]":
    """Ask a hub to end; gives the task that waits for it."""
    ending = asyncio.create_task(hub.hub.stop())
    await hub.hub.calls.drain.begun()
    return ending


async def test_a_call_under_way_is_answered_and_no_other_is_taken(
    new_hub_folder: NewFolder, own_members: Members
) -> None:
    held = Held("/Evaluate")
    async with held_hub(new_hub_folder, held) as hub:
        member = await own_members(hub)
        late = member.again()
        await late.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
        under_way = asyncio.create_task(member.evaluate(valid_elements(1), Purpose.TRANSACTION))
        await held.reached.wait()
        ending = await drains(hub)
        with pytest.raises(aio.AioRpcError) as caught:
            await late.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
        # By the hub, by gRPC in its place, or by a port that is closed: clients try all of these again.
        assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
        assert not ending.done()
        held.released.set()
        assert len((await under_way).shares) == 1
        await ending
        await late.close()


async def test_a_stream_that_waits_for_its_caller_is_told_to_come_back(
    new_hub_folder: NewFolder, own_members: Members
) -> None:
    async with held_hub(new_hub_folder) as hub:
        member = await own_members(hub)
        await member.credit(1)
        stream = member.registry.Contribute()
        await stream.write(registry_pb2.ContributeRequest(request_id=bytes(16), rows=[member.row()]))
        assert (await stream.read()).results[0].refusal == 0
        ending = await drains(hub)
        with refuses(Reason.UNAVAILABLE):
            await stream.read()
        await ending
    # What was filed is on record, and nothing was refused.
    async with running_hub(hub.folder) as again:
        outcomes = [it.outcome for it in events_of(again, member.id) if it.action == "claim:contribute"]
        assert outcomes == ["ok"]


async def test_a_download_is_told_to_come_back_and_goes_on_where_it_was(
    new_hub_folder: NewFolder, own_members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filter_service, "CHUNK_BYTES", 1)
    held = Held("/DownloadSnapshot")
    async with held_hub(new_hub_folder, held) as hub:
        member = await own_members(hub)
        digest = (await read_head(member))[0].bits_sha256
        download = member.filters.DownloadSnapshot(filter_pb2.DownloadSnapshotRequest(bits_sha256=digest))
        first = await download.read()
        await held.reached.wait()
        ending = await drains(hub)
        held.released.set()
        with refuses(Reason.UNAVAILABLE):
            await download.read()
        await ending
    async with running_hub(hub.folder) as again:
        member.hub = again
        back = member.again()
        request = filter_pb2.DownloadSnapshotRequest(bits_sha256=digest, offset=len(first.chunk))
        rest = [it.chunk async for it in back.filters.DownloadSnapshot(request)]
        assert rest
        await back.close()


async def test_who_watches_the_health_is_told(new_hub_folder: NewFolder, own_members: Members) -> None:
    async with held_hub(new_hub_folder) as hub:
        member = await own_members(hub)
        watches = [
            health_pb2_grpc.HealthStub(member.channel).Watch(health_pb2.HealthCheckRequest(service=name))
            for name in ("", "alliance.v1.EvaluationService", "no.such.Service")
        ]
        before = [(await it.read()).status for it in watches]
        ending = await drains(hub)
        after = [(await it.read()).status for it in watches]
        await ending
        response = health_pb2.HealthCheckResponse
        assert before == [response.SERVING, response.SERVING, response.SERVICE_UNKNOWN]
        assert after == [response.NOT_SERVING, response.NOT_SERVING, response.SERVICE_UNKNOWN]


async def test_what_does_not_finish_in_time_is_cut_off(new_hub_folder: NewFolder, own_members: Members) -> None:
    held = Held("/Evaluate")
    async with running_hub(new_hub_folder(), interceptors=[held], config={"drain_seconds": 0.05}) as hub:
        member = await own_members(hub)
        under_way = asyncio.create_task(member.evaluate(valid_elements(1), Purpose.TRANSACTION))
        await held.reached.wait()
        await hub.hub.stop()
        with pytest.raises((aio.AioRpcError, asyncio.CancelledError)):
            await under_way
    async with running_hub(hub.folder) as again:
        # It was charged before it was cut off, and is on record.
        evaluations = [it.outcome for it in events_of(again, member.id) if it.action == "evaluation:evaluate"]
        assert evaluations == ["ok"]


async def test_another_process_maintains_the_filter_at_once(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    async with running_hub(folder, config={"maintenance_seconds": 60.0}) as first:
        another = Hub(first.hub.config)
        another.store.start()
        assert not await another.maintenance.turn()
        await first.hub.stop()
        assert await another.maintenance.turn()
        another.store.close()
        another.compute.close()


def held_hub(new_hub_folder: NewFolder, *interceptors: Held) -> Any:
    return running_hub(new_hub_folder(), interceptors=interceptors, config=PATIENT)
