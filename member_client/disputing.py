"""Disputes: opened for a consumer who came to this member, answered by the member whose claim is contested.

Rules:

1. Who opens one derives the tag first, as in a screening for the purpose `dispute`: the entry is found in its bucket
   and believed, or nothing is sent. Only then is there a token to show.
2. The consumer's statement leaves this machine sealed under the label key, always of one length. The request stays
   here, and what opens the commitment to it is kept.
3. The same dispute of the same claim again is the same bytes: a repetition after a crash opens no second one.
4. A contributor reads a statement only when it asks to: its claim's identifier is evaluated once more, on the basis of
   the consumer's request.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

from alliance import statements
from alliance.crypto import sealing
from alliance.crypto.secret import Secret
from alliance.disputes import ENDING_STATUSES, DisputeGround, DisputeOutcome, DisputeState, ReviewDecision
from alliance.errors import BoxInvalid
from alliance.identifiers import Identifier, InvalidIdentifier
from alliance.taxonomy import Purpose, Word
from alliance.v1 import dispute_pb2
from alliance.v1.dispute_pb2_grpc import DisputeServiceStub
from member_client._attempt import Attempt
from member_client._buckets import Found
from member_client._consents import leaf
from member_client._deadline import Deadline
from member_client._dispute_records import (
    Dispute,
    Escalation,
    checked_dispute_id,
    checked_reason_code,
    read_dispute,
    read_escalation,
)
from member_client._evaluation import prepared
from member_client._framing import pack
from member_client._journal import Journal
from member_client._paging import pages
from member_client._session import Session
from member_client._store import Shelf
from member_client.errors import (
    ConflictingRetry,
    ConsentMissing,
    DisputeNotPossible,
    InvalidUse,
    NotFound,
    StatementInvalid,
)
from member_client.own_claims import OwnClaim, OwnClaims
from member_client.subjects import Consent, Subject

W = TypeVar("W", bound=Word)

PAGE_SIZE: Final = 200
SECONDS: Final = 120.0
MAX_STATEMENT_BYTES: Final = sealing.MAX_STATEMENT_BYTES
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True, repr=False)
class Complaint:
    """What a consumer brings: a ground, a request, a statement, and perhaps evidence, of which a digest is here."""

    entry_id: bytes
    ground: DisputeGround
    request: Consent
    statement: bytes
    evidence_sha256: bytes = b""

    @classmethod
    def checked(
        cls,
        entry_id: bytes,
        ground: str | DisputeGround,
        request: Consent | None,
        statement: str,
        evidence: Path | None,
    ) -> "Complaint":
        """Check what the caller gives; raises InvalidUse or ConsentMissing. Reads the evidence; blocks."""
        if len(entry_id) != sealing.ENTRY_ID_BYTES:
            raise InvalidUse(f"an entry id has {sealing.ENTRY_ID_BYTES} bytes")
        Consent.checked(request)
        if request is None:
            raise ConsentMissing("A dispute rests on the consumer's request; nothing was sent.")
        text = statement.strip().encode()
        if not text or len(text) > MAX_STATEMENT_BYTES:
            raise InvalidUse(f"the consumer's statement has 1 to {MAX_STATEMENT_BYTES} bytes")
        return cls(entry_id, ground_of(ground), request, text, _file_sha256(evidence) if evidence else b"")

    def digest(self) -> bytes:
        """Digest all of it: what makes two disputes the same."""
        parts = self.entry_id, b"%d" % self.ground, self.request.digest, self.statement, self.evidence_sha256
        return sha256(pack(*parts)).digest()


@dataclass(frozen=True, slots=True, repr=False)
class _Drawn:
    """What a machine draws for a dispute, alike for the same complaint."""

    dispute_id: bytes
    salt: bytes
    nonce: bytes

    @classmethod
    def of(cls, complaint: Complaint, key: Secret) -> "_Drawn":
        digest = complaint.digest()

        def drawn(what: bytes) -> bytes:
            return hmac.digest(key.reveal(), pack(what, digest), "sha256")

        return cls(drawn(b"id")[: sealing.DISPUTE_ID_BYTES], drawn(b"salt"), drawn(b"nonce")[:_NONCE_BYTES])


class Disputes:
    """The dispute service, for one member or reviewer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # -- the member to whom the consumer came ------------------------------------------------------------------------

    async def open(self, subject: Subject, complaint: Complaint) -> Dispute:
        """Open a dispute; raises InvalidUse, DisputeNotPossible, DisputeAlreadyOpen or DisputeRepeated."""
        await self._check_identifiers(subject)
        found = await self._found(subject, complaint)
        drawn = _Drawn.of(complaint, self._session.store.derived_key(b"disputes"))
        request = await self._session.workers.cpu(self._opening, complaint, drawn, found)
        kept = pack(drawn.salt, complaint.request.digest, complaint.entry_id)
        await self._session.ledger.put(Shelf.CONSENTS, b"dispute/" + drawn.dispute_id, kept)
        answer = await self._session.transport.call(lambda channel: DisputeServiceStub(channel).OpenDispute, request)
        dispute = read_dispute(answer.dispute)
        if (dispute.id, dispute.entry_id, dispute.ground) != (drawn.dispute_id, complaint.entry_id, complaint.ground):
            raise StatementInvalid("The hub shows another dispute than was opened.")
        return dispute

    async def escalate(self, dispute_id: bytes) -> Dispute:
        """Have a reviewer look at a claim that its contributor upholds; raises NotFound or DisputeNotEscalatable."""
        request = dispute_pb2.EscalateDisputeRequest(dispute_id=checked_dispute_id(dispute_id))
        answer = await self._session.transport.ask(lambda channel: DisputeServiceStub(channel).EscalateDispute, request)
        return _expected(read_dispute(answer.dispute), dispute_id, DisputeState.ESCALATED)

    # -- the contributor ---------------------------------------------------------------------------------------------

    async def answer(self, dispute_id: bytes, outcome: DisputeOutcome, reason: str) -> Dispute:
        """Answer a dispute about an own claim, which ends unless it is upheld; raises NotFound or DisputeClosed."""
        checked_reason_code(reason)
        dispute = await self.one(dispute_id, about_own=True)
        status = ENDING_STATUSES.get(outcome)
        if status is None:
            return await self._answered(dispute, outcome, reason)
        own = OwnClaims(self._session)
        claim = await own.one(dispute.entry_id)
        try:
            return await self._ended(own, claim, dispute, outcome, reason)
        except ConflictingRetry:
            # It may have been re-tagged, or suspended, a moment ago.
            newer = await own.one(dispute.entry_id)
            if (newer.version, newer.successor) == (claim.version, claim.successor):
                raise
            return await self._ended(own, newer, dispute, outcome, reason)

    async def statement(self, dispute_id: bytes) -> str:
        """Read what the consumer says about an own claim, which this machine filed; raises NotFound or InvalidUse."""
        dispute = await self.one(dispute_id, about_own=True)
        if not dispute.sealed_statement:
            raise NotFound("The consumer's statement was deleted: the dispute is closed.")
        label_key = await self._label_key(dispute)
        try:
            text = sealing.open_statement(label_key.reveal(), dispute.id, dispute.sealed_statement)
            return text.decode()
        except (BoxInvalid, UnicodeDecodeError) as error:
            raise StatementInvalid("The consumer's statement does not open under the claim's key.") from error

    # -- lists -------------------------------------------------------------------------------------------------------

    async def listed(self, *, about_own: bool, waiting_only: bool = False) -> AsyncIterator[Dispute]:
        """List what this member opened, or what is about its own claims, oldest first."""
        view = dispute_pb2.DISPUTE_VIEW_ABOUT_OWN if about_own else dispute_pb2.DISPUTE_VIEW_OPENED

        async def fetch(token: str) -> dispute_pb2.ListDisputesResponse:
            request = dispute_pb2.ListDisputesRequest(
                view=view, page_size=PAGE_SIZE, page_token=token, waiting_only=waiting_only
            )
            return await self._session.transport.ask(lambda channel: DisputeServiceStub(channel).ListDisputes, request)

        async for page in pages(fetch, lambda reply: reply.disputes):
            for message in page:
                yield read_dispute(message)

    async def one(self, dispute_id: bytes, *, about_own: bool) -> Dispute:
        """Give a dispute by its id; raises NotFound."""
        checked_dispute_id(dispute_id)
        async for dispute in self.listed(about_own=about_own):
            if dispute.id == dispute_id:
                return dispute
        if about_own and [it async for it in self.listed(about_own=False) if it.id == dispute_id]:
            raise InvalidUse("this member opened the dispute; who filed the claim answers it and reads the statement")
        raise NotFound("There is no such dispute of this member.")

    # -- reviewers ---------------------------------------------------------------------------------------------------

    async def escalations(self) -> AsyncIterator[Escalation]:
        """List what waits for a reviewer, oldest first; raises NotPermitted for whoever is none."""

        async def fetch(token: str) -> dispute_pb2.ListEscalationsResponse:
            request = dispute_pb2.ListEscalationsRequest(page_size=PAGE_SIZE, page_token=token)
            return await self._session.transport.ask(
                lambda channel: DisputeServiceStub(channel).ListEscalations, request
            )

        async for page in pages(fetch, lambda reply: reply.escalations):
            for message in page:
                yield read_escalation(message)

    async def review(self, dispute_id: bytes, decision: ReviewDecision, reason: str) -> DisputeState:
        """Decide about a claim as a reviewer; raises NotFound or DisputeClosed."""
        checked_dispute_id(dispute_id)
        checked_reason_code(reason)

        def request() -> dispute_pb2.DecideEscalationRequest:
            said = dispute_pb2.DisputeReview(
                reviewer=self._session.profile.member,
                dispute_id=dispute_id,
                decision=dispute_pb2.ReviewDecision.ValueType(decision),
                reason=reason,
                time=self._session.clock.now_ms(),
            )
            signed = self._session.identity.statement(statements.DISPUTE_REVIEW, said.SerializeToString())
            return dispute_pb2.DecideEscalationRequest(review=signed)

        answer = await self._session.transport.call(
            lambda channel: DisputeServiceStub(channel).DecideEscalation, request
        )
        state = DisputeState[decision.name]
        if int(answer.state) != int(state):
            raise StatementInvalid("The hub took a decision and shows another one.")
        return state

    # -- steps -------------------------------------------------------------------------------------------------------

    async def _check_identifiers(self, subject: Subject) -> None:
        """Raise InvalidUse where the consumer is named by nothing, or by what is no identifier: nothing was sent."""
        fields = [(kind, text) for _, kind, text in subject.fields()]
        if not fields:
            raise InvalidUse("a dispute needs an identifier of the consumer's")
        canon = self._session.canon(await self._session.facts.now())
        forms = await self._session.workers.cpu(canon.forms, fields)
        for (kind, _), form in zip(fields, forms, strict=True):
            if not isinstance(form, Identifier):
                raise InvalidUse(f"this is no {kind.value}: {InvalidIdentifier(kind, form).how_to_fix}")

    async def _found(self, subject: Subject, complaint: Complaint) -> Found:
        """Find the contested entry under the consumer's identifiers, and believe it; raises DisputeNotPossible."""
        attempt = Attempt(self._session, [subject], Purpose.DISPUTE, complaint.request, "raise")
        for found in await attempt.found(Deadline.after(SECONDS)):
            if found.claim.entry_id == complaint.entry_id:
                return found
        raise DisputeNotPossible("No live claim of another member stands on this identifier under this entry id.")

    def _opening(
        self, complaint: Complaint, drawn: _Drawn, found: Found
    ) -> Callable[[], dispute_pb2.OpenDisputeRequest]:
        """Seal and draw up an opening: arithmetic for a worker. It is signed anew for each try."""
        key = found.hit.label_key.reveal()
        token = sealing.dispute_token(key, complaint.entry_id)
        sealed = sealing.seal_statement(key, drawn.dispute_id, complaint.statement, nonce=drawn.nonce)
        evidence = complaint.evidence_sha256
        said = dispute_pb2.DisputeOpening(
            member=self._session.profile.member,
            dispute_id=drawn.dispute_id,
            entry_id=complaint.entry_id,
            token_sha256=sha256(token).digest(),
            ground=dispute_pb2.DisputeGround.ValueType(complaint.ground),
            request_commitment=leaf(drawn.salt, complaint.request.digest),
            evidence_digest=sealing.evidence_digest(key, evidence) if evidence else b"",
            sealed_sha256=sha256(sealed).digest(),
        )

        def request() -> dispute_pb2.OpenDisputeRequest:
            said.time = self._session.clock.now_ms()
            signed = self._session.identity.statement(statements.DISPUTE_OPENING, said.SerializeToString())
            return dispute_pb2.OpenDisputeRequest(opening=signed, token=token, sealed_statement=sealed)

        return request

    async def _ended(
        self, own: OwnClaims, claim: OwnClaim, dispute: Dispute, outcome: DisputeOutcome, reason: str
    ) -> Dispute:
        correction, ending = await own.correction(claim, reason, ENDING_STATUSES[outcome])
        ends = dispute_pb2.AnswerDisputeRequest(status_change=correction.change, twin_status_change=correction.of_twin)
        answered = await self._answered(dispute, outcome, reason, ends)
        await own.forget(*ending)
        return answered

    async def _answered(
        self,
        dispute: Dispute,
        outcome: DisputeOutcome,
        reason: str,
        request: dispute_pb2.AnswerDisputeRequest | None = None,
    ) -> Dispute:
        asked = request or dispute_pb2.AnswerDisputeRequest()

        def signed() -> dispute_pb2.AnswerDisputeRequest:
            said = dispute_pb2.DisputeAnswer(
                member=self._session.profile.member,
                dispute_id=dispute.id,
                outcome=dispute_pb2.DisputeOutcome.ValueType(outcome),
                reason=reason,
                time=self._session.clock.now_ms(),
            )
            asked.answer.CopyFrom(self._session.identity.statement(statements.DISPUTE_ANSWER, said.SerializeToString()))
            return asked

        answer = await self._session.transport.call(lambda channel: DisputeServiceStub(channel).AnswerDispute, signed)
        return _expected(read_dispute(answer.dispute), dispute.id, DisputeState[outcome.name])

    async def _label_key(self, dispute: Dispute) -> Secret:
        """Derive the label key of an own claim anew, on the basis of the consumer's request."""
        claim, _ = await OwnClaims(self._session).with_tag(dispute.entry_id)
        (kept,) = await self._session.workers.disk(Journal(self._session.store).keepsakes, [dispute.entry_id])
        if kept is None:
            raise InvalidUse("another machine of this member filed the claim: read the statement there")
        facts = await self._session.facts.now()
        epoch = next((it for it in facts.epochs.known if it.id == claim.epoch), None)
        if claim.entry_id != dispute.entry_id or epoch is None:
            raise NotFound("The statement is sealed under an epoch that is over.")
        inputs, basis = [kept.identifier.input_bytes], [dispute.request_commitment]
        batch = await self._session.workers.cpu(prepared, inputs, basis, Purpose.DISPUTE, epoch)
        tags = await self._session.evaluator.evaluate(batch, Deadline.after(SECONDS))
        return tags.label_key(0)


def ground_of(word: str | DisputeGround) -> DisputeGround:
    """Read a ground; raises InvalidUse."""
    return _word_of(DisputeGround, word, "a dispute's ground")


def outcome_of(word: str | DisputeOutcome) -> DisputeOutcome:
    """Read an outcome; raises InvalidUse."""
    return _word_of(DisputeOutcome, word, "a dispute's outcome")


def decision_of(word: str | ReviewDecision) -> ReviewDecision:
    """Read a reviewer's decision; raises InvalidUse."""
    return _word_of(ReviewDecision, word, "a review's decision")


def _word_of(words: type[W], word: str | W, name: str) -> W:
    meant = words.__members__.get(word.strip().upper()) if isinstance(word, str) else word
    if meant is None:
        raise InvalidUse(f"{name} is one of {', '.join(it.word for it in words)}")
    return meant


def _expected(dispute: Dispute, dispute_id: bytes, state: DisputeState) -> Dispute:
    if dispute.id != dispute_id or dispute.state is not state:
        raise StatementInvalid("The hub took a step in a dispute and shows it as it was.")
    return dispute


def _file_sha256(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise InvalidUse(f"the consumer's evidence cannot be read: {type(error).__name__}") from None
