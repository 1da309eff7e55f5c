"""Cases as a liaison's and the approvers' programs hold them: drawn up, signed by two, decided, matched, and opened."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.casework import Bureau, bureau_of, released, set_scope, suspects
from support.hub import running_hub
from support.sdk import PHONES, contribute, lender, row

from alliance.cases.words import REPLY_AFTER_MS, REPLY_WITHIN_MS, SIGN_WITHIN_MS
from alliance.crypto.secret import Secret
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category
from alliance_server.domain.members import Role
from member_client import (
    AnotherApproverNeeded,
    CaseOutOfScope,
    CaseState,
    CaseStateConflict,
    CaseVerdict,
    ConflictingRetry,
    InstrumentExhausted,
    InstrumentType,
    InvalidUse,
    MemberRole,
    NotFound,
    NotPermitted,
    Operator,
    ReleaseOutcome,
    SuspectRow,
    TwoOfficersNeeded,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

COLLEAGUE = "lou-legal"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bureau(new_hub_folder: Callable[[], Path]) -> AsyncIterator[Bureau]:
    async with running_hub(new_hub_folder()) as hub, bureau_of(hub) as made:
        for name in "abcdef":  # before time goes by: certificates are of the machine's
            await hub.enrolled(name, hub.folder.parent / name)
        await hub.enrolled(COLLEAGUE, hub.folder.parent / COLLEAGUE, Role.LEGAL_APPROVER)
        yield made


# -- drafts ----------------------------------------------------------------------------------------------------------


async def test_a_case_goes_from_a_list_to_its_replies(bureau: Bureau) -> None:
    liaison, (first, second) = bureau.liaison, bureau.officers
    async with lender(bureau.hub, "a") as a, lender(bureau.hub, "b") as b:
        (listed,) = await contribute(a, [row(PHONES[0])])
        await contribute(b, [row(PHONES[9])])
        rows = [*suspects(PHONES[:3]), SuspectRow(Kind.PHONE, PHONES[0], 3), SuspectRow(Kind.PHONE, "12", 4)]
        preview = await liaison.cases.preview(bureau.terms(number="C-whole", note="transfers of May"), rows)
        assert (preview.case.items, preview.case.suspects) == (3, {Kind.PHONE: 3})
        assert (preview.repeated, [it.row_number for it in preview.refused]) == (1, [4])
        assert (preview.rule.items, preview.case.lookback_days) == (2_000, 90)

        draft = await liaison.cases.open(preview, officer=first)
        assert (draft.state, draft.is_here) == (CaseState.DRAFT, True)
        assert (await liaison.cases.find("C-whole")).id == draft.id
        assert (await liaison.cases.draft(draft.id)).case == draft
        case = await liaison.cases.submit(draft.id, officer=second)
        assert (case.state, case.officers) == (CaseState.SUBMITTED, ("officer-1", "officer-2"))
        assert await liaison.cases.submit(draft.id, officer=second) == case

        assert case.id in [it.id async for it in bureau.legal.cases.listed(waiting_only=True)]
        case = await bureau.approve(case)
        assert case.state is CaseState.APPROVED
        told: list[int] = []
        case = await liaison.cases.match(draft.id, officer=first, on_progress=told.append)
        assert (case.state, case.asked, told) == (CaseState.OPEN, 1, [3])
        assert await liaison.cases.match(draft.id, officer=first) == case
        with pytest.raises(CaseStateConflict):
            await liaison.cases.replies(case.id)
        assert await liaison.cases.find(case.id.hex()[:8]) == case

        assert [it async for it in b.inquiries.listed()] == []
        standing = await liaison.cases.status(case.id)
        assert [it.function.word for it in standing.case.decisions] == ["legal_approver", "duty_officer"]
        assert [step.actor for step in standing.steps][:3] == ["cyber-desk", "lin-legal", "duty-7"]

        bureau.pass_by(REPLY_AFTER_MS)
        await released(a, case, listed.entry_id)
        case = await liaison.cases.find("C-whole")
        assert (case.asked, case.replied) == (1, 1)
        (reply,) = await liaison.cases.replies(case.id)
        assert (reply.member, reply.is_there, reply.fault) == ("a", True, "")
        assert reply.counts[ReleaseOutcome.RELEASED] == 1
        (answer,) = reply.answers
        assert (answer.entry_id, answer.kind, answer.text) == (listed.entry_id, Kind.PHONE, PHONES[0])
        assert answer.fields == {"loan_number": "L-7"}
        assert (reply.legal_basis, reply.approved_by) == ("Article 26", ("a-1", "a-2"))
        for text in (PHONES[0], "L-7"):
            assert text not in repr((preview, draft, case, standing, reply, answer))
        closed = await liaison.cases.close(case.id, officer=first, reason="done")
        assert closed.state is CaseState.CLOSED
        assert await liaison.cases.close(case.id, officer=first, reason="done") == closed


async def test_who_signs_first_and_second_are_two_registered_officers(bureau: Bureau) -> None:
    liaison, (first, second) = bureau.liaison, bureau.officers
    preview = await liaison.cases.preview(bureau.terms(), suspects(PHONES[:1]))
    with pytest.raises(InvalidUse, match="names first"):
        await liaison.cases.open(preview, officer=second)
    stranger = Operator("officer-1", second.key)
    with pytest.raises(TwoOfficersNeeded):
        await liaison.cases.open(preview, officer=stranger)
    draft = await liaison.cases.open(preview, officer=first)
    with pytest.raises(InvalidUse, match="names second"):
        await liaison.cases.submit(draft.id, officer=first)
    with pytest.raises(InvalidUse, match="a key of their own"):
        await liaison.cases.submit(draft.id, officer=Operator("officer-2", first.key))
    assert (await liaison.cases.find(draft.number)).state is CaseState.DRAFT
    nobody = await liaison.cases.preview(bureau.terms(second_officer="officer-9"), suspects(PHONES[:1]))
    with pytest.raises(TwoOfficersNeeded):
        await liaison.cases.open(nobody, officer=first)
    with pytest.raises(InvalidUse, match="two officers"):
        await liaison.cases.preview(bureau.terms(second_officer="officer-1"), suspects(PHONES[:1]))
    with pytest.raises(InvalidUse, match="no row"):
        await liaison.cases.preview(bureau.terms(), [SuspectRow(Kind.PHONE, "12")])


async def test_what_officers_sign_is_of_one_day(bureau: Bureau) -> None:
    liaison, (first, second) = bureau.liaison, bureau.officers
    draft = await bureau.drafted(PHONES[:1])
    async with lender(bureau.hub, "c") as c:
        await contribute(c, [row(PHONES[50])])
        case = await bureau.matched(PHONES[50:51])
        await liaison.cases.extend(case.id, officer=first, reason="large_files")
        bureau.pass_by(SIGN_WITHIN_MS)
        with pytest.raises(InvalidUse, match="within a day"):
            await liaison.cases.submit(draft.id, officer=second)
        with pytest.raises(InvalidUse, match="gives a reason code"):
            await liaison.cases.extend(case.id, officer=second)


async def test_what_is_too_much_is_not_signed(bureau: Bureau) -> None:
    liaison, (first, _) = bureau.liaison, bureau.officers
    now_ms = bureau.hub.clock.now_ms()
    wide = await liaison.cases.preview(bureau.terms(period=(now_ms - 2_000 * DAY_MS, now_ms)), suspects(PHONES[:1]))
    with pytest.raises(CaseOutOfScope):
        await liaison.cases.open(wide, officer=first)
    many = await liaison.cases.preview(
        bureau.terms(instrument="emergency_stop", until=now_ms + DAY_MS), suspects(PHONES[:201])
    )
    with pytest.raises(InstrumentExhausted):
        await liaison.cases.open(many, officer=first)
    other = bureau.document.with_name("stop.pdf")
    other.write_bytes(b"%PDF another notice")
    narrow = {"instrument": InstrumentType.EMERGENCY_STOP, "until": now_ms + DAY_MS, "document": other}
    case = await bureau.submitted(PHONES[:150], period=(now_ms - DAY_MS, now_ms), **narrow)
    assert case.instrument_left == 50
    rest = await liaison.cases.preview(
        bureau.terms(period=(now_ms - DAY_MS, now_ms), **narrow), suspects(PHONES[200:251])
    )
    assert rest.left == 50
    with pytest.raises(InstrumentExhausted):
        await liaison.cases.open(rest, officer=first)
    by_another_name = await liaison.cases.preview(bureau.terms(document=other), suspects(PHONES[:1]))
    assert by_another_name.left == 2_000 - 150


async def test_a_liaison_asks_within_its_scope(bureau: Bureau) -> None:
    draft = await bureau.drafted(PHONES[:1], categories=(Category.PHISHING,))
    with pytest.raises(CaseOutOfScope):
        await bureau.liaison.cases.submit(draft.id, officer=bureau.officers[1])
    set_scope(bureau.hub, "cyber-desk", instruments=())
    try:
        with pytest.raises(CaseOutOfScope):
            await bureau.submitted(PHONES[:1])
    finally:
        set_scope(bureau.hub, "cyber-desk")


async def test_a_draft_is_withdrawn_by_forgetting_it(bureau: Bureau) -> None:
    liaison, (first, _) = bureau.liaison, bureau.officers
    draft = await bureau.drafted(PHONES[:1])
    with pytest.raises(InvalidUse, match="not closed"):
        await liaison.cases.close(draft.id, officer=first, reason="done")
    gone = await liaison.cases.withdraw(draft.id, officer=first, reason="suspect_cleared")
    assert (gone.state, gone.ended_at) == (CaseState.WITHDRAWN, 0)
    with pytest.raises(NotFound):
        await liaison.cases.status(draft.id)


async def test_a_case_is_withdrawn_before_it_is_decided(bureau: Bureau) -> None:
    case = await bureau.submitted(PHONES[:1])
    gone = await bureau.liaison.cases.withdraw(case.id, officer=bureau.officers[1], reason="suspect_cleared")
    assert (gone.state, gone.is_here) == (CaseState.WITHDRAWN, False)
    assert await bureau.liaison.cases.withdraw(case.id, officer=bureau.officers[1], reason="suspect_cleared") == gone
    with pytest.raises(CaseStateConflict):
        await bureau.legal.cases.decide(
            (await bureau.legal.cases.status(case.id)).case, "approve", reason="in order", document=bureau.document
        )
    with pytest.raises(NotFound):  # whom it was about, this machine keeps no longer
        await bureau.liaison.cases.match(case.id, officer=bureau.officers[0])


# -- approvers -------------------------------------------------------------------------------------------------------


async def test_an_approver_holds_the_document_against_the_request(bureau: Bureau, tmp_path: Path) -> None:
    case = await bureau.submitted(PHONES[:1])
    other = tmp_path / "other.pdf"
    other.write_bytes(b"%PDF another notice")
    for verdict in CaseVerdict:
        with pytest.raises(InvalidUse, match="not the instrument"):
            await bureau.legal.cases.decide(case, verdict, reason="in order", document=other)
    with pytest.raises(InvalidUse, match="cannot be read"):
        await bureau.legal.cases.decide(case, "approve", reason="in order", document=tmp_path / "missing.pdf")
    for reason in ("", f"{PHONES[0]} is no customer's"):
        with pytest.raises(InvalidUse, match="1 to 500 bytes, and no nine digits"):
            await bureau.legal.cases.decide(case, "approve", reason=reason, document=bureau.document)
    with pytest.raises(InvalidUse, match="one of approve, refuse"):
        await bureau.legal.cases.decide(case, "perhaps", reason="in order", document=bureau.document)
    assert (await bureau.legal.cases.status(case.id)).case.decisions == ()


async def test_one_of_each_function_approves_and_one_refusal_refuses(bureau: Bureau) -> None:
    case = await bureau.submitted(PHONES[:1])
    approving: dict[str, Any] = {"reason": "in order", "document": bureau.document}
    once = await bureau.legal.cases.decide(case, "approve", **approving)
    assert (once.state, [it.approver for it in once.decisions]) == (CaseState.SUBMITTED, ["lin-legal"])
    assert once.waits_for(MemberRole.DUTY_OFFICER)
    assert not once.waits_for(MemberRole.LEGAL_APPROVER)
    assert await bureau.legal.cases.decide(once, "approve", **approving) == once
    with pytest.raises(AnotherApproverNeeded):  # nobody is counted twice, and nobody changes their mind
        await bureau.legal.cases.decide(once, "refuse", reason="not signed", document=bureau.document)
    async with lender(bureau.hub, COLLEAGUE) as colleague:
        with pytest.raises(AnotherApproverNeeded):
            await colleague.cases.decide(once, "approve", **approving)
    with pytest.raises(NotPermitted):
        await bureau.liaison.cases.decide(once, "approve", **approving)
    with pytest.raises(CaseStateConflict):
        await bureau.liaison.cases.match(case.id, officer=bureau.officers[0])
    refused = await bureau.duty.cases.decide(once, "refuse", reason="not signed", document=bureau.document)
    assert refused.state is CaseState.REFUSED
    shown = (await bureau.liaison.cases.status(case.id)).case
    assert [(it.verdict, it.reason) for it in shown.decisions] == [
        (CaseVerdict.APPROVE, "in order"),
        (CaseVerdict.REFUSE, "not signed"),
    ]


async def test_approvers_sign_what_was_shown(bureau: Bureau) -> None:
    case = await bureau.submitted(PHONES[:1])
    other = await bureau.submitted(PHONES[1:2])
    with pytest.raises(ConflictingRetry):
        await bureau.legal.cases.decide(
            replace(case, request=other.request), "approve", reason="in order", document=bureau.document
        )


async def test_an_approver_sees_every_case_and_nobody_in_it(bureau: Bureau) -> None:
    case = await bureau.submitted(PHONES[:1])
    shown = await bureau.duty.cases.find(case.number)
    assert (shown.id, shown.is_here, shown.items) == (case.id, False, 1)
    with pytest.raises(NotFound, match="go on where it was opened"):
        await bureau.duty.cases.draft(case.id)
    with pytest.raises(NotFound, match="go on where it was opened"):
        await bureau.duty.cases.replies(case.id)


# -- matching --------------------------------------------------------------------------------------------------------


async def test_several_batches_go_one_after_the_other(bureau: Bureau) -> None:
    async with lender(bureau.hub, "c") as c:
        await contribute(c, [row(PHONES[300]), row(PHONES[560]), row(PHONES[561], category=Category.PHISHING)])
        told: list[int] = []
        case = await bureau.approved(PHONES[300:570])
        case = await bureau.liaison.cases.match(case.id, officer=bureau.officers[1], on_progress=told.append)
        assert (told, case.asked) == ([256, 270], 1)
        (inquiry,) = [it async for it in c.inquiries.listed() if it.case_id == case.id]
        assert inquiry.claims == 2


async def test_nobody_else_matches_a_case(bureau: Bureau) -> None:
    case = await bureau.approved(PHONES[:1])
    third = Operator.create(bureau.liaison.profile, "officer-3", Secret(b"their own"))
    await bureau.liaison.add_operator(third)
    with pytest.raises(InvalidUse, match="an officer of the case"):
        await bureau.liaison.cases.match(case.id, officer=third)
    with pytest.raises(NotFound, match="go on where it was opened"):
        await bureau.legal.cases.match(case.id, officer=bureau.officers[0])


async def test_a_case_that_nobody_matches_is_open_and_is_closed(bureau: Bureau) -> None:
    case = await bureau.matched(PHONES[900:901])
    assert (case.state, case.asked) == (CaseState.OPEN, 0)
    assert await bureau.liaison.cases.replies(case.id) == ()
    assert (await bureau.liaison.cases.close(case.id, officer=bureau.officers[0], reason="done")).ended_at


# -- replies and more time -------------------------------------------------------------------------------------------


async def test_more_time_is_asked_by_both_officers_and_granted_by_both_functions(bureau: Bureau) -> None:
    liaison, (first, second) = bureau.liaison, bureau.officers
    async with lender(bureau.hub, "d") as d:
        await contribute(d, [row(PHONES[30])])
        case = await bureau.matched(PHONES[30:31])
        with pytest.raises(InvalidUse, match="gives a reason code"):
            await liaison.cases.extend(case.id, officer=second)
        assert (await liaison.cases.extend(case.id, officer=second, reason="large_files")).extension is None
        asked = await liaison.cases.extend(case.id, officer=first)
        assert asked.extension is not None
        assert (asked.extension.reason, asked.extension.is_granted) == ("large_files", False)
        assert await liaison.cases.extend(case.id, officer=first) == asked
        once = await bureau.legal.cases.decide(asked, "approve", reason="in order", document=bureau.document)
        assert not once.waits_for(MemberRole.LEGAL_APPROVER)
        assert once.reply_by == case.reply_by
        granted = await bureau.approve(once)
        assert granted.reply_by == case.reply_by + REPLY_WITHIN_MS
        assert granted.extension is not None
        assert granted.extension.is_granted
        with pytest.raises(CaseStateConflict):
            await bureau.legal.cases.decide(granted, "refuse", reason="enough", document=bureau.document)

        bureau.pass_by(granted.reply_by - bureau.hub.clock.now_ms())
        (reply,) = await liaison.cases.replies(case.id)
        assert (reply.member, reply.is_there, reply.answers) == ("d", False, ())


async def test_more_time_is_refused_by_one(bureau: Bureau) -> None:
    liaison, (first, second) = bureau.liaison, bureau.officers
    async with lender(bureau.hub, "e") as e:
        await contribute(e, [row(PHONES[40])])
        case = await bureau.matched(PHONES[40:41])
        await liaison.cases.extend(case.id, officer=first, reason="large_files")
        asked = await liaison.cases.extend(case.id, officer=second)
        refused = await bureau.duty.cases.decide(asked, "refuse", reason="enough", document=bureau.document)
        assert (refused.state, refused.subject, refused.reply_by) == (CaseState.OPEN, None, case.reply_by)


async def test_the_same_without_a_loop(bureau: Bureau) -> None:
    rows, terms = suspects(PHONES[:2]), bureau.terms()

    def works() -> None:
        with bureau.liaison.blocking as liaison, bureau.legal.blocking as legal, bureau.duty.blocking as duty:
            draft = liaison.cases.open(liaison.cases.preview(terms, rows), officer=bureau.officers[0])
            assert liaison.cases.draft(draft.id).case == draft
            case = liaison.cases.submit(draft.id, officer=bureau.officers[1])
            for approver in (legal, duty):
                assert case.id in {it.id for it in approver.cases.listed(waiting_only=True)}
                shown = approver.cases.find(case.number)
                approver.cases.decide(shown, "approve", reason="in order", document=bureau.document)
            liaison.cases.match(case.id, officer=bureau.officers[0])
            assert liaison.cases.status(case.id).case.state is CaseState.OPEN
            with pytest.raises(CaseStateConflict):
                liaison.cases.replies(case.id)
            with pytest.raises(InvalidUse):
                liaison.cases.extend(case.id, officer=bureau.officers[0])
            with pytest.raises(CaseStateConflict):
                liaison.cases.close(case.id, officer=bureau.officers[0], reason="done")
            gone = liaison.cases.withdraw(case.id, officer=bureau.officers[0], reason="suspect_cleared")
            assert gone.state is CaseState.WITHDRAWN

    async with lender(bureau.hub, "f") as f:
        await contribute(f, [row(PHONES[0])])
        await asyncio.to_thread(works)
