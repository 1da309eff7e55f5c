"""What happened to a member's own customers: one event, and its form for files and programs.

An event names the caller's own reference and the field; it never holds an identifier. Numbers rise for good within a
book, and an event that is told again has the same number.
"""

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, Self

from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client.errors import StoreDamaged


class WatchKind(StrEnum):
    """What happened."""

    MATCH_NEW = "match.new"
    MATCH_CHANGED = "match.changed"
    MATCH_CLEARED = "match.cleared"
    RECALL = "recall"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """What happened to a claim about somebody in the book.

    `ref` and `field` are those under which the identifier was added. `status` is the claim's from now on, or its last
    where it is gone and nobody signed why; `action` is what all claims about this ref together permit at most from now
    on, `reason` the code with which a status was changed. `at` is when it was noticed here, milliseconds UTC. `book`
    names the book that the number counts in.
    """

    number: int
    kind: WatchKind
    ref: str
    field: str
    entry_id: bytes
    contributor: str
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    status: ClaimStatus
    action: Action
    expires_at: int
    at: int
    book: str
    reason: str = ""

    @property
    def event_id(self) -> str:
        """The event's name, the same each time that it is told, and never another event's.

        A book that was put back from a backup counts on from an earlier number: its content tells events apart.
        """
        return f"{self.book}-{self.number}-{sha256(self.to_bytes()).hexdigest()[:16]}"

    def record(self) -> dict[str, Any]:
        """Give the event in the words of files and webhooks; times as RFC 3339."""
        return {
            "number": self.number,
            "kind": self.kind.value,
            "ref": self.ref,
            "field": self.field,
            "entry": self.entry_id.hex(),
            "contributor": self.contributor,
            "category": self.category.word,
            "role": self.role.word,
            "evidence": self.evidence.name,
            "status": self.status.word,
            "action": self.action.word,
            "reason": self.reason,
            "until": moment(self.expires_at),
            "at": moment(self.at),
            "book": self.book,
        }

    def to_bytes(self) -> bytes:
        """Give the form that the book keeps, sealed."""
        return json.dumps({name: getattr(self, name) for name in _NAMES}, default=bytes.hex).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` gave; raises StoreDamaged."""
        try:
            raw: dict[str, Any] = json.loads(data)
            return cls(**{name: _READ.get(name, _same)(raw[name]) for name in _NAMES})
        except (ValueError, KeyError, TypeError):
            raise StoreDamaged("An event of the watch cannot be read.") from None


def moment(ms: int) -> str:
    """Give a time as RFC 3339, UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _same(value: Any) -> Any:  # noqa: ANN401 - what JSON gave
    return value


_NAMES: Final = tuple(field.name for field in fields(WatchEvent))
_READ: Final[dict[str, Any]] = {
    "kind": WatchKind,
    "entry_id": bytes.fromhex,
    "category": Category,
    "role": SubjectRole,
    "evidence": EvidenceLevel,
    "status": ClaimStatus,
    "action": Action,
}
