"""A liaison's requests: drawn up and signed here, submitted once the second officer signed, extended and ended.

Rules:

1. A draft stays on this machine. What goes to the hub is the request alone: how many are asked about, and the root
   over them.
2. Both officers sign the same bytes, each under a key and a passphrase of their own, and both are registered.
3. What is signed is written down before it is sent, and sent again as it was.
4. A case that the hub shows is believed as far as officers and approvers signed it (`records`), and where this machine
   drew it up, only if it is the very request.
"""

import hmac
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.cases.rules import INSTRUMENT_RULES
from alliance.cases.statements import read_request
from alliance.cases.words import SIGN_WITHIN_MS, CaseState, InstrumentType
from alliance.claims import is_reason_code
from alliance.crypto import merkle
from alliance.errors import SignatureInvalid
from alliance.statements import key_id
from alliance.v1 import case_pb2
from alliance.v1.audit_pb2 import AuditEvent
from alliance.v1.case_pb2_grpc import CaseServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client import operators
from member_client._cases.drafts import Draft, Drafts
from member_client._cases.naming import checked_case_id, goes_by, several
from member_client._cases.records import Case, case_of, read_case
from member_client._cases.terms import (
    CasePreview,
    CaseTerms,
    SuspectRow,
    document_digest,
    draw_up,
    preview_of,
    sort_out,
)
from member_client._paging import pages
from member_client._session import Session
from member_client.errors import CaseStateConflict, InvalidUse, NotFound, StatementInvalid, TwoOfficersNeeded
from member_client.operators import Operator

PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class CaseStep:
    """An event of a case's life, as it is in the audit log; `time` in milliseconds UTC, `row` the event's number."""

    time: int
    actor: str
    operator: str
    action: str
    row: int


@dataclass(frozen=True, slots=True)
class CaseStanding:
    """Where a case is, and how it came there."""

    case: Case
    steps: tuple[CaseStep, ...] = ()


