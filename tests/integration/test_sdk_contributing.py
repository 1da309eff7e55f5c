"""Contributing as a flow of chunks: order, what says the same, what stops half way and is taken up again."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, Tamper, contribute, lender, row, screen

from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category, ClaimStatus, SubjectRole
from alliance.testing import FakeClock
from member_client import (
    AllianceClient,
    ContributionOutcome,
    ContributionResult,
    ContributionRow,
    HubError,
    IllegalTransition,
    InvalidUse,
    NotFound,
    PreviewOutcome,
    State,
)
from member_client import contributing as flow

NewFolder = Callable[[], Path]
SOON = FakeClock().now_ms() + DAY_MS

ACCEPTED, UNCHANGED, REFUSED = (
    ContributionOutcome.ACCEPTED,
    ContributionOutcome.UNCHANGED,
    ContributionOutcome.REFUSED,
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "MAX_ROWS", 8)


def numbered(count: int) -> list[ContributionRow]:
    return [row(phone, row_number=place) for place, phone in enumerate(PHONES[:count])]


async def collect(client: AllianceClient, rows: list[ContributionRow], results: list[ContributionResult]) -> None:
    async for result in client.contribute(rows):
        results.append(result)


async def results_of(client: AllianceClient, rows: list[ContributionRow]) -> list[ContributionResult]:
    results: list[ContributionResult] = []
    await collect(client, rows, results)
    return results


def filed(hub: RunningHub) -> int:
    state = hub.hub.store.read_now(lambda transaction: transaction.filters.state(1))
    assert state is not None
    return state.sequence


async def test_many_chunks_come_back_in_order_and_an_earlier_row_goes_before(new_hub_folder: NewFolder) -> None:
    rows = numbered(60)
    rows[9] = row(PHONES[3], row_number=9)  # the same, a chunk later
    rows[59] = row(PHONES[3], row_number=59)  # and many chunks later
    rows[40] = row(PHONES[4], row_number=40, expires_at=SOON)  # the same identifier, something else said
    rows[20] = row("123", row_number=20)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        results = await results_of(a, rows)
        assert [result.row_number for result in results] == list(range(60))
        others = {9: UNCHANGED, 59: UNCHANGED, 40: REFUSED, 20: REFUSED}
        assert [result.outcome for result in results] == [others.get(place, ACCEPTED) for place in range(60)]
        assert results[9].entry_id == results[59].entry_id == results[3].entry_id
        assert results[40].reason == "live_claim_exists"
        assert filed(hub) == 56


class Forgetful:
    """Loses the acknowledgements of one chunk that was filed."""

    def __init__(self, chunk: int) -> None:
        self._left = chunk

    def __call__(self, reply: Any) -> None:
        self._left -= 1
        if self._left == 0:
            del reply.results[:]


async def test_after_a_chunk_that_failed_nothing_is_sent_and_the_next_run_goes_on(new_hub_folder: NewFolder) -> None:
    rows = numbered(80)
    tamper = Tamper("Contribute", Forgetful(3))
    tamper.active = True
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub:
        async with lender(hub, "a") as a:
            before: list[ContributionResult] = []
            with pytest.raises(HubError):
                await collect(a, rows, before)
            assert [result.outcome for result in before] == [ACCEPTED] * 16
            assert filed(hub) == 24  # the third chunk is filed though nobody said so; no later one was sent
        async with lender(hub, "a") as a:
            results = await results_of(a, rows)
            # What was filed without an acknowledgement is sent once more as it was, and known again.
            assert [result.outcome for result in results] == [UNCHANGED] * 24 + [ACCEPTED] * 56
            assert results[:16] == [ContributionResult(it.row_number, UNCHANGED, entry_id=it.entry_id) for it in before]
            assert filed(hub) == 80
            assert a.usage.evaluations <= 56
            again = await results_of(a, rows)
            assert {result.outcome for result in again} == {UNCHANGED}
            assert [result.entry_id for result in again] == [result.entry_id for result in results]


async def test_a_consumer_that_stops_leaves_a_run_that_can_be_taken_up(new_hub_folder: NewFolder) -> None:
    rows = numbered(80)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        stream = cast("AsyncGenerator[ContributionResult, None]", a.contribute(rows))
        first = await anext(stream)
        await stream.aclose()
        assert first.outcome is ACCEPTED
        results = await results_of(a, rows)
        assert {result.outcome for result in results} == {ACCEPTED, UNCHANGED}
        assert results[0] == ContributionResult(0, UNCHANGED, entry_id=first.entry_id)
        assert filed(hub) == 80


async def test_what_was_withdrawn_is_refused_unless_it_is_relisted_and_then_stands(new_hub_folder: NewFolder) -> None:
    rows = numbered(20)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        first = await contribute(a, rows)
        await a.withdraw(first[5].entry_id, reason="filed_in_error")
        refused = await results_of(a, rows)
        assert [(it.row_number, it.reason) for it in refused if it.outcome is not UNCHANGED] == [
            (5, "withdrawn_before")
        ]
        assert "--relist" in refused[5].how_to_fix
        assert [(it.outcome, it.reason) async for it in a.preview(rows[5:6])] == [
            (PreviewOutcome.REFUSED, "withdrawn_before")
        ]
        assert [it.outcome async for it in a.preview(rows[5:6], relist=True)] == [PreviewOutcome.NEW]
        second = [result async for result in a.contribute(rows, relist=True)]
        assert [result.row_number for result in second if result.outcome is not UNCHANGED] == [5]
        assert second[5].outcome is ACCEPTED
        assert second[5].entry_id != first[5].entry_id
        third = await contribute(a, rows)
        assert {result.outcome for result in third} == {UNCHANGED}
        assert third[5].entry_id == second[5].entry_id


async def test_a_dry_run_finds_rows_that_contradict_earlier_ones_of_the_same_list(new_hub_folder: NewFolder) -> None:
    rows = numbered(3)
    twice = [*rows, rows[0], replace(rows[1], role=SubjectRole.CLIENT_VICTIM)]
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        told = [(it.outcome, it.reason) async for it in a.preview(twice)]
        assert [outcome for outcome, _ in told[:4]] == [PreviewOutcome.NEW] * 3 + [PreviewOutcome.UNCHANGED]
        assert told[4] == (PreviewOutcome.REFUSED, "live_claim_exists")


async def test_own_claims_are_found_by_their_identifier_in_any_spelling(new_hub_folder: NewFolder) -> None:
    rows = numbered(3)
    other = replace(rows[1], category=Category.PHISHING)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        results = await contribute(a, [*rows, other])
        mine = {results[1].entry_id, results[3].entry_id}
        spelled = rows[1].text.replace("+86", "0086 ")
        assert {claim.entry_id for claim in await a.find_claims(Kind.PHONE, spelled)} == mine
        await a.withdraw(results[1].entry_id, reason="filed_in_error")
        found = {claim.entry_id: claim for claim in await a.find_claims(Kind.PHONE, rows[1].text)}
        assert found.keys() == mine
        assert found[results[1].entry_id].reason == "filed_in_error"
        assert await b.find_claims(Kind.PHONE, rows[1].text) == []
        with pytest.raises(InvalidUse, match="this is no phone"):
            await a.find_claims(Kind.PHONE, "1")


def changed(rows: list[ContributionRow], *places: int) -> list[ContributionRow]:
    """Give rows some of which name another role."""
    role = SubjectRole.CLIENT_VICTIM
    return [replace(it, role=role) if it.row_number in places else it for it in rows]


async def live(client: AllianceClient) -> set[bytes]:
    return {claim.entry_id async for claim in client.claims(live_only=True)}


async def test_what_changed_is_refused_without_a_charge_and_amended_where_that_is_asked_for(
    new_hub_folder: NewFolder,
) -> None:
    rows = numbered(20)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        first = await contribute(a, rows)
        evaluated = a.usage.evaluations
        refused = await results_of(a, changed(rows, 3, 12))
        assert [it.row_number for it in refused if it.outcome is REFUSED] == [3, 12]
        assert {it.reason for it in refused if it.outcome is REFUSED} == {"live_claim_exists"}
        assert a.usage.evaluations == evaluated

        amended = [result async for result in a.contribute(changed(rows, 3, 12), amend=True)]
        assert [it.row_number for it in amended if it.outcome is ContributionOutcome.AMENDED] == [3, 12]
        assert {it.outcome for it in amended} == {ContributionOutcome.AMENDED, UNCHANGED}
        assert (await a.claim(first[3].entry_id)).status is ClaimStatus.CORRECTED
        assert await live(a) == {it.entry_id for it in amended}
        await hub.settle()
        (verdict,) = await screen(b, PHONES[3:4])
        assert [match.role for match in verdict.matches] == [SubjectRole.CLIENT_VICTIM]

        again = [result async for result in a.contribute(changed(rows, 3, 12), amend=True)]
        assert {it.outcome for it in again} == {UNCHANGED}


async def test_a_member_that_lost_its_journal_finds_its_own_claims(new_hub_folder: NewFolder) -> None:
    rows = numbered(20)
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a") as a:
            first = await contribute(a, rows)
        (a.profile.folder / "store.sqlite3").write_bytes(b"a disk that failed" * 1000)
        async with lender(hub, "a") as a:
            found = await results_of(a, changed(rows, 7))
            assert {it.outcome for it in found} == {UNCHANGED, REFUSED}
            assert [it.row_number for it in found if it.outcome is REFUSED] == [7]
            same = [it.row_number for it in found if it.outcome is UNCHANGED]
            assert [found[place].entry_id for place in same] == [first[place].entry_id for place in same]
            assert filed(hub) == 20
            # The journal is whole again for these: nothing is evaluated a second time.
            evaluated = a.usage.evaluations
            await results_of(a, [rows[place] for place in same])
            assert a.usage.evaluations == evaluated
            assert await live(a) == {it.entry_id for it in first}
            assert any("set aside" in finding.what for finding in await a.doctor())


async def test_a_preview_tells_what_would_become_of_rows_and_sends_none(new_hub_folder: NewFolder) -> None:
    rows = numbered(20)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await contribute(a, rows[:10])
        evaluated, sequence = a.usage.evaluations, filed(hub)
        asked = [*changed(rows, 2), row("123", row_number=20), row(PHONES[15], row_number=21)]
        results = [result async for result in a.preview(asked)]
        assert [result.row_number for result in results] == list(range(22))
        new, unchanged = [PreviewOutcome.NEW], [PreviewOutcome.UNCHANGED]
        expected = [*unchanged * 10, *new * 10, PreviewOutcome.REFUSED, *unchanged]
        expected[2] = PreviewOutcome.CHANGED
        assert [result.outcome for result in results] == expected
        assert results[20].reason == "not_a_valid_number"
        assert (a.usage.evaluations, filed(hub)) == (evaluated, sequence)


VICTIM = SubjectRole.CLIENT_VICTIM


async def test_one_claim_is_amended_by_its_entry_id_and_its_identifier(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        first, other = await contribute(a, numbered(2))
        amended = await a.amend(first.entry_id, row(f"{PHONES[0][:3]} {PHONES[0][3:]}", role=VICTIM))
        assert amended.outcome is ContributionOutcome.AMENDED
        assert (await a.claim(first.entry_id)).status is ClaimStatus.CORRECTED
        assert (await a.claim(amended.entry_id)).role is VICTIM
        assert await live(a) == {amended.entry_id, other.entry_id}
        await hub.settle()
        verdicts = await screen(b, PHONES[:2])
        assert [[it.role for it in verdict.matches] for verdict in verdicts] == [[VICTIM], [SubjectRole.PERPETRATOR]]
        # The list that it came from says so too, or is refused; what says the same is left as it is.
        again = await a.amend(amended.entry_id, row(PHONES[0], role=VICTIM))
        assert (again.outcome, again.entry_id) == (UNCHANGED, amended.entry_id)


async def test_a_claim_is_not_amended_by_a_row_about_something_else(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        first, other = await contribute(a, numbered(2))
        sequence = filed(hub)
        for about_other in (
            row(PHONES[1], role=VICTIM),  # another claim of this member stands on it
            row(PHONES[2], role=VICTIM),  # nobody's
            row(PHONES[0], role=VICTIM, category=Category.PHISHING),
            row("someone@example.com", Kind.EMAIL, role=VICTIM),
            row("123", role=VICTIM),
        ):
            with pytest.raises(InvalidUse):
                await a.amend(first.entry_id, about_other)
        for client, entry in ((a, bytes(16)), (b, first.entry_id)):
            with pytest.raises(NotFound):
                await client.amend(entry, row(PHONES[0], role=VICTIM))
        assert filed(hub) == sequence
        assert await live(a) == {first.entry_id, other.entry_id}
        assert {it.outcome for it in await results_of(a, numbered(2))} == {UNCHANGED}


async def test_only_a_claim_that_stands_is_amended(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        (first,) = await contribute(a, numbered(1))
        await a.withdraw(first.entry_id, reason="filed_in_error")
        sequence = filed(hub)
        with pytest.raises(IllegalTransition):
            await a.amend(first.entry_id, row(PHONES[0], role=VICTIM))
        assert (filed(hub), await live(a)) == (sequence, set())


async def test_rows_come_from_an_async_generator_too(new_hub_folder: NewFolder) -> None:
    async def generated() -> AsyncGenerator[ContributionRow, None]:
        for it in numbered(20):
            yield it

    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        results = [result async for result in a.contribute(generated())]
        assert [result.row_number for result in results] == list(range(20))
        assert (await screen(a, PHONES[:1]))[0].state is State.CLEAR
