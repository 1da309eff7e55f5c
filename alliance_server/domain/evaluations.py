"""Evaluation headers: what makes a query the member's own, once, now, and for a reason.

The order of the checks is fixed: signature, member, content, time, purpose, consent, elements. Replay, budget and
epoch need the database and follow in the unit of work.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import compress
from typing import TypeAlias

from google.protobuf.message import DecodeError

from alliance.cases.rules import ID_BYTES as CASE_ID_BYTES
from alliance.crypto.backend import Elements
from alliance.crypto.signing import VerifyingKey
from alliance.crypto.tagging import decode_many
from alliance.errors import AllianceError, Reason, SignatureInvalid
from alliance.statements import EVALUATION_HEADER, key_id
from alliance.taxonomy import ConsentNeed, Purpose
from alliance.v1.evaluation_pb2 import EvaluationHeader
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller, Role
from alliance_server.domain.policy import PURPOSES
from alliance_server.domain.statements import MAX_SKEW_MS

REQUEST_ID_BYTES = 16
ELEMENT_BYTES = 32
MAX_ELEMENTS = 4096
MAX_OPERATOR_BYTES = 32
MAX_HEADER_BYTES = 1024
"""Bytes of a signed header, which is kept as it came: unknown fields must not make it an attic."""

RequestKey: TypeAlias = tuple[str, bytes]
"""Member and request id."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a caller asks: a signed header and packed blinded elements, nothing of it checked."""

    caller: Caller
    header: SignedStatement
    blinded: bytes = field(repr=False)

    @property
    def count(self) -> int:
        """Whole elements."""
        return len(self.blinded) // ELEMENT_BYTES


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
    elements: Elements = field(repr=False)
    case_id: bytes = b""
    """Case under which it is asked; empty where its purpose is another."""

    @property
    def key(self) -> RequestKey:
        """What tells requests apart."""
        return self.member_id, self.request_id


def check_queries(queries: Sequence[Query], now: int) -> list[Evaluation | AllianceError]:
    """Check signed headers against caller, content and clock, and decode the elements.

    Gives Refused, SignatureInvalid, InvalidElement or InvalidBatch for those that fail.
    """
    signed = sorted(_signed(queries))
    elements = dict(zip(signed, decode_many([queries[place].blinded for place in signed]), strict=True))
    outcomes: list[Evaluation | AllianceError] = []
    for place, query in enumerate(queries):
        try:
            outcomes.append(_check(query, now, elements.get(place)))
        except AllianceError as error:
            outcomes.append(error)
    return outcomes


def _signed(queries: Sequence[Query]) -> set[int]:
    """Give the places of the headers that their callers signed; those of one caller are verified together."""
    by_key: dict[bytes, list[int]] = defaultdict(list)
    for place, query in enumerate(queries):
        identity_key = query.caller.identity_key
        is_addressed = query.header.type == EVALUATION_HEADER and query.header.key_id == key_id(identity_key)
        if is_addressed and query.header.ByteSize() <= MAX_HEADER_BYTES:
            by_key[identity_key].append(place)
    signed: set[int] = set()
    for identity_key, places in by_key.items():
        headers = [queries[place].header for place in places]
        payloads, signatures = [it.payload for it in headers], [it.signature for it in headers]
        with suppress(SignatureInvalid):  # a key that is none has signed nothing
            holds = VerifyingKey(identity_key).verify_many(EVALUATION_HEADER, payloads, signatures)
            signed.update(compress(places, holds))
    return signed


def _check(query: Query, now: int, elements: Elements | AllianceError | None) -> Evaluation:
    """Check a query; its header is signed if there are elements, or what was wrong with them."""
    if len(query.blinded) % ELEMENT_BYTES or not 1 <= query.count <= MAX_ELEMENTS:
        raise Refused(Reason.INVALID_BATCH, "a batch has 1 to 4,096 elements of 32 bytes")
    if query.header.ByteSize() > MAX_HEADER_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "the header is too long to be kept")
    if elements is None:
        raise SignatureInvalid("not an evaluation header that the caller signed")
    header = EvaluationHeader()
    try:
        header.ParseFromString(query.header.payload)
    except DecodeError:
        raise Refused(Reason.INVALID_REQUEST, "the header cannot be read") from None
    if header.member != query.caller.member_id:
        raise Refused(Reason.REPLAYED, "the header is another member's")
    if header.count != query.count or header.blinded_sha256 != sha256(query.blinded).digest():
        raise Refused(Reason.INVALID_REQUEST, "the header is about other elements")
    if len(header.request_id) != REQUEST_ID_BYTES or len(header.operator.encode()) > MAX_OPERATOR_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "request id or operator has another length")
    if abs(header.time - now) > MAX_SKEW_MS:
        raise Refused(Reason.REPLAYED, "the header is stale or from the future")
    purpose = _check_purpose(header, query.caller.role)
    if isinstance(elements, AllianceError):
        raise elements
    return Evaluation(
        member_id=query.caller.member_id,
        request_id=header.request_id,
        epoch=header.epoch,
        purpose=purpose,
        count=query.count,
        operator=header.operator,
        consent_root=header.consent_root,
        content_sha256=_content_digest(header),
        header=query.header.SerializeToString(),
        elements=elements,
        case_id=header.case_id,
    )


def _check_purpose(header: EvaluationHeader, role: Role) -> Purpose:
    try:
        purpose = Purpose(header.purpose)
    except ValueError:
        raise Refused(Reason.INVALID_REQUEST, "the purpose is unknown") from None
    need = PURPOSES.get(role, {}).get(purpose)
    if need is None:
        raise Refused(Reason.PURPOSE_NOT_PERMITTED, f"{purpose.word} is not open to this role")
    needed = 0 if need is ConsentNeed.NONE else 32
    if len(header.consent_root) != needed:
        raise Refused(Reason.CONSENT_MISSING, f"{purpose.word} needs a consent root of {needed} bytes")
    if len(header.case_id) != (CASE_ID_BYTES if purpose is Purpose.CASE else 0):
        raise Refused(Reason.INVALID_REQUEST, "an evaluation under a case names it, and no other does")
    return purpose


def _content_digest(header: EvaluationHeader) -> bytes:
    fields = (
        header.epoch,
        header.purpose,
        header.count,
        header.blinded_sha256.hex(),
        header.consent_root.hex(),
        *((header.case_id.hex(),) if header.case_id else ()),
    )
    return sha256(repr(fields).encode()).digest()
