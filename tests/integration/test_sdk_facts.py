"""A hub that shows one member what it does not show the others: signed with its own key, and in no log."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub, to_mid_month
from support.sdk import BASIS, PHONES, PORTFOLIO, Silence, Tamper, contribute, lender, row

from alliance import facts, statements
from alliance.crypto import tagging
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.identifiers import BUILTIN, Kind, SuppressionList
from alliance.taxonomy import DAY_MS
from alliance.v1.audit_pb2 import GetFactProofsResponse
from alliance.v1.directory_pb2 import MEMBER_ROLE_MEMBER, MEMBER_STATE_ACTIVE, MEMBER_STATE_SUSPENDED, Member
from alliance.v1.epoch_pb2 import Epoch
from alliance.v1.filter_pb2 import FilterHeader
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.policy import POLICY_VERSION
from alliance_server.domain.suppression import NumberedList
from member_client import (
    AllianceClient,
    EpochKeyChanged,
    FactNotPublished,
    IntegrityError,
    State,
    Subject,
    Verdict,
    enrol,
)

NewFolder = Callable[[], Path]


PLACEHOLDER = "+8613811113111"
"""Nobody's: lists of suppressed values are open for everybody to read."""


async def check(client: AllianceClient, phone: str = PHONES[0]) -> Verdict:
    return await client.screen(Subject("C-1", phone=phone), purpose=PORTFOLIO, consent=BASIS)


@dataclass
class TwoFacedHub:
    """States to whoever asks while it is active what its log does not have, signed with the hub's own key."""

    method: str
    lie: Callable[["TwoFacedHub", Any], None]
    tamper: Tamper = field(init=False)
    hub: RunningHub = field(init=False)

    def __post_init__(self) -> None:
        self.tamper = Tamper(self.method, lambda reply: self.lie(self, reply))

    def restate(self, statement: SignedStatement, payload: bytes) -> None:
        statement.CopyFrom(self.hub.hub.keys.identity.statement(statement.type, payload))


@asynccontextmanager
async def facing(
    folder: Path, method: str, lie: Callable[[TwoFacedHub, Any], None]
) -> AsyncIterator[tuple[TwoFacedHub, AllianceClient, AllianceClient]]:
    """A hub of two faces, with a lender that listed somebody, and a lender that asks."""
    faces = TwoFacedHub(method, lie)
    async with running_hub(folder, interceptors=[faces.tamper]) as faces.hub, lender(faces.hub, "a") as a:
        await contribute(a, [row(PHONES[0])])
        await faces.hub.settle()
        async with lender(faces.hub, "b") as b:
            yield faces, a, b


def another_epoch_key(faces: TwoFacedHub, reply: Any) -> None:
    for statement in reply.epochs:
        stated = Epoch.FromString(statement.payload)
        stated.public_key = tagging.generate_key_pair(Secret(b"\x07" * 32)).public_key
        faces.restate(statement, stated.SerializeToString())


def a_longer_epoch(faces: TwoFacedHub, reply: Any) -> None:
    for statement in reply.epochs:
        stated = Epoch.FromString(statement.payload)
        stated.not_after += DAY_MS
        faces.restate(statement, stated.SerializeToString())


def an_invented_member(faces: TwoFacedHub, reply: Any) -> None:
    invented = Member(
        id="invented",
        display_name="Invented",
        identity_key=SigningKey.generate()[0].public_key,
        state=MEMBER_STATE_ACTIVE,
        role=MEMBER_ROLE_MEMBER,
    )
    reply.members.append(faces.hub.hub.keys.identity.statement(statements.MEMBER, invented.SerializeToString()))


def a_member_that_is_suspended_for_one(faces: TwoFacedHub, reply: Any) -> None:
    for statement in reply.members:
        stated = Member.FromString(statement.payload)
        if stated.id == "a":
            stated.state = MEMBER_STATE_SUSPENDED
            faces.restate(statement, stated.SerializeToString())


def _longer_list() -> SuppressionList:
    return replace(BUILTIN, values=tuple(sorted((*BUILTIN.values, (Kind.PHONE, PLACEHOLDER)))), number=1)


def another_suppression_list(faces: TwoFacedHub, reply: Any) -> None:
    other = _longer_list()
    faces.restate(reply.suppression_list, other.to_bytes())


def a_header_for_one(faces: TwoFacedHub, reply: Any) -> None:
    stated = FilterHeader.FromString(reply.header.payload)
    stated.created_at += 1
    faces.restate(reply.header, stated.SerializeToString())


LIES = [
    ("ListEpochs", another_epoch_key),
    ("ListEpochs", a_longer_epoch),
    ("ListMembers", an_invented_member),
    ("ListMembers", a_member_that_is_suspended_for_one),
    ("GetSuppressionList", another_suppression_list),
    ("GetFilter", a_header_for_one),
]


