"""EnrolmentService."""

from typing import Any

from grpc import aio

from alliance.errors import Reason
from alliance.v1 import enrolment_pb2, enrolment_pb2_grpc
from alliance_server.domain.errors import Refused
from alliance_server.services.enrolment import TOKEN_BYTES, EnrolmentService


class EnrolmentServicer(enrolment_pb2_grpc.EnrolmentServiceServicer):
    """Enrols members that hold an invitation."""

    def __init__(self, service: EnrolmentService) -> None:
        self._service = service

    async def Enrol(
        self, request: enrolment_pb2.EnrolRequest, context: aio.ServicerContext[Any, Any]
    ) -> enrolment_pb2.EnrolResponse:
        """Enrol the token's member."""
        if len(request.token) != TOKEN_BYTES:
            raise Refused(Reason.TOKEN_REFUSED, "a token has 32 bytes")
        certificate, member = await self._service.enrol(request.token, request.enrolment)
        return enrolment_pb2.EnrolResponse(certificate=certificate.der, member=member)
