"""Re-tagging: this member's live claims follow from an epoch into the next, with everything that they say.

Rules:

1. The hub lists what waits; so a run that stopped is taken up by running it again, on any machine, and what another
   machine of this member did is not done twice.
2. Only a machine that filed a claim knows what it is about: identifier and label were kept sealed when it was filed.
3. What a claim says is copied, its times among it: nothing is extended.
4. A claim is sealed anew and written down before it is sent, as in a contribution.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from alliance import claims
from alliance.claims import seal_claims
from alliance.crypto.tagging import Tags
from alliance.errors import ClaimInvalid, Reason
from alliance.taxonomy import ClaimStatus, Purpose
from alliance.v1.registry_pb2 import ClaimRecord, ClaimRowResult, ListClaimsRequest, ListClaimsResponse
from alliance.v1.registry_pb2_grpc import RegistryServiceStub
from member_client._claim_stream import ClaimStream
from member_client._deadline import Deadline
from member_client._epochs import PinnedEpoch
from member_client._evaluation import prepared
from member_client._journal import Drawn, Followed, Journal, Keepsake, Place, Settled
from member_client._paging import pages
from member_client._session import Session
from member_client.own_claims import OwnClaim, OwnClaims

PAGE_SIZE: Final = 1000
"""A page is a call of the evaluation and a chunk of the contribution."""
EVALUATION_SECONDS: Final = 120.0
_STANDS: Final = frozenset({0, int(Reason.LIVE_CLAIM_EXISTS)})
_OVER: Final = frozenset({int(Reason.NOT_FOUND), int(Reason.ILLEGAL_TRANSITION), int(Reason.EXPIRY_OUT_OF_BOUNDS)})

OnRetagged = Callable[[int], None]
"""Told how many claims have followed so far."""


@dataclass(frozen=True, slots=True)
class RetagReport:
    """What became of the claims that waited to be re-tagged.

    `epoch` is the one that they follow into, 0 where none is begun. `unknown` were filed by another machine of this
    member, or before its store was lost; `withdrawn` counts those of them that were withdrawn instead. What counts as
    `refused` the hub took for something else.
    """

    epoch: int = 0
    retagged: int = 0
    unknown: int = 0
    refused: int = 0
    withdrawn: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class _Waiting:
    """A claim that waits, and what was kept of it here."""

    claim: OwnClaim
    record: ClaimRecord
    kept: Keepsake


class Retagger:
    """Re-tags for one member."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._claims = OwnClaims(session)
        self._journal = Journal(session.store)

    async def run(self, on_retagged: OnRetagged | None = None) -> RetagReport:
        """Re-tag what this machine can; raises what the calls raise, and may be run again after it."""
        epoch = (await self._session.facts.now()).epochs.target
        if epoch is None:
            return RetagReport()
        retagged = unknown = refused = 0
        stream = ClaimStream(self._session.transport)
        try:
            async for records in self._pages(epoch):
                waiting = await self._kept(records)
                stands, failed = await self._follow(waiting, epoch, stream)
                retagged, unknown, refused = retagged + stands, unknown + len(records) - len(waiting), refused + failed
                if on_retagged is not None:
                    on_retagged(retagged)
        finally:
            await stream.close()
        return RetagReport(epoch.id, retagged, unknown, refused)

    async def withdraw_unknown(self, reason: str) -> int:
        """Withdraw what waits and this machine does not know; returns how many claims. May be run again."""
        epoch = (await self._session.facts.now()).epochs.target
        withdrawn = 0
        if epoch is not None:
            async for records in self._pages(epoch):
                for claim, kept in await self._looked_up(records):
                    if kept is None:
                        await self._claims.end(claim.entry_id, ClaimStatus.WITHDRAWN, reason)
                        withdrawn += 1
        return withdrawn

    def _read_all(self, records: Sequence[ClaimRecord]) -> list[OwnClaim]:
        return [self._claims.read(record) for record in records]

    def _pages(self, epoch: PinnedEpoch) -> AsyncIterator[Sequence[ClaimRecord]]:
        async def fetch(token: str) -> ListClaimsResponse:
            request = ListClaimsRequest(page_size=PAGE_SIZE, page_token=token, live_only=True, before_epoch=epoch.id)
            return await self._session.transport.ask(lambda channel: RegistryServiceStub(channel).ListClaims, request)

        return pages(fetch, lambda page: page.claims)

    async def _kept(self, records: Sequence[ClaimRecord]) -> list[_Waiting]:
        """Give those claims of which this machine knows what they are about, and that have not ended."""
        found = await self._looked_up(records)
        return [
            _Waiting(claim, record, kept)
            for (claim, kept), record in zip(found, records, strict=True)
            if kept is not None
        ]

    async def _looked_up(self, records: Sequence[ClaimRecord]) -> list[tuple[OwnClaim, Keepsake | None]]:
        """Verify claims, and give each with what was kept of it here; None where that is nothing, or it has ended."""
        own = await self._session.workers.cpu(self._read_all, records)
        kept = await self._session.workers.disk(self._journal.keepsakes, [claim.entry_id for claim in own])
        now_ms = self._session.clock.now_ms()
        return [(claim, it if claim.expires_at > now_ms else None) for claim, it in zip(own, kept, strict=True)]

    async def _follow(self, waiting: list[_Waiting], epoch: PinnedEpoch, stream: ClaimStream) -> tuple[int, int]:
        """Have claims follow; gives how many stand in the epoch now, and how many the hub refused."""
        if not waiting:
            return 0, 0
        drawn = await self._session.workers.disk(
            self._journal.retagged, [it.claim.entry_id for it in waiting], epoch.id
        )
        fresh = [it for it, row in zip(waiting, drawn, strict=True) if row is None]
        sealed = iter(await self._sealed(fresh, epoch))
        rows = [row or next(sealed) for row in drawn]
        sent = [(it, row) for it, row in zip(waiting, rows, strict=True) if row is not None]
        answers = (
            await stream.send([row.sealed for _, row in sent], predecessors=[it.claim.entry_id for it, _ in sent])
            if sent
            else []
        )
        stands = [it for it, answer in zip(sent, answers, strict=True) if int(answer.refusal) in _STANDS]
        await self._session.workers.disk(self._settle, sent, answers, epoch.id)
        over = sum(int(answer.refusal) in _OVER for answer in answers)
        return len(stands), len(waiting) - len(stands) - over

    async def _sealed(self, fresh: list[_Waiting], epoch: PinnedEpoch) -> list[Drawn | None]:
        """Evaluate, seal and write down; None for what cannot be sealed any more."""
        if not fresh:
            return []
        inputs = [it.kept.identifier.input_bytes for it in fresh]
        batch = await self._session.workers.cpu(prepared, inputs, (), Purpose.ROTATION, epoch)
        tags = await self._session.evaluator.evaluate(batch, Deadline.after(EVALUATION_SECONDS, patient=True))
        drawn = await self._session.workers.cpu(self._seal, fresh, tags, epoch.id)
        written = [(it.claim.entry_id, row, it.kept) for it, row in zip(fresh, drawn, strict=True) if row is not None]
        await self._session.workers.disk(self._journal.draw_retagged, written, epoch.id)
        return drawn

    def _seal(self, fresh: list[_Waiting], tags: Tags, epoch: int) -> list[Drawn | None]:
        outcomes = seal_claims(
            [claims.draft_of(it.record.claim, it.kept.label) for it in fresh],
            epoch=epoch,
            tags=tags.packed,
            label_keys=tags.label_keys(),
            contributor=self._session.profile.member,
            signing_key=self._session.identity,
        )
        return [
            None if isinstance(outcome, ClaimInvalid) else Drawn(outcome, it.kept.evidence_salt)
            for it, outcome in zip(fresh, outcomes, strict=True)
        ]

    def _settle(self, sent: Sequence[tuple[_Waiting, Drawn]], answers: Sequence[ClaimRowResult], epoch: int) -> None:
        """Write down what stands under its new name; what the hub refused is drawn anew the next time."""
        followed = []
        for (it, row), answer in zip(sent, answers, strict=True):
            if not answer.refusal:
                place = Place.of_identifier(it.kept.identifier, it.claim.category, epoch, it.kept.content)
                settled = Settled(place, row.sealed.entry_id, it.claim.expires_at, it.kept)
                followed.append(Followed(it.claim.entry_id, settled))
        self._journal.settle([it.settled for it in followed])
        self._journal.follow(followed, [it.claim.entry_id for it, _ in sent], epoch)
