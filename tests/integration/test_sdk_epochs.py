"""One epoch after the other: begun, re-tagged into, active, retired and destroyed, without a gap in answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.kills import until
from support.sdk import BASIS, PHONES, PORTFOLIO, Silence, Tamper, contribute, lender, row, screen

from alliance.identifiers import Kind
from alliance.taxonomy import ClaimStatus, SubjectRole
from alliance_server.services import epochs
from member_client import (
    AllianceClient,
    NotFound,
    RetagReport,
    State,
    StatementInvalid,
    Subject,
    _following,
    contributing,
)

NewFolder = Callable[[], Path]
LISTED = PHONES[:30]
OTHERS = PHONES[500:520]


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is re-tagged before a test says so."""
    monkeypatch.setattr(_following, "DELAY_SECONDS", 3600.0)


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
        # The second turn sees what the filter holds that the first one waits for.
        for _ in range(2):
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


async def loses_its_store(client: AllianceClient) -> None:
    await client.close()
    for path in client.profile.state_folder.glob("store.sqlite3*"):
        path.unlink()


async def listed(made: Alliance) -> None:
    await contribute(made.first, [row(text, case_reference=f"K-{text[-3:]}") for text in LISTED[:20]])
    await contribute(made.second, [row(text) for text in LISTED[10:]])
    await made.turn()
    await made.look()


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.nightly), "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres").migrated())


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


# -- own claims as their epoch changes -------------------------------------------------------------------------------


