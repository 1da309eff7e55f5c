"""From a row to a draft that keeps every rule, or a refusal, before anything is evaluated. No network.

`alliance.claims` is the one place of a claim's rules: its `check` is asked here, so that a row which would be refused
anyway costs no evaluation.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from alliance import claims
from alliance.claims import Draft
from alliance.errors import ClaimInvalid, Reason
from alliance.identifiers import Identifier, InvalidIdentifier
from alliance.identifiers import Reason as IdentifierReason
from alliance.taxonomy import retention_ms
from alliance.v1.claim_pb2 import Label
from member_client._canonical import Canon
from member_client._contributions import ContributionRow
from member_client._development import refusal_of
from member_client._framing import pack, pack_text

SALT_BYTES: Final = 32
_READ_BYTES: Final = 1 << 20
_NO_TEXTS: Final = pack_text(("",) * 4)

HOW_TO_FIX: Final[dict[Reason, str]] = {
    Reason.CLAIM_INVALID: "Correct category, role, evidence, dates or label; evidence above E1 needs its file.",
    Reason.FILING_RULE_BROKEN: (
        "File it in the category that it belongs to, or leave the row out; member-client taxonomy --table filing lists "
        "the rules."
    ),
    Reason.TWO_OPERATORS_NEEDED: (
        "Contribute the row with --operator NAME; another operator approves it then (member-client review approve)."
    ),
    Reason.BUDGET_EXHAUSTED: "Contribute the row again tomorrow: today's budget for such claims is spent.",
    Reason.EXPIRY_OUT_OF_BOUNDS: "Give an earlier end, or none: then the retention table's limit is taken.",
    Reason.LIVE_CLAIM_EXISTS: (
        "A claim of yours stands on this identifier in this category and says something else: amend it (--amend), or "
        "withdraw it first."
    ),
    Reason.COUNTERSIGNATURE_MISSING: (
        "Contribute the row again and have a police liaison countersign it (member-client claims countersign request), "
        "or contribute it at E3."
    ),
    Reason.NO_EVALUATION_LEFT: "Contribute the row again: it is then evaluated anew.",
    Reason.SIGNATURE_INVALID: "The hub knows another identity key of this member: ask the alliance's office.",
    Reason.CONFLICTING_RETRY: "Contribute the row again: it is then drawn up anew.",
    Reason.EPOCH_NOT_SERVED: "The epoch changed meanwhile: contribute the row again.",
    Reason.STORAGE_FULL: "The hub's storage is full: contribute the row again later.",
    Reason.UNAVAILABLE: "The hub is busy: contribute the row again later.",
    Reason.INTERNAL: "The hub failed on this row: contribute it again, and report it where it stays.",
}


CONTESTED: Final = (
    "A claim of yours stands on this identifier in this category and is contested: answer the dispute first "
    "(member-client dispute queue)."
)
WITHDRAWN_BEFORE: Final = "withdrawn_before"
RELIST: Final = (
    "You withdrew your claim on this identifier in this category: leave the row out, or list it anew on purpose "
    "(--relist)."
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a row goes nowhere: the reason's word and a sentence, without any value."""

    reason: str
    how_to_fix: str

    @classmethod
    def by(cls, reason: Reason, detail: str = "") -> "Refused":
        """Give the refusal for a reason of the catalogue; the detail goes before the advice."""
        advice = HOW_TO_FIX.get(reason, "Correct the row; the reason says what is wrong with it.")
        return cls(reason.name.lower(), f"{detail[:1].upper()}{detail[1:]}. {advice}" if detail else advice)


@dataclass(frozen=True, slots=True, repr=False)
class Drafted:
    """A row that may be contributed: its identifier, its draft, the salt of its evidence, and what it says."""

    identifier: Identifier
    draft: Draft
    evidence_salt: bytes
    content: bytes


