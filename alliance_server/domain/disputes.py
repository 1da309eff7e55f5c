"""Disputes as the hub holds them: what may be opened, answered, escalated and decided, and when.

- Who opens one shows the dispute token, which only a holder of the identifier derives. The token is compared and
  forgotten; what is signed and kept binds its digest alone.
- The same claim in two epochs is one thing: a dispute is about whatever claim says the same by now.
- A claim whose contributor upheld it is contested again with evidence that is new, or not at all.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, TypeVar

from alliance.claims import is_reason_code
from alliance.crypto.sealing import DISPUTE_ID_BYTES, ENTRY_ID_BYTES, STATEMENT_BYTES
from alliance.disputes import (
    ESCALATE_WITHIN_MS,
    REVIEW_WITHIN_MS,
    WAITING_STATES,
    DisputeGround,
    DisputeOutcome,
    DisputeState,
    ReviewDecision,
    answer_within_ms,
)
from alliance.errors import Reason
from alliance.statements import DISPUTE_OPENING
from alliance.taxonomy import DAY_MS, ClaimStatus, Word
from alliance.v1.claim_pb2 import Claim
from alliance.v1.dispute_pb2 import DisputeOpening
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller
from alliance_server.domain.statements import check_fresh, read_statement

W = TypeVar("W", bound=Word)

SEALED_KEPT_MS: Final = 30 * DAY_MS
"""How long the consumer's statement stays after a dispute is closed."""
DISPUTE_KEPT_MS: Final = 3 * 365 * DAY_MS
"""How long what was decided stays after a dispute is closed."""
MAX_STATEMENT_BYTES: Final = 1024

UNFINISHED: Final = frozenset({*WAITING_STATES, DisputeState.ESCALATED})
"""States of disputes that end with their claim."""
FLAGGING: Final = WAITING_STATES | {DisputeState.CLAIM_SUSPENDED}
"""States in which a dispute keeps its claim from being active."""
_DIGEST_BYTES = _TOKEN_BYTES = 32
_NO_CLAIM: Final = Claim(dispute_commitment=bytes(_DIGEST_BYTES)).SerializeToString()
_ENDED: Final = {
    ClaimStatus.CORRECTED: DisputeState.CORRECTED,
    ClaimStatus.WITHDRAWN: DisputeState.WITHDRAWN,
    ClaimStatus.RECALLED: DisputeState.RECALLED,
}


@dataclass(frozen=True, slots=True, repr=False)
class Opening:
    """What a member asks for who opens a dispute, read and checked by itself."""

    dispute_id: bytes
    entry_id: bytes
    ground: DisputeGround
    request_commitment: bytes
    evidence_digest: bytes
    token_sha256: bytes
    sealed: bytes
    statement: bytes
    content_sha256: bytes
    """Of all that was signed but the time: what a retry must repeat."""


@dataclass(frozen=True, slots=True, repr=False)
class Dispute:
    """A dispute as it is kept. Times in milliseconds UTC."""

    id: bytes
    entry_id: bytes
    """The claim that it was opened about."""
    claim_id: bytes
    """The claim that says the same by now: another one once the epoch of the first is gone."""
    contributor: str
    opener: str
    ground: DisputeGround
    state: DisputeState
    opened_at: int
    due_at: int
    """Of the contributor's answer, or of the reviewer's decision."""
    content_sha256: bytes
    request_commitment: bytes
    evidence_digest: bytes
    opening: bytes
    sealed: bytes | None
    answer: bytes | None = None
    answer_reason: str = ""
    answered_at: int | None = None
    escalated_at: int | None = None
    review: bytes | None = None
    decision_reason: str = ""
    decided_at: int | None = None
    closed_at: int | None = None
    """Since when nobody is to act any more."""

    @property
    def escalate_until(self) -> int:
        """Until when it may be escalated, exclusive; 0 where it may not."""
        may = self.state is DisputeState.UPHELD and self.answered_at is not None
        return (self.answered_at or 0) + ESCALATE_WITHIN_MS if may else 0


@dataclass(frozen=True, slots=True)
class Overdue:
    """What is overdue of a contributor, in numbers, and since when the oldest of it is, milliseconds UTC."""

    contributor: str
    unanswered: int
    undecided: int
    since: int


def read_opening(caller: Caller, statement: SignedStatement, token: bytes, sealed: bytes, now: int) -> Opening:
    """Read what the caller signed, with the token and the sealed statement; raises Refused or SignatureInvalid."""
    said = read_statement(caller, DISPUTE_OPENING, statement, DisputeOpening(), MAX_STATEMENT_BYTES)
    check_fresh(caller, said.member, said.time, now)
    if len(said.dispute_id) != DISPUTE_ID_BYTES or len(said.entry_id) != ENTRY_ID_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "a dispute id and an entry id have 16 bytes")
    if len(said.request_commitment) != _DIGEST_BYTES or len(said.evidence_digest) not in (0, _DIGEST_BYTES):
        raise Refused(Reason.INVALID_REQUEST, "a digest has another length")
    if len(sealed) != STATEMENT_BYTES or not hmac.compare_digest(sha256(sealed).digest(), said.sealed_sha256):
        raise Refused(Reason.INVALID_REQUEST, "the sealed statement is not the one that was signed for")
    if len(token) != _TOKEN_BYTES or not hmac.compare_digest(sha256(token).digest(), said.token_sha256):
        raise Refused(Reason.INVALID_REQUEST, "the token is not the one that was signed for")
    timeless = DisputeOpening()
    timeless.CopyFrom(said)
    timeless.ClearField("time")
    return Opening(
        dispute_id=said.dispute_id,
        entry_id=said.entry_id,
        ground=word_of(DisputeGround, said.ground),
        request_commitment=said.request_commitment,
        evidence_digest=said.evidence_digest,
        token_sha256=said.token_sha256,
        sealed=sealed,
        statement=statement.SerializeToString(),
        content_sha256=sha256(timeless.SerializeToString(deterministic=True)).digest(),
    )


