"""The words of cases, where a case may go from where, and the clocks. Numbers and words are frozen."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from alliance.taxonomy import DAY_MS, Word

HOUR_MS: Final = 60 * 60 * 1000


class InstrumentType(Word):
    """The legal instrument that a liaison acts under."""

    EVIDENCE_NOTICE = 1
    INQUIRY_NOTICE = 2
    EMERGENCY_STOP = 3
    COURT_ORDER = 4


class UrgencyGround(Word):
    """Why a case is urgent."""

    LIFE_AT_RISK = 1
    FUNDS_MOVING = 2
    FLIGHT = 3
    EVIDENCE_AT_RISK = 4


class CaseState(Word):
    """Where a case is. A draft is its liaison's own; the hub has none."""

    DRAFT = 1
    SUBMITTED = 2
    APPROVED = 3
    REFUSED = 4
    MATCHING = 5
    OPEN = 6
    CLOSED = 7
    EXPIRED = 8
    WITHDRAWN = 9


class CaseVerdict(Word):
    """What an approver decides."""

    APPROVE = 1
    REFUSE = 2


class ReleaseOutcome(Word):
    """How a member answers about one of its claims."""

    RELEASED = 1
    DECLINED = 2
    NOTHING = 3


ENDED_STATES: Final = frozenset({CaseState.REFUSED, CaseState.CLOSED, CaseState.EXPIRED, CaseState.WITHDRAWN})

TRANSITIONS: Final[Mapping[CaseState, frozenset[CaseState]]] = MappingProxyType(
    {
        CaseState.DRAFT: frozenset({CaseState.SUBMITTED, CaseState.WITHDRAWN}),
        CaseState.SUBMITTED: frozenset({CaseState.APPROVED, CaseState.REFUSED, CaseState.EXPIRED, CaseState.WITHDRAWN}),
        CaseState.APPROVED: frozenset({CaseState.MATCHING, CaseState.EXPIRED, CaseState.WITHDRAWN}),
        CaseState.MATCHING: frozenset({CaseState.OPEN, CaseState.EXPIRED, CaseState.WITHDRAWN}),
        CaseState.OPEN: frozenset({CaseState.CLOSED, CaseState.WITHDRAWN}),
        **{state: frozenset() for state in ENDED_STATES},
    }
)
"""Where a case may go next. One that asks members is closed or withdrawn; the clocks run out before that."""

SIGN_WITHIN_MS: Final = DAY_MS
"""After the first officer drew a request or an extension up, the second has signed it and it is submitted."""
DECIDE_WITHIN_MS: Final = 3 * DAY_MS
URGENT_DECIDE_WITHIN_MS: Final = 4 * HOUR_MS
REPLY_WITHIN_MS: Final = 14 * DAY_MS
URGENT_REPLY_WITHIN_MS: Final = DAY_MS
REPLY_AFTER_MS: Final = 2 * DAY_MS
URGENT_REPLY_AFTER_MS: Final = 2 * HOUR_MS
"""No reply is taken sooner: a quick one would show that nobody had to look for anything."""
CLOSES_AFTER_MS: Final = 30 * DAY_MS
"""After the replies' time is over an open case is closed by the clock."""
SEALED_KEPT_MS: Final = 30 * DAY_MS
"""After a case's end what is sealed is deleted: replies, attachments, suspects."""
CASE_KEPT_MS: Final = 3 * 365 * DAY_MS
"""After a case's end its record is deleted, but for what is counted in the quarter's report."""
APPROVERS: Final = 2
OFFICERS: Final = 2
OPENINGS_AN_ENTRY: Final = 4
"""A member that is asked may evaluate so many identifiers for each of its claims: some attempts fail."""


def decide_within_ms(*, is_urgent: bool) -> int:
    """Give how long the approvers have, milliseconds."""
    return URGENT_DECIDE_WITHIN_MS if is_urgent else DECIDE_WITHIN_MS


def reply_window_ms(*, is_urgent: bool) -> tuple[int, int]:
    """Give from when and until when replies are taken after members are asked, milliseconds."""
    if is_urgent:
        return URGENT_REPLY_AFTER_MS, URGENT_REPLY_WITHIN_MS
    return REPLY_AFTER_MS, REPLY_WITHIN_MS