def all_drafted(rows: Sequence[ContributionRow], *, canon: Canon, member: str, now_ms: int) -> list[Drafted | Refused]:
    """Draw rows up, or refuse them: work for a thread, since it may read evidence."""
    forms = canon.forms([(row.kind, row.text) for row in rows])
    return [_drafted(row, form, canon.alliance, member, now_ms) for row, form in zip(rows, forms, strict=True)]


def _drafted(
    row: ContributionRow, identifier: Identifier | IdentifierReason, alliance: str, member: str, now_ms: int
) -> Drafted | Refused:
    if isinstance(identifier, IdentifierReason):
        return Refused(identifier.value, InvalidIdentifier(row.kind, identifier).how_to_fix)
    if (refused := refusal_of(identifier, alliance)) is not None:
        return Refused(*refused)
    try:
        salt, commitment, evidence = _evidence(row)
    except OSError:
        return Refused("evidence_unreadable", "The evidence's file cannot be read: check its path and permissions.")
    try:
        draft = _draft(row, commitment, now_ms)
        _check(draft, member)
    except ClaimInvalid as error:
        return Refused.by(error.reason, str(error))
    except ValueError:
        return Refused.by(Reason.CLAIM_INVALID)
    return Drafted(identifier, draft, salt, _content(row, evidence))


def _draft(row: ContributionRow, commitment: bytes, now_ms: int) -> Draft:
    observed_to = now_ms if row.observed_to is None else row.observed_to
    expires_at = row.expires_at
    if expires_at is None:
        expires_at = now_ms + retention_ms(row.kind, row.role, row.evidence)
    return Draft(
        kind=row.kind,
        category=row.category,
        role=row.role,
        evidence=row.evidence,
        observed_from=observed_to if row.observed_from is None else row.observed_from,
        observed_to=observed_to,
        filed_at=now_ms,
        expires_at=expires_at,
        sharing=row.sharing,
        evidence_commitment=commitment,
        label=_label(row),
    )


def _label(row: ContributionRow) -> Label | None:
    """Give the label of a row; None where it says nothing, as the rows of long lists do."""
    if not (row.narrative_code or row.case_reference or row.desk_alias or row.product_outcome):
        return None
    return Label(
        narrative_code=row.narrative_code,
        case_reference=row.case_reference,
        desk_alias=row.desk_alias,
        product_outcome=row.product_outcome,
    )


def _check(draft: Draft, member: str) -> None:
    """Raise ClaimInvalid where the claim of this draft would break a rule."""
    claims.check(draft, contributor=member)


def _evidence(row: ContributionRow) -> tuple[bytes, bytes, bytes]:
    """Give a new salt, SHA-256(salt ‖ file) and SHA-256(file), all empty where there is no evidence.

    Where the row holds a digest instead of a file, the digest's bytes take the file's place.
    """
    if row.evidence_file is not None:
        salt = os.urandom(SALT_BYTES)
        salted = sha256(salt)
        for chunk in _chunks(row.evidence_file):
            salted.update(chunk)
        status = row.evidence_file.stat()
        return salt, salted.digest(), _file_digest(row.evidence_file, status.st_mtime_ns, status.st_size)
    if row.evidence_digest:
        salt = os.urandom(SALT_BYTES)
        return salt, sha256(salt + row.evidence_digest).digest(), row.evidence_digest
    return b"", b"", b""


@lru_cache(maxsize=256)
def _file_digest(path: Path, _modified: int, _size: int) -> bytes:
    digest = sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.digest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            yield chunk


def _content(row: ContributionRow, evidence: bytes) -> bytes:
    """Give what a row says, whenever it is drawn up: equal content is the same contribution."""
    said = _numbers(row.role, row.evidence, row.sharing, row.expires_at, row.observed_from, row.observed_to)
    texts = (row.narrative_code, row.case_reference, row.desk_alias, row.product_outcome)
    said += pack_text(texts) if any(texts) else _NO_TEXTS
    return sha256(said + pack(evidence)).digest()


@lru_cache(maxsize=1024)
def _numbers(*numbers: int | None) -> bytes:
    """Frame numbers as texts; the rows of a list differ in few of them."""
    return pack_text(str(number) for number in numbers)
