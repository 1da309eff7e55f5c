"""Police cases on the client: `cases` is for liaisons and approvers, `inquiries` for members that are asked."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alliance.cases.words import CaseState, CaseVerdict
from member_client._cases import inquiries
from member_client._cases.deciding import decide
from member_client._cases.exporting import ExportedBundle, Exporter, OnStage
from member_client._cases.inquiries import Inquiry
from member_client._cases.matching import Matcher
from member_client._cases.opening import opened, read_subjects
from member_client._cases.records import Case
from member_client._cases.releasing import InquiryAnswer, InquiryReply, Releaser
from member_client._cases.replies import CaseReply, Replies
from member_client._cases.requesting import CaseStanding, Requests
from member_client._cases.shelf import Opened as OpenedSuspect
from member_client._cases.terms import CasePreview, CaseTerms, SuspectRow
from member_client._cases.waiting import OnFile, SentReply, Waiting, with_replies
from member_client._session import Session
from member_client.errors import InvalidUse
from member_client.operators import Operator
from member_client.own_claims import OwnClaim
from member_client.screening import OnProgress
from member_client.subjects import Subject

Opened = Callable[[], Awaitable[Session]]
"""Gives the session of the client, opened where it is not."""


class Cases:
    """Cases, for a liaison and for those who approve them; made by the client.

    Whom a case is about, and what opens its replies, is on the machine that opened it, and on no other.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    # -- the liaison -----------------------------------------------------------------------------------------------

    async def preview(self, terms: CaseTerms, suspects: Iterable[SuspectRow]) -> CasePreview:
        """Say what a case would ask for, and how much of what its instrument covers; sends nothing of the list.

        Raises InvalidUse for what is no case, such as one about nobody; what is too much, `CasePreview.check` tells.
        """
        return await Requests(await self._opened()).preview(terms, suspects)

    async def open(self, preview: CasePreview, *, officer: Operator) -> Case:
        """Sign a case as it was previewed, as its first officer, and keep it as a draft; nothing is sent.

        Raises InvalidUse where it names another officer first, TwoOfficersNeeded, CaseOutOfScope, InstrumentExpired or
        InstrumentExhausted.
        """
        return await Requests(await self._opened()).open(preview, officer)

    async def draft(self, case_id: bytes) -> CasePreview:
        """Give a draft on this machine as its second officer looks at it before they sign; raises NotFound."""
        return await Requests(await self._opened()).draft_preview(case_id)

    async def submit(self, case_id: bytes, *, officer: Operator) -> Case:
        """Sign a draft as its second officer, and submit it to the approvers; doing it again changes nothing.

        Raises NotFound, InvalidUse where it names another officer second or the key is the first one's, and what the
        hub refuses: CaseOutOfScope, InstrumentExpired, InstrumentExhausted, TwoOfficersNeeded.
        """
        return await Requests(await self._opened()).submit(case_id, officer)

    async def match(self, case_id: bytes, *, officer: Operator, on_progress: OnProgress | None = None) -> Case:
        """Evaluate the suspects of an approved case and submit them; then members with matching claims are asked.

        What was cut off is taken up by calling it again, and counts once. `on_progress` is told how many are in.
        Raises NotFound where another machine opened the case, InvalidUse, CaseStateConflict where it is not approved,
        InstrumentExpired.
        """
        return await Matcher(await self._opened()).match(case_id, officer, on_progress)

    async def replies(self, case_id: bytes) -> tuple[CaseReply, ...]:
        """Open and verify the replies of the members that were asked, one each, once the hub hands them over.

        One that does not verify says so in `fault`, and shows nothing. Raises NotFound, CaseStateConflict before that.
        """
        return tuple(await Replies(await self._opened()).all(case_id))

    async def export(
        self,
        case_id: bytes,
        out: Path,
        *,
        officer: Operator,
        force: bool = False,
        on_stage: OnStage | None = None,
    ) -> ExportedBundle:
        """Write a case's bundle, which stands up without this machine and without the hub, signed by an officer.

        What was cut off is taken up by calling it again. Nothing is overwritten without `force`. A file for which its
        member itself uploaded another one is told in `rubbish`, and ends nothing. Raises NotFound, InvalidUse,
        CaseStateConflict before replies are handed over, AttachmentTampered where somebody else may have changed a
        file, StorageFull, ConfigurationInvalid without the extra `letters`, and StatementInvalid where the bundle would
        not hold.
        """
        return await Exporter(await self._opened(), on_stage).export(case_id, out, officer, force=force)

    async def extend(self, case_id: bytes, *, officer: Operator, reason: str = "") -> Case:
        """Ask for more time for the replies, once a case: the officer who asks first gives the reason code.

        Nothing is sent before the other officer asks too; then the approvers decide. Raises InvalidUse, and
        CaseStateConflict where nobody is asked.
        """
        return await Requests(await self._opened()).extend(case_id, officer, reason)

    async def withdraw(self, case_id: bytes, *, officer: Operator, reason: str) -> Case:
        """Take a case back, for a reason code, or forget a draft; doing it again changes nothing."""
        return await Requests(await self._opened()).end(case_id, CaseState.WITHDRAWN, officer, reason)

    async def close(self, case_id: bytes, *, officer: Operator, reason: str) -> Case:
        """Close a case whose replies were handed over, for a reason code; raises CaseStateConflict before that."""
        return await Requests(await self._opened()).end(case_id, CaseState.CLOSED, officer, reason)

    # -- liaison and approvers ---------------------------------------------------------------------------------------

    async def listed(self, *, waiting_only: bool = False) -> AsyncIterator[Case]:
        """List a liaison's own cases and drafts, or all cases for an approver, oldest first.

        `waiting_only`: those alone that wait for an approver. Raises StatementInvalid for one that was not signed so.
        """
        async for case in Requests(await self._opened()).listed(waiting_only=waiting_only):
            yield case

    async def find(self, name: str) -> Case:
        """Give the case of a number, or whose id starts so in hexadecimal; raises NotFound, InvalidUse for several."""
        return await Requests(await self._opened()).find(_text(name))

    async def status(self, case_id: bytes) -> CaseStanding:
        """Give a case with the events of its life; raises NotFound."""
        return await Requests(await self._opened()).status(case_id)

    # -- approvers ---------------------------------------------------------------------------------------------------

    async def decide(self, case: Case, verdict: CaseVerdict | str, *, reason: str, document: Path) -> Case:
        """Approve or refuse a case as it was read, or its extension, with the legal instrument's document at hand.

        Raises InvalidUse where the document is not the one that the officers signed for, CaseStateConflict where
        nothing waits, AnotherApproverNeeded where somebody of the same function decided.
        """
        meant = CaseVerdict.__members__.get(verdict.strip().upper()) if isinstance(verdict, str) else verdict
        if meant is None:
            raise InvalidUse(f"a verdict is one of {', '.join(it.word for it in CaseVerdict)}")
        return await decide(await self._opened(), case, meant, _text(reason), document)


