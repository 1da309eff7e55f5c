"""The fixture that users' tests hold: a hub in their process, its clock, its faults, from sync and async tests."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alliance.development import MAGIC
from alliance.errors import Reason
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, Purpose, SubjectRole
from alliance_server.testing import AllianceHub, alliance_hub
from member_client import (
    AllianceClient,
    BudgetExhausted,
    Consent,
    ContributionOutcome,
    ContributionRow,
    EpochNotServed,
    HubUnavailable,
    KeyNotConfirmed,
    Kind,
    NotPermitted,
    State,
    Subject,
    TokenRefused,
    Verdict,
    enrol,
    fingerprint,
)

__all__ = ["alliance_hub"]

LISTED, OTHER, JUDGED = "13123456789", "13123456780", "13123456781"
BASIS = Consent.of("basis-2026-03")


async def ask(client: AllianceClient, phone: str = LISTED) -> Verdict:
    return await client.screen(Subject("C-1", phone=phone), purpose=Purpose.PORTFOLIO_SCREENING, consent=BASIS)


def asked(hub: AllianceHub, phone: str = LISTED, name: str = "lender-b") -> Verdict:
    """Ask as a synchronous test does."""
    with hub.client(name).blocking as client:
        return client.screen(Subject("C-1", phone=phone), purpose=Purpose.PORTFOLIO_SCREENING, consent=BASIS)


# -- who uses it -----------------------------------------------------------------------------------------------------


def test_a_synchronous_test_screens(alliance_hub: AllianceHub) -> None:
    assert asked(alliance_hub).state is State.CLEAR
    claim = alliance_hub.file_claim("phone", "+86 131 2345 6789", category="telecom_fraud", evidence="E3")
    verdict = asked(alliance_hub)
    assert (verdict.state, verdict.action) == (State.MATCH, Action.DECLINE_WITH_HUMAN)
    (match,) = verdict.matches
    assert (match.entry_id, match.contributor, match.category) == (
        claim.entry_id,
        "other-lender",
        Category.TELECOM_FRAUD,
    )
    alliance_hub.withdraw(claim)
    assert asked(alliance_hub).state is State.CLEAR


def test_a_blocking_client_that_stays_sees_what_is_filed(alliance_hub: AllianceHub) -> None:
    subject = Subject("C-1", phone=LISTED)
    with alliance_hub.client("lender-b").blocking as client:
        assert client.screen(subject, purpose=Purpose.PORTFOLIO_SCREENING, consent=BASIS).state is State.CLEAR
        alliance_hub.file_claim("phone", LISTED)
        (verdict,) = client.screen_many([subject], purpose=Purpose.PORTFOLIO_SCREENING, consent=BASIS)
        assert verdict.state is State.MATCH


async def test_an_asynchronous_test_screens_with_a_client_that_stays(alliance_hub: AllianceHub) -> None:
    async with alliance_hub.client("lender-b") as client:
        assert (await ask(client)).state is State.CLEAR
        claim = alliance_hub.file_claim(Kind.PHONE, LISTED, role=SubjectRole.CLIENT_VICTIM, by="lender-c")
        assert [match.contributor for match in (await ask(client)).matches] == ["lender-c"]
        assert alliance_hub.file_claim(Kind.PHONE, LISTED, role=SubjectRole.CLIENT_VICTIM, by="lender-c") == claim
        alliance_hub.withdraw(claim)
        assert (await ask(client)).state is State.CLEAR


async def test_claims_of_the_program_under_test_are_seen_once_it_is_settled(alliance_hub: AllianceHub) -> None:
    row = ContributionRow(Kind.PHONE, LISTED, Category.MULE_ACCOUNT, SubjectRole.PERPETRATOR, EvidenceLevel.E1)
    async with alliance_hub.client("lender-b") as client, alliance_hub.client("lender-a") as program:
        assert (await ask(client)).state is State.CLEAR
        assert [it.outcome async for it in program.contribute([row])] == [ContributionOutcome.ACCEPTED]
        alliance_hub.settle()
        assert (await ask(client)).state is State.MATCH


def test_a_program_finds_its_profile_by_the_environment(
    alliance_hub: AllianceHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLIANCE_HOME", str(alliance_hub.profile("lender-b").folder))

    async def program() -> State:
        async with AllianceClient.from_env() as client:
            return (await ask(client)).state

    assert asyncio.run(program()) is State.CLEAR


async def test_enrolment_itself_can_be_tested(alliance_hub: AllianceHub, tmp_path: Path) -> None:
    bundle = alliance_hub.bundle("newcomer")
    profile = await enrol(bundle, tmp_path / "one", clock=alliance_hub.clock)
    assert (profile.member, profile.alliance, profile.hub) == ("newcomer", "test", alliance_hub.address)
    with pytest.raises(TokenRefused):
        await enrol(bundle, tmp_path / "two", clock=alliance_hub.clock)
    async with AllianceClient(profile, clock=alliance_hub.clock) as client:
        with pytest.raises(KeyNotConfirmed):
            await client.sync()
        alliance_hub.confirm("newcomer", fingerprint(profile))
        await client.sync()


def test_device_ids_are_named_as_in_subjects(alliance_hub: AllianceHub) -> None:
    alliance_hub.file_claim("oaid", "1f" * 16, category="device_farm")
    with alliance_hub.client("lender-b").blocking as client:
        subject = Subject("C-1", oaid="1F" * 16)
        assert client.screen(subject, purpose=Purpose.PORTFOLIO_SCREENING, consent=BASIS).state is State.MATCH


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AllianceHub]:
    """A hub for several tests, as a user would make it."""
    with AllianceHub(tmp_path_factory.mktemp("alliance")) as hub:
        yield hub


def test_a_hub_of_a_wider_scope_serves(shared_hub: AllianceHub) -> None:
    assert asked(shared_hub, OTHER).state is State.CLEAR


def test_the_machine_s_settings_do_not_reach_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_HUB_ALLIANCE", "production")
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", "postgresql+psycopg://nowhere.invalid/production")
    monkeypatch.setenv("ALLIANCE_PASSPHRASE", "one")
    with AllianceHub(tmp_path) as hub:
        assert os.environ["ALLIANCE_PASSPHRASE"] == "one"
        monkeypatch.setenv("ALLIANCE_PASSPHRASE", "another")
        hub.stop()
        hub.start()
        assert hub.profile("lender-b").alliance == "test"


def test_the_best_evidence_is_countersigned(shared_hub: AllianceHub) -> None:
    shared_hub.file_claim("phone", JUDGED, evidence="E5")
    (match,) = asked(shared_hub, JUDGED).matches
    assert (match.evidence, match.status) == (EvidenceLevel.E5, ClaimStatus.ACTIVE)


# -- what is misused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"category": "bad_debt"}, "mule_account"),
        ({"role": "debtor"}, "client_victim"),
        ({"evidence": "E9"}, "e3"),
        ({"kind": "passport"}, "resident_id"),
        ({"text": "12"}, "not_a_valid_number"),
        ({"expires_in_days": 91}, "expiry_out_of_bounds"),
    ],
)
def test_a_claim_that_cannot_stand_is_refused_with_the_words_there_are(
    shared_hub: AllianceHub, words: dict[str, str], said: str
) -> None:
    stated = {"kind": "phone", "text": LISTED} | words
    with pytest.raises(ValueError, match=said):
        shared_hub.file_claim(stated.pop("kind"), stated.pop("text"), **stated)  # type: ignore[arg-type]


def test_unknown_methods_are_refused_with_the_names_there_are(shared_hub: AllianceHub) -> None:
    names = "ChangeClaimStatus, Contribute, CountersignClaim, Decide"
    with pytest.raises(ValueError, match=names):
        shared_hub.fail_next("Evaluation")
    with pytest.raises(ValueError, match=names):
        shared_hub.delay(10, "evaluate")
    with pytest.raises(ValueError, match="0 or more"):
        shared_hub.fail_next("Evaluate", times=-1)
    by_word: Any = "budget_exhausted"
    with pytest.raises(ValueError, match="reason is one of"):
        shared_hub.fail_next("Evaluate", reason=by_word)
    with pytest.raises(ValueError, match="0 or more"):
        shared_hub.delay(-1)


def test_the_clock_does_not_go_back(shared_hub: AllianceHub) -> None:
    with pytest.raises(ValueError, match="forward only"):
        shared_hub.clock.advance(days=-1)


# -- faults ----------------------------------------------------------------------------------------------------------


async def test_a_failure_that_passes_is_tried_again_and_a_hub_that_stays_busy_is_not_waited_for(
    alliance_hub: AllianceHub,
) -> None:
    async with (
        alliance_hub.client("lender-b") as client,
        alliance_hub.client("lender-b", deadline_ms=500) as hasty,
    ):
        alliance_hub.fail_next("Evaluate")
        assert (await ask(client)).state is State.CLEAR
        alliance_hub.fail_next("Evaluate", times=None)
        verdict = await ask(hasty)
        assert (verdict.state, verdict.action) == (State.UNKNOWN, Action.STEP_UP)
        alliance_hub.fail_next("Evaluate", times=0)
        assert (await ask(client)).state is State.CLEAR


async def test_a_failure_is_said_as_the_hub_says_it(alliance_hub: AllianceHub) -> None:
    async with alliance_hub.client("lender-b") as client:
        alliance_hub.fail_next("Evaluate", reason=Reason.BUDGET_EXHAUSTED)
        with pytest.raises(BudgetExhausted) as caught:
            await ask(client)
        assert caught.value.retry_at is not None
        assert 0 < caught.value.retry_at - alliance_hub.clock.now_ms() <= 24 * 60 * 60 * 1000
        assert (await ask(client)).state is State.CLEAR
        assert client.usage.evaluations == 1


async def test_a_streaming_call_fails_too(alliance_hub: AllianceHub) -> None:
    alliance_hub.file_claim("phone", LISTED)
    async with alliance_hub.client("lender-b") as client:
        alliance_hub.fail_next("GetBuckets", reason=Reason.NOT_PERMITTED)
        with pytest.raises(NotPermitted):
            await ask(client)
        assert (await ask(client)).state is State.MATCH


async def test_failures_can_be_taken_back_and_leave_the_fixture_s_own_calls_alone(alliance_hub: AllianceHub) -> None:
    alliance_hub.fail_next("Evaluate", reason=Reason.NOT_PERMITTED)
    alliance_hub.fail_next("Contribute", reason=Reason.NOT_PERMITTED)
    alliance_hub.file_claim("phone", LISTED)
    alliance_hub.fail_next("Evaluate", times=0)
    async with alliance_hub.client("lender-b") as client:
        assert (await ask(client)).state is State.MATCH


async def test_a_hub_that_is_too_slow_leaves_the_verdict_open(alliance_hub: AllianceHub) -> None:
    async with alliance_hub.client("lender-b", deadline_ms=500) as client:
        await client.ready(30)
        alliance_hub.delay(60_000, "Evaluate")
        verdict = await ask(client)
        assert (verdict.state, verdict.action) == (State.UNKNOWN, Action.STEP_UP)
        alliance_hub.delay(0, "Evaluate")
    async with alliance_hub.client("lender-b") as client:
        assert (await ask(client)).state is State.CLEAR


async def test_no_delay_at_all_ends_those_of_single_methods_too(alliance_hub: AllianceHub) -> None:
    async with alliance_hub.client("lender-b") as client:
        await client.ready(30)
        alliance_hub.delay(60_000, "Evaluate")
        alliance_hub.delay(0)
        assert (await ask(client)).state is State.CLEAR


async def test_what_is_held_is_let_go_when_the_delay_ends(alliance_hub: AllianceHub) -> None:
    async with alliance_hub.client("lender-b") as client:
        await client.ready(30)
        alliance_hub.delay(120_000)
        asking = asyncio.create_task(ask(client))
        await asyncio.sleep(0.2)
        assert not asking.done()
        alliance_hub.delay(0)
        assert (await asking).state is State.CLEAR


# -- a hub that is away ----------------------------------------------------------------------------------------------


async def test_a_hub_that_is_away_comes_back_with_all_it_knew(alliance_hub: AllianceHub) -> None:
    alliance_hub.file_claim("phone", LISTED)
    address = alliance_hub.address
    async with (
        alliance_hub.client("lender-b") as client,
        alliance_hub.client("lender-b", deadline_ms=300, on_unavailable="proceed") as hasty,
        alliance_hub.client("lender-b", deadline_ms=300, on_unavailable="raise") as strict,
    ):
        assert (await ask(client)).state is State.MATCH
        alliance_hub.stop()
        verdict = await ask(hasty)
        assert (verdict.state, verdict.action) == (State.UNKNOWN, Action.NONE)
        with pytest.raises(HubUnavailable):
            await ask(strict)
        with pytest.raises(RuntimeError, match="the hub is stopped"):
            alliance_hub.file_claim("phone", OTHER)
        alliance_hub.clock.advance(hours=1)
        alliance_hub.start()
        assert alliance_hub.address == address
        await client.ready(30)
        assert (await ask(client)).state is State.MATCH
        alliance_hub.file_claim("phone", OTHER)
        assert (await ask(client, OTHER)).state is State.MATCH


# -- the clock -------------------------------------------------------------------------------------------------------


async def test_a_claim_ends_with_its_time(alliance_hub: AllianceHub) -> None:
    alliance_hub.file_claim("phone", LISTED)
    alliance_hub.file_claim("phone", OTHER, evidence="E2", by="lender-c")
    async with alliance_hub.client("lender-b") as client:
        alliance_hub.clock.advance(days=89)
        assert (await ask(client)).state is State.MATCH
        alliance_hub.clock.advance(days=2)
        assert (await ask(client)).state is State.CLEAR
        assert (await ask(client, OTHER)).action is Action.STEP_UP
        assert (await client.sync()).listings == 1


def test_lenders_can_enrol_at_a_later_time(alliance_hub: AllianceHub) -> None:
    alliance_hub.clock.advance(days=100)
    alliance_hub.file_claim("phone", LISTED, expires_in_days=1)
    assert asked(alliance_hub).state is State.MATCH
    alliance_hub.clock.advance(days=1)
    assert asked(alliance_hub, name="lender-d").state is State.CLEAR


async def test_the_epoch_ends_after_180_days(alliance_hub: AllianceHub) -> None:
    async with alliance_hub.client("lender-b") as client:
        alliance_hub.clock.advance(days=179)
        assert (await ask(client)).state is State.CLEAR
        alliance_hub.clock.advance(days=1)
        with pytest.raises(EpochNotServed):
            await ask(client)


# -- magic identifiers ------------------------------------------------------------------------------------------------


async def test_magic_identifiers_are_refused_by_a_hub_of_another_name_before_anything_is_sent(
    alliance_hub: AllianceHub,
) -> None:
    subjects = [Subject(magic.outcome, phone=magic.phone, email=magic.email.upper()) for magic in MAGIC]
    identifiers = [identifier for magic in MAGIC for identifier in magic.identifiers()]
    rows = [
        ContributionRow(it.kind, it.canonical, Category.MULE_ACCOUNT, SubjectRole.PERPETRATOR, EvidenceLevel.E1)
        for it in identifiers
    ]
    async with alliance_hub.client("lender-b") as client:
        verdicts = [it async for it in client.screen_many(subjects, purpose="portfolio_screening", consent=BASIS)]
        results = [it async for it in client.contribute(rows)]
        assert {(it.state, it.action) for it in verdicts} == {(State.REFUSED, Action.STEP_UP)}
        assert {field.reason for it in verdicts for field in it.fields} == {"development_only"}
        assert {(it.outcome, it.reason) for it in results} == {(ContributionOutcome.REFUSED, "development_only")}
        assert all("alliance-server dev" in it.how_to_fix for it in results)
        assert client.usage.evaluations == client.usage.prefixes == 0
        actions = {event.action async for event in client.events()}
        assert "filter:header:get" in actions or "epoch:list" in actions
        assert not {action for action in actions if action.startswith(("evaluation", "bucket", "claim"))}
        alliance_hub.stop()
        alliance_hub.clock.advance(hours=1)
        away = [it async for it in client.screen_many(subjects, purpose="portfolio_screening", consent=BASIS)]
        assert {it.state for it in away} == {State.REFUSED}


# -- police cases -----------------------------------------------------------------------------------------------------


def test_a_liaison_has_officers_and_a_scope_and_both_functions_approve(alliance_hub: AllianceHub) -> None:
    liaison = alliance_hub.liaison()
    assert [it.name for it in liaison.officers] == ["officer-1", "officer-2"]
    narrowed = alliance_hub.liaison(instruments=["court_order"], categories=[Category.MULE_ACCOUNT])
    assert narrowed == liaison
    legal, duty = alliance_hub.approver("legal_approver"), alliance_hub.approver("duty_officer")
    assert [it.member for it in (liaison.profile, legal, duty)] == ["police", "legal-approver", "duty-officer"]
    with AllianceClient(liaison.profile, clock=alliance_hub.clock).blocking as client:
        assert {it.name for it in client.operators() if not it.retired_at} == {"officer-1", "officer-2"}
    with pytest.raises(ValueError, match="court_order is needed"):
        alliance_hub.liaison(instruments=["warrant"])
