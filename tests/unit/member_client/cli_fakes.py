"""A client in memory, for the tests of the command line: it answers by the text of an identifier."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fake_book import FakeBook
from fake_cases import FakeCases
from fake_inquiries import FakeInquiries
from typer.testing import CliRunner, Result

from alliance.disputes import WAITING_STATES
from alliance.identifiers import InvalidIdentifier, Kind, canonicalise
from alliance.taxonomy import (
    DAY_MS,
    Action,
    Category,
    ClaimStatus,
    EvidenceLevel,
    Outcome,
    Purpose,
    SharingLevel,
    SubjectRole,
)
from member_client import (
    AuditEntry,
    AuditProgress,
    AuditReceipt,
    Consent,
    ContributionOutcome,
    ContributionPreview,
    ContributionResult,
    ContributionRow,
    Cosigned,
    Dispute,
    DisputeGround,
    DisputeState,
    EntryOmitted,
    EntryReport,
    Escalation,
    EventPlace,
    Finding,
    GivenField,
    KnownCheckpoint,
    Match,
    Operator,
    OperatorRecord,
    OutcomeCount,
    OutcomeReport,
    OutcomeReports,
    OwnClaim,
    PastInquiry,
    PastQuestion,
    PendingReview,
    PreviewOutcome,
    Profile,
    RecallReport,
    RetagReport,
    Revisit,
    State,
    Subject,
    SubjectAccess,
    Succession,
    SyncReport,
    Usage,
    Verdict,
    WitnessStatus,
)
from member_client.cli.app import app
from member_client.cli.session import Ports
from member_client.disputing import decision_of, ground_of, outcome_of
from member_client.subject_access import masked
from member_client.verdicts import FieldVerdict, field_verdict, verdict

NOW_MS = 1_790_000_000_000
UNTIL_MS = 1_867_000_000_000

LISTED = "13800138011"
CLEAN = "13900139000"
AWAY = "13700137000"
DOUBTED = "13600136000"
CHANGED = "13500135000"
"""A claim stands on it that says something else than any row."""
IDENTIFIERS = (LISTED, CLEAN, AWAY, DOUBTED, CHANGED)


class FixedClock:
    """Tells one time."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms


def a_match(name: str, kind: Any, contributor: str = "bank-b", **other: Any) -> Match:
    facts = {
        "field": name,
        "kind": kind,
        "category": Category.MULE_ACCOUNT,
        "role": SubjectRole.MULE_UNWITTING,
        "evidence": EvidenceLevel.E3,
        "status": ClaimStatus.ACTIVE,
        "contributor": contributor,
        "observed_from": NOW_MS,
        "observed_to": NOW_MS,
        "filed_at": NOW_MS,
        "expires_at": UNTIL_MS,
        "entry_id": bytes(16),
    }
    return Match(**{**facts, **other})


def an_own_claim(number: int = 0) -> OwnClaim:
    return OwnClaim(
        entry_id=number.to_bytes(16, "big"),
        epoch=7,
        sharing=SharingLevel.AMBER,
        observed_from=NOW_MS,
        observed_to=NOW_MS,
        kind=Kind.PHONE,
        category=Category.MULE_ACCOUNT,
        role=SubjectRole.MULE_UNWITTING,
        evidence=EvidenceLevel.E3,
        filed_at=NOW_MS,
        expires_at=UNTIL_MS,
        status=ClaimStatus.ACTIVE,
    )


def a_revisit(number: int = 0, **other: Any) -> Revisit:
    facts = {
        "receipt": f"R-RECEIPT-{number}",
        "ref": f"case-{number}",
        "entry_id": number.to_bytes(16, "big"),
        "status": ClaimStatus.RECALLED,
        "reason": "wrong_person",
        "version": 1,
        "changed_at": NOW_MS,
        "purpose": Purpose.LOAN_APPLICATION,
        "decided_at": NOW_MS,
        "action": Action.STEP_UP,
        "would_be": Action.NONE,
    }
    return Revisit(**{**facts, **other})


