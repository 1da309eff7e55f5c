"""Daily budgets, charged inside the unit of work that they belong to."""

from collections.abc import Mapping

from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import Resource, day_of, renews_at


class Budgets:
    """Daily limits by resource; the same for every member."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        """Take items a member and day, by the resource's word."""
        self._limits = dict(limits)

    def charge(self, transaction: Transaction, member_id: str, resource: str, items: int, now: int) -> None:
        """Charge items; raises Refused where the day's budget does not hold them, and then charges nothing."""
        used = transaction.quotas.charge(member_id, Resource[resource.upper()], day_of(now), items)
        if used > self._limits[resource]:
            raise Refused(Reason.BUDGET_EXHAUSTED, f"the budget for {resource} is spent", retry_at_ms=renews_at(now))

    def refund_contribution(self, transaction: Transaction, member_id: str, items: int, now: int) -> None:
        """Take charges back, within a daily limit of their own.

        The hub cannot tell a made-up tag from a derived one: without the limit made-up claims would buy evaluations
        without end. What was charged yesterday does not enlarge today's budget.
        """
        day = day_of(now)
        refunded = transaction.quotas.charge(member_id, Resource.CONTRIBUTION_REFUNDS, day, items)
        over = max(0, refunded - self._limits["contribution_refunds"])
        left = transaction.quotas.charge(member_id, Resource.CONTRIBUTION, day, -max(0, items - over))
        if left < 0:
            transaction.quotas.charge(member_id, Resource.CONTRIBUTION, day, -left)
