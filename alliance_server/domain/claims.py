"""Claims as the hub holds them, and its own rules beyond those that every party checks.

The hub cannot look into a box. What it can check, it checks: who signed, for which epoch, within which bounds.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from alliance import claims
from alliance.crypto.sealing import BOX_BYTES, HANDLE_BYTES, MAX_CONTENTS_BYTES
from alliance.errors import ClaimInvalid, Reason
from alliance.taxonomy import COUNTERSIGNED_LEVELS, LEGAL_TRANSITIONS, ClaimStatus, EvidenceLevel
from alliance.v1.claim_pb2 import Claim
from alliance_server.domain.errors import Refused


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A row as it arrives."""

    claim: bytes
    signature: bytes
    handle: bytes
    box: bytes

    def digest(self) -> bytes:
        """Give the SHA-256 over all four fields: a retry is the same row if this is the same."""
        whole = sha256(sha256(self.claim).digest())
        for field in (self.signature, self.handle, self.box):
            whole.update(sha256(field).digest())
        return whole.digest()

    def __repr__(self) -> str:
        return "ClaimRow()"


@dataclass(frozen=True, slots=True, repr=False)
class StoredClaim:
    """A claim as it is kept. Times in milliseconds UTC."""

    entry_id: bytes
    contributor: str
    epoch: int
    tag: bytes
    sequence: int
    kind: int
    category: int
    subject_role: int
    evidence_level: int
    observed_from: int
    observed_to: int
    filed_at: int
    expires_at: int
    sharing_level: int
    status: ClaimStatus
    status_version: int
    status_change: bytes | None
    received_at: int
    row_sha256: bytes
    claim: bytes
    signature: bytes
    handle: bytes
    box: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Stock:
    """What a contributor has on some tags: those on which it ever filed, and its live claims.

    `standing` gives the entry id of each live claim by its tag and category.
    """

    known: frozenset[bytes]
    standing: Mapping[tuple[bytes, int], bytes]


@dataclass(slots=True, repr=False)
class ListedEntry:
    """What a bucket shows of a claim. Read by the hundred thousand: a frozen one takes twice as long to make."""

    entry_id: bytes
    tag: bytes
    handle: bytes
    box: bytes
    status: ClaimStatus
    status_version: int
    filed_at: int


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """Live claims in one category, and when the first and the last of them expire, milliseconds UTC."""

    category: int
    claims: int
    first_expiry: int
    last_expiry: int


def read(row: ClaimRow, *, contributor: str, now: int) -> Claim:
    """Read a row and check all of it but its signature; raises ClaimInvalid."""
    if len(row.box) != BOX_BYTES or len(row.handle) != HANDLE_BYTES:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "box or handle has another length")
    if len(row.claim) > MAX_CONTENTS_BYTES:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "the claim is too long for a box")
    claim = claims.parse(row.claim)
    if not hmac.compare_digest(claim.contributor.encode(), contributor.encode()):
        raise ClaimInvalid(Reason.NOT_PERMITTED, "the claim names another contributor")
    if abs(claim.filed_at - now) > claims.MAX_FILING_SKEW_MS:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "filed_at is more than a day away from the hub's clock")
    if claim.expires_at <= now:
        raise ClaimInvalid(Reason.EXPIRY_OUT_OF_BOUNDS, "the claim is over already")
    if EvidenceLevel(claim.evidence_level) in COUNTERSIGNED_LEVELS:
        raise ClaimInvalid(Reason.COUNTERSIGNATURE_MISSING, "E4 and E5 need a countersignature")
    return claim


def stored(row: ClaimRow, claim: Claim, *, digest: bytes, sequence: int, now: int) -> StoredClaim:
    """Give the record of an accepted row."""
    return StoredClaim(
        entry_id=claim.entry_id,
        contributor=claim.contributor,
        epoch=claim.epoch,
        tag=claim.tag,
        sequence=sequence,
        kind=claim.kind,
        category=claim.category,
        subject_role=claim.subject_role,
        evidence_level=claim.evidence_level,
        observed_from=claim.observed_from,
        observed_to=claim.observed_to,
        filed_at=claim.filed_at,
        expires_at=claim.expires_at,
        sharing_level=claim.sharing_level,
        status=ClaimStatus.ACTIVE,
        status_version=0,
        status_change=None,
        received_at=now,
        row_sha256=digest,
        claim=row.claim,
        signature=row.signature,
        handle=row.handle,
        box=row.box,
    )


def check_transition(current: ClaimStatus, to: ClaimStatus) -> None:
    """Raise Refused unless the change of status is a legal one."""
    if to not in LEGAL_TRANSITIONS[current]:
        raise Refused(Reason.ILLEGAL_TRANSITION, f"{current.word} does not become {to.word}")
