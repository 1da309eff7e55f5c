"""WitnessService."""

from typing import Any

from grpc import aio

from alliance.v1 import witness_pb2, witness_pb2_grpc
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.witnesses import WitnessService

Context = aio.ServicerContext[Any, Any]


class WitnessServicer(witness_pb2_grpc.WitnessServiceServicer):
    """Serves the witness list, and takes what witnesses sign."""

    def __init__(self, service: WitnessService) -> None:
        self._service = service

    async def GetWitnessList(
        self, request: witness_pb2.GetWitnessListRequest, context: Context
    ) -> witness_pb2.GetWitnessListResponse:
        """Get the witness list in force."""
        return await self._service.list(current_call())

    async def AddCosignature(
        self, request: witness_pb2.AddCosignatureRequest, context: Context
    ) -> witness_pb2.AddCosignatureResponse:
        """Take a cosignature."""
        await self._service.add(current_call(), request)
        return witness_pb2.AddCosignatureResponse()
