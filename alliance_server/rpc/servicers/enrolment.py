"""EnrolmentService and CertificateService."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from grpc import aio

from alliance.clock import Clock
from alliance.errors import AllianceError, Reason
from alliance.v1 import enrolment_pb2, enrolment_pb2_grpc
from alliance_server.domain.attempts import MINUTE_MS, Attempts, address_of
from alliance_server.domain.errors import FAULTS, Refused, reason_of
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.enrolment import TOKEN_BYTES, EnrolmentService
from alliance_server.services.renewal import RenewalService

_log = structlog.get_logger("alliance.enrolment")


class EnrolmentServicer(enrolment_pb2_grpc.EnrolmentServiceServicer):
    """Enrols members that hold an invitation; whoever is refused too often has to wait."""

    def __init__(self, service: EnrolmentService, attempts: Attempts, clock: Clock) -> None:
        self._service = service
        self._attempts = attempts
        self._clock = clock
        self._warned_at: int | None = None

    async def Enrol(
        self, request: enrolment_pb2.EnrolRequest, context: aio.ServicerContext[Any, Any]
    ) -> enrolment_pb2.EnrolResponse:
        """Enrol the token's member."""
        with self._attempt(address_of(context.peer())):
            if len(request.token) != TOKEN_BYTES:
                raise Refused(Reason.TOKEN_REFUSED, "a token has 32 bytes")
            certificate, member = await self._service.enrol(request.token, request.enrolment)
        return enrolment_pb2.EnrolResponse(certificate=certificate.der, member=member)

    @contextmanager
    def _attempt(self, address: str) -> Iterator[None]:
        """Count what is refused inside; neither what succeeds nor the hub's own trouble is."""
        try:
            self._attempts.take(address, self._clock.now_ms())
        except Refused as refusal:
            self._warn(str(refusal))
            raise
        try:
            yield
        except Exception as error:
            if not isinstance(error, AllianceError) or reason_of(error) in FAULTS:
                self._attempts.give_back(address)
            raise
        self._attempts.give_back(address)

    def _warn(self, what: str) -> None:
        """Raise the alarm, once a minute: no line for each of those who try."""
        now = self._clock.now_ms()
        if self._warned_at is None or abs(now - self._warned_at) >= MINUTE_MS:
            self._warned_at = now
            _log.error("somebody tries enrolment tokens", detail=what)


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
