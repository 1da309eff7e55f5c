"""Two operators through the SDK: the first one's claims wait, sealed, and the second one's approval files them."""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, contribute, lender, row, two_operators

from alliance.crypto.secret import Secret
from alliance.taxonomy import Action, EvidenceLevel, SubjectRole
from alliance_server.services import epochs
from member_client import (
    AllianceClient,
    ConfigurationInvalid,
    ContributionOutcome,
    ContributionResult,
    ContributionRow,
    InvalidUse,
    NotFound,
    Operator,
    OperatorConflict,
    PreviewOutcome,
    Subject,
)
from member_client._store import Shelf

NewFolder = Callable[[], Path]
PENDING, ACCEPTED, REFUSED = (
    ContributionOutcome.PENDING_REVIEW,
    ContributionOutcome.ACCEPTED,
    ContributionOutcome.REFUSED,
)
REVIEWED: dict[str, Any] = {"evidence": EvidenceLevel.E3, "evidence_digest": sha256(b"file").digest()}


async def given(client: AllianceClient, rows: list[ContributionRow], operator: Operator | None = None) -> Any:
    return [it async for it in client.contribute(rows, operator=operator)]


async def matched(client: AllianceClient, phone: str) -> Action:
    await client.sync()
    verdict = await client.screen(Subject("C-1", phone=phone), purpose=PORTFOLIO, consent=BASIS)
    return verdict.action


def filed(hub: RunningHub) -> int:
    found = hub.hub.store.read_now(lambda it: it.filters.state(1))
    return found.sequence if found else 0


