"""Countersignatures: a police liaison stands behind a claim that says it was accepted by police, or judged.

Rules:

1. What is countersigned is the claim's substance: what stays as it is when the claim is re-tagged. Its evidence
   commitment is salted, so that no two claims share a substance and nobody finds one by guessing.
2. It names the claim bytes as they were drawn up, too: in that epoch it is good for that claim alone, in later ones
   for what says the same.
3. Members see who countersigned which level, and when. For whom, on which matter and by which officer stands in the
   grounds, of which they see a digest.
4. A revocation is the same liaison's, and for good.

That the claim is about the identifier that the liaison has in mind, the contributor answers for: no tag is shown to it.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from alliance.approvals import APPROVAL_LIFE_MS
from alliance.cases.rules import has_long_number
from alliance.clock import MAX_TIME_MS
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.statements import COUNTERSIGNATURE, COUNTERSIGNATURE_REVOCATION
from alliance.taxonomy import COUNTERSIGNED_LEVELS, DAY_MS, EvidenceLevel, Word
from alliance.v1.claim_pb2 import Claim
from alliance.v1.countersignature_pb2 import (
    ClaimCountersignature,
    ClaimSubstance,
    CountersignatureGrounds,
    CountersignatureRevocation,
)
from alliance.v1.statement_pb2 import SignedStatement

COUNTERSIGNING_LIFE_MS: Final = 30 * DAY_MS
"""So long after it was drawn up a claim may wait for the liaison and then be filed; its approvals count as long."""
LONGEST_LIFE_MS: Final = 5 * 365 * DAY_MS
"""No claim outlives its countersignature by more: that of the best evidence."""
MAX_REFERENCE_BYTES: Final = 64
_DIGEST_BYTES: Final = 32
_U64: Final = 2**64
_DOMAIN: Final = b"alliance/v1/claim-substance\x00"
_NUMBERS: Final = (
    "kind",
    "category",
    "subject_role",
    "evidence_level",
    "observed_from",
    "observed_to",
    "filed_at",
    "expires_at",
    "sharing_level",
)
SUBSTANCE_FIELDS: Final = ("contributor", *_NUMBERS, "evidence_commitment")

M = TypeVar("M", bound=Message)


class CountersignatureState(Word):
    """Where a request for a countersignature is, with the wire's numbers."""

    WAITING = 1
    COUNTERSIGNED = 2
    REFUSED = 3
    REVOKED = 4
    LAPSED = 5


@dataclass(frozen=True, slots=True)
class Countersigned:
    """What a liaison says of a claim, as every member sees it; `epoch` is that of the claim bytes."""

    substance_sha256: bytes
    claim_sha256: bytes
    epoch: int
    evidence: EvidenceLevel
    liaison: str
    grounds_sha256: bytes
    time: int

    def is_of(self, substance_sha256: bytes, claim_sha256: bytes, epoch: int) -> bool:
        """Say whether it is of a claim: of these bytes in their epoch, of the same substance in later ones."""
        if self.substance_sha256 != substance_sha256:
            return False
        return epoch > self.epoch or (epoch == self.epoch and self.claim_sha256 == claim_sha256)


def approval_life_ms(level: EvidenceLevel) -> int:
    """Give how long approvals of a claim count, and how long ago it may have been drawn up when it is filed."""
    return COUNTERSIGNING_LIFE_MS if level in COUNTERSIGNED_LEVELS else APPROVAL_LIFE_MS


def substance_of(claim: Claim) -> ClaimSubstance:
    """Give what of a claim stays as it is when it is re-tagged."""
    return ClaimSubstance(**{name: getattr(claim, name) for name in SUBSTANCE_FIELDS})


def substance_sha256(stated: Claim | ClaimSubstance) -> bytes:
    """Give the digest of a claim's substance, 32 bytes."""
    contributor = stated.contributor.encode()
    whole = sha256(_DOMAIN + len(contributor).to_bytes(2, "big") + contributor)
    for name in _NUMBERS:
        whole.update((int(getattr(stated, name)) % _U64).to_bytes(8, "big"))
    whole.update(stated.evidence_commitment)
    return whole.digest()


def read_countersignature(statement: SignedStatement, liaison: VerifyingKey) -> Countersigned:
    """Give what a liaison countersigned; raises SignatureInvalid."""
    said = _verified(COUNTERSIGNATURE, statement, ClaimCountersignature(), liaison)
    digests = (said.substance_sha256, said.claim_sha256, said.grounds_sha256)
    if any(len(it) != _DIGEST_BYTES for it in digests) or int(said.evidence_level) not in COUNTERSIGNED_LEVELS:
        raise SignatureInvalid("a countersignature is of no claim that needs one")
    if not 0 <= said.time < MAX_TIME_MS:
        raise SignatureInvalid("a countersignature is of no time")
    evidence = EvidenceLevel(said.evidence_level)
    substance, claim, grounds = digests
    return Countersigned(substance, claim, said.epoch, evidence, said.liaison, grounds, said.time)


def read_revocation(statement: SignedStatement, liaison: VerifyingKey) -> CountersignatureRevocation:
    """Give what a liaison revoked; raises SignatureInvalid."""
    return _verified(COUNTERSIGNATURE_REVOCATION, statement, CountersignatureRevocation(), liaison)


def said_by(statement: SignedStatement) -> str:
    """Give the liaison that a countersignature or revocation names, before anything is verified.

    Raises SignatureInvalid.
    """
    message = ClaimCountersignature() if statement.type == COUNTERSIGNATURE else CountersignatureRevocation()
    return _parsed(message, statement.payload).liaison


def read_grounds(grounds: bytes) -> CountersignatureGrounds:
    """Read what a countersignature rests on; raises SignatureInvalid where it is not whole."""
    said = _parsed(CountersignatureGrounds(), grounds)
    lengths = (len(said.salt), len(said.document_sha256))
    if lengths != (_DIGEST_BYTES, _DIGEST_BYTES) or not is_reference(said.instrument_reference):
        raise SignatureInvalid("the grounds of a countersignature are not whole")
    return said


def is_reference(text: str) -> bool:
    """Tell whether a text may name a matter or an instrument: 1 to 64 bytes that print."""
    return 0 < len(text.encode()) <= MAX_REFERENCE_BYTES and text.isprintable() and bool(text.strip())


def is_new_reference(text: str) -> bool:
    """Tell whether a text may be signed as a reference: it holds nothing like a telephone number either."""
    return is_reference(text) and not has_long_number(text)


def _verified(statement_type: str, statement: SignedStatement, message: M, key: VerifyingKey) -> M:
    return _parsed(message, key.verified_payload(statement_type, statement))


def _parsed(message: M, payload: bytes) -> M:
    try:
        message.ParseFromString(payload)
    except DecodeError:
        raise SignatureInvalid("a statement about a countersignature cannot be read") from None
    return message
