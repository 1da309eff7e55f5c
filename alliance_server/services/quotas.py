"""What members and admins see of quotas: budgets, standings and alarms."""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.errors import Reason
from alliance_server.domain.alarms import Alarm
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.proposals import check_reason
from alliance_server.domain.quotas import Quota, Resource, day_of, renews_at
from alliance_server.domain.reciprocity import Business, Standing
from alliance_server.services.budgets import Budgets
from alliance_server.services.call import Call
from alliance_server.services.memberships import require_admitted
from alliance_server.services.paging import MAX_NUMBER, name, numbers, page_size


@dataclass(frozen=True, slots=True)
class QuotaState:
    """A quota as it stands: items of today, and items that the bucket holds."""

    resource: Resource
    quota: Quota
    used: int
    burst_left: int
    renews_at: int


@dataclass(frozen=True, slots=True)
class ShownStanding:
    """A member's standing, None where it was not computed yet, beside its declared business."""

    member_id: str
    standing: Standing | None
    business: Business


class QuotaService:
    """Shows quotas, standings and alarms."""

    def __init__(self, store: Store, budgets: Budgets) -> None:
        self._store = store
        self._budgets = budgets

    async def own(self, call: Call) -> tuple[list[QuotaState], ShownStanding]:
        """Give the caller's quotas and standing."""
        now, member_id = call.now(), call.caller.member_id

        def work(transaction: Transaction) -> tuple[list[QuotaState], ShownStanding]:
            full_at = transaction.quotas.buckets(member_id, day_of(now))
            quotas = []
            for resource in (it for it in Resource if it.base is it):
                quota = self._budgets.quota(transaction, member_id, resource)
                used = max(0, transaction.quotas.used(member_id, resource, day_of(now)))
                left = quota.left(full_at.get(resource, 0), now)
                quotas.append(QuotaState(resource, quota, used, left, renews_at(now)))
            transaction.record(call.event(items=len(quotas)))
            return quotas, _shown(transaction, member_id)

        return await self._store.write(work)

    async def standings(self, call: Call, asked_size: int, token: str) -> tuple[list[ShownStanding], str]:
        """List a page of all members' standings, and the token of the next."""
        size, after = page_size(asked_size), name(token)

        def work(transaction: Transaction) -> tuple[list[ShownStanding], str]:
            page = transaction.members.page(after, size)
            enrolled = (it for it in page if it.role is Role.MEMBER and it.state is not MemberState.INVITED)
            shown = [_shown(transaction, member.id) for member in enrolled]
            transaction.record(call.event(items=len(shown)))
            return shown, page[-1].id if len(page) == size else ""

        return await self._store.write(work)

    async def alarms(self, call: Call, asked_size: int, token: str, *, open_only: bool) -> tuple[Sequence[Alarm], str]:
        """List a page of alarms, oldest first, and the token of the next."""
        size = page_size(asked_size)
        (after,) = numbers(token, 1)

        def work(transaction: Transaction) -> tuple[Sequence[Alarm], str]:
            alarms = transaction.watch.alarms(after, size, open_only=open_only)
            transaction.record(call.event(items=len(alarms)))
            return alarms, str(alarms[-1].id) if len(alarms) == size else ""

        return await self._store.write(work)

    async def acknowledge(self, call: Call, alarm_id: int, reason: str) -> Alarm:
        """Acknowledge an alarm; the first acknowledgement stays. Raises Refused."""
        check_reason(reason)

        def work(transaction: Transaction) -> Alarm:
            require_admitted(transaction, call.caller, call.now())
            alarm = transaction.watch.alarm(alarm_id) if alarm_id <= MAX_NUMBER else None
            if alarm is None:
                raise Refused(Reason.NOT_FOUND, "no such alarm")
            if alarm.acknowledged_at is None:
                transaction.watch.acknowledge(alarm_id, call.caller.member_id, reason, call.now())
                alarm = transaction.watch.alarm(alarm_id) or alarm
            transaction.record(call.event(items=1))
            return alarm

        return await self._store.write(work)


def _shown(transaction: Transaction, member_id: str) -> ShownStanding:
    return ShownStanding(member_id, transaction.watch.standing(member_id), transaction.watch.business(member_id))
