"""What changes a membership: pure steps of a unit of work, each with an event of the hub.

Who may have them done is decided before: by the operator of a hub that has no admins yet, or by the admins.
"""

import hmac
from collections.abc import Iterator
from hashlib import sha256

from alliance.errors import Reason
from alliance.quotas import MIN_BURST
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.departures import Departure
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import (
    HUB_ACTOR,
    INVITATION_LIFE_MS,
    Caller,
    Invitation,
    Member,
    MemberState,
    Role,
    admit,
    check_member_id,
)
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import Resource
from alliance_server.domain.reciprocity import Business

TOKEN_SHA256_BYTES = 32
MAX_NAME_BYTES = 200
MAX_BUSINESS = 10**9
_MEMBERS_A_PAGE = 1000
_ENROLLED = frozenset(MemberState) - {MemberState.INVITED}
FOUNDERS = 2
"""Admins whose keys were confirmed: once there are so many, the operator alone decides nothing any more."""


def invite(
    transaction: Transaction, member_id: str, display_name: str, role: Role, token_sha256: bytes, now: int
) -> int:
    """Invite somebody new, or one whose key is not confirmed, again; returns when the token ends. Raises Refused.

    A key that was not confirmed is given up with this: somebody else may have enrolled in the invitee's place.
    """
    check_member_id(member_id)
    if not display_name.strip() or len(display_name.encode()) > MAX_NAME_BYTES or not display_name.isprintable():
        raise Refused(Reason.INVALID_REQUEST, "a name has 1 to 200 bytes that print")
    if len(token_sha256) != TOKEN_SHA256_BYTES or transaction.members.invitation(token_sha256) is not None:
        raise Refused(Reason.INVALID_REQUEST, "the token's digest has another length, or was used before")
    known = transaction.members.hold(member_id)
    if known is not None and known.state not in (MemberState.INVITED, MemberState.UNCONFIRMED):
        raise Refused(Reason.CONFLICTING_RETRY, "the member is enrolled already")
    if known is not None and known.role is not role:
        raise Refused(Reason.CONFLICTING_RETRY, f"{member_id} was invited as {known.role.word}")
    expires_at = now + INVITATION_LIFE_MS
    transaction.members.end_invitations(member_id, now)
    transaction.members.revoke_certificates(member_id, now)
    transaction.members.save(Member(member_id, display_name, MemberState.INVITED, b"", now, role))
    transaction.members.save_invitation(Invitation(token_sha256, member_id, expires_at))
    _record(transaction, AuditAction.MEMBER_INVITE, member_id, now)
    return expires_at


def confirm_key(transaction: Transaction, member_id: str, identity_key_sha256: bytes, now: int) -> None:
    """Let a member call whose key was compared with it; raises Refused.

    With the second admin the alliance is founded: what its operator invited alone ends where it was not used.
    """
    member = enrolled(transaction, member_id, MemberState.UNCONFIRMED)
    key_sha256 = sha256(member.identity_key).digest()
    if not hmac.compare_digest(identity_key_sha256, key_sha256):
        raise Refused(Reason.MEMBER_STATE_CONFLICT, "the member has enrolled with another key")
    was_founded = is_founded(transaction)
    transaction.members.set_state(member_id, MemberState.ACTIVE, now)
    if not was_founded and is_founded(transaction):
        transaction.members.end_all_invitations(now)
    _record(transaction, AuditAction.MEMBER_CONFIRM, member_id, now, also=(key_sha256,))


def suspend(transaction: Transaction, member_id: str, now: int) -> None:
    """Refuse every call of a member from now on; raises Refused."""
    _check_admins_are_left(transaction, enrolled(transaction, member_id, MemberState.ACTIVE), now)
    transaction.members.set_state(member_id, MemberState.SUSPENDED, now)
    _record(transaction, AuditAction.MEMBER_SUSPEND, member_id, now)


def resume(transaction: Transaction, member_id: str, now: int) -> None:
    """End a suspension; raises Refused."""
    enrolled(transaction, member_id, MemberState.SUSPENDED)
    transaction.members.set_state(member_id, MemberState.ACTIVE, now)
    _record(transaction, AuditAction.MEMBER_RESUME, member_id, now)


def revoke_certificates(transaction: Transaction, member_id: str, now: int) -> int:
    """Revoke all certificates of a member, for good, whoever it is; returns how many."""
    transaction.members.hold(member_id)  # a renewal that is under way is seen, or sees this
    revoked = transaction.members.revoke_certificates(member_id, now)
    _record(transaction, AuditAction.MEMBER_REVOKE, member_id, now, items=revoked)
    return revoked


def revoke(transaction: Transaction, member_id: str, now: int) -> int:
    """Revoke all certificates of a member as admins do, who keep two of themselves; raises Refused."""
    _check_admins_are_left(transaction, enrolled(transaction, member_id), now)
    return revoke_certificates(transaction, member_id, now)


