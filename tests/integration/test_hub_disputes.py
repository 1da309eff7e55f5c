"""Disputes on the wire: opened with the token alone, told at once, answered or suspended, and decided by a reviewer."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from grpc import aio
from support.court import TEXT, Court, court_of, reviewer_of, state_of, step, waiting
from support.hub import running_hub
from support.postgres import Postgres
from support.wire import Refusal, WireMember, enrol, events_of, refusal_of, refuses, row_of, valid_elements

from alliance.claims import SealedClaim, draft_of, seal_claim
from alliance.crypto import sealing
from alliance.disputes import (
    ANSWER_WITHIN_MS,
    ESCALATE_WITHIN_MS,
    REVIEW_WITHIN_MS,
    THEFT_ANSWER_WITHIN_MS,
    DisputeGround,
    DisputeOutcome,
    DisputeState,
    ReviewDecision,
)
from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, ClaimStatus, Purpose
from alliance.v1 import dispute_pb2
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance.v1.dispute_pb2 import Dispute, EscalateDisputeRequest
from alliance_server.domain.disputes import SEALED_KEPT_MS
from alliance_server.domain.members import HUB_ACTOR, Role
from alliance_server.domain.quotas import Resource
from alliance_server.services import chunks, dispute_clocks, epochs
from alliance_server.services.dispute_clocks import LEASE_MS

MINUTE_MS = 60_000
"""The clock goes on by itself a little."""

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]


@pytest_asyncio.fixture(loop_scope="module")
async def court(new_hub_folder: NewFolder) -> AsyncIterator[Court]:
    async with court_of(new_hub_folder()) as made:
        yield made


# -- opening -----------------------------------------------------------------------------------------------------


async def test_a_contested_claim_is_told_at_once_and_names_no_opener(court: Court) -> None:
    dispute = await court.contested()
    assert (state_of(dispute), DisputeGround(dispute.ground)) == (DisputeState.OPEN, DisputeGround.INACCURATE)
    assert await court.told() == [(dispute.entry_id, ClaimStatus.DISPUTED, 1, "disputed")]
    change = ClaimStatusChange.FromString((await court.shown(dispute.entry_id)).status.payload)
    assert (ClaimStatus(change.status), change.version) == (ClaimStatus.DISPUTED, 1)
    assert await court.status(dispute.entry_id) is ClaimStatus.DISPUTED
    (listed,) = await court.contributor.listed()
    assert b"opener" not in listed.SerializeToString()
    assert sealing.open_statement(court.key, listed.dispute_id, listed.sealed_statement) == TEXT
    assert (listed.entry_id, listed.request_commitment) == (dispute.entry_id, dispute.request_commitment)
    (mine,) = await court.opener.listed(dispute_pb2.DISPUTE_VIEW_OPENED)
    assert (mine.dispute_id, mine.sealed_statement) == (dispute.dispute_id, b"")
    assert await court.other.listed() == await court.other.listed(dispute_pb2.DISPUTE_VIEW_OPENED) == []


@pytest.mark.parametrize(
    ("ground", "within"),
    [(it, THEFT_ANSWER_WITHIN_MS if it is DisputeGround.IDENTITY_THEFT else ANSWER_WITHIN_MS) for it in DisputeGround],
)
async def test_each_ground_has_its_clock(court: Court, ground: DisputeGround, within: int) -> None:
    dispute = await court.contested(ground=ground)
    assert (DisputeGround(dispute.ground), dispute.due_at - dispute.opened_at) == (ground, within)


async def refused(member: WireMember, request: dispute_pb2.OpenDisputeRequest) -> Refusal:
    with pytest.raises(aio.AioRpcError) as caught:
        await member.disputes.OpenDispute(request)
    return refusal_of(caught.value)


async def test_what_cannot_be_contested_is_refused_with_one_answer(court: Court) -> None:
    """Whoever holds an entry id and not the identifier learns nothing of it, not even whether there is such a claim."""
    claim, ended, brief = (
        await court.filed(),
        await court.filed(),
        await court.filed(expires_at=court.opener.now + 5000),
    )
    await court.contributor.withdraw(ended.entry_id)
    court.pass_by(6000)
    own = court.opener.seal(None, court.key)
    await court.opener.file(row_of(own))
    requests = [
        court.opener.opening(os.urandom(16), court.key),
        court.opener.opening(claim.entry_id, court.key, token=os.urandom(32)),
        court.opener.opening(claim.entry_id, os.urandom(32)),
        court.opener.opening(ended.entry_id, court.key),
        court.opener.opening(brief.entry_id, court.key),
        court.opener.opening(own.entry_id, court.key),
    ]
    answers = [await refused(court.opener, request) for request in requests]
    assert answers == [answers[0]] * len(requests)
    assert answers[0].reason is Reason.DISPUTE_NOT_POSSIBLE
    events = [it for it in court.opener.events() if it.action == "dispute:open"]
    assert [(it.outcome, it.items_refused) for it in events] == [("DISPUTE_NOT_POSSIBLE", 1)] * len(requests)
    assert court.opener.used(Resource.DISPUTE_OPENINGS) == len(requests)
    assert await court.contributor.listed() == []


async def test_mass_disputes_and_tokens_tried_out_end_with_the_days_budget(new_hub_folder: NewFolder) -> None:
    async with court_of(new_hub_folder(), budgets={"dispute_openings": 4}) as court:
        claims = [await court.filed() for _ in range(3)]
        await court.opener.contest(claims[0].entry_id, court.key)
        for _ in range(2):
            await refused(court.opener, court.opener.opening(claims[1].entry_id, court.key, token=os.urandom(32)))
        last = court.opener.opening(claims[1].entry_id, court.key)
        await court.opener.disputes.OpenDispute(last)
        with refuses(Reason.BUDGET_EXHAUSTED):
            await court.opener.contest(claims[2].entry_id, court.key)
        await court.opener.disputes.OpenDispute(last)  # what was lost on the way may be asked again
        await court.other.contest(claims[2].entry_id, court.key)  # nobody else pays for it
        court.pass_by(DAY_MS)
        await court.opener.contest((await court.filed()).entry_id, court.key)


async def test_a_claim_is_contested_once_at_a_time(court: Court) -> None:
    dispute = await court.contested()
    with refuses(Reason.DISPUTE_OPEN):
        await court.other.contest(dispute.entry_id, court.key)
    assert len(await court.contributor.listed()) == 1


async def test_a_repeat_needs_evidence_that_is_new(court: Court) -> None:
    dispute = await court.contested(evidence=b"letter")
    await court.contributor.respond(dispute, DisputeOutcome.UPHELD)
    for evidence in (b"", b"letter"):
        with refuses(Reason.DISPUTE_REPEATED):
            await court.other.contest(dispute.entry_id, court.key, evidence=evidence)
    again = await court.other.contest(dispute.entry_id, court.key, evidence=b"police report")
    assert (again.has_evidence, await court.status(dispute.entry_id)) == (True, ClaimStatus.DISPUTED)
    await court.contributor.respond(again, DisputeOutcome.UPHELD)
    with refuses(Reason.DISPUTE_REPEATED):
        await court.opener.contest(dispute.entry_id, court.key, evidence=b"letter")


async def test_the_same_opening_again_is_the_same_dispute(court: Court) -> None:
    claim, dispute_id = await court.filed(), os.urandom(16)
    request = court.opener.opening(claim.entry_id, court.key, dispute_id=dispute_id)
    first = (await court.opener.disputes.OpenDispute(request)).dispute
    assert (await court.opener.disputes.OpenDispute(request)).dispute == first
    assert court.opener.used(Resource.DISPUTE_OPENINGS) == 1
    for member, changes in ((court.opener, {"ground": DisputeGround.OUTDATED}), (court.other, {})):
        with refuses(Reason.CONFLICTING_RETRY):
            await member.contest(claim.entry_id, court.key, dispute_id=dispute_id, **changes)
    assert len(await court.contributor.listed()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"dispute_id": bytes(15)},
        {"ground": 0},
        {"ground": 77},
        {"request_commitment": b""},
        {"evidence_digest": bytes(31)},
        {"sealed_sha256": bytes(32)},
        {"token_sha256": bytes(32)},
    ],
)
async def test_openings_that_are_wrong_by_themselves(court: Court, changes: dict[str, Any]) -> None:
    claim = await court.filed()
    request = court.opener.opening(claim.entry_id, court.key, **changes)
    with refuses(Reason.INVALID_REQUEST):
        await court.opener.disputes.OpenDispute(request)
    assert court.opener.used(Resource.DISPUTE_OPENINGS) == 0


async def test_openings_of_somebody_else_or_of_another_time(court: Court) -> None:
    claim = await court.filed()
    for changes in ({"member": "other"}, {"time": court.opener.now - 3 * 60 * 1000}):
        with refuses(Reason.REPLAYED):
            await court.opener.disputes.OpenDispute(court.opener.opening(claim.entry_id, court.key, **changes))
    with refuses(Reason.SIGNATURE_INVALID):
        await court.other.disputes.OpenDispute(court.opener.opening(claim.entry_id, court.key))
    short = court.opener.opening(claim.entry_id, court.key)
    short.sealed_statement = short.sealed_statement[:-1]
    with refuses(Reason.INVALID_REQUEST):
        await court.opener.disputes.OpenDispute(short)


# -- answering ---------------------------------------------------------------------------------------------------

ENDS = [it for it in DisputeOutcome if it is not DisputeOutcome.UPHELD]


async def test_an_upheld_claim_is_active_again(court: Court) -> None:
    dispute = await court.contested()
    after = await court.contributor.respond(dispute, DisputeOutcome.UPHELD, reason="checked_with_police")
    assert (state_of(after), after.answer_reason) == (DisputeState.UPHELD, "checked_with_police")
    assert after.escalate_until == after.answered_at + ESCALATE_WITHIN_MS
    assert (await court.told())[1:] == [(dispute.entry_id, ClaimStatus.ACTIVE, 2, "dispute_upheld")]
    assert not (await court.shown(dispute.entry_id)).HasField("status")
    assert await court.contributor.listed(waiting_only=True) == []


@pytest.mark.parametrize("outcome", ENDS)
async def test_an_answer_that_ends_the_claim_ends_it_with_the_dispute(court: Court, outcome: DisputeOutcome) -> None:
    dispute = await court.contested()
    after = await court.contributor.respond(dispute, outcome)
    assert state_of(after) is DisputeState[outcome.name]
    assert await court.status(dispute.entry_id) is ClaimStatus[outcome.name]
    assert [it[1] for it in await court.told()] == [ClaimStatus.DISPUTED, ClaimStatus[outcome.name]]
    await court.contributor.file(court.contributor.row(None, court.key))  # what is right is filed as ever


async def test_the_same_answer_again_changes_nothing_and_another_one_is_refused(court: Court) -> None:
    for outcome in DisputeOutcome:
        dispute = await court.contested()
        first = await court.contributor.respond(dispute, outcome)
        court.pass_by(1000)
        assert await court.contributor.respond(dispute, outcome) == first
        for other, reason in ((outcome, "another"), *((it, "checked") for it in DisputeOutcome if it is not outcome)):
            with refuses(Reason.DISPUTE_CLOSED):
                await court.contributor.respond(dispute, other, reason=reason, version=3)


async def test_answers_that_are_refused(court: Court) -> None:
    dispute, mine = await court.contested(), court.contributor
    foreign = await court.filed()
    wrong: list[tuple[Reason, WireMember, dispute_pb2.AnswerDisputeRequest]] = [
        (Reason.NOT_FOUND, court.other, court.other.answer(dispute, DisputeOutcome.UPHELD)),
        (Reason.NOT_FOUND, court.opener, court.opener.answer(dispute, DisputeOutcome.UPHELD)),
        (Reason.NOT_FOUND, mine, mine.answer(dispute, DisputeOutcome.UPHELD, dispute_id=os.urandom(16))),
        (Reason.REPLAYED, mine, mine.answer(dispute, DisputeOutcome.UPHELD, member="other")),
        (Reason.SIGNATURE_INVALID, court.other, mine.answer(dispute, DisputeOutcome.UPHELD)),
        (Reason.INVALID_REQUEST, mine, mine.answer(dispute, DisputeOutcome.UPHELD, reason="")),
        (Reason.INVALID_REQUEST, mine, mine.answer(dispute, DisputeOutcome.UPHELD, reason="x" * 65)),
        (Reason.INVALID_REQUEST, mine, mine.answer(dispute, DisputeOutcome.UPHELD, stated=0)),
        (Reason.INVALID_REQUEST, mine, mine.answer(dispute, DisputeOutcome.WITHDRAWN, stated=1)),
        (Reason.INVALID_REQUEST, mine, mine.answer(dispute, DisputeOutcome.WITHDRAWN, stated=4)),
        (Reason.CONFLICTING_RETRY, mine, mine.answer(dispute, DisputeOutcome.WITHDRAWN, version=1)),
        (
            Reason.INVALID_REQUEST,
            mine,
            mine.answer(Dispute(dispute_id=dispute.dispute_id, entry_id=foreign.entry_id), DisputeOutcome.WITHDRAWN),
        ),
    ]
    for reason, member, request in wrong:
        with refuses(reason):
            await member.disputes.AnswerDispute(request)
    assert await court.status(dispute.entry_id) is ClaimStatus.DISPUTED
    assert [state_of(it) for it in await mine.listed()] == [DisputeState.OPEN]


async def test_what_is_contested_is_not_corrected_without_an_answer(court: Court) -> None:
    dispute = await court.contested()
    stored = court.hub.hub.store.read_now(lambda it: it.claims.get_many([dispute.entry_id]))[dispute.entry_id]
    row = court.contributor.row(stored.tag, court.key)
    row.correction.CopyFrom(court.contributor.status_change(dispute.entry_id, 2, status=ClaimStatus.CORRECTED))
    await court.contributor.credit(1)
    (result,) = await court.contributor.contribute(row)
    assert Reason(result.refusal) is Reason.ILLEGAL_TRANSITION


async def test_a_claim_that_ends_otherwise_takes_its_dispute_along(court: Court) -> None:
    withdrawn, expired = await court.contested(), await court.filed(expires_at=court.opener.now + DAY_MS)
    about_expired = await court.opener.contest(expired.entry_id, court.key)
    await court.contributor.withdraw(withdrawn.entry_id, version=2)
    for outcome in DisputeOutcome:
        with refuses(Reason.DISPUTE_CLOSED):
            await court.contributor.respond(withdrawn, outcome, version=3)
    assert await court.job().turn() == 1
    court.pass_by(DAY_MS)
    await court.hub.hub.purging.turn()  # the row is gone before anybody looked
    assert await court.job().turn() == 1
    assert await court.states() == {
        withdrawn.dispute_id: DisputeState.WITHDRAWN,
        about_expired.dispute_id: DisputeState.EXPIRED,
    }
    assert await court.job().turn() == 0


# -- clocks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ground", "within"), [(DisputeGround.INACCURATE, 20 * DAY_MS), (DisputeGround.IDENTITY_THEFT, 4 * DAY_MS)]
)
async def test_what_nobody_answers_is_suspended_on_the_day(court: Court, ground: DisputeGround, within: int) -> None:
    dispute = await court.contested(ground=ground)
    court.pass_by(within - MINUTE_MS)
    assert await court.job().turn() == 0
    assert await court.status(dispute.entry_id) is ClaimStatus.DISPUTED
    court.pass_by(MINUTE_MS)
    assert [await court.job().turn() for _ in range(2)] == [1, 0]
    assert (await court.told())[1:] == [(dispute.entry_id, ClaimStatus.SUSPENDED, 2, "dispute_unanswered")]
    change = ClaimStatusChange.FromString((await court.shown(dispute.entry_id)).status.payload)
    assert ClaimStatus(change.status) is ClaimStatus.SUSPENDED
    (event,) = [it for it in events_of(court.hub, HUB_ACTOR) if it.action == "dispute:unanswered:suspend"]
    assert event.items == 1
    with refuses(Reason.DISPUTE_OPEN):
        await court.other.contest(dispute.entry_id, court.key, evidence=b"new")


@pytest.mark.parametrize("outcome", DisputeOutcome)
async def test_a_late_answer_is_taken(court: Court, outcome: DisputeOutcome) -> None:
    dispute = await court.contested()
    court.pass_by(ANSWER_WITHIN_MS)
    await court.job().turn()
    assert await court.states() == {dispute.dispute_id: DisputeState.UNANSWERED}
    assert len(await court.contributor.listed(waiting_only=True)) == 1
    after = await court.contributor.respond(dispute, outcome, version=3)
    assert state_of(after) is DisputeState[outcome.name]
    stands = outcome is DisputeOutcome.UPHELD
    assert await court.status(dispute.entry_id) is (ClaimStatus.ACTIVE if stands else ClaimStatus[outcome.name])


async def test_one_process_suspends_at_a_time_and_another_goes_on(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispute_clocks, "CHUNK", 3)
    monkeypatch.setattr(chunks, "CHUNKS_A_TURN", 1)
    for _ in range(7):
        await court.contested()
    court.pass_by(ANSWER_WITHIN_MS)
    killed, other = court.job(), court.job()
    assert await killed.turn() == 3
    assert await other.turn() == 0
    court.pass_by(LEASE_MS)
    assert [await other.turn() for _ in range(3)] == [3, 1, 0]
    assert await killed.turn() == 0
    assert len([it for it in await court.told() if it[1] is ClaimStatus.SUSPENDED]) == 7


async def test_the_hub_keeps_its_clocks_by_itself_and_after_a_restart(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    async with court_of(folder) as court:
        dispute = await court.contested()
        clock, members = court.hub.clock, (court.contributor, court.opener)
    clock.advance(days=20)
    async with running_hub(folder, clock=clock, config={"maintenance_seconds": 0.05}) as hub:
        contributor = WireMember(hub, members[0].id, members[0].key, members[0].identity)
        async with aclosing(contributor.status_pages(after=1)) as pages:
            async for page in pages:
                if page.changes:
                    break
        told = [(it.entry_id, ClaimStatus(it.status)) for it in page.changes]
        assert told == [(dispute.entry_id, ClaimStatus.SUSPENDED)]
        (listed,) = await contributor.listed()
        assert sealing.open_statement(court.key, listed.dispute_id, listed.sealed_statement) == TEXT
        await contributor.close()


async def test_the_consumers_statement_goes_before_the_rest(court: Court) -> None:
    dispute = await court.contested()
    await court.contributor.respond(dispute, DisputeOutcome.WITHDRAWN)
    court.pass_by(SEALED_KEPT_MS - MINUTE_MS)
    assert await court.job().turn() == 0
    court.pass_by(MINUTE_MS)
    assert await court.job().turn() == 1
    (left,) = await court.contributor.listed()
    assert (left.sealed_statement, state_of(left)) == (b"", DisputeState.WITHDRAWN)
    court.pass_by(3 * 365 * DAY_MS - SEALED_KEPT_MS)
    assert await court.job().turn() == 1
    assert court.hub.hub.store.read_now(lambda it: it.disputes.about([dispute.entry_id])) == []


# -- epochs that follow each other -------------------------------------------------------------------------------


async def retagged(court: Court, of: bytes) -> SealedClaim:
    """Have the contributor re-tag a claim into the next epoch; the label key is the same here."""
    stored = court.hub.hub.store.read_now(lambda it: it.claims.get_many([of]))[of]
    blinded = valid_elements(1)
    await court.contributor.evaluate(blinded, Purpose.ROTATION, epoch=2, consent_root=b"")
    sealed = seal_claim(
        draft_of(stored.claim, b""),
        epoch=2,
        tag=os.urandom(32),
        label_key=court.key,
        contributor=court.contributor.id,
        signing_key=court.contributor.key,
    )
    (result,) = await court.contributor.contribute(row_of(sealed, predecessor=of))
    assert not result.refusal
    return sealed


async def test_what_is_contested_stays_so_when_it_is_re_tagged(court: Court) -> None:
    dispute, plain = await court.contested(), await court.filed()
    await step(court, epochs.begin, 2)
    later, later_plain = await retagged(court, dispute.entry_id), await retagged(court, plain.entry_id)
    assert await court.status(later.entry_id) is ClaimStatus.DISPUTED
    assert await court.status(later_plain.entry_id) is ClaimStatus.ACTIVE
    await step(court, epochs.activate, 2)
    for entry_id in (later.entry_id, dispute.entry_id):
        with refuses(Reason.DISPUTE_OPEN):
            await court.other.contest(entry_id, court.key)
    about_later = await court.opener.contest(later_plain.entry_id, court.key)
    assert await court.status(plain.entry_id) is ClaimStatus.DISPUTED
    await step(court, epochs.retire, 1)  # the claims that they were opened about are gone with their epoch
    after = await court.contributor.respond(dispute, DisputeOutcome.UPHELD)
    assert (state_of(after), await court.status(later.entry_id)) == (DisputeState.UPHELD, ClaimStatus.ACTIVE)
    await court.contributor.respond(about_later, DisputeOutcome.RECALLED)
    assert await court.status(later_plain.entry_id) is ClaimStatus.RECALLED
    with refuses(Reason.DISPUTE_REPEATED):
        await court.other.contest(later.entry_id, court.key)


async def test_both_names_of_a_claim_change_together(court: Court) -> None:
    plain = await court.filed()
    await step(court, epochs.begin, 2)
    later = await retagged(court, plain.entry_id)
    await step(court, epochs.activate, 2)
    dispute = await court.opener.contest(later.entry_id, court.key)
    both = (plain.entry_id, later.entry_id)

    async def statuses() -> list[ClaimStatus]:
        return [await court.status(entry_id) for entry_id in both]

    assert await statuses() == [ClaimStatus.DISPUTED] * 2
    court.pass_by(ANSWER_WITHIN_MS)
    await court.job().turn()
    assert await statuses() == [ClaimStatus.SUSPENDED] * 2
    request = court.contributor.answer(dispute, DisputeOutcome.CORRECTED, version=3)
    with refuses(Reason.CONFLICTING_RETRY):
        await court.contributor.disputes.AnswerDispute(request)
    of_twin = court.contributor.status_change(plain.entry_id, 3, status=ClaimStatus.CORRECTED)
    request.twin_status_change.CopyFrom(of_twin)
    await court.contributor.disputes.AnswerDispute(request)
    assert await statuses() == [ClaimStatus.CORRECTED] * 2


# -- escalation --------------------------------------------------------------------------------------------------


async def upheld(court: Court, **options: Any) -> Dispute:
    answered: Dispute = await court.contributor.respond(await court.contested(**options), DisputeOutcome.UPHELD)
    return answered


@pytest.mark.parametrize("decision", ReviewDecision)
async def test_a_reviewer_decides_and_sees_nobody(court: Court, decision: ReviewDecision) -> None:
    dispute = await upheld(court, evidence=b"letter")
    escalated = await court.escalate(dispute)
    assert state_of(escalated) is DisputeState.ESCALATED
    assert 0 <= court.opener.now + REVIEW_WITHIN_MS - escalated.due_at < MINUTE_MS
    assert await court.escalate(dispute) == escalated
    async with reviewer_of(court) as reviewer:
        (seen,) = await waiting(reviewer)
        encoded = seen.SerializeToString()
        assert not [it for it in (b"opener", b"contributor", dispute.entry_id, court.key) if it in encoded]
        assert (seen.answer_reason, seen.has_evidence) == ("checked", True)
        assert DisputeGround(seen.ground) is DisputeGround.INACCURATE
        request = reviewer.review(dispute.dispute_id, decision)
        replies = [await reviewer.disputes.DecideEscalation(request) for _ in range(2)]
        assert {state_of(reply) for reply in replies} == {DisputeState[decision.name]}
        assert list(await waiting(reviewer)) == []
        with refuses(Reason.DISPUTE_CLOSED):
            await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id, decision, reason="another"))
    stands = decision is ReviewDecision.CLAIM_STANDS
    assert await court.status(dispute.entry_id) is (ClaimStatus.ACTIVE if stands else ClaimStatus.SUSPENDED)
    (mine,) = await court.opener.listed(dispute_pb2.DISPUTE_VIEW_OPENED)
    assert (state_of(mine), mine.decision_reason) == (DisputeState[decision.name], "evidence_too_thin")


async def test_a_suspended_claim_may_be_ended_and_not_upheld_against_the_reviewer(court: Court) -> None:
    for outcome in ENDS:
        dispute = await upheld(court)
        await court.escalate(dispute)
        async with reviewer_of(court) as reviewer:
            await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id))
        with refuses(Reason.DISPUTE_OPEN):
            await court.other.contest(dispute.entry_id, court.key, evidence=b"new")
        with refuses(Reason.DISPUTE_CLOSED):
            await court.contributor.respond(dispute, DisputeOutcome.UPHELD, reason="again")
        after = await court.contributor.respond(dispute, outcome, version=4)
        assert state_of(after) is DisputeState[outcome.name]


async def test_who_may_not_escalate_or_decide(court: Court) -> None:
    dispute = await upheld(court)
    for member in (court.contributor, court.other):
        with refuses(Reason.NOT_FOUND):
            await member.disputes.EscalateDispute(EscalateDisputeRequest(dispute_id=dispute.dispute_id))
    async with reviewer_of(court) as reviewer, reviewer_of(court, Role.ADMIN) as admin:
        with refuses(Reason.NOT_FOUND):
            await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id))
        await court.escalate(dispute)
        for outsider in (court.contributor, court.opener, admin):
            with refuses(Reason.NOT_PERMITTED):
                await outsider.disputes.DecideEscalation(outsider.review(dispute.dispute_id))
            with refuses(Reason.NOT_PERMITTED):
                await waiting(outsider)
        with refuses(Reason.NOT_PERMITTED):
            await reviewer.contest(dispute.entry_id, court.key)
        with refuses(Reason.NOT_PERMITTED):
            await reviewer.respond(dispute, DisputeOutcome.UPHELD)
        with refuses(Reason.REPLAYED):
            await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id, reviewer="another"))
        with refuses(Reason.INVALID_REQUEST):
            await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id, stated=0))
    assert await court.status(dispute.entry_id) is ClaimStatus.ACTIVE


async def test_what_cannot_be_escalated(court: Court) -> None:
    open_one, late = await court.contested(), await upheld(court)
    with refuses(Reason.DISPUTE_NOT_ESCALATABLE):
        await court.escalate(open_one)
    court.pass_by(ESCALATE_WITHIN_MS - MINUTE_MS)
    over = await upheld(court)
    await court.contributor.withdraw(over.entry_id, version=3)
    with refuses(Reason.DISPUTE_NOT_ESCALATABLE):
        await court.escalate(over)
    court.pass_by(MINUTE_MS)
    with refuses(Reason.DISPUTE_NOT_ESCALATABLE):
        await court.escalate(late)


async def test_an_escalation_ends_with_its_claim(court: Court) -> None:
    dispute = await upheld(court)
    await court.escalate(dispute)
    await court.contributor.withdraw(dispute.entry_id, version=3)
    async with reviewer_of(court) as reviewer:
        assert list(await waiting(reviewer)) == []
        with refuses(Reason.DISPUTE_CLOSED):
            await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id))
    assert await court.job().turn() == 1
    assert await court.states() == {dispute.dispute_id: DisputeState.WITHDRAWN}


async def test_admins_see_by_contributor_what_is_overdue(court: Court) -> None:
    await court.contested(), await court.contested()
    dispute = await upheld(court)
    await court.escalate(dispute)
    async with reviewer_of(court, Role.ADMIN) as admin:
        request = dispute_pb2.ListOverdueDisputesRequest()
        assert list((await admin.disputes.ListOverdueDisputes(request)).contributors) == []
        court.pass_by(ANSWER_WITHIN_MS)
        for _ in range(2):  # whether or not they were suspended yet
            (one,) = (await admin.disputes.ListOverdueDisputes(request)).contributors
            assert (one.contributor, one.unanswered, one.undecided) == ("contributor", 2, 1)
            await court.job().turn()
        with refuses(Reason.NOT_PERMITTED):
            await court.other.disputes.ListOverdueDisputes(request)


# -- leaks -------------------------------------------------------------------------------------------------------


async def test_neither_token_nor_statement_nor_evidence_is_written_anywhere(
    new_hub_folder: NewFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = new_hub_folder()
    async with court_of(folder) as court:
        dispute = await court.contested(evidence=b"the consumer's letter")
        await refused(court.other, court.other.opening(dispute.entry_id, court.key, text=TEXT))
        token = sealing.dispute_token(court.key, dispute.entry_id)
        await court.contributor.respond(dispute, DisputeOutcome.UPHELD)
    secrets = [token, TEXT, court.key, b"the consumer's letter"]
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert any(dispute.dispute_id in content for content in written)  # the search finds what is there
    said = capfd.readouterr()
    written += [said.out.encode(), said.err.encode()]
    for secret in secrets:
        assert not [1 for content in written if secret in content or secret.hex().encode() in content]


# -- databases and processes -------------------------------------------------------------------------------------


async def test_of_two_processes_one_opens_a_dispute(tmp_path: Path, postgres: Postgres) -> None:
    """Members that contest the same claim at two processes of a hub: one does, and every time the other is told so."""
    folder = tmp_path / "hub"
    async with running_hub(folder, postgres.empty()) as hub, running_hub(folder, clock=hub.clock) as second:
        contributor, opener, other = [await enrol(hub, name) for name in ("contributor", "opener", "other")]
        elsewhere = WireMember(second, other.id, other.key, other.identity)
        court = Court(hub, contributor, opener, elsewhere)
        for _ in range(12):
            claim, dispute_id = await court.filed(), os.urandom(16)
            same = opener.opening(claim.entry_id, court.key, dispute_id=dispute_id)
            mine = WireMember(second, opener.id, opener.key, opener.identity)
            answers = await asyncio.gather(
                opener.disputes.OpenDispute(same),
                mine.disputes.OpenDispute(same),  # the same call, which comes twice
                elsewhere.contest(claim.entry_id, court.key),
                return_exceptions=True,
            )
            refused = [refusal_of(it).reason for it in answers if isinstance(it, aio.AioRpcError)]
            assert set(refused) == {Reason.DISPUTE_OPEN}
            assert len(refused) in (1, 2)
            waiting = [it for it in await contributor.listed() if it.entry_id == claim.entry_id]
            assert len(waiting) == 1
            await mine.close()
        answered = waiting[0]
        await contributor.respond(answered, DisputeOutcome.UPHELD)
        assert await court.status(answered.entry_id) is ClaimStatus.ACTIVE
        court.pass_by(ANSWER_WITHIN_MS)
        suspended: list[bytes] = []
        async with asyncio.timeout(60), aclosing(elsewhere.status_pages()) as pages:
            while len(suspended) < 11:  # by either process, each claim once
                suspended += [
                    it.entry_id
                    for it in (await anext(pages)).changes
                    if ClaimStatus(it.status) is ClaimStatus.SUSPENDED
                ]
        assert len(set(suspended)) == 11
        for member in (contributor, opener, other, elsewhere):
            await member.close()


# -- after a restore ---------------------------------------------------------------------------------------------


async def test_a_flag_without_its_dispute_can_be_contested_again(court: Court) -> None:
    """As after a restore: the purge ledger keeps the flag, and the backup did not have the dispute yet."""
    lost, late = await court.contested(), await court.contested()
    with court.hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM disputes"))
    court.hub.hub.store.write_now(
        lambda it: court.hub.hub._flags.set(
            it, it.claims.hold([late.entry_id]).values(), ClaimStatus.SUSPENDED, now=court.opener.now, reason="late"
        )
    )
    for dispute, status in ((lost, ClaimStatus.DISPUTED), (late, ClaimStatus.SUSPENDED)):
        again = await court.other.contest(dispute.entry_id, court.key)
        assert await court.status(dispute.entry_id) is status
        await court.contributor.respond(again, DisputeOutcome.UPHELD)
        assert await court.status(dispute.entry_id) is ClaimStatus.ACTIVE
