"""What a member may use and has used, and how what it gives compares with what it asks; alarms, as admins read them."""

from dataclasses import dataclass
from enum import IntEnum

from alliance.v1 import quota_pb2
from alliance.v1.quota_pb2_grpc import QuotaServiceStub
from member_client._session import Session
from member_client.errors import HubError


class StandingTier(IntEnum):
    """What a member gives, beside what it asks."""

    UNKNOWN = quota_pb2.STANDING_TIER_UNSPECIFIED
    TAKING = quota_pb2.STANDING_TIER_TAKING
    BALANCED = quota_pb2.STANDING_TIER_BALANCED
    GIVING = quota_pb2.STANDING_TIER_GIVING

    @property
    def word(self) -> str:
        """The word for it."""
        return self.name.lower()


class AlarmKind(IntEnum):
    """What an alarm is about."""

    HOUR_ABOVE_USUAL = quota_pb2.ALARM_KIND_HOUR_ABOVE_USUAL
    DAY_ABOVE_USUAL = quota_pb2.ALARM_KIND_DAY_ABOVE_USUAL
    BEYOND_BUSINESS = quota_pb2.ALARM_KIND_BEYOND_BUSINESS
    AT_NIGHT = quota_pb2.ALARM_KIND_AT_NIGHT
    MANY_BUCKETS = quota_pb2.ALARM_KIND_MANY_BUCKETS
    FEW_BUCKETS = quota_pb2.ALARM_KIND_FEW_BUCKETS
    CONTRIBUTION_WITHOUT_ROWS = quota_pb2.ALARM_KIND_CONTRIBUTION_WITHOUT_ROWS

    @property
    def word(self) -> str:
        """The word for it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class ResourceQuota:
    """Quota of one resource as it is now, in items; `renews_at` in milliseconds UTC.

    `burst` is what may be used at once after a pause, `burst_left` what may be used at once now.
    """

    resource: str
    budget: int
    used_today: int
    burst: int
    burst_left: int
    renews_at: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's standing, computed once a day; `computed_at` is 0 before that.

    `score` is 0 to 100. `budget_percent` is the share of the default budgets that the tier gives; it holds where
    `is_in_force`, and is only shown where not. `queried` counts identifiers within 30 days.
    """

    member: str
    score: int
    tier: StandingTier
    budget_percent: int
    is_in_force: bool
    claims: int
    points: int
    queried: int
    upheld_disputes: int
    applications_a_day: int
    customers: int
    computed_at: int


@dataclass(frozen=True, slots=True)
class QuotaReport:
    """A member's quotas by resource, and its standing."""

    quotas: tuple[ResourceQuota, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm about a member's volumes: `observed` items since `since`, beside the `threshold`. Counts alone."""

    id: int
    member: str
    kind: AlarmKind
    resource: str
    observed: int
    threshold: int
    since: int
    raised_at: int
    acknowledged_by: str
    acknowledged_at: int
    acknowledgement: str


async def report(session: Session) -> QuotaReport:
    """Ask the hub for this member's own; raises HubError where the answer cannot be read."""
    answer = await session.transport.ask(
        lambda channel: QuotaServiceStub(channel).GetStanding, quota_pb2.GetStandingRequest()
    )
    if answer.standing.member != session.profile.member:
        raise HubError("The hub shows another member's standing.")
    return QuotaReport(tuple(map(_quota, answer.quotas)), read_standing(answer.standing))


def _quota(message: quota_pb2.ResourceQuota) -> ResourceQuota:
    return ResourceQuota(**{it.name: getattr(message, it.name) for it in message.DESCRIPTOR.fields})


def read_standing(message: quota_pb2.Standing) -> Standing:
    """Read a standing; raises HubError."""
    values = {it.name: getattr(message, it.name) for it in message.DESCRIPTOR.fields}
    try:
        return Standing(**{**values, "tier": StandingTier(message.tier)})
    except ValueError as error:
        raise HubError("The hub's answer cannot be read.") from error


def read_alarm(message: quota_pb2.Alarm) -> Alarm:
    """Read an alarm; raises HubError."""
    values = {it.name: getattr(message, it.name) for it in message.DESCRIPTOR.fields}
    try:
        return Alarm(**{**values, "kind": AlarmKind(message.kind)})
    except ValueError as error:
        raise HubError("The hub's answer cannot be read.") from error
