"""Hostile messages, on both databases: each is answered from the catalogue, and the hub lives on.

Hundreds a method here; the same by thousands, against a hub in a process of its own, in the nightly's modules.
"""

import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from grpc import aio
from support.bombardment import (
    Applicant,
    alive,
    bombard,
    signed_header,
    signed_row,
    signed_withdrawal,
)
from support.fuzzing import hostile
from support.hub import running_hub
from support.rpcs import ENROL, FAULTS, RPCS, Rpc, Send, good_requests, of_members_port, role_of, sender
from support.wire import WireMember, enrol, enrolment_channel, row_of

from alliance.errors import Reason
from alliance.v1.registry_pb2 import ContributeRequest
from alliance_server.domain.members import Role
from alliance_server.domain.policy import POLICY

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = 8
"""Messages a method and database; the nightly sends a hundred thousand."""
SIGNED = 100
"""Messages of each sort that is signed as it should be, a database."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def target(
    request: pytest.FixtureRequest, new_hub_folder: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WireMember]:
    """A member of a hub on either database, with a claim and with credit."""
    if request.param == "sqlite":
        context = running_hub(new_hub_folder())
    else:
        folder = tmp_path_factory.mktemp("fuzzed") / "hub"
        context = running_hub(folder, request.getfixturevalue("postgres").empty())
    async with context as hub:
        member = await enrol(hub, "lender-1")
        await member.credit(4000)
        yield member
        await member.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def officers(target: WireMember) -> AsyncIterator[Mapping[Role, WireMember]]:
    """One of each other role of the same hub."""
    others = [role for role in Role if role is not Role.MEMBER]
    made: dict[Role, WireMember] = {
        role: await enrol(target.hub, f"{role.word.replace('_', '-')}-1", role) for role in others
    }
    yield made
    for caller in made.values():
        await caller.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bystander(target: WireMember) -> AsyncIterator[WireMember]:
    """Another member of the same hub."""
    member = await enrol(target.hub, "other-1")
    await member.credit(1000)
    yield member
    await member.close()


# -- messages as they come --------------------------------------------------------------------------------------


async def test_no_method_is_left_out(target: WireMember) -> None:
    """What is fuzzed are the methods of the descriptors: one that is added here fails until it has a good request."""
    assert len(RPCS) >= 18
    assert set(RPCS) <= set(POLICY)
    assert set(good_requests(target)) == set(RPCS) - {ENROL}


@of_members_port
async def test_hostile_requests(
    target: WireMember, officers: Mapping[Role, WireMember], bystander: WireMember, rpc: Rpc
) -> None:
    dice = random.Random(f"hostile {rpc.path}")  # noqa: S311 - repeatable
    caller = officers.get(role_of(rpc.path), target)
    contents = list(hostile(dice, good_requests(caller)[rpc.path], COUNT))
    before = len(caller.events())
    answers = await bombard(rpc, sender(caller.channel, rpc), contents)
    assert answers.total() == COUNT
    # One event a call, whatever it was; gRPC's own services leave none.
    assert len(caller.events()) - before == (0 if rpc.is_plumbing else COUNT)
    assert answers["INVALID_REQUEST"] > 0, answers
    assert await alive(target)
    assert await alive(bystander)


# -- signed as they should be, and hostile inside ---------------------------------------------------------------


def to(target: WireMember, name: str) -> tuple[Rpc, Send]:
    rpc = RPCS[f"/alliance.v1.{name}"]
    return rpc, sender(target.channel, rpc)


async def test_signed_headers_of_extreme_values(target: WireMember) -> None:
    dice = random.Random("headers")  # noqa: S311 - repeatable
    contents = (signed_header(dice, target) for _ in range(SIGNED))
    answers = await bombard(*to(target, "EvaluationService/Evaluate"), contents)
    assert set(answers) >= {"INVALID_REQUEST", "REPLAYED", "EPOCH_NOT_SERVED", "CONSENT_MISSING"}
    assert await alive(target)


async def test_signed_claims_of_extreme_values(target: WireMember) -> None:
    dice = random.Random("claims")  # noqa: S311 - repeatable
    refused: set[int] = set()
    call = target.registry.Contribute()
    for _ in range(SIGNED // 5):
        rows = [signed_row(dice, target) for _ in range(10)] + [target.row()]
        await call.write(ContributeRequest(request_id=os.urandom(16), rows=rows))
        results = (await call.read()).results
        refused |= {int(result.refusal) for result in results}
        assert results[-1].refusal == 0  # a good row is never held up
    await call.done_writing()
    assert not refused & FAULTS
    expected = {Reason.CLAIM_INVALID, Reason.EXPIRY_OUT_OF_BOUNDS, Reason.EPOCH_NOT_SERVED, Reason.NOT_PERMITTED}
    assert expected <= refused


async def test_signed_withdrawals_of_extreme_values(target: WireMember) -> None:
    dice = random.Random("withdrawals")  # noqa: S311 - repeatable
    sealed = target.seal()
    await target.contribute(row_of(sealed))
    contents = (signed_withdrawal(dice, target, sealed.entry_id) for _ in range(SIGNED))
    answers = await bombard(*to(target, "RegistryService/ChangeClaimStatus"), contents)
    assert set(answers) >= {"INVALID_REQUEST", "NOT_FOUND"}
    assert await alive(target)


async def test_hostile_enrolments(target: WireMember) -> None:
    dice = random.Random("enrolments")  # noqa: S311 - repeatable
    applicant = Applicant((await target.hub.hub.enrolment.invite("invited", "invited")).token)
    contents = [applicant.signed(dice) for _ in range(SIGNED // 2)] + applicant.spoilt(dice, SIGNED // 2)
    async with enrolment_channel(target.hub) as channel:
        # The port takes few at once.
        answers = await bombard(RPCS[ENROL], sender(channel, RPCS[ENROL]), contents, at_once=4)
    assert "SIGNATURE_INVALID" in answers
    assert await alive(target)


async def test_a_message_over_the_limit_is_refused_before_it_is_read(target: WireMember) -> None:
    _, send = to(target, "EvaluationService/Evaluate")
    with pytest.raises(aio.AioRpcError) as caught:
        await send(bytes(5 * 1024 * 1024))
    assert caught.value.code().name == "RESOURCE_EXHAUSTED"
    assert await alive(target)
