"""What a screening says: states, matches, and what an institution may do at most.

Rules (protocol reference, section 13):

1. Per field, then the strongest for the subject: match > unknown > unconfirmed > refused > clear.
2. A field that was refused, or could not be asked about, never reads as clear.
3. The action is that of all matches together (`alliance.taxonomy`). A field that could not be settled raises it at
   least to what `on_unavailable` says; one that the alliance's integrity is in doubt about, to step-up always.
4. A verdict names fields and kinds and never holds an identifier.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, Self

from alliance.claims import OpenedClaim
from alliance.identifiers import Kind
from alliance.notices import Language
from alliance.taxonomy import (
    Action,
    Category,
    ClaimStatus,
    EvidenceLevel,
    Ground,
    SubjectRole,
    combined_action,
    permitted_action,
)
from member_client import _notices

OnUnavailable = Literal["step_up", "proceed", "raise"]

INTEGRITY: Final = "integrity"
BUCKET_UNAVAILABLE: Final = "bucket_unavailable"
HUB_UNAVAILABLE: Final = "hub_unavailable"
DEADLINE: Final = "deadline"
STALE: Final = "stale"
NOT_ASKED: Final = "not_asked"


class State(StrEnum):
    """What is known of a field or a subject, from weak to strong as `STRENGTH` orders them."""

    CLEAR = "clear"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"
    UNKNOWN = "unknown"
    MATCH = "match"


STRENGTH: Final = tuple(State)


@dataclass(frozen=True, slots=True)
class Match:
    """A claim about an identifier of the subject, verified. Times in milliseconds UTC; `entry_id` has 16 bytes."""

    field: str
    kind: Kind
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    status: ClaimStatus
    contributor: str
    observed_from: int
    observed_to: int
    filed_at: int
    expires_at: int
    entry_id: bytes
    narrative_code: str = ""
    case_reference: str = ""
    desk_alias: str = ""
    product_outcome: str = ""

    @classmethod
    def of(cls, field: str, claim: OpenedClaim, status: ClaimStatus) -> "Match":
        """Make a match of a claim that was opened and believed."""
        return cls(
            field=field,
            kind=claim.kind,
            category=claim.category,
            role=claim.role,
            evidence=claim.evidence,
            status=status,
            contributor=claim.contributor,
            observed_from=claim.observed_from,
            observed_to=claim.observed_to,
            filed_at=claim.filed_at,
            expires_at=claim.expires_at,
            entry_id=claim.entry_id,
            narrative_code=claim.label.narrative_code,
            case_reference=claim.label.case_reference,
            desk_alias=claim.label.desk_alias,
            product_outcome=claim.label.product_outcome,
        )

    @property
    def ground(self) -> Ground:
        """What of it decides the action."""
        return Ground(self.role, self.evidence, self.status)

    @property
    def action(self) -> Action:
        """What this claim by itself permits at most."""
        return permitted_action(self.ground)


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """What is known of one field; `reason` says why where it is not simply clear or a match."""

    field: str
    kind: Kind
    state: State
    reason: str = ""
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """What several matches say together: best evidence, sources in order, latest end, and the status that stands."""

    evidence: EvidenceLevel
    contributors: tuple[str, ...]
    expires_at: int
    status: ClaimStatus

    @classmethod
    def of(cls, matches: Sequence[Match]) -> Self:
        """Combine at least one match."""
        return cls(
            evidence=max(match.evidence for match in matches),
            contributors=tuple(sorted({match.contributor for match in matches})),
            expires_at=max(match.expires_at for match in matches),
            # Active stands before disputed and suspended in the table of statuses.
            status=min(match.status for match in matches),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a subject.

    `request_id` names the evaluation at the hub, in hexadecimal, if there was one; `place` is the subject's among those
    that were evaluated with it.
    """

    ref: str
    state: State
    action: Action
    fields: tuple[FieldVerdict, ...]
    request_id: str = ""
    integrity: bool = False
    place: int = 0

    @property
    def receipt(self) -> str:
        """The name under which this answer is found again, here and in the audit log; empty if nothing was asked."""
        return f"R-{_named(bytes.fromhex(self.request_id))}-{self.place}" if self.request_id else ""

    @property
    def matches(self) -> tuple[Match, ...]:
        """All matches, by field."""
        return tuple(match for field in self.fields for match in field.matches)

    @property
    def is_final(self) -> bool:
        """True where asking again would not settle more: no field is unknown or unconfirmed."""
        return all(field.state not in (State.UNKNOWN, State.UNCONFIRMED) for field in self.fields)

    def notice(self, language: Language) -> str:
        """Give the text that the person concerned must be able to get when the institution acts on this verdict.

        It names categories, numbers of members, dates, what may be done at most and the ways of remedy; it accuses
        nobody, names no contributor and holds no identifier. Where something is open it asks for verification only.
        A clear verdict owes none and gives an empty text. Raises InvalidUse for a language other than zh-CN and en.
        """
        return _notices.notice(self, language)

    def __repr__(self) -> str:
        return f"Verdict({self.state}, {self.action.word}, {len(self.matches)} matches)"


def _named(request_id: bytes) -> str:
    return base64.b32encode(request_id).decode().rstrip("=")


def strongest(states: Iterable[State]) -> State:
    """Give the strongest state; clear where there is none."""
    return max(states, key=STRENGTH.index, default=State.CLEAR)


def field_verdict(field: str, kind: Kind, matches: Sequence[Match], reason: str = "") -> FieldVerdict:
    """Judge a field that was asked about: its believed claims, and why it is not settled, if it is not.

    A believed claim stands beside an entry that is wrong; without one, the wrong entry leaves it unconfirmed.
    """
    state = State.MATCH if matches else State.UNCONFIRMED if reason else State.CLEAR
    return FieldVerdict(field, kind, state, reason, tuple(matches))


def clear(ref: str, fields: tuple[FieldVerdict, ...], request_id: str, place: int = 0) -> Verdict:
    """Give what `verdict` gives where there are fields and all of them are clear: nearly every row of a screening."""
    return Verdict(ref, State.CLEAR, Action.NONE, fields, request_id, place=place)


def verdict(
    ref: str, fields: Sequence[FieldVerdict], *, on_unavailable: OnUnavailable, request_id: str = "", place: int = 0
) -> Verdict:
    """Judge a subject by its fields. A subject without any field is refused: nothing was asked."""
    state = strongest(field.state for field in fields) if fields else State.REFUSED
    grounds = [match.ground for field in fields for match in field.matches]
    integrity = any(field.reason == INTEGRITY for field in fields)
    action = max(combined_action(grounds), _floor(state, fields, on_unavailable, integrity=integrity))
    return Verdict(ref, state, action, tuple(fields), request_id, integrity, place)


def _floor(state: State, fields: Sequence[FieldVerdict], on_unavailable: OnUnavailable, *, integrity: bool) -> Action:
    """Give the least action: an open question asks for more unless the institution chose to proceed."""
    if integrity:
        return Action.STEP_UP
    unsettled = any(field.state in (State.UNKNOWN, State.UNCONFIRMED) for field in fields)
    if (unsettled or state is State.REFUSED) and on_unavailable != "proceed":
        return Action.STEP_UP
    return Action.NONE
