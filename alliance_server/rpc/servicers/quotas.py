"""QuotaService, and the messages of standings and alarms."""

from typing import Any

from grpc import aio

from alliance.v1 import quota_pb2, quota_pb2_grpc
from alliance_server.domain.alarms import Alarm
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.quotas import QuotaService, QuotaState, ShownStanding

Context = aio.ServicerContext[Any, Any]


class QuotaServicer(quota_pb2_grpc.QuotaServiceServicer):
    """Shows members what the hub counts of them."""

    def __init__(self, service: QuotaService) -> None:
        self._service = service

    async def GetStanding(
        self, request: quota_pb2.GetStandingRequest, context: Context
    ) -> quota_pb2.GetStandingResponse:
        """Give the caller's quotas and standing."""
        quotas, standing = await self._service.own(current_call())
        return quota_pb2.GetStandingResponse(quotas=map(_quota, quotas), standing=standing_message(standing))


def _quota(state: QuotaState) -> quota_pb2.ResourceQuota:
    return quota_pb2.ResourceQuota(
        resource=state.resource.name.lower(),
        budget=state.quota.limit,
        used_today=state.used,
        burst=state.quota.burst,
        burst_left=state.burst_left,
        renews_at=state.renews_at,
    )


def standing_message(shown: ShownStanding) -> quota_pb2.Standing:
    """Give a standing's message."""
    message = quota_pb2.Standing(member=shown.member_id, **shown.business._asdict())
    if (it := shown.standing) is not None:
        message.score = it.score
        message.tier = quota_pb2.StandingTier.ValueType(it.tier)
        message.budget_percent, message.is_in_force = it.budget_percent, it.is_in_force
        message.claims, message.points, message.queried = it.claims, it.points, it.queried
        message.upheld_disputes, message.computed_at = it.upheld_disputes, it.computed_at
    return message


def alarm_message(alarm: Alarm) -> quota_pb2.Alarm:
    """Give an alarm's message."""
    finding = alarm.finding
    return quota_pb2.Alarm(
        id=alarm.id,
        member=alarm.member_id,
        kind=quota_pb2.AlarmKind.ValueType(finding.kind),
        resource=finding.resource.name.lower() if finding.resource else "",
        observed=finding.observed,
        threshold=finding.threshold,
        since=finding.since,
        raised_at=alarm.raised_at,
        acknowledged_by=alarm.acknowledged_by,
        acknowledged_at=alarm.acknowledged_at or 0,
        acknowledgement=alarm.acknowledgement,
    )
