"""Invitations of many, from a list: what is to be done for each is planned first, then done one after the other.

Rules:

1. A bundle is written before its proposal is sent, and is never overwritten. The digest of its token says which
   proposal is its own: so a run after a cut sees what is done, and what is left.
2. A bundle whose proposal never reached the hub is proposed with the token that is in it.
3. Who is invited already, and whose bundle is not here, is refused: another invitation would end theirs.
"""

import os
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from alliance.invitees import Invitee
from alliance.taxonomy import DAY_MS
from alliance.v1 import admin_pb2
from member_client._bundle import TOKEN_BYTES, Bundle, read_bundle
from member_client._session import Session
from member_client.administration.bundles import write_bundle
from member_client.administration.changes import Change, role_of
from member_client.administration.proposals import Proposal, ProposalState
from member_client.errors import ConfigurationInvalid, InvalidUse, StorageFull

LEAST_LEFT_MS = 2 * DAY_MS
"""A bundle that ends sooner is not proposed any more: it could end before it is approved and used."""
_WAITS = frozenset({ProposalState.OPEN, ProposalState.EFFECTIVE})


class InviteStep(StrEnum):
    """What is to be done for somebody on a list."""

    INVITE = "invite"
    """Nothing is there yet: write the bundle, and propose."""
    PROPOSE = "propose"
    """The bundle is there, and its proposal never reached the hub: propose it."""
    DONE = "done"
    """Bundle and proposal are there."""
    REFUSED = "refused"


class Obstacle(StrEnum):
    """Why somebody on a list cannot be invited."""

    OTHER_FILE = "the file that is there is no bundle of this member's from this hub"
    TOO_OLD = "its bundle was never proposed and is too old: move it away"
    CLOSED = "its proposal was rejected, withdrawn or has expired: move its bundle away to propose it again"
    OTHER_ROLE = "it was proposed with another role or name: correct the list, or withdraw the proposal"
    PROPOSED = "its invitation is proposed already, and the bundle is not here"
    INVITED = "it was invited before, and the bundle is not here: invite it alone if that was lost"
    NOT_POSSIBLE = "the hub would not invite it: it is a member already, or was invited with another role"


@dataclass(frozen=True, slots=True)
class PlannedInvite:
    """What is to be done for one on the list, and where its bundle lies; `obstacle` where it is refused."""

    invitee: Invitee
    bundle: Path
    step: InviteStep
    obstacle: Obstacle | None = None


def invite_change(invitee: Invitee, token: bytes) -> Change:
    """Give the change that invites somebody with a token."""
    return Change(
        admin_pb2.Change(
            invite=admin_pb2.Invite(
                member=invitee.id,
                display_name=invitee.display_name,
                role=role_of(invitee.role).value,
                token_sha256=sha256(token).digest(),
            )
        )
    )


class Known:
    """What the hub and the folder know of invitations, as it was when a plan was begun."""

    def __init__(self, session: Session, proposals: list[Proposal], unconfirmed: frozenset[str]) -> None:
        self._session = session
        invites = [it for it in proposals if it.change.kind == "invite"]
        self._by_token = {it.change.message.invite.token_sha256: it for it in invites}
        self._open = {it.change.member for it in invites if it.state is ProposalState.OPEN}
        self._invited = {it.change.member for it in invites if it.state is ProposalState.EFFECTIVE} | unconfirmed

    def planned(self, invitee: Invitee, folder: Path) -> PlannedInvite:
        """Say what is to be done for one, as far as it is known without asking the hub again."""
        destination = folder / f"{invitee.id}.json"
        if os.path.lexists(destination):
            step = self._of_bundle(invitee, destination)
        elif invitee.id in self._open:
            step = Obstacle.PROPOSED
        elif invitee.id in self._invited:
            step = Obstacle.INVITED
        else:
            step = InviteStep.INVITE
        if isinstance(step, Obstacle):
            return PlannedInvite(invitee, destination, InviteStep.REFUSED, step)
        return PlannedInvite(invitee, destination, step)

    def _of_bundle(self, invitee: Invitee, path: Path) -> InviteStep | Obstacle:
        try:
            bundle = read_own(self._session, invitee.id, path)
        except InvalidUse:
            return Obstacle.OTHER_FILE
        proposal = self._by_token.get(sha256(bundle.token.reveal()).digest())
        if proposal is not None:
            return _of_proposal(invitee, proposal)
        if invitee.id in self._open:
            return Obstacle.PROPOSED
        if bundle.expires_at - self._session.clock.now_ms() < LEAST_LEFT_MS:
            return Obstacle.TOO_OLD
        return InviteStep.PROPOSE


def _of_proposal(invitee: Invitee, proposal: Proposal) -> InviteStep | Obstacle:
    if proposal.state not in _WAITS:
        return Obstacle.CLOSED
    details = {"member": invitee.id, "display_name": invitee.display_name, "role": invitee.role}
    return InviteStep.DONE if proposal.change.details == details else Obstacle.OTHER_ROLE


def read_own(session: Session, member: str, path: Path) -> Bundle:
    """Read a member's bundle that this hub's admins made; raises InvalidUse where the file is another."""
    try:
        bundle = read_bundle(path)
    except ConfigurationInvalid:
        raise InvalidUse(f"{path} is no enrolment bundle") from None
    ours = (member, session.profile.alliance, session.hub.origin.hub_key)
    if (bundle.member, bundle.alliance, bundle.hub_key) != ours:
        raise InvalidUse(f"{path} is the bundle of another member or hub")
    return bundle


def token_of(session: Session, planned: PlannedInvite) -> bytes:
    """Give the token for a planned invitation: of the bundle that waits, or of one that is written with this."""
    if planned.step is InviteStep.PROPOSE:
        return read_own(session, planned.invitee.id, planned.bundle).token.reveal()
    if planned.step is not InviteStep.INVITE:
        raise InvalidUse("nothing is to be done for this row")
    token = os.urandom(TOKEN_BYTES)
    try:
        planned.bundle.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageFull(f"{planned.bundle.parent} cannot be made; nothing was changed") from error
    write_bundle(session, planned.invitee.id, token, planned.bundle)
    return token
