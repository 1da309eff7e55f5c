"""Names of the types of signed statements, whose key signs each, and what exactly is signed."""

from hashlib import sha256
from typing import Final

# Signed by the identity key of a member, or of an admin.
CASE_ATTACHMENT: Final = "case-attachment"
CASE_RELEASE: Final = "case-release"
CASE_REPLY: Final = "case-reply"
CLAIM: Final = "claim"
CLAIM_STATUS: Final = "claim-status"
COUNTERSIGNATURE_REQUEST: Final = "claim-countersignature-request"
DISPUTE_ANSWER: Final = "dispute-answer"
DISPUTE_OPENING: Final = "dispute-opening"
ENROLMENT: Final = "enrolment"
EVALUATION_HEADER: Final = "evaluation-header"
OUTCOME_REPORT: Final = "outcome-report"
OPERATOR: Final = "operator"
OPERATOR_RETIREMENT: Final = "operator-retirement"
PROPOSAL: Final = "proposal"
PROPOSAL_DECISION: Final = "proposal-decision"
RECALL_RECEIPT: Final = "recall-receipt"
RENEWAL: Final = "renewal"
SUCCESSION: Final = "succession"

# Signed by the identity key of a reviewer.
DISPUTE_REVIEW: Final = "dispute-review"
# Signed by the identity key of a liaison, and by an officer of it alike.
COUNTERSIGNATURE: Final = "claim-countersignature"
COUNTERSIGNATURE_REFUSAL: Final = "claim-countersignature-refusal"
COUNTERSIGNATURE_REVOCATION: Final = "claim-countersignature-revocation"
# Signed by the identity key of an approver.
CASE_DECISION: Final = "case-decision"
# Signed by the key of an operator of a member.
CASE_RELEASE_APPROVAL: Final = "case-release-approval"
CLAIM_APPROVAL: Final = "claim-approval"
# Signed by the key of an officer, who is an operator of a liaison.
CASE_BUNDLE: Final = "case-bundle"
CASE_ENDING: Final = "case-ending"
CASE_EXTENSION: Final = "case-extension"
CASE_REQUEST: Final = "case-request"
CASE_SUSPECTS: Final = "case-suspects"

# Signed by the hub's identity key. The hub signs `claim-status` too, where it tells readers of a status.
BACKUP: Final = "backup"
EPOCH: Final = "epoch"
FILTER_DELTA: Final = "filter-delta"
FILTER_HEADER: Final = "filter-header"
FILTER_HEARTBEAT: Final = "filter-heartbeat"
MEMBER: Final = "member"
PURGES: Final = "purges"
RECEIPT: Final = "receipt"
STATUS_CHANGES: Final = "status-changes"
SUPPRESSION_LIST: Final = "suppression-list"
TRUST_ROOTS: Final = "trust-roots"
WITNESS_LIST: Final = "witness-list"


def key_id(public_key: bytes) -> bytes:
    """Give the 8 bytes by which a statement names its signer's key."""
    return sha256(public_key).digest()[:8]


def signed_bytes(statement_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed."""
    return b"alliance/v1/" + statement_type.encode() + b"\x00" + payload
