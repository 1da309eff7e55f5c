"""Disputes as the hub shows them: read, and held against what they may be."""

from dataclasses import dataclass, field

from alliance.claims import is_reason_code
from alliance.clock import MAX_TIME_MS
from alliance.crypto.sealing import DISPUTE_ID_BYTES, ENTRY_ID_BYTES, STATEMENT_BYTES
from alliance.disputes import WAITING_STATES, DisputeGround, DisputeState
from alliance.taxonomy import DAY_MS, Category, EvidenceLevel, SubjectRole
from alliance.v1 import dispute_pb2
from member_client.errors import HubError, InvalidUse


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as one of its parties sees it; it does not say who opened it.

    Times in milliseconds UTC, 0 where there is none yet. `due_at` is the contributor's, and once it is escalated the
    reviewer's; `escalate_until` is 0 where it may not be escalated.
    """

    id: bytes
    entry_id: bytes
    ground: DisputeGround
    state: DisputeState
    opened_at: int
    due_at: int
    answered_at: int = 0
    answer_reason: str = ""
    escalate_until: int = 0
    decided_at: int = 0
    decision_reason: str = ""
    has_evidence: bool = False
    request_commitment: bytes = field(default=b"", repr=False)
    sealed_statement: bytes = field(default=b"", repr=False)

    @property
    def is_waiting(self) -> bool:
        """Whether somebody is to act: the contributor, or a reviewer."""
        return self.state in WAITING_STATES or self.state is DisputeState.ESCALATED

    def days_left(self, now_ms: int) -> int:
        """Give the whole days that are left until it is due; negative once it is overdue."""
        return (self.due_at - now_ms) // DAY_MS


@dataclass(frozen=True, slots=True)
class Escalation:
    """A dispute that waits for a reviewer: what is claimed and contested, of nobody. Times in milliseconds UTC."""

    id: bytes
    ground: DisputeGround
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    filed_at: int
    expires_at: int
    opened_at: int
    answered_at: int
    answer_reason: str
    escalated_at: int
    due_at: int
    has_evidence: bool


@dataclass(frozen=True, slots=True)
class OverdueDisputes:
    """What is overdue of a contributor: its answers, and reviewers' decisions; `since` in milliseconds UTC."""

    contributor: str
    unanswered: int
    undecided: int
    since: int


def read_dispute(message: dispute_pb2.Dispute) -> Dispute:
    """Read a dispute; raises HubError where it is none."""
    sealed = message.sealed_statement
    texts = message.answer_reason, message.decision_reason
    times = message.opened_at, message.due_at, message.answered_at, message.escalate_until, message.decided_at
    if (
        len(message.dispute_id) != DISPUTE_ID_BYTES
        or len(message.entry_id) != ENTRY_ID_BYTES
        or len(sealed) not in (0, STATEMENT_BYTES)
        or any(text and not is_reason_code(text) for text in texts)
        or not all(0 <= time < MAX_TIME_MS for time in times)
    ):
        raise HubError("The hub shows a dispute that is none.")
    try:
        ground, state = DisputeGround(message.ground), DisputeState(message.state)
    except ValueError as error:
        raise HubError("The hub shows a dispute in a state that this version does not know.") from error
    return Dispute(
        id=message.dispute_id,
        entry_id=message.entry_id,
        ground=ground,
        state=state,
        opened_at=message.opened_at,
        due_at=message.due_at,
        answered_at=message.answered_at,
        answer_reason=message.answer_reason,
        escalate_until=message.escalate_until,
        decided_at=message.decided_at,
        decision_reason=message.decision_reason,
        has_evidence=message.has_evidence,
        request_commitment=message.request_commitment,
        sealed_statement=sealed,
    )


def read_escalation(message: dispute_pb2.Escalation) -> Escalation:
    """Read an escalation; raises HubError where it is none."""
    is_code = not message.answer_reason or is_reason_code(message.answer_reason)
    times = message.filed_at, message.expires_at, message.opened_at, message.answered_at, message.escalated_at
    is_shown = all(0 <= time < MAX_TIME_MS for time in (*times, message.due_at))
    if len(message.dispute_id) != DISPUTE_ID_BYTES or not is_code or not is_shown:
        raise HubError("The hub shows an escalation that is none.")
    try:
        return Escalation(
            id=message.dispute_id,
            ground=DisputeGround(message.ground),
            category=Category(message.category),
            role=SubjectRole(message.subject_role),
            evidence=EvidenceLevel(message.evidence_level),
            filed_at=message.filed_at,
            expires_at=message.expires_at,
            opened_at=message.opened_at,
            answered_at=message.answered_at,
            answer_reason=message.answer_reason,
            escalated_at=message.escalated_at,
            due_at=message.due_at,
            has_evidence=message.has_evidence,
        )
    except ValueError as error:
        raise HubError("The hub shows an escalation in words that this version does not know.") from error


def checked_dispute_id(dispute_id: bytes) -> bytes:
    """Give a dispute's id as it is; raises InvalidUse where it has another length."""
    if len(dispute_id) != DISPUTE_ID_BYTES:
        raise InvalidUse(f"a dispute's id has {DISPUTE_ID_BYTES} bytes")
    return dispute_id


def checked_reason_code(reason: str) -> str:
    """Give a reason code as it is; raises InvalidUse where it is empty or too long."""
    if not is_reason_code(reason):
        raise InvalidUse("a reason code is a word of up to 64 lower-case letters, digits and _")
    return reason
