"""Two-admin control over the wire: what one admin may do alone, what needs another, and what nobody may do."""

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, enrol_by_token, events_of, refuses, valid_elements

from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.fingerprints import fingerprint
from alliance.identifiers import BUILTIN, SuppressionList, suppression_list
from alliance.taxonomy import DAY_MS, Purpose
from alliance.v1 import admin_pb2, case_pb2, registry_pb2, taxonomy_pb2
from alliance.v1.admin_pb2 import Change, ProposalRecord
from alliance.v1.directory_pb2 import MEMBER_ROLE_ADMIN, MEMBER_ROLE_MEMBER
from alliance.v1.enrolment_pb2 import RenewCertificateRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR, INVITATION_LIFE_MS, MemberState, Role
from alliance_server.domain.policy import CONTROLS
from alliance_server.domain.proposals import MAX_OPEN, PROPOSAL_LIFE_MS, REVIEW_WITHIN_MS
from alliance_server.rpc.interceptors.authentication import Authenticator
from alliance_server.services.changes import Changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_MS = 60 * 60 * 1000
LIST_CLAIMS = registry_pb2.ListClaimsRequest()


@dataclass
class Alliance:
    """A hub with three admins and a member."""

    hub: RunningHub
    first: WireMember
    second: WireMember
    third: WireMember
    member: WireMember

    def state(self, member_id: str = "") -> MemberState:
        found = self.hub.hub.store.read_now(lambda it: it.members.get(member_id or self.member.id))
        assert found is not None
        return found.state

    async def made(self, change: Change) -> ProposalRecord:
        """Propose by the first and approve by the second, as far as it is needed."""
        proposal = self.first.proposal(change)
        record = await self.first.propose(proposal)
        if record.state == admin_pb2.PROPOSAL_STATE_OPEN:
            record = await self.second.decide(proposal, self.second.decision(proposal))
        assert record.state == admin_pb2.PROPOSAL_STATE_EFFECTIVE
        return record


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def founded(new_hub_folder: Callable[[], Path]) -> tuple[Path, list[WireMember]]:
    """A hub's folder with three admins and a member, for copies of it."""
    folder = new_hub_folder()
    async with running_hub(folder) as hub:
        enrolled = [await enrol(hub, name, Role.ADMIN) for name in ("first", "second", "third")]
        enrolled.append(await enrol(hub, "lender"))
        for caller in enrolled:
            await caller.close()
    return folder, enrolled


@asynccontextmanager
async def running_alliance(founded: tuple[Path, list[WireMember]], folder: Path) -> AsyncIterator[Alliance]:
    """Run a copy of the founded alliance's hub."""
    original, enrolled = founded
    shutil.copytree(original, folder)
    async with running_hub(folder) as hub:
        callers = [it.at(hub) for it in enrolled]
        yield Alliance(hub, *callers)
        for caller in callers:
            await caller.close()


