"""Buckets: which are asked for, and what is believed of them.

Rules:

1. All prefixes of a batch go in one ascending list, each once: those of hits, and those of cover (`_cover.py`).
2. An entry is ours if its handle is the one that our label key gives, compared in constant time by the backend. All
   others are somebody else's and are dropped unread.
3. Box, claim, signature and status are verified before anything of them is believed (`alliance.claims.open_box`);
   what fails is a Fault of that field alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from alliance import claims, statements
from alliance.claims import OpenedClaim
from alliance.crypto import bloom
from alliance.crypto.backend import backend
from alliance.crypto.sealing import HANDLE_BYTES
from alliance.crypto.secret import Secret
from alliance.crypto.signing import VerifyingKey
from alliance.errors import BoxInvalid, ClaimInvalid, SignatureInvalid
from alliance.identifiers import Kind
from alliance.taxonomy import COUNTERSIGNED_LEVELS, LIVE_STATUSES, ClaimStatus
from alliance.v1 import bucket_pb2
from alliance.v1.bucket_pb2 import BucketEntry
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance.v1.statement_pb2 import SignedStatement
from member_client._countersigned import Standing

_ENTRY_ID_BYTES: Final = 16

KeyOf = Callable[[str], VerifyingKey | None]
StandingOf = Callable[[bytes], Standing | None]
Judged = tuple[list["Found"], list["Fault"]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A tag that the filter may hold, with the places of the fields that it is the tag of."""

    kind: Kind
    tag: bytes
    label_key: Secret
    places: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Hit({self.kind}, …)"


@dataclass(frozen=True, slots=True)
class Found:
    """A believed claim about a hit."""

    hit: Hit
    claim: OpenedClaim
    status: ClaimStatus


@dataclass(frozen=True, slots=True)
class Fault:
    """An entry about a hit that is wrong. `unknown_contributor` asks for a look at a newer directory first.

    So does one that lacks a countersignature, for newer ones.
    """

    hit: Hit
    entry: BucketEntry
    finding: bucket_pb2.EntryFinding.ValueType
    unknown_contributor: bool = False

    @property
    def may_be_new(self) -> bool:
        """Whether what is missing may have come since it was looked for last."""
        return self.unknown_contributor or self.finding == bucket_pb2.ENTRY_FINDING_COUNTERSIGNATURE_MISSING

    def __repr__(self) -> str:
        return f"Fault({self.entry.entry_id.hex()}, {self.finding})"


def _nobody(_substance: bytes) -> None:
    """Know of no countersignature."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an entry is judged by, besides itself."""

    epoch: int
    member: str
    hub_key: VerifyingKey
    key_of: KeyOf
    now_ms: int
    standing_of: StandingOf = _nobody
    """Gives what is known of a claim's countersignature, by the digest of its substance."""


def by_prefix(hits: Iterable[Hit], bits: int) -> dict[int, list[Hit]]:
    """Sort hits by the prefix of their bucket."""
    sorted_hits: dict[int, list[Hit]] = {}
    for hit in hits:
        sorted_hits.setdefault(bloom.prefix_of(hit.tag, bits), []).append(hit)
    return sorted_hits


def judged(entries: Iterable[BucketEntry], hits: Sequence[Hit], circumstances: Circumstances) -> Judged:
    """Judge the entries of a bucket that are about its hits: arithmetic for a worker thread."""
    known: list[tuple[BucketEntry, bytes, bytes]] = []
    for entry in entries:
        entry_id, handle = entry.entry_id, entry.handle
        # A handle of another length is nobody's, and what is packed must stay in step.
        if len(entry_id) == _ENTRY_ID_BYTES and len(handle) == HANDLE_BYTES:
            known.append((entry, entry_id, handle))
    label_keys = Secret(b"".join([hit.label_key.reveal() for hit in hits]))
    entry_ids, handles = b"".join([one[1] for one in known]), b"".join([one[2] for one in known])
    found: list[Found] = []
    faults: list[Fault] = []
    for place, owner in backend().find_handles(label_keys, entry_ids, handles):
        outcome = _judge(known[place][0], hits[owner], circumstances)
        if isinstance(outcome, Found):
            found.append(outcome)
        elif outcome is not None:
            faults.append(outcome)
    return found, faults


