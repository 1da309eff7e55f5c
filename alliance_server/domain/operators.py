"""Operators of members, and the two who approve a claim. No I/O.

The hub knows operators by pseudonym and key. Two approvals count as two where pseudonyms and keys both differ and both
are registered and not retired; whether two people stand behind them, the member answers for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from alliance import approvals
from alliance.countersignatures import approval_life_ms
from alliance.crypto.signing import PUBLIC_KEY_BYTES, VerifyingKey
from alliance.errors import ClaimInvalid, Reason, SignatureInvalid
from alliance.taxonomy import EvidenceLevel, SubjectRole, needs_approvals
from alliance.v1.claim_pb2 import Claim
from alliance.v1.operator_pb2 import Operator as OperatorStatement
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller, check_member_id
from alliance_server.domain.statements import MAX_SKEW_MS, packed

MAX_OPERATORS: Final = 256
"""Of a member at a time."""
MAX_APPROVAL_BYTES: Final = 512
MAX_EVER: Final = 1_024
"""Of a member, retired ones included: what they approved names them."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody of a member's staff, by pseudonym; `retired_at` None: it approves. Times in milliseconds UTC."""

    member_id: str
    operator_id: str
    public_key: bytes
    registered_at: int
    retired_at: int | None
    statement: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Approved:
    """Who approved a claim, by id, and their statements as they came."""

    by: tuple[Operator, Operator]
    statements: bytes

    @property
    def names(self) -> str:
        """The two ids, in order, with a space between."""
        return " ".join(sorted(one.operator_id for one in self.by))


def registered(caller: Caller, said: OperatorStatement, statement: SignedStatement, now: int) -> Operator:
    """Give the operator that a member states; raises Refused or SignatureInvalid for a name or key that is none."""
    check_member_id(said.operator)
    if len(said.public_key) != PUBLIC_KEY_BYTES or said.public_key == caller.identity_key:
        raise Refused(Reason.INVALID_REQUEST, "an operator has an Ed25519 key of its own")
    VerifyingKey(said.public_key)
    return Operator(caller.member_id, said.operator, said.public_key, now, None, statement.SerializeToString())


def check_new(operator: Operator, known: Sequence[Operator]) -> Operator | None:
    """Give the one that is registered already; raises Refused where id or key are taken, or there are too many."""
    for one in known:
        if one.operator_id == operator.operator_id or one.public_key == operator.public_key:
            same = (one.operator_id, one.public_key) == (operator.operator_id, operator.public_key)
            if same and one.retired_at is None:
                return one
            raise Refused(Reason.OPERATOR_CONFLICT, "the operator's id or key was registered before")
    if len(known) >= MAX_EVER or sum(one.retired_at is None for one in known) >= MAX_OPERATORS:
        raise Refused(Reason.OPERATOR_CONFLICT, "the member has as many operators as it may")
    return None


def retired(operator: Operator | None, now: int) -> Operator:
    """Give the operator as retired; raises Refused where there is none."""
    if operator is None:
        raise Refused(Reason.NOT_FOUND, "no such operator of the caller")
    return operator if operator.retired_at is not None else replace(operator, retired_at=now)


def approved(
    claim: Claim, claim_bytes: bytes, statements: Sequence[SignedStatement], known: Mapping[str, Operator], now: int
) -> Approved | None:
    """Give who approved a claim; None where nobody did and nobody needs to.

    Raises ClaimInvalid unless those who did are two, registered, active, and signed this claim within the time.
    """
    if not statements:
        if needs_approvals(SubjectRole(claim.subject_role), EvidenceLevel(claim.evidence_level)):
            raise _refusal("a claim of this evidence or role needs the approvals of two operators")
        return None
    if len(statements) != approvals.APPROVALS:
        raise _refusal("a claim carries two approvals, or none")
    first, second = (_operator(statement, claim, claim_bytes, known, now) for statement in statements)
    if first.operator_id == second.operator_id or first.public_key == second.public_key:
        raise _refusal("both approvals are of one operator")
    return Approved((first, second), packed(statements))


def _operator(
    statement: SignedStatement, claim: Claim, claim_bytes: bytes, known: Mapping[str, Operator], now: int
) -> Operator:
    if statement.ByteSize() > MAX_APPROVAL_BYTES:
        raise _refusal("an approval of that length is not kept")
    try:
        operator = known.get(approvals.read_approval(statement).operator)
        if operator is None or operator.retired_at is not None:
            raise _refusal("an approval is of no registered operator")
        key = VerifyingKey(operator.public_key)
        approval = approvals.verify_approval(statement, key, entry_id=claim.entry_id, claim=claim_bytes)
    except SignatureInvalid as error:
        raise _refusal(str(error)) from None
    if not now - approval_life_ms(EvidenceLevel(claim.evidence_level)) < approval.time <= now + MAX_SKEW_MS:
        raise _refusal("an approval counts no more, or is from the future")
    return operator


def check_still_active(approval: Approved, known: Mapping[str, Operator]) -> None:
    """Raise ClaimInvalid unless both operators are what they were when their signatures were verified."""
    if any(known.get(one.operator_id) != one for one in approval.by):
        raise _refusal("an operator was retired meanwhile")


def _refusal(detail: str) -> ClaimInvalid:
    return ClaimInvalid(Reason.TWO_OPERATORS_NEEDED, detail)
