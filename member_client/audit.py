"""A member's own audit events and receipts: listed, and proven to be in the hub's log."""

import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import DecodeError

from alliance.audit_events import MERGE_DELAY_MS, SALT_BYTES
from alliance.crypto import merkle
from alliance.taxonomy import Purpose
from alliance.v1.audit_pb2 import AuditEvent, AuditRecord, ListEventsRequest, ListEventsResponse, Receipt
from alliance.v1.audit_pb2_grpc import AuditServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._log import AuditProgress, Due
from member_client._paging import pages
from member_client._session import Session
from member_client._store import Shelf
from member_client.errors import StatementInvalid

PAGE_SIZE: Final = 500
VERIFIED_A_PAGE: Final = 1000
_VERIFIED: Final = b"events-verified"


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
    row: int = 0
    """Number of the event, by which receipts name it."""
    log: str = ""
    """Log that it is in, as the hub says; empty while no checkpoint has it."""
    leaf_index: int = 0


@dataclass(frozen=True, slots=True)
class AuditReceipt:
    """A receipt that this machine keeps; `statement` is what `verify_receipt` takes. Times in milliseconds UTC."""

    row: int
    received_at: int
    time: int
    """Of the event, as the hub has it."""
    action: str
    outcome: str
    statement: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KnownCheckpoint:
    """The newest checkpoint that this machine remembers; `seen_at` in milliseconds UTC."""

    log: str
    size: int
    root: bytes
    seen_at: int
    note: str = field(repr=False)
    """What the hub, and witnesses, signed."""


def read_event(record: AuditRecord, member: str) -> AuditEntry:
    """Verify a record: leaf_hash = SHA-256(0x00 ‖ salt ‖ event), and the actor; raises StatementInvalid."""
    event = AuditEvent()
    leaf_hash = merkle.leaf_hash(record.salt + record.event)
    if len(record.salt) != SALT_BYTES or not hmac.compare_digest(leaf_hash, record.leaf_hash):
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
        row=record.row,
        log=record.log,
        leaf_index=record.leaf_index,
    )


async def events(session: Session) -> AsyncIterator[AuditEntry]:
    """List this member's own events, oldest first."""
    async for records in pages(lambda token: _page(session, token, PAGE_SIZE), lambda page: page.records):
        for record in records:
            yield read_event(record, session.profile.member)


async def verified(session: Session, *, from_start: bool = False) -> AsyncIterator[AuditProgress]:
    """Prove the events that the hub lists, and then the receipts that are kept, batch by batch.

    It goes on where the last look ended, unless it is to begin at the start, and counts an event once: what was listed
    is not counted again by its receipt. Raises ReceiptBroken, LogForked, LogShrunken or StatementInvalid.
    """
    mark = None if from_start else await session.workers.disk(session.store.get, Shelf.LISTS, _VERIFIED)
    token, is_complete = (mark or b"").decode(), True
    listed: set[int] = set()
    while True:
        page = await _page(session, token, VERIFIED_A_PAGE)
        entries = [read_event(record, session.profile.member) for record in page.records]
        due = [Due(it.row, it.leaf_hash, it.time + MERGE_DELAY_MS) for it in entries]
        found = await session.auditor.verify_listed(due)
        is_complete = is_complete and not found.pending
        listed.update(it.row for it in entries)
        yield found
        if not page.next_page_token or len(entries) < VERIFIED_A_PAGE:
            break
        token = page.next_page_token
        if is_complete:
            await session.workers.disk(session.store.put, Shelf.LISTS, _VERIFIED, token.encode())
    async for found in session.auditor.kept_batches(from_start=from_start, listed=listed):
        yield found


async def receipts(session: Session) -> AsyncIterator[AuditReceipt]:
    """Give the receipts that this machine keeps, oldest first."""
    await session.receipts.flush()
    for kept in await session.workers.disk(lambda: list(session.receipts.all())):
        receipt = Receipt.FromString(SignedStatement.FromString(kept.statement).payload)
        event = AuditEvent.FromString(receipt.event)
        yield AuditReceipt(receipt.row, kept.received_at, event.time, event.action, event.outcome, kept.statement)


async def checkpoint(session: Session) -> KnownCheckpoint | None:
    """Give the newest checkpoint that is remembered; None before the first look. Sends nothing."""
    known = await session.log.remembered()
    if known is None:
        return None
    shown = known.checkpoint
    return KnownCheckpoint(shown.origin, shown.size, shown.root, known.seen_at, str(shown.note))


async def _page(session: Session, token: str, size: int) -> ListEventsResponse:
    request = ListEventsRequest(page_size=size, page_token=token)
    return await session.transport.ask(lambda channel: AuditServiceStub(channel).ListEvents, request)