def judged_in_turn(
    buckets: Iterable[tuple[Iterable[BucketEntry], Sequence[Hit]]], circumstances: Circumstances
) -> Judged:
    """Judge several buckets, each by the hits that are in it."""
    found: list[Found] = []
    faults: list[Fault] = []
    for entries, hits in buckets:
        good, bad = judged(entries, hits, circumstances)
        found += good
        faults += bad
    return found, faults


def _judge(entry: BucketEntry, hit: Hit, circumstances: Circumstances) -> Found | Fault | None:
    """Give the claim, what is wrong with it, or None where there is nothing to tell: own, expired, not live."""
    unknown: list[str] = []

    def key_of(member: str) -> VerifyingKey | None:
        key = circumstances.key_of(member)
        if key is None:
            unknown.append(member)
        return key

    try:
        claim = claims.open_box(
            entry.box,
            entry_id=entry.entry_id,
            epoch=circumstances.epoch,
            tag=hit.tag,
            label_key=hit.label_key.reveal(),
            claim_sha256=entry.claim_sha256,
            key_of=key_of,
        )
        status = _status(entry, circumstances.hub_key)
    except BoxInvalid:
        return Fault(hit, entry, bucket_pb2.ENTRY_FINDING_BOX_INVALID)
    except ClaimInvalid:
        return Fault(hit, entry, bucket_pb2.ENTRY_FINDING_CLAIM_MISMATCH)
    except SignatureInvalid:
        return Fault(hit, entry, bucket_pb2.ENTRY_FINDING_SIGNATURE_INVALID, bool(unknown))
    if claim.kind is not hit.kind or not _may_be_filed(claim, circumstances.now_ms):
        return Fault(hit, entry, bucket_pb2.ENTRY_FINDING_CLAIM_MISMATCH)
    is_over = claim.expires_at <= circumstances.now_ms or status not in LIVE_STATUSES
    if is_over or claim.contributor == circumstances.member:
        return None
    if claim.evidence in COUNTERSIGNED_LEVELS:
        standing = circumstances.standing_of(claim.substance_sha256)
        if standing is None or not _is_of(standing, claim, entry, circumstances.epoch):
            return Fault(hit, entry, bucket_pb2.ENTRY_FINDING_COUNTERSIGNATURE_MISSING)
        if standing.is_revoked:
            status = ClaimStatus.SUSPENDED
    return Found(hit, claim, status)


def _may_be_filed(claim: OpenedClaim, now_ms: int) -> bool:
    """Hold the claim against what the hub asks of it, for a hub that is careless is no reason to believe."""
    return claim.filed_at <= now_ms + claims.MAX_FILING_SKEW_MS


def _is_of(standing: Standing, claim: OpenedClaim, entry: BucketEntry, epoch: int) -> bool:
    """Say whether a liaison stands behind this claim: without one its level would be its contributor's own invention.

    It would outweigh everybody else's claims.
    """
    return standing.said.is_of(claim.substance_sha256, entry.claim_sha256, epoch)


def _status(entry: BucketEntry, hub_key: VerifyingKey) -> ClaimStatus:
    """Read the hub's word on a claim's status; active where there is none. Raises SignatureInvalid."""
    if not entry.HasField("status"):
        return ClaimStatus.ACTIVE
    return read_status(entry.status, hub_key, entry.entry_id)


def read_status(statement: SignedStatement, key: VerifyingKey, entry_id: bytes) -> ClaimStatus:
    """Verify a change of a claim's status; raises SignatureInvalid where it is not about this claim."""
    change = ClaimStatusChange()
    try:
        change.ParseFromString(key.verified_payload(statements.CLAIM_STATUS, statement))
        status = ClaimStatus(change.status)
    except (DecodeError, ValueError):
        raise SignatureInvalid("the statement about the claim's status cannot be read") from None
    if change.entry_id != entry_id:
        raise SignatureInvalid("the statement is about another claim's status")
    return status


def matches_by_place(*found_by_epoch: Iterable[Found]) -> Mapping[int, list[Found]]:
    """Sort believed claims by the fields that they are about.

    A contributor has one live claim of a category on an identifier: where two epochs show it, the one of the epoch that
    comes first stands.
    """
    by_place: dict[int, list[Found]] = {}
    told: set[tuple[int, str, int]] = set()
    for found in found_by_epoch:
        about = [
            ((place, one.claim.contributor, int(one.claim.category)), one) for one in found for place in one.hit.places
        ]
        fresh = [(it, one) for it, one in about if it not in told]
        for (place, _, _), one in fresh:
            by_place.setdefault(place, []).append(one)
        told.update(it for it, _ in fresh)
    return by_place