class Requests:
    """The cases of one liaison; approvers read them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._drafts = Drafts(session.store)

    # -- drawing up ------------------------------------------------------------------------------------------------

    async def preview(self, terms: CaseTerms, rows: Iterable[SuspectRow]) -> CasePreview:
        """Say what a case would ask for, and make ready what is signed; sends nothing of the list.

        Raises InvalidUse for what is no request; what is too much is for `CasePreview.check`.
        """
        session = self._session
        document = await session.workers.disk(document_digest, terms.document)
        canon = session.canon(await session.facts.now())
        found = await session.workers.cpu(sort_out, rows, canon)
        now_ms, liaison = session.clock.now_ms(), session.profile.member
        request, secret = await session.workers.cpu(
            lambda: draw_up(terms, document, found, liaison=liaison, now_ms=now_ms)
        )
        payload = request.SerializeToString()
        leaves = [it.leaf for it in found.suspects]
        left = await self._left_under(document, request.instrument_type)
        return preview_of(request, payload, left, leaves=leaves, secret=secret, note=terms.note, found=found)

    async def open(self, preview: CasePreview, officer: Operator) -> Case:
        """Sign a case as it was previewed, as its first officer, and keep it; nothing is sent.

        Raises InvalidUse where another officer was named, TwoOfficersNeeded where one of the two is not registered,
        and what `CasePreview.check` raises.
        """
        preview.check()
        if officer.name != preview.case.officers[0]:
            raise InvalidUse("the officer who signs first is the one whom the case names first")
        await self._check_registered(preview.case.officers, officer)
        first = officer.key.statement(statements.CASE_REQUEST, preview.case.request)
        draft = Draft(first, preview.leaves, preview.secret, preview.note)
        await self._session.workers.disk(self._drafts.put, draft)
        return preview.case

    async def draft_preview(self, case_id: bytes) -> CasePreview:
        """Give a draft as the second officer looks at it; raises NotFound where there is none on this machine."""
        draft = await self.draft(case_id)
        request = draft.request
        left = await self._left_under(request.instrument_sha256, request.instrument_type)
        return preview_of(request, draft.payload, left, leaves=draft.leaves, note=draft.note)

    async def submit(self, case_id: bytes, officer: Operator) -> Case:
        """Sign a draft as its second officer, who is somebody else than the first, and submit it.

        Doing it again gives the case as it is by then. Raises NotFound, InvalidUse, and what the hub refuses.
        """
        draft = await self.draft(case_id)
        request = draft.request
        if officer.name != request.second_officer:
            raise InvalidUse("the officer who signs second is the one whom the case names second")
        if draft.first.key_id == key_id(officer.key.public_key):
            raise InvalidUse("the second officer signs with a key of their own, and not with the first one's")
        await self._check_registered((request.officer, request.second_officer), officer)
        if draft.second is None:
            if self._session.clock.now_ms() - request.time >= SIGN_WITHIN_MS:
                raise InvalidUse("a draft is signed and submitted within a day: withdraw it, and open the case anew")
            second = officer.key.statement(statements.CASE_REQUEST, draft.payload)
            draft = replace(draft, second=second)
            await self._session.workers.disk(self._drafts.put, draft)
        asked = case_pb2.SubmitCaseRequest(request=draft.first, second=draft.second)
        answer = await self._session.transport.ask(lambda channel: CaseServiceStub(channel).SubmitCase, asked)
        return await self.shown(answer.case, case_id)

    # -- looking ---------------------------------------------------------------------------------------------------

    async def listed(self, *, waiting_only: bool = False) -> AsyncIterator[Case]:
        """List cases, oldest first, and after them what lies here as a draft; raises StatementInvalid."""
        seen = set()
        async for record in self._records(waiting_only=waiting_only):
            case = await self.shown(record)
            seen.add(case.id)
            yield case
        if waiting_only:
            return
        for draft in await self._session.workers.disk(self._drafts.all):
            case = _draft_case(draft)
            if case.id not in seen:
                yield case

    async def find(self, text: str) -> Case:
        """Give the case of a number, or whose id starts so in hexadecimal; raises NotFound, InvalidUse for several."""
        wanted, found = text.strip(), {}
        async for record in self._records():
            if goes_by(_request_of(record), wanted):
                case = await self.shown(record)
                found[case.id] = case
        for draft in await self._session.workers.disk(self._drafts.all):
            if goes_by(draft.request, wanted):
                found.setdefault(draft.request.case_id, _draft_case(draft))
        cases = [it for it in found.values() if it.number == wanted] or list(found.values())
        if not cases:
            raise NotFound("There is no such case.")
        if len(cases) > 1:
            raise several()
        return cases[0]

    async def status(self, case_id: bytes) -> CaseStanding:
        """Give a case with the events of its life; raises NotFound, StatementInvalid."""
        answer = await self.fetched(case_id)
        if answer is None:
            return CaseStanding(_draft_case(await self.draft(case_id)))
        case = await self.shown(answer.case, case_id)
        return CaseStanding(case, tuple(map(_read_step, answer.steps)))

    async def fetched(self, case_id: bytes) -> case_pb2.GetCaseResponse | None:
        """Fetch a case as it is; None where the hub has none and this machine has a draft. Raises NotFound."""
        request = case_pb2.GetCaseRequest(case_id=checked_case_id(case_id))
        try:
            return await self._session.transport.ask(lambda channel: CaseServiceStub(channel).GetCase, request)
        except NotFound:
            await self.draft(case_id)
            return None

    async def draft(self, case_id: bytes) -> Draft:
        """Give what this machine keeps of a case; raises NotFound."""
        found = await self._session.workers.disk(self._drafts.one, checked_case_id(case_id))
        if found is None:
            raise NotFound("This machine keeps nothing of this case: go on where it was opened.")
        return found

    async def shown(self, record: case_pb2.CaseRecord, case_id: bytes | None = None) -> Case:
        """Believe a case that the hub shows, of this id where one is given; raises StatementInvalid."""
        directory = (await self._session.facts.now()).directory
        try:
            case = await self._session.workers.cpu(read_case, record, directory)
        except StatementInvalid:
            # An approver, or the liaison, may not be in the one that is known.
            case = await self._session.workers.cpu(read_case, record, await self._session.facts.refresh_directory())
        draft = await self._session.workers.disk(self._drafts.one, case.id)
        if case_id not in (None, case.id) or (draft is not None and draft.payload != case.request):
            raise StatementInvalid("The hub shows another case than was asked for.")
        return replace(case, is_here=draft is not None)

    # -- more time, and the end ------------------------------------------------------------------------------------

    async def extend(self, case_id: bytes, officer: Operator, reason: str = "") -> Case:
        """Ask for more time, once a case: the officer who asks first gives a reason code, the other one sends it.

        The first signature is kept on this machine until the other officer signs. Raises NotFound, InvalidUse.
        """
        draft = await self.draft(case_id)
        request = draft.request
        if officer.name not in (request.officer, request.second_officer):
            raise InvalidUse("the officers of the case ask for more time, and nobody else")
        case = (await self.status(case_id)).case
        if case.extension is not None:
            return case
        if case.state is not CaseState.OPEN:
            raise CaseStateConflict("The case's state does not permit this; look at the case again.")
        kept = draft.extension
        if kept is None or self._is_stale(kept) or kept.key_id == key_id(officer.key.public_key):
            await self._asked_first(case_id, draft, officer, reason)
            return case
        other = officer.key.statement(statements.CASE_EXTENSION, kept.payload)
        first, second = (kept, other) if officer.name == request.second_officer else (other, kept)
        asked = case_pb2.ExtendCaseRequest(extension=first, second=second)
        answer = await self._session.transport.ask(lambda channel: CaseServiceStub(channel).ExtendCase, asked)
        return await self.shown(answer.case, case_id)

    def _is_stale(self, extension: SignedStatement) -> bool:
        """Tell whether an officer asked so long ago that the hub takes it no more."""
        said = case_pb2.CaseExtension.FromString(extension.payload)
        return self._session.clock.now_ms() - said.time >= SIGN_WITHIN_MS

    async def _asked_first(self, case_id: bytes, draft: Draft, officer: Operator, reason: str) -> None:
        if not is_reason_code(reason):
            raise InvalidUse("whoever asks for more time first gives a reason code of lower-case letters, digits and _")
        said = case_pb2.CaseExtension(
            case_id=case_id,
            request_sha256=sha256(draft.payload).digest(),
            reason=reason,
            time=self._session.clock.now_ms(),
        )
        signed = officer.key.statement(statements.CASE_EXTENSION, said.SerializeToString())
        await self._session.workers.disk(self._drafts.put, replace(draft, extension=signed))

    async def end(self, case_id: bytes, state: CaseState, officer: Operator, reason: str) -> Case:
        """Withdraw or close a case, for a reason code; one that is withdrawn is forgotten here. Raises NotFound."""
        if not is_reason_code(reason):
            raise InvalidUse("a reason code is a word of up to 64 lower-case letters, digits and _")
        answer = await self.fetched(case_id)
        if answer is None:
            return await self._forgotten(case_id, state)

        def request() -> case_pb2.EndCaseRequest:
            said = case_pb2.CaseEnding(
                case_id=case_id,
                state=case_pb2.CaseState.ValueType(state),
                reason=reason,
                officer=officer.name,
                time=self._session.clock.now_ms(),
            )
            ending = officer.key.statement(statements.CASE_ENDING, said.SerializeToString())
            return case_pb2.EndCaseRequest(ending=ending)

        ended = await self._session.transport.call(lambda channel: CaseServiceStub(channel).EndCase, request)
        case = await self.shown(ended.case, case_id)
        if case.state is not state:
            raise StatementInvalid("The hub took the end of a case and shows it in another state.")
        if state is not CaseState.WITHDRAWN:
            return case
        await self._session.workers.disk(self._drafts.remove, case_id)  # no reply comes that it would open
        return replace(case, is_here=False)

    async def _forgotten(self, case_id: bytes, state: CaseState) -> Case:
        case = _draft_case(await self.draft(case_id))
        if state is not CaseState.WITHDRAWN:
            raise InvalidUse("a draft is withdrawn, and not closed: nobody was asked")
        await self._session.workers.disk(self._drafts.remove, case_id)
        return replace(case, state=state, is_here=False)

    # -- steps -----------------------------------------------------------------------------------------------------

    async def _records(self, *, waiting_only: bool = False) -> AsyncIterator[case_pb2.CaseRecord]:
        """Give what the hub lists, not believed yet."""

        async def fetch(token: str) -> case_pb2.ListCasesResponse:
            request = case_pb2.ListCasesRequest(page_size=PAGE_SIZE, page_token=token, waiting_only=waiting_only)
            return await self._session.transport.ask(lambda channel: CaseServiceStub(channel).ListCases, request)

        async for page in pages(fetch, lambda reply: reply.cases):
            for record in page:
                yield record

    async def _left_under(self, instrument_sha256: bytes, instrument_type: int) -> int | None:
        """Give how many may still be asked about under an instrument; None where no case is under it yet.

        The hub counts over all cases under a document, also where an earlier one called it another type.
        """
        left, items = None, INSTRUMENT_RULES[InstrumentType(instrument_type)].items
        async for record in self._records():
            if hmac.compare_digest(_request_of(record).instrument_sha256, instrument_sha256):
                case = await self.shown(record)
                left = max(0, items - INSTRUMENT_RULES[case.instrument].items + case.instrument_left)
        return left

    async def _check_registered(self, officers: tuple[str, str], signer: Operator) -> None:
        """Raise TwoOfficersNeeded where one of two officers is not registered, or signs with another key."""
        keys = {it.name: it.public_key for it in await operators.listed(self._session) if not it.retired_at}
        if not all(it in keys for it in officers) or keys[signer.name] != signer.key.public_key:
            raise TwoOfficersNeeded("Two registered officers of the liaison sign this, each with their own key.")


def _request_of(record: case_pb2.CaseRecord) -> case_pb2.CaseRequest:
    """Read what a record claims to ask for, not believed yet; raises StatementInvalid."""
    try:
        return read_request(record.request.payload)
    except SignatureInvalid as error:
        raise StatementInvalid("The hub shows a case that its officers and approvers did not sign so.") from error


def _draft_case(draft: Draft) -> Case:
    return replace(case_of(draft.request, draft.payload, CaseState.DRAFT), is_here=True)


def _read_step(step: case_pb2.CaseStep) -> CaseStep:
    """Read an event of a case's life, whose contents are what its leaf stands for; raises StatementInvalid."""
    record, event = step.record, AuditEvent()
    if not hmac.compare_digest(merkle.leaf_hash(record.salt + record.event), record.leaf_hash):
        raise StatementInvalid("A step of a case is not the one that its leaf hash stands for.")
    try:
        event.ParseFromString(record.event)
    except DecodeError as error:
        raise StatementInvalid("A step of a case cannot be read.") from error
    is_of_case = step.HasField("statement") and step.statement.type != statements.EVALUATION_HEADER
    if is_of_case and sha256(step.statement.payload).digest() not in event.commitments:
        raise StatementInvalid("A step of a case does not commit to what was signed.")
    return CaseStep(event.time, event.actor, event.operator, event.action, record.row)