@pytest_asyncio.fixture(loop_scope="module")
async def alliance(founded: tuple[Path, list[WireMember]], tmp_path: Path) -> AsyncIterator[Alliance]:
    """An alliance for one test alone."""
    async with running_alliance(founded, tmp_path / "hub") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unchanged(
    founded: tuple[Path, list[WireMember]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Alliance]:
    """An alliance with a liaison, for tests in which nothing is changed, nor left to be decided."""
    async with running_alliance(founded, tmp_path_factory.mktemp("unchanged") / "hub") as running:
        await prepared(running, "set_liaison_scope")
        yield running


def invitation(member: str = "newcomer", token: bytes = bytes(32), role: int = MEMBER_ROLE_MEMBER) -> Change:
    digest = sha256(token).digest()
    return Change(invite=admin_pb2.Invite(member=member, display_name="New", role=role, token_sha256=digest))  # type: ignore[arg-type]


def budget(items: int, resource: str = "portfolio_screening", member: str = "lender") -> Change:
    return Change(set_budget=admin_pb2.SetBudget(member=member, resource=resource, items=items))


def burst(items: int, resource: str = "portfolio_screening", member: str = "lender") -> Change:
    return Change(set_burst=admin_pb2.SetBurst(member=member, resource=resource, items=items))


def business(applications: int, customers: int, member: str = "lender") -> Change:
    declared = admin_pb2.DeclareBusiness(member=member, applications_a_day=applications, customers=customers)
    return Change(declare_business=declared)


SUSPEND = Change(suspend=admin_pb2.Suspend(member="lender"))
RESUME = Change(resume=admin_pb2.Resume(member="lender"))
OFFBOARD = Change(offboard=admin_pb2.Offboard(member="lender"))
REVOKE = Change(revoke_certificates=admin_pb2.RevokeCertificates(member="lender"))
KEY = SigningKey.generate()[0]
CONFIRM = Change(
    confirm_key=admin_pb2.ConfirmKey(member="stranger", identity_key_sha256=sha256(KEY.public_key).digest())
)
GROWN = suppression_list("test", {"phone": ["+8613977206514"]}, [], ["test-of-lists"], number=1).with_all_of(BUILTIN)


def suppressing(made: SuppressionList = GROWN, number: int = 1) -> Change:
    return Change(set_suppression_list=admin_pb2.SetSuppressionList(list_bytes=made.to_bytes(), number=number))


def scope(member: str = "police", *instruments: int, categories: tuple[int, ...] = (4,)) -> Change:
    return Change(
        set_liaison_scope=admin_pb2.SetLiaisonScope(
            member=member,
            instruments=[case_pb2.InstrumentType.ValueType(it) for it in instruments],
            categories=[taxonomy_pb2.Category.ValueType(it) for it in categories],
        )
    )


DUAL = {
    "activate_epoch": Change(activate_epoch=admin_pb2.ActivateEpoch(epoch=2)),
    "adopt_policy": Change(adopt_policy=admin_pb2.AdoptPolicy(policy_sha256=bytes(range(32)))),
    "begin_epoch": Change(begin_epoch=admin_pb2.BeginEpoch(epoch=2)),
    "confirm_key": CONFIRM,
    "invite": invitation(),
    "offboard": OFFBOARD,
    "raise_budget": budget(10**9),
    "raise_burst": burst(10**9),
    "raise_business": business(800, 0),
    "resume": RESUME,
    "retire_epoch": Change(retire_epoch=admin_pb2.RetireEpoch(epoch=1)),
    "revoke_certificates": REVOKE,
    "revoke_certificates_of_admin": Change(revoke_certificates=admin_pb2.RevokeCertificates(member="third")),
    "set_liaison_scope": scope("police", 1, 4),
    "set_suppression_list": suppressing(),
    "set_witnesses": Change(set_witnesses=admin_pb2.SetWitnesses(number=1)),
    "suspend_admin": Change(suspend=admin_pb2.Suspend(member="third")),
}
SINGLE = {
    "lower_budget": budget(5),
    "lower_burst": burst(4096),
    "lower_business": business(0, 0),
    "suspend": SUSPEND,
}


async def test_every_control_of_the_policy_is_tried_here() -> None:
    assert {name for name, control in CONTROLS.items() if control.dual} == DUAL.keys()
    assert {name for name, control in CONTROLS.items() if not control.dual} == SINGLE.keys()


async def waiting(alliance: Alliance, key: SigningKey = KEY, token: bytes = bytes(range(32))) -> WireMember:
    """Have somebody invited and enrolled whose key is not confirmed yet."""
    await alliance.made(invitation("stranger", token))
    return await enrol_by_token(alliance.hub, "stranger", token, key)


async def prepared(alliance: Alliance, name: str) -> None:
    if name == "resume":
        await alliance.made(SUSPEND)
    if name in {"activate_epoch", "retire_epoch"}:
        await alliance.made(DUAL["begin_epoch"])
        await alliance.hub.hub.epochs.turn()
        await alliance.hub.settle()
    if name == "retire_epoch":
        await alliance.made(DUAL["activate_epoch"])
        await alliance.hub.hub.epochs.turn()
    if name == "confirm_key":
        await (await waiting(alliance)).close()
    if name == "set_liaison_scope":
        await (await enrol(alliance.hub, "police", Role.LIAISON)).close()


def everything(alliance: Alliance) -> dict[str, list[Any]]:
    """What could have been changed, by table."""
    limits = ("budget_limits", "burst_limits", "businesses")
    tables = (
        "members",
        "certificates",
        *limits,
        "policies",
        "suppression_lists",
        "witness_lists",
        "epochs",
        "liaison_scopes",
    )
    with alliance.hub.hub.store.engine.connect() as connection:
        return {name: list(connection.exec_driver_sql(f"SELECT * FROM {name}").fetchall()) for name in tables}  # noqa: S608


# -- one admin ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DUAL)
async def test_two_admins_make_a_change_and_one_alone_nothing_that_is_dual(alliance: Alliance, name: str) -> None:
    await prepared(alliance, name)
    before = everything(alliance)
    proposal = alliance.first.proposal(DUAL[name])
    record = await alliance.first.propose(proposal)
    assert (record.state, record.effect.needs_approval) == (admin_pb2.PROPOSAL_STATE_OPEN, True)
    for decision in (admin_pb2.DECISION_APPROVE, admin_pb2.DECISION_REJECT):
        with refuses(Reason.ANOTHER_ADMIN_NEEDED):
            await alliance.first.decide(proposal, alliance.first.decision(proposal, decision))
    assert everything(alliance) == before
    record = await alliance.second.decide(proposal, alliance.second.decision(proposal))
    assert record.state == admin_pb2.PROPOSAL_STATE_EFFECTIVE
    assert everything(alliance) != before


@pytest.mark.parametrize("name", SINGLE)
async def test_what_protects_needs_one_admin(alliance: Alliance, name: str) -> None:
    before = everything(alliance)
    record = await alliance.first.propose(alliance.first.proposal(SINGLE[name]))
    assert record.state == admin_pb2.PROPOSAL_STATE_EFFECTIVE
    assert everything(alliance) != before


@pytest.mark.parametrize(
    ("change", "break_glass"),
    [
        (Change(suspend=admin_pb2.Suspend(member="second")), False),
        (Change(suspend=admin_pb2.Suspend(member="second")), True),
        (Change(revoke_certificates=admin_pb2.RevokeCertificates(member="second")), False),
    ],
    ids=["suspend", "suspend at once", "revoke"],
)
async def test_an_alliance_keeps_two_admins_who_can_act(
    alliance: Alliance, change: Change, *, break_glass: bool
) -> None:
    """Else one of them could be rid of the others, and nobody could bring them back."""
    await alliance.made(Change(suspend=admin_pb2.Suspend(member="third")))
    with refuses(Reason.TWO_ADMINS_NEEDED):
        await alliance.first.propose(alliance.first.proposal(change, break_glass=break_glass))
    assert alliance.state("second") is MemberState.ACTIVE
    # Who has no certificate that is good cannot act, whatever the state says.
    await alliance.made(Change(resume=admin_pb2.Resume(member="third")))
    await alliance.made(Change(revoke_certificates=admin_pb2.RevokeCertificates(member="third")))
    with refuses(Reason.TWO_ADMINS_NEEDED):
        await alliance.first.propose(alliance.first.proposal(change, break_glass=break_glass))


# -- what a liaison may ask for ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [scope("lender", 1), scope("police", 99), scope("police", 1, categories=(99,)), scope("police", 1, categories=())],
    ids=["of a member", "an instrument that there is not", "a category that there is not", "no category"],
)
async def test_a_scope_that_is_none_is_refused(unchanged: Alliance, change: Change) -> None:
    before = everything(unchanged)
    with refuses(Reason.INVALID_REQUEST):
        await unchanged.made(change)
    assert everything(unchanged) == before