async def test_a_withdrawal_ends_a_claim_in_both_epochs(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as made:
        await listed(made)
        (claim,) = await made.first.find_claims(Kind.PHONE, LISTED[0])
        await made.step(epochs.begin, 2)
        await made.look()
        await made.first.retag()
        await made.second.retag()
        (shown,) = await made.first.find_claims(Kind.PHONE, LISTED[0])
        assert (shown.epoch, shown.predecessor) == (2, claim.entry_id)
        assert (shown.expires_at, shown.filed_at) == (claim.expires_at, claim.filed_at)
        # By its old name, while both epochs are there.
        gone = await made.first.withdraw(claim.entry_id, reason="filed_in_error")
        assert gone.status is ClaimStatus.WITHDRAWN
        assert (await made.first.claim(shown.entry_id)).status is ClaimStatus.WITHDRAWN
        for step, number in ((epochs.activate, 2), (epochs.retire, 1)):
            await made.step(step, number)
            await made.look()
            assert await states(made.reader, LISTED[:2]) == [State.CLEAR, State.MATCH]
        # By its old name, once the old epoch is gone: the machine that re-tagged it knows the new one.
        await made.turn()
        (other,) = await made.first.find_claims(Kind.PHONE, LISTED[1])
        assert (await made.first.claim(other.predecessor)).entry_id == other.entry_id
        with pytest.raises(NotFound):
            await made.second.claim(other.predecessor)


async def test_a_claim_is_amended_whichever_epoch_serves(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as made:
        await listed(made)
        await made.step(epochs.begin, 2)
        await made.look()
        await made.first.retag()
        (claim,) = await made.first.find_claims(Kind.PHONE, LISTED[0])
        assert claim.epoch == 2
        # The epoch that serves is the first one still: the claim is amended there, and the new one follows.
        changed = row(LISTED[0], role=SubjectRole.RECRUITER)
        await made.first.amend(claim.entry_id, changed)
        assert (await made.first.retag()).retagged == 1
        (newer,) = await made.first.find_claims(Kind.PHONE, LISTED[0])
        assert (newer.role, newer.epoch) == (SubjectRole.RECRUITER, 2)
        await made.step(epochs.activate, 2)
        await made.look()
        assert (await made.second.retag()).retagged == 20
        await made.turn()
        await made.look()
        (verdict,) = await screen(made.reader, LISTED[:1])
        assert {match.role for match in verdict.matches} == {SubjectRole.RECRUITER}


async def test_who_lost_their_store_contributes_again_and_withdraws_the_rest(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as made:
        await listed(made)
        await loses_its_store(made.first)
        await made.step(epochs.begin, 2)
        await made.look()
        assert await made.first.retag() == RetagReport(2, 0, 20, 0)
        await made.second.retag()
        await made.step(epochs.activate, 2)
        await made.look()
        await contribute(made.first, [row(text) for text in LISTED[:20]])
        report = await made.first.retag(withdraw_rest="machine_replaced")
        assert (report.retagged, report.withdrawn) == (0, 20)
        await made.turn()
        await made.step(epochs.retire, 1)
        await made.look()
        assert await states(made.reader, LISTED) == [State.MATCH] * 30


async def test_a_list_that_is_contributed_again_in_time_can_be_re_tagged(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as made:
        await listed(made)
        await loses_its_store(made.first)
        again = await contribute(made.first, [row(text) for text in LISTED[:20]])
        assert {it.outcome.value for it in again} == {"unchanged"}
        await made.step(epochs.begin, 2)
        await made.look()
        assert await made.first.retag() == RetagReport(2, 20)


# -- by itself ---------------------------------------------------------------------------------------------------


async def test_an_open_client_follows_by_itself(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_following, "DELAY_SECONDS", 0.0)
    async with alliance(new_hub_folder()) as made:
        await listed(made)
        await made.step(epochs.begin, 2)
        await made.look()  # the facts are fetched, as they are every ten minutes
        async with asyncio.timeout(60):
            store, now = made.hub.hub.store, made.hub.clock.now_ms()
            await until(lambda: not store.read_now(lambda it: it.claims.laggards(1, now)))


async def test_a_reader_learns_from_the_filter_that_another_epoch_serves(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as made:
        await listed(made)
        await made.step(epochs.begin, 2)
        await made.step(epochs.activate, 2)
        await made.first.sync()
        await contribute(made.first, [row(text) for text in OTHERS[:1]])
        await made.turn()
        # The reader's facts are minutes old, its filter half a minute: the next look at that tells.
        made.hub.clock.advance(seconds=31)
        await made.turn()
        await screen(made.reader, OTHERS[:1])

        async def is_seen() -> bool:
            return await states(made.reader, OTHERS[:1]) == [State.MATCH]

        async with asyncio.timeout(60):
            await until(is_seen)


async def test_a_run_goes_on_where_it_stopped_though_the_epoch_changed(new_hub_folder: NewFolder) -> None:
    silence = Silence("GetBuckets")
    async with alliance(new_hub_folder(), interceptors=[silence]) as made:
        await listed(made)
        texts = [*LISTED, *OTHERS]
        subjects = [Subject(f"C-{place}", phone=text) for place, text in enumerate(texts)]

        async def run() -> list[State]:
            asked = made.reader.screen_many(subjects, purpose=PORTFOLIO, consent=BASIS, request_id="nightly")
            return [verdict.state async for verdict in asked]

        silence.active = True
        stopped = asyncio.create_task(run())
        await silence.reached.wait()
        stopped.cancel()
        await asyncio.gather(stopped, return_exceptions=True)
        silence.active = False
        await made.step(epochs.begin, 2)
        await made.step(epochs.activate, 2)
        await made.look()
        assert await run() == [State.MATCH] * 30 + [State.CLEAR] * 20


async def test_rows_that_meet_the_change_on_their_way_are_filed_in_the_next_epoch(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = contributing._exchanged
    async with alliance(new_hub_folder()) as made:
        await listed(made)

        async def late(*args: Any) -> Any:
            if made.state(2) == "none":
                await made.step(epochs.begin, 2)
                await made.step(epochs.activate, 2)
            return await sending(*args)

        monkeypatch.setattr(contributing, "_exchanged", late)
        await contribute(made.first, [row(text) for text in OTHERS])
        (claim,) = await made.first.find_claims(Kind.PHONE, OTHERS[0])
        assert claim.epoch == 2


# -- a hub that lies -----------------------------------------------------------------------------------------------


async def test_a_hub_cannot_have_another_claim_withdrawn(new_hub_folder: NewFolder) -> None:
    victim: list[bytes] = []
    tamper = Tamper("GetClaim", lambda reply: setattr(reply.claim, "successor", victim[0]))
    async with alliance(new_hub_folder(), interceptors=[tamper]) as made:
        await listed(made)
        ours, theirs = [(await made.first.find_claims(Kind.PHONE, text))[0] for text in LISTED[:2]]
        victim.append(theirs.entry_id)
        tamper.active = True
        with pytest.raises(StatementInvalid, match="re-tagged"):
            await made.first.withdraw(ours.entry_id, reason="filed_in_error")
        tamper.active = False
        for claim in (ours, theirs):
            assert (await made.first.claim(claim.entry_id)).status is ClaimStatus.ACTIVE


async def test_a_filter_without_what_was_re_tagged_clears_nobody(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as made:
        await listed(made)
        await made.step(epochs.begin, 2)
        await made.look()  # the next filter is here, and empty
        await made.hub.stop_maintenance()
        await made.first.retag()
        await made.second.retag()
        now = made.hub.clock.now_ms()
        await made.hub.hub.store.write(lambda transaction: epochs.activate(transaction, 2, now))
        await made.hub.hub.epochs.turn()
        await made.look()
        # All is re-tagged, and nobody says so before the filter has it: both are asked.
        assert await states(made.reader, LISTED) == [State.MATCH] * 30
        await made.turn()
        await made.turn()
        await made.hub.hub.store.write(lambda transaction: epochs.retire(transaction, 1, now))
        assert await states(made.reader, LISTED) == [State.MATCH] * 30
