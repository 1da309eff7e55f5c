"""EvaluationService."""

from typing import Any

from grpc import aio

from alliance.v1 import evaluation_pb2, evaluation_pb2_grpc
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.evaluation import EvaluationService


class EvaluationServicer(evaluation_pb2_grpc.EvaluationServiceServicer):
    """Evaluates batches."""

    def __init__(self, service: EvaluationService) -> None:
        self._service = service

    async def Evaluate(
        self, request: evaluation_pb2.EvaluateRequest, context: aio.ServicerContext[Any, Any]
    ) -> evaluation_pb2.EvaluateResponse:
        """Evaluate a batch."""
        shares = await self._service.evaluate(current_call(), request.header, request.blinded)
        return evaluation_pb2.EvaluateResponse(
            shares=[
                evaluation_pb2.EvaluationShare(index=share.index, evaluated=share.evaluated, proof=share.proof)
                for share in shares
            ]
        )
