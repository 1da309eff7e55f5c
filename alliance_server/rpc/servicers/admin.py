"""AdminService."""

from typing import Any

from grpc import aio

from alliance.v1 import admin_pb2, admin_pb2_grpc, epoch_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.epochs import EpochStanding
from alliance_server.domain.recalls import RECEIPT_WITHIN_MS, Recall
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.rpc.servicers.quotas import alarm_message, standing_message
from alliance_server.services.administration import Administration, Shown
from alliance_server.services.epochs import EpochService
from alliance_server.services.quotas import QuotaService
from alliance_server.services.recalls import RecallService

Context = aio.ServicerContext[Any, Any]


class AdminServicer(admin_pb2_grpc.AdminServiceServicer):
    """Lets admins change the alliance."""

    def __init__(
        self, service: Administration, quotas: QuotaService, epochs: EpochService, recalls: RecallService
    ) -> None:
        self._service = service
        self._quotas = quotas
        self._epochs = epochs
        self._recalls = recalls

    async def PreviewChange(
        self, request: admin_pb2.PreviewChangeRequest, context: Context
    ) -> admin_pb2.PreviewChangeResponse:
        """Say what a change would do."""
        return admin_pb2.PreviewChangeResponse(effect=await self._service.preview(current_call(), request.change))

    async def Propose(self, request: admin_pb2.ProposeRequest, context: Context) -> admin_pb2.ProposeResponse:
        """Take a proposal."""
        shown = await self._service.propose(current_call(), request.proposal)
        return admin_pb2.ProposeResponse(proposal=_record(shown))

    async def Decide(self, request: admin_pb2.DecideRequest, context: Context) -> admin_pb2.DecideResponse:
        """Decide a proposal."""
        shown = await self._service.decide(current_call(), request.proposal_id, request.decision)
        return admin_pb2.DecideResponse(proposal=_record(shown))

    async def ListProposals(
        self, request: admin_pb2.ListProposalsRequest, context: Context
    ) -> admin_pb2.ListProposalsResponse:
        """List a page of proposals."""
        shown, more = await self._service.proposals(
            current_call(), request.page_size, request.page_token, undecided_only=request.undecided_only
        )
        return admin_pb2.ListProposalsResponse(proposals=[_record(it) for it in shown], next_page_token=more)

    async def ListStandings(
        self, request: admin_pb2.ListStandingsRequest, context: Context
    ) -> admin_pb2.ListStandingsResponse:
        """List a page of standings."""
        shown, more = await self._quotas.standings(current_call(), request.page_size, request.page_token)
        return admin_pb2.ListStandingsResponse(standings=map(standing_message, shown), next_page_token=more)

    async def ListAlarms(self, request: admin_pb2.ListAlarmsRequest, context: Context) -> admin_pb2.ListAlarmsResponse:
        """List a page of alarms."""
        alarms, more = await self._quotas.alarms(
            current_call(), request.page_size, request.page_token, open_only=request.open_only
        )
        return admin_pb2.ListAlarmsResponse(alarms=map(alarm_message, alarms), next_page_token=more)

    async def AcknowledgeAlarm(
        self, request: admin_pb2.AcknowledgeAlarmRequest, context: Context
    ) -> admin_pb2.AcknowledgeAlarmResponse:
        """Acknowledge an alarm."""
        alarm = await self._quotas.acknowledge(current_call(), request.alarm, request.reason)
        return admin_pb2.AcknowledgeAlarmResponse(alarm=alarm_message(alarm))

    async def ListRecalls(
        self, request: admin_pb2.ListRecallsRequest, context: Context
    ) -> admin_pb2.ListRecallsResponse:
        """List a page of recalls with who has not dealt with them."""
        recalls, more = await self._recalls.list(current_call(), request.page_size, request.page_token)
        return admin_pb2.ListRecallsResponse(recalls=map(_recall, recalls), next_page_token=more)

    async def ListEpochStandings(
        self, request: admin_pb2.ListEpochStandingsRequest, context: Context
    ) -> admin_pb2.ListEpochStandingsResponse:
        """List all epochs with how far re-tagging and destruction are."""
        found = await self._epochs.standings(current_call())
        return admin_pb2.ListEpochStandingsResponse(epochs=[_standing(it) for it in found])


def _recall(recall: Recall) -> admin_pb2.Recall:
    return admin_pb2.Recall(
        number=recall.number,
        entry_id=recall.entry_id,
        recalled_at=recall.recalled_at,
        due_at=recall.recalled_at + RECEIPT_WITHIN_MS,
        reason=recall.reason,
        outstanding=recall.outstanding,
    )


def _standing(found: EpochStanding) -> admin_pb2.EpochStanding:
    epoch = found.epoch
    return admin_pb2.EpochStanding(
        epoch=epoch.id,
        state=epoch_pb2.EpochState.ValueType(epoch.state),
        not_before=epoch.not_before,
        not_after=epoch.not_after,
        announced=bool(epoch.public_key),
        live_claims=found.live_claims,
        laggards=[admin_pb2.Laggard(member=member, claims=claims) for member, claims in found.laggards],
        claims_left=found.claims_left,
        retagged_at=epoch.retagged_at or 0,
        destroyed_at=epoch.destroyed_at or 0,
    )


def _record(shown: Shown) -> admin_pb2.ProposalRecord:
    decision = shown.proposal.decision
    return admin_pb2.ProposalRecord(
        proposal=SignedStatement.FromString(shown.proposal.statement),
        state=admin_pb2.ProposalState.ValueType(shown.state),
        decide_by=shown.proposal.decide_by,
        decision=SignedStatement.FromString(decision) if decision else None,
        effect=shown.effect,
    )