async def test_admins_see_what_a_scope_would_add_and_take_away(alliance: Alliance) -> None:
    await prepared(alliance, "set_liaison_scope")
    await alliance.made(scope("police", 1, 4))
    record = await alliance.first.propose(alliance.first.proposal(scope("police", 1, 2, 3, categories=(4, 5))))
    assert dict(record.effect.entries_added) == {"instruments": 2, "categories": 1}
    assert dict(record.effect.entries_removed) == {"instruments": 1, "categories": 0}
    await alliance.made(scope("police", categories=()))  # it may ask for nothing any more


# -- what a suspension, a resumption, an end do ------------------------------------------------------------------


async def test_a_suspended_member_is_refused_at_the_next_call_and_let_in_when_resumed(alliance: Alliance) -> None:
    member = alliance.member
    await member.registry.ListClaims(LIST_CLAIMS)
    await alliance.made(SUSPEND)
    with refuses(Reason.NOT_AUTHENTICATED):
        await member.registry.ListClaims(LIST_CLAIMS)
    with refuses(Reason.NOT_AUTHENTICATED):
        await member.evaluate(valid_elements(1))
    await alliance.made(RESUME)
    await member.registry.ListClaims(LIST_CLAIMS)


async def test_offboarding_is_for_good(alliance: Alliance) -> None:
    await alliance.made(OFFBOARD)
    with refuses(Reason.NOT_AUTHENTICATED):
        await alliance.member.registry.ListClaims(LIST_CLAIMS)
    for change in (RESUME, SUSPEND, OFFBOARD, budget(5)):
        with refuses(Reason.MEMBER_STATE_CONFLICT):
            await alliance.first.propose(alliance.first.proposal(change))
    with refuses(Reason.CONFLICTING_RETRY):
        await alliance.first.propose(alliance.first.proposal(invitation("lender")))


async def test_a_member_who_was_invited_by_two_enrols_with_the_proposers_token(alliance: Alliance) -> None:
    token = os.urandom(32)
    proposal = alliance.first.proposal(invitation(token=token))
    await alliance.first.propose(proposal)
    with refuses(Reason.TOKEN_REFUSED):
        await enrol_by_token(alliance.hub, "newcomer", token)
    alliance.hub.clock.advance(minutes=4)  # TLS is as old as that and no older
    approved_at = alliance.hub.clock.now_ms()
    await alliance.second.decide(proposal, alliance.second.decision(proposal))
    found = alliance.hub.hub.store.read_now(lambda it: it.members.invitation(sha256(token).digest()))
    assert found is not None
    assert found.expires_at >= approved_at + INVITATION_LIFE_MS  # its day begins with the approval
    newcomer = await enrol_by_token(alliance.hub, "newcomer", token)
    alliance.hub.confirm("newcomer")
    await newcomer.registry.ListClaims(LIST_CLAIMS)
    await newcomer.close()


async def test_an_admin_is_invited_by_admins_and_then_is_one(alliance: Alliance) -> None:
    token = os.urandom(32)
    await alliance.made(invitation("fourth", token, MEMBER_ROLE_ADMIN))
    fourth = await enrol_by_token(alliance.hub, "fourth", token)
    alliance.hub.confirm("fourth")
    record = await fourth.propose(fourth.proposal(SUSPEND))
    assert record.state == admin_pb2.PROPOSAL_STATE_EFFECTIVE
    with refuses(Reason.NOT_PERMITTED):
        await fourth.registry.ListClaims(LIST_CLAIMS)
    await fourth.close()


