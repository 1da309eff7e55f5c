"""SuccessionService."""

from typing import Any

from grpc import aio

from alliance.v1 import succession_pb2, succession_pb2_grpc
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.succession import SignedSuccession, SuccessionService

Context = aio.ServicerContext[Any, Any]


class SuccessionServicer(succession_pb2_grpc.SuccessionServiceServicer):
    """Shows successions and takes signatures."""

    def __init__(self, service: SuccessionService) -> None:
        self._service = service

    async def ListSuccessions(
        self, request: succession_pb2.ListSuccessionsRequest, context: Context
    ) -> succession_pb2.ListSuccessionsResponse:
        """List successions."""
        found = await self._service.after(current_call(), request.after_origin)
        return succession_pb2.ListSuccessionsResponse(successions=[_record(it) for it in found])

    async def SignSuccession(
        self, request: succession_pb2.SignSuccessionRequest, context: Context
    ) -> succession_pb2.SignSuccessionResponse:
        """Take a signature."""
        signed = await self._service.sign(current_call(), request.statement)
        return succession_pb2.SignSuccessionResponse(succession=_record(signed))


def _record(signed: SignedSuccession) -> succession_pb2.SuccessionRecord:
    return succession_pb2.SuccessionRecord(
        payload=signed.succession.payload,
        signatures=[
            succession_pb2.SuccessionSignature(
                admin=signature.admin, statement=SignedStatement.FromString(signature.statement)
            )
            for signature in signed.signatures
        ],
        complete=signed.succession.completed_at is not None,
    )
