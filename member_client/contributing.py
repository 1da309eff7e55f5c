"""Contributing: rows in, results out, in the same order; a run that stopped is taken up by running it again.

Order, for each chunk of up to 1,024 rows:

1. drawn up, or refused before anything is sent;
2. looked up in the journal: what stands unchanged is done, what was sealed but not acknowledged is sent as it is;
3. the rest evaluated (one evaluation a row), sealed, and written down;
4. sent, and acknowledged row by row; what the hub refuses holds up nothing else;
5. acknowledgements written down, results given.

Several chunks are open at once: while one is on its way the next ones are drawn up, evaluated and sealed, and the one
before is written down. Rows are named (2) and sent (4) in their order, and nothing is sent after what failed.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from alliance.claims import MAX_FILING_SKEW_MS, SealedClaim, parse, seal_claims
from alliance.crypto.tagging import Tags
from alliance.errors import ClaimInvalid, Reason
from alliance.taxonomy import Purpose, policy_version
from alliance.v1.registry_pb2 import ClaimRowResult
from member_client import _consents
from member_client._claim_stream import MAX_ROWS, ClaimStream
from member_client._contributions import ContributionOutcome, ContributionResult, ContributionRow
from member_client._deadline import Deadline
from member_client._drafting import Drafted, Refused, drafted
from member_client._epochs import PinnedEpoch
from member_client._evaluation import prepared
from member_client._facts import Facts
from member_client._journal import Journal, Place
from member_client._session import Session
from member_client._turns import Turn
from member_client.errors import EpochNotServed
from member_client.subjects import Consent

OPEN_CHUNKS: Final = 4
EVALUATION_SECONDS: Final = 120.0
FILING_MARGIN_MS: Final = 60 * 60 * 1000
_TRY_AGAIN: Final = frozenset({Reason.STORAGE_FULL, Reason.UNAVAILABLE, Reason.INTERNAL})
"""Refusals that pass: the sealed row is kept and sent again by the next run."""


def standing_basis() -> Consent:
    """Give the basis of every contribution that names none: the alliance's own tables, by their version."""
    return Consent.of("alliance/contribution", policy=policy_version().hex())


@dataclass(slots=True, repr=False)
class _Row:
    """A row on its way. `same_as` is an earlier row of this run that says the same."""

    row: ContributionRow
    outcome: Drafted | Refused
    place: Place | None = None
    sealed: SealedClaim | None = None
    from_earlier_run: bool = False
    same_as: "_Row | None" = None
    result: ContributionResult | None = None

    def refuse(self, refused: Refused) -> None:
        number = self.row.row_number
        self.result = ContributionResult(number, ContributionOutcome.REFUSED, refused.reason, refused.how_to_fix)

    def stand(self, outcome: ContributionOutcome, entry_id: bytes) -> None:
        self.result = ContributionResult(self.row.row_number, outcome, entry_id=entry_id)


