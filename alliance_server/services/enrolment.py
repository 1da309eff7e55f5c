"""Enrolment: an invitation by token, then keys that the member made become known.

- The hub never sees a private key: it receives a certificate request and an identity key, both bound to the token
  by a statement that the identity key signs.
- A token works once. The same request again gives the same answer, so that a lost reply loses nothing.
- Whoever had the token has enrolled, and may call nothing: first somebody compares the key with the invitee.
- Unknown, used and expired tokens are refused alike.
"""

import secrets
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

from google.protobuf.message import DecodeError

from alliance.clock import Clock
from alliance.crypto.signing import Signer, VerifyingKey
from alliance.errors import Reason, SignatureInvalid
from alliance.fingerprints import check_fingerprint
from alliance.statements import ENROLMENT
from alliance.v1.enrolment_pb2 import EnrolmentRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Certificate, Invitation, Member, MemberState, Role
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services import memberships
from alliance_server.services.statements import member_statement

TOKEN_BYTES = 32


class CertificateIssuer(Protocol):
    """Signs members' certificate requests."""

    def issue(self, member_id: str, certificate_request: bytes, now: int) -> Certificate:
        """Issue a certificate for a PKCS #10 request in DER; raises Refused where that is not acceptable."""

    def key_of(self, certificate: Certificate) -> bytes:
        """Give the public key of a certificate, DER."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an invited member is sent; the token is a secret."""

    member_id: str
    token: bytes
    expires_at: int

    def __repr__(self) -> str:
        return f"Ticket({self.member_id})"


class EnrolmentService:
    """Invites and enrols members."""

    def __init__(self, store: Store, issuer: CertificateIssuer, key: Signer, clock: Clock) -> None:
        self._store = store
        self._issuer = issuer
        self._key = key
        self._clock = clock

    async def invite(
        self, member_id: str, display_name: str, role: Role = Role.MEMBER, token: bytes | None = None
    ) -> Ticket:
        """Invite somebody in the operator's name; raises Refused once the alliance has its admins.

        `token` is that of a bundle which was written before; else one is made.
        """
        now = self._clock.now_ms()
        token = secrets.token_bytes(TOKEN_BYTES) if token is None else token

        def work(transaction: Transaction) -> Ticket:
            memberships.require_not_founded(transaction)
            digest = sha256(token).digest()
            expires_at = memberships.invite(transaction, member_id, display_name, role, digest, now)
            return Ticket(member_id, token, expires_at)

        return await self._store.write(work)

    async def enrol(self, token: bytes, statement: SignedStatement) -> tuple[Certificate, SignedStatement]:
        """Enrol the token's member; raises Refused or SignatureInvalid."""
        token_sha256 = sha256(token).digest()
        request = _check(statement, token_sha256)
        request_sha256 = sha256(token + statement.SerializeToString(deterministic=True)).digest()
        now = self._clock.now_ms()
        # Anybody may call this: who has no token is refused by a read, and does not queue before the members' writes.
        if await self._store.read(lambda transaction: transaction.members.invitation(token_sha256)) is None:
            raise Refused(Reason.TOKEN_REFUSED, "no such token")

        def work(transaction: Transaction) -> tuple[Certificate, Member]:
            invitation = transaction.members.invitation(token_sha256)
            if invitation is None:
                raise Refused(Reason.TOKEN_REFUSED, "no such token")
            if invitation.request_sha256 is not None:
                return _repeat(transaction, invitation, request_sha256)
            return self._enrol(transaction, invitation, request, request_sha256, now)

        certificate, member = await self._store.write(work)
        return certificate, member_statement(self._key, member)

    async def confirm(self, member_id: str, words: str) -> None:
        """Confirm a member's key in the operator's name, by the words that the member told.

        Raises FingerprintUnreadable or FingerprintDiffers, or Refused: not least once the alliance has its admins.
        """
        now = self._clock.now_ms()

        def work(transaction: Transaction) -> None:
            memberships.require_not_founded(transaction)
            member = memberships.enrolled(transaction, member_id, MemberState.UNCONFIRMED)
            check_fingerprint(words, member.identity_key)
            memberships.confirm_key(transaction, member_id, sha256(member.identity_key).digest(), now)

        await self._store.write(work)

    async def revoke(self, member_id: str) -> int:
        """Revoke all certificates of a member; returns how many."""
        now = self._clock.now_ms()
        return await self._store.write(lambda transaction: memberships.revoke_certificates(transaction, member_id, now))

    def _enrol(
        self,
        transaction: Transaction,
        invitation: Invitation,
        request: EnrolmentRequest,
        request_sha256: bytes,
        now: int,
    ) -> tuple[Certificate, Member]:
        member = transaction.members.hold(invitation.member_id)
        if member is None or member.state is not MemberState.INVITED or now >= invitation.expires_at:
            raise Refused(Reason.TOKEN_REFUSED, "the token is expired or its member is enrolled")
        certificate = self._issuer.issue(member.id, request.certificate_request, now)
        member = replace(member, state=MemberState.UNCONFIRMED, identity_key=request.identity_key, stated_at=now)
        transaction.members.save(member)
        transaction.members.add_certificate(certificate)
        transaction.members.save_invitation(
            replace(invitation, request_sha256=request_sha256, serial=certificate.serial)
        )
        transaction.record(
            record_event(
                time=now,
                actor=member.id,
                action=AuditAction.MEMBER_ENROL,
                items=1,
                commitments=(sha256(request.identity_key).digest(), sha256(certificate.der).digest()),
            )
        )
        return certificate, member


def _check(statement: SignedStatement, token_sha256: bytes) -> EnrolmentRequest:
    request = EnrolmentRequest()
    try:
        request.ParseFromString(statement.payload)
    except DecodeError:
        raise Refused(Reason.INVALID_REQUEST, "the enrolment cannot be read") from None
    # Read before verified, for the key alone: the statement proves possession of the key that it names.
    VerifyingKey(request.identity_key).verified_payload(ENROLMENT, statement)
    if not secrets.compare_digest(request.token_sha256, token_sha256):
        raise SignatureInvalid("the enrolment is bound to another token")
    return request


def _repeat(transaction: Transaction, invitation: Invitation, request_sha256: bytes) -> tuple[Certificate, Member]:
    same = secrets.compare_digest(invitation.request_sha256 or b"", request_sha256)
    found = transaction.members.by_serial(invitation.serial or "") if same else None
    if found is None:
        raise Refused(Reason.TOKEN_REFUSED, "the token was used for another request")
    member, certificate = found
    if certificate.revoked_at is not None:
        raise Refused(Reason.TOKEN_REFUSED, "the certificate that the token gave is revoked")
    return certificate, member