async def test_what_one_approves_waits_for_another_and_stands_then(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        first, second = await two_operators(a)
        rows = [row(PHONES[0], **REVIEWED, case_reference="K-1"), row(PHONES[1])]
        assert [it.outcome async for it in a.preview(rows)] == [PreviewOutcome.PENDING_REVIEW, PreviewOutcome.NEW]
        results = await given(a, rows, first)
        assert [it.outcome for it in results] == [PENDING, ACCEPTED]
        assert filed(hub) == 1
        (waiting,) = await a.pending_reviews()
        assert (waiting.entry_id, waiting.first_operator, waiting.case_reference, waiting.epoch_is_over) == (
            results[0].entry_id,
            first.name,
            "K-1",
            False,
        )
        assert PHONES[0] not in repr(waiting)
        await hub.settle()
        assert await matched(b, PHONES[0]) is Action.NONE
        (result,) = await a.approve_reviews([waiting.entry_id], operator=second)
        assert (result.outcome, result.entry_id) == (ACCEPTED, waiting.entry_id)
        assert await a.pending_reviews() == []
        await hub.settle()
        assert await matched(b, PHONES[0]) is Action.DECLINE_WITH_HUMAN
        again = await given(a, rows, first)
        assert [it.outcome for it in again] == [ContributionOutcome.UNCHANGED] * 2


async def test_without_an_operator_nothing_is_asked_about(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        (result,) = await given(a, [row(PHONES[0], **REVIEWED)])
        assert (result.outcome, result.reason) == (REFUSED, "two_operators_needed")
        assert "--operator" in result.how_to_fix
        assert a.usage.evaluations == 0


async def test_one_does_not_approve_twice_and_a_stranger_not_at_all(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        first, second = await two_operators(a)
        (result,) = await given(a, [row(PHONES[0], **REVIEWED)], first)
        with pytest.raises(InvalidUse):
            await a.approve_reviews([result.entry_id], operator=first)
        stranger = Operator.create(a.profile, "stranger", Secret(b"x"))
        same_key = Operator("somebody-else", first.key)
        for other in (stranger, same_key):
            (refused,) = await a.approve_reviews([result.entry_id], operator=other)
            assert (refused.outcome, refused.reason) == (REFUSED, "two_operators_needed")
            (again,) = await given(a, [row(PHONES[0], **REVIEWED)], first)
            assert (again.outcome, again.entry_id) == (PENDING, result.entry_id)  # it goes on waiting
        (result,) = await a.approve_reviews([result.entry_id], operator=second)
        assert result.outcome is ACCEPTED


async def test_a_review_survives_a_restart_and_is_not_signed_twice(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a") as a:
            first, second = await two_operators(a)
            (result,) = await given(a, [row(PHONES[0], **REVIEWED)], first)
            asked = a.usage.evaluations
        async with lender(hub, "a") as a:
            for operator in (None, first, second):
                (again,) = await given(a, [row(PHONES[0], **REVIEWED)], operator)
                assert (again.outcome, again.entry_id) == (PENDING, result.entry_id)
            assert (asked, a.usage.evaluations) == (1, 0)
            (waiting,) = await a.pending_reviews()
            assert waiting.first_operator == first.name
            (done,) = await a.approve_reviews([result.entry_id], operator=second)
            assert done.outcome is ACCEPTED


async def test_what_is_rejected_is_gone_and_may_be_contributed_anew(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        first, second = await two_operators(a)
        (result,) = await given(a, [row(PHONES[0], **REVIEWED)], first)
        await a.reject_reviews([result.entry_id])
        assert await a.pending_reviews() == []
        for refused in (a.reject_reviews([result.entry_id]), a.approve_reviews([result.entry_id], operator=second)):
            with pytest.raises(NotFound):
                await refused
        (again,) = await given(a, [row(PHONES[0], **REVIEWED)], second)
        assert again.outcome is PENDING
        assert again.entry_id != result.entry_id
        assert filed(hub) == 0


async def test_approvals_end_after_a_week(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        first, second = await two_operators(a)
        (result,) = await given(a, [row(PHONES[0], **REVIEWED)], first)
        hub.clock.advance(days=6)
        assert len(await a.pending_reviews()) == 1
        hub.clock.advance(days=1)
        assert await a.pending_reviews() == []
        await a.close()  # what has ended is removed when a client opens the store
        assert await a.pending_reviews() == []
        store = (await a._session()).store
        assert [list(store.rows(shelf)) for shelf in (Shelf.REVIEWS, Shelf.DRAWN)] == [[], []]
        with pytest.raises(NotFound):
            await a.approve_reviews([result.entry_id], operator=second)
        (again,) = await given(a, [row(PHONES[0], **REVIEWED)], first)
        assert again.outcome is PENDING
        assert again.entry_id != result.entry_id


async def test_where_the_key_changed_meanwhile_it_is_contributed_anew(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        first, second = await two_operators(a)
        (result,) = await given(a, [row(PHONES[0], **REVIEWED)], first)
        for step in (epochs.begin, epochs.activate):
            now = hub.clock.now_ms()
            await hub.hub.store.write(partial(step, number=2, now=now))
            for _ in range(2):
                await hub.hub.epochs.turn()
                await hub.settle()
        await a.sync()
        (waiting,) = await a.pending_reviews()
        assert waiting.epoch_is_over
        (refused,) = await a.approve_reviews([result.entry_id], operator=second)
        assert (refused.outcome, refused.reason) == (REFUSED, "epoch_not_served")
        assert await a.pending_reviews() == []
        (again,) = await given(a, [row(PHONES[0], **REVIEWED)], first)
        (done,) = await a.approve_reviews([again.entry_id], operator=second)
        assert done.outcome is ACCEPTED


async def test_an_amendment_waits_and_takes_the_place_of_the_claim_that_stands(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        first, second = await two_operators(a)
        (old,) = await contribute(a, [row(PHONES[0])])
        changed = [row(PHONES[0], **REVIEWED)]
        (result,) = [it async for it in a.contribute(changed, operator=first, amend=True)]
        assert result.outcome is PENDING
        assert (await a.claim(old.entry_id)).status.word == "active"
        (done,) = await a.approve_reviews([result.entry_id], operator=second)
        assert done.outcome is ContributionOutcome.AMENDED
        assert (await a.claim(old.entry_id)).status.word == "corrected"


async def test_who_asked_for_it_is_protected_by_two(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        first, second = await two_operators(a)
        consent: dict[str, Any] = {"evidence_digest": sha256(b"consent").digest()}
        asked = [row(PHONES[0], role=SubjectRole.PERPETRATOR, **consent), row(PHONES[1])]
        results: list[ContributionResult] = await a.protect(asked, operator=first)
        assert [it.outcome for it in results] == [PENDING, REFUSED]  # the second one has not consented
        await a.approve_reviews([results[0].entry_id], operator=second)
        await hub.settle()
        assert await matched(b, PHONES[0]) is Action.STEP_UP


async def test_an_operators_key_opens_under_its_own_passphrase_alone(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        made = Operator.create(a.profile, "ann", Secret(b"hers"))
        assert Operator.open(a.profile, "ann", Secret(b"hers")).key.public_key == made.key.public_key
        for name, passphrase in (("ann", b"another"), ("bob", b"hers")):
            with pytest.raises(ConfigurationInvalid):
                Operator.open(a.profile, name, Secret(passphrase))
        with pytest.raises(InvalidUse):
            Operator.open(a.profile, "../ann", Secret(b"hers"))
        await a.add_operator(made)
        with pytest.raises(OperatorConflict):
            await a.add_operator(Operator("ann", Operator.create(a.profile, "cat", Secret(b"x")).key))
        assert (await a.retire_operator("ann")).retired_at > 0
        assert [(it.name, bool(it.retired_at)) for it in await a.operators()] == [("ann", True)]
