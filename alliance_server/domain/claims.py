"""Claims as the hub holds them, and its own rules beyond those that every party checks.

The hub cannot look into a box. What it can check, it checks: who signed, for which epoch, within which bounds.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from alliance import claims
from alliance.countersignatures import approval_life_ms, substance_of
from alliance.crypto.sealing import BOX_BYTES, ENTRY_ID_BYTES, HANDLE_BYTES, MAX_CONTENTS_BYTES
from alliance.errors import ClaimInvalid, Reason
from alliance.taxonomy import DAY_MS, LEGAL_TRANSITIONS, LIVE_STATUSES, ClaimStatus, EvidenceLevel
from alliance.v1.claim_pb2 import Claim
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A row as it arrives."""

    claim: bytes
    signature: bytes
    handle: bytes
    box: bytes
    predecessor: bytes = b""
    """Entry id of the claim in an earlier epoch that this one re-tags; empty where there is none."""
    correction: SignedStatement | None = None
    """The change of the contributor's own claim whose place this one takes."""
    twin_correction: SignedStatement | None = None
    """The same of the claim that says the same as that one in another epoch."""
    approvals: Sequence[SignedStatement] = ()
    """What operators of the contributor signed of this row."""

    def digest(self) -> bytes:
        """Give the SHA-256 over the claim and what goes with it: a retry is the same row if this is the same.

        Corrections and approvals are none of it: they are signed anew with every try.
        """
        whole = sha256(sha256(self.claim).digest())
        for part in (self.signature, self.handle, self.box, *filter(None, (self.predecessor,))):
            whole.update(sha256(part).digest())
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
    purge_at: int
    """When the row is deleted: at its expiry, or a while after it was ended before."""
    claim: bytes
    claim_sha256: bytes
    signature: bytes
    handle: bytes
    box: bytes
    predecessor: bytes | None = None
    """Entry id of the claim that this one re-tags."""
    successor: bytes | None = None
    """Entry id of the claim that re-tags this one."""
    approved_by: str | None = None
    """Ids of the two operators who approved it, or what it re-tags, with a space between."""
    approvals: bytes | None = None
    """What these two signed."""

    @property
    def twins(self) -> tuple[bytes, ...]:
        """Entry ids of the claims that say the same in the epochs before and after; they end together with it."""
        return tuple(it for it in (self.predecessor, self.successor) if it)

    def is_live(self, now: int) -> bool:
        """Say whether it lives, by its status and its time."""
        return self.status in LIVE_STATUSES and self.expires_at > now


@dataclass(frozen=True, slots=True, repr=False)
class Stock:
    """What a contributor has on some tags: those on which it ever filed, and its live claims.

    `standing` gives the entry id of each live claim by its tag and category, `ended` those of claims that ended before
    their time and are still on record.
    """

    known: frozenset[bytes]
    standing: Mapping[tuple[bytes, int], bytes]
    ended: Mapping[tuple[bytes, int], Sequence[bytes]] = field(default_factory=dict)


@dataclass(slots=True, repr=False)
class ListedEntry:
    """What a bucket shows of a claim. Read by the hundred thousand: a frozen one takes twice as long to make."""

    entry_id: bytes
    tag: bytes
    handle: bytes
    box: bytes
    claim_sha256: bytes
    status: ClaimStatus
    status_version: int
    filed_at: int


class TaggedClaim(NamedTuple):
    """A live claim that was found by its tag, with what decides whether a police case asks about it."""

    tag: bytes
    entry_id: bytes
    contributor: str
    kind: int
    category: int
    observed_from: int
    observed_to: int

    def __repr__(self) -> str:
        return "TaggedClaim()"


@dataclass(frozen=True, slots=True)
class EndedClaim:
    """A claim whose row is to be deleted."""

    entry_id: bytes
    contributor: str


@dataclass(frozen=True, slots=True)
class NumberedChange:
    """A change of a claim's status in the feed that members follow; `changed_at` by the hub's clock."""

    number: int
    entry_id: bytes
    status: int
    version: int
    changed_at: int
    reason: str


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
    if row.predecessor and len(row.predecessor) != ENTRY_ID_BYTES:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "an entry id has another length")
    is_approved, is_retagged = bool(row.approvals), bool(row.predecessor)
    return read_claim(row.claim, contributor=contributor, now=now, is_approved=is_approved, is_retagged=is_retagged)


