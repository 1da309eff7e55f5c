"""Claims: drawn up and sealed by a contributor, opened and believed by a holder of the identifier.

Rules (protocol reference, section 4):

1. Claim bytes are serialised once, by the contributor; everybody else keeps and verifies them as they are.
2. `validate` is the one place of a claim's rules; contributor, hub and reader all call it. What of it concerns a
   draft, `check` asks before anything is evaluated.
3. A reader believes a claim only after: the box opens; the claim inside is the one that the hub holds; tag, entry
   and epoch are those asked about; the claim is valid; the contributor's signature verifies under the key that the
   member directory gives.

Statuses and their changes are statements of their own and never touch a claim.
"""

import hmac
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance.countersignatures import substance_sha256
from alliance.crypto import sealing
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SIGNATURE_BYTES, SigningKey, VerifyingKey
from alliance.errors import BoxInvalid, ClaimInvalid, Reason, SignatureInvalid
from alliance.identifiers import Kind
from alliance.statements import CLAIM
from alliance.taxonomy import (
    COUNTERSIGNED_LEVELS,
    DAY_MS,
    FILING_RULES,
    Category,
    EvidenceLevel,
    SharingLevel,
    SubjectRole,
    broken_filing_rule,
    needs_commitment,
    retention_ms,
)
from alliance.v1 import taxonomy_pb2
from alliance.v1.claim_pb2 import BoxContents, Claim, Label

MAX_CONTRIBUTOR_BYTES = 32
MAX_LABEL_BYTES = 96
MAX_FILING_SKEW_MS = 24 * 60 * 60 * 1000
"""How far `filed_at` may lie from the hub's clock when a claim arrives."""

_REASON_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SALT_BYTES = _DIGEST_BYTES = _TAG_BYTES = _LABEL_KEY_BYTES = 32

# Words by their numbers: a claim is read once by everybody who meets it, and enumerations are slow to look up in.
_KINDS: Final = {taxonomy_pb2.Kind.Value(f"KIND_{kind.name}"): kind for kind in Kind}
_KIND_NUMBERS: Final = {kind: number for number, kind in _KINDS.items()}
_CATEGORIES: Final = {int(category): category for category in Category}
_SHARING_LEVELS: Final = frozenset(map(int, SharingLevel))
_ROLES: Final = {int(role): role for role in SubjectRole}
_EVIDENCE_LEVELS: Final = {int(level): level for level in EvidenceLevel}
_LONGEST_AGES: Final = {int(category): rule.longest_age_ms for category, rule in FILING_RULES.items()}
_retention_ms = cache(retention_ms)
_needs_commitment = cache(needs_commitment)


def is_reason_code(text: str) -> bool:
    """Tell whether a text is a reason code: a word of up to 64 lower-case letters, digits and _; never free text."""
    return _REASON_CODE.fullmatch(text) is not None


def kind_number(kind: Kind) -> taxonomy_pb2.Kind.ValueType:
    """Give a kind's number on the wire."""
    return _KIND_NUMBERS[kind]


