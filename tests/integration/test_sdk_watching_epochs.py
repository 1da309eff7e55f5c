"""A watched book as one epoch follows another: nothing is told twice, nothing is missed, nothing old is left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, contribute, lender, row

from alliance.taxonomy import ClaimStatus
from alliance_server.services import epochs
from member_client import AllianceClient, Consent, Subject, WatchEvent, WatchKind, _following
from member_client._book import following

NewFolder = Callable[[], Path]
MINE = PHONES[:6]


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is re-tagged before a test says so."""
    monkeypatch.setattr(_following, "DELAY_SECONDS", 3600.0)


async def step(hub: RunningHub, work: Callable[[Any, int, int], None], number: int) -> None:
    now = hub.clock.now_ms()
    await hub.hub.store.write(lambda transaction: work(transaction, number, now))
    await turn(hub)


async def turn(hub: RunningHub) -> None:
    # The second turn sees what the filter holds that the first one waits for.
    for _ in range(2):
        await hub.hub.epochs.turn()
        await hub.settle()


async def told(client: AllianceClient, after: int) -> list[WatchEvent]:
    await client.sync()
    return [event async for event in client.watch(after, follow=False)]


async def test_matches_that_stay_are_silent_through_a_change_of_epochs(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "TAGGED_A_LOOK", 1)
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "c") as c,
        lender(hub, "b") as b,
    ):
        await contribute(a, [row(text) for text in MINE[:2]])
        await contribute(c, [row(text) for text in MINE[1:3]])
        await turn(hub)
        for text in MINE:
            # Each basis has a segment of its own, so that evaluating them anew takes several looks.
            await b.watch_add([Subject(f"C-{text[-3:]}", phone=text)], consent=Consent.of(text[-3:]))
        assert [event.number for event in await told(b, 0)] == [1, 2, 3, 4]
        used = (await b.watch_status()).evaluations
        for client in (a, b, c):
            await client.sync()
        await step(hub, epochs.begin, 2)
        await a.sync()
        await a.retag()
        assert await told(b, 4) == []
        await step(hub, epochs.activate, 2)
        # Half of the alliance has followed, and the book has not: both epochs are looked at.
        for _ in range(3):
            assert await told(b, 4) == []
        await c.sync()
        await c.retag()
        await turn(hub)
        for _ in range(len(MINE)):
            assert await told(b, 4) == []
        assert (await b.watch_status()).evaluations == used + len(MINE)
        (claim,) = await contribute(a, [row(MINE[4])])
        await turn(hub)
        (event,) = await told(b, 4)
        assert (event.kind, event.entry_id, event.number) == (WatchKind.MATCH_NEW, claim.entry_id, 5)
        await step(hub, epochs.retire, 1)
        for client in (a, b, c):
            await client.sync()
        assert await told(b, 5) == []
        status = await b.watch_status()
        assert (status.matches, status.identifiers) == (5, 6)
        # What is known by its new name ends by its new name.
        mine = [it async for it in a.claims(live_only=True)]
        await a.withdraw(mine[0].entry_id, reason="settled")
        (gone,) = await told(b, 5)
        assert (gone.kind, gone.status) == (WatchKind.MATCH_CLEARED, ClaimStatus.WITHDRAWN)


async def test_what_does_not_follow_into_the_next_epoch_is_cleared_with_the_old_one(
    new_hub_folder: NewFolder,
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(MINE[0])])
        await turn(hub)
        await b.watch_add([Subject("C-0", phone=MINE[0])], consent=BASIS)
        assert len(await told(b, 0)) == 1
        await step(hub, epochs.begin, 2)
        (claim,) = [it async for it in a.claims()]
        await step(hub, epochs.activate, 2)
        assert await told(b, 1) == []
        await a.withdraw(claim.entry_id, reason="settled")
        await turn(hub)
        (gone,) = await told(b, 1)
        assert (gone.kind, gone.reason, gone.entry_id) == (WatchKind.MATCH_CLEARED, "settled", claim.entry_id)
