"""SIGKILL at seeded points, hub and lender by turns: nothing acknowledged is lost, nothing is doubled, results equal.

A lender whose runs are killed is held against one that nobody disturbed, at the same hub. `ALLIANCE_CHAOS_SEED`
repeats a run.
"""

import asyncio
import json
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.books import Books
from support.forked import ForkedWithPipes
from support.hub import RunningHub
from support.kills import Ordeal, seed_of, unforeseen, until
from support.lender_process import Job, claim_row, member_client, results, text_of
from support.process import HubProcess, hub_process
from support.sdk import contribute, lender

from alliance.clock import SystemClock
from alliance.taxonomy import DAY_MS, Purpose
from member_client import AllianceClient
from member_client.cli.endings import NOT_SETTLED, ROWS_REFUSED
from member_client.contributing import OPEN_CHUNKS
from member_client.screening import OPEN_BATCHES

FEW, MANY = 4, 100
SEED = 20_260_301
SCREENED_FROM = 140_000
"""Numbers that the contributions do not touch."""


@dataclass(frozen=True)
class Stage:
    """A hub that may be killed, and its undisturbed lender."""

    process: HubProcess
    hub: RunningHub
    ends_at: int

    def books(self, member: str) -> Books:
        return Books(self.hub, member)

    def job(self, kind: str, member: str, numbers: range, batch: int = 1024) -> Job:
        return Job(kind, str(self.hub.folder.parent / member), numbers, batch, self.ends_at)

    async def complete_filter(self, client: AllianceClient) -> None:
        """Wait until a client's filter holds all claims that are filed.

        The lease of a hub that was killed holds its successor up for half a minute; here it ends at once.
        """
        filed = self.books("").number("SELECT count(*) FROM claims")
        with self.hub.hub.store.engine.begin() as connection:
            connection.execute(sa.text("UPDATE leases SET expires_at = 0"))

        async def is_complete() -> bool:
            return (await client.sync()).sequence >= filed

        await until(is_complete)

    async def enrolled(self, member: str) -> None:
        async with lender(self.hub, member):
            pass

    async def undisturbed(self, job: Job, member: str) -> dict[int, dict[str, Any]]:
        """Do a job as another member, in this process and in peace."""
        async with lender(self.hub, member) as client:
            return {number: said async for number, said in results(client, job)}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres").migrated())


@asynccontextmanager
async def staged(folder: Path, database: str) -> AsyncIterator[Stage]:
    async with hub_process(folder / "hub", database) as (process, hub):
        yield Stage(process, hub, SystemClock().now_ms() + 60 * DAY_MS)