def kind_of(number: int) -> Kind:
    """Give the kind of a number on the wire; raises ClaimInvalid where there is none."""
    try:
        return _KINDS[taxonomy_pb2.Kind.ValueType(number)]
    except KeyError:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "unknown kind") from None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a contributor states, before it is bound to a tag. Times in milliseconds UTC."""

    kind: Kind
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    observed_from: int
    observed_to: int
    filed_at: int
    expires_at: int
    sharing: SharingLevel = SharingLevel.AMBER
    evidence_commitment: bytes = b""
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class SealedClaim:
    """A claim as it is contributed."""

    entry_id: bytes
    claim: bytes
    signature: bytes
    handle: bytes
    box: bytes

    def __repr__(self) -> str:
        return f"SealedClaim({self.entry_id.hex()})"


@dataclass(frozen=True, slots=True, repr=False)
class OpenedClaim:
    """A claim that a reader may believe."""

    entry_id: bytes
    contributor: str
    kind: Kind
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    observed_from: int
    observed_to: int
    filed_at: int
    expires_at: int
    sharing: SharingLevel
    label: Label
    substance_sha256: bytes = b""
    """What a liaison countersigns of it; empty where none has to."""


@dataclass(frozen=True, slots=True, repr=False)
class _DrawnUp:
    """A claim as it will be signed, and what seals it."""

    entry_id: bytes
    claim: bytes
    salt: bytes
    label: bytes
    label_key: bytes


def draft_of(claim: bytes, label: bytes) -> Draft:
    """Give what claim bytes state, so that it can be stated in another epoch; raises ClaimInvalid.

    `label` is serialised; an empty one was none, or said nothing.
    """
    stated = parse(claim)
    role, evidence = _words(stated)
    return Draft(
        kind=kind_of(stated.kind),
        category=Category(stated.category),
        role=role,
        evidence=evidence,
        observed_from=stated.observed_from,
        observed_to=stated.observed_to,
        filed_at=stated.filed_at,
        expires_at=stated.expires_at,
        sharing=SharingLevel(stated.sharing_level),
        evidence_commitment=stated.evidence_commitment,
        label=Label.FromString(label) if label else None,
    )


def seal_claim(
    draft: Draft,
    *,
    epoch: int,
    tag: bytes,
    label_key: bytes,
    contributor: str,
    signing_key: SigningKey,
    entry_id: bytes | None = None,
) -> SealedClaim:
    """Draw up, sign and seal a claim; raises ClaimInvalid where the draft breaks a rule."""
    drawn = _drawn_up(draft, epoch, tag, label_key, contributor, entry_id or os.urandom(sealing.ENTRY_ID_BYTES))
    return _sealed(drawn, signing_key.sign(CLAIM, drawn.claim))


def seal_claims(
    drafts: Sequence[Draft],
    *,
    epoch: int,
    tags: bytes,
    label_keys: Secret,
    contributor: str,
    signing_key: SigningKey,
) -> list[SealedClaim | ClaimInvalid]:
    """Do as `seal_claim` with each draft and its tag and label key, 32 bytes each; gives what it would give or raise.

    All are signed in one call.
    """
    keys, size = label_keys.reveal(), _LABEL_KEY_BYTES
    if not len(tags) == len(keys) == size * len(drafts):
        raise ValueError("drafts, tags and label keys differ in number")
    drawn: list[_DrawnUp | ClaimInvalid] = []
    for start, draft in zip(range(0, len(keys), size), drafts, strict=True):
        tag, key, entry_id = tags[start : start + size], keys[start : start + size], os.urandom(sealing.ENTRY_ID_BYTES)
        try:
            drawn.append(_drawn_up(draft, epoch, tag, key, contributor, entry_id))
        except ClaimInvalid as error:
            drawn.append(error)
    payloads = [it.claim for it in drawn if isinstance(it, _DrawnUp)]
    signatures = iter(signing_key.sign_many(CLAIM, payloads) if payloads else ())
    return [_sealed(it, next(signatures)) if isinstance(it, _DrawnUp) else it for it in drawn]


def _drawn_up(draft: Draft, epoch: int, tag: bytes, label_key: bytes, contributor: str, entry_id: bytes) -> _DrawnUp:
    label = _label_bytes(draft)
    salt = os.urandom(_SALT_BYTES)
    claim = Claim(
        entry_id=entry_id,
        epoch=epoch,
        tag=tag,
        contributor=contributor,
        kind=kind_number(draft.kind),
        category=taxonomy_pb2.Category.ValueType(draft.category),
        subject_role=taxonomy_pb2.SubjectRole.ValueType(draft.role),
        evidence_level=taxonomy_pb2.EvidenceLevel.ValueType(draft.evidence),
        observed_from=draft.observed_from,
        observed_to=draft.observed_to,
        filed_at=draft.filed_at,
        expires_at=draft.expires_at,
        sharing_level=taxonomy_pb2.SharingLevel.ValueType(draft.sharing),
        label_commitment=sha256(salt + label).digest(),
        evidence_commitment=draft.evidence_commitment,
        dispute_commitment=sealing.dispute_commitment(label_key, entry_id),
    )
    validate(claim)
    return _DrawnUp(entry_id, claim.SerializeToString(), salt, label, label_key)


def _sealed(drawn: _DrawnUp, signature: bytes) -> SealedClaim:
    contents = BoxContents(claim=drawn.claim, signature=signature, salt=drawn.salt, label=drawn.label)
    return SealedClaim(
        entry_id=drawn.entry_id,
        claim=drawn.claim,
        signature=signature,
        handle=sealing.handle(drawn.label_key, drawn.entry_id),
        box=sealing.seal(drawn.label_key, drawn.entry_id, contents.SerializeToString()),
    )


def _label_bytes(draft: Draft) -> bytes:
    """Serialise a draft's label; raises ClaimInvalid where it is too long."""
    label = draft.label.SerializeToString() if draft.label is not None else b""
    if len(label) > MAX_LABEL_BYTES:
        raise ClaimInvalid(Reason.CLAIM_INVALID, f"the label takes {len(label)} bytes; {MAX_LABEL_BYTES} fit")
    return label


