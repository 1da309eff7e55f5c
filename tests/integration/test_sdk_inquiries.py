"""A member that a case asks: it believes what was approved, opens suspects, releases what it names, in the window."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.asked import (
    BASIS,
    DECLINED,
    NOBODYS,
    NOTHING,
    OTHERS,
    OURS,
    RELEASED,
    asked,
    asking,
    observed_row,
    police,
)
from support.sdk import PHONES, Tamper, contribute, flipped, lender, row

from alliance.cases.suspects import read_leaf
from alliance.cases.words import REPLY_AFTER_MS, REPLY_WITHIN_MS, CaseState, ReleaseOutcome
from alliance.crypto import envelope
from alliance.crypto.secret import Secret
from alliance.taxonomy import DAY_MS, Category
from alliance.v1.case_pb2 import CaseAttachment, ListInquiryEntriesResponse
from alliance.v1.registry_pb2 import ClaimRecord
from alliance_server.domain.actions import AuditAction
from member_client import (
    AttachmentMismatch,
    InquiryAnswer,
    InvalidUse,
    NotFound,
    Operator,
    ReplyOutcome,
    ReplyState,
    ReplyWindowClosed,
    StatementInvalid,
    Subject,
)
from member_client._cases import inquiries, opening, waiting
from member_client._cases.shelf import CaseShelf
from member_client._store import Shelf

NewFolder = Callable[[], Path]


@pytest.fixture(autouse=True)
def set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent in the background."""
    monkeypatch.setattr(waiting, "DELAY_SECONDS", 3600.0)


