"""Daily budgets and bursts, charged inside the unit of work that they belong to: a member's own, else the hub's.

A charge is one statement: it adds the items of all calls, and gives what there was before and what the member's own
limits are. Where a call is refused, or the limits are others than when this process looked last, a second statement
puts right what the first one did; the row is held in between.
"""

from collections.abc import Mapping, Sequence

from alliance.errors import Reason
from alliance.quotas import MIN_BURST
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import Charged, Quota, Resource, Wait, burst_of, day_of, granted


class Budgets:
    """Quotas by resource."""

    def __init__(self, limits: Mapping[str, int], bursts: Mapping[str, int] | None = None) -> None:
        """Take the defaults by the resource's word: items a member and day; bursts where they are not derived."""
        self._limits = dict(limits)
        self._bursts = dict(bursts or {})
        self._seen: dict[tuple[str, Resource], Quota] = {}

    def charge(self, transaction: Transaction, member_id: str, resource: str, items: int, now: int) -> None:
        """Charge items; raises Refused where day or burst do not hold them, and then charges nothing."""
        (refusal,) = self.charge_each(transaction, member_id, resource, [items], now)
        if refusal:
            raise refusal

    def charge_each(
        self, transaction: Transaction, member_id: str, resource: str, items: Sequence[int], now: int
    ) -> list[Refused | None]:
        """Charge the items of several calls, one after the other; those that day or burst do not hold, not."""
        day, kind = day_of(now), Resource[resource.upper()]
        assumed, asked = self._assumed(member_id, kind), sum(items)
        charged = transaction.quotas.charge(member_id, kind, day, asked, now * 1000, assumed.item_us)
        quota = self._seen[member_id, kind] = self._quota(kind, charged)
        before = charged.full_at - asked * assumed.item_us
        outcome = granted(quota, charged.total - asked, before, items, now)
        if (outcome.used, outcome.full_at) != (charged.total, charged.full_at):
            transaction.quotas.settle(member_id, kind, day, outcome.used, outcome.full_at)
        return [wait and _refusal(resource, wait) for wait in outcome.retry_at]

    def refund_contribution(self, transaction: Transaction, member_id: str, items: int, now: int) -> None:
        """Take charges back, of the day and of the burst, within a daily limit of their own.

        The hub cannot tell a made-up tag from a derived one: without the limit made-up claims would buy evaluations
        without end. What was charged yesterday does not enlarge today's budget.
        """
        day = day_of(now)
        refunded = transaction.quotas.charge(member_id, Resource.CONTRIBUTION_REFUNDS, day, items)
        over = max(0, refunded.total - self._quota(Resource.CONTRIBUTION_REFUNDS, refunded).limit)
        back, kind = max(0, items - over), Resource.CONTRIBUTION
        assumed = self._assumed(member_id, kind)
        charged = transaction.quotas.charge(member_id, kind, day, -back, now * 1000, assumed.item_us)
        quota = self._seen[member_id, kind] = self._quota(kind, charged)
        used, full_at = max(0, charged.total), charged.full_at + back * (assumed.item_us - quota.item_us)
        if (used, full_at) != (charged.total, charged.full_at):
            transaction.quotas.settle(member_id, kind, day, used, full_at)

    def quota(self, transaction: Transaction, member_id: str, resource: Resource) -> Quota:
        """Give what a member may use of a resource."""
        return self._quota(resource, transaction.quotas.own(member_id, resource))

    def _quota(self, resource: Resource, own: Charged) -> Quota:
        word = resource.base.name.lower()
        percent = 100 if own.percent is None else own.percent
        limit = self._limits[word] * percent // 100 if own.limit is None else own.limit
        burst = self._bursts.get(word, burst_of(limit)) if own.burst is None else own.burst
        return Quota(limit, max(MIN_BURST, burst))

    def _assumed(self, member_id: str, resource: Resource) -> Quota:
        """Give the quota as this process saw it last: right nearly always, and put right where it is not."""
        return self._seen.get((member_id, resource)) or self._quota(resource, Charged(0))


def _refusal(resource: str, wait: Wait) -> Refused:
    if wait.is_for_the_day:
        return Refused(Reason.BUDGET_EXHAUSTED, f"the budget for {resource} is spent", retry_at_ms=wait.until)
    return Refused(Reason.BURST_EXHAUSTED, f"too much at once for {resource}", retry_at_ms=wait.until)
