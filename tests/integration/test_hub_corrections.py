"""A row takes the place of its contributor's claim: both in one step, or neither."""

import os
from typing import Any

import pytest
from support.hub import RunningHub
from support.wire import WireMember, row_of

from alliance.errors import Reason
from alliance.taxonomy import Category, ClaimStatus
from alliance.v1 import bucket_pb2
from alliance.v1.registry_pb2 import ChangeClaimStatusRequest, ClaimRow, GetClaimRequest

pytestmark = pytest.mark.asyncio(loop_scope="module")
OK = 0


async def outcomes(member: WireMember, *rows: ClaimRow) -> list[int]:
    return [int(result.refusal) for result in await member.contribute(*rows)]


async def status(member: WireMember, entry_id: bytes) -> ClaimStatus:
    reply = await member.registry.GetClaim(GetClaimRequest(entry_id=entry_id))
    return ClaimStatus(reply.claim.status)


def correcting(member: WireMember, tag: bytes, entry_id: bytes, version: int = 1, **changes: Any) -> ClaimRow:
    statement = member.status_change(entry_id, version=version, status=ClaimStatus.CORRECTED, reason="amended")
    return row_of(member.seal(tag, **changes), correction=statement)


async def listed(member: WireMember, hub: RunningHub) -> set[bytes]:
    request = bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=0, prefixes=[0])
    return {entry.entry_id async for part in member.buckets.GetBuckets(request) for entry in part.entries}


async def test_the_old_claim_ends_as_the_new_one_lands(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await member.credit(10)
    tag = os.urandom(32)
    old = member.seal(tag)
    assert await outcomes(member, row_of(old)) == [OK]
    row = correcting(member, tag, old.entry_id)
    assert await outcomes(member, row) == [OK]
    assert await status(member, old.entry_id) is ClaimStatus.CORRECTED
    (now_listed,) = await listed(member, own_hub)
    assert now_listed != old.entry_id
    # Sent again, with the correction signed anew, it is the same row.
    again = ClaimRow()
    again.CopyFrom(row)
    again.correction.CopyFrom(member.status_change(old.entry_id, status=ClaimStatus.CORRECTED, reason="again"))
    (result,) = await member.contribute(again)
    assert (int(result.refusal), result.repeated_row) == (OK, True)
    feed = own_hub.hub.store.read_now(lambda it: it.changes.after(0, 10))
    assert [(it.entry_id, it.status, it.reason) for it in feed] == [(old.entry_id, ClaimStatus.CORRECTED, "amended")]


async def test_what_cannot_land_corrects_nothing(own_hub: RunningHub, own_members: Any) -> None:
    member, other = await own_members(own_hub), await own_members(own_hub)
    await member.credit(8)
    tag = os.urandom(32)
    old = member.seal(tag)
    assert await outcomes(member, row_of(old)) == [OK]
    wrong_status = row_of(member.seal(tag), correction=member.status_change(old.entry_id))
    others_word = row_of(member.seal(tag), correction=other.status_change(old.entry_id, status=ClaimStatus.CORRECTED))
    stale = correcting(member, tag, old.entry_id, version=2)
    of_another_claim = correcting(member, tag, os.urandom(16))
    of_another_tag = correcting(member, os.urandom(32), old.entry_id)
    assert await outcomes(member, wrong_status, others_word, stale, of_another_claim) == [
        Reason.INVALID_REQUEST,
        Reason.SIGNATURE_INVALID,
        Reason.CONFLICTING_RETRY,
        Reason.LIVE_CLAIM_EXISTS,
    ]
    # Nothing stood in the way of that one, and so nothing ended.
    assert await outcomes(member, of_another_tag) == [OK]
    assert await status(member, old.entry_id) is ClaimStatus.ACTIVE


async def test_one_of_two_corrections_in_a_chunk_lands(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await member.credit(8)
    tag = os.urandom(32)
    old = member.seal(tag)
    assert await outcomes(member, row_of(old)) == [OK]
    rows = [correcting(member, tag, old.entry_id) for _ in range(2)]
    assert await outcomes(member, *rows) == [OK, Reason.LIVE_CLAIM_EXISTS]
    assert await outcomes(member, correcting(member, tag, old.entry_id, category=Category.PHISHING)) == [OK]


async def test_without_credit_neither_happens(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    tag = os.urandom(32)
    old = member.seal(tag)
    await member.file(row_of(old))
    assert await outcomes(member, correcting(member, tag, old.entry_id)) == [Reason.NO_EVALUATION_LEFT]
    assert await status(member, old.entry_id) is ClaimStatus.ACTIVE


@pytest.mark.parametrize("contested", [ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED])
async def test_a_contested_claim_is_answered_for_and_not_replaced(
    own_hub: RunningHub, own_members: Any, contested: ClaimStatus
) -> None:
    member = await own_members(own_hub)
    await member.credit(5)
    tag = os.urandom(32)
    old = member.seal(tag)
    assert await outcomes(member, row_of(old)) == [OK]
    own_hub.hub.store.write_now(lambda it: it.claims.change_status(old.entry_id, contested, 1, b"", now=member.now))
    row = correcting(member, tag, old.entry_id, version=2)
    assert await outcomes(member, row) == [Reason.ILLEGAL_TRANSITION]
    assert await status_of(own_hub, old.entry_id) is contested


async def status_of(hub: RunningHub, entry_id: bytes) -> ClaimStatus:
    claim = hub.hub.store.read_now(lambda it: it.claims.get(entry_id))
    assert claim is not None
    return claim.status


async def test_a_recalled_claim_is_over_for_good(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await member.credit(5)
    tag = os.urandom(32)
    old = member.seal(tag)
    assert await outcomes(member, row_of(old)) == [OK]
    statement = member.status_change(old.entry_id, status=ClaimStatus.RECALLED)
    reply = await member.registry.ChangeClaimStatus(ChangeClaimStatusRequest(status_change=statement))
    assert ClaimStatus(reply.claim.status) is ClaimStatus.RECALLED
    assert await listed(member, own_hub) == set()
    # Nothing stands in the way of a claim that says it rightly.
    assert await outcomes(member, correcting(member, tag, old.entry_id, version=2)) == [OK]
    assert await status(member, old.entry_id) is ClaimStatus.RECALLED