async def test_a_case_is_read_opened_answered_and_believed_by_its_officer(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        inquiries = one.client.inquiries
        (inquiry,) = [it async for it in inquiries.listed()]
        assert (inquiry.case_id, inquiry.number, inquiry.claims) == (one.case.id, "A-2026-17", 1)
        assert (inquiry.state, inquiry.reply) == (CaseState.OPEN, ReplyState.OPEN)
        assert inquiry.reply_from - inquiry.asked_at == REPLY_AFTER_MS
        (claim,) = await inquiries.claims(one.case.id)
        assert claim.claim is not None
        assert (claim.entry_id, claim.claim.category, claim.suspect) == (one.entry_id, Category.MULE_ACCOUNT, None)
        assert one.client.usage.evaluations == 1  # the contribution's: looking costs nothing
        people = [Subject("C-7", phone=NOBODYS), Subject("C-8", phone=OURS), Subject("C-9", phone="no number")]
        (claim,) = await inquiries.claims(one.case.id, people)
        assert claim.suspect is not None
        assert claim.suspect.refs == ("C-8",)
        assert read_leaf(claim.suspect.leaf).canonical == OURS
        assert OURS not in repr(claim)
        assert one.client.usage.evaluations == 2  # of the three, the one about whom a claim was filed
        drafted = await one.drafted()
        assert (drafted.state, drafted.first_operator) == (ReplyState.DRAFTED, one.operators[0].name)
        assert drafted.answers[0].fields == (("account_number", "6222-0001"), ("full_name", "李四"))
        shown = await inquiries.drafted(one.case.id)
        assert shown.sha256 == drafted.sha256
        assert (await inquiries.approve(shown, operator=one.operators[1])).state is ReplyState.READY
        assert [it.outcome for it in await inquiries.send()] == [ReplyOutcome.WAITS]
        one.pass_by(REPLY_AFTER_MS)
        assert [it.outcome for it in await inquiries.send()] == [ReplyOutcome.SENT]
        assert await inquiries.send() == []
        assert (await one.inquiry()).reply is ReplyState.SENT
        contents, said = await one.contents()
        (answer,) = said.answers
        assert [(it.name, it.value) for it in answer.fields] == [("account_number", "6222-0001"), ("full_name", "李四")]
        assert read_leaf(answer.leaf).canonical == OURS
        assert said.request_sha256 == sha256(one.case.first.payload).digest()
        assert len(contents.approvals) == 2
        session = await one.client._session()
        assert not list(session.store.rows(Shelf.INQUIRIES))  # once the hub has it


async def test_who_is_not_asked_sees_no_case(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one, lender(one.station.hub, "bank-b") as other:
        await contribute(other, [row(OTHERS)])
        assert [it async for it in other.inquiries.listed()] == []
        for refused in (other.inquiries.one(one.case.id), other.inquiries.claims(one.case.id)):
            with pytest.raises(NotFound):
                await refused


async def test_a_member_sees_its_own_claims_alone(new_hub_folder: NewFolder) -> None:
    async with (
        police(new_hub_folder()) as station,
        lender(station.hub, "bank-a") as a,
        lender(station.hub, "bank-b") as b,
    ):
        claims = {
            client.profile.member: await contribute(client, [observed_row(station, phone) for phone in phones])
            for client, phones in ((a, (OURS,)), (b, (OURS, OTHERS)))
        }
        case = await station.opened(OURS, OTHERS, NOBODYS)
        for client in (a, b):
            (inquiry,) = [it async for it in client.inquiries.listed()]
            own = {it.entry_id for it in claims[client.profile.member]}
            assert inquiry.claims == len(own)
            assert {it.entry_id for it in await client.inquiries.claims(case.id, open_own=True)} == own


async def test_declining_and_having_nothing_need_no_opening_and_look_alike(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        before = one.client.usage.evaluations
        await one.ready(InquiryAnswer(one.entry_id, NOTHING))
        one.pass_by(REPLY_AFTER_MS)
        await one.client.inquiries.send()
        assert one.client.usage.evaluations == before
        _, said = await one.contents()
        (answer,) = said.answers
        assert (ReleaseOutcome(answer.outcome), list(answer.fields), answer.leaf) == (NOTHING, [], b"")
        assert said.legal_basis == BASIS


async def test_only_two_different_registered_operators_release(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        inquiries, (first, second) = one.client.inquiries, one.operators
        drawn = await inquiries.drawn_up(one.case.id, [one.released()], basis=BASIS)
        assert drawn.state is ReplyState.OPEN
        stranger = Operator.create(one.client.profile, "stranger", Secret(b"x"))
        with pytest.raises(InvalidUse, match="not registered"):
            await inquiries.draft(drawn, operator=stranger)
        with pytest.raises(NotFound):
            await inquiries.drafted(one.case.id)
        drafted = await inquiries.draft(drawn, operator=first)
        for operator in (first, stranger, Operator("somebody-else", first.key), Operator(second.name, stranger.key)):
            with pytest.raises(InvalidUse):
                await inquiries.approve(drafted, operator=operator)
        await one.client.retire_operator(second.name)
        with pytest.raises(InvalidUse, match="not registered"):
            await inquiries.approve(drafted, operator=second)
        assert await inquiries.send() == []


async def test_what_the_second_operator_saw_is_what_is_signed(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        seen = await one.drafted()
        changed = await one.drafted(one.released(account_number="6222-0002"))
        with pytest.raises(InvalidUse, match="another draft"):
            await one.client.inquiries.approve(seen, operator=one.operators[1])
        assert (await one.client.inquiries.approve(changed, operator=one.operators[1])).state is ReplyState.READY
        with pytest.raises(InvalidUse):  # it does not change any more by being agreed to
            await one.client.inquiries.approve(changed, operator=one.operators[1])


async def test_what_cannot_be_released_says_why(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        wrong: list[tuple[list[InquiryAnswer], str, str]] = [
            ([], BASIS, "have no answer"),
            ([one.released(), one.released()], BASIS, "one a claim"),
            ([one.released(), InquiryAnswer(bytes(16), DECLINED)], BASIS, "does not ask"),
            ([one.released(shoe_size="43")], BASIS, "in no template"),
            ([InquiryAnswer(one.entry_id, RELEASED)], BASIS, "names fields or files"),
            ([InquiryAnswer(one.entry_id, DECLINED, {"full_name": "x"})], BASIS, "no fields"),
            ([one.released()], "  ", "legal basis"),
            ([one.released()], "x" * 1001, "legal basis"),
            ([one.released(**dict.fromkeys(LONG, "x" * 16000))], BASIS, "does not fit"),
            ([replace(one.released(), files=(Path("/nowhere/a.pdf"),))], BASIS, "a.pdf"),
        ]
        for answers, basis, words in wrong:
            with pytest.raises(InvalidUse, match=words):
                await one.client.inquiries.drawn_up(one.case.id, answers, basis=basis)
        with pytest.raises(NotFound):
            await one.client.inquiries.drawn_up(bytes(16), [], basis=BASIS)


LONG = (
    "what_happened",
    "how_it_was_found",
    "what_was_done",
    "transactions_list",
    "counterparties",
    "login_times",
    "ip_addresses",
    "location",
    "linked_accounts",
)


async def test_after_its_window_nothing_is_drawn_up_or_sent(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        await one.ready()
        one.pass_by(REPLY_WITHIN_MS)
        assert [it.outcome for it in await one.client.inquiries.send()] == [ReplyOutcome.TOO_LATE]
        with pytest.raises(ReplyWindowClosed):
            await one.client.inquiries.drawn_up(one.case.id, [one.released()], basis=BASIS)
        assert (await one.inquiry()).replied_at == 0


async def test_a_reply_goes_out_later_where_the_approvers_gave_more_time(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        await one.ready()
        one.pass_by(REPLY_WITHIN_MS - DAY_MS)
        await one.more_time()
        one.pass_by(2 * DAY_MS)
        assert [it.outcome for it in await one.client.inquiries.send()] == [ReplyOutcome.SENT]


async def test_another_machine_of_the_member_replied_first(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        await one.ready()
        one.pass_by(REPLY_AFTER_MS)
        session = await one.client._session()
        (kept,) = CaseShelf(session.store).ready()
        await one.client.inquiries.send()
        other = envelope.seal_reply(one.case.request.sealing_key, one.case.id, "bank-a", b"another")
        CaseShelf(session.store).put(replace(kept, sealed=other), None)
        assert [it.outcome for it in await one.client.inquiries.send()] == [ReplyOutcome.OTHER]
        assert await one.client.inquiries.send() == []
        with pytest.raises(InvalidUse, match="one a case"):
            await one.client.inquiries.drawn_up(one.case.id, [one.released()], basis=BASIS)


@pytest.mark.parametrize("method", ["ListInquiries", "ListInquiryEntries"])
async def test_a_hub_that_changes_what_was_signed_is_found_out(new_hub_folder: NewFolder, method: str) -> None:
    def bent(reply: Any) -> None:
        if method == "ListInquiries":
            reply.inquiries[0].decisions[0].payload = flipped(reply.inquiries[0].decisions[0].payload, 20)
        else:
            reply.entries[0].sealed = flipped(reply.entries[0].sealed, 700)

    tamper = Tamper(method, bent)
    async with asked(new_hub_folder(), interceptors=[tamper]) as one:
        tamper.active = True
        with pytest.raises(StatementInvalid):
            await one.client.inquiries.claims(one.case.id, open_own=True)
        with pytest.raises(StatementInvalid):
            await one.client.inquiries.drawn_up(one.case.id, [one.released()], basis=BASIS)
        assert await one.client.inquiries.send() == []


async def test_many_claims_are_shown_by_pages_and_opened_by_batches(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiries, "PAGE_SIZE", 40)
    monkeypatch.setattr(opening, "MAX_BATCH", 50)
    phones = PHONES[:110]
    async with police(new_hub_folder()) as station, lender(station.hub, "bank-a") as client:
        filed = await contribute(client, [observed_row(station, phone) for phone in phones])
        case = await station.opened(*phones)
        found = await client.inquiries.claims(case.id, open_own=True)
        assert {it.entry_id for it in found} == {it.entry_id for it in filed}
        assert {read_leaf(it.suspect.leaf).canonical for it in found if it.suspect is not None} == set(phones)
        answers = [InquiryAnswer(it.entry_id, RELEASED, {"loan_number": "L-7"}) for it in found]
        assert len((await client.inquiries.drawn_up(case.id, answers, basis=BASIS)).answers) == len(phones)
        store = station.hub.hub.store
        events = store.read_now(lambda it: it.audit.page("bank-a", 0, 10_000))
        asked_for = Counter(AuditAction(it.action) for it in events)
        assert AuditAction.CLAIM_GET not in asked_for
        assert asked_for[AuditAction.INQUIRY_ENTRIES] == 2 * 3


async def test_a_claim_that_comes_not_with_its_entry_is_asked_for_and_another_is_refused(
    new_hub_folder: NewFolder,
) -> None:
    records: list[ClaimRecord] = []

    def bent(reply: ListInquiryEntriesResponse) -> None:
        records.append(reply.entries[0].claim)
        reply.entries[0].ClearField("claim")

    def exchanged(reply: ListInquiryEntriesResponse) -> None:
        reply.entries[0].claim.CopyFrom(records[0])

    tamper = Tamper("ListInquiryEntries", bent)
    async with asked(new_hub_folder(), interceptors=[tamper]) as one:
        expected = await one.client.inquiries.claims(one.case.id)
        tamper.active = True
        assert await one.client.inquiries.claims(one.case.id) == expected
        later = await asking(one.station, one.client, OTHERS)
        tamper.change = exchanged
        with pytest.raises(StatementInvalid, match="another claim than was asked for"):
            await one.client.inquiries.claims(later.case.id)


async def test_files_are_named_before_the_window_and_go_out_in_it(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    statement = tmp_path / "statement.pdf"
    statement.write_bytes(b"%PDF-1.7 " + os.urandom(200_000))
    async with asked(new_hub_folder()) as one:
        shown = await one.ready(InquiryAnswer(one.entry_id, RELEASED, files=(statement,)))
        assert shown.answers[0].files == (("statement.pdf", statement.stat().st_size),)
        told: list[tuple[str, bool]] = []
        assert [it.outcome for it in await one.client.inquiries.send()] == [ReplyOutcome.WAITS]
        one.pass_by(REPLY_AFTER_MS)
        sent = await one.client.inquiries.send(lambda name, done, whole: told.append((name, done == whole)))
        assert [it.outcome for it in sent] == [ReplyOutcome.SENT]
        assert told[-1] == ("statement.pdf", True)
        _, said = await one.contents()
        (file,) = said.answers[0].files
        assert (file.name, file.size, file.sha256) == (
            "statement.pdf",
            statement.stat().st_size,
            sha256(statement.read_bytes()).digest(),
        )
        (record,) = (await one.station.replies(one.case)).replies
        (attachment,) = (CaseAttachment.FromString(it.payload) for it in record.attachments)
        assert (attachment.attachment_id, attachment.sealed_sha256) == (file.attachment_id, file.sealed_sha256)


async def test_a_file_that_was_changed_stops_the_reply_which_may_be_drawn_up_anew(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    statement = tmp_path / "statement.pdf"
    statement.write_bytes(b"as it was")
    async with asked(new_hub_folder()) as one:
        answer = InquiryAnswer(one.entry_id, RELEASED, files=(statement,))
        await one.ready(answer)
        statement.write_bytes(b"as it is ")
        one.pass_by(REPLY_AFTER_MS)
        for _ in range(2):
            with pytest.raises(AttachmentMismatch):
                await one.client.inquiries.send()
        assert (await one.inquiry()).replied_at == 0
        await one.ready(answer)
        assert [it.outcome for it in await one.client.inquiries.send()] == [ReplyOutcome.SENT]


async def test_a_reply_that_cannot_go_out_holds_no_other_one_up(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    statement = tmp_path / "statement.pdf"
    statement.write_bytes(b"as it was")
    async with asked(new_hub_folder()) as one:
        one.pass_by(1000)
        other = replace(one, case=await one.station.opened(OURS, NOBODYS))
        await one.ready(InquiryAnswer(one.entry_id, RELEASED, files=(statement,)))
        await other.ready()
        statement.unlink()
        one.pass_by(REPLY_AFTER_MS)
        with pytest.raises(InvalidUse, match=r"statement\.pdf"):
            await one.client.inquiries.send()
        assert (await one.inquiry()).replied_at == 0
        assert (await other.inquiry()).replied_at > 0