def parse(claim_bytes: bytes) -> Claim:
    """Parse claim bytes and validate them; raises ClaimInvalid."""
    claim = Claim()
    try:
        claim.ParseFromString(claim_bytes)
    except DecodeError:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "not a claim") from None
    validate(claim)
    return claim


def validate(claim: Claim) -> None:
    """Raise ClaimInvalid unless the claim's fields keep every rule that needs no clock."""
    if (
        len(claim.entry_id) != sealing.ENTRY_ID_BYTES
        or len(claim.tag) != _TAG_BYTES
        or len(claim.label_commitment) != _DIGEST_BYTES
        or len(claim.dispute_commitment) != _DIGEST_BYTES
    ):
        raise _wrong_length()
    _check_contributor(claim.contributor, claim.epoch)
    kind = kind_of(claim.kind)
    role, evidence = _words(claim)
    _check_terms(claim, kind, role, evidence)


def check(draft: Draft, *, contributor: str) -> None:
    """Raise ClaimInvalid where the claim of this draft would break a rule, whatever its tag."""
    _label_bytes(draft)
    _check_contributor(contributor, epoch=1)
    _check_terms(draft, draft.kind, draft.role, draft.evidence)


def _check_contributor(contributor: str, epoch: int) -> None:
    if not 0 < len(contributor.encode()) <= MAX_CONTRIBUTOR_BYTES or epoch == 0:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "contributor or epoch is missing or too long")


def _check_terms(stated: Claim | Draft, kind: Kind, role: SubjectRole, evidence: EvidenceLevel) -> None:
    """Check what claim and draft have in common: the commitment, the times and the rules of filing."""
    commitment = stated.evidence_commitment
    if commitment and len(commitment) != _DIGEST_BYTES:
        raise _wrong_length()
    if not commitment and _needs_commitment(role, evidence):
        raise ClaimInvalid(
            Reason.CLAIM_INVALID, "evidence above E1, and whoever is protected, needs a commitment to a file"
        )
    filed_at = stated.filed_at
    if not 0 < stated.observed_from <= stated.observed_to <= filed_at:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "observed_from, observed_to and filed_at are not in this order")
    if not filed_at < stated.expires_at <= filed_at + _retention_ms(kind, role, evidence):
        raise ClaimInvalid(Reason.EXPIRY_OUT_OF_BOUNDS, "the expiry exceeds the retention table")
    _check_filing(stated, kind, role, evidence)


