"""Members and what lets them call."""

import re
from dataclasses import dataclass
from enum import IntEnum

from alliance.audit_events import HUB
from alliance.errors import Reason
from alliance.v1 import directory_pb2
from alliance_server.domain.errors import Refused

INVITATION_LIFE_MS = 24 * 60 * 60 * 1000
CERTIFICATE_LIFE_MS = 365 * 24 * 60 * 60 * 1000
HUB_ACTOR = HUB
"""Actor of events that the hub's own operator or jobs cause; no member may have this id."""

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


class MemberState(IntEnum):
    """State of a membership, with the wire's numbers."""

    INVITED = directory_pb2.MEMBER_STATE_INVITED
    ACTIVE = directory_pb2.MEMBER_STATE_ACTIVE
    SUSPENDED = directory_pb2.MEMBER_STATE_SUSPENDED
    OFFBOARDED = directory_pb2.MEMBER_STATE_OFFBOARDED
    UNCONFIRMED = directory_pb2.MEMBER_STATE_UNCONFIRMED


class Role(IntEnum):
    """What a caller may do, with the wire's numbers."""

    MEMBER = directory_pb2.MEMBER_ROLE_MEMBER
    ADMIN = directory_pb2.MEMBER_ROLE_ADMIN
    LIAISON = directory_pb2.MEMBER_ROLE_LIAISON
    AUDITOR = directory_pb2.MEMBER_ROLE_AUDITOR
    REVIEWER = directory_pb2.MEMBER_ROLE_REVIEWER
    LEGAL_APPROVER = directory_pb2.MEMBER_ROLE_LEGAL_APPROVER
    DUTY_OFFICER = directory_pb2.MEMBER_ROLE_DUTY_OFFICER

    @property
    def word(self) -> str:
        """The word for it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Member:
    """An enrolled party: an institution, or a person or office with another role, which never changes.

    `identity_key` is empty until it has enrolled.
    """

    id: str
    display_name: str
    state: MemberState
    identity_key: bytes
    stated_at: int
    role: Role = Role.MEMBER


@dataclass(frozen=True, slots=True)
class Certificate:
    """A TLS certificate that the hub issued; times in milliseconds UTC."""

    serial: str
    member_id: str
    not_before: int
    not_after: int
    revoked_at: int | None
    der: bytes


@dataclass(frozen=True, slots=True)
class Invitation:
    """A single-use token, kept as its SHA-256; `request_sha256` and `serial` are what it was used for."""

    token_sha256: bytes
    member_id: str
    expires_at: int
    request_sha256: bytes | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, after authentication."""

    member_id: str
    role: Role
    identity_key: bytes
    serial: str


def check_member_id(member_id: str) -> None:
    """Raise Refused unless the id is 1 to 32 of a-z, 0-9 and inner hyphens, and not the hub's own name."""
    if not _ID.fullmatch(member_id) or member_id == HUB_ACTOR:
        raise Refused(Reason.INVALID_REQUEST, "a member id has 1 to 32 of a-z, 0-9 and inner hyphens, and is not 'hub'")


def admit(member: Member, certificate: Certificate, now: int) -> Caller:
    """Decide whether a certificate's holder may call now.

    Raises Refused with the one merged reason, or with one of its own where all that is missing is that somebody
    confirms the holder's key.
    """
    if certificate.revoked_at is not None:
        raise Refused(Reason.NOT_AUTHENTICATED, "certificate is revoked")
    if not certificate.not_before <= now < certificate.not_after:
        raise Refused(Reason.NOT_AUTHENTICATED, "certificate is expired or not valid yet")
    if member.state is MemberState.UNCONFIRMED:
        raise Refused(Reason.KEY_NOT_CONFIRMED, "the member's key is not confirmed yet")
    if member.state is not MemberState.ACTIVE:
        raise Refused(Reason.NOT_AUTHENTICATED, f"member is {member.state.name.lower()}")
    return Caller(member.id, member.role, member.identity_key, certificate.serial)
