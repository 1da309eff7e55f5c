"""The member's certificate, renewed before it ends: in use, in the background, at two thirds of its life.

Rules:

1. Due at two thirds of its life, and at once where another CA issues by now: the old one goes.
2. Asked for with a new key, by a statement that the identity key signs; believed as an enrolment's is. The key is
   sealed before that: a program that dies leaves no certificate behind that nobody has the key of.
3. Kept in one step, and taken up as any certificate is that was renewed on disk: no restart, no call that fails.
4. A renewal that fails is tried again after an hour. It disturbs nothing: the certificate in use has a third of its
   life left. `doctor` tells of one that comes to its end.
"""

import asyncio
import logging
from typing import Final

from alliance import statements
from alliance.clock import Clock
from alliance.crypto.signing import SigningKey
from alliance.v1.enrolment_pb2 import Renewal, RenewCertificateRequest
from alliance.v1.enrolment_pb2_grpc import CertificateServiceStub
from member_client._certificates import checked_certificate, is_of_the_issuing_ca, read_lifetime_ms, request_for
from member_client._credentials import ProfileKeys
from member_client._transport import Transport
from member_client._workers import Workers
from member_client.config import Profile
from member_client.errors import AllianceClientError

CLOSE_SECONDS: Final = 5.0
AGAIN_AFTER_MS: Final = 60 * 60 * 1000

_log = logging.getLogger("member_client.renewal")


class Renewer:
    """Renews one profile's certificate."""

    def __init__(
        self,
        profile: Profile,
        keys: ProfileKeys,
        *,
        identity: SigningKey,
        transport: Transport,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._profile = profile
        self._keys = keys
        self._identity = identity
        self._transport = transport
        self._workers = workers
        self._clock = clock
        self._tried_at: int | None = None
        self._task: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Begin a renewal in the background where it is due and none is under way."""
        now = self._clock.now_ms()
        tried = self._tried_at is not None and abs(now - self._tried_at) < AGAIN_AFTER_MS
        if tried or (self._task is not None and not self._task.done()) or not self._is_due(now):
            return
        self._tried_at = now
        self._task = asyncio.create_task(self._renew_quietly(), name="alliance-renewal")

    async def renew(self) -> None:
        """Renew now; raises an AllianceClientError, or OSError where it cannot be kept."""
        key = await self._workers.disk(self._keys.pending_key)
        request = await self._workers.cpu(request_for, key, self._profile.member)
        answer = await self._transport.call(
            lambda channel: CertificateServiceStub(channel).RenewCertificate,
            lambda: self._request(request),
        )
        pem = checked_certificate(
            answer.certificate,
            ca_pem=self._profile.ca_pem(),
            key_pem=key,
            spiffe_id=self._profile.spiffe_id,
            now_ms=self._clock.now_ms(),
        )
        await self._workers.disk(self._keys.keep, key, pem)

    async def close(self) -> None:
        """Let a renewal that is under way end: one that was cut off is asked for again."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _is_due(self, now: int) -> bool:
        pem = self._keys.certificate_pem
        begins, ends = read_lifetime_ms(pem)
        if now < ends and not is_of_the_issuing_ca(pem, self._keys.credentials.address.ca_pem):
            return True
        return begins + (ends - begins) * 2 // 3 <= now < ends

    async def _renew_quietly(self) -> None:
        try:
            await self.renew()
        except (AllianceClientError, OSError) as error:
            _log.warning("the certificate was not renewed yet: %s", type(error).__name__)

    def _request(self, certificate_request: bytes) -> RenewCertificateRequest:
        payload = Renewal(
            member=self._profile.member, certificate_request=certificate_request, time=self._clock.now_ms()
        )
        statement = self._identity.statement(statements.RENEWAL, payload.SerializeToString())
        return RenewCertificateRequest(renewal=statement)
