"""A network that cuts, swallows, delays and resets between a member and its hub, and a hub that restarts again and
again: what the caller sees is whole, or says that it is not.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.books import Books
from support.hub import RunningHub, running_hub
from support.kills import until
from support.lender_process import Job, claim_row, results, subject, text_of
from support.process import HubProcess, hub_process
from support.proxy import Proxy, through_proxy
from support.sdk import BASIS, PORTFOLIO, contribute, lender

from alliance.clock import SystemClock
from alliance.taxonomy import DAY_MS, Purpose
from alliance_server.bootstrap import Hub
from member_client import AllianceClient, Consent, State, Subject
from member_client import _claim_stream as claim_stream
from member_client import contributing as contribution_flow
from member_client import screening as screening_flow
from member_client.errors import HubUnavailable

NewFolder = Callable[[], Path]
ROWS = 480
BATCH = 32


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contribution_flow, "MAX_ROWS", BATCH)
    monkeypatch.setattr(screening_flow, "batches", partial(screening_flow.batches, size=BATCH))


def job(kind: str, rows: int = ROWS) -> Job:
    return Job(kind, "", range(rows), BATCH, SystemClock().now_ms() + 60 * DAY_MS)


@asynccontextmanager
async def behind_a_proxy(new_hub_folder: NewFolder) -> AsyncIterator[tuple[RunningHub, AllianceClient, Proxy]]:
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a"):
            pass
        async with through_proxy(hub.folder.parent / "a", clock=hub.clock) as (client, proxy):
            yield hub, client, proxy


async def listed(hub: RunningHub, rows: int = ROWS) -> None:
    """Have every third row listed by another member."""
    ends_at = SystemClock().now_ms() + 60 * DAY_MS
    async with lender(hub, "lister") as lister:
        wanted = [claim_row(number, ends_at) for number in range(0, rows, 3) if text_of(number) != "nonsense"]
        await contribute(lister, wanted)
    if isinstance(hub.hub, Hub):  # one in a process of its own does it by itself
        await hub.settle()


def check_contributed(said: dict[int, dict[str, Any]], rows: int) -> None:
    assert list(said) == list(range(rows))
    for number, row in said.items():
        assert (row["outcome"] == "refused") == (text_of(number) == "nonsense"), row


def check_screened(said: dict[int, dict[str, Any]], rows: int) -> None:
    listed_texts = {text_of(number) for number in range(0, rows, 3)}
    assert list(said) == list(range(rows))
    for number, verdict in said.items():
        text = text_of(number)
        state = "refused" if text == "nonsense" else "match" if text in listed_texts else "clear"
        assert (number, verdict["state"]) == (number, state)


def distinct(rows: int) -> int:
    return len({text_of(number) for number in range(rows)} - {"nonsense"})


def asked(rows: int) -> int:
    return sum(text_of(number) != "nonsense" for number in range(rows))


async def disturbed(
    client: AllianceClient, work: Job, disturb: Callable[[], None], every: int
) -> dict[int, dict[str, Any]]:
    """Do a job in one call, disturbed every so many rows."""
    said: dict[int, dict[str, Any]] = {}
    async for number, row in results(client, work):
        said[number] = row
        if number % every == every - 1:
            disturb()
    return said


@pytest.mark.usefixtures("small_batches")
async def test_a_contribution_goes_on_after_cuts_in_one_call(new_hub_folder: NewFolder) -> None:
    async with behind_a_proxy(new_hub_folder) as (hub, client, proxy):
        said = await disturbed(client, job("contribute"), proxy.reset, ROWS // 4)
        assert proxy.resets >= 4
        check_contributed(said, ROWS)
        books = Books(hub, "a")
        assert books.filed() == books.evaluated(Purpose.CONTRIBUTION) == distinct(ROWS)
        books.check_registry()
        books.check_charges()


@pytest.mark.usefixtures("small_batches")
async def test_a_screening_goes_on_after_cuts_in_one_call(new_hub_folder: NewFolder) -> None:
    async with behind_a_proxy(new_hub_folder) as (hub, client, proxy):
        await listed(hub)
        said = await disturbed(client, job("screen"), proxy.reset, ROWS // 4)
        assert proxy.resets >= 4
        check_screened(said, ROWS)
        assert Books(hub, "a").evaluated(Purpose.PORTFOLIO_SCREENING) == asked(ROWS)
        Books(hub, "a").check_charges()


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    ("kind", "direction"),
    [
        ("contribute", "up"),
        ("contribute", "down"),
        ("screen", "down"),
        pytest.param("screen", "up", marks=pytest.mark.nightly),
    ],
)
async def test_a_reset_inside_a_frame_costs_nothing(new_hub_folder: NewFolder, kind: str, direction: str) -> None:
    chance = random.Random(f"{kind} {direction}")  # noqa: S311 - where a frame is torn is no secret
    async with behind_a_proxy(new_hub_folder) as (hub, client, proxy):
        await listed(hub)
        await client.sync()

        def tear() -> None:
            proxy.reset_after(direction, chance.randint(1, 4_000))

        tear()
        said = await disturbed(client, job(kind), tear, ROWS // 6)
        assert proxy.resets >= 2
        books = Books(hub, "a")
        if kind == "contribute":
            check_contributed(said, ROWS)
            assert books.filed() == books.evaluated(Purpose.CONTRIBUTION) == distinct(ROWS)
        else:
            check_screened(said, ROWS)
            assert books.evaluated(Purpose.PORTFOLIO_SCREENING) == asked(ROWS)
        books.check_registry()
        books.check_charges()


async def test_a_slow_network_delays_and_changes_nothing(new_hub_folder: NewFolder) -> None:
    rows = 200
    async with behind_a_proxy(new_hub_folder) as (hub, client, proxy):
        await listed(hub, rows)
        proxy.delay_seconds, proxy.bytes_a_second = 0.01, 400_000
        check_contributed(await disturbed(client, job("contribute", rows), lambda: None, 1), rows)
        check_screened(await disturbed(client, job("screen", rows), lambda: None, 1), rows)
        Books(hub, "a").check_charges()


async def test_a_black_hole_leaves_the_verdict_open_and_asking_again_settles_it(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a"):
            pass
        async with through_proxy(hub.folder.parent / "a", clock=hub.clock, deadline_ms=700) as (client, proxy):
            await client.sync()

            async def ask() -> Any:
                signed = Consent.of("signed")
                return await client.screen(subject(1), purpose="loan_application", consent=signed, request_id="app-1")

            proxy.swallow()
            verdict = await ask()
            assert (verdict.state, verdict.action.word) == (State.UNKNOWN, "step_up")
            assert verdict.fields[0].reason in {"deadline", "hub_unavailable"}
            assert not verdict.is_final
            proxy.mend()
            while not (verdict := await ask()).is_final:
                pass
            assert verdict.state is State.CLEAR
            assert Books(hub, "a").evaluated(Purpose.LOAN_APPLICATION) == 1


async def test_a_hub_that_never_answers_the_first_call_leaves_the_verdict_open(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a"):
            pass
        async with through_proxy(hub.folder.parent / "a", clock=hub.clock, deadline_ms=700) as (client, proxy):
            proxy.swallow()
            subjects = Subject("C-1", phone=text_of(1), ip="8.8.8.8")
            verdict = await client.screen(subjects, purpose=PORTFOLIO, consent=BASIS)
            assert [field.state for field in verdict.fields] == [State.UNKNOWN] * 2
            assert {field.reason for field in verdict.fields} <= {"deadline", "hub_unavailable"}
            assert Books(hub, "a").evaluated(Purpose.PORTFOLIO_SCREENING) == 0


@pytest.mark.usefixtures("small_batches")
async def test_a_contribution_into_a_black_hole_says_so_and_goes_on_when_run_again(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_stream, "CHUNK_SECONDS", 0.5)
    monkeypatch.setattr(claim_stream, "TOTAL_SECONDS", 1.0)
    monkeypatch.setattr(contribution_flow, "EVALUATION_SECONDS", 1.0)
    async with behind_a_proxy(new_hub_folder) as (hub, client, proxy):
        work = job("contribute")
        with pytest.raises(HubUnavailable):
            await disturbed(client, work, proxy.swallow, ROWS // 4)
        proxy.mend()
        monkeypatch.undo()
        monkeypatch.setattr(contribution_flow, "MAX_ROWS", BATCH)
        check_contributed(await disturbed(client, work, lambda: None, ROWS), ROWS)
        books = Books(hub, "a")
        assert books.filed() == distinct(ROWS)
        assert books.evaluated(Purpose.CONTRIBUTION) <= distinct(ROWS) + contribution_flow.OPEN_CHUNKS * BATCH
        books.check_registry()
        books.check_charges()


# -- a hub that is away for a while ------------------------------------------------------------------------------

OUTLASTS_EVERY_TRY = 8.0
"""Seconds: more than the pauses between the tries of a call come to at most."""


@pytest.mark.usefixtures("small_batches")
@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["contribute", "screen"])
async def test_one_call_gets_over_a_hub_that_is_away_for_seconds(new_hub_folder: NewFolder, kind: str) -> None:
    async with behind_a_proxy(new_hub_folder) as (hub, client, proxy):
        await listed(hub)
        await client.sync()
        outage: list[asyncio.Task[None]] = []

        def go_away() -> None:
            if not outage:
                outage.append(asyncio.create_task(proxy.refuse(OUTLASTS_EVERY_TRY)))

        said = await disturbed(client, job(kind), go_away, ROWS // 4)
        await outage[0]
        (check_contributed if kind == "contribute" else check_screened)(said, ROWS)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.nightly
async def test_a_run_that_begins_while_the_hub_is_away_waits_for_it(new_hub_folder: NewFolder) -> None:
    """Nothing is known yet: epochs and filter are waited for as much as answers are."""
    async with behind_a_proxy(new_hub_folder) as (hub, client, proxy):
        await listed(hub)
        outage = asyncio.create_task(proxy.refuse(OUTLASTS_EVERY_TRY))
        await asyncio.sleep(0)
        said = {number: row async for number, row in results(client, job("screen"))}
        await outage
        check_screened(said, ROWS)


async def restarted(process: HubProcess, restarts: list[str]) -> None:
    """Restart a hub two seconds after it serves, asked to stop and killed by turns, for ever."""
    while True:
        await asyncio.sleep(2)
        if len(restarts) % 2:
            await asyncio.to_thread(process.stop)
        else:
            process.kill()
        await process.start()
        restarts.append("restarted")


async def in_small_steps(client: AllianceClient, work: Job) -> dict[int, dict[str, Any]]:
    """Do a job at the pace of a slow caller, so that it takes long enough."""
    said: dict[int, dict[str, Any]] = {}
    async for number, row in results(client, work):
        said[number] = row
        if row.get("outcome") != "unchanged":
            await asyncio.sleep(0.005)
    return said


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("contribute", 700),
        pytest.param("screen", 700, marks=pytest.mark.nightly),
        pytest.param("contribute", 4000, marks=pytest.mark.nightly),
        pytest.param("screen", 4000, marks=pytest.mark.nightly),
    ],
)
async def test_a_hub_that_restarts_every_two_seconds_loses_nothing(tmp_path: Path, kind: str, rows: int) -> None:
    restarts: list[str] = []
    async with hub_process(tmp_path / "hub") as (process, hub):
        if kind == "screen":
            await listed(hub, rows)
        async with lender(hub, "a") as client:
            filed = Books(hub, "lister").filed()

            async def is_complete() -> bool:
                return (await client.sync()).sequence >= filed

            await until(is_complete)
            restarting = asyncio.create_task(restarted(process, restarts))
            try:
                said, repetitions = await until_whole(client, job(kind, rows), in_small_steps)
            finally:
                restarting.cancel()
                await asyncio.gather(restarting, return_exceptions=True)
        print(f"{len(restarts)} restarts, {repetitions} repetitions")  # noqa: T201 - the figures of the run
        assert restarts
        (check_contributed if kind == "contribute" else check_screened)(said, rows)
        Books(hub, "a").check_registry()
        Books(hub, "a").check_charges()


async def until_whole(
    client: AllianceClient, work: Job, do: Callable[[AllianceClient, Job], Awaitable[dict[int, dict[str, Any]]]]
) -> tuple[dict[int, dict[str, Any]], int]:
    """Do a job as the manual says: a contribution is run again, and what is not settled is screened again."""
    said: dict[int, dict[str, Any]] = {}
    repetitions = 0
    while True:
        left = [number for number in work.numbers if not said.get(number, {}).get("final")]
        try:
            said |= await do(client, replace(work, numbers=left))
        except HubUnavailable:
            assert work.kind == "contribute"
        else:
            if work.kind == "contribute" or all(verdict["final"] for verdict in said.values()):
                return said, repetitions
        repetitions += 1
