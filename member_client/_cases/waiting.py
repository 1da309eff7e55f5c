"""Sending what two operators agreed to: in the case's window, whoever is there first, until the hub has it.

Rules:

1. Nothing is asked of the hub while no reply is ready, so that who has none leaves no trace of looking.
2. Files go first, then the reply, whose sealed bytes never change: it is sent again until it is acknowledged. Whoever
   was killed in between finds that out by asking what the hub has.
3. Before the window a reply waits here. After it nothing is sent, and that is said.
4. Once it is acknowledged, what was answered is written down without any value, and the reply is forgotten.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

from alliance import statements
from alliance.cases.words import ReleaseOutcome
from alliance.identifiers import Identifier
from alliance.v1 import case_pb2
from alliance.v1.case_pb2_grpc import CaseServiceStub
from member_client._cases import attachments, inquiries
from member_client._cases.answered import AnsweredClaim, AnsweredClaims
from member_client._cases.inquiries import Inquiry, ReplyState
from member_client._cases.shelf import CaseShelf, KeptReply
from member_client._journal import Journal
from member_client._session import Session
from member_client.errors import (
    AllianceClientError,
    CaseStateConflict,
    ConflictingRetry,
    HubUnavailable,
    NotFound,
    ReplyWindowClosed,
    StatementInvalid,
)

LOOK_SECONDS: Final = 60.0
DELAY_SECONDS: Final = 3.0
"""A command that is over by then leaves it to others."""

OnFile = Callable[[str, int, int], None]
"""Is told of a file's name, bytes that are up, and all of them."""

_log = logging.getLogger("member_client.cases")


class ReplyOutcome(StrEnum):
    """What became of a reply that two operators agreed to."""

    SENT = "sent"
    """The hub has it."""
    WAITS = "waits"
    """Its window is not open yet."""
    TOO_LATE = "too_late"
    """The time for it is over, and the hub took none."""
    OTHER = "other"
    """Another machine of this member replied first; this reply was dropped."""


@dataclass(frozen=True, slots=True)
class SentReply:
    """What became of a reply; times in milliseconds UTC."""

    case_id: bytes
    outcome: ReplyOutcome
    reply_from: int
    reply_by: int


