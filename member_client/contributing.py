"""Contributing: rows in, results out, in the same order; a run that stopped is taken up by running it again.

Order, for each chunk of up to 1,024 rows:

1. drawn up, or refused before anything is sent;
2. looked up in the journal: what stands unchanged is done, what was sealed but not acknowledged is sent as it is;
3. the rest evaluated (one evaluation a row), sealed, and written down;
4. sent, and acknowledged row by row; what the hub refuses holds up nothing else. Where a claim of this member stands
   in a row's way and says something else, it is withdrawn and the row sent once more, if the run amends;
5. acknowledgements written down, results given.

Several chunks are open at once: while one is on its way the next ones are drawn up, evaluated and sealed, and the one
before is written down. Rows are named (2) and sent (4) in their order, and nothing is sent after what failed.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from contextlib import aclosing
from hashlib import blake2b
from typing import Final

from alliance.approvals import approve
from alliance.claims import MAX_FILING_SKEW_MS, seal_claims
from alliance.claims import parse as parse_claim
from alliance.countersignatures import approval_life_ms
from alliance.crypto.tagging import Tags
from alliance.errors import ClaimInvalid, Reason
from alliance.taxonomy import ClaimStatus, Purpose, policy_version
from alliance.v1.registry_pb2 import ClaimRowResult
from member_client import _consents
from member_client import _drawing as drawing
from member_client._claim_stream import MAX_ROWS, ClaimStream, Correction
from member_client._contribution_rows import WAITING, Row
from member_client._contributions import (
    ContributionOutcome,
    ContributionPreview,
    ContributionResult,
    ContributionRow,
    PreviewOutcome,
)
from member_client._deadline import Deadline
from member_client._drafting import CONTESTED, RELIST, WITHDRAWN_BEFORE, Drafted, Refused, all_drafted
from member_client._epochs import PinnedEpoch
from member_client._evaluation import prepared
from member_client._facts import Facts
from member_client._journal import Drawn, Journal, Keepsake, Known, Place
from member_client._recovering import hold_own_claims
from member_client._reviews import Review, Reviews
from member_client._session import Session
from member_client._turns import Turn
from member_client.errors import EpochNotServed, StatementInvalid
from member_client.operators import Operator
from member_client.own_claims import OwnClaim, OwnClaims
from member_client.subjects import Consent

OPEN_CHUNKS: Final = 4
EVALUATION_SECONDS: Final = 120.0
FILING_MARGIN_MS: Final = 60 * 60 * 1000
CORRECTIONS_AT_ONCE: Final = 16
AMENDED: Final = "amended"
_CONTESTED: Final = (ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED)
_EPOCH_CHANGED: Final = Reason.EPOCH_NOT_SERVED.name.lower()

Rows = Iterable[ContributionRow] | AsyncIterable[ContributionRow]
Asked = tuple[Row, Drafted, Place]


def standing_basis() -> Consent:
    """Give the basis of every contribution that names none: the alliance's own tables, by their version."""
    return Consent.of("alliance/contribution", policy=policy_version().hex())


class _Run:
    """One call of `contribute`: its stream, the rows that are open in it, and whose turn it is."""

    def __init__(
        self, stream: ClaimStream, basis: Consent, *, amend: bool, relist: bool, operator: Operator | None = None
    ) -> None:
        self.operator = operator
        self.stream = stream
        self.basis = basis
        self.amend = amend
        self.relist = relist
        self.open_rows: dict[bytes, Row] = {}
        self._naming: Turn | None = None
        self._sending: Turn | None = None

    def turns(self) -> tuple[Turn, Turn]:
        """Give the next chunk's turns at naming and at sending."""
        self._naming, self._sending = Turn(self._naming), Turn(self._sending)
        return self._naming, self._sending


