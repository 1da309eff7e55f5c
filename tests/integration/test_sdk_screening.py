"""Screening as a flow: what is asked again, at once, in streams and in many batches, and a hub that falls silent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, HASTY_MS, PHONES, PORTFOLIO, Silence, contribute, lender, row

from member_client import AllianceClient, BudgetExhausted, Consent, HubUnavailable, InvalidUse, State, Subject, Verdict
from member_client import _confirming as confirming
from member_client.screening import BATCH_IDENTIFIERS, OPEN_BATCHES

NewFolder = Callable[[], Path]
SIGNED = Consent.of(b"signed")
FEW_CHARGES = {"budgets": {"loan_application": 2}}


def asked(client: AllianceClient, phone: str, request_id: str | None = "app-1") -> Any:
    subject = Subject("C-1", phone=phone, ip="8.8.8.8")
    return client.screen(subject, purpose="loan_application", consent=SIGNED, request_id=request_id)


async def test_what_is_passed_by_mistake_is_told_before_anything_is_sent(new_hub_folder: NewFolder) -> None:
    subject = Subject("C-1", phone=PHONES[0])
    mistakes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"consent": "basis-7"}, "consent is a Consent"),
        ({"request_id": ""}, "request_id is a text"),
        ({"request_id": 7}, "request_id is a text"),
    )
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        for wrong, words in mistakes:
            given: dict[str, Any] = {"purpose": PORTFOLIO, "consent": BASIS} | wrong
            with pytest.raises(InvalidUse, match=words):
                await b.screen(subject, **given)
            with pytest.raises(InvalidUse, match=words):
                b.screen_many([subject], **given)
        with pytest.raises(InvalidUse, match="subject is a Subject"):
            await b.screen(cast("Any", PHONES[0]), purpose=PORTFOLIO, consent=BASIS)
        assert b.usage.evaluations == 0
        with pytest.raises(InvalidUse, match="profile is a Profile"):
            AllianceClient(cast("Any", str(b.profile.folder)))
        with pytest.raises(InvalidUse, match="deadline_ms is a whole number"):
            AllianceClient(b.profile, deadline_ms=cast("Any", "150"))


async def test_what_was_evaluated_without_an_answer_is_charged_once(new_hub_folder: NewFolder) -> None:
    silence = Silence("Evaluate")
    async with (
        running_hub(new_hub_folder(), interceptors=[silence], config=FEW_CHARGES) as hub,
        lender(hub, "b", deadline_ms=HASTY_MS) as b,
    ):
        await b.sync()
        silence.active = True
        open_verdict = await asked(b, PHONES[0])
        assert (open_verdict.state, open_verdict.fields[0].reason) == (State.UNKNOWN, "deadline")
        assert silence.reached.is_set()
        silence.active = False
        settled = await asked(b, PHONES[0])
        assert settled.state is State.CLEAR
        assert settled.request_id == open_verdict.request_id
        with pytest.raises(BudgetExhausted):
            await asked(b, PHONES[1], "app-2")


async def test_a_caller_who_gave_up_leaves_a_question_that_can_be_asked_again(new_hub_folder: NewFolder) -> None:
    silence = Silence("Evaluate")
    async with (
        running_hub(new_hub_folder(), interceptors=[silence], config=FEW_CHARGES) as hub,
        lender(hub, "b") as b,
    ):
        await b.sync()
        silence.active = True
        asking = asyncio.create_task(asked(b, PHONES[0]))
        await silence.reached.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        silence.active = False
        assert (await asked(b, PHONES[0])).state is State.CLEAR
        with pytest.raises(BudgetExhausted):
            await asked(b, PHONES[1], "app-2")


async def test_a_question_asked_many_times_at_once_is_charged_once(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder(), config=FEW_CHARGES) as hub, lender(hub, "b") as b:
        verdicts = await asyncio.gather(*(asked(b, PHONES[0]) for _ in range(8)))
        assert len({(verdict.state, verdict.request_id) for verdict in verdicts}) == 1
        assert verdicts[0].state is State.CLEAR
        assert b.usage.evaluations == 2


async def test_questions_at_once_get_each_their_own_answer(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(phone) for phone in PHONES[:20]])
        await hub.settle()
        verdicts = await asyncio.gather(*(asked(b, phone, f"app-{phone}") for phone in PHONES[:40]))
        assert [verdict.state for verdict in verdicts] == [State.MATCH] * 20 + [State.CLEAR] * 20
        assert len({verdict.request_id for verdict in verdicts}) == 40


async def _with_silent_buckets(hub: RunningHub, silence: Silence, b: AllianceClient) -> None:
    async with lender(hub, "a") as a:
        await contribute(a, [row(PHONES[0])])
    await hub.settle()
    await b.sync()
    silence.active = True


async def test_buckets_that_do_not_come_leave_the_hit_unconfirmed_and_the_rest_clear(new_hub_folder: NewFolder) -> None:
    silence = Silence("GetBuckets")
    async with (
        running_hub(new_hub_folder(), interceptors=[silence]) as hub,
        lender(hub, "b", deadline_ms=HASTY_MS) as b,
    ):
        await _with_silent_buckets(hub, silence, b)
        verdict = await asked(b, PHONES[0], None)
        assert [(field.state, field.reason) for field in verdict.fields] == [
            (State.UNCONFIRMED, "bucket_unavailable"),
            (State.CLEAR, ""),
        ]
        assert not verdict.integrity
        silence.active = False
        assert (await asked(b, PHONES[0], None)).state is State.MATCH


async def test_buckets_that_do_not_come_are_raised_to_whoever_wants_that(new_hub_folder: NewFolder) -> None:
    silence = Silence("GetBuckets")
    async with (
        running_hub(new_hub_folder(), interceptors=[silence]) as hub,
        lender(hub, "b", deadline_ms=HASTY_MS, on_unavailable="raise") as b,
    ):
        await _with_silent_buckets(hub, silence, b)
        with pytest.raises(HubUnavailable):
            await asked(b, PHONES[0])
        silence.active = False
        assert (await asked(b, PHONES[0])).state is State.MATCH


def portfolio(count: int, drawn: list[int]) -> Iterator[Subject]:
    """Subjects of one telephone number each, counted as they are drawn; the last ten of a hundred are nonsense."""
    for place in range(count):
        drawn.append(place)
        yield Subject(f"C-{place}", phone="nonsense" if place % 100 >= 90 else PHONES[place % len(PHONES)])


async def test_many_batches_come_back_in_order(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "ENTRIES_IN_A_LOT", 8)
    count = 3 * BATCH_IDENTIFIERS + 100
    done: list[int] = []
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(phone) for phone in PHONES[:50]])
        await hub.settle()
        verdicts: list[Verdict] = []
        subjects = portfolio(count, [])
        async for verdict in b.screen_many(subjects, purpose=PORTFOLIO, consent=BASIS, on_progress=done.append):
            verdicts.append(verdict)
    expected = [
        State.REFUSED if place % 100 >= 90 else State.MATCH if place % len(PHONES) < 50 else State.CLEAR
        for place in range(count)
    ]
    assert [verdict.ref for verdict in verdicts] == [f"C-{place}" for place in range(count)]
    assert [verdict.state for verdict in verdicts] == expected
    assert len({verdict.request_id for verdict in verdicts}) == 4
    assert done == [BATCH_IDENTIFIERS, 2 * BATCH_IDENTIFIERS, 3 * BATCH_IDENTIFIERS, count]


async def test_a_stream_is_drawn_no_further_than_the_open_batches(new_hub_folder: NewFolder) -> None:
    drawn: list[int] = []
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        stream = b.screen_many(portfolio(1_000_000, drawn), purpose=PORTFOLIO, consent=BASIS)
        async with aclosing(stream) as verdicts:  # type: ignore[type-var]  # its type hides that it is a generator
            assert (await anext(verdicts)).ref == "C-0"
        assert len(drawn) <= (OPEN_BATCHES + 1) * BATCH_IDENTIFIERS
        assert (await asked(b, PHONES[0])).state is State.CLEAR


async def test_an_asynchronous_stream_is_screened_as_well(new_hub_folder: NewFolder) -> None:
    async def subjects() -> AsyncIterator[Subject]:
        for subject in portfolio(300, []):
            await asyncio.sleep(0)
            yield subject

    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        verdicts = [one async for one in b.screen_many(subjects(), purpose=PORTFOLIO, consent=BASIS)]
        assert [verdict.ref for verdict in verdicts] == [f"C-{place}" for place in range(300)]
