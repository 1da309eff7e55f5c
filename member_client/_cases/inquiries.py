"""Cases that ask this member, as the hub passes them on, and believed by nobody's word but the signers'.

Rules:

1. Two officers signed one request, whom their liaison vouches for; an approver of each function agreed to exactly these
   bytes; liaison and approvers are in the directory with their roles, which the log proves.
2. The request asks for no more than an instrument of its type covers, and each claim that it asks about is this
   member's own, of a category and kind in its scope, and from its look-back.
3. Members are asked while the instrument lasts: an old case that is shown anew, with another window, is not believed.
4. What does not verify raises StatementInvalid: no part of it is shown, and there is no way to answer it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from alliance.cases.rules import check_request, is_urgent, items_of
from alliance.cases.statements import read_request, verify_approved, verify_request
from alliance.cases.words import ENDED_STATES, CaseState, InstrumentType, UrgencyGround, reply_window_ms
from alliance.claims import kind_of
from alliance.clock import MAX_TIME_MS
from alliance.crypto import sealing
from alliance.crypto.signing import VerifyingKey
from alliance.errors import AllianceError
from alliance.identifiers import Kind
from alliance.taxonomy import Category, SubjectRole
from alliance.v1 import case_pb2
from alliance.v1.case_pb2 import CaseRequest
from alliance.v1.case_pb2_grpc import CaseServiceStub
from alliance.v1.registry_pb2 import ClaimRecord
from member_client._cases.naming import checked_case_id, goes_by, several
from member_client._directory import Directory
from member_client._paging import pages
from member_client._session import Session
from member_client.errors import HubError, NotFound, StatementInvalid
from member_client.own_claims import OwnClaim, OwnClaims

PAGE_SIZE: Final = 100


class ReplyState(StrEnum):
    """How far this member's reply is."""

    OPEN = "open"
    """Nobody has drawn one up on this machine."""
    DRAFTED = "drafted"
    """One operator agreed to it; another one is to look at it."""
    READY = "ready"
    """Two operators agreed to it; it is sent as soon as the window is open."""
    SENT = "sent"
    """The hub has it."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A case that asks this member about claims of its own. Times in milliseconds UTC, 0 where there is none.

    `number` and `instrument_reference` are the liaison's; `kinds` says how many suspects of each kind the case is
    about, which are never named here. The reply is taken from `reply_from` on and before `reply_by`.
    """

    case_id: bytes
    liaison: str
    number: str
    instrument_type: InstrumentType
    instrument_reference: str
    instrument_until: int
    urgency: UrgencyGround | None
    categories: tuple[Category, ...]
    kinds: Mapping[Kind, int]
    period_from: int
    period_to: int
    officers: tuple[str, str]
    requested_at: int
    state: CaseState
    reply_from: int
    reply_by: int
    replied_at: int
    ended_at: int
    claims: int
    reply: ReplyState = ReplyState.OPEN
    payload: bytes = field(default=b"", repr=False)
    """The request as it was signed."""

    @property
    def request(self) -> CaseRequest:
        """What was signed."""
        return CaseRequest.FromString(self.payload)

    @property
    def asked_at(self) -> int:
        """When this member was asked: so long before the window opens."""
        after, _ = reply_window_ms(is_urgent=self.urgency is not None)
        return self.reply_from - after

    @property
    def is_over(self) -> bool:
        """Whether the case has ended."""
        return self.state in ENDED_STATES and self.ended_at > 0

    def takes_replies(self, now_ms: int) -> bool:
        """Tell whether the hub takes a reply now."""
        return self.state is CaseState.OPEN and self.reply_from <= now_ms < self.reply_by


@dataclass(frozen=True, slots=True, repr=False)
class AskedEntry:
    """A claim that a case asks about, and its suspect, sealed for who holds the identifier."""

    entry_id: bytes
    epoch: int
    index: int
    sealed: bytes
    record: ClaimRecord | None = None
    """The claim as the hub holds it, not verified."""


