"""A member's own audit events, each held against its leaf hash.

Not done here: proofs that the leaves are in the log, which the hub does not publish yet.
"""

import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from alliance.crypto import merkle
from alliance.taxonomy import Purpose
from alliance.v1.audit_pb2 import AuditEvent, AuditRecord, ListEventsRequest, ListEventsResponse
from alliance.v1.audit_pb2_grpc import AuditServiceStub
from member_client._paging import pages
from member_client._session import Session
from member_client.errors import StatementInvalid

PAGE_SIZE: Final = 500
_SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One event of this member: never an identifier, the tag of a query, or a prefix. `time` in milliseconds UTC."""

    time: int
    actor: str
    operator: str
    action: str
    purpose: Purpose | None
    items: int
    items_refused: int
    commitments: tuple[bytes, ...]
    policy_version: bytes
    outcome: str
    epoch: int
    leaf_hash: bytes


def read_event(record: AuditRecord, member: str) -> AuditEntry:
    """Verify a record: leaf_hash = SHA-256(0x00 ‖ salt ‖ event), and the actor; raises StatementInvalid."""
    event = AuditEvent()
    leaf_hash = merkle.leaf_hash(record.salt + record.event)
    if len(record.salt) != _SALT_BYTES or not hmac.compare_digest(leaf_hash, record.leaf_hash):
        raise StatementInvalid("An audit event is not the one that its leaf hash stands for.")
    try:
        event.ParseFromString(record.event)
        purpose = Purpose(event.purpose) if event.purpose else None
    except (DecodeError, ValueError) as error:
        raise StatementInvalid("An audit event cannot be read.") from error
    if event.actor != member:
        raise StatementInvalid("The hub shows another actor's audit event.")
    return AuditEntry(
        time=event.time,
        actor=event.actor,
        operator=event.operator,
        action=event.action,
        purpose=purpose,
        items=event.items,
        items_refused=event.items_refused,
        commitments=tuple(event.commitments),
        policy_version=event.policy_version,
        outcome=event.outcome,
        epoch=event.epoch,
        leaf_hash=leaf_hash,
    )


async def events(session: Session) -> AsyncIterator[AuditEntry]:
    """List this member's own events, oldest first."""

    async def fetch(token: str) -> ListEventsResponse:
        request = ListEventsRequest(page_size=PAGE_SIZE, page_token=token)
        return await session.transport.ask(lambda channel: AuditServiceStub(channel).ListEvents, request)

    async for records in pages(fetch, lambda page: page.records):
        for record in records:
            yield read_event(record, session.profile.member)