async def contribution_survives(stage: Stage, seed: int, points: int, rows: int, batch: int) -> str:
    """Kill runs of a contribution, one member's after another's, until there were so many points."""
    chance = random.Random(seed)  # noqa: S311 - points of a test, to be had again
    calm = await stage.undisturbed(stage.job("contribute", "calm", range(rows)), "calm")
    expected = stage.books("calm").stated()
    done, rounds, told = 0, 0, []
    while done < points:
        member = f"killed-{rounds}"
        await stage.enrolled(member)
        books = stage.books(member)
        ordeal = Ordeal(stage.process, books, stage.job("contribute", member, range(rows), batch), chance)
        await ordeal.run(points - done, rows_between=max(1, rows // points))
        _compare_claims(ordeal, calm, books, expected)
        distinct, interrupted = books.filed(), ordeal.tally.interrupted
        assert books.evaluated(Purpose.CONTRIBUTION) <= distinct + interrupted * OPEN_CHUNKS * batch
        done, rounds = done + ordeal.tally.points, rounds + 1
        told.append(str(ordeal.tally))
    await _found_by_others(stage, rows)
    return "\n".join(told)


def _compare_claims(
    ordeal: Ordeal, calm: dict[int, dict[str, Any]], books: Books, expected: list[tuple[Any, ...]]
) -> None:
    assert books.stated() == expected
    assert set(ordeal.entries.values()) == books.entries()
    books.check_registry()
    books.check_charges()
    assert ordeal.results.keys() == calm.keys()
    for number, said in ordeal.results.items():
        assert (said["outcome"] == "refused", said["reason"]) == (
            calm[number]["outcome"] == "refused",
            calm[number]["reason"],
        )
        assert ordeal.entries.get(number, "") == said["entry"]


async def _found_by_others(stage: Stage, rows: int) -> None:
    """Every claim that stands is in the filter and in its bucket, whenever its hub was killed."""
    some = range(0, rows, max(1, rows // 300))
    async with lender(stage.hub, "reader") as reader:
        await stage.complete_filter(reader)
        job = Job("screen", "", some, 0)
        async for number, said in results(reader, job):
            wanted = "refused" if text_of(number) == "nonsense" else "match"
            assert (number, said["state"]) == (number, wanted)


async def screening_survives(stage: Stage, seed: int, points: int, rows: int, batch: int) -> str:
    """Kill runs of a screening until there were so many points; what has a verdict is not asked again."""
    chance = random.Random(seed)  # noqa: S311 - points of a test, to be had again
    numbers = range(SCREENED_FROM, SCREENED_FROM + rows)
    async with lender(stage.hub, "lister") as lister:
        listed = [claim_row(number, stage.ends_at) for number in numbers[::7]]
        await contribute(lister, [row for row in listed if row.text != "nonsense"])
    async with lender(stage.hub, "screener-calm") as client:
        await stage.complete_filter(client)
    calm = await stage.undisturbed(stage.job("screen", "", numbers), "screener-calm")
    assert {said["state"] for said in calm.values()} == {"match", "clear", "refused"}
    done, rounds, told = 0, 0, []
    while done < points:
        member = f"screener-{rounds}"
        await stage.enrolled(member)
        books = stage.books(member)
        ordeal = Ordeal(stage.process, books, stage.job("screen", member, numbers, batch), chance)
        await ordeal.run(points - done, rows_between=max(1, rows // points))
        assert ordeal.results == calm
        books.check_charges()
        interrupted = ordeal.tally.interrupted + ordeal.tally.victims["hub"]
        assert books.evaluated(Purpose.PORTFOLIO_SCREENING) <= rows + interrupted * OPEN_BATCHES * batch
        done, rounds = done + ordeal.tally.points, rounds + 1
        told.append(str(ordeal.tally))
    return "\n".join(told)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_contribution_survives_a_few_kills(tmp_path: Path, database: str) -> None:
    async with staged(tmp_path, database) as stage:
        await contribution_survives(stage, seed_of(SEED), FEW, rows=400, batch=32)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_screening_survives_a_few_kills(tmp_path: Path, database: str) -> None:
    async with staged(tmp_path, database) as stage:
        await screening_survives(stage, seed_of(SEED), FEW, rows=400, batch=32)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_command_is_run_again_after_each_kill_and_ends_whole(tmp_path: Path, database: str) -> None:
    chance = random.Random(seed_of(SEED))  # noqa: S311 - points of a test, to be had again
    rows = 6000
    async with staged(tmp_path, database) as stage:
        await stage.enrolled("killed")
        books = stage.books("killed")
        last_day = datetime.fromtimestamp(stage.ends_at / 1000, UTC).date()
        lines = [f"phone,{text_of(number)}" for number in range(rows)]
        (tmp_path / "list.csv").write_text("\n".join(["kind,identifier", *lines]))
        options = ["--category", "mule_account", "--role", "perpetrator", "--expires", str(last_day), "--json"]
        command = ["--profile", str(tmp_path / "killed"), "contribute", "list.csv", *options]
        for victim in ("lender", "hub"):
            under_way = await member_client(command, tmp_path)
            goal = books.filed() + chance.randint(1, 1500)
            await until(partial(_is_there, under_way, books, goal))
            await asyncio.sleep(chance.uniform(0, 0.05))
            assert under_way.returncode is None, "the run ended before its point"
            if victim == "lender":
                under_way.kill()
            else:  # the run gets over it, or says that the hub is away
                stage.process.kill()
                await stage.process.start()
            await under_way.communicate()
            assert under_way.returncode in {-signal.SIGKILL, ROWS_REFUSED, NOT_SETTLED}
        last = await member_client(command, tmp_path)
        said, _ = await last.communicate()
        assert last.returncode == ROWS_REFUSED
        document = json.loads(said)
        distinct = {text_of(number) for number in range(rows)} - {"nonsense"}
        assert document["accepted"] + document["unchanged"] == rows - document["refused"]
        assert books.filed() == len(books.entries()) == len(distinct)
        books.check_registry()
        books.check_charges()


def _is_there(under_way: ForkedWithPipes, books: Books, goal: int) -> bool:
    return under_way.returncode is not None or books.filed() >= goal


@pytest.mark.nightly
async def test_a_contribution_survives_a_hundred_kills(tmp_path: Path, database: str) -> None:
    seed = seed_of(unforeseen())
    async with staged(tmp_path, database) as stage:
        print(await contribution_survives(stage, seed, MANY, rows=20_000, batch=64))  # noqa: T201 - the soak's figures


@pytest.mark.nightly
async def test_a_screening_survives_a_hundred_kills(tmp_path: Path, database: str) -> None:
    seed = seed_of(unforeseen())
    async with staged(tmp_path, database) as stage:
        print(await screening_survives(stage, seed, MANY, rows=20_000, batch=64))  # noqa: T201 - the soak's figures
