"""The client for synchronous code: the same calls, on an event loop in a thread of its own.

Rules:

1. The thread starts at the first call, so that a server may make the client before it forks its workers.
2. What callers hand in one by one (subjects, rows) is drawn on the caller's thread and never on the loop's: a
   database's cursor may belong to it. While the caller works on an answer, nothing more is drawn.
3. Answers cross between the threads by batches, not one by one.
4. Any number of threads may call; each iterator belongs to the thread that asked for it.
"""

import asyncio
import os
import threading
import weakref
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

from alliance.disputes import DisputeGround, DisputeOutcome, DisputeState, ReviewDecision
from alliance.findings import Finding
from alliance.identifiers import Kind
from alliance.taxonomy import Outcome, Purpose
from member_client._book.adding import WatchAddReport
from member_client._book.keeping import WatchStatus
from member_client._book.rounds import LookReport
from member_client._cases.blocking import BlockingCases
from member_client._cases.blocking_inquiries import BlockingInquiries
from member_client._contributions import ContributionPreview, ContributionResult, ContributionRow
from member_client._countersign_blocking import BlockingCountersigning
from member_client._dispute_records import Dispute, Escalation
from member_client._drawing import HANDFUL, Handfuls
from member_client._forking import check_not_forked
from member_client._log import AuditProgress, EventPlace
from member_client._own_entries import EntryReport
from member_client._reviews import PendingReview
from member_client._statuses import StatusChange
from member_client.audit import AuditEntry, AuditReceipt, KnownCheckpoint
from member_client.decisions import KeptDecision, RecallReport, Revisit
from member_client.operators import Operator, OperatorRecord
from member_client.outcomes import OutcomeCount, OutcomeReport, OutcomeReports
from member_client.own_claims import OwnClaim
from member_client.quotas import QuotaReport
from member_client.retagging import RetagReport
from member_client.screening import OnProgress, checked_question, screening_purpose
from member_client.subject_access import SubjectAccess
from member_client.subjects import Consent, Subject
from member_client.verdicts import Verdict
from member_client.watch_events import WatchEvent
from member_client.witnessing import Cosigned, WitnessStatus

if TYPE_CHECKING:
    from member_client.client import AllianceClient, SyncReport, Usage

HANDFULS_AHEAD: Final = 4

T = TypeVar("T")
Item = TypeVar("Item")


