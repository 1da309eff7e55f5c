"""Countersigning: a member has a liaison stand behind claims at E4 and E5; a liaison does, refuses, or takes it back.

A member's claim lies here, sealed and approved by two operators, until the liaison has answered; then it is filed. What
the liaison signs it makes of what the contributor signed, and of nothing that the hub adds.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol, Self

from alliance.claims import parse
from alliance.countersignatures import CountersignatureState, is_new_reference, substance_sha256
from alliance.statements import (
    COUNTERSIGNATURE,
    COUNTERSIGNATURE_REFUSAL,
    COUNTERSIGNATURE_REQUEST,
    COUNTERSIGNATURE_REVOCATION,
)
from alliance.v1 import countersignature_pb2 as wire
from alliance.v1 import taxonomy_pb2
from alliance.v1.countersignature_pb2_grpc import CountersignatureServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._contribution_rows import WAITING
from member_client._contributions import ContributionOutcome, ContributionResult
from member_client._countersign_records import CountersignatureRequest, read_record
from member_client._dispute_records import checked_reason_code
from member_client._paging import pages
from member_client._reviews import PendingReview, Review, Reviews
from member_client._session import Session
from member_client.errors import ConflictingRetry, InvalidUse, NotFound
from member_client.operators import Operator
from member_client.reviewing import Reviewer

_READ_BYTES: Final = 1 << 20
OVER: Final = {
    CountersignatureState.REFUSED: "countersignature_refused",
    CountersignatureState.REVOKED: "countersignature_revoked",
    CountersignatureState.LAPSED: "countersignature_lapsed",
}
"""Why a claim that waited here is dropped, by where its request is."""
REFUSED: Final = "The liaison did not stand behind it, or did not answer in time: contribute the row at E3, or anew."


class _Recorded(Protocol):
    @property
    def record(self) -> wire.CountersignatureRecord:
        """The request, as the hub keeps it."""


@dataclass(frozen=True, slots=True)
class CountersignatureDocument:
    """What a countersignature rests on: the number of the instrument or judgment, and its document's SHA-256."""

    reference: str
    sha256: bytes

    @classmethod
    def of(cls, path: Path, reference: str) -> Self:
        """Read a document's digest; the document stays where it is. Raises OSError."""
        digest = sha256()
        with path.open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
        return cls(reference, digest.digest())