def read_claim(
    claim_bytes: bytes, *, contributor: str, now: int, is_approved: bool, is_retagged: bool = False
) -> Claim:
    """Read a claim that its contributor files now, and hold it against the clock; raises ClaimInvalid."""
    if len(claim_bytes) > MAX_CONTENTS_BYTES:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "the claim is too long for a box")
    claim = claims.parse(claim_bytes)
    if not hmac.compare_digest(claim.contributor.encode(), contributor.encode()):
        raise ClaimInvalid(Reason.NOT_PERMITTED, "the claim names another contributor")
    longest = approval_life_ms(EvidenceLevel(claim.evidence_level)) if is_approved else claims.MAX_FILING_SKEW_MS
    if not is_retagged and not -claims.MAX_FILING_SKEW_MS <= now - claim.filed_at <= longest:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "filed_at is more than a day away from the hub's clock")
    if claim.expires_at <= now:
        raise ClaimInvalid(Reason.EXPIRY_OUT_OF_BOUNDS, "the claim is over already")
    return claim


def stored(
    row: ClaimRow,
    claim: Claim,
    *,
    digest: bytes,
    sequence: int,
    now: int,
    approved_by: str | None = None,
    approvals: bytes | None = None,
) -> StoredClaim:
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
        purge_at=claim.expires_at,
        claim=row.claim,
        claim_sha256=sha256(row.claim).digest(),
        signature=row.signature,
        handle=row.handle,
        box=row.box,
        predecessor=row.predecessor or None,
        approved_by=approved_by,
        approvals=approvals,
    )


KEPT_RECALL_MS = 3 * 365 * DAY_MS
"""How long a recall is told at least: as long as members keep decisions, which may rest on the claim even though its
own time was nearly over."""
KEPT_CHANGE_MS = 90 * DAY_MS
"""The same of every other change: whoever was away for so long learns of it."""


def told_until(status: ClaimStatus, changed_at: int, expires_at: int) -> int:
    """Give until when a change of a claim's status is told: for the claim's own time, and for a while at least."""
    least = KEPT_RECALL_MS if status is ClaimStatus.RECALLED else KEPT_CHANGE_MS
    return max(expires_at, changed_at + least)


KEPT_AFTER_END_MS = 30 * DAY_MS
"""How long a claim that was ended before its time stays with its contributor, who may ask why and repeat a call."""


def check_retags(claim: Claim, of: StoredClaim | None, now: int) -> None:
    """Raise ClaimInvalid unless a claim says in a later epoch what a live one of the contributor's says, no more.

    The expiry is of its substance: re-tagging never extends a listing, nor loses a countersignature.
    """
    if of is None or of.contributor != claim.contributor or of.epoch >= claim.epoch:
        raise ClaimInvalid(Reason.NOT_FOUND, "there is no such claim of the contributor in an earlier epoch")
    if not of.is_live(now):
        raise ClaimInvalid(Reason.ILLEGAL_TRANSITION, "the claim that is re-tagged is over")
    if substance_of(claim) != substance_of(Claim.FromString(of.claim)):
        raise ClaimInvalid(Reason.CLAIM_INVALID, "the claim says something else than the one that it re-tags")


def check_change(claim: StoredClaim, to: ClaimStatus, version: int, *, answers: bool = False) -> None:
    """Raise Refused unless a change is legal and follows upon the claim's last one; `answers`: it answers a dispute."""
    check_transition(claim.status, to)
    if to is ClaimStatus.CORRECTED and claim.status is not ClaimStatus.ACTIVE and not answers:
        raise Refused(Reason.ILLEGAL_TRANSITION, f"a claim that is {claim.status.word} is answered for, not replaced")
    if version != claim.status_version + 1:
        raise Refused(Reason.CONFLICTING_RETRY, "the version is not the next one")


def check_transition(current: ClaimStatus, to: ClaimStatus) -> None:
    """Raise Refused unless the change of status is a legal one."""
    if to not in LEGAL_TRANSITIONS[current]:
        raise Refused(Reason.ILLEGAL_TRANSITION, f"{current.word} does not become {to.word}")