class Contributor:
    """Contributes for one member."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._journal = Journal(session.store)
        self._reviews = Reviews(session.store)
        self._claims = OwnClaims(session)

    async def contribute(
        self,
        rows: Rows,
        consent: Consent | None,
        *,
        amend: bool,
        relist: bool = False,
        operator: Operator | None = None,
    ) -> AsyncGenerator[list[ContributionResult], None]:
        """Contribute rows; gives one result a row, in order, by chunks."""
        basis = standing_basis() if consent is None else consent
        run = _Run(ClaimStream(self._session.transport), basis, amend=amend, relist=relist, operator=operator)
        open_chunks: deque[asyncio.Task[list[ContributionResult]]] = deque()
        chunks = drawing.chunks(rows, MAX_ROWS)
        try:
            while True:
                while len(open_chunks) < OPEN_CHUNKS and (chunk := await anext(chunks, None)) is not None:
                    work = self._contributed(chunk, run, *run.turns())
                    open_chunks.append(asyncio.create_task(work, name="alliance-contribution"))
                if not open_chunks:
                    return
                results = await open_chunks[0]
                open_chunks.popleft()
                yield results
        finally:
            for task in open_chunks:
                task.cancel()
            await asyncio.gather(*open_chunks, return_exceptions=True)
            await chunks.aclose()
            await run.stream.close()

    async def preview(self, rows: Rows, *, relist: bool = False) -> AsyncGenerator[list[ContributionPreview], None]:
        """Tell what would become of rows, by chunks, by the journal and the lists in force; sends none of them."""
        facts = await self._session.facts.now()
        seen: dict[bytes, bytes] = {}
        async with aclosing(drawing.chunks(rows, MAX_ROWS)) as chunks:
            async for chunk in chunks:
                drawn_up = await self._session.workers.cpu(self.drawn_up, chunk, facts)
                asked = _placed(drawn_up, {}, facts.epoch)
                known = await self._session.workers.disk(self._journal.known, [place for _, _, place in asked])
                now_ms = self._session.clock.now_ms()
                found = {id(row): it for (row, _, _), it in zip(asked, known, strict=True)}
                yield [_preview(row, found.get(id(row)), now_ms, seen, relist=relist) for row in drawn_up]

    async def _contributed(
        self, chunk: list[ContributionRow], run: _Run, naming: Turn, sending: Turn, *, is_again: bool = False
    ) -> list[ContributionResult]:
        """Take a chunk through all its steps, and give its results.

        Rows that met a change of epoch on their way are taken through them once more, in the epoch that serves now.
        """
        rows = await self._made_ready(chunk, run, naming)
        await self._reviewed(rows, run)
        async with sending:
            sent = await self._sent(rows, run)
        if sent:
            await self._session.workers.disk(self._settle, sent)
        for row in rows:
            if row.place is not None:
                run.open_rows.pop(row.place.drawn, None)
        results = [row.finished() for row in rows]
        late = [place for place, it in enumerate(results) if it.reason == _EPOCH_CHANGED]
        if late and not is_again:
            await self._session.facts.refresh()
            again = await self._contributed([chunk[place] for place in late], run, *run.turns(), is_again=True)
            for place, it in zip(late, again, strict=True):
                results[place] = it
        return results

    # -- making ready --------------------------------------------------------------------------------------------

    async def _made_ready(self, chunk: list[ContributionRow], run: _Run, naming: Turn) -> list[Row]:
        """Give every row a result or a sealed claim that is written down."""
        facts = await self._session.facts.now()
        await hold_own_claims(self._session)
        rows = await self._session.workers.cpu(self.drawn_up, chunk, facts)
        async with naming:
            asked = _placed(rows, run.open_rows, facts.epoch)
        try:
            await self._sealed(asked, run, facts.epoch)
        except EpochNotServed:
            _reopen(rows, run.open_rows)
            facts = await self._session.facts.refresh()
            await self._sealed(_placed(rows, run.open_rows, facts.epoch), run, facts.epoch)
        return rows

    def drawn_up(self, chunk: Sequence[ContributionRow], facts: Facts) -> list[Row]:
        """Draw rows up, or refuse them: work for a thread, since it may read evidence."""
        outcomes = all_drafted(
            chunk,
            canon=self._session.canon(facts),
            member=self._session.profile.member,
            now_ms=self._session.clock.now_ms(),
        )
        return [Row(row, outcome) for row, outcome in zip(chunk, outcomes, strict=True)]

    async def evaluated(
        self, drafts: Sequence[Drafted], basis: Consent, epoch: PinnedEpoch, deadline: Deadline
    ) -> Tags:
        """Have rows' identifiers evaluated, for a contribution; one evaluation each."""
        inputs = [draft.identifier.input_bytes for draft in drafts]
        digests = _consents.needed(Purpose.CONTRIBUTION, [None] * len(inputs), basis)
        batch = await self._session.workers.cpu(prepared, inputs, digests, Purpose.CONTRIBUTION, epoch)

        async def evaluate() -> Tags:
            left = Deadline.after(EVALUATION_SECONDS, patient=True) if deadline.patient else deadline
            return await self._session.evaluator.evaluate(batch, left)

        return await self._session.quota_wait.through(evaluate, deadline)

    async def _sealed(self, asked: Sequence[Asked], run: _Run, epoch: PinnedEpoch) -> None:
        """Give every row a result or a sealed claim that is written down."""
        known = await self._session.workers.disk(self._journal.known, [place for _, _, place in asked])
        now_ms = self._session.clock.now_ms()
        fresh: list[Asked] = []
        for (row, draft, place), it in zip(asked, known, strict=True):
            stands, drawn = it.stands, it.drawn
            if it.was_withdrawn and drawn is None and not run.relist:
                row.refuse(Refused(WITHDRAWN_BEFORE, RELIST))
                continue
            if stands is not None and stands.ends_at > now_ms:
                if stands.content == draft.content:
                    row.stand(ContributionOutcome.UNCHANGED, stands.entry_id)
                    continue
                if not run.amend:
                    row.refuse(Refused.by(Reason.LIVE_CLAIM_EXISTS))
                    continue
                row.is_change = True
            if drawn is not None and _still_filed(drawn, now_ms, row):
                row.drawn, row.from_earlier_run = drawn, True
            elif row.needs_approvals and run.operator is None:
                row.refuse(Refused.by(Reason.TWO_OPERATORS_NEEDED))
            else:
                fresh.append((row, draft, place))
        if not fresh:
            return
        deadline = Deadline.after(EVALUATION_SECONDS, patient=True)
        tags = await self.evaluated([draft for _, draft, _ in fresh], run.basis, epoch, deadline)
        drawn_rows = await self._session.workers.cpu(self._seal, fresh, tags, epoch.id)
        await self._session.workers.disk(self._journal.draw, drawn_rows)

    def _seal(self, fresh: list[Asked], tags: Tags, epoch: int) -> list[tuple[Place, Drawn, Keepsake]]:
        outcomes = seal_claims(
            [draft.draft for _, draft, _ in fresh],
            epoch=epoch,
            tags=tags.packed,
            label_keys=tags.label_keys(),
            contributor=self._session.profile.member,
            signing_key=self._session.identity,
        )
        sealed: list[tuple[Place, Drawn, Keepsake]] = []
        for (row, draft, place), outcome in zip(fresh, outcomes, strict=True):
            if isinstance(outcome, ClaimInvalid):
                row.refuse(Refused.by(outcome.reason, str(outcome)))
            else:
                row.drawn = Drawn(outcome, draft.evidence_salt)
                sealed.append((place, row.drawn, Keepsake.of(draft, draft.evidence_salt)))
        return sealed

    # -- two operators ---------------------------------------------------------------------------------------------

    async def _reviewed(self, rows: list[Row], run: _Run) -> None:
        """Keep back what a second operator must look at, with the first one's approval."""
        sealed = [row for row in rows if row.drawn is not None and row.needs_approvals]
        if not sealed:
            return
        disk = self._session.workers.disk
        known = await disk(self._reviews.some, [row.sealed.entry_id for row in sealed if row.sealed])
        made = []
        for row, review in zip(sealed, known, strict=True):
            made += [] if review is not None else self._first(row, run)
        await disk(self._reviews.add, made)

        for row, review in zip(sealed, known, strict=True):
            if row.result is None and row.sealed is not None:
                is_approved = review is not None and review.second is not None
                row.stand(WAITING[1] if is_approved else WAITING[0], row.sealed.entry_id)
            row.drawn = None

    def _first(self, row: Row, run: _Run) -> list[Review]:
        """Sign the first approval; a row that nobody approves is refused."""
        if run.operator is None or row.drawn is None or row.place is None or isinstance(row.outcome, Refused):
            row.refuse(Refused.by(Reason.TWO_OPERATORS_NEEDED))
            return []
        sealed, now_ms, by = row.drawn.sealed, self._session.clock.now_ms(), run.operator
        signed = approve(by.key, by.name, entry_id=sealed.entry_id, claim=sealed.claim, now_ms=now_ms)
        kept = Keepsake.of(row.outcome, row.drawn.evidence_salt)
        return [Review(row.place, row.drawn, kept, signed, run.amend)]

    async def land(self, rows: list[Row], *, amend: bool) -> None:
        """Send rows that two operators approved, and write down what came of them."""
        run = _Run(ClaimStream(self._session.transport), standing_basis(), amend=amend, relist=False)
        try:
            sent = await self._sent(rows, run)
        finally:
            await run.stream.close()
        await self._session.workers.disk(self._settle, sent)

    # -- landing -------------------------------------------------------------------------------------------------

    async def _sent(self, rows: list[Row], run: _Run) -> list[Row]:
        """Send what is sealed of a chunk, and take over what came of it; gives the rows that were sent."""
        sent = [row for row in rows if row.drawn is not None]
        in_the_way: list[tuple[Row, OwnClaim]] = []
        for row, answer in zip(sent, await _exchanged(sent, run.stream), strict=True):
            row.take(answer)
            if int(answer.refusal) == Reason.LIVE_CLAIM_EXISTS and answer.HasField("standing_claim"):
                in_the_way.append((row, self._claims.standing(answer.standing_claim, row.claim_bytes)))
        await self._take_standing(in_the_way)
        again = [row for row, _ in in_the_way if run.amend and _is_replaced(row)]
        if again:
            await self._corrected(again, run.stream)
        for row, claim in in_the_way:
            if run.amend and claim.status in _CONTESTED and row.is_refused:
                row.refuse(Refused(Reason.LIVE_CLAIM_EXISTS.name.lower(), CONTESTED))
        return sent

    async def _take_standing(self, in_the_way: Sequence[tuple[Row, OwnClaim]]) -> None:
        """Take over claims that stand in rows' ways; raises StatementInvalid where one was withdrawn from here."""
        if not in_the_way:
            return
        gone = await self._session.workers.disk(self._journal.withdrawn, [claim.entry_id for _, claim in in_the_way])
        if gone:
            raise StatementInvalid("The hub shows a claim as standing that this member withdrew.")
        now_ms = self._session.clock.now_ms()
        for row, claim in in_the_way:
            row.take_standing(claim, now_ms)

    async def _corrected(self, rows: list[Row], stream: ClaimStream) -> None:
        """Send rows once more, with the signed ends of the claims whose places they take."""
        places = asyncio.Semaphore(CORRECTIONS_AT_ONCE)  # each may ask the hub for a twin

        async def correction(claim: OwnClaim) -> tuple[Correction, tuple[OwnClaim, ...]]:
            async with places:
                return await self._claims.correction(claim, AMENDED)

        signed = await asyncio.gather(*(correction(row.standing) for row in rows if row.standing is not None))
        answers = await _exchanged(rows, stream, [correction for correction, _ in signed])
        for row, answer, (_, ended) in zip(rows, answers, signed, strict=True):
            row.take(answer, amended=True)
            if not answer.refusal:
                await self._claims.forget(*ended)

    def _settle(self, sent: list[Row]) -> None:
        settled = [row.settled() for row in sent]
        dropped = [row.dropped() for row in sent]
        self._journal.settle([it for it in settled if it is not None], [it for it in dropped if it is not None])


