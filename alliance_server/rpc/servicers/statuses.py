"""StatusService."""

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from alliance.v1 import status_pb2, status_pb2_grpc
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.rpc.interceptors.draining import Drain
from alliance_server.services.recalls import RecallService
from alliance_server.services.statuses import StatusService

Context = aio.ServicerContext[Any, Any]


class StatusServicer(status_pb2_grpc.StatusServiceServicer):
    """Tells of changes of claims' statuses."""

    def __init__(self, service: StatusService, recalls: RecallService, drain: Drain) -> None:
        self._service = service
        self._recalls = recalls
        self._drain = drain

    async def WatchStatuses(
        self, request: status_pb2.WatchStatusesRequest, context: Context
    ) -> AsyncIterator[status_pb2.WatchStatusesResponse]:
        """Stream changes."""
        async for page in self._service.watch(current_call(), request.after):
            self._drain.check()  # the caller goes on behind the last page
            yield status_pb2.WatchStatusesResponse(page=page)

    async def AcknowledgeRecalls(
        self, request: status_pb2.AcknowledgeRecallsRequest, context: Context
    ) -> status_pb2.AcknowledgeRecallsResponse:
        """Keep the caller's receipt."""
        await self._recalls.acknowledge(current_call(), request.receipt)
        return status_pb2.AcknowledgeRecallsResponse()