class BlockingClient:
    """A member's client of its alliance, for synchronous code; see AllianceClient for what each call does."""

    def __init__(self, client: "AllianceClient") -> None:
        """Take a client that nobody else uses."""
        self._client = client
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0
        self._stop: Callable[[], object] = _nothing

    def __repr__(self) -> str:
        return f"Blocking{self._client!r}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- life ----------------------------------------------------------------------------------------------------

    def ready(self, timeout: float) -> None:
        """Open everything and have a fresh filter; raises HubUnavailable after so many seconds."""
        self._run(self._client.ready(timeout))

    def sync(self) -> "SyncReport":
        """Bring epoch, lists, directory and filter up to date."""
        return self._run(self._client.sync())

    def close(self) -> None:
        """Close everything and end the thread; the client may be used again afterwards."""
        with self._starting:
            loop, self._loop = self._loop, None
            if loop is not None:
                self._stop()

    # -- screening -----------------------------------------------------------------------------------------------

    def screen(
        self,
        subject: Subject,
        *,
        purpose: str | Purpose,
        consent: Consent | None = None,
        request_id: str | None = None,
    ) -> Verdict:
        """Screen one subject within the deadline."""
        return self._run(self._client.screen(subject, purpose=purpose, consent=consent, request_id=request_id))

    def screen_many(
        self,
        subjects: Iterable[Subject],
        *,
        purpose: str | Purpose,
        consent: Consent | None = None,
        request_id: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Iterator[Verdict]:
        """Screen many subjects in bounded memory; gives verdicts in the subjects' order."""
        why = screening_purpose(purpose)
        checked_question(consent, request_id)

        def asked(drawn: Iterable[Subject] | Handfuls[Subject]) -> AsyncGenerator[Sequence[Verdict], None]:
            return self._client._verdicts(drawn, why, consent, request_id, on_progress)

        # A list is checked for consent as a whole before anything is sent, so it stays one.
        return self._pulled(asked, subjects)

    def screen_frame(
        self,
        frame: object,
        *,
        columns: Mapping[str, str],
        purpose: str | Purpose,
        consent: Consent | None = None,
        ref: str = "",
        consent_column: str = "",
        request_id: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any:  # noqa: ANN401 - a frame of the caller's library
        """Screen a frame; gives one of the same library. It is read on the loop's thread, since it is whole already."""
        return self._run(
            self._client.screen_frame(
                frame,
                columns=columns,
                purpose=purpose,
                consent=consent,
                ref=ref,
                consent_column=consent_column,
                request_id=request_id,
                on_progress=on_progress,
            )
        )

    def knows_run(self, request_id: str) -> bool:
        """Tell whether a run over many subjects was begun here under this id within the last day."""
        return self._run(self._client.knows_run(request_id))

    def preview_screening(self, subjects: Iterable[Subject]) -> Iterator[Verdict]:
        """Tell what could be asked about subjects; asks nothing."""
        return self._pulled(self._client._previewed, subjects)

    # -- what was decided ----------------------------------------------------------------------------------------

    def decision(self, receipt: str) -> KeptDecision | None:
        """Give what this machine answered under a receipt, within three years; None where nothing is kept."""
        return self._run(self._client.decision(receipt))

    def decisions_for(self, ref: str) -> list[KeptDecision]:
        """Give what this machine answered about a reference of yours and keeps, oldest first."""
        return self._run(self._client.decisions_for(ref))

    def revisits(self, *, follow: bool = False, include_done: bool = False) -> Iterator[Revisit]:
        """Give decisions that rest on a claim whose status changed since; with `follow` for good, as it happens."""
        return self._pulled(
            lambda _: _singly(self._client.revisits(follow=follow, include_done=include_done)),
            (),
        )

    def close_revisit(self, receipt: str, entry_id: bytes | None = None, *, note: str = "") -> list[Revisit]:
        """Note that a decision was dealt with, because of one claim or of all; gives what was open."""
        return self._run(self._client.close_revisit(receipt, entry_id, note=note))

    def sync_recalls(self) -> RecallReport:
        """Read what became of claims since this machine last did, hold it against the log, and acknowledge recalls."""
        return self._run(self._client.sync_recalls())

    def report(self, receipt: str, outcome: str | Outcome, entry_id: bytes | None = None) -> list[OutcomeReport]:
        """Keep what became of a decision, about one of the claims that it rested on, or about all of them."""
        return self._run(self._client.report(receipt, outcome, entry_id))

    def outcome_reports(self) -> OutcomeReports:
        """Give the reports that wait to be sent, and how many were sent."""
        return self._run(self._client.outcome_reports())

    def send_outcomes(self) -> int:
        """Send what was reported until yesterday now; gives how many reports."""
        return self._run(self._client.send_outcomes())

    def subject_access(self, subject: Subject, *, request: Consent) -> SubjectAccess:
        """Gather what a person may see about themselves, on their request."""
        return self._run(self._client.subject_access(subject, request=request))

    # -- own claims ----------------------------------------------------------------------------------------------

    def preview(self, rows: Iterable[ContributionRow], *, relist: bool = False) -> Iterator[ContributionPreview]:
        """Tell what would become of rows if they were contributed; sends none of them."""
        return self._pulled(lambda drawn: self._client._previews(drawn, relist=relist), rows)

    def contribute(
        self,
        rows: Iterable[ContributionRow],
        *,
        consent: Consent | None = None,
        amend: bool = False,
        relist: bool = False,
        operator: Operator | None = None,
    ) -> Iterator[ContributionResult]:
        """Contribute claims; gives one result a row, in order."""

        def asked(drawn: Any) -> AsyncGenerator[Sequence[ContributionResult], None]:  # noqa: ANN401 - as it comes
            return self._client._results(drawn, consent, amend=amend, relist=relist, operator=operator)

        return self._pulled(asked, rows)

    def protect(self, rows: Iterable[ContributionRow], *, operator: Operator) -> list[ContributionResult]:
        """File claims that protect people who asked for it."""
        return self._run(self._client.protect(list(rows), operator=operator))

    def add_operator(self, operator: Operator) -> OperatorRecord:
        """Register an operator of this member at the hub."""
        return self._run(self._client.add_operator(operator))

    def retire_operator(self, name: str) -> OperatorRecord:
        """Retire an operator for good."""
        return self._run(self._client.retire_operator(name))

    def operators(self) -> list[OperatorRecord]:
        """List this member's operators."""
        return self._run(self._client.operators())

    def begin_witness(self) -> WitnessStatus:
        """Make this member's key as a witness, where there is none."""
        return self._run(self._client.begin_witness())

    def witness_status(self) -> WitnessStatus:
        """Give how this member's witness stands."""
        return self._run(self._client.witness_status())

    def witness_look(self) -> Cosigned | None:
        """Look at the hub's log once, and cosign it where it only grew."""
        return self._run(self._client.witness_look())

    def pending_reviews(self) -> list[PendingReview]:
        """List claims on this machine that wait for a second operator."""
        return self._run(self._client.pending_reviews())

    def approve_reviews(self, entry_ids: Sequence[bytes], *, operator: Operator) -> list[ContributionResult]:
        """Approve claims as their second operator, and file them."""
        return self._run(self._client.approve_reviews(entry_ids, operator=operator))

    def reject_reviews(self, entry_ids: Sequence[bytes]) -> None:
        """Drop claims that wait for a second operator."""
        self._run(self._client.reject_reviews(entry_ids))

    def amend(self, entry_id: bytes, row: ContributionRow) -> ContributionResult:
        """Put a claim about the same identifier in the same category in the place of one of this member's own."""
        return self._run(self._client.amend(entry_id, row))

    def claims(self, *, live_only: bool = False) -> Iterator[OwnClaim]:
        """List this member's claims, oldest first."""
        return self._pulled(lambda _: _singly(self._client.claims(live_only=live_only)), ())

    def find_claims(self, kind: Kind, text: str) -> list[OwnClaim]:
        """Give this member's claims about an identifier, as far as this machine filed them."""
        return self._run(self._client.find_claims(kind, text))

    def claim(self, entry_id: bytes) -> OwnClaim:
        """Get one of this member's claims; raises NotFound."""
        return self._run(self._client.claim(entry_id))

    def recall(self, entry_id: bytes, *, reason: str) -> OwnClaim:
        """Recall one of this member's claims: it should never have been."""
        return self._run(self._client.recall(entry_id, reason=reason))

    def withdraw(self, entry_id: bytes, *, reason: str) -> OwnClaim:
        """Withdraw one of this member's claims, for a reason code."""
        return self._run(self._client.withdraw(entry_id, reason=reason))

    def claim_outcomes(self) -> list[OutcomeCount]:
        """Give how often other members reported what became of decisions on this member's claims."""
        return self._run(self._client.claim_outcomes())

    def status_changes(self, since: int = 0, *, follow: bool = True) -> Iterator[StatusChange]:
        """Give what became of claims after the change of a number, as it happens."""
        return self._pulled(lambda _: _singly(self._client.status_changes(since, follow=follow)), ())

    def acknowledge_recalls(self, upto: int) -> None:
        """Tell the hub that all recalls up to a change were held against what this member decided."""
        self._run(self._client.acknowledge_recalls(upto))

    # -- watching one's own customers ----------------------------------------------------------------------------

    def watch_add(
        self, subjects: Iterable[Subject], *, consent: Consent, on_progress: OnProgress | None = None
    ) -> WatchAddReport:
        """Add subjects to the book that is watched."""
        report = WatchAddReport()
        for later in self._pulled(lambda drawn: self._client._watch_added(drawn, consent), subjects):
            report = report.and_then(later)
            if on_progress is not None:
                on_progress(report.subjects)
        return report

    def watch_remove(self, refs: Iterable[str]) -> int:
        """Take everything under these refs out of the book."""
        return self._run(self._client.watch_remove(list(refs)))

    def watch_fields(self) -> Counter[str]:
        """Count the identifiers in the book by field."""
        return self._run(self._client.watch_fields())

    def watch_status(self) -> WatchStatus:
        """Tell how the watch stands."""
        return self._run(self._client.watch_status())

    def watch(self, after: int = 0, *, follow: bool = True) -> Iterator[WatchEvent]:
        """Give what happens to those in the book, from the event after a number on, as it comes."""
        return self._pulled(lambda _: self._client.watch_batches(after, follow=follow), ())

    def watch_batches(self, after: int = 0, *, follow: bool = True) -> Iterator[list[WatchEvent]]:
        """Do as `watch`, by lists of what there is."""
        return self._pulled(lambda _: _singly(self._client.watch_batches(after, follow=follow)), ())

    def watch_acknowledge(self, number: int) -> None:
        """Drop all events up to a number: they are dealt with."""
        self._run(self._client.watch_acknowledge(number))

    def watch_rescreen(self) -> LookReport:
        """Look at the book now, and fetch the buckets of all that hits anew."""
        return self._run(self._client.watch_rescreen())

    def watch_dead_letters(self) -> list[WatchEvent]:
        """Give the events that were set aside."""
        return self._run(self._client.watch_dead_letters())

    def watch_set_aside(self, event: WatchEvent) -> None:
        """Keep an event that nobody took apart from the others."""
        self._run(self._client.watch_set_aside(event))

    def watch_forget_dead_letter(self, number: int) -> None:
        """Drop an event that was set aside."""
        self._run(self._client.watch_forget_dead_letter(number))

    # -- disputes ------------------------------------------------------------------------------------------------

    def open_dispute(
        self,
        subject: Subject,
        *,
        entry_id: bytes,
        ground: str | DisputeGround,
        request: Consent,
        statement: str,
        evidence: Path | None = None,
    ) -> Dispute:
        """Contest another member's claim for the consumer whom it is about."""
        return self._run(
            self._client.open_dispute(
                subject, entry_id=entry_id, ground=ground, request=request, statement=statement, evidence=evidence
            )
        )

    def disputes(self) -> Iterator[Dispute]:
        """List the disputes that this member opened, oldest first."""
        return self._pulled(lambda _: _singly(self._client.disputes()), ())

    def dispute_queue(self, *, waiting_only: bool = True) -> Iterator[Dispute]:
        """List disputes about this member's own claims, oldest first."""
        return self._pulled(lambda _: _singly(self._client.dispute_queue(waiting_only=waiting_only)), ())

    def read_dispute_statement(self, dispute_id: bytes) -> str:
        """Read what the consumer says about a claim that this machine filed."""
        return self._run(self._client.read_dispute_statement(dispute_id))

    def answer_dispute(self, dispute_id: bytes, outcome: str | DisputeOutcome, *, reason: str) -> Dispute:
        """Answer a dispute about an own claim."""
        return self._run(self._client.answer_dispute(dispute_id, outcome, reason=reason))

    def escalate_dispute(self, dispute_id: bytes) -> Dispute:
        """Have a reviewer look at a claim that its contributor upheld."""
        return self._run(self._client.escalate_dispute(dispute_id))

    def escalations(self) -> Iterator[Escalation]:
        """List what waits for a reviewer, oldest first."""
        return self._pulled(lambda _: _singly(self._client.escalations()), ())

    def review_dispute(self, dispute_id: bytes, decision: str | ReviewDecision, *, reason: str) -> DisputeState:
        """Decide as a reviewer that a claim stands, or is suspended."""
        return self._run(self._client.review_dispute(dispute_id, decision, reason=reason))

    # -- countersignatures ---------------------------------------------------------------------------------------

    @property
    def countersigning(self) -> BlockingCountersigning:
        """Claims at E4 and E5: what this member asks of liaisons; what this liaison is asked, and says to it."""
        return BlockingCountersigning(self._client.countersigning, self._run)

    # -- police cases --------------------------------------------------------------------------------------------

    @property
    def cases(self) -> BlockingCases:
        """The cases of a liaison, and those that approvers decide."""
        return BlockingCases(self._client.cases, self._run)

    @property
    def inquiries(self) -> BlockingInquiries:
        """The cases that ask this member about claims of its own."""
        return BlockingInquiries(self._client.inquiries, self._run)

    # -- looking after it ----------------------------------------------------------------------------------------

    def events(self) -> Iterator[AuditEntry]:
        """List this member's audit events, oldest first."""
        return self._pulled(lambda _: _singly(self._client.events()), ())

    def verify_receipt(self, statement: bytes) -> EventPlace:
        """Prove that the event which a receipt is about is in the hub's log."""
        return self._run(self._client.verify_receipt(statement))

    def verify_events(self, *, from_start: bool = False) -> Iterator[AuditProgress]:
        """Prove that this member's events, and all of which receipts are kept, are in the hub's log; batch by batch."""
        return self._pulled(lambda _: _singly(self._client.verify_events(from_start=from_start)), ())

    def receipts(self) -> Iterator[AuditReceipt]:
        """Give the receipts that this machine keeps, oldest first."""
        return self._pulled(lambda _: _singly(self._client.receipts()), ())

    def log_checkpoint(self) -> KnownCheckpoint | None:
        """Give the newest checkpoint of the hub's log that this machine remembers."""
        return self._run(self._client.log_checkpoint())

    def quota(self) -> QuotaReport:
        """Give what this member may use and has used today, and its standing."""
        return self._run(self._client.quota())

    def renew(self) -> None:
        """Renew this member's certificate now."""
        self._run(self._client.renew())

    def retag(self, *, withdraw_rest: str | None = None) -> RetagReport:
        """Re-tag this member's claims into the epoch that was begun, as far as this machine filed them."""
        return self._run(self._client.retag(withdraw_rest=withdraw_rest))

    def check_own_entries(self, sample: int = 20) -> EntryReport:
        """Look at some entries that this machine filed, drawn at random, as any reader does."""
        return self._run(self._client.check_own_entries(sample))

    def doctor(self) -> list[Finding]:
        """Look for what keeps this machine from working."""
        return self._run(self._client.doctor())

    @property
    def usage(self) -> "Usage":
        """What the hub learned to count since this client was opened."""
        return self._client.usage

    # -- between the threads -------------------------------------------------------------------------------------

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is not None:
                check_not_forked(self._process)
            else:
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                thread = threading.Thread(target=_serve, args=(self._loop,), name="alliance-blocking", daemon=True)
                thread.start()
                # Also when the interpreter ends, or nobody holds this client any more.
                self._stop = weakref.finalize(self, _ended, self._client, self._loop, thread)
            return self._loop

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _pulled(self, work: "Callable[[Any], AsyncGenerator[Sequence[T], None]]", items: Iterable[Item]) -> Iterator[T]:
        exchange: _Exchange[Item, T] = _Exchange(self._running_loop(), items)
        task = asyncio.run_coroutine_threadsafe(exchange.answer(work), self._running_loop())
        try:
            for answers in exchange.answers(task):
                yield from answers
        finally:
            task.cancel()
            exchange.drain()


class _Asked(Future[Sequence[Item]], Generic[Item]):
    """The loop's request for the next handful of items."""


class _Exchange(Generic[Item, T]):
    """One iterator: items go from the caller's thread to the loop when it asks for them, answers come back."""

    def __init__(self, loop: asyncio.AbstractEventLoop, items: Iterable[Item]) -> None:
        self._loop = loop
        self._given = items
        self._messages: SimpleQueue[_Asked[Item] | Sequence[T] | None] = SimpleQueue()
        self._ahead = asyncio.Semaphore(HANDFULS_AHEAD)
        self._is_over = False

    # -- on the loop ---------------------------------------------------------------------------------------------

    async def answer(self, work: "Callable[[Any], AsyncGenerator[Sequence[T], None]]") -> None:
        """Do the work, a few answers ahead of the caller; its failure is the task's."""
        given = self._given if isinstance(self._given, Sequence) else _CallersItems(self._draw)
        try:
            async with aclosing(work(given)) as batches:
                async for answers in batches:
                    await self._ahead.acquire()
                    self._messages.put(answers)
        finally:
            self._messages.put(None)

    async def _draw(self) -> Sequence[Item]:
        asked: _Asked[Item] = _Asked()
        self._messages.put(asked)
        return await asyncio.wrap_future(asked)

    # -- on the caller's thread ----------------------------------------------------------------------------------

    def answers(self, task: "Future[None]") -> Iterator[Sequence[T]]:
        """Give answers as they come, drawing items when the loop asks for some; raises what the work raised."""
        items = iter(self._given)
        while (message := self._messages.get()) is not None:
            if isinstance(message, _Asked):
                _draw(items, message)
                continue
            self._loop.call_soon_threadsafe(self._ahead.release)
            yield message
        self._is_over = True
        task.result()

    def drain(self) -> None:
        """Wait until the work has ended, drawing nothing more."""
        while not self._is_over:
            message = self._messages.get()
            self._is_over = message is None
            if isinstance(message, _Asked):
                message.cancel()


class _CallersItems(Handfuls[Item]):
    """What the caller hands in, drawn on its thread."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Sequence[Item]]]) -> None:
        self._ask = ask

    async def handfuls(self) -> AsyncGenerator[Sequence[Item], None]:
        while handful := await self._ask():
            yield handful


def _draw(items: Iterator[Item], asked: "_Asked[Item]") -> None:
    """Draw a handful for the loop; what drawing raises is raised there, and comes back as the work's failure."""
    if not asked.set_running_or_notify_cancel():
        return
    try:
        asked.set_result(list(islice(items, HANDFUL)))
    except BaseException as error:  # noqa: BLE001 - the caller's own, on its way through the loop
        asked.set_exception(error)


async def _singly(items: AsyncIterator[T]) -> AsyncGenerator[Sequence[T], None]:
    async for item in items:
        yield (item,)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda _loop, _context: None)  # its texts can hold a value
    loop.run_forever()
    loop.close()


def _ended(client: "AllianceClient", loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Close the client on its loop, then end loop and thread."""
    try:
        asyncio.run_coroutine_threadsafe(client.close(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _nothing() -> None:
    """Stop what never started."""
