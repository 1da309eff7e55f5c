"""Cases that ask a member, in memory: for the tests of the command line."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alliance.cases.words import CaseState, InstrumentType
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category
from alliance.v1 import case_pb2
from alliance.v1.case_pb2 import CaseRelease, EntryAnswer, ReleasedField, ReleasedFile
from member_client import (
    InquiredClaim,
    Inquiry,
    InquiryAnswer,
    InquiryReply,
    InvalidUse,
    NotFound,
    OpenedSuspect,
    Operator,
    ReplyOutcome,
    ReplyState,
    SentReply,
    Subject,
)

CASE = bytes.fromhex("0b1c2d3e4f5061728394a5b6c7d8e9f0")
NOW_MS = 1_790_000_000_000


def an_inquiry(**changes: Any) -> Inquiry:
    facts: dict[str, Any] = {
        "case_id": CASE,
        "liaison": "police-sh",
        "number": "沪公经（2026）117",
        "instrument_type": InstrumentType.EVIDENCE_NOTICE,
        "instrument_reference": "调证〔2026〕88",
        "instrument_until": NOW_MS + 90 * DAY_MS,
        "urgency": None,
        "categories": (Category.MULE_ACCOUNT,),
        "kinds": {Kind.PHONE: 3},
        "period_from": NOW_MS - 90 * DAY_MS,
        "period_to": NOW_MS - DAY_MS,
        "officers": ("officer-1", "officer-2"),
        "requested_at": NOW_MS - 3 * DAY_MS,
        "state": CaseState.OPEN,
        "reply_from": NOW_MS - DAY_MS,
        "reply_by": NOW_MS + 11 * DAY_MS,
        "replied_at": 0,
        "ended_at": 0,
        "claims": 1,
    }
    return Inquiry(**(facts | changes))


@dataclass
class FakeInquiries:
    """Answers from lists, and remembers what it was asked to draw up and sign."""

    found: list[Inquiry] = field(default_factory=list)
    asked: list[InquiredClaim] = field(default_factory=list)
    opened: list[tuple[list[Subject], bool]] = field(default_factory=list)
    replies: list[SentReply] = field(default_factory=list)
    answers: list[list[InquiryAnswer]] = field(default_factory=list)
    waiting: InquiryReply | None = None
    signed: list[tuple[str, str]] = field(default_factory=list)
    suspect: OpenedSuspect | None = None
    fault: Exception | None = None
    unsent: Exception | None = None
    """Why a reply that is ready cannot be sent."""

    async def listed(self) -> AsyncIterator[Inquiry]:
        if self.fault is not None:
            raise self.fault
        for inquiry in self.found:
            yield inquiry

    async def find(self, name: str) -> Inquiry:
        for inquiry in self.found:
            if name == inquiry.number or inquiry.case_id.hex().startswith(name):
                return inquiry
        raise NotFound("There is no such case that asks this member.")

    async def one(self, case_id: bytes) -> Inquiry:
        for inquiry in self.found:
            if inquiry.case_id == case_id:
                return inquiry
        raise NotFound("There is no such case that asks this member.")

    async def claims(
        self, case_id: bytes, subjects: Iterable[Subject] = (), *, open_own: bool = False
    ) -> list[InquiredClaim]:
        await self.one(case_id)
        people = list(subjects)
        self.opened.append((people, open_own))
        if self.suspect is None or not (people or open_own):
            return self.asked
        suspect = replace(self.suspect, refs=tuple(it.ref for it in people))
        return [replace(it, suspect=suspect) for it in self.asked]

    async def drawn_up(self, case_id: bytes, answers: Sequence[InquiryAnswer], *, basis: str) -> InquiryReply:
        self.answers.append(list(answers))
        if {it.entry_id for it in answers} != {it.entry_id for it in self.asked}:
            raise InvalidUse("1 of the claims that the case asks about have no answer: release, decline, or nothing")
        said = CaseRelease(case_id=case_id, legal_basis=basis, answers=map(_said, answers))
        return InquiryReply(await self.one(case_id), said.SerializeToString(), {})

    async def draft(self, reply: InquiryReply, *, operator: Operator) -> InquiryReply:
        self.signed.append(("draft", operator.name))
        self.waiting = replace(reply, state=ReplyState.DRAFTED, first_operator=operator.name)
        return self.waiting

    async def drafted(self, case_id: bytes) -> InquiryReply:
        if self.waiting is None or self.waiting.inquiry.case_id != case_id:
            raise NotFound("No reply to this case was drawn up on this machine.")
        return self.waiting

    async def approve(self, reply: InquiryReply, *, operator: Operator) -> InquiryReply:
        self.signed.append(("approve", operator.name))
        inquiry = reply.inquiry
        self.replies.append(SentReply(inquiry.case_id, ReplyOutcome.SENT, inquiry.reply_from, inquiry.reply_by))
        return replace(reply, state=ReplyState.READY)

    async def send(self, on_file: Callable[[str, int, int], None] | None = None) -> list[SentReply]:
        if self.unsent is not None:
            raise self.unsent
        sent, self.replies = self.replies, []
        if on_file is not None and sent:
            on_file("statement.pdf", 65_600, 65_600)
        return sent


def _said(answer: InquiryAnswer) -> EntryAnswer:
    return EntryAnswer(
        entry_id=answer.entry_id,
        outcome=case_pb2.ReleaseOutcome.ValueType(answer.outcome),
        fields=[ReleasedField(name=name, value=value) for name, value in answer.fields.items()],
        files=[ReleasedFile(name=Path(it).name, size=Path(it).stat().st_size) for it in answer.files],
    )