@dataclass(frozen=True, slots=True)
class AskedClaim:
    """A claim of this member that a case asks about.

    `claim` and `tag` are as the registry holds them by now, None and empty where the claim was destroyed with its
    epoch.
    """

    entry: AskedEntry
    claim: OwnClaim | None
    tag: bytes = field(default=b"", repr=False)


def read_inquiry(message: case_pb2.Inquiry, directory: Directory) -> Inquiry:
    """Verify a case as a member that it asks; raises StatementInvalid, or HubError for what is no inquiry."""
    payload = message.request.payload
    try:
        request = read_request(payload)
        liaison = _liaison_key(directory, request.liaison)
        request = verify_request(message.request, message.second, message.officers, liaison)
        verify_approved(message.decisions, payload, request, directory.signer)
        check_request(request)
    except AllianceError as error:
        raise StatementInvalid(
            "The hub shows a police case that its officers and two approvers did not sign as it stands: it is not "
            "shown, and cannot be answered."
        ) from error
    _, within = reply_window_ms(is_urgent=is_urgent(request))
    if message.reply_by >= request.instrument_until + within:
        raise StatementInvalid(
            "The hub shows a police case with a window in which its instrument asks nobody any more: it is not shown, "
            "and cannot be answered."
        )
    times = message.reply_from, message.reply_by, message.replied_at, message.ended_at
    is_shown = all(0 <= time < MAX_TIME_MS for time in times) and message.reply_from < message.reply_by
    try:
        state = CaseState(message.state)
    except ValueError as error:
        raise HubError("The hub shows a case in a state that this version does not know.") from error
    if not is_shown or (message.ended_at > 0) != (state in ENDED_STATES) or not message.entries:
        raise HubError("The hub shows a case that asks this member and is none.")
    return Inquiry(
        case_id=request.case_id,
        liaison=request.liaison,
        number=request.number,
        instrument_type=InstrumentType(request.instrument_type),
        instrument_reference=request.instrument_reference,
        instrument_until=request.instrument_until,
        urgency=UrgencyGround(request.urgency) if request.urgency else None,
        categories=tuple(map(Category, request.categories)),
        kinds={kind_of(count.kind): count.items for count in request.suspects},
        period_from=request.period_from,
        period_to=request.period_to,
        officers=(request.officer, request.second_officer),
        requested_at=request.time,
        state=state,
        reply_from=message.reply_from,
        reply_by=message.reply_by,
        replied_at=message.replied_at,
        ended_at=message.ended_at,
        claims=message.entries,
        reply=ReplyState.SENT if message.replied_at else ReplyState.OPEN,
        payload=payload,
    )


def _liaison_key(directory: Directory, liaison: str) -> VerifyingKey:
    if (key := directory.liaison_key(liaison)) is None:
        raise StatementInvalid(
            "The hub shows a police case of nobody who is a liaison: it is not shown, and cannot be answered."
        )
    return key


async def messages(session: Session) -> AsyncIterator[case_pb2.Inquiry]:
    """Give what the hub passes on, oldest first, not verified."""

    async def fetch(token: str) -> case_pb2.ListInquiriesResponse:
        request = case_pb2.ListInquiriesRequest(page_size=PAGE_SIZE, page_token=token)
        return await session.transport.ask(lambda channel: CaseServiceStub(channel).ListInquiries, request)

    async for page in pages(fetch, lambda reply: reply.inquiries):
        for message in page:
            yield message


async def believed(session: Session, message: case_pb2.Inquiry) -> Inquiry:
    """Verify what the hub passes on, with the directory brought up to date where somebody is not in it yet."""
    directory = (await session.facts.now()).directory
    try:
        return await session.workers.cpu(read_inquiry, message, directory)
    except StatementInvalid:
        directory = await session.facts.refresh_directory()
        return await session.workers.cpu(read_inquiry, message, directory)


async def listed(session: Session) -> AsyncIterator[Inquiry]:
    """List the cases that ask this member, oldest first; raises StatementInvalid where one does not verify."""
    async for message in messages(session):
        yield await believed(session, message)


async def one(session: Session, case_id: bytes) -> Inquiry:
    """Give a case that asks this member; raises NotFound, and StatementInvalid where it does not verify."""
    checked_case_id(case_id)
    async for message in messages(session):
        if read_case_id(message) == case_id:
            return await believed(session, message)
    raise NotFound("There is no such case that asks this member.")


