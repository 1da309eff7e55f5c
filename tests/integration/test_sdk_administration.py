"""Admins on the SDK and on the command line: propose, read, decide; and a hub that lies to them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, Tamper, contribute, lender
from support.sdk import row as sdk_row
from support.wire import enrol as enrol_anybody
from typer.testing import CliRunner

from alliance.v1 import admin_pb2
from alliance_server.cli.app import app as server
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import MemberState, Role
from member_client import (
    AllianceClient,
    EnrolmentUnavailable,
    FingerprintRefused,
    InvalidUse,
    KeyNotConfirmed,
    MemberStateConflict,
    NotFound,
    NotPermitted,
    Profile,
    ProposalClosed,
    StatementInvalid,
    enrol,
    fingerprint,
)
from member_client.administration import Administration, Change, Decision, MemberRole, Proposal, ProposalState
from member_client.cli.app import app

NewFolder = Callable[[], Path]


@asynccontextmanager
async def alliance(
    folder: Path, interceptors: list[Any] | None = None
) -> AsyncIterator[tuple[RunningHub, AllianceClient, AllianceClient]]:
    """A hub with admins ann and bob, and the lender that the operator invited before."""
    async with running_hub(folder, interceptors=interceptors or []) as hub:
        await hub.enrolled("lender", hub.folder.parent / "lender")
        async with (
            lender(hub, "ann", role=Role.ADMIN) as ann,
            lender(hub, "bob", role=Role.ADMIN) as bob,
        ):
            yield hub, ann, bob


def state_of(hub: RunningHub, member: str) -> MemberState | None:
    found = hub.hub.store.read_now(lambda it: it.members.get(member))
    return found.state if found else None


async def listed(admin: Administration, **options: Any) -> list[Proposal]:
    return [it async for it in admin.proposals(**options)]


async def confirmed(first: Administration, second: Administration, profile: Profile) -> None:
    """Have both admins hear the words of a member's key, the second one as somebody spells them."""
    words = fingerprint(profile)
    made = await first.confirm(profile.member, words, "called them")
    spelled = ", ".join(word[:4].upper() for word in words.split())
    await second.decide(made, Decision.APPROVE, "called them, too", fingerprint=spelled)
    with pytest.raises(ProposalClosed, match="waits"):  # the key that was confirmed is no key of somebody else
        await second.decide(made, Decision.APPROVE, "once more", fingerprint=spelled)


