"""What the parties of a case sign, and how others verify it: hub, member, and who reads the bundle years later.

- Officers are operators of the liaison: `operator` statements under the liaison's identity key vouch for their keys.
- Both officers sign the same payload. An approver of each function signs what they decided about that payload's digest.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.v1.case_pb2 import CASE_VERDICT_APPROVE, CaseDecision, CaseRelease, CaseReleaseApproval, CaseRequest
from alliance.v1.directory_pb2 import MEMBER_ROLE_DUTY_OFFICER, MEMBER_ROLE_LEGAL_APPROVER
from alliance.v1.operator_pb2 import Operator
from alliance.v1.statement_pb2 import SignedStatement

APPROVER_ROLES: Final = frozenset({int(MEMBER_ROLE_LEGAL_APPROVER), int(MEMBER_ROLE_DUTY_OFFICER)})
"""The functions of which one each must approve, as the wire numbers roles."""
RELEASE_APPROVALS: Final = 2

Approver = Callable[[str], "tuple[VerifyingKey, int] | None"]
"""Gives the identity key and the role of who has an id; None where nobody has."""


def operators_of(
    registrations: Sequence[SignedStatement], member: str, identity: VerifyingKey
) -> Mapping[str, VerifyingKey]:
    """Give the keys of operators that a member or liaison vouches for, by name; raises SignatureInvalid."""
    keys: dict[str, VerifyingKey] = {}
    for statement in registrations:
        payload = identity.verified_payload(statements.OPERATOR, statement)
        try:
            said = Operator.FromString(payload)
        except DecodeError:
            raise SignatureInvalid("an operator's registration cannot be read") from None
        if said.member != member:
            raise SignatureInvalid("an operator is registered by another member")
        keys[said.operator] = VerifyingKey(said.public_key)
    return keys


def signed_by_both(
    statement_type: str,
    first: SignedStatement,
    second: SignedStatement,
    officers: tuple[str, str],
    keys: Mapping[str, VerifyingKey],
) -> bytes:
    """Give the payload that two officers, of different names and keys, signed alike; raises SignatureInvalid."""
    try:
        signers = [keys[name] for name in officers]
    except KeyError:
        raise SignatureInvalid("an officer's key is not vouched for") from None
    if officers[0] == officers[1] or signers[0].public_key == signers[1].public_key:
        raise SignatureInvalid("two officers of different keys sign")
    if first.payload != second.payload:
        raise SignatureInvalid("the officers signed different things")
    for key, statement in zip(signers, (first, second), strict=True):
        key.verified_payload(statement_type, statement)
    return first.payload


def read_request(payload: bytes) -> CaseRequest:
    """Read a request, before anything is verified; raises SignatureInvalid."""
    try:
        return CaseRequest.FromString(payload)
    except DecodeError:
        raise SignatureInvalid("a case's request cannot be read") from None


def verify_request(
    first: SignedStatement,
    second: SignedStatement,
    registrations: Sequence[SignedStatement],
    liaison: VerifyingKey,
) -> CaseRequest:
    """Give a request that both officers signed whom the liaison vouches for; raises SignatureInvalid."""
    request = read_request(first.payload)
    keys = operators_of(registrations, request.liaison, liaison)
    signed_by_both(statements.CASE_REQUEST, first, second, (request.officer, request.second_officer), keys)
    return request


def read_decision(statement: SignedStatement) -> CaseDecision:
    """Read a decision, before anything is verified; raises SignatureInvalid."""
    try:
        return CaseDecision.FromString(statement.payload)
    except DecodeError:
        raise SignatureInvalid("a decision about a case cannot be read") from None


def verify_decision(statement: SignedStatement, key: VerifyingKey, subject: bytes, case_id: bytes) -> CaseDecision:
    """Give a decision about exactly this payload of this case under an approver's key; raises SignatureInvalid."""
    key.verified_payload(statements.CASE_DECISION, statement)
    decision = read_decision(statement)
    if decision.case_id != case_id or decision.subject_sha256 != sha256(subject).digest():
        raise SignatureInvalid("the decision is about something else")
    return decision


def verify_approved(
    decisions: Sequence[SignedStatement], subject: bytes, request: CaseRequest, approver: Approver
) -> list[CaseDecision]:
    """Give the approvals of a payload, one of each function; raises SignatureInvalid where one is missing.

    One key under two names is one person, who has one function.
    """
    approvals: dict[int, CaseDecision] = {}
    keys: dict[int, bytes] = {}
    for statement in decisions:
        said = read_decision(statement)
        if (known := approver(said.approver)) is None or known[1] not in APPROVER_ROLES:
            raise SignatureInvalid("a decision is of nobody who approves cases")
        decision = verify_decision(statement, known[0], subject, request.case_id)
        if decision.instrument_sha256 != request.instrument_sha256:
            raise SignatureInvalid("an approver had another instrument before them")
        if decision.verdict == CASE_VERDICT_APPROVE:
            approvals[known[1]], keys[known[1]] = decision, known[0].public_key
    if approvals.keys() != APPROVER_ROLES or len(set(keys.values())) != len(keys):
        raise SignatureInvalid("an approver of each function must agree")
    return [approvals[role] for role in sorted(approvals)]


def approve_release(key: SigningKey, operator: str, *, case_id: bytes, release: bytes, now_ms: int) -> SignedStatement:
    """Sign that an operator looked at a member's release and agrees to it."""
    said = CaseReleaseApproval(case_id=case_id, release_sha256=sha256(release).digest(), operator=operator, time=now_ms)
    return key.statement(statements.CASE_RELEASE_APPROVAL, said.SerializeToString())


def verify_release(
    release: SignedStatement,
    approvals: Sequence[SignedStatement],
    registrations: Sequence[SignedStatement],
    member: str,
    identity: VerifyingKey,
) -> CaseRelease:
    """Give a release that a member signed and two of its operators approved; raises SignatureInvalid."""
    payload = identity.verified_payload(statements.CASE_RELEASE, release)
    try:
        said = CaseRelease.FromString(payload)
        agreed = [(statement, CaseReleaseApproval.FromString(statement.payload)) for statement in approvals]
    except DecodeError:
        raise SignatureInvalid("a release cannot be read") from None
    if said.member != member:
        raise SignatureInvalid("the release is another member's")
    keys = operators_of(registrations, member, identity)
    approvers: dict[str, bytes] = {}
    for statement, approval in agreed:
        if (key := keys.get(approval.operator)) is None:
            raise SignatureInvalid("an operator's key is not vouched for")
        key.verified_payload(statements.CASE_RELEASE_APPROVAL, statement)
        if (approval.case_id, approval.release_sha256) != (said.case_id, sha256(payload).digest()):
            raise SignatureInvalid("the approval is of another release")
        approvers[approval.operator] = key.public_key
    if len(approvers) < RELEASE_APPROVALS or len(set(approvers.values())) < RELEASE_APPROVALS:
        raise SignatureInvalid("two operators of different keys approve a release")
    return said
