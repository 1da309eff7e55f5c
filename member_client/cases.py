"""Police cases on the client: `cases` is for liaisons and approvers, `inquiries` for members that are asked."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from member_client._cases import inquiries
from member_client._cases.inquiries import Inquiry
from member_client._cases.opening import opened, read_subjects
from member_client._cases.releasing import Answer, Release, Releaser
from member_client._cases.shelf import Opened as OpenedSuspect
from member_client._cases.waiting import OnFile, SentReply, Waiting, with_replies
from member_client._session import Session
from member_client.operators import Operator
from member_client.own_claims import OwnClaim
from member_client.subjects import Subject

Opened = Callable[[], Awaitable[Session]]
"""Gives the session of the client, opened where it is not."""


class Cases:
    """Cases, for a liaison and for those who approve them; made by the client."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened


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

    async def drawn_up(self, case_id: bytes, answers: Sequence[Answer], *, basis: str) -> Release:
        """Draw a reply up, one answer a claim, and show exactly what would be released; signs and sends nothing.

        `basis` is the legal basis, 1 to 1,000 bytes. A claim's suspect is opened first where anything about it is
        released. Raises InvalidUse, which says what is missing, NotFound, and ReplyWindowClosed after its time.
        """
        return await Releaser(await self._opened()).drawn_up(case_id, answers, basis)

    async def draft(self, release: Release, *, operator: Operator) -> Release:
        """Sign a reply as its first operator; it waits here, sealed, for a second one. Raises InvalidUse."""
        return await Releaser(await self._opened()).draft(release, operator)

    async def drafted(self, case_id: bytes) -> Release:
        """Give the reply that waits on this machine, for its second operator to look at; raises NotFound."""
        return await Releaser(await self._opened()).drafted(case_id)

    async def approve(self, release: Release, *, operator: Operator) -> Release:
        """Agree to a reply as its second operator, who looked at it: it is sealed to the case's officer.

        It is sent by `send`, and by an open client, as soon as the case's window is open. Raises NotFound, and
        InvalidUse where the operator drew it up, or another draft took its place.
        """
        return await Releaser(await self._opened()).approve(release.inquiry.case_id, operator, release.sha256)

    async def send(self, on_file: OnFile | None = None) -> list[SentReply]:
        """Send the replies that two operators agreed to and whose window is open; says what became of each.

        Asks nothing of the hub where there is none. Doing it again, after a kill too, sends nothing twice.
        """
        return await Waiting(await self._opened()).send(on_file)
