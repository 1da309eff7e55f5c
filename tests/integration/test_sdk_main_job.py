"""The main job through the SDK, on SQLite and PostgreSQL: contribute, screen, withdraw, audit."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, contribute, lender, row, screen

from alliance.identifiers import Kind
from alliance.taxonomy import Action, Category, EvidenceLevel, SubjectRole
from alliance.testing import FakeClock
from member_client import (
    AllianceClient,
    BudgetExhausted,
    ConflictingRetry,
    Consent,
    ConsentMissing,
    ContributionOutcome,
    HubUnavailable,
    NotAuthenticated,
    NotFound,
    Replayed,
    State,
    Subject,
    Verdict,
)

IDENTIFIERS = {
    "phone": (Kind.PHONE, "+86 131 2345 6789", "13123456789"),
    "resident_id": (Kind.RESIDENT_ID, "360426199101010071", "360426 19910101 0071"),
    "uscc": (Kind.USCC, "91110000600037341L", "91110000600037341l"),
    "imei": (Kind.IMEI, "354178036859789", "35-417803-685978-9"),
    "email": (Kind.EMAIL, "Someone@Example.com", "someone@example.com"),
    "domain": (Kind.DOMAIN, "bücher.example.com", "xn--bcher-kva.example.com"),
    "ip": (Kind.IP, "8.8.8.8", "::ffff:8.8.8.8"),
    "oaid": (Kind.DEVICE, "oaid:" + "1f" * 16, "1F" * 16),
    "account": (Kind.ACCOUNT, "qq:123456789", "qq:123456789"),
}
"""By field: kind, as contributed, as asked for."""


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
async def hub(
    request: pytest.FixtureRequest, tmp_path: Path, new_hub_folder: Callable[[], Path]
) -> AsyncIterator[RunningHub]:
    if request.param == "sqlite":
        folder, database = new_hub_folder(), ""
    else:
        folder, database = tmp_path / "hub", request.getfixturevalue("postgres").migrated()
    async with running_hub(folder, database) as running:
        yield running


async def test_every_kind_is_found_however_it_is_written(hub: RunningHub) -> None:
    async with lender(hub, "a") as a, lender(hub, "b") as b:
        about = {Kind.DOMAIN: Category.PHISHING}  # no site is a mule's
        stated = [(kind, text, about.get(kind, Category.MULE_ACCOUNT)) for kind, text, _ in IDENTIFIERS.values()]
        await contribute(a, [row(text, kind, category=category) for kind, text, category in stated])
        await hub.settle()
        asked = {field: text for field, (_, _, text) in IDENTIFIERS.items()}
        verdict = await b.screen(Subject.of("C-1", asked), purpose=PORTFOLIO, consent=BASIS)
        assert {one.field for one in verdict.matches} == set(IDENTIFIERS)
        assert {one.contributor for one in verdict.matches} == {"a"}
        assert verdict.state is State.MATCH
        assert verdict.action is Action.INFORM


@pytest.mark.parametrize("hub", ["sqlite", "postgresql"], indirect=True)
async def test_a_list_is_found_and_nothing_else(hub: RunningHub) -> None:
    async with lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(phone) for phone in PHONES[:300]])
        await hub.settle()
        verdicts = await screen(b, PHONES[250:400])
        assert [verdict.ref for verdict in verdicts] == [f"C-{place}" for place in range(150)]
        assert [verdict.state for verdict in verdicts] == [State.MATCH] * 50 + [State.CLEAR] * 100


async def test_own_claims_are_left_out(hub: RunningHub) -> None:
    async with lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(PHONES[0])])
        await contribute(b, [row(PHONES[1])])
        await hub.settle()
        assert [verdict.state for verdict in await screen(a, PHONES[:2])] == [State.CLEAR, State.MATCH]


async def test_a_withdrawn_claim_matches_nobody(hub: RunningHub) -> None:
    async with lender(hub, "a") as a, lender(hub, "b") as b:
        (result,) = await contribute(a, [row(PHONES[0])])
        await hub.settle()
        assert (await screen(b, PHONES[:1]))[0].state is State.MATCH
        await a.withdraw(result.entry_id, reason="filed_in_error")
        await a.withdraw(result.entry_id, reason="filed_in_error")
        assert (await screen(b, PHONES[:1]))[0].state is State.CLEAR
        assert not [claim async for claim in a.claims(live_only=True)]
        with pytest.raises(NotFound):
            await b.withdraw(result.entry_id, reason="filed_in_error")


async def test_what_stands_is_unchanged_and_costs_nothing(hub: RunningHub) -> None:
    async with lender(hub, "a") as a:
        rows = [row(phone) for phone in PHONES[:20]]
        await contribute(a, rows)
        used = a.usage.evaluations
        again = [result async for result in a.contribute(rows)]
        assert {result.outcome for result in again} == {ContributionOutcome.UNCHANGED}
        assert a.usage.evaluations == used


async def test_one_bad_row_loses_nothing_else(hub: RunningHub) -> None:
    async with lender(hub, "a") as a:
        rows = [
            row(PHONES[0]),
            row("123"),
            row(PHONES[1]),
            row(PHONES[2], evidence=EvidenceLevel.E4, evidence_digest=bytes(32)),
        ]
        results = [result async for result in a.contribute(rows)]
        outcomes = [result.outcome for result in results]
        accepted, refused = ContributionOutcome.ACCEPTED, ContributionOutcome.REFUSED
        assert outcomes == [accepted, refused, accepted, refused]
        assert all("123" not in result.reason + result.how_to_fix for result in results)


async def test_the_strongest_field_decides_and_bad_ones_do_not_hide(hub: RunningHub) -> None:
    async with lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(PHONES[0], role=SubjectRole.CLIENT_VICTIM)])
        await hub.settle()
        verdict = await b.screen(
            Subject("C-1", phone=PHONES[0], resident_id="nonsense"), purpose=PORTFOLIO, consent=BASIS
        )
        assert verdict.state is State.MATCH
        assert [one.state for one in verdict.fields] == [State.MATCH, State.REFUSED]
        refused = await b.screen(Subject("C-2", phone="nonsense"), purpose=PORTFOLIO, consent=BASIS)
        assert refused.state is State.REFUSED
        half = await b.screen(Subject("C-3", phone=PHONES[9], email="x"), purpose=PORTFOLIO, consent=BASIS)
        assert half.state is State.REFUSED


@pytest.mark.parametrize("hub", ["sqlite", "postgresql"], indirect=True)
async def test_the_same_request_is_answered_once_and_charged_once(hub: RunningHub) -> None:
    async with lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        ask = partial(b.screen, purpose="loan_application", consent=Consent.of(b"signed"), request_id="app-1")
        first = await ask(Subject("C-1", phone=PHONES[0]))
        used = b.usage.evaluations
        again = await ask(Subject("C-1", phone=PHONES[0]))
        assert again.state is first.state is State.MATCH
        assert b.usage.evaluations == used
        with pytest.raises(ConflictingRetry):
            await ask(Subject("C-1", phone=PHONES[1]))


async def test_consent_is_asked_for_before_anything_is_sent(hub: RunningHub) -> None:
    async with lender(hub, "b") as b:
        with pytest.raises(ConsentMissing):
            await b.screen(Subject("C-1", phone=PHONES[0]), purpose="loan_application")
        assert b.usage.evaluations == 0


async def test_a_stale_filter_clears_nobody(hub: RunningHub) -> None:
    async with lender(hub, "b") as b:
        assert (await screen(b, PHONES[:1]))[0].state is State.CLEAR
        await hub.stop_maintenance()
        hub.clock.advance(minutes=6)
        (verdict,) = await screen(b, PHONES[:1])
        assert verdict.state is State.UNKNOWN
        assert verdict.fields[0].reason == "stale"
        assert verdict.action is Action.STEP_UP


async def test_a_hub_that_is_away_is_unknown_or_raised(hub: RunningHub) -> None:
    async with (
        lender(hub, "b", deadline_ms=3_000) as b,
        lender(hub, "c", deadline_ms=3_000, on_unavailable="raise") as c,
    ):
        await b.sync()
        await c.sync()
        await hub.hub.stop()
        subject = Subject("C-1", phone=PHONES[0])
        verdict = await b.screen(subject, purpose=PORTFOLIO, consent=BASIS)
        assert (verdict.state, verdict.action) == (State.UNKNOWN, Action.STEP_UP)
        with pytest.raises(HubUnavailable):
            await c.screen(subject, purpose=PORTFOLIO, consent=BASIS)


async def test_a_clock_that_is_wrong_is_told(hub: RunningHub) -> None:
    async with lender(hub, "b") as b:
        await b.sync()
        skewed = FakeClock()
        skewed.advance(minutes=3)
        async with lender(hub, "b", clock=skewed) as late:
            with pytest.raises(Replayed):
                [result async for result in late.contribute([row(PHONES[0])])]


async def test_a_revoked_member_is_refused_on_the_next_call(hub: RunningHub) -> None:
    async with lender(hub, "b") as b:
        await b.sync()
        await hub.hub.enrolment.revoke("b")
        with pytest.raises(NotAuthenticated):
            await screen(b, PHONES[:1])


async def test_conflicting_claims_give_the_mildest_of_the_best_founded(hub: RunningHub) -> None:
    async with lender(hub, "a") as a, lender(hub, "c") as c, lender(hub, "b") as b:
        documented: dict[str, Any] = {"evidence": EvidenceLevel.E3, "evidence_digest": sha256(b"file").digest()}
        await contribute(a, [row(PHONES[0], **documented)])
        assert (await _verdict(hub, b)).action is Action.DECLINE_WITH_HUMAN
        await contribute(c, [row(PHONES[0], role=SubjectRole.CLIENT_VICTIM, **documented)])
        verdict = await _verdict(hub, b)
        assert verdict.action is Action.INFORM
        assert {one.contributor for one in verdict.matches} == {"a", "c"}
        assert {one.category for one in verdict.matches} == {Category.MULE_ACCOUNT}


async def _verdict(hub: RunningHub, client: AllianceClient) -> Verdict:
    await hub.settle()
    await client.sync()
    return (await screen(client, PHONES[:1]))[0]


async def test_members_see_their_own_events_and_no_identifier(hub: RunningHub) -> None:
    async with lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        await screen(b, PHONES[:2])
        events = [entry async for entry in b.events()]
        actions = [entry.action for entry in events]
        assert actions.count("evaluation:evaluate") == 1
        assert "claim:contribute" not in actions
        assert PHONES[0] not in repr(events)


async def test_a_spent_budget_says_when_to_come_back(tmp_path: Path, new_hub_folder: Callable[[], Path]) -> None:
    settings = {"budgets": {"portfolio_screening": 5}}
    async with running_hub(new_hub_folder(), config=settings) as hub, lender(hub, "b") as b:
        await screen(b, PHONES[:5])
        with pytest.raises(BudgetExhausted) as caught:
            await screen(b, PHONES[5:6])
        assert caught.value.retry_at is not None
        assert caught.value.exit_code == 6
        hub.clock.advance(days=1)
        await hub.settle()
        assert (await screen(b, PHONES[5:6]))[0].state is State.CLEAR