class _Run:
    """One call of `contribute`: its stream, the rows that are open in it, and whose turn it is."""

    def __init__(self, stream: ClaimStream, basis: Consent) -> None:
        self.stream = stream
        self.basis = basis
        self.open_rows: dict[bytes, _Row] = {}
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

    async def contribute(
        self, rows: Iterable[ContributionRow], consent: Consent | None
    ) -> AsyncGenerator[ContributionResult, None]:
        """Contribute rows; gives one result a row, in order."""
        run = _Run(ClaimStream(self._session.transport), standing_basis() if consent is None else consent)
        open_chunks: deque[asyncio.Task[list[ContributionResult]]] = deque()
        chunks = _chunks(rows)
        try:
            while True:
                while len(open_chunks) < OPEN_CHUNKS and (chunk := next(chunks, None)) is not None:
                    work = self._contributed(chunk, run, *run.turns())
                    open_chunks.append(asyncio.create_task(work, name="alliance-contribution"))
                if not open_chunks:
                    return
                results = await open_chunks[0]
                open_chunks.popleft()
                for result in results:
                    yield result
        finally:
            for task in open_chunks:
                task.cancel()
            await asyncio.gather(*open_chunks, return_exceptions=True)
            await run.stream.close()

    async def _contributed(
        self, chunk: list[ContributionRow], run: _Run, naming: Turn, sending: Turn
    ) -> list[ContributionResult]:
        """Take a chunk through all its steps, and give its results."""
        rows = await self._made_ready(chunk, run, naming)
        async with sending:
            sent = await _sent(rows, run.stream)
        if sent:
            await self._session.workers.disk(self._settle, sent)
        for row in rows:
            if row.place is not None:
                run.open_rows.pop(row.place.drawn, None)
        return [_result(row) for row in rows]

    # -- making ready --------------------------------------------------------------------------------------------

    async def _made_ready(self, chunk: list[ContributionRow], run: _Run, naming: Turn) -> list[_Row]:
        """Give every row a result or a sealed claim that is written down."""
        facts = await self._session.facts.now()
        rows = await self._session.workers.cpu(self._drafted, chunk, facts)
        async with naming:
            asked = self._placed(rows, run.open_rows, facts.epoch)
        try:
            await self._sealed(asked, run.basis, facts.epoch)
        except EpochNotServed:
            self._reopen(rows, run.open_rows)
            facts = await self._session.facts.refresh()
            await self._sealed(self._placed(rows, run.open_rows, facts.epoch), run.basis, facts.epoch)
        return rows

    def _drafted(self, chunk: list[ContributionRow], facts: Facts) -> list[_Row]:
        profile = self._session.profile
        now_ms = self._session.clock.now_ms()
        rows = []
        for row in chunk:
            outcome = drafted(
                row,
                default_region=profile.default_region,
                alliance=profile.alliance,
                suppression=facts.suppression,
                member=profile.member,
                now_ms=now_ms,
            )
            rows.append(_Row(row, outcome))
        return rows

    async def _sealed(self, asked: Sequence[tuple[_Row, Drafted, Place]], basis: Consent, epoch: PinnedEpoch) -> None:
        """Give every row a result or a sealed claim that is written down."""
        known = await self._session.workers.disk(self._journal.known, [place for _, _, place in asked])
        now_ms = self._session.clock.now_ms()
        fresh: list[tuple[_Row, Drafted, Place]] = []
        for (row, draft, place), (stands, drawn) in zip(asked, known, strict=True):
            if stands is not None and stands.ends_at > now_ms and stands.content == draft.content:
                row.stand(ContributionOutcome.UNCHANGED, stands.entry_id)
            elif drawn is not None and _still_filed(drawn, now_ms):
                row.sealed, row.from_earlier_run = drawn, True
            else:
                fresh.append((row, draft, place))
        if not fresh:
            return
        inputs = [draft.identifier.input_bytes for _, draft, _ in fresh]
        digests = _consents.needed(Purpose.CONTRIBUTION, [None] * len(inputs), basis)
        batch = await self._session.workers.cpu(prepared, inputs, digests, Purpose.CONTRIBUTION, epoch)
        tags = await self._session.evaluator.evaluate(batch, Deadline.after(EVALUATION_SECONDS))
        drawn_rows = await self._session.workers.cpu(self._seal, fresh, tags, epoch.id)
        await self._session.workers.disk(self._journal.draw, drawn_rows)

    @staticmethod
    def _placed(
        rows: list[_Row], open_rows: dict[bytes, _Row], epoch: PinnedEpoch
    ) -> list[tuple[_Row, Drafted, Place]]:
        """Name the rows; one that says the same as an open one waits for that one's result."""
        asked: list[tuple[_Row, Drafted, Place]] = []
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

    @staticmethod
    def _reopen(rows: list[_Row], open_rows: dict[bytes, _Row]) -> None:
        for row in rows:
            if row.place is not None:
                open_rows.pop(row.place.drawn, None)
            row.place = row.sealed = row.same_as = row.result = None

    def _seal(
        self, fresh: list[tuple[_Row, Drafted, Place]], tags: Tags, epoch: int
    ) -> list[tuple[Place, SealedClaim]]:
        outcomes = seal_claims(
            [draft.draft for _, draft, _ in fresh],
            epoch=epoch,
            tags=tags.packed,
            label_keys=tags.label_keys(),
            contributor=self._session.profile.member,
            signing_key=self._session.identity,
        )
        sealed: list[tuple[Place, SealedClaim]] = []
        for (row, _, place), outcome in zip(fresh, outcomes, strict=True):
            if isinstance(outcome, ClaimInvalid):
                row.refuse(Refused.by(outcome.reason, str(outcome)))
            else:
                row.sealed = outcome
                sealed.append((place, outcome))
        return sealed

    # -- landing -------------------------------------------------------------------------------------------------

    def _settle(self, sent: list[_Row]) -> None:
        accepted: list[tuple[Place, Drafted, bytes]] = []
        dropped: list[Place] = []
        passing = {reason.name.lower() for reason in _TRY_AGAIN}
        for row in sent:
            if row.result is None or row.place is None or isinstance(row.outcome, Refused):
                continue
            if row.result.outcome is not ContributionOutcome.REFUSED:
                accepted.append((row.place, row.outcome, row.result.entry_id))
            elif row.result.reason not in passing:
                dropped.append(row.place)
        self._journal.settle(accepted, dropped)


def _still_filed(drawn: SealedClaim, now_ms: int) -> bool:
    """Tell whether the hub would still take a row that was drawn up earlier."""
    return now_ms - parse(drawn.claim).filed_at < MAX_FILING_SKEW_MS - FILING_MARGIN_MS


async def _sent(rows: list[_Row], stream: ClaimStream) -> list[_Row]:
    """Send what is sealed of a chunk, and take over what came of it; gives the rows that were sent."""
    sent = [row for row in rows if row.sealed is not None]
    if sent:
        answers = await stream.send([row.sealed for row in sent if row.sealed is not None])
        for row, answer in zip(sent, answers, strict=True):
            _take(row, answer)
    return sent


def _take(row: _Row, answer: ClaimRowResult) -> None:
    """Take over the hub's answer about a row."""
    if answer.refusal:
        try:
            reason = Reason(answer.refusal)
        except ValueError:
            reason = Reason.INTERNAL
        row.refuse(Refused.by(reason))
        return
    repeated = row.from_earlier_run and answer.repeated_row
    outcome = ContributionOutcome.UNCHANGED if repeated else ContributionOutcome.ACCEPTED
    row.stand(outcome, row.sealed.entry_id if row.sealed else b"")


def _result(row: _Row) -> ContributionResult:
    """Give a row's result; one that says the same as an earlier row stands or falls with that."""
    first = row.same_as
    if first is not None and first.result is not None:
        if first.result.outcome is ContributionOutcome.REFUSED:
            row.refuse(Refused(first.result.reason, first.result.how_to_fix))
        else:
            row.stand(ContributionOutcome.UNCHANGED, first.result.entry_id)
    assert row.result is not None  # noqa: S101 - every row was refused, stands, was sent, or follows one that was
    return row.result


def _chunks(rows: Iterable[ContributionRow]) -> Iterator[list[ContributionRow]]:
    source = iter(rows)
    while chunk := list(islice(source, MAX_ROWS)):
        yield chunk
