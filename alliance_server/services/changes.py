"""The changes that admins make: who must agree to each, what it would do, and doing it."""

from dataclasses import asdict

from alliance.errors import Reason
from alliance.v1 import admin_pb2
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Member, Role, check_member_id
from alliance_server.domain.policy import CONTROLS, Control
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import Resource, day_of
from alliance_server.services import memberships
from alliance_server.services.budgets import Budgets

HOUR_MS = 60 * 60 * 1000
MAX_COUNTED = 100_000
MAX_BUDGET = 10**12


class Changes:
    """Knows the changes of this hub."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    def name(self, transaction: Transaction, change: admin_pb2.Change) -> str:
        """Give what a change does, as the policy's table of controls calls it; raises Refused."""
        kind = change.WhichOneof("kind") or ""
        match kind:
            case "suspend" if _member(transaction, change).role is Role.ADMIN:
                return "suspend_admin"
            case "revoke_certificates" if _member(transaction, change).role is Role.ADMIN:
                return "revoke_certificates_of_admin"
            case "set_budget":
                raises = change.set_budget.items > self._budget(transaction, change.set_budget)
                return "raise_budget" if raises else "lower_budget"
            case _:
                return kind

    def control(self, name: str) -> Control:
        """Give who must agree; raises Refused for what the policy does not know."""
        if (control := CONTROLS.get(name)) is None:
            raise Refused(Reason.NOT_PERMITTED, "the change is not in the policy")
        return control

    def effect(self, transaction: Transaction, change: admin_pb2.Change, now: int) -> admin_pb2.Effect:
        """Give what a change would do now; raises Refused where it could not be made."""
        control = self.control(self.name(transaction, change))
        effect = admin_pb2.Effect(needs_approval=control.dual, may_break_glass=control.may_break_glass)
        if change.WhichOneof("kind") == "invite":
            return effect
        member = _member(transaction, change).id
        effect.calls_an_hour = transaction.audit.count(member, now - HOUR_MS, MAX_COUNTED)
        effect.live_claims = transaction.claims.count_own_live(member, now)
        effect.certificates = transaction.members.count_certificates(member, now)
        if change.WhichOneof("kind") == "offboard":
            effect.claims.extend(
                admin_pb2.CategoryClaims(**asdict(it)) for it in transaction.claims.own_live_by_category(member, now)
            )
        if change.WhichOneof("kind") == "set_budget":
            effect.budget = self._budget(transaction, change.set_budget)
            effect.used_today = transaction.quotas.used(member, _resource(change.set_budget), day_of(now))
        return effect

    def check(self, transaction: Transaction, change: admin_pb2.Change, now: int) -> None:
        """Raise Refused where a change could not be made as things stand: done by doing it, and taking it back."""
        with transaction.undone():
            self.apply(transaction, change, now)

    def apply(self, transaction: Transaction, change: admin_pb2.Change, now: int) -> None:
        """Make a change; raises Refused."""
        match change.WhichOneof("kind"):
            case "invite":
                it = change.invite
                memberships.invite(transaction, it.member, it.display_name, _role(it), it.token_sha256, now)
            case "suspend":
                memberships.suspend(transaction, change.suspend.member, now)
            case "resume":
                memberships.resume(transaction, change.resume.member, now)
            case "revoke_certificates":
                memberships.revoke(transaction, change.revoke_certificates.member, now)
            case "offboard":
                leaving = change.offboard
                memberships.offboard(transaction, leaving.member, now, withdraw_claims=leaving.withdraw_claims)
            case "confirm_key":
                key = change.confirm_key
                memberships.confirm_key(transaction, key.member, key.identity_key_sha256, now)
            case "set_budget":
                budget = change.set_budget
                memberships.set_budget(transaction, budget.member, _resource(budget), budget.items, now)
            case _:
                raise Refused(Reason.INVALID_REQUEST, "the change is unknown")

    def _budget(self, transaction: Transaction, change: admin_pb2.SetBudget) -> int:
        resource = _resource(change)
        check_member_id(change.member)
        return self._budgets.limit(transaction, change.member, resource)


def _member(transaction: Transaction, change: admin_pb2.Change) -> Member:
    kind = change.WhichOneof("kind") or ""
    return memberships.seen(transaction, getattr(change, kind).member)


def _resource(change: admin_pb2.SetBudget) -> Resource:
    try:
        resource = Resource[change.resource.upper()]
    except KeyError:
        raise Refused(Reason.INVALID_REQUEST, "the resource is unknown") from None
    if resource.name.lower() != change.resource or change.items > MAX_BUDGET:
        raise Refused(Reason.INVALID_REQUEST, "the resource is unknown, or the budget absurd")
    return resource


def _role(invite: admin_pb2.Invite) -> Role:
    try:
        return Role(invite.role)
    except ValueError:
        raise Refused(Reason.INVALID_REQUEST, "the role is unknown") from None