def check_token(opening: Opening, claim: StoredClaim | None, opener: str, now: int) -> StoredClaim:
    """Give the claim that may be contested; raises Refused with the one merged reason.

    An unknown claim takes the same steps as a wrong token: neither the answer nor its time tells which it was.
    """
    commitment = Claim.FromString(_NO_CLAIM if claim is None else claim.claim).dispute_commitment
    holds = hmac.compare_digest(opening.token_sha256, commitment)
    if claim is None or not holds or not claim.is_live(now) or claim.contributor == opener:
        raise Refused(Reason.DISPUTE_NOT_POSSIBLE, "no such live claim of another member, or the token is not its")
    return claim


def check_earlier(opening: Opening, earlier: Sequence[Dispute]) -> None:
    """Raise Refused where a dispute about the claim waits, or one was answered and this one brings nothing new."""
    if any(it.state in FLAGGING for it in earlier):
        raise Refused(Reason.DISPUTE_OPEN, "a dispute about the claim waits, or has had it suspended")
    known = {it.evidence_digest for it in earlier}
    if earlier and (not opening.evidence_digest or opening.evidence_digest in known):
        raise Refused(Reason.DISPUTE_REPEATED, "no evidence that no earlier dispute brought")


def opened(opening: Opening, claim: StoredClaim, opener: str, now: int) -> Dispute:
    """Give the dispute that is opened."""
    return Dispute(
        id=opening.dispute_id,
        entry_id=opening.entry_id,
        claim_id=claim.entry_id,
        contributor=claim.contributor,
        opener=opener,
        ground=opening.ground,
        state=DisputeState.OPEN,
        opened_at=now,
        due_at=now + answer_within_ms(opening.ground),
        content_sha256=opening.content_sha256,
        request_commitment=opening.request_commitment,
        evidence_digest=opening.evidence_digest,
        opening=opening.statement,
        sealed=opening.sealed,
    )


def answered(dispute: Dispute, outcome: DisputeOutcome, reason: str, statement: bytes, now: int) -> Dispute:
    """Give the dispute as an answer leaves it; raises Refused.

    A claim that a reviewer had suspended may still be ended by its contributor, and not be upheld.
    """
    may_end = dispute.state is DisputeState.CLAIM_SUSPENDED and outcome is not DisputeOutcome.UPHELD
    if dispute.state not in WAITING_STATES and not may_end:
        raise Refused(Reason.DISPUTE_CLOSED, f"the dispute is {dispute.state.word}")
    return replace(
        dispute,
        state=DisputeState[outcome.name],
        answer=statement,
        answer_reason=reason,
        answered_at=now,
        closed_at=now,
    )


def escalated(dispute: Dispute, now: int) -> Dispute:
    """Give the dispute as it waits for a reviewer; raises Refused."""
    if now >= dispute.escalate_until:
        raise Refused(Reason.DISPUTE_NOT_ESCALATABLE, f"the dispute is {dispute.state.word}, or was upheld long ago")
    waits = DisputeState.ESCALATED
    return replace(dispute, state=waits, escalated_at=now, due_at=now + REVIEW_WITHIN_MS, closed_at=None)


def decided(dispute: Dispute, decision: ReviewDecision, reason: str, statement: bytes, now: int) -> Dispute:
    """Give the dispute as a review leaves it; raises Refused."""
    if dispute.state is not DisputeState.ESCALATED:
        raise Refused(Reason.DISPUTE_CLOSED, f"the dispute is {dispute.state.word}")
    state = DisputeState[decision.name]
    return replace(dispute, state=state, review=statement, decision_reason=reason, decided_at=now, closed_at=now)


def lapsed(dispute: Dispute) -> Dispute:
    """Give a dispute that nobody answered in time."""
    return replace(dispute, state=DisputeState.UNANSWERED)


def over(dispute: Dispute, status: ClaimStatus | None, now: int) -> Dispute:
    """Give a dispute whose claim has ended by itself or by its contributor, or is gone."""
    state = DisputeState.EXPIRED if status is None else _ENDED.get(status, DisputeState.EXPIRED)
    return replace(dispute, state=state, answered_at=dispute.answered_at or now, closed_at=now)


def word_of(words: type[W], number: int) -> W:
    """Read a word by its number on the wire; raises Refused."""
    try:
        return words(number)
    except ValueError:
        raise Refused(Reason.INVALID_REQUEST, f"there is no such {words.__name__}") from None


def check_reason_code(reason: str) -> None:
    """Raise Refused unless it is a reason code: it is read by who must not learn whom a dispute is about."""
    if not is_reason_code(reason):
        raise Refused(Reason.INVALID_REQUEST, "a reason code is a word of up to 64 lower-case letters, digits and _")
