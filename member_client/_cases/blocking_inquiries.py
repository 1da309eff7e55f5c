"""Inquiries for synchronous code: the same calls, run where the blocking client runs everything."""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from member_client._cases.inquiries import Inquiry
from member_client._cases.releasing import InquiryAnswer, InquiryReply
from member_client._cases.waiting import OnFile, SentReply
from member_client.operators import Operator
from member_client.subjects import Subject

if TYPE_CHECKING:
    from member_client.cases import InquiredClaim, Inquiries

T = TypeVar("T")


class BlockingInquiries:
    """Cases that ask this member; see `Inquiries` for what each call does."""

    def __init__(self, inquiries: "Inquiries", run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        """Take the calls, and what runs one to its end."""
        self._inquiries = inquiries
        self._run = run

    def listed(self) -> Iterator[Inquiry]:
        """List the cases that ask this member, oldest first."""

        async def listed() -> tuple[Inquiry, ...]:
            return tuple([inquiry async for inquiry in self._inquiries.listed()])

        return iter(self._result(listed()))

    def one(self, case_id: bytes) -> Inquiry:
        """Give a case that asks this member."""
        return self._result(self._inquiries.one(case_id))

    def find(self, name: str) -> Inquiry:
        """Give the case of a number, or whose id starts so in hexadecimal."""
        return self._result(self._inquiries.find(name))

    def claims(
        self, case_id: bytes, subjects: Iterable[Subject] = (), *, open_own: bool = False
    ) -> "list[InquiredClaim]":
        """Give the own claims that a case asks about, and open the suspects whose identifiers are at hand."""
        return self._result(self._inquiries.claims(case_id, tuple(subjects), open_own=open_own))

    def drawn_up(self, case_id: bytes, answers: Sequence[InquiryAnswer], *, basis: str) -> InquiryReply:
        """Draw a reply up and show exactly what would be released."""
        return self._result(self._inquiries.drawn_up(case_id, answers, basis=basis))

    def draft(self, reply: InquiryReply, *, operator: Operator) -> InquiryReply:
        """Sign a reply as its first operator."""
        return self._result(self._inquiries.draft(reply, operator=operator))

    def drafted(self, case_id: bytes) -> InquiryReply:
        """Give the reply that waits on this machine."""
        return self._result(self._inquiries.drafted(case_id))

    def approve(self, reply: InquiryReply, *, operator: Operator) -> InquiryReply:
        """Agree to a reply as its second operator."""
        return self._result(self._inquiries.approve(reply, operator=operator))

    def send(self, on_file: OnFile | None = None) -> list[SentReply]:
        """Send the replies that are ready and whose window is open."""
        return self._result(self._inquiries.send(on_file))

    def _result(self, work: Coroutine[Any, Any, T]) -> T:
        result: T = self._run(work)
        return result