@dataclass(frozen=True, slots=True)
class InquiredClaim:
    """A claim of this member that a case asks about, under its entry id.

    `claim` is None where it was destroyed with its epoch, `suspect` where it was not opened. The suspect holds an
    identifier, so that its repr shows nothing.
    """

    entry_id: bytes
    claim: OwnClaim | None
    suspect: OpenedSuspect | None


class Inquiries:
    """Cases that ask this member about claims of its own; made by the client.

    A case that does not verify raises StatementInvalid wherever it is met: it is not shown, and cannot be answered.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    async def listed(self) -> AsyncIterator[Inquiry]:
        """List the cases that ask this member, oldest first, with how far this machine is with its reply."""
        session = await self._opened()
        found = [it async for it in inquiries.listed(session)]
        for inquiry in await with_replies(session, found):
            yield inquiry

    async def one(self, case_id: bytes) -> Inquiry:
        """Give a case that asks this member; raises NotFound."""
        session = await self._opened()
        (inquiry,) = await with_replies(session, [await inquiries.one(session, case_id)])
        return inquiry

    async def find(self, name: str) -> Inquiry:
        """Give the case of a number, or whose id starts so in hexadecimal; raises NotFound, InvalidUse for several."""
        session = await self._opened()
        (inquiry,) = await with_replies(session, [await inquiries.found(session, _text(name))])
        return inquiry

    async def claims(
        self, case_id: bytes, subjects: Iterable[Subject] = (), *, open_own: bool = False
    ) -> list[InquiredClaim]:
        """Give the own claims that a case asks about, and open the suspects whose identifiers are at hand.

        With `subjects`, it says which of these own customers the claims are about. An identifier is evaluated, under
        the case, where this machine filed such a claim about it, or where another machine filed the claim; with
        `open_own`, all that this machine filed are. The hub lets four evaluations through for each claim. Raises
        NotFound, and InvalidUse where more were needed.
        """
        session = await self._opened()
        inquiry = await inquiries.one(session, case_id)
        asked = await inquiries.claims(session, inquiry)
        named = await read_subjects(session, subjects)
        found = await opened(session, inquiry, asked, named, own=open_own)
        return [InquiredClaim(it.entry.entry_id, it.claim, found.get(it.entry.entry_id)) for it in asked]

    async def drawn_up(self, case_id: bytes, answers: Sequence[InquiryAnswer], *, basis: str) -> InquiryReply:
        """Draw a reply up, one answer a claim, and show exactly what would be released; signs and sends nothing.

        `basis` is the legal basis, 1 to 1,000 bytes. A claim's suspect is opened first where anything about it is
        released. Raises InvalidUse, which says what is missing, NotFound, and ReplyWindowClosed after its time.
        """
        return await Releaser(await self._opened()).drawn_up(case_id, answers, basis)

    async def draft(self, reply: InquiryReply, *, operator: Operator) -> InquiryReply:
        """Sign a reply as its first operator; it waits here, sealed, for a second one. Raises InvalidUse."""
        return await Releaser(await self._opened()).draft(reply, operator)

    async def drafted(self, case_id: bytes) -> InquiryReply:
        """Give the reply that waits on this machine, for its second operator to look at; raises NotFound."""
        return await Releaser(await self._opened()).drafted(case_id)

    async def approve(self, reply: InquiryReply, *, operator: Operator) -> InquiryReply:
        """Agree to a reply as its second operator, who looked at it: it is sealed to the case's officer.

        It is sent by `send`, and by an open client, as soon as the case's window is open. Raises NotFound, and
        InvalidUse where the operator drew it up, or another draft took its place.
        """
        return await Releaser(await self._opened()).approve(reply.inquiry.case_id, operator, reply.sha256)

    async def send(self, on_file: OnFile | None = None) -> list[SentReply]:
        """Send the replies that two operators agreed to and whose window is open; says what became of each.

        Asks nothing of the hub where there is none. Doing it again, after a kill too, sends nothing twice. Raises
        InvalidUse or AttachmentMismatch, once the others are sent, where a file is not what was agreed to.
        """
        return await Waiting(await self._opened()).send(on_file)


def _text(given: object) -> str:
    """Raise InvalidUse for what callers without a type checker pass by mistake."""
    if not isinstance(given, str):
        raise InvalidUse("a name and a reason are texts")
    return given
