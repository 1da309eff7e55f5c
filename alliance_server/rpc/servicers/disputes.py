"""DisputeService."""

from typing import Any

from grpc import aio

from alliance.errors import Reason
from alliance.v1 import dispute_pb2, dispute_pb2_grpc, taxonomy_pb2
from alliance_server.domain.disputes import Dispute
from alliance_server.domain.errors import Refused
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.disputes import DisputeService
from alliance_server.services.reviews import Escalation, ReviewService

Context = aio.ServicerContext[Any, Any]


class DisputeServicer(dispute_pb2_grpc.DisputeServiceServicer):
    """Takes disputes, answers and reviews."""

    def __init__(self, disputes: DisputeService, reviews: ReviewService) -> None:
        self._disputes = disputes
        self._reviews = reviews

    async def OpenDispute(
        self, request: dispute_pb2.OpenDisputeRequest, context: Context
    ) -> dispute_pb2.OpenDisputeResponse:
        """Open a dispute."""
        dispute = await self._disputes.open(current_call(), request.opening, request.token, request.sealed_statement)
        return dispute_pb2.OpenDisputeResponse(dispute=_dispute(dispute, sealed=False))

    async def ListDisputes(
        self, request: dispute_pb2.ListDisputesRequest, context: Context
    ) -> dispute_pb2.ListDisputesResponse:
        """List a page of disputes."""
        if request.view not in (dispute_pb2.DISPUTE_VIEW_OPENED, dispute_pb2.DISPUTE_VIEW_ABOUT_OWN):
            raise Refused(Reason.INVALID_REQUEST, "the view is unknown")
        about_own = request.view == dispute_pb2.DISPUTE_VIEW_ABOUT_OWN
        disputes, more = await self._disputes.list(
            current_call(),
            request.page_size,
            request.page_token,
            about_own=about_own,
            waiting_only=request.waiting_only,
        )
        messages = [_dispute(it, sealed=about_own) for it in disputes]
        return dispute_pb2.ListDisputesResponse(disputes=messages, next_page_token=more)

    async def AnswerDispute(
        self, request: dispute_pb2.AnswerDisputeRequest, context: Context
    ) -> dispute_pb2.AnswerDisputeResponse:
        """Answer a dispute."""
        change = request.status_change if request.HasField("status_change") else None
        of_twin = request.twin_status_change if request.HasField("twin_status_change") else None
        dispute = await self._disputes.answer(current_call(), request.answer, change, of_twin)
        return dispute_pb2.AnswerDisputeResponse(dispute=_dispute(dispute, sealed=False))

    async def EscalateDispute(
        self, request: dispute_pb2.EscalateDisputeRequest, context: Context
    ) -> dispute_pb2.EscalateDisputeResponse:
        """Escalate a dispute."""
        dispute = await self._disputes.escalate(current_call(), request.dispute_id)
        return dispute_pb2.EscalateDisputeResponse(dispute=_dispute(dispute, sealed=False))

    async def ListEscalations(
        self, request: dispute_pb2.ListEscalationsRequest, context: Context
    ) -> dispute_pb2.ListEscalationsResponse:
        """List a page of what waits for a reviewer."""
        waiting, more = await self._reviews.waiting(current_call(), request.page_size, request.page_token)
        return dispute_pb2.ListEscalationsResponse(escalations=map(_escalation, waiting), next_page_token=more)

    async def DecideEscalation(
        self, request: dispute_pb2.DecideEscalationRequest, context: Context
    ) -> dispute_pb2.DecideEscalationResponse:
        """Decide about a claim."""
        dispute = await self._reviews.decide(current_call(), request.review)
        return dispute_pb2.DecideEscalationResponse(state=dispute_pb2.DisputeState.ValueType(dispute.state))

    async def ListOverdueDisputes(
        self, request: dispute_pb2.ListOverdueDisputesRequest, context: Context
    ) -> dispute_pb2.ListOverdueDisputesResponse:
        """List by contributor what is overdue."""
        overdue = await self._reviews.overdue(current_call())
        return dispute_pb2.ListOverdueDisputesResponse(
            contributors=[
                dispute_pb2.OverdueDisputes(
                    contributor=it.contributor, unanswered=it.unanswered, undecided=it.undecided, since=it.since
                )
                for it in overdue
            ]
        )


def _dispute(it: Dispute, *, sealed: bool) -> dispute_pb2.Dispute:
    """Give a dispute's message, with the consumer's statement for who may read it alone."""
    return dispute_pb2.Dispute(
        dispute_id=it.id,
        entry_id=it.entry_id,
        ground=dispute_pb2.DisputeGround.ValueType(it.ground),
        state=dispute_pb2.DisputeState.ValueType(it.state),
        opened_at=it.opened_at,
        due_at=it.due_at,
        answered_at=it.answered_at or 0,
        answer_reason=it.answer_reason,
        escalate_until=it.escalate_until,
        decided_at=it.decided_at or 0,
        decision_reason=it.decision_reason,
        request_commitment=it.request_commitment,
        has_evidence=bool(it.evidence_digest),
        sealed_statement=(it.sealed or b"") if sealed else b"",
    )


def _escalation(it: Escalation) -> dispute_pb2.Escalation:
    dispute, claim = it.dispute, it.claim
    return dispute_pb2.Escalation(
        dispute_id=dispute.id,
        ground=dispute_pb2.DisputeGround.ValueType(dispute.ground),
        category=taxonomy_pb2.Category.ValueType(claim.category),
        subject_role=taxonomy_pb2.SubjectRole.ValueType(claim.subject_role),
        evidence_level=taxonomy_pb2.EvidenceLevel.ValueType(claim.evidence_level),
        filed_at=claim.filed_at,
        expires_at=claim.expires_at,
        opened_at=dispute.opened_at,
        answered_at=dispute.answered_at or 0,
        answer_reason=dispute.answer_reason,
        escalated_at=dispute.escalated_at or 0,
        due_at=dispute.due_at,
        has_evidence=bool(dispute.evidence_digest),
    )
