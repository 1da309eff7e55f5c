"""What is contributed, and what became of it: rows and results, as callers hold them."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from alliance.identifiers import Kind
from alliance.taxonomy import Category, EvidenceLevel, SharingLevel, SubjectRole


@dataclass(frozen=True, slots=True, repr=False)
class ContributionRow:
    """What a member states about one identifier. Times in milliseconds UTC.

    `expires_at` None takes the retention table's limit. `observed_to` None is the time of filing, `observed_from`
    None the same as `observed_to`. Evidence above E1 needs `evidence_file`, or `evidence_digest`, a SHA-256 by which
    the contributor finds the evidence again; either leaves this machine as a salted commitment only. The four texts
    of the label take 96 bytes together at most and are read only by holders of the identifier. `row_number` is the
    caller's own and comes back with the result.
    """

    kind: Kind
    text: str
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    expires_at: int | None = None
    observed_from: int | None = None
    observed_to: int | None = None
    evidence_file: Path | None = None
    evidence_digest: bytes | None = None
    narrative_code: str = ""
    case_reference: str = ""
    desk_alias: str = ""
    product_outcome: str = ""
    sharing: SharingLevel = SharingLevel.AMBER
    row_number: int = 0

    def __repr__(self) -> str:
        return f"ContributionRow({self.row_number}, {self.kind}, {self.category.word})"


class ContributionOutcome(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"
    AMENDED = "amended"
    """Accepted in the place of a claim of this member that said something else, which is withdrawn."""
    UNCHANGED = "unchanged"
    PENDING_REVIEW = "pending_review"
    """Evaluated, sealed and approved by one operator; it is filed once another one approves it."""
    PENDING_COUNTERSIGNATURE = "pending_countersignature"
    """Approved by two operators; it is filed once a police liaison countersigned it."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ContributionResult:
    """What became of a row; reason and advice where it was refused, the claim's name where it stands."""

    row_number: int
    outcome: ContributionOutcome
    reason: str = ""
    how_to_fix: str = ""
    entry_id: bytes = b""


class PreviewOutcome(StrEnum):
    """What would become of a row."""

    NEW = "new"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    """A claim of this member stands there and says something else: it is replaced where that is asked for."""
    PENDING_REVIEW = "pending_review"
    """Two operators must approve it: it would be filed, or wait, after the first."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ContributionPreview:
    """What would become of a row, as far as this machine knows; nothing was sent."""

    row_number: int
    outcome: PreviewOutcome
    reason: str = ""
    how_to_fix: str = ""
