"""Screening: subjects in, verdicts out, in the same order.

Order, for each batch of up to 1,024 identifiers:

1. canonical forms, refusals apart; consent for every one of them, or nothing is sent; blinded, in the same hand-over;
2. evaluated by the hub;
3. the proof checked, the tags derived and looked up in the filter, in the same hand-over; the filter must be fresh at
   that moment, or the field is unknown (`stale`);
4. buckets of hits and cover; what they hold judged; faults reported to the hub's operator;
5. verdicts.

Up to three batches are with the hub while the next one is computed; arithmetic runs on worker threads. Memory is
bounded by the batches that are open, however many subjects there are.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import count
from typing import Final, get_args

from alliance.taxonomy import Purpose
from member_client._attempt import Attempt
from member_client._deadline import Deadline
from member_client._drawing import handfuls
from member_client._questions import canonical_batch, check_consent
from member_client._runs import Run
from member_client._session import Session
from member_client._verdict_cache import Question, VerdictCache
from member_client.errors import ConflictingRetry, HubUnavailable, InvalidUse
from member_client.subjects import Consent, Subject
from member_client.verdicts import NOT_ASKED, OnUnavailable, Verdict

BATCH_IDENTIFIERS: Final = 1024
"""A quarter of what a call may hold: proofs cost as little, and verdicts flow instead of coming in gusts."""
OPEN_BATCHES: Final = 4
"""Three with the hub while one is computed."""
BATCH_SECONDS: Final = 120.0
MAX_UNSETTLED: Final = 1024
SCREENING_PURPOSES: Final = (
    Purpose.LOAN_APPLICATION,
    Purpose.ACCOUNT_OPENING,
    Purpose.TRANSACTION,
    Purpose.PORTFOLIO_SCREENING,
    Purpose.DISPUTE,
)

_log = logging.getLogger("member_client.screening")

Subjects = Iterable[Subject] | AsyncIterable[Subject]
OnProgress = Callable[[int], None]
"""Told how many subjects have their verdict so far."""


def screening_purpose(word: str | Purpose) -> Purpose:
    """Read a purpose for which people may be screened; raises InvalidUse."""
    purpose = word if isinstance(word, Purpose) else Purpose.__members__.get(word.strip().upper())
    if purpose is None or purpose not in SCREENING_PURPOSES:
        words = ", ".join(allowed.word for allowed in SCREENING_PURPOSES)
        raise InvalidUse(f"people are screened for one of these purposes: {words}")
    return purpose


def checked_choice(on_unavailable: str) -> None:
    """Raise InvalidUse unless it is one of the choices; there is no `decline`."""
    if on_unavailable not in get_args(OnUnavailable):
        raise InvalidUse(f"on_unavailable is one of {', '.join(get_args(OnUnavailable))}")


def checked_question(consent: object, request_id: object) -> None:
    """Raise InvalidUse for what callers without a type checker pass by mistake."""
    Consent.checked(consent)
    if request_id is not None and (not isinstance(request_id, str) or not request_id):
        raise InvalidUse("request_id is a text of your own, such as the id of the application, and not an empty one")


class Screener:
    """Screens for one member."""

    def __init__(self, session: Session, on_unavailable: OnUnavailable) -> None:
        self._session = session
        self._on_unavailable = on_unavailable
        self._cache = VerdictCache(session.store, session.ledger)
        self._unsettled: OrderedDict[bytes, tuple[Question, Attempt]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Event] = {}

    # -- one subject ---------------------------------------------------------------------------------------------

    async def one(
        self,
        subject: Subject,
        purpose: Purpose,
        consent: Consent | None,
        request_id: str | None,
        deadline: Deadline,
    ) -> Verdict:
        """Screen a subject; a repeated business id gives its earlier verdict."""
        attempt = Attempt(self._session, [subject], purpose, consent, self._on_unavailable)
        if request_id is None:
            return (await self._run(attempt, deadline))[0]
        question = self._cache.question(request_id, subject, purpose.word, subject.consent or consent)
        async with self._alone(question.name):
            kept = self._cache.answer(question, self._session.clock.now_ms())
            return kept or await self._asked(question, attempt, deadline)

    async def _asked(self, question: Question, attempt: Attempt, deadline: Deadline) -> Verdict:
        earlier = self._unsettled.pop(question.name, None)
        if earlier is not None:
            if earlier[0] != question:
                self._unsettled[question.name] = earlier
                raise ConflictingRetry("This request id was used for other content.")
            attempt = earlier[1]
        try:
            verdict = (await self._run(attempt, deadline))[0]
        except (HubUnavailable, asyncio.CancelledError):
            self._remember(question, attempt)
            raise
        if not verdict.is_final:
            self._remember(question, attempt)
        await self._keep(question, attempt, verdict)
        return verdict

    async def _run(self, attempt: Attempt, deadline: Deadline) -> list[Verdict]:
        return await self._session.quota_wait.through(lambda: attempt.run(deadline), deadline)

    async def _keep(self, question: Question, attempt: Attempt, verdict: Verdict) -> None:
        """Keep a verdict under its id; where this machine has no room, in memory, and the caller has its answer."""
        try:
            await self._cache.keep(question, verdict, self._session.clock.now_ms())
        except HubUnavailable as error:
            if self._on_unavailable == "raise":
                raise
            _log.warning("a verdict cannot be kept: %s", type(error).__name__)
            self._remember(question, attempt)

    def _remember(self, question: Question, attempt: Attempt) -> None:
        """Keep what was left open, so that asking again goes on with the same evaluation."""
        self._unsettled[question.name] = (question, attempt)
        if len(self._unsettled) > MAX_UNSETTLED:
            self._unsettled.popitem(last=False)

    @asynccontextmanager
    async def _alone(self, name: bytes) -> AsyncIterator[None]:
        """Let one question of a business id be asked at a time, so that it is charged once."""
        while (other := self._asking.get(name)) is not None:
            await other.wait()
        over = self._asking[name] = asyncio.Event()
        try:
            yield
        finally:
            del self._asking[name]
            over.set()

    # -- many ----------------------------------------------------------------------------------------------------

    async def many(
        self,
        subjects: Subjects,
        purpose: Purpose,
        consent: Consent | None,
        request_id: str | None,
        on_progress: OnProgress | None,
    ) -> AsyncGenerator[list[Verdict], None]:
        """Screen subjects in batches, several at a time; gives verdicts in order, by batches."""
        if isinstance(subjects, Sequence):
            check_consent(subjects, purpose, consent)
        session, run = self._session, None
        if request_id is not None:
            run = Run(request_id, purpose, session.store, session.ledger, session.clock)
        numbers = count()
        open_batches: deque[asyncio.Task[list[Verdict]]] = deque()
        done = 0

        async def finished(running: int) -> AsyncIterator[list[Verdict]]:
            nonlocal done
            while len(open_batches) > running:
                verdicts = await open_batches[0]
                open_batches.popleft()
                yield verdicts
                done += len(verdicts)
                if on_progress is not None:
                    on_progress(done)

        try:
            async with aclosing(batches(subjects)) as drawn:
                async for batch in drawn:
                    work = self._batch(batch, purpose, consent, run, next(numbers))
                    open_batches.append(asyncio.create_task(work, name="alliance-batch"))
                    async for verdicts in finished(OPEN_BATCHES - 1):
                        yield verdicts
            async for verdicts in finished(0):
                yield verdicts
        finally:
            for task in open_batches:
                task.cancel()
            await asyncio.gather(*open_batches, return_exceptions=True)

    async def preview(self, subjects: Subjects) -> AsyncGenerator[list[Verdict], None]:
        """Tell what could be asked about, by batches; asks nothing."""
        facts = await self._session.facts.now()
        canon = self._session.canon(facts)
        async with aclosing(batches(subjects)) as drawn:
            async for batch in drawn:
                # Of all purposes rotation alone needs no consent, and nothing is committed to here.
                asked = await self._session.workers.cpu(canonical_batch, batch, Purpose.ROTATION, None, canon)
                yield asked.unknown(NOT_ASKED, "step_up", "")

    async def _batch(
        self, subjects: Sequence[Subject], purpose: Purpose, consent: Consent | None, run: Run | None, number: int
    ) -> list[Verdict]:
        record = None
        if run is not None:
            record = await self._session.workers.cpu(run.batch, number, subjects, consent)
            if record.is_answered:
                return record.verdicts()
        attempt = Attempt(self._session, subjects, purpose, consent, self._on_unavailable, record)

        async def screened() -> list[Verdict]:
            return await attempt.run(Deadline.after(BATCH_SECONDS, patient=True))

        verdicts = await self._session.quota_wait.through(screened, Deadline.after(BATCH_SECONDS, patient=True))
        if record is not None:
            await record.answered(verdicts)
        return verdicts


async def batches(subjects: Subjects, size: int = BATCH_IDENTIFIERS) -> AsyncGenerator[list[Subject], None]:
    """Cut subjects into lists of at most so many identifiers, never through a subject."""
    batch: list[Subject] = []
    identifiers = 0
    async with aclosing(handfuls(subjects)) as drawn:
        async for handful in drawn:
            for subject in handful:
                fields = subject.field_count()
                if batch and (identifiers + fields > size or len(batch) >= size):
                    yield batch
                    batch, identifiers = [], 0
                batch.append(subject)
                identifiers += fields
    if batch:
        yield batch
