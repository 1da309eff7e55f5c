"""EpochService and DirectoryService."""

from typing import Any

from grpc import aio

from alliance.v1 import directory_pb2, directory_pb2_grpc, epoch_pb2, epoch_pb2_grpc
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.directory import DirectoryService

Context = aio.ServicerContext[Any, Any]


class EpochServicer(epoch_pb2_grpc.EpochServiceServicer):
    """Serves epochs and the suppression list."""

    def __init__(self, service: DirectoryService) -> None:
        self._service = service

    async def ListEpochs(self, request: epoch_pb2.ListEpochsRequest, context: Context) -> epoch_pb2.ListEpochsResponse:
        """List the epochs that serve."""
        epochs, roots = await self._service.epochs(current_call())
        return epoch_pb2.ListEpochsResponse(epochs=epochs, trust_roots=roots)

    async def GetSuppressionList(
        self, request: epoch_pb2.GetSuppressionListRequest, context: Context
    ) -> epoch_pb2.GetSuppressionListResponse:
        """Get the suppression list in force."""
        statement = await self._service.suppression_list(current_call())
        return epoch_pb2.GetSuppressionListResponse(suppression_list=statement)


class DirectoryServicer(directory_pb2_grpc.DirectoryServiceServicer):
    """Serves the member directory."""

    def __init__(self, service: DirectoryService) -> None:
        self._service = service

    async def ListMembers(
        self, request: directory_pb2.ListMembersRequest, context: Context
    ) -> directory_pb2.ListMembersResponse:
        """List a page of members."""
        members, more = await self._service.members(current_call(), request.page_size, request.page_token)
        return directory_pb2.ListMembersResponse(members=members, next_page_token=more)