@pytest.mark.parametrize(("method", "lie"), LIES, ids=[lie.__name__ for _, lie in LIES])
async def test_what_is_in_no_log_is_refused(
    new_hub_folder: NewFolder, method: str, lie: Callable[[TwoFacedHub, Any], None]
) -> None:
    async with facing(new_hub_folder(), method, lie) as (faces, _, b):
        faces.tamper.active = True
        with pytest.raises(FactNotPublished) as caught:
            await b.sync()
        assert caught.value.exit_code == 7
        assert "auditor" in caught.value.how_to_fix
        with pytest.raises(FactNotPublished):
            await check(b)
        faces.tamper.active = False
        assert (await check(b)).state is State.MATCH
        assert "invented" not in (await (await b._session()).facts.now()).directory.keys


async def test_a_filter_that_was_accepted_goes_on_while_another_is_not_proven(new_hub_folder: NewFolder) -> None:
    async with facing(new_hub_folder(), "GetFilter", a_header_for_one) as (faces, _, b):
        await b.sync()
        faces.tamper.active = True
        faces.hub.clock.advance(seconds=40)
        with pytest.raises(FactNotPublished):
            await b.sync()
        assert (await check(b)).state is State.MATCH


async def test_a_key_that_was_pinned_is_told_apart_from_one_that_is_not_proven(new_hub_folder: NewFolder) -> None:
    async with facing(new_hub_folder(), "ListEpochs", another_epoch_key) as (faces, _, b):
        await b.sync()
        faces.tamper.active = True
        with pytest.raises(EpochKeyChanged):
            await b.sync()


def _without_proofs(_faces: TwoFacedHub, reply: GetFactProofsResponse) -> None:
    for proof in reply.proofs:
        proof.ClearField("record")


def _with_a_proof_of_another(_faces: TwoFacedHub, reply: GetFactProofsResponse) -> None:
    records = [proof.record.SerializeToString() for proof in reply.proofs]
    for proof, record in zip(reply.proofs, records[1:] + records[:1], strict=True):
        proof.record.ParseFromString(record)


def _with_an_older_checkpoint(_faces: TwoFacedHub, reply: GetFactProofsResponse) -> None:
    reply.checkpoint = reply.checkpoint.replace(b"\n", b"\n1", 1)


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        (_without_proofs, FactNotPublished),
        (_with_a_proof_of_another, FactNotPublished),
        (_with_an_older_checkpoint, IntegrityError),
    ],
)
async def test_a_bent_proof_is_refused(
    new_hub_folder: NewFolder, lie: Callable[[TwoFacedHub, Any], None], error: type[Exception]
) -> None:
    async with facing(new_hub_folder(), "GetFactProofs", lie) as (faces, _, b):
        faces.tamper.active = True
        with pytest.raises(error):
            await b.sync()
        faces.tamper.active = False
        assert (await check(b)).state is State.MATCH


async def test_where_nobody_proves_what_was_proven_goes_on(new_hub_folder: NewFolder) -> None:
    silence = Silence("GetFactProofs")
    async with running_hub(new_hub_folder(), interceptors=[silence]) as hub, lender(hub, "b", deadline_ms=5_000) as b:
        await b.sync()
        silence.active = True
        await b.sync()  # all is proven already
        assert (await check(b)).state is State.CLEAR


async def test_a_month_later_everything_is_proven_anew(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        await b.sync()
        proofs = _calls(hub, "b")
        await b.sync()
        assert _calls(hub, "b") == proofs
        to_mid_month(hub.clock)
        await hub.hub.sealer.turn()
        await hub.settle()
        await b.sync()  # the new filter's header, in the new log
        await b.sync()  # and all the rest
        again = _calls(hub, "b")
        assert again >= proofs + 2
        await b.sync()
        assert _calls(hub, "b") == again


async def test_a_suspension_is_a_fact_that_readers_follow(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a"), lender(hub, "b") as b:
        await b.sync()
        await hub.hub.store.write(lambda it: it.members.set_state("a", MemberState.SUSPENDED, hub.clock.now_ms()))
        await b.sync()
        stated = (await (await b._session()).facts.now()).directory.stated
        assert {it.id: it.state for it in stated}["a"] == MEMBER_STATE_SUSPENDED


async def test_a_list_that_admins_set_is_proven_and_used(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        await b.sync()
        longer = _longer_list()
        numbered = NumberedList(1, longer.to_bytes(), hub.clock.now_ms())
        await hub.hub.store.write(lambda it: it.suppression.add(numbered))
        await b.sync()
        assert (await check(b, PLACEHOLDER)).state is State.REFUSED


async def test_the_policy_that_decides_is_proven(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        await b.sync()
        session = await b._session()
        assert session.prover.knows(facts.policy(POLICY_VERSION))
        session.facts.decided_by(bytes(32))  # as a receipt would say it of tables that nobody adopted
        with pytest.raises(FactNotPublished):
            await b.sync()


async def test_admins_see_who_waits_without_a_proof(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "ann", role=Role.ADMIN) as ann:
        await enrol(await hub.invite("waiting"), hub.folder.parent / "waiting")
        directory = await (await ann._session()).facts.refresh_directory()
        assert "waiting" in directory.unconfirmed
        assert "waiting" not in directory.keys


def _calls(hub: RunningHub, member: str) -> int:
    events = hub.hub.store.read_now(lambda transaction: transaction.audit.page(member, 0, 10_000))
    return sum(it.action == "audit:fact:prove" for it in events)
