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

    def refund(self, transaction: Transaction, member_id: str, resource: str, items: int, now: int) -> None:
        """Take a charge back."""
        transaction.quotas.charge(member_id, Resource[resource.upper()], day_of(now), -items)
