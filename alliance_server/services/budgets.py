"""Daily budgets, charged inside the unit of work that they belong to: a member's own limits, else the hub's."""

from collections.abc import Mapping, Sequence

from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import Charged, Resource, day_of, renews_at


class Budgets:
    """Daily limits by resource."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        """Take the default: items a member and day, by the resource's word."""
        self._limits = dict(limits)

    def charge(self, transaction: Transaction, member_id: str, resource: str, items: int, now: int) -> None:
        """Charge items; raises Refused where the day's budget does not hold them, and then charges nothing."""
        (refusal,) = self.charge_each(transaction, member_id, resource, [items], now)
        if refusal:
            raise refusal

    def charge_each(
        self, transaction: Transaction, member_id: str, resource: str, items: Sequence[int], now: int
    ) -> list[Refused | None]:
        """Charge the items of several calls, one after the other; those that the day's budget does not hold, not."""
        day, kind = day_of(now), Resource[resource.upper()]
        asked = sum(items)
        charged = transaction.quotas.charge(member_id, kind, day, asked)
        limit, used = self._limit(resource, charged), charged.total - asked
        outcomes: list[Refused | None] = []
        for count in items:
            if used + count <= limit:
                used += count
                asked -= count
                outcomes.append(None)
            else:
                refusal = f"the budget for {resource} is spent"
                outcomes.append(Refused(Reason.BUDGET_EXHAUSTED, refusal, retry_at_ms=renews_at(now)))
        if asked:
            transaction.quotas.charge(member_id, kind, day, -asked)
        return outcomes

    def refund_contribution(self, transaction: Transaction, member_id: str, items: int, now: int) -> None:
        """Take charges back, within a daily limit of their own.

        The hub cannot tell a made-up tag from a derived one: without the limit made-up claims would buy evaluations
        without end. What was charged yesterday does not enlarge today's budget.
        """
        day = day_of(now)
        refunded = transaction.quotas.charge(member_id, Resource.CONTRIBUTION_REFUNDS, day, items)
        over = max(0, refunded.total - self._limit("contribution_refunds", refunded))
        left = transaction.quotas.charge(member_id, Resource.CONTRIBUTION, day, -max(0, items - over)).total
        if left < 0:
            transaction.quotas.charge(member_id, Resource.CONTRIBUTION, day, -left)

    def limit(self, transaction: Transaction, member_id: str, resource: Resource) -> int:
        """Give the items that a member may use a day."""
        own = transaction.quotas.limit(member_id, resource)
        return self._limits[resource.name.lower()] if own is None else own

    def _limit(self, resource: str, charged: Charged) -> int:
        return self._limits[resource] if charged.limit is None else charged.limit
