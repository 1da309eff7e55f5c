"""Matching: suspects are evaluated under an approved case, sealed for who holds the same identifier, and submitted.

Rules:

1. Suspects go in the order of their leaves, 256 at a time, under each epoch that serves: claims that were not re-tagged
   yet are in the one that leaves alone. The newest epoch comes last, and its last rows say that all are in.
2. What is about to be evaluated is written down first, with its blinds, and rows before they are sent: after a crash,
   at whatever point, the same request goes out again and counts once, and the same rows are given again.
3. What another process of this machine wrote down first stands: two of them send the same.
4. An officer signs each submission. What matches, nobody here is told.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from alliance import statements
from alliance.cases.rules import MAX_ROWS
from alliance.cases.suspects import Suspect, SuspectTree, rows_digest
from alliance.cases.words import CaseState
from alliance.crypto import sealing, tagging
from alliance.crypto.secret import Secret
from alliance.crypto.tagging import Tags
from alliance.identifiers import Identifier
from alliance.v1 import case_pb2
from alliance.v1.case_pb2_grpc import CaseServiceStub
from member_client._cases.drafts import KEPT_MS, Draft, contents_of
from member_client._cases.records import Case
from member_client._cases.requesting import Requests
from member_client._deadline import Deadline
from member_client._epochs import PinnedEpoch
from member_client._evaluation import REQUEST_ID_BYTES, Prepared, prepared_for_case
from member_client._framing import pack, unpack
from member_client._session import Session
from member_client._store import Shelf
from member_client.errors import CaseStateConflict, EpochNotServed, InvalidUse, StatementInvalid, StoreDamaged
from member_client.operators import Operator
from member_client.screening import OnProgress

SECONDS: Final = 120.0
"""For each call of a batch: through a restart of the hub."""
CHANGES: Final = 3
"""So often the epochs that serve may change while a case is matched."""
_ASKED: Final = b"asked"
_ROWS: Final = b"rows"
_TAKEN: Final = b"taken"


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """Suspects that are evaluated and submitted together, under one epoch."""

    case_id: bytes
    epoch: PinnedEpoch
    first: int
    suspects: Sequence[Suspect]
    is_last: bool

    def name(self, what: bytes) -> bytes:
        """Name what is kept of it; the store keeps HMACs of names."""
        return pack(what, self.case_id, b"%d" % self.epoch.id, b"%d" % self.first)

    @property
    def inputs(self) -> list[bytes]:
        """What is evaluated."""
        return [Identifier(it.kind, it.canonical).input_bytes for it in self.suspects]


class Matcher:
    """Matches cases for one liaison."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._requests = Requests(session)

    async def match(self, case_id: bytes, officer: Operator, on_progress: OnProgress | None = None) -> Case:
        """Evaluate and submit what was not submitted yet; gives the case, whose members are asked by then.

        `on_progress` is told how many suspects are in, each once an epoch. May be run again after it was cut off, and
        does nothing once all are in. Raises NotFound where another machine opened the case, InvalidUse where the
        officer is none of the case's, CaseStateConflict where it is not approved, and what evaluations raise.
        """
        draft = await self._requests.draft(case_id)
        if officer.name not in (draft.request.officer, draft.request.second_officer):
            raise InvalidUse("an officer of the case signs what is submitted, and nobody else")
        for _ in range(CHANGES):
            try:
                return await self._matched(draft, officer, on_progress)
            except EpochNotServed:
                await self._session.facts.refresh()
        return await self._matched(draft, officer, on_progress)

    async def _matched(self, draft: Draft, officer: Operator, on_progress: OnProgress | None) -> Case:
        case_id = draft.request.case_id
        case = (await self._requests.status(case_id)).case
        if case.state in (CaseState.OPEN, CaseState.CLOSED):
            return case
        if case.state not in (CaseState.APPROVED, CaseState.MATCHING):
            raise CaseStateConflict("The case's state does not permit this; look at the case again.")
        epochs = (await self._session.facts.now()).epochs
        serving = [it for it in (epochs.leaving, epochs.active) if it is not None]
        tree = await self._session.workers.cpu(SuspectTree, draft.leaves)
        done = 0
        for batch in _batches(case_id, draft.suspects(), serving):
            if not await self._is_taken(batch):
                case = await self._submitted(batch, draft, tree, officer)
            done += len(batch.suspects)
            if on_progress is not None:
                on_progress(done)
        if case.state is not CaseState.OPEN:
            raise StatementInvalid("The hub took all suspects of a case, and shows it as if some were missing.")
        return case

    async def _submitted(self, batch: Batch, draft: Draft, tree: SuspectTree, officer: Operator) -> Case:
        """Submit a batch, evaluated now where it was not before, and note that the hub took it."""
        rows = await self._rows(batch, draft, tree)

        def request() -> case_pb2.SubmitSuspectsRequest:
            said = case_pb2.CaseSuspects(
                case_id=batch.case_id,
                epoch=batch.epoch.id,
                first_index=batch.first,
                count=len(rows),
                rows_sha256=rows_digest(rows),
                is_last=batch.is_last,
                officer=officer.name,
                time=self._session.clock.now_ms(),
            )
            signed = officer.key.statement(statements.CASE_SUSPECTS, said.SerializeToString())
            return case_pb2.SubmitSuspectsRequest(suspects=signed, rows=rows)

        answer = await self._session.transport.call(
            lambda channel: CaseServiceStub(channel).SubmitSuspects, request, Deadline.after(SECONDS, patient=True)
        )
        case = await self._requests.shown(answer.case, batch.case_id)
        taken = (Shelf.CASE_MATCHING, batch.name(_TAKEN), b"", _ends_at(draft))
        over = [(Shelf.CASE_MATCHING, batch.name(what)) for what in (_ASKED, _ROWS)]
        await self._session.workers.disk(lambda: self._session.store.put_many([taken], remove=over))
        return case

    async def _rows(self, batch: Batch, draft: Draft, tree: SuspectTree) -> list[case_pb2.SuspectRow]:
        """Give a batch's rows: those that were written down, or what an evaluation makes now, written down first."""
        kept = await self._get(batch.name(_ROWS))
        if kept is None:
            tags = await self._evaluated(batch, draft)
            sealed = await self._session.workers.cpu(_sealed, batch, draft, tree, tags)
            kept = await self._claimed(batch.name(_ROWS), pack(*sealed), draft)
        try:
            return [case_pb2.SuspectRow.FromString(row) for row in unpack(kept)]
        except ValueError:
            raise _unreadable() from None

    async def _evaluated(self, batch: Batch, draft: Draft) -> Tags:
        """Have a batch evaluated under the case, as the same request however often it is asked."""
        request = await self._prepared(batch, draft)
        deadline = Deadline.after(SECONDS, patient=True)
        return await self._session.quota_wait.through(
            lambda: self._session.evaluator.evaluate(request, Deadline.after(SECONDS, patient=True)), deadline
        )

    async def _prepared(self, batch: Batch, draft: Draft) -> Prepared:
        blinds = await self._session.workers.cpu(lambda: tagging.blind(batch.inputs).state.blinds())
        drawn = pack(os.urandom(REQUEST_ID_BYTES), blinds.reveal())
        try:
            request_id, kept = unpack(await self._claimed(batch.name(_ASKED), drawn, draft))
        except ValueError:
            raise _unreadable() from None
        root = draft.request.suspects_root
        return await self._session.workers.cpu(
            prepared_for_case, batch.inputs, batch.epoch, batch.case_id, root, (request_id, Secret(kept))
        )

    async def _is_taken(self, batch: Batch) -> bool:
        return await self._get(batch.name(_TAKEN)) is not None

    async def _get(self, name: bytes) -> bytes | None:
        return await self._session.workers.disk(self._session.store.get, Shelf.CASE_MATCHING, name)

    async def _claimed(self, name: bytes, value: bytes, draft: Draft) -> bytes:
        """Write a value down unless one stands; gives the one that stands."""
        store = self._session.store
        return await self._session.workers.disk(store.claim, Shelf.CASE_MATCHING, name, value, _ends_at(draft))


def _batches(case_id: bytes, suspects: Sequence[Suspect], epochs: Sequence[PinnedEpoch]) -> Iterator[Batch]:
    for epoch in epochs:
        for first in range(0, len(suspects), MAX_ROWS):
            is_last = epoch is epochs[-1] and first + MAX_ROWS >= len(suspects)
            yield Batch(case_id, epoch, first, suspects[first : first + MAX_ROWS], is_last)


def _sealed(batch: Batch, draft: Draft, tree: SuspectTree, tags: Tags) -> list[bytes]:
    """Seal a batch's suspects, each for who holds its identifier: arithmetic for a worker."""
    rows = []
    for place in range(len(batch.suspects)):
        contents = contents_of(draft.leaves, tree, batch.first + place, draft.note)
        sealed = sealing.seal_suspect(tags.label_key(place).reveal(), batch.case_id, contents)
        rows.append(case_pb2.SuspectRow(tag=tags.tag(place), sealed=sealed).SerializeToString())
    return rows


def _ends_at(draft: Draft) -> int:
    return draft.request.instrument_until + KEPT_MS


def _unreadable() -> StoreDamaged:
    return StoreDamaged("A case in the local store cannot be read.")
