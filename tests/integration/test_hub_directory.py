"""Directory, epochs and suppression list on the wire: what the hub states, under its own key."""

from typing import Any

import pytest
from support.hub import RunningHub
from support.wire import WireMember, enrol_by_token, refuses

from alliance.crypto.signing import VerifyingKey
from alliance.errors import Reason
from alliance.identifiers import BUILTIN
from alliance.statements import EPOCH, MEMBER, SUPPRESSION_LIST
from alliance.v1 import directory_pb2, epoch_pb2
from alliance_server.domain.members import MemberState, Role

pytestmark = pytest.mark.asyncio(loop_scope="module")


def key_of(hub: RunningHub) -> VerifyingKey:
    return VerifyingKey(hub.hub.keys.identity.public_key)


async def page(member: WireMember, size: int = 0, token: str = "") -> tuple[list[directory_pb2.Member], str]:
    reply = await member.directory.ListMembers(directory_pb2.ListMembersRequest(page_size=size, page_token=token))
    key = key_of(member.hub)
    stated = [directory_pb2.Member.FromString(key.verified_payload(MEMBER, it)) for it in reply.members]
    return stated, reply.next_page_token


async def test_members_are_stated_by_id_past_ones_too_and_invited_ones_not(
    own_hub: RunningHub, own_members: Any
) -> None:
    enrolled = {name: await own_members(own_hub, name) for name in ("c", "a", "b-1", "b")}
    await own_hub.hub.enrolment.invite("aa", "invited")
    own_hub.hub.store.write_now(
        lambda transaction: transaction.members.set_state("b", MemberState.OFFBOARDED, own_hub.clock.now_ms())
    )
    stated, more = await page(enrolled["a"])
    assert more == ""
    assert [it.id for it in stated] == ["a", "b", "b-1", "c"]
    assert {it.id: it.identity_key for it in stated} == {name: it.key.public_key for name, it in enrolled.items()}
    states = {it.id: it.state for it in stated}
    assert states.pop("b") == directory_pb2.MEMBER_STATE_OFFBOARDED
    assert set(states.values()) == {directory_pb2.MEMBER_STATE_ACTIVE}

    seen: list[str] = []
    token = ""
    for _ in range(10):
        stated, token = await page(enrolled["a"], 2, token)
        seen += [it.id for it in stated]
        if not token:
            break
    assert seen == ["a", "b", "b-1", "c"]


async def test_keys_that_nobody_confirmed_are_shown_to_admins_alone(own_hub: RunningHub, own_members: Any) -> None:
    admin, lender = await own_members(own_hub, "a", Role.ADMIN), await own_members(own_hub, "b")
    waiting = await enrol_by_token(own_hub, "c", (await own_hub.hub.enrolment.invite("c", "c")).token)
    await waiting.close()
    assert [it.id for it in (await page(lender))[0]] == ["a", "b"]
    stated = {it.id: (it.state, it.identity_key) for it in (await page(admin))[0]}
    assert stated["c"] == (directory_pb2.MEMBER_STATE_UNCONFIRMED, waiting.key.public_key)


@pytest.mark.parametrize("token", ["a\x00", "\x00", "A", "贷", "a b", "a" * 33, "%", "a\n", "a/../b"])
async def test_page_tokens_that_are_not_ours(hub: RunningHub, members: Any, token: str) -> None:
    member = await members(hub)
    with refuses(Reason.INVALID_REQUEST):
        await page(member, token=token)


async def test_epochs_are_stated(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    reply = await member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
    (stated,) = [epoch_pb2.Epoch.FromString(key_of(hub).verified_payload(EPOCH, it)) for it in reply.epochs]
    assert (stated.id, stated.suite, stated.state) == (1, "ristretto255-SHA512/VOPRF", epoch_pb2.EPOCH_STATE_ACTIVE)
    assert stated.public_key == member.epoch_key
    assert (stated.not_after - stated.not_before) // 86_400_000 == 180


async def test_the_suppression_list_is_stated(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    reply = await member.epochs.GetSuppressionList(epoch_pb2.GetSuppressionListRequest())
    assert key_of(hub).verified_payload(SUPPRESSION_LIST, reply.suppression_list) == BUILTIN.to_bytes()
