"""Disputes as members' programs hold them: contested for a consumer, read and answered by the contributor, reviewed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, Tamper, command, contribute, lender, row, screen
from support.stores import given

from alliance.disputes import DisputeGround, DisputeOutcome, DisputeState, ReviewDecision
from alliance.taxonomy import DAY_MS, Action, Category, ClaimStatus, EvidenceLevel
from alliance.v1 import dispute_pb2
from alliance_server.domain.members import Role
from alliance_server.domain.quotas import Resource
from alliance_server.services import epochs
from member_client import (
    AllianceClient,
    Consent,
    ConsentMissing,
    ContributionOutcome,
    Dispute,
    DisputeAlreadyOpen,
    DisputeClosed,
    DisputeNotEscalatable,
    DisputeNotPossible,
    DisputeRepeated,
    InvalidUse,
    NotFound,
    NotPermitted,
    StatementInvalid,
    Subject,
    Verdict,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST = Consent.of("complaint-2026-117", policy="complaints-2")
TEXT = "这不是我：三月我的身份证被盗。"


@dataclass
class Desk:
    """A contributor with a claim at E3, and a member to whom the consumer comes."""

    hub: RunningHub
    contributor: AllianceClient
    opener: AllianceClient
    entry_id: bytes = b""

    async def contest(self, client: AllianceClient | None = None, phone: str = PHONES[0], **options: Any) -> Dispute:
        stated: dict[str, Any] = {"entry_id": self.entry_id, "ground": "identity_theft", "request": REQUEST}
        return await (client or self.opener).open_dispute(
            Subject("C-1", phone=phone), **(stated | {"statement": TEXT} | options)
        )

    async def another(self) -> bytes:
        """File another claim on the same identifier."""
        (filed,) = await contribute(self.contributor, [row(PHONES[0], category=Category.PHISHING)])
        await self.hub.settle()
        await self.opener.sync()
        return filed.entry_id

    async def verdict(self) -> Verdict:
        await self.hub.settle()
        await self.opener.sync()
        (verdict,) = await screen(self.opener, PHONES[:1])
        return verdict


@pytest_asyncio.fixture(loop_scope="module")
async def desk(new_hub_folder: Callable[[], Path], tmp_path: Path) -> AsyncIterator[Desk]:
    evidence = tmp_path / "transfers.csv"
    evidence.write_text("evidence of ours")
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        made = Desk(hub, a, b)
        listed = row(PHONES[0], evidence=EvidenceLevel.E3, evidence_file=evidence)
        made.entry_id = (await contribute(a, [listed]))[0].entry_id
        await hub.settle()
        await b.sync()
        yield made


async def test_a_contested_claim_permits_less_at_the_next_screening(desk: Desk) -> None:
    before = await desk.verdict()
    assert before.action is Action.DECLINE_WITH_HUMAN
    dispute = await desk.contest()
    assert (dispute.state, dispute.ground) == (DisputeState.OPEN, DisputeGround.IDENTITY_THEFT)
    assert dispute.days_left(dispute.opened_at) == 4
    flagged = await desk.verdict()
    assert (flagged.action, flagged.matches[0].status) == (Action.STEP_UP, ClaimStatus.DISPUTED)
    (queued,) = [it async for it in desk.contributor.dispute_queue()]
    assert (queued.id, queued.entry_id) == (dispute.id, desk.entry_id)
    assert await desk.contributor.read_dispute_statement(dispute.id) == TEXT
    assert TEXT not in repr(queued)
    desk.hub.clock.advance(days=5)
    await desk.hub.hub.dispute_clocks.turn()
    suspended = await desk.verdict()
    assert (suspended.action, suspended.matches[0].status) == (Action.INFORM, ClaimStatus.SUSPENDED)
    changes = [(it.status, it.reason) async for it in desk.opener.status_changes(follow=False)]
    assert changes == [(ClaimStatus.DISPUTED, "disputed"), (ClaimStatus.SUSPENDED, "dispute_unanswered")]
    await desk.contributor.answer_dispute(dispute.id, "upheld", reason="checked_with_police")
    assert (await desk.verdict()).action is Action.DECLINE_WITH_HUMAN


@pytest.mark.parametrize("outcome", [it for it in DisputeOutcome if it is not DisputeOutcome.UPHELD])
async def test_an_answer_that_ends_the_claim_ends_the_match(desk: Desk, outcome: DisputeOutcome) -> None:
    dispute = await desk.contest()
    answered = await desk.contributor.answer_dispute(dispute.id, outcome.word, reason="id_card_was_stolen")
    assert (answered.state, answered.answer_reason) == (DisputeState[outcome.name], "id_card_was_stolen")
    assert await desk.contributor.answer_dispute(dispute.id, outcome, reason="id_card_was_stolen") == answered
    assert (await desk.verdict()).matches == ()
    assert (await desk.contributor.claim(desk.entry_id)).status is ClaimStatus[outcome.name]
    right = row(PHONES[0])
    (held_back,) = [it async for it in desk.contributor.contribute([right])]
    assert held_back.outcome is ContributionOutcome.REFUSED  # an old list does not list again who was cleared
    (filed,) = [it async for it in desk.contributor.contribute([right], relist=True)]
    assert filed.outcome is ContributionOutcome.ACCEPTED
    with pytest.raises(DisputeClosed):
        await desk.contributor.answer_dispute(dispute.id, "upheld", reason="checked")
    with pytest.raises(InvalidUse, match="who filed the claim answers it"):
        await desk.opener.answer_dispute(dispute.id, "upheld", reason="checked")


async def test_the_same_again_is_the_same_dispute_and_another_one_is_refused(desk: Desk, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF a letter")
    dispute = await desk.contest(evidence=letter)
    assert dispute.has_evidence
    assert await desk.contest(evidence=letter) == dispute
    used = desk.hub.hub.store.read_now(
        lambda it: it.quotas.used("b", Resource.DISPUTE_OPENINGS, desk.hub.clock.now_ms() // 86_400_000)
    )
    assert used == 1
    with pytest.raises(DisputeAlreadyOpen):
        await desk.contest(statement="Once more.")
    await desk.contributor.answer_dispute(dispute.id, "upheld", reason="checked")
    with pytest.raises(DisputeRepeated):
        await desk.contest(statement="Once more.", evidence=letter)
    assert [it.state async for it in desk.opener.disputes()] == [DisputeState.UPHELD]


async def test_nothing_is_opened_without_the_consumer(desk: Desk, tmp_path: Path) -> None:
    other = (await contribute(desk.contributor, [row(PHONES[1])]))[0].entry_id
    for entry_id in (other, bytes(16)):  # of somebody else, or of nobody
        with pytest.raises(DisputeNotPossible):
            await desk.contest(entry_id=entry_id)
    with pytest.raises(DisputeNotPossible):
        await desk.contest(client=desk.contributor)  # its own claim
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (InvalidUse, {"entry_id": bytes(15)}),
        (InvalidUse, {"ground": "because"}),
        (ConsentMissing, {"request": None}),
        (InvalidUse, {"request": "complaint"}),
        (InvalidUse, {"statement": " "}),
        (InvalidUse, {"statement": "长" * 1365}),
        (InvalidUse, {"evidence": tmp_path / "missing"}),
        (InvalidUse, {"phone": "12"}),
    ]
    for error, changes in wrong:
        with pytest.raises(error):
            await desk.contest(**changes)
    with pytest.raises(InvalidUse, match="identifier"):
        await desk.opener.open_dispute(
            Subject("C-1"), entry_id=desk.entry_id, ground="outdated", request=REQUEST, statement=TEXT
        )
    assert [it async for it in desk.contributor.dispute_queue()] == []


async def test_a_reviewer_decides_where_they_differ(desk: Desk) -> None:
    dispute = await desk.contest()
    with pytest.raises(DisputeNotEscalatable):
        await desk.opener.escalate_dispute(dispute.id)
    await desk.contributor.answer_dispute(dispute.id, "upheld", reason="checked")
    escalated = await desk.opener.escalate_dispute(dispute.id)
    assert escalated.state is DisputeState.ESCALATED
    assert escalated.is_waiting
    async with lender(desk.hub, "rae", role=Role.REVIEWER) as rae, lender(desk.hub, "ann", role=Role.ADMIN) as ann:
        (seen,) = [it async for it in rae.escalations()]
        assert (seen.id, seen.evidence, seen.answer_reason) == (dispute.id, EvidenceLevel.E3, "checked")
        admin = await ann.administration()
        assert await admin.overdue_disputes() == []
        desk.hub.clock.advance(days=21)
        (overdue,) = await admin.overdue_disputes()
        assert (overdue.contributor, overdue.unanswered, overdue.undecided) == ("a", 0, 1)
        for client in (ann, desk.opener):
            with pytest.raises(NotPermitted):
                await client.review_dispute(dispute.id, "claim_stands", reason="looked_into")
        decided = await rae.review_dispute(dispute.id, ReviewDecision.CLAIM_SUSPENDED, reason="evidence_too_thin")
        assert decided is DisputeState.CLAIM_SUSPENDED
        for word, reason in (("upheld", "x"), ("claim_stands", "")):
            with pytest.raises(InvalidUse):
                await rae.review_dispute(dispute.id, word, reason=reason)
    assert (await desk.verdict()).action is Action.INFORM
    ended = await desk.contributor.answer_dispute(dispute.id, "withdrawn", reason="not_worth_it")
    assert ended.state is DisputeState.WITHDRAWN


async def test_a_statement_is_read_by_whose_claim_it_is_alone(desk: Desk) -> None:
    dispute = await desk.contest()
    with pytest.raises(InvalidUse):
        await desk.opener.read_dispute_statement(dispute.id)
    with pytest.raises(NotFound):
        await desk.opener.read_dispute_statement(bytes(16))
    await desk.contributor.answer_dispute(dispute.id, "withdrawn", reason="checked")
    assert await desk.contributor.read_dispute_statement(dispute.id) == TEXT
    desk.hub.clock.advance(days=31)
    await desk.hub.hub.dispute_clocks.turn()
    with pytest.raises(NotFound):
        await desk.contributor.read_dispute_statement(dispute.id)


async def test_a_statement_that_was_exchanged_does_not_open(new_hub_folder: Callable[[], Path]) -> None:
    def exchange(reply: dispute_pb2.ListDisputesResponse) -> None:
        for dispute in reply.disputes:
            dispute.sealed_statement = bytes(len(dispute.sealed_statement))

    tamper = Tamper("ListDisputes", exchange)
    async with (
        running_hub(new_hub_folder(), interceptors=[tamper]) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
    ):
        desk = Desk(hub, a, b, (await contribute(a, [row(PHONES[0])]))[0].entry_id)
        await hub.settle()
        dispute = await desk.contest()
        tamper.active = True
        with pytest.raises(StatementInvalid):
            await a.read_dispute_statement(dispute.id)


async def test_a_claim_that_is_re_tagged_meanwhile_is_answered_for_with_its_twin(desk: Desk) -> None:
    dispute = await desk.contest()
    for step in (epochs.begin, epochs.activate):
        desk.hub.hub.store.write_now(given(step, 2, desk.hub.clock.now_ms()))
        for _ in range(2):
            await desk.hub.hub.epochs.turn()
            await desk.hub.settle()
        for client in (desk.contributor, desk.opener):
            await client.sync()
        await desk.contributor.retag()
    flagged = await desk.verdict()
    assert flagged.matches[0].status is ClaimStatus.DISPUTED
    assert flagged.matches[0].entry_id != desk.entry_id
    await desk.contributor.answer_dispute(dispute.id, "recalled", reason="wrong_person")
    assert (await desk.verdict()).matches == ()


async def test_the_same_without_a_loop(desk: Desk) -> None:
    def works() -> None:
        with desk.opener.blocking as opener, desk.contributor.blocking as contributor:
            dispute = opener.open_dispute(
                Subject("C-1", phone=PHONES[0]),
                entry_id=desk.entry_id,
                ground="outdated",
                request=REQUEST,
                statement=TEXT,
            )
            assert [it.id for it in opener.disputes()] == [dispute.id]
            assert [it.id for it in contributor.dispute_queue()] == [dispute.id]
            assert contributor.read_dispute_statement(dispute.id) == TEXT
            contributor.answer_dispute(dispute.id, "upheld", reason="checked")
            assert opener.escalate_dispute(dispute.id).state is DisputeState.ESCALATED
            with pytest.raises(NotPermitted):
                list(opener.escalations())
            with pytest.raises(NotPermitted):
                opener.review_dispute(dispute.id, "claim_stands", reason="checked")

    await asyncio.to_thread(works)


async def test_the_commands_of_desk_officer_reviewer_and_admin(desk: Desk, tmp_path: Path) -> None:
    hub, told = desk.hub, tmp_path / "told.txt"
    told.write_text(TEXT, "utf-8")
    seen = await command(hub, "b", "check", "phone", PHONES[0], "--purpose", "dispute", "--consent", "complaint-117")
    assert f"entry {desk.entry_id.hex()}" in seen
    about = ["--entry", desk.entry_id.hex(), "--ground", "wrong_person", "--request", "complaint-117"]
    opened = json.loads(
        await command(hub, "b", "--json", "dispute", "open", "phone", PHONES[0], *about, "--statement", str(told))
    )
    number = opened["dispute"]
    assert (opened["state"], opened["days_left"]) == ("open", 19)
    assert number in await command(hub, "b", "dispute", "list")
    assert number in await command(hub, "a", "dispute", "queue")
    assert TEXT in await command(hub, "a", "dispute", "show", number, "--statement")
    assert "upheld" in await command(hub, "a", "dispute", "answer", number, "upheld", "--reason", "checked")
    assert "waits for a reviewer" in await command(hub, "b", "dispute", "escalate", number)
    async with lender(hub, "rae", role=Role.REVIEWER), lender(hub, "ann", role=Role.ADMIN):
        assert number in await command(hub, "rae", "dispute", "review")
        decided = ["--decision", "claim_suspended", "--reason", "evidence_too_thin"]
        assert "claim suspended" in await command(hub, "rae", "dispute", "review", number, *decided)
        assert "no disputes are overdue" in await command(hub, "ann", "admin", "disputes")
        await desk.contest(phone=PHONES[0], entry_id=await desk.another(), statement="Another one.")
        hub.clock.advance(days=5)
        (late,) = json.loads(await command(hub, "ann", "--json", "admin", "disputes"))["overdue"]
        assert (late["contributor"], late["unanswered"]) == ("a", 1)
        assert "reviewer" in await command(hub, "ann", "admin", "members")


async def test_a_contested_claim_is_not_amended_and_who_tries_is_told_to_answer(desk: Desk) -> None:
    await desk.contest()
    other = row(PHONES[0], expires_at=desk.hub.clock.now_ms() + DAY_MS)
    (refused,) = [it async for it in desk.contributor.contribute([other], amend=True)]
    assert (refused.outcome, refused.reason) == (ContributionOutcome.REFUSED, "live_claim_exists")
    assert "answer the dispute first" in refused.how_to_fix


async def test_looking_for_a_consumer_is_no_decision_to_revisit(desk: Desk) -> None:
    subject = Subject("C-7", phone=PHONES[0])
    looked = await desk.opener.screen(subject, purpose="dispute", consent=REQUEST)
    assert await desk.opener.decision(looked.receipt) is not None
    await desk.contributor.recall(desk.entry_id, reason="wrong_person")
    await desk.opener.sync_recalls()
    assert [it async for it in desk.opener.revisits()] == []
