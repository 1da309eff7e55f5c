"""AllianceClient: the one object that a member's programs hold.

It connects when it is first used, never in its constructor. Everything may be called concurrently from one event loop.
No exception but those of `member_client.errors` leaves it, and nothing it returns or raises shows an identifier.
"""

import asyncio
import hmac
import os
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from alliance.claims import is_reason_code
from alliance.clock import Clock, SystemClock
from alliance.disputes import DisputeGround, DisputeOutcome, DisputeState, ReviewDecision
from alliance.errors import UnknownWord
from alliance.findings import Finding
from alliance.identifiers import Kind
from alliance.taxonomy import ClaimStatus, Outcome, Purpose
from member_client import _frames, audit, doctor, operators, quotas, witnessing
from member_client._attempt import unasked
from member_client._book import Book
from member_client._book.adding import WatchAddReport
from member_client._book.keeping import WatchStatus
from member_client._book.rounds import LookReport
from member_client._contributions import ContributionPreview, ContributionResult, ContributionRow
from member_client._deadline import Deadline
from member_client._dispute_records import Dispute, Escalation
from member_client._drawing import flattened
from member_client._following import Follower
from member_client._forking import check_not_forked
from member_client._log import AuditProgress, EventPlace
from member_client._own_entries import MAX_SAMPLE, EntryReport, OwnEntries, served
from member_client._quota_wait import OnQuotaWait
from member_client._recovering import hold_own_claims
from member_client._reporting import Reporting
from member_client._reviews import PendingReview
from member_client._revisiting import Revisiter, acknowledged_recalls
from member_client._runs import is_known_run
from member_client._session import Session
from member_client._statuses import StatusChange, StatusFeed
from member_client._transport import pause
from member_client.administration import Administration
from member_client.amending import amended
from member_client.audit import AuditEntry, AuditReceipt, KnownCheckpoint
from member_client.blocking import BlockingClient
from member_client.cases import Cases, Inquiries
from member_client.config import Profile
from member_client.contributing import Contributor, Rows
from member_client.countersigning import Countersigning
from member_client.decisions import KeptDecision, RecallReport, Revisit
from member_client.disputing import Complaint, Disputes, decision_of, outcome_of
from member_client.errors import (
    ConsentMissing,
    HubUnavailable,
    InvalidUse,
    PinsDamaged,
    StorageFull,
    StoreDamaged,
    SuccessionRejected,
)
from member_client.finding import found_claims
from member_client.operators import Operator, OperatorRecord
from member_client.outcomes import OutcomeCount, OutcomeReport, OutcomeReports, read_outcomes
from member_client.own_claims import OwnClaim, OwnClaims
from member_client.quotas import QuotaReport
from member_client.retagging import OnRetagged, Retagger, RetagReport
from member_client.reviewing import Reviewer, protective
from member_client.screening import OnProgress, Screener, Subjects, checked_choice, checked_question, screening_purpose
from member_client.subject_access import SubjectAccess, gathered
from member_client.subjects import Consent, Subject
from member_client.succession import Succession
from member_client.verdicts import OnUnavailable, Verdict
from member_client.watch_events import WatchEvent
from member_client.witnessing import Cosigned, WitnessStatus

DEFAULT_DEADLINE_MS: Final = 30_000
RETIRE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What is in force after a synchronisation; ages in milliseconds.

    `listings` counts the tags of the snapshot and the claims filed since, so that it is a little high at most.
    """

    epoch: int
    listings: int
    sequence: int
    filter_age_ms: int
    members: int
    downloaded_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What the hub learned to count since the client was made: evaluations, and bucket prefixes, cover included."""

    evaluations: int = 0
    prefixes: int = 0


