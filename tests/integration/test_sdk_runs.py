"""Runs over many subjects under an id: taken up where they stopped, charged once, the same verdicts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, Silence, contribute, lender, row

from member_client import AllianceClient, ConflictingRetry, Consent, State, Subject, Verdict
from member_client import screening as flow

NewFolder = Callable[[], Path]
SUBJECTS = [Subject(f"C-{place}", phone=phone) for place, phone in enumerate(PHONES[:100])]
SUBJECTS[30] = Subject("C-30", phone="nonsense")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = flow.batches
    monkeypatch.setattr(flow, "batches", lambda subjects: plain(subjects, 10))


async def run(client: AllianceClient, subjects: list[Subject], request_id: str | None, **more: Any) -> list[Verdict]:
    asked: dict[str, Any] = {"purpose": PORTFOLIO, "consent": BASIS} | more
    return [verdict async for verdict in client.screen_many(subjects, request_id=request_id, **asked)]


async def _rest_of(verdicts: AsyncIterator[Verdict]) -> list[Verdict]:
    return [verdict async for verdict in verdicts]


def charged(hub: RunningHub) -> int:
    """Give the items that the hub charged for screening."""
    query = sa.text("SELECT coalesce(sum(used), 0) FROM budgets WHERE resource = 4")
    with hub.hub.store.engine.connect() as connection:
        return int(connection.execute(query).scalar_one())


async def test_a_run_that_stopped_goes_on_and_what_was_sent_is_charged_once(new_hub_folder: NewFolder) -> None:
    silence = Silence("Evaluate")
    async with running_hub(new_hub_folder(), interceptors=[silence]) as hub:
        async with lender(hub, "a") as a:
            await contribute(a, [row(phone) for phone in PHONES[5:100:10]])
            await hub.settle()
        async with lender(hub, "b") as b:
            plain = await run(b, SUBJECTS, None)
            before = charged(hub)
            assert before == 99
            async with aclosing(
                cast("Any", b.screen_many(SUBJECTS, purpose=PORTFOLIO, consent=BASIS, request_id="n"))
            ) as verdicts:
                first = [await anext(verdicts) for _ in range(15)]
                silence.active = True  # what is evaluated from now on is never answered
                # What was ahead of the reader may be answered already: it has to read on for more to be asked.
                reading = asyncio.create_task(_rest_of(verdicts))
                await silence.reached.wait()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        silence.active = False
        async with lender(hub, "b") as b:
            again = await run(b, SUBJECTS, "n")
            assert charged(hub) == before + 99
            assert again[:10] == first[:10]
            assert [(it.ref, it.state, it.action, it.matches) for it in again] == [
                (it.ref, it.state, it.action, it.matches) for it in plain
            ]
            assert [it.state for it in again].count(State.MATCH) == 10
            # All of it was settled: once more costs nothing and says the same, receipts and all.
            assert await run(b, SUBJECTS, "n") == again
            assert charged(hub) == before + 99


async def test_the_same_id_with_other_subjects_conflicts(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        await run(b, SUBJECTS, "n")
        used = charged(hub)
        for bent in (
            {"subjects": [*SUBJECTS[:50], Subject("C-50", phone=PHONES[7]), *SUBJECTS[51:]]},
            {"subjects": [*SUBJECTS[:50], Subject("another", phone=PHONES[50]), *SUBJECTS[51:]]},
            {"consent": Consent.of("another")},
            {"purpose": "dispute"},
        ):
            asked = {"subjects": SUBJECTS, "consent": BASIS, "purpose": PORTFOLIO} | bent
            with pytest.raises(ConflictingRetry):
                await run(b, cast("Any", asked.pop("subjects")), "n", **asked)
        assert charged(hub) == used
        assert [it.state for it in await run(b, SUBJECTS[:40], "n")].count(State.REFUSED) == 1


async def test_a_preview_tells_what_could_be_asked_and_asks_nothing(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(PHONES[5])])
        await hub.settle()
        asked = [*SUBJECTS, Subject("C-100", phone=PHONES[5], email="nonsense"), Subject("C-101")]
        previewed = [verdict async for verdict in b.preview_screening(asked)]
        assert [verdict.ref for verdict in previewed] == [subject.ref for subject in asked]
        refused = {"C-30": ["phone"], "C-100": ["email"]}
        for verdict in previewed:
            assert [it.field for it in verdict.fields if it.state is State.REFUSED] == refused.get(verdict.ref, [])
            others = {(it.state, it.reason) for it in verdict.fields if it.state is not State.REFUSED}
            assert others <= {(State.UNKNOWN, "not_asked")}
            assert not verdict.matches
        assert previewed[-1].state is State.REFUSED
        assert (charged(hub), b.usage.evaluations) == (0, 0)


async def test_a_run_is_known_once_it_was_begun_for_a_day(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        assert not await b.knows_run("n")
        await run(b, SUBJECTS[:15], "n")
        assert (await b.knows_run("n"), await b.knows_run("other")) == (True, False)
        hub.clock.advance(days=1, seconds=1)
        assert not await b.knows_run("n")


async def test_after_a_day_an_id_is_free_again(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        await run(b, SUBJECTS[:10], "n")
        hub.clock.advance(hours=25)
        await hub.settle()
        used = charged(hub)
        assert {it.state for it in await run(b, SUBJECTS[10:20], "n")} == {State.CLEAR}
        assert charged(hub) == used + 10


async def test_what_was_left_open_is_asked_again_without_a_charge(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(PHONES[5])])
        await hub.settle()
        await run(b, SUBJECTS[:10], None)
        before = charged(hub)
        await hub.stop_maintenance()
        hub.clock.advance(minutes=6)
        stale = await run(b, SUBJECTS[:10], "n")
        assert {it.state for it in stale} == {State.UNKNOWN}
        await hub.settle()
        settled = await run(b, SUBJECTS[:10], "n")
        assert settled[5].state is State.MATCH
        assert charged(hub) == before + 10


async def test_nothing_of_a_run_lies_open_on_disk(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        await run(b, SUBJECTS, "run-of-november")
        written = b"".join(path.read_bytes() for path in b.profile.folder.rglob("*") if path.is_file())
        assert b"run-of-november" not in written
        assert b"C-30" not in written
        assert not [phone for phone in PHONES[:100] if phone.encode() in written]
