"""The words and clocks of disputes: why a claim is contested, where that is, and who has until when to act.

- A dispute is about one claim. It waits for the contributor first; a claim whose contributor is late is suspended.
- Who opened it may have an upheld claim looked at by a reviewer, who belongs to no member.
- Numbers and words are frozen, as those of the taxonomy.
"""

from typing import Final

from alliance.taxonomy import DAY_MS, ClaimStatus, Word


class DisputeGround(Word):
    """Why a consumer contests a claim."""

    IDENTITY_THEFT = 1
    WRONG_PERSON = 2
    INACCURATE = 3
    OUTDATED = 4
    UNAUTHORISED_USE = 5


class DisputeState(Word):
    """Where a dispute is."""

    OPEN = 1
    UPHELD = 2
    CORRECTED = 3
    WITHDRAWN = 4
    RECALLED = 5
    EXPIRED = 6
    UNANSWERED = 7
    ESCALATED = 8
    CLAIM_STANDS = 9
    CLAIM_SUSPENDED = 10


class DisputeOutcome(Word):
    """What a contributor answers: it upholds its claim, or ends it."""

    UPHELD = 1
    CORRECTED = 2
    WITHDRAWN = 3
    RECALLED = 4


class ReviewDecision(Word):
    """What a reviewer decides."""

    CLAIM_STANDS = 1
    CLAIM_SUSPENDED = 2


ENDING_STATUSES: Final = {
    DisputeOutcome.CORRECTED: ClaimStatus.CORRECTED,
    DisputeOutcome.WITHDRAWN: ClaimStatus.WITHDRAWN,
    DisputeOutcome.RECALLED: ClaimStatus.RECALLED,
}
"""The status that a claim has after an outcome that ends it."""

WAITING_STATES: Final = frozenset({DisputeState.OPEN, DisputeState.UNANSWERED})
"""The contributor is to answer."""

ANSWER_WITHIN_MS: Final = 20 * DAY_MS
THEFT_ANSWER_WITHIN_MS: Final = 4 * DAY_MS
ESCALATE_WITHIN_MS: Final = 30 * DAY_MS
"""After a claim was upheld."""
REVIEW_WITHIN_MS: Final = 20 * DAY_MS
MAX_REASON_BYTES: Final = 64


def answer_within_ms(ground: DisputeGround) -> int:
    """Give how long a contributor has for its answer, milliseconds."""
    return THEFT_ANSWER_WITHIN_MS if ground is DisputeGround.IDENTITY_THEFT else ANSWER_WITHIN_MS
