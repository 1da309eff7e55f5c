"""Clocks that are an hour wrong, the hub's or a member's: nothing is evaluated, it is said why, and it mends itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.books import Books
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, contribute, lender, row, screen

from alliance.taxonomy import Purpose
from alliance.testing import FakeClock
from member_client import AllianceClient, Consent, State, Subject, Verdict
from member_client.errors import AllianceClientError, ClockWrong, FilterRolledBack, Replayed

NewFolder = Callable[[], Path]
SKEWS = [("member", 1), ("member", -1), ("hub", 1), ("hub", -1)]
EXIT_CODES = {Replayed: 6, ClockWrong: 3, FilterRolledBack: 7}


@dataclass(frozen=True)
class Stage:
    """A hub that is two hours old, and a member whose filter is in force; each has a clock of its own."""

    hub: RunningHub
    client: AllianceClient
    newcomer: AllianceClient
    clock: FakeClock

    def clock_of(self, side: str) -> FakeClock:
        return self.clock if side == "member" else self.hub.clock

    def evaluated(self, purpose: Purpose = Purpose.PORTFOLIO_SCREENING) -> int:
        return Books(self.hub, self.client.profile.member).evaluated(purpose)


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    clock = FakeClock()
    async with (
        running_hub(folder, config={"maintenance_seconds": 60}) as hub,
        lender(hub, "lister") as lister,
        lender(hub, "member", clock=clock) as client,
        lender(hub, "newcomer", clock=clock, on_unavailable="step_up") as newcomer,
    ):
        # Certificates and the epoch are older than any clock here is wrong.
        hub.clock.advance(hours=2)
        clock.advance(hours=2)
        await contribute(lister, [row(PHONES[0])])
        await hub.settle()
        await client.sync()
        yield Stage(hub, client, newcomer, clock)


async def ask(client: AllianceClient, request_id: str | None = None) -> Verdict:
    return await client.screen(Subject("C-1", phone=PHONES[0]), purpose=PORTFOLIO, consent=BASIS, request_id=request_id)


async def failure(client: AllianceClient, what: str) -> AllianceClientError:
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "sync": client.sync,
        "screen": lambda: ask(client, "app-1"),
        "contribute": lambda: contribute(client, [row(PHONES[1])]),
    }
    with pytest.raises(AllianceClientError) as raised:
        await calls[what]()
    return raised.value


@pytest.mark.parametrize(("side", "hours"), SKEWS)
async def test_nothing_is_evaluated_by_a_wrong_clock_and_it_mends_itself(
    new_hub_folder: NewFolder, side: str, hours: int
) -> None:
    async with staged(new_hub_folder()) as stage:
        stage.clock_of(side).advance(hours=hours)
        await stage.hub.settle()
        for what in ("screen", "contribute"):
            error = await failure(stage.client, what)
            assert (type(error), error.exit_code) == (Replayed, 6)
            assert "clock" in str(error)
        assert stage.evaluated() == stage.evaluated(Purpose.CONTRIBUTION) == 0

        stage.clock_of(side).advance(hours=-hours)
        await stage.hub.settle()
        verdict = await ask(stage.client, "app-1")
        assert verdict.state is State.MATCH
        assert (await ask(stage.client, "app-1")).request_id == verdict.request_id
        await contribute(stage.client, [row(PHONES[1])])
        assert stage.evaluated() == stage.evaluated(Purpose.CONTRIBUTION) == 1
        Books(stage.hub, "member").check_charges()


@pytest.mark.parametrize(
    ("side", "hours", "said"),
    [("member", -1, ClockWrong), ("hub", 1, ClockWrong), ("hub", -1, FilterRolledBack)],
)
async def test_a_filter_of_another_hour_is_not_taken_over(
    new_hub_folder: NewFolder, side: str, hours: int, said: type[AllianceClientError]
) -> None:
    async with staged(new_hub_folder()) as stage:
        stage.clock_of(side).advance(hours=hours)
        await stage.hub.settle()
        error = await failure(stage.client, "sync")
        assert (type(error), error.exit_code) == (said, EXIT_CODES[said])
        if said is ClockWrong:  # nor by somebody who has no filter yet, and is not told of a rollback
            assert type(await failure(stage.newcomer, "screen")) is ClockWrong
        stage.clock_of(side).advance(hours=-hours)
        await stage.hub.settle()
        assert (await stage.client.sync()).listings == (await stage.newcomer.sync()).listings
        assert (await ask(stage.newcomer)).state is State.MATCH


async def test_a_hub_whose_filter_looks_an_hour_old_clears_nobody(new_hub_folder: NewFolder) -> None:
    async with staged(new_hub_folder()) as stage:
        stage.hub.clock.advance(hours=-1)
        await stage.hub.settle()
        report = await stage.newcomer.sync()
        assert report.filter_age_ms > 50 * 60 * 1000
        with pytest.raises(Replayed):
            await screen(stage.newcomer, PHONES[:2])
        assert Books(stage.hub, "newcomer").evaluated(Purpose.PORTFOLIO_SCREENING) == 0


@pytest.mark.parametrize(
    ("side", "hours"),
    [
        ("member", 1),
        ("hub", -1),
        pytest.param("member", -1, marks=pytest.mark.nightly),
        pytest.param("hub", 1, marks=pytest.mark.nightly),
    ],
)
async def test_a_clock_that_jumps_during_a_contribution_stops_it_and_it_goes_on_when_right_again(
    new_hub_folder: NewFolder, side: str, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("member_client.contributing.MAX_ROWS", 16)
    rows = [row(phone, row_number=place, expires_at=None) for place, phone in enumerate(PHONES[:200])]
    async with staged(new_hub_folder()) as stage:

        async def contribute_while_it_jumps() -> None:
            async for result in stage.client.contribute(rows):
                if result.row_number == 100:
                    stage.clock_of(side).advance(hours=hours)

        with pytest.raises(Replayed):
            await contribute_while_it_jumps()
        stage.clock_of(side).advance(hours=-hours)
        await contribute(stage.client, rows)
        books = Books(stage.hub, "member")
        assert books.filed() == len(rows)
        books.check_registry()
        books.check_charges()


async def test_a_hub_whose_clock_is_put_back_a_little_raises_no_alarm(new_hub_folder: NewFolder) -> None:
    async with staged(new_hub_folder()) as stage:
        stage.hub.clock.advance(seconds=20)
        await stage.hub.hub.maintenance.rebuild(1)
        await stage.hub.settle()
        await stage.client.sync()
        stage.hub.clock.advance(seconds=-20)
        async with lender(stage.hub, "lister") as lister:
            await contribute(lister, [row(PHONES[2])])
        await stage.hub.settle()
        assert (await stage.client.sync()).sequence == 2
        await stage.hub.hub.maintenance.rebuild(1)
        await stage.hub.settle()
        report = await stage.client.sync()
        assert report.sequence == 2
        verdict = await stage.client.screen(
            Subject("C-2", phone=PHONES[2]), purpose="loan_application", consent=Consent.of("signed")
        )
        assert verdict.state is State.MATCH