async def test_nobody_confirms_a_key_whose_words_they_did_not_hear(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with alliance(new_hub_folder()) as (hub, ann, bob):
        first, second = await ann.administration(), await bob.administration()
        destination = tmp_path / "new.json"
        made = await first.invite("newcomer", destination, "board of 3 March")
        await second.decide(made, Decision.APPROVE, "agreed")
        # Ann holds the token, and enrols in the newcomer's place.
        taken = await enrol(destination, tmp_path / "taken")
        true_words = fingerprint(Profile.load(hub.folder.parent / "lender"))
        with pytest.raises(FingerprintRefused, match="another key"):
            await second.confirm("newcomer", true_words, "as they read it to me")
        with pytest.raises(FingerprintRefused, match="not the twelve words"):
            await second.confirm("newcomer", true_words.rpartition(" ")[0], "as they read it to me")
        with pytest.raises(NotFound):
            await second.confirm("nobody", true_words, "as they read it to me")
        proposed = await first.confirm("newcomer", fingerprint(taken), "believe me")
        assert proposed.change.details == {"member": "newcomer"}
        with pytest.raises(InvalidUse, match="fingerprint"):
            await second.decide(proposed, Decision.APPROVE, "ann says so")
        with pytest.raises(FingerprintRefused, match="another key"):
            await second.decide(proposed, Decision.APPROVE, "as they read it to me", fingerprint=true_words)
        assert state_of(hub, "newcomer") is MemberState.UNCONFIRMED
        assert (await second.decide(proposed, Decision.REJECT, "other words")).state is ProposalState.REJECTED


async def test_two_admins_invite_a_lender_who_then_enrols(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with alliance(new_hub_folder()) as (hub, ann, bob):
        first, second = await ann.administration(), await bob.administration()
        destination = tmp_path / "new.json"
        made = await first.invite("newcomer", destination, "board of 3 March", display_name="New Lender")
        assert (made.state, made.change.kind, made.change.role) == (ProposalState.OPEN, "invite", MemberRole.MEMBER)
        assert destination.stat().st_mode & 0o777 == 0o600
        token = json.loads(destination.read_text())["token"]
        assert token not in repr(made) + repr(made.change) + str(made.change.details)
        with pytest.raises(InvalidUse, match="exists"):
            await first.invite("another", destination, "once more")

        (waiting,) = await listed(second)
        assert replace(waiting, effect=None) == replace(made, effect=None)
        assert waiting.change.details == {"member": "newcomer", "display_name": "New Lender", "role": "member"}
        with pytest.raises(NotPermitted):
            await first.decide(made, Decision.APPROVE, "mine")
        done = await second.decide(waiting, Decision.APPROVE, "spoke to them")
        assert (done.state, done.decided_by, done.decision) == (ProposalState.EFFECTIVE, "bob", Decision.APPROVE)
        profile = await enrol(destination, tmp_path / "newcomer")
        async with AllianceClient(profile, clock=hub.clock) as client:
            with pytest.raises(KeyNotConfirmed):
                await client.sync()
            await confirmed(first, second, profile)
            assert (await client.sync()).members == 4
        assert not await listed(second)
        kept, _ = await listed(second, undecided_only=False)
        assert kept.decision_reason == "spoke to them"
        with pytest.raises(ProposalClosed):
            await second.decide(kept, Decision.REJECT, "on second thought")


async def test_a_change_is_previewed_made_and_refused_where_it_cannot_be(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as (hub, ann, bob):
        admin = await ann.administration()
        effect = await admin.preview(Change.suspend("lender"))
        assert (effect.certificates, effect.needs_approval) == (1, False)
        assert state_of(hub, "lender") is MemberState.ACTIVE
        done = await admin.propose(Change.suspend("lender"), "keys were stolen")
        assert done.state is ProposalState.EFFECTIVE
        assert state_of(hub, "lender") is MemberState.SUSPENDED
        for wrong in (Change.suspend("lender"), Change.resume("bob")):
            with pytest.raises(MemberStateConflict):
                await admin.propose(wrong, "again")
        with pytest.raises(InvalidUse):
            await admin.propose(Change.resume("lender"), " ")
        raised = await admin.propose(Change.set_budget("lender", "transaction", 10**9), "peak", break_glass=True)
        assert raised.state is ProposalState.UNREVIEWED
        reviewer = await bob.administration()
        found = await reviewer.proposal(raised.id.hex()[:6])
        assert (await reviewer.decide(found, Decision.APPROVE, "agreed")).state is ProposalState.EFFECTIVE
        with pytest.raises(NotFound):
            await reviewer.proposal("no")


async def test_a_lender_is_no_admin(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as (hub, _ann, _bob):
        profile = Profile.load(hub.folder.parent / "lender")
        async with AllianceClient(profile, clock=hub.clock) as client:
            admin = await client.administration()
            with pytest.raises(NotPermitted):
                await admin.preview(Change.suspend("bob"))
            with pytest.raises(NotPermitted):
                await listed(admin)


# -- a hub that lies ------------------------------------------------------------------------------------------------


def _another_member(reply: Any) -> None:
    for record in reply.proposals:
        proposal = admin_pb2.Proposal.FromString(record.proposal.payload)
        proposal.change.suspend.member = "bob"
        record.proposal.payload = proposal.SerializeToString()


def _another_proposer(reply: Any) -> None:
    for record in reply.proposals:
        proposal = admin_pb2.Proposal.FromString(record.proposal.payload)
        proposal.proposer = "lender"
        record.proposal.payload = proposal.SerializeToString()


def _a_decision_from_elsewhere(reply: Any) -> None:
    last = reply.proposals[-1]
    last.decision.CopyFrom(reply.proposals[0].decision)


def _garbage(reply: Any) -> None:
    for record in reply.proposals:
        record.proposal.payload = b"\xff"


@pytest.mark.parametrize("lie", [_another_member, _another_proposer, _a_decision_from_elsewhere, _garbage])
async def test_what_no_admin_signed_is_shown_to_nobody(new_hub_folder: NewFolder, lie: Callable[[Any], None]) -> None:
    tamper = Tamper("ListProposals", lie)
    async with alliance(new_hub_folder(), [tamper]) as (_hub, ann, bob):
        first, second = await ann.administration(), await bob.administration()
        rejected = await first.propose(Change.offboard("lender"), "left")
        await second.decide(rejected, Decision.REJECT, "no")
        await first.propose(Change.offboard("lender"), "left indeed")
        assert len(await listed(second, undecided_only=False)) == 2
        tamper.active = True
        with pytest.raises(StatementInvalid):
            await listed(second, undecided_only=False)


# -- the command line -----------------------------------------------------------------------------------------------


async def command(profile: Path, *arguments: str, answer: str | None = None) -> tuple[int, str]:
    done = await asyncio.to_thread(CliRunner().invoke, app, ["--profile", str(profile), *arguments], input=answer)
    return done.exit_code, done.output


async def test_the_commands(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with alliance(new_hub_folder()) as (hub, _ann, _bob):
        ann, bob = (hub.folder.parent / name for name in ("ann", "bob"))
        async with lender(hub, "lender") as client:
            await contribute(client, [sdk_row(PHONES[0])])
        bundle = tmp_path / "new.json"
        code, said = await command(
            ann, "admin", "invite", "newcomer", "--out", str(bundle), "--reason", "board", "--role", "auditor"
        )
        assert code == 0, said
        assert "Role: auditor" in said
        assert "another admin decides" in said
        assert bundle.exists()

        code, said = await command(bob, "--json", "admin", "proposals")
        (waiting,) = json.loads(said)["proposals"]
        assert (waiting["change"], waiting["state"], waiting["proposer"]) == ("invite", "open", "ann")
        assert json.loads(bundle.read_text())["token"] not in said
        start = waiting["proposal"][:8]
        code, said = await command(bob, "admin", "proposals")
        assert start in said

        code, said = await command(bob, "admin", "approve", start, "--reason", "spoke to them")
        assert (code, "--yes goes on" in said) == (2, True), said
        assert state_of(hub, "newcomer") is None
        read = waiting["digest"]
        for digests, complaint in (([], "--digest"), ([read[:63]], "whole"), (["0" * 64], "another proposal")):
            options = [word for digest in digests for word in ("--digest", digest)]
            code, said = await command(bob, "admin", "approve", start, "--reason", "x", "--yes", *options)
            assert (code, complaint in said) == (2, True), said
        assert state_of(hub, "newcomer") is None
        code, said = await command(ann, "admin", "approve", start, "--reason", "mine", "--yes", "--digest", read)
        assert (code, "Another admin decides this" in said) == (6, True), said
        code, said = await command(bob, "admin", "approve", start, "--reason", "called", "--yes", "--digest", read)
        assert (code, "State: effective" in said) == (0, True), said
        assert state_of(hub, "newcomer") is MemberState.INVITED

        revoke = ("admin", "revoke", "lender", "--reason", "stolen", "--dry-run")
        assert "another admin must approve" in (await command(ann, *revoke))[1]
        said = (await command(ann, *revoke, "--break-glass"))[1]
        assert "takes effect at once, with an alarm; another admin must review it" in said
        code, said = await command(ann, "admin", "offboard", "bob", "--claims", "keep", "--reason", "left", "--yes")
        assert (code, "An alliance keeps two admins" in said) == (6, True), said
        await (await enrol_anybody(hub, "cat", Role.ADMIN)).close()
        code, said = await command(ann, "admin", "revoke", "bob", "--break-glass", "--reason", "stolen", "--dry-run")
        assert (code, "break-glass does not do this" in said) == (2, True), said
        code, said = await command(ann, "admin", "suspend", "lender", "--reason", "stolen", "--dry-run")
        assert (code, "takes effect at once" in said) == (0, True), said
        assert state_of(hub, "lender") is MemberState.ACTIVE
        code, said = await command(ann, "admin", "suspend", "lender", "--reason", "stolen", "--yes")
        assert (code, state_of(hub, "lender")) == (0, MemberState.SUSPENDED), said
        code, said = await command(bob, "admin", "resume", "lender", "--reason", "new keys", "--yes")
        assert (code, "another admin must approve" in said) == (0, True), said
        code, said = await command(bob, "admin", "budget", "lender", "coffee", "5", "--reason", "x", "--yes")
        assert code != 0
        code, said = await command(bob, "admin", "offboard", "lender", "--reason", "left", "--yes")
        assert (code, "--claims" in said) == (2, True), said
        leave = ("admin", "offboard", "lender", "--claims", "withdraw", "--reason", "left")
        code, said = await command(bob, *leave, "--dry-run")
        assert (code, "live claims of the member: 1" in said) == (0, True), said
        assert "mule_account: 1, expiring from" in said
        code, said = await command(bob, *leave, "--yes")
        assert (code, "Withdraw its claims: yes" in said) == (0, True), said
        code, said = await command(bob, "--lang", "zh-CN", "admin", "proposals", "--all")
        assert "待决定" in said


async def test_many_are_approved_by_one_command_and_each_is_signed(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with alliance(new_hub_folder()) as (hub, ann, _bob):
        admin = await ann.administration()
        made = [await admin.invite(name, tmp_path / f"{name}.json", "board") for name in ("one", "two", "three")]
        words = [word for it in made for word in ("--digest", it.digest.hex())]
        ids = [it.id.hex()[:10] for it in made]
        bob = hub.folder.parent / "bob"
        code, said = await command(bob, "admin", "approve", *ids, "--reason", "agreed", "--yes", *words[:4])
        assert (code, state_of(hub, "one")) == (2, None), said
        code, said = await command(bob, "--json", "admin", "approve", *ids, "--reason", "agreed", "--yes", *words)
        assert code == 0, said
        assert [it["state"] for it in json.loads(said)["proposals"]] == ["effective"] * 3
        assert {state_of(hub, name) for name in ("one", "two", "three")} == {MemberState.INVITED}


async def test_the_commands_by_which_a_key_is_confirmed(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with alliance(new_hub_folder()) as (hub, ann, bob):
        admin, other = await ann.administration(), await bob.administration()
        made = await admin.invite("newcomer", tmp_path / "new.json", "board")
        await other.decide(made, Decision.APPROVE, "agreed")
        home = tmp_path / "newcomer"
        code, said = await command(home, "--json", "--quiet", "enrol", str(tmp_path / "new.json"))
        assert code == 0, said
        words = json.loads(said)["fingerprint"].split()
        code, said = await command(home, "fingerprint")
        assert (code, said.split()) == (0, words)
        code, said = await command(home, "sync")
        assert (code, "member-client fingerprint" in said) == (6, True), said

        first, second = (hub.folder.parent / name for name in ("ann", "bob"))
        code, said = await command(first, "admin", "confirm", "newcomer", *reversed(words), "--reason", "called")
        assert (code, state_of(hub, "newcomer")) == (6, MemberState.UNCONFIRMED), said
        code, said = await command(first, "admin", "confirm", "newcomer", *words, "--reason", "called")
        assert code == 0, said
        assert words[0] not in said  # whoever approves hears the words from the member, and not from here
        (waiting,) = await listed(other)
        start, read = waiting.id.hex()[:8], waiting.digest.hex()
        options = ("admin", "approve", start, "--reason", "called, too", "--yes", "--digest", read)
        code, said = await command(second, *options)
        assert (code, "words are missing" in said) == (2, True), said
        code, said = await command(second, *options, "--fingerprint", " ".join(words))
        assert (code, state_of(hub, "newcomer")) == (0, MemberState.ACTIVE), said


async def test_an_operator_is_told_that_admins_decide_before_any_words_are_asked_for(new_hub_folder: NewFolder) -> None:
    async with alliance(new_hub_folder()) as (hub, _ann, _bob):
        done = await asyncio.to_thread(CliRunner().invoke, server, ["member", "confirm", "x", "--dir", str(hub.folder)])
    assert isinstance(done.exception, Refused)
    assert "has its admins" in str(done.exception)
    assert "words" not in done.output


async def test_an_enrolment_that_reaches_nobody_says_which_address_to_look_at(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    async with running_hub(new_hub_folder()) as hub:
        bundle = await hub.invite("newcomer")
    with pytest.raises(EnrolmentUnavailable) as caught:
        await enrol(bundle, tmp_path / "newcomer", timeout=2)
    assert "`enrolment`" in caught.value.how_to_fix
    assert not (tmp_path / "newcomer" / "profile.toml").exists()
