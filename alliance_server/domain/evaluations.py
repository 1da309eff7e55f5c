"""Evaluation headers: what makes a query the member's own, once, now, and for a reason.

The order of the checks is fixed: signature, member, content, time, purpose, consent. Replay, budget and epoch need
the database and follow in the unit of work.
"""

from dataclasses import dataclass
from hashlib import sha256

from google.protobuf.message import DecodeError

from alliance.crypto.signing import VerifyingKey
from alliance.errors import Reason
from alliance.statements import EVALUATION_HEADER
from alliance.taxonomy import CONSENT_NEEDS, ConsentNeed, Purpose
from alliance.v1.evaluation_pb2 import EvaluationHeader
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller, Role

MAX_SKEW_MS = 2 * 60 * 1000
REQUEST_ID_BYTES = 16
ELEMENT_BYTES = 32
MAX_ELEMENTS = 4096
MAX_OPERATOR_BYTES = 32
MAX_HEADER_BYTES = 1024
"""Bytes of a signed header, which is kept as it came: unknown fields must not make it an attic."""

PURPOSES_OF: dict[Role, frozenset[Purpose]] = {
    Role.MEMBER: frozenset(
        {
            Purpose.LOAN_APPLICATION,
            Purpose.ACCOUNT_OPENING,
            Purpose.TRANSACTION,
            Purpose.PORTFOLIO_SCREENING,
            Purpose.CONTRIBUTION,
        }
    ),
}
"""Purposes open to each role. Rotation, dispute, intersection and case open with the features that need them."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A checked query; `content_sha256` is what a retry must repeat, the header's time left out."""

    member_id: str
    request_id: bytes
    epoch: int
    purpose: Purpose
    count: int
    operator: str
    consent_root: bytes
    content_sha256: bytes
    header: bytes
    """Serialised SignedStatement, kept so that the member cannot deny the query."""


def check_header(statement: SignedStatement, blinded: bytes, *, caller: Caller, now: int) -> Evaluation:
    """Check a signed header against caller, content and clock; raises Refused or SignatureInvalid."""
    count, rest = divmod(len(blinded), ELEMENT_BYTES)
    if rest or not 1 <= count <= MAX_ELEMENTS:
        raise Refused(Reason.INVALID_BATCH, "a batch has 1 to 4,096 elements of 32 bytes")
    if statement.ByteSize() > MAX_HEADER_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "the header is too long to be kept")
    header = EvaluationHeader()
    payload = VerifyingKey(caller.identity_key).verified_payload(EVALUATION_HEADER, statement)
    try:
        header.ParseFromString(payload)
    except DecodeError:
        raise Refused(Reason.INVALID_REQUEST, "the header cannot be read") from None
    if header.member != caller.member_id:
        raise Refused(Reason.REPLAYED, "the header is another member's")
    if header.count != count or header.blinded_sha256 != sha256(blinded).digest():
        raise Refused(Reason.INVALID_REQUEST, "the header is about other elements")
    if len(header.request_id) != REQUEST_ID_BYTES or len(header.operator.encode()) > MAX_OPERATOR_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "request id or operator has another length")
    if abs(header.time - now) > MAX_SKEW_MS:
        raise Refused(Reason.REPLAYED, "the header is stale or from the future")
    purpose = _check_purpose(header, caller.role)
    return Evaluation(
        member_id=caller.member_id,
        request_id=header.request_id,
        epoch=header.epoch,
        purpose=purpose,
        count=count,
        operator=header.operator,
        consent_root=header.consent_root,
        content_sha256=_content_digest(header),
        header=statement.SerializeToString(),
    )


def _check_purpose(header: EvaluationHeader, role: Role) -> Purpose:
    try:
        purpose = Purpose(header.purpose)
    except ValueError:
        raise Refused(Reason.INVALID_REQUEST, "the purpose is unknown") from None
    if purpose not in PURPOSES_OF.get(role, frozenset()):
        raise Refused(Reason.PURPOSE_NOT_PERMITTED, f"{purpose.word} is not open to this role")
    needed = 0 if CONSENT_NEEDS[purpose] is ConsentNeed.NONE else 32
    if len(header.consent_root) != needed:
        raise Refused(Reason.CONSENT_MISSING, f"{purpose.word} needs a consent root of {needed} bytes")
    return purpose


def _content_digest(header: EvaluationHeader) -> bytes:
    fields = (
        header.epoch,
        header.purpose,
        header.count,
        header.blinded_sha256.hex(),
        header.consent_root.hex(),
    )
    return sha256(repr(fields).encode()).digest()