class AllianceClient:
    """A member's client of its alliance."""

    def __init__(
        self,
        profile: Profile,
        *,
        deadline_ms: int | None = None,
        on_unavailable: OnUnavailable = "step_up",
        clock: Clock | None = None,
        cpu_threads: int | None = None,
    ) -> None:
        """Take a profile; sends nothing and opens nothing.

        `deadline_ms` bounds `screen`, all its work included; None is 30 seconds. `on_unavailable` says what follows
        where the hub cannot be asked in time: step up, proceed, or raise HubUnavailable. Where the attribute
        `on_quota_wait` is set, it is told until when bulk work waits for quota (milliseconds UTC), and None once it
        goes on.
        """
        checked_choice(on_unavailable)
        given: tuple[object, object] = (profile, deadline_ms)  # callers without a type checker pass texts
        if not isinstance(given[0], Profile):
            raise InvalidUse("profile is a Profile: Profile.load(folder), or AllianceClient.from_env()")
        if not isinstance(given[1], int | None):
            raise InvalidUse("deadline_ms is a whole number of milliseconds")
        if deadline_ms is not None and deadline_ms <= 0:
            raise InvalidUse("deadline_ms is a positive number of milliseconds")
        self.profile = profile
        self._deadline_ms = deadline_ms or DEFAULT_DEADLINE_MS
        self._on_unavailable: OnUnavailable = on_unavailable
        self._clock = clock or SystemClock()
        self._cpu_threads = cpu_threads
        self._opening: asyncio.Task[Session] | None = None
        self._screening: Screener | None = None
        self._watching: asyncio.Task[Book] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._revisiting: Revisiter | None = None
        self._closings = 0
        self._process = 0
        self._blocking: BlockingClient | None = None
        self.on_quota_wait: OnQuotaWait | None = None

    @classmethod
    def from_env(cls, *, deadline_ms: int | None = None, on_unavailable: OnUnavailable = "step_up") -> Self:
        """Make a client of the profile that `ALLIANCE_HOME` names; raises NotEnrolled or ConfigurationInvalid."""
        return cls(Profile.load(), deadline_ms=deadline_ms, on_unavailable=on_unavailable)

    def __repr__(self) -> str:
        return f"AllianceClient({self.profile.member} at {self.profile.hub})"

    # -- life ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def ready(self, timeout: float) -> None:  # noqa: ASYNC109 - what the caller asks for
        """Open everything and have a fresh filter, trying for `timeout` seconds; raises HubUnavailable after them."""
        deadline = Deadline.after(timeout)
        attempt = 0
        try:
            async with deadline.scope():
                while True:
                    try:
                        await self.sync()
                    except HubUnavailable:
                        await pause(attempt, deadline)
                        attempt += 1
                    else:
                        return
        except TimeoutError as error:
            raise HubUnavailable("The hub was not ready in time.") from error

    async def close(self) -> None:
        """Close everything; the client may be used again afterwards."""
        opening, self._opening, self._screening, self._watching = self._opening, None, None, None
        self._closings += 1
        if self._blocking is not None:
            await asyncio.to_thread(self._blocking.close)
        for task in tuple(self._retiring):
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        if opening is None:
            return
        try:
            session = await opening
        except Exception:  # noqa: BLE001 - who opened it was told
            return
        await session.close()

    async def sync(self) -> SyncReport:
        """Bring epoch, lists, directory and filter up to date; raises where the hub is away or not to be believed."""
        session = await self._session()
        facts = await session.facts.refresh()
        await hold_own_claims(session)
        keeper = await session.keeper(facts.epoch.id)
        before = keeper.downloaded_bytes
        await keeper.refresh()
        live = keeper.live
        if live is None:
            raise HubUnavailable("There is no filter yet.")
        return SyncReport(
            epoch=facts.epoch.id,
            listings=live.header.listings + live.sequence - live.header.sequence,
            sequence=live.sequence,
            filter_age_ms=live.age_ms(self._clock.now_ms()),
            members=len(facts.directory),
            downloaded_bytes=keeper.downloaded_bytes - before,
        )

    # -- screening -----------------------------------------------------------------------------------------------

    async def screen(
        self,
        subject: Subject,
        *,
        purpose: str | Purpose,
        consent: Consent | None = None,
        request_id: str | None = None,
    ) -> Verdict:
        """Screen one subject within the deadline.

        With a `request_id` of the caller's own, the same question within a day gives the same verdict and is charged
        once; the same id with another question is ConflictingRetry. Raises ConsentMissing or InvalidUse before
        anything is sent, Denied and IntegrityError; HubUnavailable only if `on_unavailable` says so.
        """
        asked_for = screening_purpose(purpose)
        checked_question(consent, request_id)
        given: object = subject
        if not isinstance(given, Subject):
            raise InvalidUse("subject is a Subject: Subject(ref, phone=…), or Subject.of(ref, {…})")
        Consent.checked(subject.consent)
        deadline = Deadline.after(self._deadline_ms / 1000)
        try:
            try:
                return await self._screened(subject, asked_for, consent, request_id, deadline)
            except PinsDamaged:
                raise
            except StoreDamaged:
                # It is set aside when it is opened anew, which asking again does.
                return await self._screened(subject, asked_for, consent, request_id, deadline)
        except TimeoutError as error:
            return unasked([subject], asked_for, consent, self.profile, self._on_unavailable, error)[0]

    async def _screened(
        self, subject: Subject, purpose: Purpose, consent: Consent | None, request_id: str | None, deadline: Deadline
    ) -> Verdict:
        """Screen within the deadline; raises TimeoutError where it passes before everything is open."""
        async with deadline.scope():
            screener = await self._screener()
        return await screener.one(subject, purpose, consent, request_id, deadline)

    def screen_many(
        self,
        subjects: Subjects,
        *,
        purpose: str | Purpose,
        consent: Consent | None = None,
        request_id: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> AsyncIterator[Verdict]:
        """Screen many subjects in bounded memory; gives verdicts in the subjects' order.

        `on_progress` is told how many are done. A list is checked for consent as a whole before anything is sent, a
        stream batch by batch. With a `request_id` of the caller's own, a run that stopped is taken up by asking the
        same again within a day: what was settled gives the same verdicts, what was sent is charged once, and the same
        id with other subjects is ConflictingRetry.
        """
        checked_question(consent, request_id)
        return flattened(self._verdicts(subjects, screening_purpose(purpose), consent, request_id, on_progress))

    async def _verdicts(
        self,
        subjects: Subjects,
        purpose: Purpose,
        consent: Consent | None,
        request_id: str | None,
        on_progress: OnProgress | None,
    ) -> AsyncGenerator[list[Verdict], None]:
        screener = await self._screener()
        async with aclosing(screener.many(subjects, purpose, consent, request_id, on_progress)) as batches:
            async for verdicts in batches:
                yield verdicts

    async def keyed_digest(self, data: bytes) -> bytes:
        """Digest data under a key of this machine's, 32 bytes: what may be shown without being tried out."""
        session = await self._session()
        return hmac.digest(session.store.derived_key(b"digests").reveal(), data, "sha256")

    async def knows_run(self, request_id: str) -> bool:
        """Tell whether a run over many subjects was begun here under this id within the last day."""
        session = await self._session()
        return await session.workers.disk(is_known_run, request_id, session.store, self._clock.now_ms())

    def preview_screening(self, subjects: Subjects) -> AsyncIterator[Verdict]:
        """Tell what could be asked about subjects, by the lists in force; sends nothing of them and asks nothing.

        Fields are refused, or unknown for the reason `not_asked`.
        """
        return flattened(self._previewed(subjects))

    async def _previewed(self, subjects: Subjects) -> AsyncGenerator[list[Verdict], None]:
        screener = await self._screener()
        async with aclosing(screener.preview(subjects)) as batches:
            async for verdicts in batches:
                yield verdicts

    async def screen_frame(
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
        """Screen a frame of pandas, Polars or Arrow, or the Path of a file; gives a frame of the same library.

        `columns` says which column holds which field, `ref` which your own reference (else the row's number). The
        result has a row for each row, in the same order, and no identifier; of a Path, it is an Arrow table. Rows that
        cannot be used are refused in the result. `request_id` is that of `screen_many`; `on_progress` is told of rows.
        Raises InvalidUse, ConfigurationInvalid without the extra `frames`, and what `screen_many` raises.
        """
        asked_for = screening_purpose(purpose)
        checked_question(consent, request_id)
        return await _frames.screened(
            frame,
            _frames.FrameColumns(columns, ref, consent_column),
            lambda subjects, told: flattened(self._verdicts(subjects, asked_for, consent, request_id, told)),
            self._on_unavailable,
            on_progress,
        )

    # -- what was decided ----------------------------------------------------------------------------------------

    async def decision(self, receipt: str) -> KeptDecision | None:
        """Give what this machine answered under a receipt, within three years; None where nothing is kept.

        A verdict with a match, or one that was left open, is kept, sealed, before it is given; no other is.
        """
        return await (await self._session()).decisions.one(_text(receipt, "receipt"))

    async def decisions_for(self, ref: str) -> list[KeptDecision]:
        """Give what this machine answered about a reference of yours and keeps, oldest first."""
        return await (await self._session()).decisions.of_ref(_text(ref, "ref"))

    async def revisits(self, *, follow: bool = False, include_done: bool = False) -> AsyncIterator[Revisit]:
        """Give decisions that rest on a claim which was recalled, corrected, withdrawn, contested or restored since.

        An open client finds them by itself, and acknowledges recalls. First come those that are open, or all; with
        `follow` it goes on for good and gives each new one as the hub tells of it, at least once. Deal with one, then
        `close_revisit` it: until then it comes again whenever this is called.
        """
        told: set[tuple[str, bytes, int]] = set()
        closings = self._closings
        while self._closings == closings:
            session, revisiter = await self._revisiter()
            reading = revisiter.reading
            listed = session.decisions.revisits.listed
            for revisit in await session.workers.disk(listed, include_done=include_done):
                if (key := (revisit.receipt, revisit.entry_id, revisit.version)) not in told:
                    told.add(key)
                    yield revisit
            if not follow:
                return
            with suppress(StoreDamaged):  # it is set aside when the session is opened anew
                await revisiter.more(reading)
        raise InvalidUse("the client was closed while it was in use")

    async def close_revisit(self, receipt: str, entry_id: bytes | None = None, *, note: str = "") -> list[Revisit]:
        """Note that a decision was dealt with, because of one claim or of all; gives what was open.

        `note` is a code of yours, such as restored, never free text. Raises InvalidUse for a receipt of none.
        """
        if note and not is_reason_code(_text(note, "note")):
            raise InvalidUse("note is a code of lower-case letters, digits and _, for example restored")
        decision = await self.decision(receipt)
        if decision is None:
            raise InvalidUse("no decision is kept under this receipt")
        session = await self._session()
        entries = [entry_id] if entry_id is not None else list({it.entry_id for it in decision.matches})
        return await session.workers.disk(session.decisions.revisits.close, decision, entries, note)

    async def sync_recalls(self) -> RecallReport:
        """Read what became of claims since this machine last did, hold it against the log, and acknowledge recalls.

        An open client does so by itself; this is for a machine on which none stays open. Raises what calls raise.
        """
        _, revisiter = await self._revisiter()
        return await revisiter.catch_up()

    async def report(self, receipt: str, outcome: str | Outcome, entry_id: bytes | None = None) -> list[OutcomeReport]:
        """Keep what became of a decision, about one of the claims that it rested on, or about all of them.

        It stays on this machine; a day's reports go to the hub in counts by contributor, category and outcome, at some
        moment of the next day, while a client is open or by `send_outcomes`. A later report about the same takes its
        place until it is sent. Raises InvalidUse where no such decision is known here, or it was sent already.
        """
        meant = _outcome(outcome)
        return await Reporting(await self._session()).report(_text(receipt, "receipt"), meant, entry_id)

    async def outcome_reports(self) -> OutcomeReports:
        """Give the reports that wait to be sent, and how many were sent."""
        return await Reporting(await self._session()).standing()

    async def send_outcomes(self) -> int:
        """Send what was reported until yesterday now, and not at the day's own moment; gives how many reports.

        Raises OutcomesImplausible where more is reported than was asked; it waits then.
        """
        return await Reporting(await self._session()).send()

    async def subject_access(self, subject: Subject, *, request: Consent) -> SubjectAccess:
        """Gather what a person may see about themselves, on their request: claims, and what was asked about them.

        Give the identifiers that the person showed to be theirs. The search for claims is a screening for the purpose
        dispute, charged like one, and `request` is the evidence of the consumer's request. Raises InvalidUse where
        nothing given is an identifier, and what `screen` raises.
        """
        Consent.checked(request)
        session = await self._session()

        async def ask(purpose: Purpose) -> Verdict:
            return await self.screen(subject, purpose=purpose, consent=request)

        return await gathered(session, subject, ask)

    # -- own claims ----------------------------------------------------------------------------------------------

    def preview(self, rows: Rows, *, relist: bool = False) -> AsyncIterator[ContributionPreview]:
        """Tell what would become of rows if they were contributed, one result a row, in order; sends none of them.

        It goes by this machine's journal: a claim that another machine of this member filed counts as new here.
        """
        return flattened(self._previews(rows, relist=relist))

    async def _previews(self, rows: Rows, *, relist: bool) -> AsyncGenerator[list[ContributionPreview], None]:
        async with aclosing(Contributor(await self._session()).preview(rows, relist=relist)) as batches:
            async for results in batches:
                yield results

    def contribute(
        self,
        rows: Rows,
        *,
        consent: Consent | None = None,
        amend: bool = False,
        relist: bool = False,
        operator: Operator | None = None,
    ) -> AsyncIterator[ContributionResult]:
        """Contribute claims; gives one result a row, in order.

        A run that stopped is taken up by running it again: what the hub acknowledged costs nothing a second time.
        `consent` is the statement of basis; without one, the alliance's own tables in force are the basis. With
        `amend`, a row that says something else than this member's claim on the same identifier in the same category
        takes that claim's place; without, it is refused. A row whose claim this machine withdrew is refused unless
        `relist` says that it is meant: a list that is filed again must not list again who was listed in error.

        Rows of evidence E3, or that protect somebody, need two operators: `operator` approves them, and they wait as
        `pending_review` until another one does (`approve_reviews`). Without an operator they are refused.
        """
        return flattened(self._results(rows, consent, amend=amend, relist=relist, operator=operator))

    async def _results(
        self, rows: Rows, consent: Consent | None, *, amend: bool, relist: bool, operator: Operator | None
    ) -> AsyncGenerator[list[ContributionResult], None]:
        contributor = Contributor(await self._session())
        made = contributor.contribute(rows, consent, amend=amend, relist=relist, operator=operator)
        async with aclosing(made) as batches:
            async for results in batches:
                yield results

    async def protect(self, rows: Rows, *, operator: Operator) -> list[ContributionResult]:
        """File claims that protect people who asked for it: they lead to an extra check and to nothing else.

        Each row's `role` is taken as `protected`, and its evidence is the person's consent. They wait for a second
        operator as any other that needs two; how many a member may file a day has a budget of its own.
        """
        made = protective(rows)
        return [result async for result in self.contribute(made, operator=operator)]

    # -- operators and reviews -------------------------------------------------------------------------------------

    async def add_operator(self, operator: Operator) -> OperatorRecord:
        """Register an operator of this member at the hub; doing it again changes nothing. Raises OperatorConflict."""
        return await operators.register(await self._session(), operator)

    async def retire_operator(self, name: str) -> OperatorRecord:
        """Retire an operator for good: its name and key are never taken again. Raises NotFound."""
        return await operators.retire(await self._session(), name)

    async def operators(self) -> list[OperatorRecord]:
        """List this member's operators, retired ones included, by name."""
        return await operators.listed(await self._session())

    # -- witnesses -------------------------------------------------------------------------------------------------

    async def begin_witness(self) -> WitnessStatus:
        """Make this member's key as a witness of the hub's log, where there is none; gives its verifier key."""
        return await witnessing.begin(await self._session())

    async def witness_status(self) -> WitnessStatus:
        """Give how this member's witness stands; raises ConfigurationInvalid where it has no key."""
        return await witnessing.status(await self._session())

    async def witness_look(self) -> Cosigned | None:
        """Look at the hub's log once, and cosign it where it only grew; None where nothing is new.

        Raises LogForked or LogShrunken where it did not, with both notes kept as proof; CosignatureRefused where this
        witness is on no list in force.
        """
        return await witnessing.look(await self._session())

    async def pending_reviews(self) -> list[PendingReview]:
        """List claims on this machine that one operator approved and that wait for a second one."""
        return await Reviewer(await self._session()).pending()

    async def approve_reviews(self, entry_ids: Sequence[bytes], *, operator: Operator) -> list[ContributionResult]:
        """Approve claims as their second operator, who is somebody else than the first, and file them.

        Gives one result each, in order. Raises NotFound, and InvalidUse where the operator approved one of them first.
        """
        return await Reviewer(await self._session()).approve(entry_ids, operator)

    async def reject_reviews(self, entry_ids: Sequence[bytes]) -> None:
        """Drop claims that wait for a second operator; nothing of them was sent. Raises NotFound."""
        await Reviewer(await self._session()).reject(entry_ids)

    async def amend(self, entry_id: bytes, row: ContributionRow) -> ContributionResult:
        """Put a claim about the same identifier in the same category in the place of one of this member's own.

        Raises InvalidUse where the row is about another identifier, kind or category, or is refused before anything
        is sent; IllegalTransition where the claim is not active.
        """
        return await amended(await self._session(), entry_id, row)

    async def claims(self, *, live_only: bool = False) -> AsyncIterator[OwnClaim]:
        """List this member's claims, oldest first."""
        async for claim in OwnClaims(await self._session()).listed(live_only=live_only):
            yield claim

    async def find_claims(self, kind: Kind, text: str) -> list[OwnClaim]:
        """Give this member's claims about an identifier, as far as this machine filed them; sends nothing of it.

        Raises InvalidUse where the text is no identifier of the kind.
        """
        return await found_claims(await self._session(), kind, text)

    async def claim(self, entry_id: bytes) -> OwnClaim:
        """Get one of this member's claims; raises NotFound."""
        return await OwnClaims(await self._session()).one(entry_id)

    async def withdraw(self, entry_id: bytes, *, reason: str) -> OwnClaim:
        """Withdraw one of this member's claims, for a reason code; doing it again changes nothing."""
        return await OwnClaims(await self._session()).end(entry_id, ClaimStatus.WITHDRAWN, reason)

    async def recall(self, entry_id: bytes, *, reason: str) -> OwnClaim:
        """Recall one of this member's claims: it should never have been, and every member revisits what it decided.

        A withdrawal says that a claim holds no longer; a recall, that nobody may rest on what followed from it.
        """
        return await OwnClaims(await self._session()).end(entry_id, ClaimStatus.RECALLED, reason)

    async def claim_outcomes(self) -> list[OutcomeCount]:
        """Give how often other members reported what became of decisions on this member's claims, oldest month first.

        Counts of five and more, of at least two members, of months that are over; nobody is named in them.
        """
        return await read_outcomes(await self._session())

    # -- what became of others' claims ---------------------------------------------------------------------------

    async def status_changes(self, since: int = 0, *, follow: bool = True) -> AsyncIterator[StatusChange]:
        """Give what became of claims after the change of a number, as it happens: withdrawn, recalled, contested.

        `revisits` holds them against the log of decisions; this is for who keeps a log of their own. It goes on for
        good, through restarts of the hub, unless `follow` is False: then it ends with the newest change. A change may
        come twice; of two about a claim the one with the higher version stands. A claim's end by its own time is no
        change. Raises StatementInvalid.
        """
        session = await self._session()
        feed = StatusFeed(session.transport, session.hub)
        async with aclosing(feed.pages(since) if follow else feed.rest(since)) as pages:
            async for page in pages:
                for change in page.changes:
                    yield change

    async def acknowledge_recalls(self, upto: int) -> None:
        """Tell the hub that all recalls up to a change were held against what this member decided.

        An open client does so by itself, for its own log. It says that they were dealt with, and nothing of what they
        touched. Admins see who has not said so in a day.
        """
        await acknowledged_recalls(await self._session(), upto)

    # -- watching one's own customers ----------------------------------------------------------------------------

    async def watch_add(
        self, subjects: Subjects, *, consent: Consent, on_progress: OnProgress | None = None
    ) -> WatchAddReport:
        """Add subjects to the book that is watched: each identifier is evaluated once and kept here, sealed.

        `consent` is the statement of basis for screening the portfolio, once and for as long as it is watched. What is
        in the book under the same ref already costs nothing, so that a run that stopped is taken up by running it
        again. What is claimed already is an event by then. Raises ConsentMissing before anything is sent, and what
        evaluations raise.
        """
        report = WatchAddReport()
        async with aclosing(self._watch_added(subjects, consent)) as reports:
            async for (later,) in reports:
                report = report.and_then(later)
                if on_progress is not None:
                    on_progress(report.subjects)
        return report

    async def _watch_added(self, subjects: Subjects, consent: Consent) -> AsyncGenerator[list[WatchAddReport], None]:
        Consent.checked(consent)
        given: object = consent  # callers without a type checker pass None
        if given is None:
            raise ConsentMissing("A portfolio is watched on a statement of basis; nothing was sent.")
        async with aclosing((await self._book()).add(subjects, consent)) as reports:
            async for report in reports:
                yield [report]

    async def watch_remove(self, refs: Iterable[str]) -> int:
        """Take everything under these refs out of the book; gives how many identifiers. No event tells of it."""
        return await (await self._book()).remove(refs)

    async def watch_fields(self) -> Counter[str]:
        """Count the identifiers in the book by field."""
        return await (await self._book()).fields()

    async def watch_status(self) -> WatchStatus:
        """Tell how the watch stands, and what the hub learned to count because of it; sends nothing."""
        return await (await self._book()).status()

    async def watch(self, after: int = 0, *, follow: bool = True) -> AsyncIterator[WatchEvent]:
        """Give what happens to those in the book, from the event after a number on, as it comes.

        The book is held against the filter twice a minute, and looked at when the hub tells of a claim that matched. It
        goes on for good, through restarts of the hub, unless `follow` is False: then the book is looked at once. An
        event is given again, under its number, until it is acknowledged. Raises IntegrityError and Denied.
        """
        async with aclosing(flattened(self.watch_batches(after, follow=follow))) as events:
            async for event in events:
                yield event

    async def watch_batches(self, after: int = 0, *, follow: bool = True) -> AsyncGenerator[list[WatchEvent], None]:
        """Do as `watch`, by lists of what there is: for who keeps and acknowledges many events in one go."""
        async with aclosing((await self._book()).events(after, follow=follow)) as batches:
            async for events in batches:
                yield events

    async def watch_acknowledge(self, number: int) -> None:
        """Drop all events up to a number: they are dealt with. Until then they are kept, however long that is."""
        await (await self._book()).acknowledge(number)

    async def watch_rescreen(self) -> LookReport:
        """Look at the book now, and fetch the buckets of all that hits anew, as is done once a day by itself.

        A second claim on an identifier that is claimed already sets no new bit in the filter, so that it is seen then.
        """
        return await (await self._book()).rescreen()

    async def watch_dead_letters(self) -> list[WatchEvent]:
        """Give the events that were set aside."""
        return await (await self._book()).dead_letters()

    async def watch_set_aside(self, event: WatchEvent) -> None:
        """Keep an event that nobody took apart from the others, so that these go on; acknowledge it by itself."""
        await (await self._book()).set_aside(event)

    async def watch_forget_dead_letter(self, number: int) -> None:
        """Drop an event that was set aside: somebody took it."""
        await (await self._book()).forget_dead_letter(number)

    # -- disputes ------------------------------------------------------------------------------------------------

    async def open_dispute(
        self,
        subject: Subject,
        *,
        entry_id: bytes,
        ground: str | DisputeGround,
        request: Consent,
        statement: str,
        evidence: Path | None = None,
    ) -> Dispute:
        """Contest another member's claim for the consumer whom it is about; every member sees it flagged at once.

        `entry_id` is that of a match, `request` what the consumer signed, `statement` up to 4,094 bytes that the
        contributor alone will read, `evidence` a file, of which a digest is sent. The same again is the same dispute.
        Raises InvalidUse, DisputeNotPossible, DisputeAlreadyOpen or DisputeRepeated; each try counts against a budget.
        """
        session = await self._session()
        given = entry_id, ground, request, statement, evidence
        return await Disputes(session).open(subject, await session.workers.disk(Complaint.checked, *given))

    async def disputes(self) -> AsyncIterator[Dispute]:
        """List the disputes that this member opened, oldest first."""
        async for dispute in Disputes(await self._session()).listed(about_own=False):
            yield dispute

    async def dispute_queue(self, *, waiting_only: bool = True) -> AsyncIterator[Dispute]:
        """List disputes about this member's own claims, oldest first: those that wait for its answer, or all."""
        async for dispute in Disputes(await self._session()).listed(about_own=True, waiting_only=waiting_only):
            yield dispute

    async def read_dispute_statement(self, dispute_id: bytes) -> str:
        """Read what the consumer says about a claim that this machine filed: one evaluation, on the consumer's request.

        Raises NotFound where it was deleted, 30 days after the dispute was closed, or its epoch is over.
        """
        return await Disputes(await self._session()).statement(dispute_id)

    async def answer_dispute(self, dispute_id: bytes, outcome: str | DisputeOutcome, *, reason: str) -> Dispute:
        """Answer a dispute about an own claim: it is `upheld`, or ends: `corrected`, `withdrawn` or `recalled`.

        What is right instead of a corrected claim is contributed afterwards, with `relist`. Doing it again changes
        nothing; raises DisputeClosed for another answer.
        """
        return await Disputes(await self._session()).answer(dispute_id, outcome_of(outcome), reason)

    async def escalate_dispute(self, dispute_id: bytes) -> Dispute:
        """Have a reviewer look at a claim that its contributor upheld, within 30 days; raises DisputeNotEscalatable."""
        return await Disputes(await self._session()).escalate(dispute_id)

    async def escalations(self) -> AsyncIterator[Escalation]:
        """List what waits for a reviewer, oldest first; raises NotPermitted for whoever is none."""
        async for escalation in Disputes(await self._session()).escalations():
            yield escalation

    async def review_dispute(self, dispute_id: bytes, decision: str | ReviewDecision, *, reason: str) -> DisputeState:
        """Decide as a reviewer that a claim stands, or is suspended; doing it again changes nothing."""
        return await Disputes(await self._session()).review(dispute_id, decision_of(decision), reason)

    # -- countersignatures ---------------------------------------------------------------------------------------

    @property
    def countersigning(self) -> Countersigning:
        """Claims at E4 and E5: what this member asks of liaisons; what this liaison is asked, and says to it."""
        return Countersigning(self._session)

    # -- police cases --------------------------------------------------------------------------------------------

    @property
    def cases(self) -> Cases:
        """The cases of a liaison, and those that approvers decide; its calls are refused to other roles."""
        return Cases(self._session)

    @property
    def inquiries(self) -> Inquiries:
        """The cases that ask this member about claims of its own."""
        return Inquiries(self._session)

    # -- quota ---------------------------------------------------------------------------------------------------

    async def quota(self) -> QuotaReport:
        """Give what this member may use and has used today, and how what it gives compares with what it asks."""
        return await quotas.report(await self._session())

    # -- for admins ----------------------------------------------------------------------------------------------

    async def administration(self) -> Administration:
        """Open the admin's side; calls of it are refused to whoever has another role."""
        session = await self._session()
        with suppress(HubUnavailable, SuccessionRejected):  # a restored hub shows no directory yet, and must be signed
            await session.facts.now()  # the other admins are pinned while they can be
        return Administration(session)

    # -- looking after it ----------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[AuditEntry]:
        """List this member's audit events, oldest first; raises StatementInvalid where one is not genuine."""
        async for event in audit.events(await self._session()):
            yield event

    async def verify_receipt(self, statement: bytes) -> EventPlace:
        """Prove that the event which a receipt is about is in the hub's log.

        A receipt younger than its delay may be pending: ask again after `due_at`. Raises InvalidUse for what is
        none of the hub's receipts, ReceiptBroken where the event is not in the log, LogForked and LogShrunken.
        """
        return await (await self._prover()).auditor.verify(statement)

    async def verify_events(self, *, from_start: bool = False) -> AsyncIterator[AuditProgress]:
        """Prove that this member's events, and all of which receipts are kept, are in the hub's log; batch by batch.

        It goes on where the last look ended. Raises ReceiptBroken, LogForked, LogShrunken and StatementInvalid.
        """
        async for found in audit.verified(await self._prover(), from_start=from_start):
            yield found

    async def _prover(self) -> Session:
        """Give the session once it knows whose cosignatures a checkpoint needs: a restored hub's list is new to it."""
        session = await self._session()
        await session.facts.now()
        return session

    async def receipts(self) -> AsyncIterator[AuditReceipt]:
        """Give the receipts that this machine keeps, the newest hundred thousand, oldest first. Sends nothing."""
        async for receipt in audit.receipts(await self._session()):
            yield receipt

    async def log_checkpoint(self) -> KnownCheckpoint | None:
        """Give the newest checkpoint of the hub's log that this machine remembers. Sends nothing."""
        return await audit.checkpoint(await self._session())

    async def renew(self) -> None:
        """Renew this member's certificate now; in use that happens by itself at two thirds of its life.

        The certificate before it stays good until it ends.
        """
        session = await self._session()
        try:
            await session.renewer.renew()
        except OSError as error:
            raise StorageFull("The renewed certificate cannot be kept.") from error

    async def retag(self, *, on_retagged: OnRetagged | None = None, withdraw_rest: str | None = None) -> RetagReport:
        """Re-tag this member's claims into the epoch that was begun, as far as this machine filed them.

        An open client does so by itself. What is cut off is taken up by calling it again. With `withdraw_rest`, a
        reason code, claims that this machine does not know are withdrawn: they would hold the epoch's end up.
        """
        retagger = Retagger(await self._session())
        report = await retagger.run(on_retagged)
        if withdraw_rest is None or not report.unknown:
            return report
        return replace(report, withdrawn=await retagger.withdraw_unknown(withdraw_rest))

    async def check_own_entries(self, sample: int = 20) -> EntryReport:
        """Look at some entries that this machine filed, drawn at random, as any reader does.

        Raises EntryOmitted where the hub says that one lives and keeps it from readers, after looking once more a while
        later; it names them. An open client does the same with a few about once an hour, and logs what it finds.
        """
        if not 0 < sample <= MAX_SAMPLE:
            raise InvalidUse(f"a sample is of 1 to {MAX_SAMPLE} entries")
        return served(await OwnEntries(await self._session()).check(sample))

    async def doctor(self) -> list[Finding]:
        """Look for what keeps this machine from working."""
        return await doctor.examine(self.profile, self._session, self._clock)

    @property
    def blocking(self) -> BlockingClient:
        """The same calls for synchronous code, on a thread and a channel of their own; close it by itself."""
        if self._blocking is None:
            self._blocking = BlockingClient(
                AllianceClient(
                    self.profile,
                    deadline_ms=self._deadline_ms,
                    on_unavailable=self._on_unavailable,
                    clock=self._clock,
                    cpu_threads=self._cpu_threads,
                )
            )
        return self._blocking

    @property
    def accepted_succession(self) -> Succession | None:
        """The succession that was believed last since the client was opened: the hub was restored from a backup."""
        session = self._open_session()
        return None if session is None else session.hub.accepted

    @property
    def usage(self) -> Usage:
        """What the hub learned to count since this client was opened."""
        session = self._open_session()
        if session is None:
            return Usage()
        return Usage(session.evaluator.evaluations, session.fetcher.prefixes)

    async def _session(self) -> Session:
        """Open once, and anew where the store is damaged; cancelling one caller does not cancel the opening."""
        session = self._open_session()
        if session is not None and not session.state.is_damaged:
            return session
        if session is not None:
            self._retire(session)
        if self._opening is None or self._opening.done():
            self._process = os.getpid()
            self._opening = asyncio.create_task(self._opened(), name="alliance-open")
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._opening)

    async def _opened(self) -> Session:
        session = await Session.opened(self.profile, self._clock, self._cpu_threads, self._waits_for_quota)
        self._revisiting = revisiter = Revisiter(session)
        follower = Follower(session, revisiter)
        session.facts.told = follower.look
        session.closing = follower.close
        session.auditor.begin()
        return session

    def _waits_for_quota(self, until: int | None) -> None:
        if self.on_quota_wait is not None:
            self.on_quota_wait(until)

    def _open_session(self) -> Session | None:
        """Give what is open; raises InvalidUse in a process that was forked from the one which opened it."""
        opening = self._opening
        if opening is None or not opening.done() or opening.cancelled() or opening.exception() is not None:
            return None
        check_not_forked(self._process)
        return opening.result()

    def _retire(self, damaged: Session) -> None:
        """Set a damaged session aside; calls that are under way in it may end."""
        self._opening = self._screening = self._watching = None
        damaged.state.mark()
        task = asyncio.create_task(_closed_later(damaged), name="alliance-retire")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _revisiter(self) -> tuple[Session, Revisiter]:
        session = await self._session()
        assert self._revisiting is not None  # noqa: S101 - it was opened with the session
        return session, self._revisiting

    async def _book(self) -> Book:
        """Open the book once; a session closes it."""
        session = await self._session()
        if self._watching is None or (self._watching.done() and _failed(self._watching)):
            self._watching = asyncio.create_task(self._opened_book(session), name="alliance-book")
        return await asyncio.shield(self._watching)

    async def _opened_book(self, session: Session) -> Book:
        book = await Book.opened(session)
        before = session.closing

        async def closing() -> None:
            await book.close()
            await before()

        session.closing = closing
        return book

    async def _screener(self) -> Screener:
        session = await self._session()
        if self._screening is None:
            self._screening = Screener(session, self._on_unavailable)
        return self._screening


def _text(given: object, name: str) -> str:
    """Raise InvalidUse for what callers without a type checker pass by mistake."""
    if not isinstance(given, str):
        raise InvalidUse(f"{name} is a text")
    return given


def _outcome(given: str | Outcome) -> Outcome:
    try:
        return given if isinstance(given, Outcome) else Outcome.parse(_text(given, "outcome"))
    except UnknownWord as error:
        raise InvalidUse(str(error)) from error


async def _closed_later(session: Session) -> None:
    """Close a session once the calls in it had time to end, or at once where this is cancelled."""
    try:
        await asyncio.sleep(RETIRE_SECONDS)
    finally:
        await session.close()


def _failed(task: asyncio.Task[Book]) -> bool:
    return task.cancelled() or task.exception() is not None
