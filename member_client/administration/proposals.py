"""Proposals and decisions, believed under the keys of the admins alone."""

from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Any

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.errors import SignatureInvalid
from alliance.v1 import admin_pb2
from alliance.v1.statement_pb2 import SignedStatement
from member_client._directory import Directory
from member_client.administration.changes import Change, Effect, read_effect
from member_client.errors import StatementInvalid


class ProposalState(IntEnum):
    """Where a proposal stands."""

    OPEN = admin_pb2.PROPOSAL_STATE_OPEN
    EFFECTIVE = admin_pb2.PROPOSAL_STATE_EFFECTIVE
    REJECTED = admin_pb2.PROPOSAL_STATE_REJECTED
    WITHDRAWN = admin_pb2.PROPOSAL_STATE_WITHDRAWN
    EXPIRED = admin_pb2.PROPOSAL_STATE_EXPIRED
    UNREVIEWED = admin_pb2.PROPOSAL_STATE_UNREVIEWED

    @property
    def word(self) -> str:
        """The word for it."""
        return self.name.lower()


class Decision(IntEnum):
    """What an admin decides about a proposal."""

    APPROVE = admin_pb2.DECISION_APPROVE
    REJECT = admin_pb2.DECISION_REJECT
    WITHDRAW = admin_pb2.DECISION_WITHDRAW


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal that an admin signed, times in milliseconds UTC; `effect` is None where it would have none now."""

    id: bytes
    proposer: str
    change: Change
    reason: str
    proposed_at: int
    break_glass: bool
    state: ProposalState
    decide_by: int
    effect: Effect | None
    decided_by: str = ""
    decision: Decision | None = None
    decision_reason: str = ""
    digest: bytes = field(default=b"", repr=False)


def read_proposal(record: admin_pb2.ProposalRecord, directory: Directory) -> Proposal:
    """Verify and read a proposal, and the decision about it; raises StatementInvalid."""
    proposal, decision = admin_pb2.Proposal(), admin_pb2.ProposalDecision()
    _verified(statements.PROPOSAL, record.proposal, proposal, "proposer", directory)
    digest = sha256(record.proposal.payload).digest()
    if record.HasField("decision"):
        _verified(statements.PROPOSAL_DECISION, record.decision, decision, "admin", directory)
        if decision.proposal_sha256 != digest:
            raise StatementInvalid("The hub shows a decision about another proposal.")
    try:
        return Proposal(
            id=proposal.id,
            proposer=proposal.proposer,
            change=Change(proposal.change),
            reason=proposal.reason,
            proposed_at=proposal.proposed_at,
            break_glass=proposal.break_glass,
            state=ProposalState(record.state),
            decide_by=record.decide_by,
            effect=read_effect(record.effect) if record.HasField("effect") else None,
            decided_by=decision.admin,
            decision=Decision(decision.decision) if decision.admin else None,
            decision_reason=decision.reason,
            digest=digest,
        )
    except ValueError as error:
        raise StatementInvalid("The hub shows a proposal that this version cannot read.") from error


def _verified(kind: str, statement: SignedStatement, into: Any, signer: str, directory: Directory) -> None:  # noqa: ANN401
    """Read a statement whose signer it names; it must be an admin, and have signed it."""
    try:
        into.ParseFromString(statement.payload)
        key = directory.admin_key(getattr(into, signer))
        if key is None:
            raise StatementInvalid("The hub shows a proposal that no admin signed.")
        key.verified_payload(kind, statement)
    except (SignatureInvalid, DecodeError) as error:
        raise StatementInvalid("The hub shows a proposal that no admin signed.") from error
