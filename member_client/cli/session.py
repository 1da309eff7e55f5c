"""What every command shares: the global options, the two consoles, and the port to the hub.

Results go to standard output, everything else (progress, notes, complaints) to standard error; with `--json`
standard output holds one document and nothing else. Commands reach the SDK through `Ports` only, so that tests can
stand in for it.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import typer
from rich.console import Console
from rich.text import Text

from alliance.clock import SystemClock
from member_client._documents import dumped
from member_client.cli.language import CHINESE, ChineseText, spoken, tr

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Awaitable,
        Callable,
        Coroutine,
        Iterable,
        Mapping,
        Sequence,
    )
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from alliance.clock import Clock
    from alliance.identifiers import Kind
    from alliance.taxonomy import Outcome
    from member_client import (
        AuditEntry,
        AuditProgress,
        AuditReceipt,
        Cases,
        Consent,
        ContributionPreview,
        ContributionResult,
        ContributionRow,
        Cosigned,
        Countersigning,
        Dispute,
        DisputeState,
        EntryReport,
        Escalation,
        EventPlace,
        Finding,
        InquiredClaim,
        Inquiry,
        InquiryAnswer,
        InquiryReply,
        KnownCheckpoint,
        LookReport,
        Operator,
        OperatorRecord,
        OutcomeCount,
        OutcomeReport,
        OutcomeReports,
        OwnClaim,
        PendingReview,
        Profile,
        QuotaReport,
        RecallReport,
        RetagReport,
        Revisit,
        SentReply,
        Subject,
        SubjectAccess,
        Succession,
        SyncReport,
        Usage,
        Verdict,
        WatchAddReport,
        WatchEvent,
        WatchStatus,
        WitnessStatus,
    )
    from member_client.administration import Administration

_PIPED_WIDTH = 200
Result = TypeVar("Result")


class Inquiring(Protocol):
    """What the commands of a member that cases ask use of Inquiries."""

    def listed(self) -> AsyncIterator[Inquiry]:
        """List the cases that ask the member."""

    async def find(self, name: str) -> Inquiry:
        """Give the case of a number, or whose id starts so."""

    async def claims(
        self, case_id: bytes, subjects: Iterable[Subject] = (), *, open_own: bool = False
    ) -> list[InquiredClaim]:
        """Give the claims that a case asks about, opened as far as that is asked for."""

    async def drawn_up(self, case_id: bytes, answers: Sequence[InquiryAnswer], *, basis: str) -> InquiryReply:
        """Draw a reply up."""

    async def draft(self, reply: InquiryReply, *, operator: Operator) -> InquiryReply:
        """Sign a reply as its first operator."""

    async def drafted(self, case_id: bytes) -> InquiryReply:
        """Give the reply that waits."""

    async def approve(self, reply: InquiryReply, *, operator: Operator) -> InquiryReply:
        """Agree to a reply as its second operator."""

    async def send(self, on_file: Callable[[str, int, int], None] | None = None) -> list[SentReply]:
        """Send the replies that are ready and due."""


class HubClient(Protocol):
    """What the commands use of AllianceClient."""

    on_quota_wait: Callable[[int | None], None] | None

    @property
    def usage(self) -> Usage:
        """What was asked of the hub so far."""

    @property
    def inquiries(self) -> Inquiring:
        """The cases that ask the member."""

    @property
    def accepted_succession(self) -> Succession | None:
        """The succession that was believed since the client was opened."""

    async def sync(self) -> SyncReport:
        """Bring everything up to date."""

    async def renew(self) -> None:
        """Renew the member's certificate."""

    async def retag(
        self, *, on_retagged: Callable[[int], None] | None = None, withdraw_rest: str | None = None
    ) -> RetagReport:
        """Re-tag the member's claims into the epoch that was begun."""

    async def quota(self) -> QuotaReport:
        """Give the member's quotas and standing."""

    async def report(self, receipt: str, outcome: str | Outcome, entry_id: bytes | None = None) -> list[OutcomeReport]:
        """Keep what became of a decision."""

    async def outcome_reports(self) -> OutcomeReports:
        """Give the reports that wait, and how many were sent."""

    async def send_outcomes(self) -> int:
        """Send what was reported until yesterday."""

    async def claim_outcomes(self) -> list[OutcomeCount]:
        """Give what was told of the member's own claims."""

    async def administration(self) -> Administration:
        """Open the admin's side."""

    async def screen(self, subject: Subject, *, purpose: str, consent: Consent | None = None) -> Verdict:
        """Screen one subject."""

    def screen_many(
        self,
        subjects: AsyncIterable[Subject],
        *,
        purpose: str,
        consent: Consent | None = None,
        request_id: str | None = None,
    ) -> AsyncIterator[Verdict]:
        """Screen subjects; verdicts come in their order."""

    def preview_screening(self, subjects: AsyncIterable[Subject]) -> AsyncIterator[Verdict]:
        """Tell which fields could be asked about, and send none."""

    def contribute(
        self,
        rows: AsyncIterable[ContributionRow],
        *,
        amend: bool = False,
        relist: bool = False,
        operator: Operator | None = None,
    ) -> AsyncIterator[ContributionResult]:
        """Contribute claims, and tell what became of each."""

    async def protect(self, rows: Sequence[ContributionRow], *, operator: Operator) -> list[ContributionResult]:
        """File claims that protect people who asked for it."""

    async def add_operator(self, operator: Operator) -> OperatorRecord:
        """Register an operator."""

    async def retire_operator(self, name: str) -> OperatorRecord:
        """Retire an operator."""

    async def operators(self) -> list[OperatorRecord]:
        """List the member's operators."""

    async def begin_witness(self) -> WitnessStatus:
        """Make the member's key as a witness."""

    async def witness_status(self) -> WitnessStatus:
        """Tell how the member's witness stands."""

    async def witness_look(self) -> Cosigned | None:
        """Look at the hub's log once, and cosign it."""

    async def pending_reviews(self) -> list[PendingReview]:
        """List claims that wait for a second operator."""

    async def approve_reviews(self, entry_ids: Sequence[bytes], *, operator: Operator) -> list[ContributionResult]:
        """Approve claims, and file them."""

    async def reject_reviews(self, entry_ids: Sequence[bytes]) -> None:
        """Drop claims that wait."""

    def preview(
        self, rows: AsyncIterable[ContributionRow], *, relist: bool = False
    ) -> AsyncIterator[ContributionPreview]:
        """Tell what would become of claims, and send none."""

    async def keyed_digest(self, data: bytes) -> bytes:
        """Digest data under a key of this machine's."""

    async def knows_run(self, request_id: str) -> bool:
        """Tell whether a run was begun under an id."""

    async def find_claims(self, kind: Kind, text: str) -> list[OwnClaim]:
        """Give the member's own claims about an identifier."""

    async def amend(self, entry_id: bytes, row: ContributionRow) -> ContributionResult:
        """Put a claim in the place of one of the member's own."""

    def claims(self, *, live_only: bool = False) -> AsyncIterator[OwnClaim]:
        """List the member's own claims."""

    async def claim(self, entry_id: bytes) -> OwnClaim:
        """Get one of the member's own claims."""

    async def withdraw(self, entry_id: bytes, *, reason: str) -> OwnClaim:
        """Withdraw one of the member's own claims."""

    async def recall(self, entry_id: bytes, *, reason: str) -> OwnClaim:
        """Recall one of this member's claims."""

    async def sync_recalls(self) -> RecallReport:
        """Read what became of claims, and hold it against what was decided."""

    def revisits(self, *, include_done: bool = False) -> AsyncIterator[Revisit]:
        """Give decisions that are to be revisited."""

    async def close_revisit(self, receipt: str, entry_id: bytes | None = None, *, note: str = "") -> list[Revisit]:
        """Note that a decision was dealt with."""

    async def watch_add(
        self, subjects: AsyncIterable[Subject], *, consent: Consent, on_progress: Callable[[int], None] | None = None
    ) -> WatchAddReport:
        """Add subjects to the book."""

    async def watch_remove(self, refs: Iterable[str]) -> int:
        """Take everything under refs out of the book."""

    async def watch_fields(self) -> Mapping[str, int]:
        """Count the identifiers in the book by field."""

    async def watch_status(self) -> WatchStatus:
        """Tell how the watch stands."""

    def watch_batches(self, after: int = 0, *, follow: bool = True) -> AsyncIterator[list[WatchEvent]]:
        """Give what happens to those in the book."""

    async def watch_acknowledge(self, number: int) -> None:
        """Drop events up to a number."""

    async def watch_rescreen(self) -> LookReport:
        """Fetch the buckets of all that hits anew."""

    async def watch_dead_letters(self) -> list[WatchEvent]:
        """Give the events that were set aside."""

    async def watch_set_aside(self, event: WatchEvent) -> None:
        """Set an event aside."""

    async def watch_forget_dead_letter(self, number: int) -> None:
        """Drop an event that was set aside."""

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
        """Contest another member's claim."""

    def disputes(self) -> AsyncIterator[Dispute]:
        """List the disputes that this member opened."""

    def dispute_queue(self, *, waiting_only: bool = True) -> AsyncIterator[Dispute]:
        """List disputes about this member's own claims."""

    async def read_dispute_statement(self, dispute_id: bytes) -> str:
        """Read what a consumer says."""

    async def answer_dispute(self, dispute_id: bytes, outcome: str, *, reason: str) -> Dispute:
        """Answer a dispute about an own claim."""

    async def escalate_dispute(self, dispute_id: bytes) -> Dispute:
        """Have a reviewer look at a claim."""

    def escalations(self) -> AsyncIterator[Escalation]:
        """List what waits for a reviewer."""

    async def review_dispute(self, dispute_id: bytes, decision: str, *, reason: str) -> DisputeState:
        """Decide about a claim as a reviewer."""

    @property
    def countersigning(self) -> Countersigning:
        """Claims at E4 and E5: what is asked of liaisons, and what they say."""

    @property
    def cases(self) -> Cases:
        """The cases of a liaison, and those that approvers decide."""

    async def subject_access(self, subject: Subject, *, request: Consent) -> SubjectAccess:
        """Gather what a person may see about themselves."""

    def events(self) -> AsyncIterator[AuditEntry]:
        """List what the hub recorded of this member."""

    def receipts(self) -> AsyncIterator[AuditReceipt]:
        """Give the receipts that are kept."""

    async def verify_receipt(self, statement: bytes) -> EventPlace:
        """Prove a receipt's event."""

    def verify_events(self, *, from_start: bool = False) -> AsyncIterator[AuditProgress]:
        """Prove all events, batch by batch."""

    async def log_checkpoint(self) -> KnownCheckpoint | None:
        """Give the newest checkpoint that is remembered."""

    async def check_own_entries(self, sample: int) -> EntryReport:
        """Look at own entries as readers do."""

    async def doctor(self) -> list[Finding]:
        """Look for what is wrong."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ways out of the command line."""

    open_client: Callable[[Path], AbstractAsyncContextManager[HubClient]]
    enrol: Callable[[Path, Path], Awaitable[Profile]]
    fingerprint: Callable[[Path], str]
    identity_key: Callable[[Path], bytes]
    clock: Clock = field(default_factory=SystemClock)


