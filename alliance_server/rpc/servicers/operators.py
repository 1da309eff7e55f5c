"""OperatorService."""

from typing import Any

from grpc import aio

from alliance.v1 import operator_pb2, operator_pb2_grpc
from alliance_server.domain.operators import Operator
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.operators import OperatorService

Context = aio.ServicerContext[Any, Any]


class OperatorServicer(operator_pb2_grpc.OperatorServiceServicer):
    """Keeps the caller's operators."""

    def __init__(self, service: OperatorService) -> None:
        self._service = service

    async def RegisterOperator(
        self, request: operator_pb2.RegisterOperatorRequest, context: Context
    ) -> operator_pb2.RegisterOperatorResponse:
        """Register an operator."""
        operator = await self._service.register(current_call(), request.operator)
        return operator_pb2.RegisterOperatorResponse(operator=_record(operator))

    async def RetireOperator(
        self, request: operator_pb2.RetireOperatorRequest, context: Context
    ) -> operator_pb2.RetireOperatorResponse:
        """Retire an operator."""
        operator = await self._service.retire(current_call(), request.retirement)
        return operator_pb2.RetireOperatorResponse(operator=_record(operator))

    async def ListOperators(
        self, request: operator_pb2.ListOperatorsRequest, context: Context
    ) -> operator_pb2.ListOperatorsResponse:
        """List the caller's own operators."""
        found = await self._service.list(current_call())
        return operator_pb2.ListOperatorsResponse(operators=[_record(operator) for operator in found])


def _record(operator: Operator) -> operator_pb2.OperatorRecord:
    return operator_pb2.OperatorRecord(
        operator=operator.operator_id,
        public_key=operator.public_key,
        registered_at=operator.registered_at,
        retired_at=operator.retired_at or 0,
    )
