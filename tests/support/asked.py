"""A member on the SDK that a police case asks: the hub with its police, a claim that matches, and two operators."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from alliance.cases.statements import verify_release
from alliance.cases.words import ReleaseOutcome
from alliance.crypto import envelope
from alliance.crypto.signing import VerifyingKey
from alliance.taxonomy import DAY_MS
from alliance.v1.case_pb2 import CaseRelease, CaseReplyContents
from alliance_server.domain.ports import Transaction
from member_client import AllianceClient, ContributionRow, Inquiry, InquiryAnswer, InquiryReply, Operator
from support.hub import running_hub
from support.police import Case, Station, staffed
from support.sdk import PHONES, contribute, lender, row, two_operators

OURS, OTHERS, NOBODYS = PHONES[0], PHONES[1], PHONES[2]
RELEASED, DECLINED, NOTHING = ReleaseOutcome.RELEASED, ReleaseOutcome.DECLINED, ReleaseOutcome.NOTHING
BASIS: Final = "Art. 54 of the Criminal Procedure Law, notice 17"
VALUES: Final = {"account_number": "6222-0001", "full_name": "李四"}


def observed_row(station: Station, phone: str) -> ContributionRow:
    """A claim about conduct inside a case's look-back."""
    observed = station.now - 30 * DAY_MS
    return row(phone, observed_from=observed, observed_to=observed)


@asynccontextmanager
async def police(folder: Path, **options: Any) -> AsyncIterator[Station]:
    """Run a hub whose sealer works, with a liaison and both approvers."""
    async with running_hub(folder, **options) as hub:
        station = await staffed(hub)
        yield station
        for one in (station.liaison, station.legal, station.duty):
            await one.close()


@dataclass
class Asked:
    """A member that a case asks about one claim, and the two operators of its staff."""

    station: Station
    client: AllianceClient
    entry_id: bytes
    case: Case
    operators: tuple[Operator, Operator]

    async def inquiry(self) -> Inquiry:
        return await self.client.inquiries.one(self.case.id)

    async def drafted(self, *answers: InquiryAnswer, basis: str = BASIS) -> InquiryReply:
        """Have the first operator draw a reply up."""
        drawn = await self.client.inquiries.drawn_up(self.case.id, answers or (self.released(),), basis=basis)
        return await self.client.inquiries.draft(drawn, operator=self.operators[0])

    async def ready(self, *answers: InquiryAnswer) -> InquiryReply:
        """Have both operators agree to a reply."""
        return await self.client.inquiries.approve(await self.drafted(*answers), operator=self.operators[1])

    def released(self, **fields: str) -> InquiryAnswer:
        return InquiryAnswer(self.entry_id, RELEASED, fields or VALUES)

    def pass_by(self, milliseconds: int) -> None:
        self.station.pass_by(milliseconds)

    def open_window(self) -> None:
        """Have the case's window open now, for processes that have the machine's clock."""

        def work(transaction: Transaction) -> None:
            case = transaction.cases.get(self.case.id)
            assert case is not None
            transaction.cases.save(replace(case, reply_from=self.station.now))

        self.station.hub.hub.store.write_now(work)

    async def more_time(self) -> None:
        """Have both officers ask for more time, and both approvers give it."""
        request = self.station.extension(self.case)
        await self.station.liaison.cases.ExtendCase(request)
        subject = sha256(request.extension.payload).digest()
        for approver in (self.station.legal, self.station.duty):
            await self.station.decide(approver, self.case, subject_sha256=subject)

    async def contents(self) -> tuple[CaseReplyContents, CaseRelease]:
        """Give what the officer opens, verified."""
        member = self.client.profile.member
        (record,) = [it for it in (await self.station.replies(self.case)).replies if it.member == member]
        plain = envelope.open_reply(self.case.secret, self.case.id, member, record.sealed)
        contents = CaseReplyContents.FromString(plain)
        key = VerifyingKey((await self.client._session()).identity.public_key)
        return contents, verify_release(contents.release, contents.approvals, contents.operators, member, key)


@asynccontextmanager
async def asked(folder: Path, **options: Any) -> AsyncIterator[Asked]:
    """Run a hub, file a claim, and take a case to where its contributor is asked."""
    async with police(folder, **options) as station, lender(station.hub, "bank-a") as client:
        yield await asking(station, client)


async def asking(station: Station, client: AllianceClient, phone: str = OURS, **changes: Any) -> Asked:
    """File a claim, and take a case to where its contributor is asked; `changes` are those of its request."""
    (result,) = await contribute(client, [observed_row(station, phone)])
    operators = await two_operators(client)
    return Asked(station, client, result.entry_id, await station.opened(phone, NOBODYS, **changes), operators)
