"""Proposals of admins: what one of them wants changed, who may decide it, and until when.

A proposal is a statement that its proposer signed; a decision is one that names the digest of what was shown to
whoever decides, so that nobody approves something else than they read.
"""

import hmac
from dataclasses import dataclass, replace
from enum import IntEnum
from hashlib import sha256

from alliance.errors import Reason
from alliance.statements import PROPOSAL, PROPOSAL_DECISION
from alliance.v1 import admin_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance.witnesses import MAX_VKEY_BYTES, MAX_WITNESSES
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller
from alliance_server.domain.policy import Control
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.domain.suppression import MAX_LIST_BYTES

PROPOSAL_ID_BYTES = 16
PROPOSAL_LIFE_MS = 72 * 60 * 60 * 1000
"""So long another admin has to decide: a weekend passes."""
REVIEW_WITHIN_MS = 24 * 60 * 60 * 1000
MAX_OPEN = 50
"""Open proposals of one admin: what waits stays to be read by people, and a stolen key fills no table."""
MAX_STATEMENT_BYTES = 2048
MAX_LIST_STATEMENT_BYTES = MAX_STATEMENT_BYTES + MAX_LIST_BYTES
"""Of a statement that sets a suppression list; others stay as small as they are."""
_LARGER = {
    "set_suppression_list": MAX_LIST_STATEMENT_BYTES,
    "set_witnesses": MAX_STATEMENT_BYTES + MAX_WITNESSES * MAX_VKEY_BYTES,
}
"""By the change, where a proposal may be larger than other statements."""
MAX_REASON_BYTES = 500


class ProposalState(IntEnum):
    """Where a proposal stands, with the wire's numbers."""

    OPEN = admin_pb2.PROPOSAL_STATE_OPEN
    EFFECTIVE = admin_pb2.PROPOSAL_STATE_EFFECTIVE
    REJECTED = admin_pb2.PROPOSAL_STATE_REJECTED
    WITHDRAWN = admin_pb2.PROPOSAL_STATE_WITHDRAWN
    EXPIRED = admin_pb2.PROPOSAL_STATE_EXPIRED
    UNREVIEWED = admin_pb2.PROPOSAL_STATE_UNREVIEWED


class Decision(IntEnum):
    """What an admin decides, with the wire's numbers."""

    APPROVE = admin_pb2.DECISION_APPROVE
    REJECT = admin_pb2.DECISION_REJECT
    WITHDRAW = admin_pb2.DECISION_WITHDRAW