@dataclass(slots=True)
class Session:
    """One run of the command line."""

    ports: Ports
    folder: Path
    as_json: bool = False
    quiet: bool = False
    color: bool = True
    out: Console = field(init=False)
    err: Console = field(init=False)

    def __post_init__(self) -> None:
        self.out = self._console(stderr=False)
        self.err = self._console(stderr=True)

    def _console(self, *, stderr: bool) -> Console:
        stream = sys.stderr if stderr else sys.stdout
        # Without a terminal there is no width to fit: wrapped tables cannot be searched.
        width = None if stream.isatty() else _PIPED_WIDTH
        return Console(file=stream, no_color=not self.color, width=width, highlight=False, markup=False, emoji=False)

    @property
    def shows_progress(self) -> bool:
        """Whether somebody watches standard error."""
        return self.err.is_terminal and not self.quiet

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a command's work to its end."""
        return asyncio.run(_quietly(work))

    @asynccontextmanager
    async def client(self) -> AsyncIterator[HubClient]:
        """Open the SDK on the chosen profile; tells of a succession that was believed meanwhile."""
        async with self.ports.open_client(self.folder) as client:
            try:
                yield client
            finally:
                if (accepted := client.accepted_succession) is not None:
                    admins = ", ".join(accepted.signed_by)
                    self.note(
                        tr(
                            "the hub was restored from a backup: origin {origin} is believed, signed by {admins}",
                            origin=accepted.origin,
                            admins=admins,
                        )
                    )

    def say(self, text: str | Text) -> None:
        """Print a line of the result; nothing with `--json`, which prints one document at the end."""
        if not self.as_json:
            _print_line(self.out, printable(text) if isinstance(text, str) else text)

    def note(self, text: str) -> None:
        """Print a line about the run on standard error, unless `--quiet`."""
        if not self.quiet:
            _print_line(self.err, printable(text))

    def document(self, content: Mapping[str, object]) -> None:
        """Print the one JSON document, with `--json`."""
        if self.as_json:
            sys.stdout.write(dumped(content, indent=2) + "\n")


def _print_line(console: Console, text: str | Text) -> None:
    # A terminal gets lines broken between words, or characters of Chinese; what is piped stays one line.
    if spoken() == CHINESE and console.is_terminal:
        text = ChineseText.of(text if isinstance(text, Text) else Text(text))
    console.print(text, soft_wrap=not console.is_terminal)


def printable(text: str) -> str:
    """Give a text without control characters: refs come from files, and a terminal obeys escape sequences."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def session_of(context: typer.Context) -> Session:
    """Give the run's session; the root command made it."""
    return cast("Session", context.find_root().obj)


async def _quietly(work: Coroutine[Any, Any, Result]) -> Result:
    # Asyncio's own handler logs exceptions with their messages, which can hold a value.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    return await work