class Countersigning:
    """What members ask of liaisons, and what these say to it; made by the client."""

    def __init__(self, opened: Callable[[], Awaitable[Session]]) -> None:
        self._opened = opened

    async def requests(self, *, waiting_only: bool = False) -> AsyncIterator[CountersignatureRequest]:
        """List the requests to this liaison, or this member's own, oldest first."""
        session = await self._opened()
        directory = await session.facts.refresh_directory()

        async def page(token: str) -> wire.ListCountersignatureRequestsResponse:
            message = wire.ListCountersignatureRequestsRequest(page_token=token, waiting_only=waiting_only)
            return await session.transport.ask(
                lambda channel: CountersignatureServiceStub(channel).ListCountersignatureRequests, message
            )

        async for records in pages(page, lambda it: it.records):
            for record in records:
                yield read_record(record, directory)

    async def request(self, entry_id: bytes) -> CountersignatureRequest:
        """Give one request by its claim; raises NotFound."""
        async for found in self.requests():
            if found.entry_id == entry_id:
                return found
        raise NotFound("There is no request for a countersignature of this claim.")

    # -- members -------------------------------------------------------------------------------------------------

    async def approved(self) -> list[PendingReview]:
        """List claims on this machine that two operators approved and that wait for a liaison, asked or not."""
        return await Reviewer(await self._opened()).approved()

    async def ask(self, entry_ids: Sequence[bytes], *, liaison: str, reference: str) -> list[CountersignatureRequest]:
        """Ask a liaison to countersign claims that two operators approved; asking again changes nothing.

        `reference` is that under which the liaison knows the matter, and no person's name or number. Raises NotFound
        where a claim does not wait here or nobody of that name is a liaison, and InvalidUse where it was asked about of
        another one or under another reference.
        """
        if not is_new_reference(reference):
            raise InvalidUse("a reference has 1 to 64 bytes that print, and no nine digits in a row")
        session = await self._opened()
        reviews = await Reviewer(session).some(entry_ids)
        if any(review.second is None for review in reviews):
            raise NotFound("One of these waits for its second operator first.")
        return [await self._asked(session, review, liaison, reference) for review in reviews]

    async def file(self) -> list[ContributionResult]:
        """File the claims on this machine that were countersigned; gives one result each, of those that wait as well.

        What was refused, revoked or not answered in time is dropped here: the row is drawn up anew when it is
        contributed again.
        """
        session = await self._opened()
        shelf = Reviews(session.store)
        now_ms = session.clock.now_ms()
        found = await session.workers.disk(shelf.all)
        reviews = [it for it in found if it.second is not None and it.ends_at > now_ms]
        if not reviews:
            return []
        states = {it.entry_id: it.state async for it in self.requests()}
        stands = [it for it in reviews if states.get(it.claim.entry_id) is CountersignatureState.COUNTERSIGNED]
        over = [it for it in reviews if states.get(it.claim.entry_id) in OVER]
        filed = dict(zip(map(_name, stands), await Reviewer(session).land(stands), strict=True))
        await session.workers.disk(partial(shelf.remove, over, with_rows=True))
        return [filed.get(_name(it)) or _result(_name(it), states.get(_name(it))) for it in reviews]

    # -- liaisons ------------------------------------------------------------------------------------------------

    async def sign(
        self, entry_id: bytes, *, officer: Operator, document: CountersignatureDocument
    ) -> CountersignatureRequest:
        """Countersign a claim that this liaison is asked about; the officer signs the same. Raises NotFound."""
        session, asked = await self._opened(), await self.request(entry_id)
        if not is_new_reference(document.reference):
            raise InvalidUse("the number of an instrument has 1 to 64 bytes that print, and no nine digits in a row")
        grounds = wire.CountersignatureGrounds(
            salt=os.urandom(32),
            officer=officer.name,
            instrument_reference=document.reference,
            document_sha256=document.sha256,
        ).SerializeToString()

        def message() -> wire.CountersignClaimRequest:
            payload = wire.ClaimCountersignature(
                substance_sha256=asked.substance_sha256,
                claim_sha256=asked.claim_sha256,
                epoch=asked.epoch,
                evidence_level=taxonomy_pb2.EvidenceLevel.ValueType(asked.evidence),
                liaison=session.profile.member,
                grounds_sha256=sha256(grounds).digest(),
                time=session.clock.now_ms(),
            )
            ours, officers = _both(session, officer, COUNTERSIGNATURE, payload.SerializeToString())
            return wire.CountersignClaimRequest(
                entry_id=entry_id, countersignature=ours, officer=officers, grounds=grounds
            )

        reply = await session.transport.call(
            lambda channel: CountersignatureServiceStub(channel).CountersignClaim, message
        )
        return await _read(session, reply)

    async def refuse(self, entry_id: bytes, *, officer: Operator, reason: str) -> CountersignatureRequest:
        """Refuse to countersign a claim, by a reason code; raises NotFound, and CountersignatureClosed if answered."""
        session, asked = await self._opened(), await self.request(entry_id)
        checked_reason_code(reason)

        def message() -> wire.RefuseCountersignatureRequest:
            payload = wire.CountersignatureRefusal(
                entry_id=entry_id,
                claim_sha256=asked.claim_sha256,
                liaison=session.profile.member,
                officer=officer.name,
                reason=reason,
                time=session.clock.now_ms(),
            )
            ours, officers = _both(session, officer, COUNTERSIGNATURE_REFUSAL, payload.SerializeToString())
            return wire.RefuseCountersignatureRequest(entry_id=entry_id, refusal=ours, officer=officers)

        reply = await session.transport.call(
            lambda channel: CountersignatureServiceStub(channel).RefuseCountersignature, message
        )
        return await _read(session, reply)

    async def revoke(self, entry_id: bytes, *, officer: Operator, reason: str) -> CountersignatureRequest:
        """Take a countersignature back for good, by a reason code: the claim is suspended at once. Raises NotFound."""
        session, asked = await self._opened(), await self.request(entry_id)
        checked_reason_code(reason)

        def message() -> wire.RevokeCountersignatureRequest:
            payload = wire.CountersignatureRevocation(
                substance_sha256=asked.substance_sha256,
                liaison=session.profile.member,
                officer=officer.name,
                reason=reason,
                time=session.clock.now_ms(),
            )
            ours, officers = _both(session, officer, COUNTERSIGNATURE_REVOCATION, payload.SerializeToString())
            return wire.RevokeCountersignatureRequest(entry_id=entry_id, revocation=ours, officer=officers)

        reply = await session.transport.call(
            lambda channel: CountersignatureServiceStub(channel).RevokeCountersignature, message
        )
        return await _read(session, reply)

    async def _asked(self, session: Session, review: Review, liaison: str, reference: str) -> CountersignatureRequest:
        sealed, claim = review.drawn.sealed, parse(review.drawn.sealed.claim)

        def message() -> wire.RequestCountersignatureRequest:
            payload = wire.CountersignatureRequest(
                entry_id=sealed.entry_id,
                claim_sha256=sha256(sealed.claim).digest(),
                substance_sha256=substance_sha256(claim),
                epoch=claim.epoch,
                member=session.profile.member,
                liaison=liaison,
                reference=reference,
                time=session.clock.now_ms(),
            )
            return wire.RequestCountersignatureRequest(
                request=session.identity.statement(COUNTERSIGNATURE_REQUEST, payload.SerializeToString()),
                claim=sealed.claim,
                approvals=[review.first, *([review.second] if review.second else [])],
            )

        try:
            reply = await session.transport.call(
                lambda channel: CountersignatureServiceStub(channel).RequestCountersignature, message
            )
        except ConflictingRetry as error:
            raise InvalidUse(
                "One of these was filed, or asked about of another liaison or under another reference."
            ) from error
        return await _read(session, reply)


async def _read(session: Session, reply: _Recorded) -> CountersignatureRequest:
    return read_record(reply.record, (await session.facts.now()).directory)


def _both(
    session: Session, officer: Operator, statement_type: str, payload: bytes
) -> tuple[SignedStatement, SignedStatement]:
    """Sign as this liaison, and as its officer."""
    return session.identity.statement(statement_type, payload), officer.key.statement(statement_type, payload)


def _name(review: Review) -> bytes:
    return review.drawn.sealed.entry_id


def _result(entry_id: bytes, state: CountersignatureState | None) -> ContributionResult:
    """Give what became of a claim that was not filed."""
    if state in OVER:
        return ContributionResult(0, ContributionOutcome.REFUSED, OVER[state], REFUSED, entry_id)
    return ContributionResult(0, WAITING[1], entry_id=entry_id)