def offboard(transaction: Transaction, member_id: str, now: int, *, withdraw_claims: bool = False) -> None:
    """End a membership, for good, and have its claims withdrawn where that is wanted; raises Refused."""
    member = enrolled(transaction, member_id, MemberState.ACTIVE, MemberState.SUSPENDED, MemberState.UNCONFIRMED)
    _check_admins_are_left(transaction, member, now)
    transaction.members.revoke_certificates(member_id, now)
    transaction.members.set_state(member_id, MemberState.OFFBOARDED, now)
    if withdraw_claims:
        transaction.departures.add(Departure(member_id, now))
    _record(transaction, AuditAction.MEMBER_OFFBOARD, member_id, now)


def set_budget(transaction: Transaction, member_id: str, resource: Resource, items: int, now: int) -> None:
    """Set how many items of a resource a member may use a day; raises Refused."""
    enrolled(transaction, member_id, MemberState.ACTIVE, MemberState.SUSPENDED)
    transaction.quotas.set_limit(member_id, resource, items)
    _record(transaction, AuditAction.MEMBER_BUDGET, member_id, now)


def set_burst(transaction: Transaction, member_id: str, resource: Resource, items: int, now: int) -> None:
    """Set how many items of a resource a member may use at once; raises Refused."""
    enrolled(transaction, member_id, MemberState.ACTIVE, MemberState.SUSPENDED)
    if items < MIN_BURST:
        raise Refused(Reason.INVALID_REQUEST, f"a burst holds the largest call, {MIN_BURST} items")
    transaction.quotas.set_burst(member_id, resource, items)
    _record(transaction, AuditAction.MEMBER_BURST, member_id, now)


def declare_business(transaction: Transaction, member_id: str, business: Business, now: int) -> None:
    """Declare how large a member's business is; raises Refused."""
    enrolled(transaction, member_id, MemberState.ACTIVE, MemberState.SUSPENDED)
    if max(business) > MAX_BUSINESS:
        raise Refused(Reason.INVALID_REQUEST, "the business is absurd")
    transaction.watch.declare(member_id, business)
    _record(transaction, AuditAction.MEMBER_BUSINESS, member_id, now)


def everybody(transaction: Transaction) -> Iterator[Member]:
    """Give all members by id, whatever their state, read in pages."""
    after = ""
    while page := transaction.members.page(after, _MEMBERS_A_PAGE):
        yield from page
        after = page[-1].id


def enrolled(transaction: Transaction, member_id: str, *states: MemberState) -> Member:
    """Give a member in one of these states, or in any that follows its enrolment, held; raises Refused."""
    check_member_id(member_id)
    return _in_state(transaction.members.hold(member_id), states)


def seen(transaction: Transaction, member_id: str) -> Member:
    """Give a member who has enrolled, for reading alone: it is not held. Raises Refused."""
    check_member_id(member_id)
    return _in_state(transaction.members.get(member_id), ())


def _in_state(member: Member | None, states: tuple[MemberState, ...]) -> Member:
    if member is None:
        raise Refused(Reason.NOT_FOUND, "no such member")
    if member.state not in (states or _ENROLLED):
        raise Refused(Reason.MEMBER_STATE_CONFLICT, f"the member is {member.state.name.lower()}")
    return member


def _check_admins_are_left(transaction: Transaction, member: Member, now: int) -> None:
    """Raise Refused where fewer than two admins could act without this one: nobody could bring them back.

    What is counted stays true where whoever asks holds the admins.
    """
    if member.role is Role.ADMIN and transaction.members.count_able(Role.ADMIN, now, but=member.id) < FOUNDERS:
        raise Refused(Reason.TWO_ADMINS_NEEDED, "an alliance keeps two admins who can act")


def require_admitted(transaction: Transaction, caller: Caller, now: int) -> None:
    """Raise Refused where a caller, which is held, was suspended or revoked since it was let in."""
    found = transaction.members.by_serial(caller.serial)
    if found is None or admit(*found, now) != caller:
        raise Refused(Reason.NOT_AUTHENTICATED, "the caller is not admitted any more")


def is_founded(transaction: Transaction) -> bool:
    """Say whether the alliance's admins decide; once they do, they do for good."""
    return transaction.members.count_ever_confirmed(Role.ADMIN) >= FOUNDERS


def require_not_founded(transaction: Transaction) -> None:
    """Raise Refused once the alliance has its admins; what is found stays true until the unit of work ends."""
    transaction.members.hold_all(Role.ADMIN)
    refuse_once_founded(transaction)


def refuse_once_founded(transaction: Transaction) -> None:
    """Do the same for who only looks: nobody is held."""
    if is_founded(transaction):
        raise Refused(
            Reason.NOT_PERMITTED, "the alliance has its admins: they decide, by member-client admin, and not you"
        )


def _record(
    transaction: Transaction,
    action: AuditAction,
    member_id: str,
    now: int,
    *,
    items: int = 1,
    also: tuple[bytes, ...] = (),
) -> None:
    commitments = (sha256(member_id.encode()).digest(), *also)
    event = record_event(time=now, actor=HUB_ACTOR, action=action, items=items, commitments=commitments)
    transaction.record(event)