async def found(session: Session, name: str) -> Inquiry:
    """Give the case of a number, or whose id starts so in hexadecimal; raises NotFound, InvalidUse for several."""
    matching = [message async for message in messages(session) if _is_meant(message, name.strip())]
    if len(matching) > 1:
        raise several()
    if not matching:
        raise NotFound("There is no such case that asks this member.")
    return await believed(session, matching[0])


def _is_meant(message: case_pb2.Inquiry, wanted: str) -> bool:
    """Tell whether a case claims to go by a name, before anything is verified."""
    try:
        return goes_by(read_request(message.request.payload), wanted)
    except AllianceError:
        return False


def read_case_id(message: case_pb2.Inquiry) -> bytes:
    """Give the id that a case claims to have, before anything is verified; empty where it cannot be read."""
    try:
        return read_request(message.request.payload).case_id
    except AllianceError:
        return b""


async def entries(session: Session, inquiry: Inquiry) -> list[AskedEntry]:
    """List the claims that a case asks about, as the hub says; raises StatementInvalid."""

    async def fetch(token: str) -> case_pb2.ListInquiryEntriesResponse:
        request = case_pb2.ListInquiryEntriesRequest(case_id=inquiry.case_id, page_size=PAGE_SIZE, page_token=token)
        return await session.transport.ask(lambda channel: CaseServiceStub(channel).ListInquiryEntries, request)

    found: dict[bytes, AskedEntry] = {}
    items = items_of(inquiry.request)
    async for page in pages(fetch, lambda reply: reply.entries):
        for message in page:
            if (
                len(message.entry_id) != sealing.ENTRY_ID_BYTES
                or len(message.sealed) not in (0, sealing.SUSPECT_BYTES)
                or message.index >= items
                or message.entry_id in found
            ):
                raise HubError("The hub shows a claim that a case asks about and is none.")
            record = message.claim if message.HasField("claim") else None
            found[message.entry_id] = AskedEntry(message.entry_id, message.epoch, message.index, message.sealed, record)
    if len(found) != inquiry.claims:
        raise HubError("The hub shows another number of claims than a case asks about.")
    return list(found.values())


async def claims(session: Session, inquiry: Inquiry) -> list[AskedClaim]:
    """Give the own claims that a case asks about; raises StatementInvalid for one that is not in its scope."""
    own = OwnClaims(session)
    listed = await entries(session, inquiry)
    shown = await session.workers.cpu(_shown, own, listed)
    found: list[AskedClaim] = []
    for entry in listed:
        try:  # one that did not come goes by another name since it was re-tagged, or is gone
            claim, tag = shown.get(entry.entry_id) or await own.with_tag(entry.entry_id)
        except NotFound:
            found.append(AskedClaim(entry, None))
            continue
        _check_scope(inquiry, claim)
        found.append(AskedClaim(entry, claim, tag))
    return found


def _shown(own: OwnClaims, listed: Sequence[AskedEntry]) -> dict[bytes, tuple[OwnClaim, bytes]]:
    """Verify the claims that came with their entries, and give them with their tags: signatures, for a worker."""
    return {it.entry_id: own.read_with_tag(it.entry_id, it.record) for it in listed if it.record is not None}


def _check_scope(inquiry: Inquiry, claim: OwnClaim) -> None:
    """Raise StatementInvalid where a case was not approved to ask about a claim."""
    overlaps = claim.observed_from <= inquiry.period_to and claim.observed_to >= inquiry.period_from
    is_protective = claim.role is SubjectRole.PROTECTED
    if claim.category not in inquiry.categories or claim.kind not in inquiry.kinds or not overlaps or is_protective:
        raise StatementInvalid(
            "The hub asks about a claim that the case was not approved to ask about: nothing of it can be answered."
        )


def by_entry(found: Sequence[AskedClaim]) -> dict[bytes, AskedClaim]:
    """Give claims by the entry id under which they are asked about."""
    return {it.entry.entry_id: it for it in found}
