"""One epoch after the other: begun, re-tagged into, active, retired and destroyed, without a gap in answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, contribute, lender, row, screen

from alliance_server.services import epochs
from member_client import AllianceClient, RetagReport, State

NewFolder = Callable[[], Path]
LISTED = PHONES[:30]
OTHERS = PHONES[500:520]


@dataclass
class Alliance:
    """A hub whose epochs are moved by hand, with two lenders that list and one that screens."""

    hub: RunningHub
    first: AllianceClient
    second: AllianceClient
    reader: AllianceClient

    async def step(self, work: Callable[[Any, int, int], None], number: int) -> None:
        """Take an epoch's step, and let the hub do what follows of it."""
        now = self.hub.clock.now_ms()
        await self.hub.hub.store.write(lambda transaction: work(transaction, number, now))
        await self.turn()

    async def turn(self) -> None:
        await self.hub.hub.epochs.turn()
        await self.hub.settle()

    async def look(self) -> None:
        """Have all lenders hear of what is new."""
        for client in (self.first, self.second, self.reader):
            await client.sync()

    def state(self, number: int) -> str:
        found = self.hub.hub.store.read_now(lambda transaction: transaction.epochs.get(number))
        return found.state.name.lower() if found else "none"


@asynccontextmanager
async def alliance(folder: Path, **options: Any) -> AsyncIterator[Alliance]:
    async with (
        running_hub(folder, **options) as hub,
        lender(hub, "first") as first,
        lender(hub, "second") as second,
        lender(hub, "reader") as reader,
    ):
        yield Alliance(hub, first, second, reader)


async def states(client: AllianceClient, texts: Any) -> list[State]:
    return [verdict.state for verdict in await screen(client, texts)]


async def listed(made: Alliance) -> None:
    await contribute(made.first, [row(text, case_reference=f"K-{text[-3:]}") for text in LISTED[:20]])
    await contribute(made.second, [row(text) for text in LISTED[10:]])
    await made.turn()
    await made.look()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres").empty())


async def test_claims_follow_and_nothing_is_missed_on_the_way(database: str, tmp_path: Path) -> None:
    async with alliance(tmp_path / "hub", database=database) as made:
        await listed(made)
        before = {claim.kind: claim for claim in [it async for it in made.first.claims()]}
        assert len(before) == 1

        async def nothing_is_missed() -> None:
            verdicts = await screen(made.reader, [*LISTED, *OTHERS])
            assert [it.state for it in verdicts] == [State.MATCH] * 30 + [State.CLEAR] * 20
            # What two epochs show is one claim.
            assert [len(it.matches) for it in verdicts[:30]] == [1] * 10 + [2] * 10 + [1] * 10

        await nothing_is_missed()
        await made.step(epochs.begin, 2)
        await made.look()
        await nothing_is_missed()
        assert await made.first.retag() == RetagReport(2, 20, 0, 0)
        assert await made.first.retag() == RetagReport(2)
        await made.turn()
        await nothing_is_missed()
        # Half of the alliance has followed: the rest is in the first epoch alone.
        await made.step(epochs.activate, 2)
        assert (made.state(1), made.state(2)) == ("retiring", "active")
        await nothing_is_missed()
        await made.look()
        await nothing_is_missed()
        assert (await made.second.retag()).retagged == 20
        await made.turn()
        await nothing_is_missed()
        await made.look()
        assert made.reader.usage.evaluations > 0
        asked = made.reader.usage.evaluations
        await nothing_is_missed()
        assert made.reader.usage.evaluations == asked + 50, "one epoch is asked once all have followed"
        await made.step(epochs.retire, 1)
        await nothing_is_missed()
        assert not [it async for it in made.first.claims() if it.epoch == 1]
        # What the contributor's journal knows has followed, too: the same list is no news.
        again = await contribute(made.first, [row(text, case_reference=f"K-{text[-3:]}") for text in LISTED[:20]])
        assert {it.outcome.value for it in again} == {"unchanged"}
