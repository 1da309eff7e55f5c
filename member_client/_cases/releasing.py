"""Drawing a reply up: what is released about each claim, looked at and signed by two operators of this member.

Rules:

1. Every claim that is asked about has one answer. What is released is what was named, field by field, and nothing else.
2. Releasing needs the suspect opened: nobody releases anything before it is sure that the case is about this customer.
3. A release is shown as it stands before anybody signs it, to the second operator too; both sign its digest. The second
   one is somebody else, with another key, and both are registered at the hub.
4. Once both agreed, all of it is sealed to the officer's key of this case, and the values are nowhere else but here,
   sealed, until the hub has the reply.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from alliance import statements
from alliance.cases.rules import MAX_BASIS_BYTES
from alliance.cases.statements import approve_release, verify_release
from alliance.cases.templates import check_fields, is_file_name
from alliance.cases.words import CaseState, ReleaseOutcome
from alliance.crypto import envelope
from alliance.crypto.signing import VerifyingKey
from alliance.errors import AllianceError, CaseInvalid
from alliance.v1 import case_pb2, operator_pb2
from alliance.v1.case_pb2 import CaseRelease, CaseReplyContents, EntryAnswer, ReleasedField, ReleasedFile
from alliance.v1.statement_pb2 import SignedStatement
from member_client import operators
from member_client._cases import attachments, inquiries
from member_client._cases.inquiries import AskedClaim, Inquiry, ReplyState
from member_client._cases.naming import checked_case_id
from member_client._cases.opening import opened
from member_client._cases.shelf import CaseShelf, KeptReply, Opened
from member_client._session import Session
from member_client.errors import ConflictingRetry, InvalidUse, NotFound, ReplyWindowClosed, StatementInvalid
from member_client.operators import Operator

_SIGNED_BYTES: Final = 4096
"""What signatures and registrations take of an envelope, and more."""


@dataclass(frozen=True, slots=True, repr=False)
class InquiryAnswer:
    """What is answered about one claim: fields by their words and files, where something is released."""

    entry_id: bytes
    outcome: ReleaseOutcome
    fields: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class ShownAnswer:
    """An answer as it would be released, or was drafted: fields and values in order, files by name and size."""

    entry_id: bytes
    outcome: ReleaseOutcome
    fields: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, repr=False)
class InquiryReply:
    """All that would be released to a case's officer, as it is signed. Times in milliseconds UTC.

    `first_operator` is empty, and `state` OPEN, while nobody has signed it.
    """

    inquiry: Inquiry
    payload: bytes
    paths: Mapping[bytes, Path]
    state: ReplyState = ReplyState.OPEN
    first_operator: str = ""

    def __repr__(self) -> str:
        return f"InquiryReply({self.inquiry.case_id.hex()}, {self.state})"

    @property
    def sha256(self) -> bytes:
        """Digest of what is signed."""
        return sha256(self.payload).digest()

    @property
    def legal_basis(self) -> str:
        """On which legal basis it is released or declined."""
        return CaseRelease.FromString(self.payload).legal_basis

    @property
    def answers(self) -> tuple[ShownAnswer, ...]:
        """What is answered, claim by claim."""
        return tuple(
            ShownAnswer(
                it.entry_id,
                ReleaseOutcome(it.outcome),
                tuple((one.name, one.value) for one in it.fields),
                tuple((one.name, one.size) for one in it.files),
            )
            for it in CaseRelease.FromString(self.payload).answers
        )


class Releaser:
    """Draws up the replies of one member."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shelf = CaseShelf(session.store)

    async def drawn_up(self, case_id: bytes, answers: Sequence[InquiryAnswer], basis: str) -> InquiryReply:
        """Draw a release up and sign nothing; opens the suspects of claims that are released, where they are not.

        Raises InvalidUse, which says what is missing, ReplyWindowClosed after its time, and what calls raise.
        """
        inquiry = await self._answerable(case_id)
        claims = await inquiries.claims(self._session, inquiry)
        by_entry = {it.entry_id: it for it in answers}
        _check_whole(claims, answers, by_entry)
        basis = _checked_basis(basis)
        is_released = any(it.outcome is ReleaseOutcome.RELEASED for it in answers)
        known = await opened(self._session, inquiry, claims, [], own=False)
        if is_released and any(it.outcome is ReleaseOutcome.RELEASED and it.entry_id not in known for it in answers):
            wanted = [it for it in claims if by_entry[it.entry.entry_id].outcome is ReleaseOutcome.RELEASED]
            known |= await opened(self._session, inquiry, wanted, [], own=True)
        paths: dict[bytes, Path] = {}
        said = [await self._entry_answer(inquiry, by_entry[it.entry.entry_id], known, paths) for it in claims]
        release = CaseRelease(
            case_id=case_id,
            request_sha256=sha256(inquiry.payload).digest(),
            member=self._session.profile.member,
            answers=said,
            legal_basis=basis,
            time=self._session.clock.now_ms(),
        )
        payload = release.SerializeToString(deterministic=True)
        if len(payload) > envelope.MAX_CONTENTS_BYTES - _SIGNED_BYTES:
            raise InvalidUse("all of it does not fit into one reply: release long values as files")
        return InquiryReply(inquiry, payload, paths)

    async def draft(self, release: InquiryReply, operator: Operator) -> InquiryReply:
        """Sign a release as its first operator and keep it; a draft of which nothing was sent is replaced.

        Raises InvalidUse for an operator who is not registered, or where a reply went out already.
        """
        inquiry = await self._answerable(release.inquiry.case_id)
        kept = KeptReply(
            release.payload,
            (self._approval(release.payload, operator),),
            (await self._registration(operator),),
            {name: str(path) for name, path in release.paths.items()},
            inquiry.reply_from,
            inquiry.reply_by,
        )
        before = await self._session.workers.disk(self._shelf.reply, inquiry.case_id)
        if before is not None and before.is_sent:
            raise InvalidUse("the reply to this case is on its way, and cannot be drawn up anew")
        await self._put(kept, before)
        return self._shown(inquiry, kept)

    async def drafted(self, case_id: bytes) -> InquiryReply:
        """Give the release that waits for a second operator, or is ready; raises NotFound where there is none."""
        inquiry = await inquiries.one(self._session, case_id)
        return self._shown(inquiry, await self._kept(case_id))

    async def approve(self, case_id: bytes, operator: Operator, seen: bytes) -> InquiryReply:
        """Agree to a release as its second operator, and seal it; `seen` is the digest of what was looked at.

        Raises NotFound, and InvalidUse for the first operator or where another draft took its place.
        """
        inquiry = await self._answerable(case_id)
        kept = await self._kept(case_id)
        if kept.is_ready:
            raise InvalidUse("two operators agreed to this reply already")
        if sha256(kept.release).digest() != seen:
            raise InvalidUse("another draft took this one's place meanwhile: look at it first")
        if kept.said.request_sha256 != sha256(inquiry.payload).digest():
            raise InvalidUse("the draft is about another request: draw it up anew")
        _check_other(kept, operator)
        approvals = (*kept.approvals, self._approval(kept.release, operator))
        registrations = (*kept.operators, await self._registration(operator))
        sealed, digest = await self._session.workers.cpu(self._sealed, inquiry, kept.release, approvals, registrations)
        ready = replace(
            kept,
            approvals=approvals,
            operators=registrations,
            sealed=sealed,
            contents_sha256=digest,
            reply_from=inquiry.reply_from,
            reply_by=inquiry.reply_by,
        )
        await self._put(ready, kept)
        return self._shown(inquiry, ready)

    # -- steps -------------------------------------------------------------------------------------------------------

    async def _answerable(self, case_id: bytes) -> Inquiry:
        inquiry = await inquiries.one(self._session, case_id)
        if inquiry.replied_at:
            raise InvalidUse("the hub has this member's reply to the case: there is one a case")
        if inquiry.state is not CaseState.OPEN or self._session.clock.now_ms() >= inquiry.reply_by:
            raise ReplyWindowClosed("The time in which this case takes replies is over.")
        return inquiry

    async def _entry_answer(
        self, inquiry: Inquiry, answer: InquiryAnswer, known: Mapping[bytes, Opened], paths: dict[bytes, Path]
    ) -> EntryAnswer:
        suspect = known.get(answer.entry_id)
        if answer.outcome is not ReleaseOutcome.RELEASED:
            if answer.fields or answer.files:
                raise InvalidUse("what is declined, or nothing, has no fields and no files")
        elif not answer.fields and not answer.files:
            raise InvalidUse("a release names fields or files; where there is nothing to release, say so")
        elif suspect is None:
            raise InvalidUse(
                "a claim's suspect is to be opened before anything about it is released: another machine filed the "
                "claim, so give the customer's identifier to a preview"
            )
        try:
            check_fields(answer.fields.items())
        except CaseInvalid as error:
            raise InvalidUse(str(error)) from None
        files = []
        for path in answer.files:
            released = await self._file(inquiry.case_id, path)
            files.append(released)
            paths[released.attachment_id] = path.absolute()
        return EntryAnswer(
            entry_id=answer.entry_id,
            outcome=case_pb2.ReleaseOutcome.ValueType(answer.outcome),
            fields=[ReleasedField(name=name, value=value) for name, value in answer.fields.items()],
            files=files,
            leaf=suspect.leaf if suspect else b"",
        )

    async def _file(self, case_id: bytes, path: Path) -> ReleasedFile:
        if not is_file_name(path.name):
            raise InvalidUse("a released file has a plain name of up to 128 bytes: rename it")
        return await attachments.prepared(self._session, case_id, path)

    def _approval(self, payload: bytes, operator: Operator) -> SignedStatement:
        said = CaseRelease.FromString(payload)
        now_ms = self._session.clock.now_ms()
        return approve_release(operator.key, operator.name, case_id=said.case_id, release=payload, now_ms=now_ms)

    async def _registration(self, operator: Operator) -> SignedStatement:
        """Vouch for an operator whom the hub knows; raises InvalidUse for another, or one who was retired."""
        known = {it.name: it for it in await operators.listed(self._session)}
        record = known.get(operator.name)
        if record is None or record.retired_at or record.public_key != operator.key.public_key:
            raise InvalidUse("this operator is not registered at the hub, with this key: member-client operator add")
        said = operator_pb2.Operator(
            member=self._session.profile.member,
            operator=operator.name,
            public_key=operator.key.public_key,
            time=self._session.clock.now_ms(),
        )
        return self._session.identity.statement(statements.OPERATOR, said.SerializeToString())

    def _sealed(
        self,
        inquiry: Inquiry,
        payload: bytes,
        approvals: Sequence[SignedStatement],
        registrations: Sequence[SignedStatement],
    ) -> tuple[bytes, bytes]:
        """Sign and seal a reply, as its officer will verify it, and digest its contents: arithmetic for a worker."""
        member, identity = self._session.profile.member, self._session.identity
        release = identity.statement(statements.CASE_RELEASE, payload)
        signed = CaseReplyContents(release=release, approvals=approvals, operators=registrations)
        contents = signed.SerializeToString()
        try:
            verify_release(release, approvals, registrations, member, VerifyingKey(identity.public_key))
            key = inquiry.request.sealing_key
            return envelope.seal_reply(key, inquiry.case_id, member, contents), sha256(contents).digest()
        except AllianceError as error:
            raise StatementInvalid("The reply cannot be sealed as its officer would have to believe it.") from error

    async def _kept(self, case_id: bytes) -> KeptReply:
        kept = await self._session.workers.disk(self._shelf.reply, checked_case_id(case_id))
        if kept is None:
            raise NotFound("No reply to this case was drawn up on this machine.")
        return kept

    async def _put(self, reply: KeptReply, before: KeptReply | None) -> None:
        if not await self._session.workers.disk(self._shelf.put, reply, before):
            raise ConflictingRetry("Somebody else changed the reply to this case meanwhile.")

    def _shown(self, inquiry: Inquiry, kept: KeptReply) -> InquiryReply:
        state = ReplyState.READY if kept.is_ready else ReplyState.DRAFTED
        first = operator_pb2.Operator.FromString(kept.operators[0].payload).operator
        paths = {name: Path(path) for name, path in kept.paths.items()}
        return InquiryReply(replace(inquiry, reply=state), kept.release, paths, state, first)


def _check_whole(
    claims: Sequence[AskedClaim], answers: Sequence[InquiryAnswer], by_entry: Mapping[bytes, InquiryAnswer]
) -> None:
    asked = {it.entry.entry_id for it in claims}
    if len(by_entry) < len(answers):
        raise InvalidUse("several answers, or rows, are about one claim: give one a claim")
    if unknown := len(by_entry.keys() - asked):
        raise InvalidUse(f"the case does not ask about {unknown} of the claims that are answered about")
    if missing := len(asked - by_entry.keys()):
        raise InvalidUse(
            f"{missing} of the claims that the case asks about have no answer: release, decline, or nothing"
        )


def _checked_basis(basis: str) -> str:
    text = basis.strip()
    if not text or len(text.encode()) > MAX_BASIS_BYTES:
        raise InvalidUse(f"the legal basis is a text of 1 to {MAX_BASIS_BYTES} bytes")
    return text


def _check_other(kept: KeptReply, operator: Operator) -> None:
    first = operator_pb2.Operator.FromString(kept.operators[0].payload)
    if operator.name == first.operator or operator.key.public_key == first.public_key:
        raise InvalidUse("Another operator drew this up: the second one is somebody else.")
