"""CaseService."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grpc import aio

from alliance.v1 import case_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.attachments import Attachment
from alliance_server.domain.cases import Asked, Decision
from alliance_server.domain.statements import unpacked
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.rpc.interceptors.draining import Drain
from alliance_server.rpc.servicers.attachments import AttachmentServicer
from alliance_server.rpc.servicers.audit import record_message
from alliance_server.rpc.servicers.registry import claim_record
from alliance_server.services.cases.attachments import AttachmentService
from alliance_server.services.cases.deciding import DecisionService
from alliance_server.services.cases.inquiring import InquiryService, ShownInquiry
from alliance_server.services.cases.matching import MatchingService
from alliance_server.services.cases.replies import ReplyService, ShownStep
from alliance_server.services.cases.requesting import RequestService
from alliance_server.services.cases.showing import ShownCase

Context = aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class CaseServices:
    """What takes cases through their life."""

    requests: RequestService
    decisions: DecisionService
    matching: MatchingService
    inquiries: InquiryService
    replies: ReplyService


class CaseServicer(AttachmentServicer):
    """Takes cases through their life."""

    def __init__(self, services: CaseServices, attachments: AttachmentService, drain: Drain) -> None:
        super().__init__(attachments, drain)
        self._its = services

    async def SubmitCase(self, request: case_pb2.SubmitCaseRequest, context: Context) -> case_pb2.SubmitCaseResponse:
        """Submit a case."""
        found = await self._its.requests.submit(current_call(), request.request, request.second)
        return case_pb2.SubmitCaseResponse(case=_case(found))

    async def DecideCase(self, request: case_pb2.DecideCaseRequest, context: Context) -> case_pb2.DecideCaseResponse:
        """Decide a case, or its extension."""
        found = await self._its.decisions.decide(current_call(), request.decision)
        return case_pb2.DecideCaseResponse(case=_case(found))

    async def ListCases(self, request: case_pb2.ListCasesRequest, context: Context) -> case_pb2.ListCasesResponse:
        """List a page of cases."""
        found, more = await self._its.requests.list(
            current_call(), request.page_size, request.page_token, waiting_only=request.waiting_only
        )
        return case_pb2.ListCasesResponse(cases=[_case(it) for it in found], next_page_token=more)

    async def GetCase(self, request: case_pb2.GetCaseRequest, context: Context) -> case_pb2.GetCaseResponse:
        """Get a case with its steps."""
        found, steps = await self._its.replies.case(current_call(), request.case_id)
        return case_pb2.GetCaseResponse(case=_case(found), steps=[_step(it) for it in steps])

    async def SubmitSuspects(
        self, request: case_pb2.SubmitSuspectsRequest, context: Context
    ) -> case_pb2.SubmitSuspectsResponse:
        """Match suspects."""
        found = await self._its.matching.submit(current_call(), request.suspects, request.rows)
        return case_pb2.SubmitSuspectsResponse(case=_case(found))

    async def ExtendCase(self, request: case_pb2.ExtendCaseRequest, context: Context) -> case_pb2.ExtendCaseResponse:
        """Ask for more time."""
        found = await self._its.requests.extend(current_call(), request.extension, request.second)
        return case_pb2.ExtendCaseResponse(case=_case(found))

    async def EndCase(self, request: case_pb2.EndCaseRequest, context: Context) -> case_pb2.EndCaseResponse:
        """End a case."""
        found = await self._its.requests.end(current_call(), request.ending)
        return case_pb2.EndCaseResponse(case=_case(found))

    async def ListCaseReplies(
        self, request: case_pb2.ListCaseRepliesRequest, context: Context
    ) -> case_pb2.ListCaseRepliesResponse:
        """List a page of replies."""
        found, more = await self._its.replies.list(current_call(), request.case_id, request.page_token)
        replies = [_reply(it, files) for it, files in found]
        return case_pb2.ListCaseRepliesResponse(replies=replies, next_page_token=more)

    async def ListInquiries(
        self, request: case_pb2.ListInquiriesRequest, context: Context
    ) -> case_pb2.ListInquiriesResponse:
        """List a page of what the caller is asked."""
        found, more = await self._its.inquiries.list(current_call(), request.page_size, request.page_token)
        return case_pb2.ListInquiriesResponse(inquiries=[_inquiry(it) for it in found], next_page_token=more)

    async def ListInquiryEntries(
        self, request: case_pb2.ListInquiryEntriesRequest, context: Context
    ) -> case_pb2.ListInquiryEntriesResponse:
        """List a page of the caller's claims that a case asks about."""
        found, more = await self._its.inquiries.entries(
            current_call(), request.case_id, request.page_size, request.page_token
        )
        entries = [
            case_pb2.InquiryEntry(
                entry_id=it.match.entry_id,
                epoch=it.match.epoch,
                index=it.match.place,
                sealed=it.match.sealed or b"",
                claim=claim_record(it.claim) if it.claim is not None else None,
            )
            for it in found
        ]
        return case_pb2.ListInquiryEntriesResponse(entries=entries, next_page_token=more)

    async def SendCaseReply(
        self, request: case_pb2.SendCaseReplyRequest, context: Context
    ) -> case_pb2.SendCaseReplyResponse:
        """Take a reply."""
        found = await self._its.inquiries.reply(current_call(), request.reply, request.sealed)
        return case_pb2.SendCaseReplyResponse(inquiry=_inquiry(found))


def _statements(decisions: Sequence[Decision]) -> list[SignedStatement]:
    return [SignedStatement.FromString(it.statement) for it in decisions]


def _case(shown: ShownCase) -> case_pb2.CaseRecord:
    it = shown.case
    first, second = unpacked(it.requests)
    extension, second_extension = unpacked(it.extensions) if it.extensions else (None, None)
    return case_pb2.CaseRecord(
        request=first,
        second=second,
        officers=unpacked(it.officers),
        state=case_pb2.CaseState.ValueType(it.state),
        submitted_at=it.submitted_at,
        decide_by=it.decide_by,
        decisions=_statements(shown.decisions),
        reply_from=it.reply_from,
        reply_by=it.reply_by,
        asked=it.asked,
        replied=it.replied,
        extension=extension,
        second_extension=second_extension,
        extension_decisions=_statements(shown.extension_decisions),
        is_extended=it.is_extended,
        ended_at=it.ended_at or 0,
        instrument_left=shown.instrument_left,
    )


def _step(it: ShownStep) -> case_pb2.CaseStep:
    statement = SignedStatement.FromString(it.statement) if it.statement else None
    return case_pb2.CaseStep(record=record_message(it.record, it.position), statement=statement)


def _inquiry(shown: ShownInquiry) -> case_pb2.Inquiry:
    it = shown.case
    first, second = unpacked(it.requests)
    return case_pb2.Inquiry(
        request=first,
        second=second,
        officers=unpacked(it.officers),
        decisions=_statements(shown.decisions),
        state=case_pb2.CaseState.ValueType(it.state),
        reply_from=it.reply_from,
        reply_by=it.reply_by,
        replied_at=shown.asked.replied_at,
        entries=shown.asked.entries,
        ended_at=it.ended_at or 0,
    )


def _reply(it: Asked, files: Sequence[Attachment]) -> case_pb2.CaseReplyRecord:
    reply = SignedStatement.FromString(it.reply) if it.reply else None
    attachments = [SignedStatement.FromString(one.statement) for one in files]
    return case_pb2.CaseReplyRecord(member=it.member, reply=reply, sealed=it.sealed or b"", attachments=attachments)
