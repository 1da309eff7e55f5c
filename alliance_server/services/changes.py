"""The changes that admins make: who must agree to each, what it would do, and doing it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from alliance.errors import Reason
from alliance.quotas import MAX_ITEMS, RESOURCES
from alliance.v1 import admin_pb2
from alliance_server.domain.alarms import HOUR_MS, measured
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Member, Role, check_member_id
from alliance_server.domain.policy import CONTROLS, Control
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import Quota, Resource, day_of
from alliance_server.domain.reciprocity import Business
from alliance_server.services import epochs, memberships, policies, suppression, witnesses
from alliance_server.services.budgets import Budgets
from alliance_server.services.cases import scopes

MAX_COUNTED = 100_000


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
            case "set_burst":
                raises = change.set_burst.items > self._quota(transaction, change.set_burst).burst
                return "raise_burst" if raises else "lower_burst"
            case "declare_business":
                declared = transaction.watch.business(change.declare_business.member)
                raises = _raises(_business(change.declare_business), declared)
                return "raise_business" if raises else "lower_business"
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
        if change.WhichOneof("kind") in ("invite", "adopt_policy"):
            return effect
        if change.WhichOneof("kind") == "set_suppression_list":
            added, removed = suppression.difference(transaction, change.set_suppression_list.list_bytes)
            effect.entries_added.update(added)
            effect.entries_removed.update(removed)
            return effect
        if change.WhichOneof("kind") == "set_witnesses":
            more, fewer = witnesses.difference(transaction, change.set_witnesses)
            effect.entries_added[witnesses.WITNESSES], effect.entries_removed[witnesses.WITNESSES] = more, fewer
            return effect
        if change.WhichOneof("kind") == "set_liaison_scope":
            more_of, fewer_of = scopes.difference(transaction, change.set_liaison_scope)
            effect.entries_added.update(more_of)
            effect.entries_removed.update(fewer_of)
            return effect
        if (number := _epoch(change)) is not None:
            effect.claims_to_retag = epochs.claims_to_retag(transaction, number, now)
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
        if change.WhichOneof("kind") == "set_burst":
            effect.burst = self._quota(transaction, change.set_burst).burst
        if change.WhichOneof("kind") == "declare_business":
            effect.applications_a_day, effect.customers = transaction.watch.business(member)
        return effect

    def check(self, transaction: Transaction, change: admin_pb2.Change, now: int) -> None:
        """Raise Refused where a change could not be made as things stand: done by doing it, and taking it back."""
        with transaction.undone():
            self.apply(transaction, change, now)

    def apply(self, transaction: Transaction, change: admin_pb2.Change, now: int) -> None:
        """Make a change; raises Refused."""
        kind = change.WhichOneof("kind") or ""
        if (make := _MADE.get(kind)) is None:
            raise Refused(Reason.INVALID_REQUEST, "the change is unknown")
        make(transaction, getattr(change, kind), now)

    def _budget(self, transaction: Transaction, change: admin_pb2.SetBudget) -> int:
        return self._quota(transaction, change).limit

    def _quota(self, transaction: Transaction, change: admin_pb2.SetBudget | admin_pb2.SetBurst) -> Quota:
        resource = _resource(change)
        check_member_id(change.member)
        return self._budgets.quota(transaction, change.member, resource)


def _epoch(change: admin_pb2.Change) -> int | None:
    """Give the number of the epoch that a change is about; None where it is about something else."""
    number: int | None = getattr(getattr(change, change.WhichOneof("kind") or "invite"), "epoch", None)
    return number


def _member(transaction: Transaction, change: admin_pb2.Change) -> Member:
    kind = change.WhichOneof("kind") or ""
    return memberships.seen(transaction, getattr(change, kind).member)


def _business(stated: admin_pb2.DeclareBusiness) -> Business:
    return Business(stated.applications_a_day, stated.customers)


def _raises(new: Business, old: Business) -> bool:
    """Say whether a business is larger by anything: as declared, which budgets cannot fall below, or as measured."""
    larger = (*zip(new, old, strict=True), *zip(measured(new), measured(old), strict=True))
    return any(after > before for after, before in larger)


def _resource(change: admin_pb2.SetBudget | admin_pb2.SetBurst) -> Resource:
    if change.resource not in RESOURCES or change.items > MAX_ITEMS:
        raise Refused(Reason.INVALID_REQUEST, "the resource is unknown, or the number absurd")
    return Resource[change.resource.upper()]


def _role(invite: admin_pb2.Invite) -> Role:
    try:
        return Role(invite.role)
    except ValueError:
        raise Refused(Reason.INVALID_REQUEST, "the role is unknown") from None


def _invite(transaction: Transaction, it: admin_pb2.Invite, now: int) -> None:
    memberships.invite(transaction, it.member, it.display_name, _role(it), it.token_sha256, now)


_MADE: Final[Mapping[str, Callable[[Transaction, Any, int], object]]] = {
    "invite": _invite,
    "confirm_key": lambda at, it, now: memberships.confirm_key(at, it.member, it.identity_key_sha256, now),
    "suspend": lambda at, it, now: memberships.suspend(at, it.member, now),
    "resume": lambda at, it, now: memberships.resume(at, it.member, now),
    "revoke_certificates": lambda at, it, now: memberships.revoke(at, it.member, now),
    "offboard": lambda at, it, now: memberships.offboard(at, it.member, now, withdraw_claims=it.withdraw_claims),
    "set_budget": lambda at, it, now: memberships.set_budget(at, it.member, _resource(it), it.items, now),
    "set_burst": lambda at, it, now: memberships.set_burst(at, it.member, _resource(it), it.items, now),
    "declare_business": lambda at, it, now: memberships.declare_business(at, it.member, _business(it), now),
    "begin_epoch": lambda at, it, now: epochs.begin(at, it.epoch, now),
    "activate_epoch": lambda at, it, now: epochs.activate(at, it.epoch, now),
    "retire_epoch": lambda at, it, now: epochs.retire(at, it.epoch, now),
    "adopt_policy": lambda at, it, now: policies.adopt(at, it.policy_sha256, now),
    "set_suppression_list": lambda at, it, now: suppression.set_list(at, it.list_bytes, it.number, now),
    "set_witnesses": witnesses.set_list,
    "set_liaison_scope": scopes.set_scope,
}
"""What makes each change in a unit of work, by its name on the wire."""