class Waiting:
    """The replies of one member that are ready."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shelf = CaseShelf(session.store)

    async def send(self, on_file: OnFile | None = None) -> list[SentReply]:
        """Send what is ready and due; sends nothing at all where no reply is ready. Raises what calls raise.

        A reply that cannot go out, as where one of its files was moved, holds no other one up: it is raised at the end.
        """
        sent: list[SentReply] = []
        faults: list[AllianceClientError] = []
        async with self._session.replying:
            for reply in await self._session.workers.disk(self._shelf.ready):
                try:
                    sent.append(await self._sent(reply, on_file))
                except HubUnavailable:
                    raise
                except AllianceClientError as error:
                    faults.append(error)
        if faults:
            raise faults[0]
        return sent

    async def follow(self) -> None:
        """Send each reply once its window is open, for as long as it is let."""
        await asyncio.sleep(DELAY_SECONDS)
        given_up: set[bytes] = set()
        while True:
            async with self._session.replying:
                now = self._session.clock.now_ms()
                for reply in await self._session.workers.disk(self._shelf.ready):
                    if reply.reply_from <= now and reply.case_id not in given_up and not await self._followed(reply):
                        given_up.add(reply.case_id)
            await asyncio.sleep(LOOK_SECONDS)

    async def _followed(self, reply: KeptReply) -> bool:
        """Send a reply that is due; says whether it is worth another try where it did not go out."""
        try:
            done = await self._sent(reply, None)
        except HubUnavailable:
            _log.info("a reply to a case waits for the hub")
            return True
        except AllianceClientError as error:
            _log.warning("a reply to a case cannot be sent: %s", type(error).__name__)
            return False
        if done.outcome is ReplyOutcome.TOO_LATE:
            _log.warning("a reply to a case came too late")
        return done.outcome is not ReplyOutcome.TOO_LATE

    async def _sent(self, reply: KeptReply, on_file: OnFile | None) -> SentReply:
        if self._session.clock.now_ms() < reply.reply_from:
            return SentReply(reply.case_id, ReplyOutcome.WAITS, reply.reply_from, reply.reply_by)
        try:
            inquiry = await inquiries.one(self._session, reply.case_id)
        except NotFound:
            return SentReply(reply.case_id, ReplyOutcome.TOO_LATE, reply.reply_from, reply.reply_by)
        return _told(inquiry, await self._done(inquiry, reply, on_file))

    async def _done(self, inquiry: Inquiry, reply: KeptReply, on_file: OnFile | None) -> ReplyOutcome:
        now = self._session.clock.now_ms()
        if not inquiry.takes_replies(now):
            if inquiry.replied_at and reply.is_sent:
                # It was killed before it heard the answer: the reply that the hub has is this one.
                await self._settle(inquiry, reply)
                return ReplyOutcome.SENT
            return ReplyOutcome.WAITS if now < inquiry.reply_from else ReplyOutcome.TOO_LATE
        if not inquiry.replied_at:
            await self._upload(reply, on_file)
        if (begun := await self._begun(reply)) is None:
            return ReplyOutcome.SENT  # by another process of this profile, just now
        try:
            inquiry = await self._handed_over(begun)
        except ConflictingRetry:
            await self._session.workers.disk(self._shelf.forget, reply.case_id)
            return ReplyOutcome.OTHER
        except (ReplyWindowClosed, CaseStateConflict):
            return ReplyOutcome.TOO_LATE
        await self._settle(inquiry, begun)
        return ReplyOutcome.SENT

    async def _begun(self, reply: KeptReply) -> KeptReply | None:
        """Write down that a reply may reach the hub from now on; None where it is there already, and forgotten."""
        begun = replace(reply, is_sent=True)
        if reply.is_sent or await self._session.workers.disk(self._shelf.put, begun, reply):
            return begun
        return await self._session.workers.disk(self._shelf.reply, reply.case_id)

    async def _upload(self, reply: KeptReply, on_file: OnFile | None) -> None:
        released = {file.attachment_id: file for answer in reply.said.answers for file in answer.files}
        for name, file in released.items():

            def told(done: int, whole: int, called: str = file.name) -> None:
                if on_file is not None:
                    on_file(called, done, whole)

            path = Path(reply.paths[name])
            await attachments.upload(self._session, reply.case_id, path, released=file, progress=told)

    async def _handed_over(self, reply: KeptReply) -> Inquiry:
        said = case_pb2.CaseReply(
            case_id=reply.case_id,
            member=self._session.profile.member,
            sealed_sha256=sha256(reply.sealed).digest(),
            contents_sha256=reply.contents_sha256,
        )

        def request() -> case_pb2.SendCaseReplyRequest:
            said.time = self._session.clock.now_ms()
            signed = self._session.identity.statement(statements.CASE_REPLY, said.SerializeToString())
            return case_pb2.SendCaseReplyRequest(reply=signed, sealed=reply.sealed)

        answer = await self._session.transport.call(lambda channel: CaseServiceStub(channel).SendCaseReply, request)
        inquiry = await inquiries.believed(self._session, answer.inquiry)
        if inquiry.case_id != reply.case_id or not inquiry.replied_at:
            raise StatementInvalid("The hub took a reply to a case and shows the case without it.")
        return inquiry

    async def _settle(self, inquiry: Inquiry, reply: KeptReply) -> None:
        """Write down what was answered, then forget the reply; once or again."""
        answered = [
            AnsweredClaim(
                case_id=inquiry.case_id,
                entry_id=it.entry_id,
                number=inquiry.number,
                instrument_type=inquiry.instrument_type,
                asked_at=inquiry.asked_at,
                answered_at=inquiry.replied_at,
                outcome=ReleaseOutcome(it.outcome),
                fields=tuple(one.name for one in it.fields),
                files=len(it.files),
            )
            for it in reply.said.answers
        ]
        disk = self._session.workers.disk
        about = await disk(self._about, inquiry.case_id, [it.entry_id for it in answered])
        await disk(AnsweredClaims(self._session.state.decisions).put, answered, about)
        await disk(self._shelf.forget, inquiry.case_id)

    def _about(self, case_id: bytes, entry_ids: list[bytes]) -> dict[bytes, Identifier]:
        """Give whom claims are about, as far as this machine filed them or opened their suspects. Blocks."""
        kept = Journal(self._session.store).keepsakes(entry_ids)
        known = {name: it.identifier for name, it in zip(entry_ids, kept, strict=True) if it is not None}
        return known | {name: it.identifier for name, it in self._shelf.opened(case_id).items()}


async def with_replies(session: Session, found: list[Inquiry]) -> list[Inquiry]:
    """Give inquiries with how far this machine is with its reply."""
    kept = await session.workers.disk(CaseShelf(session.store).replies, [it.case_id for it in found])

    def told(inquiry: Inquiry) -> Inquiry:
        reply = kept.get(inquiry.case_id)
        if inquiry.replied_at or reply is None:
            return inquiry
        return replace(inquiry, reply=ReplyState.READY if reply.is_ready else ReplyState.DRAFTED)

    return [told(it) for it in found]


def _told(inquiry: Inquiry, outcome: ReplyOutcome) -> SentReply:
    return SentReply(inquiry.case_id, outcome, inquiry.reply_from, inquiry.reply_by)
