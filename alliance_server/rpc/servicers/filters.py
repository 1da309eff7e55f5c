"""FilterService."""

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from alliance.v1 import filter_pb2, filter_pb2_grpc
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.rpc.interceptors.draining import Drain
from alliance_server.services.filters import FilterService

Context = aio.ServicerContext[Any, Any]


class FilterServicer(filter_pb2_grpc.FilterServiceServicer):
    """Serves filters."""

    def __init__(self, service: FilterService, drain: Drain) -> None:
        self._service = service
        self._drain = drain

    async def GetFilter(self, request: filter_pb2.GetFilterRequest, context: Context) -> filter_pb2.GetFilterResponse:
        """Get the header and heartbeat in force."""
        header, heartbeat = await self._service.current(current_call(), request.epoch)
        return filter_pb2.GetFilterResponse(header=header, heartbeat=heartbeat)

    async def DownloadSnapshot(
        self, request: filter_pb2.DownloadSnapshotRequest, context: Context
    ) -> AsyncIterator[filter_pb2.DownloadSnapshotResponse]:
        """Download a snapshot's bits."""
        async for offset, chunk in self._service.download(current_call(), request.bits_sha256, request.offset):
            self._drain.check()  # the caller goes on at this offset
            yield filter_pb2.DownloadSnapshotResponse(offset=offset, chunk=chunk)

    async def ListDeltas(
        self, request: filter_pb2.ListDeltasRequest, context: Context
    ) -> AsyncIterator[filter_pb2.ListDeltasResponse]:
        """List a snapshot's deltas."""
        async for delta in self._service.deltas(current_call(), request.base_sha256, request.after_sequence):
            yield filter_pb2.ListDeltasResponse(delta=delta)