_ENDS = {
    (ProposalState.OPEN, Decision.APPROVE): ProposalState.EFFECTIVE,
    (ProposalState.OPEN, Decision.REJECT): ProposalState.REJECTED,
    (ProposalState.OPEN, Decision.WITHDRAW): ProposalState.WITHDRAWN,
    (ProposalState.UNREVIEWED, Decision.APPROVE): ProposalState.EFFECTIVE,
    (ProposalState.UNREVIEWED, Decision.REJECT): ProposalState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as it is kept; times in milliseconds UTC. Statements are serialised as they came."""

    id: bytes
    proposer: str
    change: str
    """Name of the change, for lists and logs."""
    statement: bytes
    payload_sha256: bytes
    proposed_at: int
    decide_by: int
    """Exclusive. Of what break-glass did: when the review is due."""
    state: ProposalState
    decision: bytes | None = None
    decided_by: str = ""
    decided_at: int | None = None

    def state_at(self, now: int) -> ProposalState:
        """Give the state now: nobody has to touch what expires. A review that is overdue stays to be done."""
        expired = self.state is ProposalState.OPEN and now >= self.decide_by
        return ProposalState.EXPIRED if expired else self.state

    @property
    def message(self) -> admin_pb2.Proposal:
        """What was proposed."""
        return admin_pb2.Proposal.FromString(SignedStatement.FromString(self.statement).payload)

    @property
    def subject(self) -> str:
        """Id of the member that the change is about; empty where it is about none."""
        change = self.message.change
        return getattr(getattr(change, change.WhichOneof("kind") or "invite"), "member", "")


def read_proposal(caller: Caller, statement: SignedStatement, now: int) -> admin_pb2.Proposal:
    """Verify and read a proposal; raises SignatureInvalid or Refused."""
    proposal = read_statement(caller, PROPOSAL, statement, admin_pb2.Proposal(), MAX_LIST_STATEMENT_BYTES)
    if statement.ByteSize() > _LARGER.get(proposal.change.WhichOneof("kind") or "", MAX_STATEMENT_BYTES):
        raise Refused(Reason.INVALID_REQUEST, f"a statement {PROPOSAL} of that length is not kept")
    check_fresh(caller, proposal.proposer, proposal.proposed_at, now)
    check_reason(proposal.reason)
    if len(proposal.id) != PROPOSAL_ID_BYTES or proposal.change.WhichOneof("kind") is None:
        raise Refused(Reason.INVALID_REQUEST, "a proposal has an id of 16 bytes and a change")
    return proposal


def read_decision(caller: Caller, statement: SignedStatement, now: int) -> admin_pb2.ProposalDecision:
    """Verify and read a decision; raises SignatureInvalid or Refused."""
    decision = read_statement(caller, PROPOSAL_DECISION, statement, admin_pb2.ProposalDecision(), MAX_STATEMENT_BYTES)
    check_fresh(caller, decision.admin, decision.decided_at, now)
    check_reason(decision.reason)
    if decision.decision not in {int(it) for it in Decision}:
        raise Refused(Reason.INVALID_REQUEST, "the decision is unknown")
    return decision


def made(statement: SignedStatement, proposal: admin_pb2.Proposal, change: str, control: Control, now: int) -> Proposal:
    """Give the record of a new proposal, in the state that its control gives it; raises Refused."""
    if proposal.break_glass and not (control.dual and control.may_break_glass):
        raise Refused(Reason.NOT_PERMITTED, "break-glass does not do this")
    if proposal.break_glass:
        state, life = ProposalState.UNREVIEWED, REVIEW_WITHIN_MS
    else:
        state, life = (ProposalState.OPEN if control.dual else ProposalState.EFFECTIVE), PROPOSAL_LIFE_MS
    return Proposal(
        id=proposal.id,
        proposer=proposal.proposer,
        change=change,
        statement=statement.SerializeToString(deterministic=True),
        payload_sha256=sha256(statement.payload).digest(),
        proposed_at=now,
        decide_by=now + life,
        state=state,
    )


def decided(proposal: Proposal, statement: SignedStatement, decision: admin_pb2.ProposalDecision, now: int) -> Proposal:
    """Give the proposal as a decision leaves it; raises Refused where whoever decides may not, or came too late."""
    what = Decision(decision.decision)
    if not hmac.compare_digest(decision.proposal_sha256, proposal.payload_sha256):
        raise Refused(Reason.CONFLICTING_RETRY, "the decision is about other content")
    if (decision.admin == proposal.proposer) != (what is Decision.WITHDRAW):
        raise Refused(Reason.ANOTHER_ADMIN_NEEDED, "the proposer withdraws, another admin decides")
    if what is not Decision.WITHDRAW and decision.admin == proposal.subject:
        raise Refused(Reason.ANOTHER_ADMIN_NEEDED, "an admin decides nothing about themselves")
    end = _ENDS.get((proposal.state_at(now), what))
    if end is None:
        raise Refused(Reason.PROPOSAL_CLOSED, f"the proposal is {proposal.state_at(now).name.lower()}")
    return replace(
        proposal,
        state=end,
        decision=statement.SerializeToString(deterministic=True),
        decided_by=decision.admin,
        decided_at=now,
    )


def check_reason(reason: str) -> None:
    """Raise Refused where an admin gives no reason, or too long a one."""
    if not reason.strip() or len(reason.encode()) > MAX_REASON_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "a reason has 1 to 500 bytes")