def _placed(rows: list[Row], open_rows: dict[bytes, Row], epoch: PinnedEpoch) -> list[Asked]:
    """Name the rows; one that says the same as an open one waits for that one's result."""
    asked: list[Asked] = []
    for row in rows:
        if isinstance(row.outcome, Refused):
            row.refuse(row.outcome)
            continue
        place = Place.of(row.outcome, epoch.id)
        first = open_rows.setdefault(place.drawn, row)
        if first is not row:
            row.same_as = first
            continue
        row.place = place
        asked.append((row, row.outcome, place))
    return asked


def _reopen(rows: list[Row], open_rows: dict[bytes, Row]) -> None:
    for row in rows:
        if row.place is not None:
            open_rows.pop(row.place.drawn, None)
        row.place = row.drawn = row.same_as = row.result = None


def _is_replaced(row: Row) -> bool:
    """Whether the claim in a row's way says something else and may be withdrawn: a dispute is not dodged so."""
    return row.is_refused and row.standing is not None and row.standing.status is ClaimStatus.ACTIVE


def _preview(
    row: Row, known: Known | None, now_ms: int, seen: dict[bytes, bytes], *, relist: bool
) -> ContributionPreview:
    """Judge a row; `seen` holds what earlier rows of the run said, by what they said it about."""
    number = row.row.row_number
    if isinstance(row.outcome, Refused):
        return _refused(number, row.outcome)
    if row.place is None or known is None:
        return ContributionPreview(number, PreviewOutcome.UNCHANGED)  # an earlier row of the chunk says the same
    about, content = _digest(row.place.acknowledged), _digest(row.outcome.content)
    if (said := seen.setdefault(about, content)) is not content:
        if said != content:
            return _refused(number, Refused.by(Reason.LIVE_CLAIM_EXISTS))
        return ContributionPreview(number, PreviewOutcome.UNCHANGED)
    if known.was_withdrawn and not relist:
        return _refused(number, Refused(WITHDRAWN_BEFORE, RELIST))
    is_new = known.stands is None or known.stands.ends_at <= now_ms
    same = not is_new and known.stands is not None and known.stands.content == row.outcome.content
    if row.needs_approvals and not same:
        return ContributionPreview(number, PreviewOutcome.PENDING_REVIEW)
    if is_new:
        return ContributionPreview(number, PreviewOutcome.NEW)
    return ContributionPreview(number, PreviewOutcome.UNCHANGED if same else PreviewOutcome.CHANGED)


def _refused(number: int, refused: Refused) -> ContributionPreview:
    return ContributionPreview(number, PreviewOutcome.REFUSED, refused.reason, refused.how_to_fix)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def _still_filed(drawn: Drawn, now_ms: int, row: Row) -> bool:
    """Tell whether the hub would still take a row that was drawn up earlier."""
    longest = approval_life_ms(row.row.evidence) if row.needs_approvals else MAX_FILING_SKEW_MS
    return now_ms - parse_claim(drawn.sealed.claim).filed_at < longest - FILING_MARGIN_MS


async def _exchanged(
    rows: Sequence[Row], stream: ClaimStream, corrections: Sequence[Correction] = ()
) -> list[ClaimRowResult]:
    ready = [row for row in rows if row.drawn is not None]
    sealed = [row.drawn.sealed for row in ready if row.drawn is not None]
    approvals = [row.approvals for row in ready] if any(row.approvals for row in ready) else ()
    return await stream.send(sealed, corrections=corrections, approvals=approvals) if sealed else []
