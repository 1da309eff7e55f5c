"""What liaisons may ask for: two admins set it."""

from hashlib import sha256

from alliance.cases.words import InstrumentType
from alliance.errors import Reason
from alliance.taxonomy import Category
from alliance.v1 import admin_pb2
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.cases import Scope
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR, MemberState, Role
from alliance_server.domain.ports import Transaction
from alliance_server.services import memberships

_INSTRUMENTS = frozenset(map(int, InstrumentType))
_CATEGORIES = frozenset(map(int, Category))


def set_scope(transaction: Transaction, change: admin_pb2.SetLiaisonScope, now: int) -> None:
    """Say what a liaison may ask for, from its next call on; raises Refused."""
    member = memberships.enrolled(transaction, change.member, MemberState.ACTIVE, MemberState.SUSPENDED)
    if member.role is not Role.LIAISON:
        raise Refused(Reason.INVALID_REQUEST, "a liaison alone has a scope")
    transaction.cases.set_scope(_scope(change))
    transaction.record(
        record_event(
            time=now,
            actor=HUB_ACTOR,
            action=AuditAction.LIAISON_SCOPE_SET,
            items=len(change.instruments),
            commitments=(sha256(change.member.encode()).digest(),),
        )
    )


def difference(transaction: Transaction, change: admin_pb2.SetLiaisonScope) -> tuple[dict[str, int], dict[str, int]]:
    """Count what a change adds to a liaison's scope, and what it takes away, by `instruments` and `categories`."""
    new, old = _scope(change), transaction.cases.scope(change.member)
    parts = {
        "instruments": (new.instruments, old.instruments if old else frozenset()),
        "categories": (new.categories, old.categories if old else frozenset()),
    }
    added = {name: len(after - before) for name, (after, before) in parts.items()}
    return added, {name: len(before - after) for name, (after, before) in parts.items()}


def _scope(change: admin_pb2.SetLiaisonScope) -> Scope:
    instruments, categories = frozenset(map(int, change.instruments)), frozenset(map(int, change.categories))
    if not instruments <= _INSTRUMENTS or not categories <= _CATEGORIES or bool(instruments) != bool(categories):
        raise Refused(Reason.INVALID_REQUEST, "a scope has instruments and categories that there are, or neither")
    return Scope(change.member, instruments, categories)
