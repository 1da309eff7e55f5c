"""A contributor's own claims on the wire: listed, shown, withdrawn."""

import os
from typing import Any

import pytest
import pytest_asyncio
from support.hub import RunningHub
from support.registry import UNKNOWN_FIELD, own
from support.wire import WireMember, refuses, row_of

from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.statements import CLAIM, CLAIM_STATUS
from alliance.taxonomy import (
    ClaimStatus,
    SharingLevel,
)
from alliance.v1 import bucket_pb2, claim_pb2
from alliance.v1.registry_pb2 import ChangeClaimStatusRequest, GetClaimRequest, ListClaimsRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.services.registry import ENDS

pytestmark = pytest.mark.asyncio(loop_scope="module")


# -- one's own --------------------------------------------------------------------------------------------------


async def test_listing_is_paged_and_shows_own_claims_alone(hub: RunningHub, member: WireMember, members: Any) -> None:
    other = await members(hub)
    await other.file(other.row())
    sealed = [member.seal() for _ in range(7)]
    await member.contribute(*map(row_of, sealed))
    await member.withdraw(sealed[2].entry_id)
    pages, token = [], ""
    while True:
        reply = await member.registry.ListClaims(ListClaimsRequest(page_size=3, page_token=token))
        pages.append([claim_pb2.Claim.FromString(it.claim).entry_id for it in reply.claims])
        if not (token := reply.next_page_token):
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [it for page in pages for it in page] == [it.entry_id for it in sealed]
    live = await member.registry.ListClaims(ListClaimsRequest(live_only=True))
    assert len(live.claims) == 6
    assert live.next_page_token == ""


@pytest.mark.parametrize("token", ["x", "1", "1-", "-1", "1-2-3", "１-１", "1-" + "9" * 19, "\x00", "1-0\n", "%s"])
async def test_page_tokens_that_are_not_ours(member: WireMember, token: str) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await member.registry.ListClaims(ListClaimsRequest(page_token=token))


@pytest.mark.parametrize("size", [1001, 2**32 - 1])
async def test_pages_have_a_limit(member: WireMember, size: int) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await member.registry.ListClaims(ListClaimsRequest(page_size=size))


async def test_another_members_claim_is_not_found_and_that_is_audited(
    hub: RunningHub, member: WireMember, members: Any
) -> None:
    other = await members(hub)
    sealed = member.seal()
    await member.contribute(row_of(sealed))
    absent = os.urandom(16)
    sentences = set()
    for entry_id in (sealed.entry_id, absent, b"", bytes(15)):
        with refuses(Reason.NOT_FOUND) as refusal:
            await other.registry.GetClaim(GetClaimRequest(entry_id=entry_id))
        sentences.add(refusal.message)
        with refuses(Reason.NOT_FOUND) as refusal:
            await other.withdraw(entry_id)
        sentences.add(refusal.message)
    assert len(sentences) == 1
    assert [(it.action, it.outcome) for it in other.events()[-2:]] == [
        ("claim:get", "NOT_FOUND"),
        ("claim:status:change", "NOT_FOUND"),
    ]
    found = await member.registry.GetClaim(GetClaimRequest(entry_id=sealed.entry_id))
    assert found.claim.status == ClaimStatus.ACTIVE


# -- withdrawing ------------------------------------------------------------------------------------------------


async def send(member: WireMember, statement: SignedStatement) -> Any:
    return (await member.registry.ChangeClaimStatus(ChangeClaimStatusRequest(status_change=statement))).claim


@pytest_asyncio.fixture(loop_scope="module")
async def entry_id(member: WireMember) -> bytes:
    """A live claim of the member."""
    sealed = member.seal()
    await member.contribute(row_of(sealed))
    return sealed.entry_id


async def test_a_claim_is_withdrawn_once_and_the_same_statement_says_so_again(
    member: WireMember, entry_id: bytes
) -> None:
    statement = member.status_change(entry_id)
    first, again = await send(member, statement), await send(member, statement)
    assert first == again
    assert first.status == ClaimStatus.WITHDRAWN
    assert first.status_change == statement
    assert [it.outcome for it in member.events() if it.action == "claim:status:change"] == ["ok", "ok"]
    with refuses(Reason.ILLEGAL_TRANSITION):
        await send(member, member.status_change(entry_id, version=2))


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
async def test_the_version_must_be_the_next_one(member: WireMember, entry_id: bytes, version: int) -> None:
    with refuses(Reason.CONFLICTING_RETRY):
        await send(member, member.status_change(entry_id, version=version))


@pytest.mark.parametrize("status", [*(it for it in ClaimStatus if it not in ENDS), 0, 10, -1])
async def test_a_contributor_withdraws_and_recalls_alone(member: WireMember, entry_id: bytes, status: int) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await send(member, member.status_change(entry_id, status=status))


async def test_withdrawals_that_are_not_the_contributors(hub: RunningHub, member: WireMember, entry_id: bytes) -> None:
    stranger, _ = SigningKey.generate()
    payload = member.status_change(entry_id).payload
    for statement in (
        stranger.statement(CLAIM_STATUS, payload),
        hub.hub.keys.identity.statement(CLAIM_STATUS, payload),
        member.key.statement(CLAIM, payload),
        SignedStatement(),
        SignedStatement(type=CLAIM_STATUS, payload=payload),
    ):
        with refuses(Reason.SIGNATURE_INVALID):
            await send(member, statement)
    found = await member.registry.GetClaim(GetClaimRequest(entry_id=entry_id))
    assert found.claim.status == ClaimStatus.ACTIVE


@pytest.mark.parametrize(
    "statement",
    [
        lambda it, _: it.key.statement(CLAIM_STATUS, b"\xff"),
        lambda it, entry: it.status_change(entry, reason="r" * 65),
        lambda it, entry: it.status_change(entry, reason="贷" * 22),
        lambda it, entry: it.key.statement(CLAIM_STATUS, it.status_change(entry).payload + UNKNOWN_FIELD),
    ],
)
async def test_withdrawals_that_cannot_be_kept(member: WireMember, entry_id: bytes, statement: Any) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await send(member, statement(member, entry_id))


@pytest.mark.parametrize(
    ("status", "legal"),
    [
        (ClaimStatus.DISPUTED, True),
        (ClaimStatus.SUSPENDED, True),
        (ClaimStatus.CORRECTED, False),
        (ClaimStatus.EXPIRED, False),
        (ClaimStatus.RECALLED, False),
    ],
)
async def test_which_states_may_be_withdrawn(
    hub: RunningHub, member: WireMember, entry_id: bytes, status: ClaimStatus, legal: bool
) -> None:
    now = hub.clock.now_ms()
    hub.hub.store.write_now(lambda it: it.claims.change_status(entry_id, status, 1, b"", now=now))
    if legal:
        assert int((await member.withdraw(entry_id, version=2)).status) == ClaimStatus.WITHDRAWN
    else:
        with refuses(Reason.ILLEGAL_TRANSITION):
            await member.withdraw(entry_id, version=2)


async def test_red_is_kept_for_its_contributor_and_shown_to_nobody(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await member.file(member.row(sharing=SharingLevel.RED), member.row(sharing=SharingLevel.GREEN))
    assert len(await own(member)) == 2
    request = bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=0, prefixes=[0])
    parts = [it async for it in member.buckets.GetBuckets(request)]
    assert [len(part.entries) for part in parts] == [1]
