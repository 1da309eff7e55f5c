"""Names of the types of signed statements, whose key signs each, and what exactly is signed."""

from hashlib import sha256
from typing import Final

# Signed by the identity key of a member, or of an admin.
CLAIM: Final = "claim"
CLAIM_STATUS: Final = "claim-status"
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
# Signed by the key of an operator of a member.
CLAIM_APPROVAL: Final = "claim-approval"

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