async def test_a_budget_of_its_own_holds_at_once(alliance: Alliance) -> None:
    member, purpose = alliance.member, Purpose.PORTFOLIO_SCREENING
    await alliance.made(budget(3))
    await member.evaluate(valid_elements(3), purpose=purpose)
    with refuses(Reason.BUDGET_EXHAUSTED) as refusal:
        await member.evaluate(valid_elements(1), purpose=purpose)
    assert int(refusal.metadata["retry_at_ms"]) == (alliance.hub.clock.now_ms() // DAY_MS + 1) * DAY_MS
    await alliance.made(budget(4))
    await member.evaluate(valid_elements(1), purpose=purpose)
    assert member.used(int(purpose)) == 4


async def test_a_burst_of_its_own_holds_at_once_and_says_when_it_has_refilled(alliance: Alliance) -> None:
    member, purpose = alliance.member, Purpose.PORTFOLIO_SCREENING
    with refuses(Reason.INVALID_REQUEST):
        await alliance.first.propose(alliance.first.proposal(burst(4095)))
    record = await alliance.made(burst(4096))
    assert record.effect.burst == 1_250_000
    await member.evaluate(valid_elements(4096), purpose=purpose)
    alliance.hub.clock.advance(seconds=0.1)
    with refuses(Reason.BURST_EXHAUSTED) as refusal:
        await member.evaluate(valid_elements(1000), purpose=purpose)  # a machine that is busy takes a second or two
    wait = int(refusal.metadata["retry_at_ms"]) - alliance.hub.clock.now_ms()
    assert 0 < wait <= 8640  # an item comes back every 8.64 ms
    alliance.hub.clock.advance(seconds=wait / 1000)
    await member.evaluate(valid_elements(1000), purpose=purpose)
    assert member.used(int(purpose)) == 5096


async def test_business_is_declared_and_a_larger_one_by_two(alliance: Alliance) -> None:
    await alliance.made(business(800, 120_000))
    fewer = await alliance.first.propose(alliance.first.proposal(business(700, 120_000)))
    assert (fewer.state, fewer.effect.applications_a_day) == (admin_pb2.PROPOSAL_STATE_EFFECTIVE, 800)
    mixed = await alliance.first.propose(alliance.first.proposal(business(1, 120_001)))
    assert (mixed.state, mixed.effect.customers) == (admin_pb2.PROPOSAL_STATE_OPEN, 120_000)
    with refuses(Reason.INVALID_REQUEST):
        await alliance.first.propose(alliance.first.proposal(business(2**63, 0)))


@pytest.mark.parametrize(
    ("applications", "customers", "state"),
    [
        (0, 120_000, admin_pb2.PROPOSAL_STATE_OPEN),
        (800, 0, admin_pb2.PROPOSAL_STATE_OPEN),
        (800, 119_999, admin_pb2.PROPOSAL_STATE_EFFECTIVE),
    ],
)
async def test_what_is_declared_no_more_is_larger_where_alarms_come_later_by_it(
    alliance: Alliance, applications: int, customers: int, state: int
) -> None:
    await alliance.made(business(800, 120_000))
    record = await alliance.first.propose(alliance.first.proposal(business(applications, customers)))
    assert record.state == state


async def test_one_admin_ends_a_declaration_of_more_than_is_usual(alliance: Alliance) -> None:
    await alliance.made(business(2_001, 250_001))
    record = await alliance.first.propose(alliance.first.proposal(business(0, 0)))
    assert record.state == admin_pb2.PROPOSAL_STATE_EFFECTIVE


# -- proposals that do not hold ------------------------------------------------------------------------------------


async def test_an_expired_proposal_is_closed(alliance: Alliance) -> None:
    proposal = alliance.first.proposal(OFFBOARD)
    record = await alliance.first.propose(proposal)
    assert 0 <= alliance.hub.clock.now_ms() + PROPOSAL_LIFE_MS - record.decide_by < HOUR_MS
    alliance.hub.clock.advance(seconds=PROPOSAL_LIFE_MS / 1000)
    with refuses(Reason.PROPOSAL_CLOSED):
        await alliance.second.decide(proposal, alliance.second.decision(proposal))
    assert alliance.state() is MemberState.ACTIVE
    assert (await listed(alliance.first))[-1].state == admin_pb2.PROPOSAL_STATE_EXPIRED
    assert not await listed(alliance.first, undecided_only=True)


async def listed(admin: WireMember, **request: Any) -> list[ProposalRecord]:
    reply = await admin.admin.ListProposals(admin_pb2.ListProposalsRequest(**request))
    return list(reply.proposals)


async def test_a_decision_about_other_content_is_refused(alliance: Alliance) -> None:
    proposal, other = alliance.first.proposal(budget(10**9)), alliance.first.proposal(budget(10**10))
    await alliance.first.propose(proposal)
    with refuses(Reason.CONFLICTING_RETRY):
        await alliance.second.decide(proposal, alliance.second.decision(other))


async def test_an_id_is_used_once(alliance: Alliance) -> None:
    proposal = alliance.first.proposal(budget(10**9))
    first = await alliance.first.propose(proposal)
    assert await alliance.first.propose(proposal) == first
    changed = alliance.first.proposal(OFFBOARD, id=admin_pb2.Proposal.FromString(proposal.payload).id)
    with refuses(Reason.CONFLICTING_RETRY):
        await alliance.first.propose(changed)


async def test_a_proposal_is_decided_once(alliance: Alliance) -> None:
    proposal = alliance.first.proposal(budget(10**9))
    await alliance.first.propose(proposal)
    rejection = alliance.second.decision(proposal, admin_pb2.DECISION_REJECT)
    record = await alliance.second.decide(proposal, rejection)
    assert record.state == admin_pb2.PROPOSAL_STATE_REJECTED
    again = await alliance.second.decide(proposal, rejection)
    assert (again.state, again.decision) == (record.state, record.decision)
    for who, decision in (
        (alliance.second, admin_pb2.DECISION_APPROVE),
        (alliance.first, admin_pb2.DECISION_WITHDRAW),
    ):
        with refuses(Reason.PROPOSAL_CLOSED):
            await who.decide(proposal, who.decision(proposal, decision))


async def test_two_who_approve_at_once_make_it_once(alliance: Alliance) -> None:
    token = os.urandom(32)
    await alliance.made(invitation("fourth", token, MEMBER_ROLE_ADMIN))
    fourth = await enrol_by_token(alliance.hub, "fourth", token)
    alliance.hub.confirm("fourth")
    proposal = alliance.first.proposal(OFFBOARD)
    await alliance.first.propose(proposal)
    outcomes = await asyncio.gather(
        *(who.decide(proposal, who.decision(proposal)) for who in (alliance.second, fourth)), return_exceptions=True
    )
    assert sum(isinstance(it, ProposalRecord) for it in outcomes) == 1
    made = [it for it in events_of(alliance.hub, HUB_ACTOR) if it.action == "member:offboard"]
    assert len(made) == 1
    await fourth.close()


async def test_the_proposer_may_withdraw_and_nobody_else(alliance: Alliance) -> None:
    proposal = alliance.first.proposal(OFFBOARD)
    await alliance.first.propose(proposal)
    with refuses(Reason.ANOTHER_ADMIN_NEEDED):
        await alliance.second.decide(proposal, alliance.second.decision(proposal, admin_pb2.DECISION_WITHDRAW))
    record = await alliance.first.decide(proposal, alliance.first.decision(proposal, admin_pb2.DECISION_WITHDRAW))
    assert record.state == admin_pb2.PROPOSAL_STATE_WITHDRAWN


async def test_a_proposal_of_somebody_who_is_no_admin_any_more_is_closed(alliance: Alliance) -> None:
    token = os.urandom(32)
    await alliance.made(invitation("fourth", token, MEMBER_ROLE_ADMIN))
    fourth = await enrol_by_token(alliance.hub, "fourth", token)
    alliance.hub.confirm("fourth")
    proposal = fourth.proposal(OFFBOARD)
    await fourth.propose(proposal)
    await alliance.made(Change(suspend=admin_pb2.Suspend(member="fourth")))
    with refuses(Reason.PROPOSAL_CLOSED):
        await alliance.second.decide(proposal, alliance.second.decision(proposal))
    assert alliance.state() is MemberState.ACTIVE
    await fourth.close()


async def test_what_cannot_be_made_any_more_stays_open(alliance: Alliance) -> None:
    proposal = alliance.first.proposal(OFFBOARD)
    await alliance.first.propose(proposal)
    await alliance.made(OFFBOARD)
    with refuses(Reason.MEMBER_STATE_CONFLICT):
        await alliance.second.decide(proposal, alliance.second.decision(proposal))
    assert (await listed(alliance.first, undecided_only=True))[0].proposal == proposal


async def test_a_budget_that_would_be_raised_by_now_is_another_change(alliance: Alliance) -> None:
    proposal = alliance.first.proposal(budget(10**9))
    await alliance.first.propose(proposal)
    await alliance.made(budget(10**10))
    with refuses(Reason.PROPOSAL_CLOSED):
        await alliance.second.decide(proposal, alliance.second.decision(proposal))


WRONG: dict[str, tuple[dict[str, Any], Reason]] = {
    "another admin's": ({"proposer": "second"}, Reason.REPLAYED),
    "stale": ({"proposed_at": 0}, Reason.REPLAYED),
    "without a reason": ({"reason": " "}, Reason.INVALID_REQUEST),
    "of a long reason": ({"reason": "x" * 501}, Reason.INVALID_REQUEST),
    "of a short id": ({"id": bytes(15)}, Reason.INVALID_REQUEST),
    "without a change": ({"change": Change()}, Reason.INVALID_REQUEST),
    "of nobody": ({"change": Change(suspend=admin_pb2.Suspend(member="nobody"))}, Reason.NOT_FOUND),
    "of an id that no database takes": (
        {"change": Change(suspend=admin_pb2.Suspend(member="a\0"))},
        Reason.INVALID_REQUEST,
    ),
    "of a budget of such an id": ({"change": budget(5, member="a\0")}, Reason.INVALID_REQUEST),
    "of one who is active": ({"change": RESUME}, Reason.MEMBER_STATE_CONFLICT),
    "of an unknown resource": ({"change": budget(5, "coffee")}, Reason.INVALID_REQUEST),
    "of a resource in capitals": ({"change": budget(5, "TRANSACTION")}, Reason.INVALID_REQUEST),
    "of an absurd budget": ({"change": budget(2**63)}, Reason.INVALID_REQUEST),
    "of a member's id that is none": ({"change": invitation("Not An Id")}, Reason.INVALID_REQUEST),
    "of the hub's own id": ({"change": invitation("hub")}, Reason.INVALID_REQUEST),
    "of an unknown role": ({"change": invitation(role=0)}, Reason.INVALID_REQUEST),
    "of no token": (
        {"change": Change(invite=admin_pb2.Invite(member="n", display_name="N", role=MEMBER_ROLE_MEMBER))},
        Reason.INVALID_REQUEST,
    ),
    "by break-glass of what it does not do": ({"change": OFFBOARD, "break_glass": True}, Reason.NOT_PERMITTED),
    "by break-glass of what needs none": ({"change": SUSPEND, "break_glass": True}, Reason.NOT_PERMITTED),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_proposal_that_is_wrong(unchanged: Alliance, what: str) -> None:
    changes, reason = WRONG[what]
    before = everything(unchanged)
    with refuses(reason):
        await unchanged.first.propose(unchanged.first.proposal(**({"change": SUSPEND} | changes)))
    assert everything(unchanged) == before
    assert not await listed(unchanged.first)


async def test_a_signature_must_be_the_callers(alliance: Alliance) -> None:
    theirs = alliance.second.proposal(SUSPEND, proposer="first")
    with refuses(Reason.SIGNATURE_INVALID):
        await alliance.first.propose(theirs)
    mine = alliance.first.proposal(OFFBOARD)
    await alliance.first.propose(mine)
    for forged in (
        alliance.first.decision(mine, admin="second"),
        SignedStatement(type="proposal-decision", payload=alliance.second.decision(mine).payload),
        mine,
    ):
        with refuses(Reason.SIGNATURE_INVALID):
            await alliance.second.decide(mine, forged)
    with refuses(Reason.REPLAYED):
        await alliance.second.decide(mine, alliance.second.decision(mine, decided_at=0))
    assert alliance.state() is MemberState.ACTIVE


# -- break-glass ----------------------------------------------------------------------------------------------------


async def test_break_glass_works_at_once_raises_an_alarm_and_is_reviewed_by_another(
    alliance: Alliance, capfd: pytest.CaptureFixture[str]
) -> None:
    proposal = alliance.first.proposal(budget(10**9), break_glass=True)
    record = await alliance.first.propose(proposal)
    assert record.state == admin_pb2.PROPOSAL_STATE_UNREVIEWED
    assert everything(alliance)["budget_limits"]
    assert "break-glass: another admin must review" in "".join(capfd.readouterr())
    with refuses(Reason.ANOTHER_ADMIN_NEEDED):
        await alliance.first.decide(proposal, alliance.first.decision(proposal))
    with refuses(Reason.PROPOSAL_CLOSED):
        await alliance.first.decide(proposal, alliance.first.decision(proposal, admin_pb2.DECISION_WITHDRAW))

    administration, clock = alliance.hub.hub.administration, alliance.hub.clock
    assert await administration.warn_of_overdue(clock.now_ms()) == 0
    clock.advance(seconds=REVIEW_WITHIN_MS / 1000)
    assert await administration.warn_of_overdue(clock.now_ms()) == 1
    assert "reviews are overdue" in "".join(capfd.readouterr())
    (open_one,) = await listed(alliance.second, undecided_only=True)
    assert open_one.proposal == proposal

    record = await alliance.second.decide(
        proposal, alliance.second.decision(proposal, admin_pb2.DECISION_REJECT, reason="it was no emergency")
    )
    assert record.state == admin_pb2.PROPOSAL_STATE_REJECTED
    assert await administration.warn_of_overdue(clock.now_ms()) == 0


async def test_an_admin_decides_nothing_about_themselves(alliance: Alliance) -> None:
    await alliance.made(Change(suspend=admin_pb2.Suspend(member="third")))
    resume = alliance.first.proposal(Change(resume=admin_pb2.Resume(member="third")), break_glass=True)
    await alliance.first.propose(resume)
    offboard = alliance.first.proposal(Change(offboard=admin_pb2.Offboard(member="third")))
    await alliance.first.propose(offboard)
    for proposal in (resume, offboard):
        for decision in (admin_pb2.DECISION_APPROVE, admin_pb2.DECISION_REJECT):
            with refuses(Reason.ANOTHER_ADMIN_NEEDED):
                await alliance.third.decide(proposal, alliance.third.decision(proposal, decision))
    await alliance.second.decide(resume, alliance.second.decision(resume, admin_pb2.DECISION_REJECT))
    await alliance.second.decide(offboard, alliance.second.decision(offboard))
    assert alliance.state("third") is MemberState.OFFBOARDED


async def test_an_admin_takes_back_what_they_proposed_about_themselves(alliance: Alliance) -> None:
    proposal = alliance.third.proposal(Change(offboard=admin_pb2.Offboard(member="third")))
    await alliance.third.propose(proposal)
    record = await alliance.third.decide(proposal, alliance.third.decision(proposal, admin_pb2.DECISION_WITHDRAW))
    assert record.state == admin_pb2.PROPOSAL_STATE_WITHDRAWN


# -- preview, list, audit ------------------------------------------------------------------------------------------


async def test_a_preview_says_what_a_change_would_stop_and_changes_nothing(alliance: Alliance) -> None:
    member = alliance.member
    await member.credit(5)
    await member.contribute(member.row(), member.row())
    for _ in range(7):
        await member.registry.ListClaims(LIST_CLAIMS)
    before, calls = everything(alliance), len(member.events())
    effect = (await alliance.first.admin.PreviewChange(admin_pb2.PreviewChangeRequest(change=SUSPEND))).effect
    assert (effect.calls_an_hour, effect.live_claims, effect.certificates) == (calls, 2, 1)
    assert not effect.needs_approval
    alliance.hub.clock.advance(seconds=HOUR_MS / 1000)
    effect = (await alliance.first.admin.PreviewChange(admin_pb2.PreviewChangeRequest(change=OFFBOARD))).effect
    assert (effect.calls_an_hour, effect.needs_approval) == (0, True)
    await member.evaluate(valid_elements(4), purpose=Purpose.PORTFOLIO_SCREENING)
    effect = (await alliance.first.admin.PreviewChange(admin_pb2.PreviewChangeRequest(change=budget(9)))).effect
    assert (effect.used_today, effect.needs_approval) == (4, False)
    assert effect.budget > 9
    assert everything(alliance) == before
    with refuses(Reason.MEMBER_STATE_CONFLICT):
        await alliance.first.admin.PreviewChange(admin_pb2.PreviewChangeRequest(change=RESUME))
    assert not [it for it in events_of(alliance.hub, HUB_ACTOR) if it.action in {"member:suspend", "member:offboard"}]


async def test_proposals_are_listed_by_pages_with_what_was_signed(alliance: Alliance) -> None:
    proposals = [alliance.first.proposal(budget(10**9 + number)) for number in range(5)]
    for proposal in proposals:
        await alliance.first.propose(proposal)
    found: list[SignedStatement] = []
    token = ""
    while True:
        reply = await alliance.second.admin.ListProposals(admin_pb2.ListProposalsRequest(page_size=2, page_token=token))
        found += [it.proposal for it in reply.proposals]
        token = reply.next_page_token
        if not token:
            break
    assert found == proposals


async def test_every_step_is_in_the_audit_tables_bound_to_what_was_signed(alliance: Alliance) -> None:
    proposal = alliance.first.proposal(OFFBOARD)
    decision = alliance.second.decision(proposal)
    await alliance.first.propose(proposal)
    with refuses(Reason.ANOTHER_ADMIN_NEEDED):
        await alliance.first.decide(proposal, alliance.first.decision(proposal))
    await alliance.second.decide(proposal, decision)
    digests = [sha256(it.payload).digest() for it in (proposal, decision)]
    made, refused = alliance.first.events()[-2:]
    (decided,) = alliance.second.events()[-1:]
    assert (made.action, made.outcome, list(made.commitments)) == ("proposal:make", "ok", digests[:1])
    assert (refused.action, refused.outcome) == ("proposal:decide", "ANOTHER_ADMIN_NEEDED")
    assert (decided.action, decided.outcome, list(decided.commitments)) == ("proposal:decide", "ok", digests)
    (done,) = [it for it in events_of(alliance.hub, HUB_ACTOR) if it.action == "member:offboard"]
    assert list(done.commitments) == [sha256(b"lender").digest()]


# -- how much waits, and who counts it -----------------------------------------------------------------------------


async def test_one_admin_has_so_many_open_proposals_and_no_more(alliance: Alliance) -> None:
    proposals = [alliance.first.proposal(OFFBOARD) for _ in range(MAX_OPEN)]
    for proposal in proposals:
        await alliance.first.propose(proposal)
    with refuses(Reason.TOO_MANY_PROPOSALS):
        await alliance.first.propose(alliance.first.proposal(OFFBOARD))
    await alliance.first.propose(proposals[0])  # repeated, and not another one
    await alliance.first.propose(alliance.first.proposal(SUSPEND))  # what protects does not wait
    await alliance.second.propose(alliance.second.proposal(OFFBOARD))
    await alliance.second.decide(proposals[0], alliance.second.decision(proposals[0], admin_pb2.DECISION_REJECT))
    await alliance.first.propose(alliance.first.proposal(RESUME))


async def test_effects_of_a_list_are_counted_while_somebody_writes(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    await alliance.first.propose(alliance.first.proposal(OFFBOARD))
    counted, effect = threading.Event(), Changes.effect

    def noted(self: Changes, *arguments: Any) -> admin_pb2.Effect:
        found = effect(self, *arguments)
        counted.set()
        return found

    monkeypatch.setattr(Changes, "effect", noted)
    # The writer is taken until an effect was counted; who counted in the writer would wait for itself.
    writing = asyncio.create_task(alliance.hub.hub.store.write(lambda _: counted.wait(20)))
    assert len(await listed(alliance.second)) == 1
    assert await writing is True


# -- keys of those who enrolled ------------------------------------------------------------------------------------


async def test_a_key_is_confirmed_by_two_admins_and_no_other_key_with_it(alliance: Alliance) -> None:
    stranger = await waiting(alliance)
    with refuses(Reason.KEY_NOT_CONFIRMED):
        await stranger.registry.ListClaims(LIST_CLAIMS)
    for wrong in (SigningKey.generate()[0].public_key, b"", KEY.public_key[:-1]):
        change = Change(confirm_key=admin_pb2.ConfirmKey(member="stranger", identity_key_sha256=sha256(wrong).digest()))
        with refuses(Reason.MEMBER_STATE_CONFLICT):
            await alliance.first.propose(alliance.first.proposal(change))
    with refuses(Reason.NOT_PERMITTED):
        await alliance.first.propose(alliance.first.proposal(CONFIRM, break_glass=True))
    await alliance.made(CONFIRM)
    await stranger.registry.ListClaims(LIST_CLAIMS)
    await stranger.close()
    with refuses(Reason.MEMBER_STATE_CONFLICT):
        await alliance.first.propose(alliance.first.proposal(CONFIRM))


async def test_a_key_that_took_anothers_place_since_it_was_proposed_is_not_confirmed(alliance: Alliance) -> None:
    await (await waiting(alliance)).close()
    proposal = alliance.first.proposal(CONFIRM)
    await alliance.first.propose(proposal)
    other = SigningKey.generate()[0]
    later = await waiting(alliance, other, bytes(reversed(range(32))))  # invited again, and somebody else came
    with refuses(Reason.MEMBER_STATE_CONFLICT):
        await alliance.second.decide(proposal, alliance.second.decision(proposal))
    with refuses(Reason.KEY_NOT_CONFIRMED):
        await later.registry.ListClaims(LIST_CLAIMS)
    await later.close()
    assert alliance.state("stranger") is MemberState.UNCONFIRMED


async def test_whoever_waits_is_offboarded_but_neither_suspended_nor_given_a_budget(alliance: Alliance) -> None:
    await (await waiting(alliance)).close()
    for change in (Change(suspend=admin_pb2.Suspend(member="stranger")), budget(5, member="stranger")):
        with refuses(Reason.MEMBER_STATE_CONFLICT):
            await alliance.first.propose(alliance.first.proposal(change))
    await alliance.made(Change(offboard=admin_pb2.Offboard(member="stranger")))
    assert alliance.state("stranger") is MemberState.OFFBOARDED


# -- the operator ---------------------------------------------------------------------------------------------------


async def test_the_operator_invites_and_confirms_until_there_are_two_admins_and_never_again(
    new_hub_folder: Callable[[], Path],
) -> None:
    async with running_hub(new_hub_folder()) as hub:
        service = hub.hub.enrolment
        tickets = {name: await service.invite(name, name, Role.ADMIN) for name in ("first", "second", "third")}
        unused = await service.invite("lender", "lender")
        admins = [await enrol_by_token(hub, name, ticket.token) for name, ticket in tickets.items()]
        # That they have enrolled founds nothing: anybody who came by a bundle may have done that.
        await service.invite("another", "another")
        for admin in admins[:2]:
            await service.confirm(admin.id, fingerprint(admin.key.public_key))
        with pytest.raises(Refused) as caught:
            await service.confirm("third", fingerprint(admins[2].key.public_key))
        assert caught.value.reason is Reason.NOT_PERMITTED
        # What the operator invited alone and nobody used is over.
        with refuses(Reason.TOKEN_REFUSED):
            await enrol_by_token(hub, "lender", unused.token)
        change = admin_pb2.ConfirmKey(member="third", identity_key_sha256=sha256(admins[2].key.public_key).digest())
        proposal = admins[0].proposal(Change(confirm_key=change))
        await admins[0].propose(proposal)
        await admins[1].decide(proposal, admins[1].decision(proposal))
        await admins[2].admin.ListProposals(admin_pb2.ListProposalsRequest())
        for admin in admins:
            await admin.close()
        for role in Role:
            with pytest.raises(Refused) as caught:
                await service.invite("late", "late", role)
            assert caught.value.reason is Reason.NOT_PERMITTED
        # Not even where the admins are gone: nobody gets in by having them suspended.
        now = hub.clock.now_ms()
        hub.hub.store.write_now(lambda it: it.members.set_state("first", MemberState.SUSPENDED, now))
        with pytest.raises(Refused):
            await service.invite("late", "late")


# -- what was let in before ------------------------------------------------------------------------------------------


async def test_a_call_that_was_let_in_before_a_suspension_does_nothing_after_it(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard looks a caller up, and then the call waits for the writer: it is looked up there once more."""
    admit = Authenticator.authenticate
    last: list[str] = []

    async def admitted_and_then_suspended(self: Authenticator, context: Any) -> Any:
        caller = await admit(self, context)
        if caller.member_id in last:
            now = alliance.hub.clock.now_ms()
            alliance.hub.hub.store.write_now(
                lambda it: it.members.set_state(caller.member_id, MemberState.SUSPENDED, now)
            )
        return caller

    monkeypatch.setattr(Authenticator, "authenticate", admitted_and_then_suspended)
    proposal = alliance.first.proposal(OFFBOARD)
    await alliance.first.propose(proposal)
    before = everything(alliance) | {"members": []}
    last += ["second", "third", "lender"]
    with refuses(Reason.NOT_AUTHENTICATED):
        await alliance.second.decide(proposal, alliance.second.decision(proposal))
    with refuses(Reason.NOT_AUTHENTICATED):
        await alliance.third.propose(alliance.third.proposal(budget(5)))
    with refuses(Reason.NOT_AUTHENTICATED):
        await alliance.member.certificates.RenewCertificate(RenewCertificateRequest(renewal=alliance.member.renewal()))
    assert everything(alliance) | {"members": []} == before


async def test_a_proposal_of_an_admin_whose_keys_were_revoked_is_closed(alliance: Alliance) -> None:
    proposal = alliance.third.proposal(OFFBOARD)
    await alliance.third.propose(proposal)
    await alliance.made(Change(revoke_certificates=admin_pb2.RevokeCertificates(member="third")))
    with refuses(Reason.PROPOSAL_CLOSED):
        await alliance.second.decide(proposal, alliance.second.decision(proposal))


async def test_who_is_invited_again_has_one_token_that_works(alliance: Alliance) -> None:
    first, second = os.urandom(32), os.urandom(32)
    await alliance.made(invitation(token=first))
    await alliance.made(invitation(token=second))
    with refuses(Reason.TOKEN_REFUSED):
        await enrol_by_token(alliance.hub, "newcomer", first)
    await (await enrol_by_token(alliance.hub, "newcomer", second)).close()


async def test_proposals_that_expired_hide_none_that_wait(alliance: Alliance) -> None:
    for number in range(5):
        await alliance.first.propose(alliance.first.proposal(budget(10**9 + number)))
    with alliance.hub.hub.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE proposals SET decide_by = 1")
    waiting = alliance.first.proposal(OFFBOARD)
    await alliance.first.propose(waiting)
    reply = await alliance.second.admin.ListProposals(admin_pb2.ListProposalsRequest(page_size=2, undecided_only=True))
    assert [it.proposal for it in reply.proposals] == [waiting]
    assert not reply.next_page_token