def _check_filing(stated: Claim | Draft, kind: Kind, role: SubjectRole, evidence: EvidenceLevel) -> None:
    """Check what may be filed in the category at all."""
    category = _CATEGORIES[stated.category]
    if broken := broken_filing_rule(category, kind, role, evidence):
        raise ClaimInvalid(Reason.FILING_RULE_BROKEN, broken)
    if stated.filed_at - stated.observed_to > _LONGEST_AGES[category]:
        days = _LONGEST_AGES[category] // DAY_MS
        raise ClaimInvalid(
            Reason.FILING_RULE_BROKEN,
            f"the category {category} is about conduct that ended so many days ago at most: {days}",
        )


def _wrong_length() -> ClaimInvalid:
    return ClaimInvalid(Reason.CLAIM_INVALID, "a field of fixed length has another length")


def _words(claim: Claim) -> tuple[SubjectRole, EvidenceLevel]:
    role, evidence = _ROLES.get(claim.subject_role), _EVIDENCE_LEVELS.get(claim.evidence_level)
    known = claim.category in _CATEGORIES and claim.sharing_level in _SHARING_LEVELS
    if role is None or evidence is None or not known:
        raise ClaimInvalid(Reason.CLAIM_INVALID, "category, role, evidence or sharing level is unknown")
    return role, evidence


def open_box(
    box: bytes,
    *,
    entry_id: bytes,
    epoch: int,
    tag: bytes,
    label_key: bytes,
    claim_sha256: bytes,
    key_of: Callable[[str], VerifyingKey | None],
) -> OpenedClaim:
    """Open a box and believe its claim.

    `claim_sha256` is what the hub says of the claim that it holds: a contributor cannot seal another one than it
    filed, with better evidence, say. `key_of` gives a member's identity key from the directory, or None where there
    is no such member. Raises BoxInvalid (box, or claim of another thing), ClaimInvalid or SignatureInvalid.
    """
    contents = BoxContents()
    try:
        contents.ParseFromString(sealing.open_sealed(label_key, entry_id, box))
    except DecodeError:
        raise BoxInvalid("the box holds no claim") from None
    if not hmac.compare_digest(sha256(contents.claim).digest(), claim_sha256):
        raise ClaimInvalid(Reason.CLAIM_INVALID, "the claim inside is not the one that the hub holds")
    claim = parse(contents.claim)
    if (claim.entry_id, claim.epoch, claim.tag) != (entry_id, epoch, tag):
        raise BoxInvalid("the claim inside is about another tag, entry or epoch")
    key = key_of(claim.contributor)
    if key is None or len(contents.signature) != SIGNATURE_BYTES:
        raise SignatureInvalid("the contributor is no member, or did not sign")
    key.verify(CLAIM, contents.claim, contents.signature)
    if sha256(contents.salt + contents.label).digest() != claim.label_commitment:
        raise BoxInvalid("the label is not the one that the claim commits to")
    if not hmac.compare_digest(claim.dispute_commitment, sealing.dispute_commitment(label_key, entry_id)):
        raise BoxInvalid("the claim commits to another dispute token, so that nobody could contest it")
    return _opened(claim, contents.label)


def _opened(claim: Claim, label: bytes) -> OpenedClaim:
    role, evidence = _words(claim)
    return OpenedClaim(
        entry_id=claim.entry_id,
        contributor=claim.contributor,
        kind=kind_of(claim.kind),
        category=Category(claim.category),
        role=role,
        evidence=evidence,
        observed_from=claim.observed_from,
        observed_to=claim.observed_to,
        filed_at=claim.filed_at,
        expires_at=claim.expires_at,
        sharing=SharingLevel(claim.sharing_level),
        label=_parse_label(label),
        substance_sha256=substance_sha256(claim) if evidence in COUNTERSIGNED_LEVELS else b"",
    )


def _parse_label(label: bytes) -> Label:
    parsed = Label()
    try:
        parsed.ParseFromString(label)
    except DecodeError:
        raise BoxInvalid("the label cannot be read") from None
    return parsed