def a_dispute(**changes: Any) -> Dispute:
    facts: dict[str, Any] = {
        "id": bytes.fromhex("0b1c2d3e4f5061728394a5b6c7d8e9f0"),
        "entry_id": bytes(16),
        "ground": DisputeGround.WRONG_PERSON,
        "state": DisputeState.OPEN,
        "opened_at": NOW_MS - 5 * DAY_MS,
        "due_at": NOW_MS + 15 * DAY_MS,
    }
    return Dispute(**(facts | changes))


@dataclass
class FakeClient(FakeBook):
    """Answers screenings by the text, and refuses contributions that are not canonical."""

    listed: frozenset[str] = frozenset({LISTED})
    known: set[tuple[str, str]] = field(default_factory=set)
    own: list[OwnClaim] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    entry_report: EntryReport | EntryOmitted = field(default_factory=lambda: EntryReport(served=3))
    sampled: list[int] = field(default_factory=list)
    fault: BaseException | None = None
    fault_after: int = 0
    usage: Usage = field(default_factory=lambda: Usage(evaluations=7, prefixes=3))
    on_quota_wait: Any = None
    accepted_succession: Succession | None = None
    calls: Counter[str] = field(default_factory=Counter)
    subjects: list[Subject] = field(default_factory=list)
    rows: list[ContributionRow] = field(default_factory=list)
    consents: list[Consent | None] = field(default_factory=list)
    purposes: list[str] = field(default_factory=list)
    withdrawn: list[tuple[bytes, str]] = field(default_factory=list)
    recalled: list[tuple[bytes, str]] = field(default_factory=list)
    runs: list[str | None] = field(default_factory=list)
    amends: list[bool] = field(default_factory=list)
    relists: list[bool] = field(default_factory=list)
    operators_given: list[Operator | None] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)
    complaints: list[tuple[bytes, str, str, Path | None]] = field(default_factory=list)
    opened: list[Dispute] = field(default_factory=list)
    contested: list[Dispute] = field(default_factory=list)
    escalated: list[Escalation] = field(default_factory=list)
    reviewed: list[tuple[bytes, str]] = field(default_factory=list)
    retagged: RetagReport = field(default_factory=RetagReport)
    to_revisit: list[Revisit] = field(default_factory=list)
    reported: list[OutcomeReport] = field(default_factory=list)
    sent: int = 0
    told: list[OutcomeCount] = field(default_factory=list)
    past: list[PastQuestion] = field(default_factory=list)
    past_inquiries: tuple[PastInquiry, ...] | None = ()
    recorded: list[AuditEntry] = field(default_factory=list)
    receipted: list[AuditReceipt] = field(default_factory=list)
    places: dict[bytes, EventPlace] = field(default_factory=dict)
    checkpoint: KnownCheckpoint | None = None
    inquiries: FakeInquiries = field(default_factory=FakeInquiries)
    police: FakeCases = field(default_factory=FakeCases)

    @property
    def countersigning(self) -> Any:
        raise NotImplementedError

    @property
    def cases(self) -> Any:
        return self.police

    async def retag(
        self, *, on_retagged: Callable[[int], None] | None = None, withdraw_rest: str | None = None
    ) -> RetagReport:
        if on_retagged is not None:
            on_retagged(self.retagged.retagged)
        return replace(self.retagged, withdrawn=self.retagged.unknown if withdraw_rest else 0)

    async def renew(self) -> None:
        raise NotImplementedError

    async def events(self) -> AsyncIterator[AuditEntry]:
        for it in self.recorded:
            yield it

    async def receipts(self) -> AsyncIterator[AuditReceipt]:
        for it in self.receipted:
            yield it

    async def verify_receipt(self, statement: bytes) -> EventPlace:
        self._fail_if_due()
        return self.places[statement]

    async def verify_events(self, *, from_start: bool = False) -> AsyncIterator[AuditProgress]:
        for _ in range(2 if from_start else 1):
            yield AuditProgress(1000, 1, 0)
        self._fail_if_due()

    async def log_checkpoint(self) -> KnownCheckpoint | None:
        return self.checkpoint

    async def quota(self) -> Any:
        raise NotImplementedError

    async def administration(self) -> Any:
        raise NotImplementedError

    async def report(self, receipt: str, outcome: str | Outcome, entry_id: bytes | None = None) -> list[OutcomeReport]:
        self._fail_if_due()
        meant = Outcome(outcome) if isinstance(outcome, Outcome) else Outcome.parse(outcome)
        self.reported.append(
            OutcomeReport(receipt, entry_id or bytes(16), "bank-b", Category.MULE_ACCOUNT, meant, NOW_MS)
        )
        return self.reported[-1:]

    async def outcome_reports(self) -> OutcomeReports:
        return OutcomeReports(tuple(self.reported), self.sent)

    async def send_outcomes(self) -> int:
        self.sent, sent = self.sent + len(self.reported), len(self.reported)
        self.reported.clear()
        return sent

    async def claim_outcomes(self) -> list[OutcomeCount]:
        return self.told

    async def sync(self) -> SyncReport:
        self.calls["sync"] += 1
        return SyncReport(
            epoch=7, listings=1000, sequence=12, filter_age_ms=42_000, members=3, downloaded_bytes=2_500_000
        )

    async def screen(self, subject: Subject, *, purpose: str, consent: Consent | None = None) -> Verdict:
        self.calls["screen"] += 1
        self._fail_if_due()
        self.purposes.append(purpose)
        self.consents.append(subject.consent or consent)
        self.subjects.append(subject)
        fields = [self._judge(*one) for one in subject.fields()]
        return verdict(subject.ref, fields, on_unavailable="step_up")

    def _fail_if_due(self) -> None:
        if self.fault is not None and len(self.subjects) + len(self.rows) >= self.fault_after:
            raise self.fault

    def _judge(self, name: str, kind: Any, text: str) -> FieldVerdict:
        try:
            canonicalise(kind, text)
        except InvalidIdentifier as refusal:
            return FieldVerdict(name, kind, State.REFUSED, str(refusal.reason))
        if text == AWAY:
            return FieldVerdict(name, kind, State.UNKNOWN, "hub_unavailable")
        if text == DOUBTED:
            return field_verdict(name, kind, [], "integrity")
        matches = [a_match(name, kind, "bank-b"), a_match(name, kind, "bank-c")]
        return field_verdict(name, kind, matches if text in self.listed else [])

    async def screen_many(
        self,
        subjects: AsyncIterable[Subject],
        *,
        purpose: str,
        consent: Consent | None = None,
        request_id: str | None = None,
    ) -> AsyncIterator[Verdict]:
        self.runs.append(request_id)
        # The real client reads ahead too.
        waiting: list[Subject] = []
        async for subject in subjects:
            waiting.append(subject)
            if len(waiting) == 3:
                yield await self.screen(waiting.pop(0), purpose=purpose, consent=consent)
        for subject in waiting:
            yield await self.screen(subject, purpose=purpose, consent=consent)

    async def preview_screening(self, subjects: AsyncIterable[Subject]) -> AsyncIterator[Verdict]:
        async for subject in subjects:
            judged = [self._judge(*one) for one in subject.fields()]
            fields = [
                it if it.state is State.REFUSED else FieldVerdict(it.field, it.kind, State.UNKNOWN, "not_asked")
                for it in judged
            ]
            yield verdict(subject.ref, fields, on_unavailable="step_up")

    async def keyed_digest(self, data: bytes) -> bytes:
        return hashlib.sha256(b"key" + data).digest()

    async def knows_run(self, request_id: str) -> bool:
        return request_id in self.begun

    async def find_claims(self, kind: Kind, text: str) -> list[OwnClaim]:
        canonicalise(kind, text)
        return self.own if text in self.listed else []

    async def preview(
        self, rows: AsyncIterable[ContributionRow], *, relist: bool = False
    ) -> AsyncIterator[ContributionPreview]:
        self.relists.append(relist)
        async for row in rows:
            try:
                canonical = canonicalise(row.kind, row.text).canonical
            except InvalidIdentifier as refusal:
                refused = PreviewOutcome.REFUSED
                yield ContributionPreview(row.row_number, refused, str(refusal.reason), refusal.how_to_fix)
                continue
            known = (canonical, row.category.word) in self.known
            outcome = PreviewOutcome.UNCHANGED if known else PreviewOutcome.NEW
            yield ContributionPreview(row.row_number, PreviewOutcome.CHANGED if row.text == CHANGED else outcome)

    async def amend(self, entry_id: bytes, row: ContributionRow) -> ContributionResult:
        self._fail_if_due()
        self.rows.append(row)
        return ContributionResult(0, ContributionOutcome.AMENDED, entry_id=entry_id)

    async def contribute(
        self,
        rows: AsyncIterable[ContributionRow],
        *,
        amend: bool = False,
        relist: bool = False,
        operator: Operator | None = None,
    ) -> AsyncIterator[ContributionResult]:
        self.operators_given.append(operator)
        self.relists.append(relist)
        self.amends.append(amend)
        for row in [it async for it in rows]:
            self._fail_if_due()
            self.rows.append(row)
            yield self._contributed(row, amend=amend)

    async def protect(self, rows: Sequence[ContributionRow], *, operator: Operator) -> list[ContributionResult]:
        raise NotImplementedError

    async def add_operator(self, operator: Operator) -> OperatorRecord:
        raise NotImplementedError

    async def retire_operator(self, name: str) -> OperatorRecord:
        raise NotImplementedError

    async def operators(self) -> list[OperatorRecord]:
        raise NotImplementedError

    async def begin_witness(self) -> WitnessStatus:
        raise NotImplementedError

    async def witness_status(self) -> WitnessStatus:
        raise NotImplementedError

    async def witness_look(self) -> Cosigned | None:
        raise NotImplementedError

    async def pending_reviews(self) -> list[PendingReview]:
        raise NotImplementedError

    async def approve_reviews(self, entry_ids: Sequence[bytes], *, operator: Operator) -> list[ContributionResult]:
        raise NotImplementedError

    async def reject_reviews(self, entry_ids: Sequence[bytes]) -> None:
        raise NotImplementedError

    def _contributed(self, row: ContributionRow, *, amend: bool) -> ContributionResult:
        try:
            canonical = canonicalise(row.kind, row.text).canonical
        except InvalidIdentifier as refusal:
            return ContributionResult(
                row_number=row.row_number,
                outcome=ContributionOutcome.REFUSED,
                reason=str(refusal.reason),
                how_to_fix=refusal.how_to_fix,
            )
        if row.text == CHANGED:
            if amend:
                return ContributionResult(row.row_number, ContributionOutcome.AMENDED)
            return ContributionResult(row.row_number, ContributionOutcome.REFUSED, "live_claim_exists", "amend it")
        repeated = (canonical, row.category.word) in self.known
        self.known.add((canonical, row.category.word))
        return ContributionResult(
            row_number=row.row_number,
            outcome=ContributionOutcome.UNCHANGED if repeated else ContributionOutcome.ACCEPTED,
        )

    async def claims(self, *, live_only: bool = False) -> AsyncIterator[OwnClaim]:
        for claim in self.own:
            if not live_only or claim.status is ClaimStatus.ACTIVE:
                yield claim

    async def claim(self, entry_id: bytes) -> OwnClaim:
        return next(claim for claim in self.own if claim.entry_id == entry_id)

    async def withdraw(self, entry_id: bytes, *, reason: str) -> OwnClaim:
        self.withdrawn.append((entry_id, reason))
        return await self.claim(entry_id)

    async def recall(self, entry_id: bytes, *, reason: str) -> OwnClaim:
        self.recalled.append((entry_id, reason))
        return await self.claim(entry_id)

    async def sync_recalls(self) -> RecallReport:
        return RecallReport(changes=1200, revisits=2, open=3)

    async def revisits(self, *, include_done: bool = False) -> AsyncIterator[Revisit]:
        for revisit in self.to_revisit:
            if include_done or revisit.is_open:
                yield revisit

    async def close_revisit(self, receipt: str, entry_id: bytes | None = None, *, note: str = "") -> list[Revisit]:
        assert entry_id is None
        return [replace(it, done_at=NOW_MS, note=note) for it in self.to_revisit if it.receipt == receipt]

    async def open_dispute(
        self,
        subject: Subject,
        *,
        entry_id: bytes,
        ground: str,
        request: Consent,
        statement: str,
        evidence: Path | None = None,
    ) -> Dispute:
        self._fail_if_due()
        self.subjects.append(subject)
        self.consents.append(request)
        self.complaints.append((entry_id, ground, statement, evidence))
        return a_dispute(entry_id=entry_id, ground=ground_of(ground), has_evidence=evidence is not None)

    async def disputes(self) -> AsyncIterator[Dispute]:
        for dispute in self.opened:
            yield dispute

    async def dispute_queue(self, *, waiting_only: bool = True) -> AsyncIterator[Dispute]:
        for dispute in self.contested:
            if dispute.state in WAITING_STATES or not waiting_only:
                yield dispute

    async def read_dispute_statement(self, dispute_id: bytes) -> str:
        return f"It was not me.\nSee {dispute_id.hex()[:4]}."

    async def answer_dispute(self, dispute_id: bytes, outcome: str, *, reason: str) -> Dispute:
        state = DisputeState[outcome_of(outcome).name]
        return a_dispute(id=dispute_id, state=state, answer_reason=reason, answered_at=NOW_MS)

    async def escalate_dispute(self, dispute_id: bytes) -> Dispute:
        return a_dispute(id=dispute_id, state=DisputeState.ESCALATED)

    async def escalations(self) -> AsyncIterator[Escalation]:
        for escalation in self.escalated:
            yield escalation

    async def review_dispute(self, dispute_id: bytes, decision: str, *, reason: str) -> DisputeState:
        self.reviewed.append((dispute_id, reason))
        return DisputeState[decision_of(decision).name]

    async def subject_access(self, subject: Subject, *, request: Consent) -> SubjectAccess:
        self.subjects.append(subject)
        self.consents.append(request)
        fields = [self._judge(*one) for one in subject.fields()]
        texts = dict(subject.texts())
        refused = {it.field: it.reason for it in fields if it.state is State.REFUSED}
        given = (GivenField(it.field, it.kind, masked(texts[it.field]), refused.get(it.field, "")) for it in fields)
        told = verdict(subject.ref, fields, on_unavailable="step_up")
        facts = tuple(self.own), tuple(self.past), self.past_inquiries
        return SubjectAccess(subject.ref, NOW_MS, tuple(given), told, *facts)

    async def check_own_entries(self, sample: int) -> EntryReport:
        self.sampled.append(sample)
        if isinstance(self.entry_report, EntryOmitted):
            raise self.entry_report
        return self.entry_report

    async def doctor(self) -> list[Finding]:
        return self.findings


