"""EnrolmentService and CertificateService."""

from typing import Any

from grpc import aio

from alliance.errors import Reason
from alliance.v1 import enrolment_pb2, enrolment_pb2_grpc
from alliance_server.domain.errors import Refused
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.enrolment import TOKEN_BYTES, EnrolmentService
from alliance_server.services.renewal import RenewalService


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


class CertificateServicer(enrolment_pb2_grpc.CertificateServiceServicer):
    """Renews certificates of whoever is enrolled."""

    def __init__(self, service: RenewalService) -> None:
        self._service = service

    async def RenewCertificate(
        self, request: enrolment_pb2.RenewCertificateRequest, context: aio.ServicerContext[Any, Any]
    ) -> enrolment_pb2.RenewCertificateResponse:
        """Issue another certificate."""
        certificate = await self._service.renew(current_call(), request.renewal)
        return enrolment_pb2.RenewCertificateResponse(certificate=certificate.der)
