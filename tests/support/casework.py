"""A liaison, the approvers and their cases, on the SDK: what tests of cases begin with."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from typer.testing import CliRunner

from alliance.cases.words import InstrumentType
from alliance.crypto.secret import Secret
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category
from alliance_server.domain.cases import Scope
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Transaction
from member_client import AllianceClient, Case, CaseTerms, InquiryAnswer, Operator, Profile, ReleaseOutcome, SuspectRow
from member_client.cli.app import app
from member_client.cli.ports import real_ports
from support.hub import RunningHub
from support.sdk import lender, two_operators

OFFICERS: Final = ("officer-1", "officer-2")
LIAISON: Final = "cyber-desk"
PASSPHRASE: Final = "an officer's own"
SCOPE: Final = (Category.MULE_ACCOUNT, Category.TELECOM_FRAUD)


@dataclass
class Bureau:
    """A liaison with two officers and a scope, an approver of each function, and the instrument."""

    hub: RunningHub
    liaison: AllianceClient
    officers: tuple[Operator, Operator]
    legal: AllianceClient
    duty: AllianceClient
    document: Path
    cases: int = 0

    def terms(self, **changes: Any) -> CaseTerms:
        """Give terms of a case, within everything that it is held against."""
        self.cases += 1
        now_ms = self.hub.clock.now_ms()
        stated: dict[str, Any] = {
            "number": f"C-{self.cases}",
            "instrument": InstrumentType.EVIDENCE_NOTICE,
            "reference": "X-2026-0117",
            "document": self.document,
            "until": now_ms + 60 * DAY_MS,
            "categories": SCOPE,
            "period": (now_ms - 90 * DAY_MS, now_ms),
            "officer": OFFICERS[0],
            "second_officer": OFFICERS[1],
        }
        return CaseTerms(**(stated | changes))

    async def drafted(self, phones: Sequence[str], **changes: Any) -> Case:
        """Open a case about telephones: the first officer signs."""
        preview = await self.liaison.cases.preview(self.terms(**changes), suspects(phones))
        return await self.liaison.cases.open(preview, officer=self.officers[0])

    async def submitted(self, phones: Sequence[str], **changes: Any) -> Case:
        """Have a case signed by both officers, and submitted."""
        draft = await self.drafted(phones, **changes)
        return await self.liaison.cases.submit(draft.id, officer=self.officers[1])

    async def approved(self, phones: Sequence[str], **changes: Any) -> Case:
        """Have a case approved by both functions."""
        return await self.approve(await self.submitted(phones, **changes))

    async def approve(self, case: Case) -> Case:
        """Have both functions approve what a case waits with."""
        for approver in (self.legal, self.duty):
            shown = (await approver.cases.status(case.id)).case
            case = await approver.cases.decide(shown, "approve", reason="in order", document=self.document)
        return case

    def pass_by(self, milliseconds: int) -> None:
        """Let time go by."""
        self.hub.clock.advance(seconds=milliseconds / 1000)

    def open_window(self, case: Case) -> None:
        """Take the replies to a case from now on, and not only once a quick one tells nothing."""

        def work(transaction: Transaction) -> None:
            kept = transaction.cases.get(case.id)
            assert kept is not None
            transaction.cases.save(replace(kept, reply_from=self.hub.clock.now_ms()))

        self.hub.hub.store.write_now(work)

    async def matched(self, phones: Sequence[str], **changes: Any) -> Case:
        """Have a case approved and matched."""
        case = await self.approved(phones, **changes)
        return await self.liaison.cases.match(case.id, officer=self.officers[0])


def suspects(phones: Sequence[str]) -> list[SuspectRow]:
    """Give telephones as suspects."""
    return [SuspectRow(Kind.PHONE, text, number) for number, text in enumerate(phones)]


def set_scope(
    hub: RunningHub, liaison: str, *, instruments: Sequence[InstrumentType] = tuple(InstrumentType), **other: Any
) -> None:
    """Set what a liaison may ask for, as two admins would."""
    categories = frozenset(map(int, other.get("categories", SCOPE)))
    scope = Scope(liaison, frozenset(map(int, instruments)), categories)
    hub.hub.store.write_now(lambda transaction: transaction.cases.set_scope(scope))


@asynccontextmanager
async def bureau_of(hub: RunningHub) -> AsyncIterator[Bureau]:
    """Enrol a liaison with two officers and a scope, and the approvers."""
    document = hub.folder.parent / "notice.pdf"
    document.write_bytes(b"%PDF a notice to collect evidence")
    async with AsyncExitStack() as stack:
        liaison = await stack.enter_async_context(lender(hub, LIAISON, role=Role.LIAISON))
        legal = await stack.enter_async_context(lender(hub, "lin-legal", role=Role.LEGAL_APPROVER))
        duty = await stack.enter_async_context(lender(hub, "duty-7", role=Role.DUTY_OFFICER))
        first, second = [Operator.create(liaison.profile, name, Secret(PASSPHRASE.encode())) for name in OFFICERS]
        for officer in (first, second):
            await liaison.add_operator(officer)
        set_scope(hub, LIAISON)
        yield Bureau(hub, liaison, (first, second), legal, duty, document)


async def run(hub: RunningHub, name: str, *arguments: str) -> tuple[int, str]:
    """Run a command as somebody who is enrolled, by the hub's clock; gives how it ended, and what it printed."""

    @asynccontextmanager
    async def open_client(folder: Path) -> AsyncIterator[AllianceClient]:
        async with AllianceClient(Profile.load(folder), clock=hub.clock) as client:
            yield client

    ports = replace(real_ports(), open_client=open_client, clock=hub.clock)
    profile = str(hub.folder.parent / name)
    done = await asyncio.to_thread(CliRunner().invoke, app, ["--profile", profile, *arguments], obj=ports)
    return done.exit_code, done.output


async def released(member: AllianceClient, case: Case, entry_id: bytes) -> None:
    """Have a member release something about its one claim that a case asks about, as two of its operators agree."""
    answers = [InquiryAnswer(entry_id, ReleaseOutcome.RELEASED, {"loan_number": "L-7"})]
    first, second = await two_operators(member)
    drawn_up = await member.inquiries.drawn_up(case.id, answers, basis="Article 26")
    drafted = await member.inquiries.draft(drawn_up, operator=first)
    await member.inquiries.approve(drafted, operator=second)
    await member.inquiries.send()