WORDS = "flush outer expand home boost wide quote power book drastic text labor"


class Cli:
    """Runs commands against a fake client."""

    def __init__(self, client: FakeClient | None = None, now_ms: int = NOW_MS) -> None:
        self.client = client or FakeClient()
        self.now_ms = now_ms
        self.enrolled: list[tuple[Path, Path]] = []

    def __call__(self, *arguments: str | Path, **extra: Any) -> Result:
        @asynccontextmanager
        async def open_client(_folder: Path) -> AsyncIterator[FakeClient]:
            yield self.client

        async def enrol(bundle: Path, folder: Path) -> Profile:
            self.enrolled.append((bundle, folder))
            return Profile(folder, "aif", "bank-a", "hub:1", "hub.aif", "ca.pem", bytes(32))

        ports = Ports(
            open_client=open_client,
            enrol=enrol,
            fingerprint=lambda _folder: WORDS,
            identity_key=lambda _folder: bytes(32),
            clock=FixedClock(self.now_ms),
        )
        return CliRunner().invoke(app, [str(argument) for argument in arguments], obj=ports, **extra)


def assert_no_identifier(*texts: str) -> None:
    """Whatever a run shows or writes, no identifier is in it."""
    for text in texts:
        for identifier in IDENTIFIERS:
            assert identifier not in text
