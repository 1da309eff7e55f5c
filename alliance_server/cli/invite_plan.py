"""What is to be done for each on a list of invitees.

A bundle is written before its invitation is made, and the digest of its token says which invitation is its own. So a
run after a cut sees what is done: a bundle without an invitation is taken up, with the token that is in it. Who was
invited and whose bundle is not here is refused, since another invitation would end theirs.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

from alliance.bundles import FORMAT
from alliance.clock import SystemClock
from alliance.invitees import BadInvitee, Invitee
from alliance_server.config import HubConfig
from alliance_server.domain.members import INVITATION_LIFE_MS, MemberState, Role
from alliance_server.domain.ports import Transaction
from alliance_server.hub_keys import HubKeys
from alliance_server.services import memberships
from alliance_server.services.enrolment import TOKEN_BYTES

LEAST_LEFT_MS: Final = 60 * 60 * 1000
"""A bundle that ends within the hour is not taken up any more."""
_MAX_BUNDLE_BYTES: Final = 64 * 1024


class Step(StrEnum):
    """What is to be done for one on the list."""

    INVITE = "invite"
    TAKE_UP = "invite by the bundle that is there"
    DONE = "nothing: it is done"
    OTHER_FILE = "the file that is there is no bundle of this member's from this hub"
    TOO_OLD = "its bundle is over, or ends within the hour: move it away to invite it again"
    INVITED = "it was invited before, and the bundle is not here: invite it alone if that was lost"
    MEMBER = "it is a member already"
    OTHER_ROLE = "it was invited with another role"


TO_DO: Final = (Step.INVITE, Step.TAKE_UP)
FINE: Final = (*TO_DO, Step.DONE)


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done for one, and the token of the bundle that is there."""

    invitee: Invitee
    file: Path
    step: Step
    token: bytes | None = None

    def __repr__(self) -> str:
        return f"Planned({self.invitee.row}, {self.step})"


def plan_invitations(
    transaction: Transaction, config: HubConfig, keys: HubKeys, read: Sequence[Invitee | BadInvitee], folder: Path
) -> list[Planned]:
    """Say what is to be done for each row that can be used; raises Refused once the alliance has its admins."""
    memberships.refuse_once_founded(transaction)
    now = SystemClock().now_ms()
    return [_planned(transaction, config, keys, it, folder, now) for it in read if isinstance(it, Invitee)]


def _planned(
    transaction: Transaction, config: HubConfig, keys: HubKeys, invitee: Invitee, folder: Path, now: int
) -> Planned:
    file = folder / f"{invitee.id}.json"
    if not os.path.lexists(file):
        return Planned(invitee, file, _without_bundle(transaction, invitee, now))
    found = _own(config, keys, invitee.id, file)
    if found is None:
        return Planned(invitee, file, Step.OTHER_FILE)
    token, expires_at = found
    return Planned(invitee, file, _with_bundle(transaction, invitee, token, expires_at, now), token)


def _without_bundle(transaction: Transaction, invitee: Invitee, now: int) -> Step:
    member = transaction.members.get(invitee.id)
    if member is None:
        return Step.INVITE
    if member.state not in (MemberState.INVITED, MemberState.UNCONFIRMED):
        return Step.MEMBER
    if member.role is not Role[invitee.role.upper()]:
        return Step.OTHER_ROLE
    is_over = member.state is MemberState.INVITED and member.stated_at + INVITATION_LIFE_MS <= now
    return Step.INVITE if is_over else Step.INVITED


def _with_bundle(transaction: Transaction, invitee: Invitee, token: bytes, expires_at: int, now: int) -> Step:
    member = transaction.members.get(invitee.id)
    if member is not None and member.role is not Role[invitee.role.upper()]:
        return Step.OTHER_ROLE
    invitation = transaction.members.invitation(sha256(token).digest())
    if invitation is not None:
        is_used = invitation.request_sha256 is not None
        return Step.DONE if is_used or invitation.expires_at > now else Step.TOO_OLD
    without = _without_bundle(transaction, invitee, now)
    if without is Step.INVITE:
        return Step.TAKE_UP if expires_at - now >= LEAST_LEFT_MS else Step.TOO_OLD
    return without


def _own(config: HubConfig, keys: HubKeys, member_id: str, file: Path) -> tuple[bytes, int] | None:
    """Give the token of a member's bundle and when it ends; None where the file is another."""
    try:
        with file.open("rb") as opened_file:
            content = json.loads(opened_file.read(_MAX_BUNDLE_BYTES))
        told = tuple(content[name] for name in ("format", "alliance", "member", "hub_key"))
        token, expires_at = bytes.fromhex(content["token"]), int(content["expires_at"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    ours = (FORMAT, config.alliance, member_id, keys.identity.public_key.hex())
    return (token, expires_at) if told == ours and len(token) == TOKEN_BYTES else None
