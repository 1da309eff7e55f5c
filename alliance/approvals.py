"""Approvals: two operators of a member look at a claim before it is filed, and each signs what it looked at.

Rules:

1. A claim whose evidence is said to be reviewed, or that protects somebody, carries two approvals (`needs_approvals`).
2. An approval names the claim by its bytes' digest: it cannot be moved to another, and the claim cannot be changed.
3. It counts for seven days, and so long a claim may lie before it is filed.

That two keys are two people, no key can prove: the member answers for whom it registers, by a pseudonym each.
"""

from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.statements import CLAIM_APPROVAL
from alliance.taxonomy import DAY_MS
from alliance.v1.claim_pb2 import ClaimApproval
from alliance.v1.statement_pb2 import SignedStatement

APPROVALS: Final = 2
APPROVAL_LIFE_MS: Final = 7 * DAY_MS
"""So long an approval counts, and so long ago an approved claim may have been drawn up."""


def approve(key: SigningKey, operator: str, *, entry_id: bytes, claim: bytes, now_ms: int) -> SignedStatement:
    """Sign that an operator looked at a claim and agrees to filing it."""
    payload = ClaimApproval(entry_id=entry_id, claim_sha256=sha256(claim).digest(), operator=operator, time=now_ms)
    return key.statement(CLAIM_APPROVAL, payload.SerializeToString())


def read_approval(statement: SignedStatement) -> ClaimApproval:
    """Read who claims to have approved what, before anything is verified; raises SignatureInvalid."""
    try:
        return ClaimApproval.FromString(statement.payload)
    except DecodeError:
        raise SignatureInvalid("an approval cannot be read") from None


def verify_approval(statement: SignedStatement, key: VerifyingKey, *, entry_id: bytes, claim: bytes) -> ClaimApproval:
    """Give an approval of exactly this claim under an operator's key; raises SignatureInvalid."""
    key.verified_payload(CLAIM_APPROVAL, statement)
    approval = read_approval(statement)
    if approval.entry_id != entry_id or approval.claim_sha256 != sha256(claim).digest():
        raise SignatureInvalid("the approval is of another claim")
    return approval
