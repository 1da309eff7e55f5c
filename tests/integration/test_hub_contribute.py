"""Contribute, list, get and withdraw on the wire."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
import sqlalchemy as sa
from support.hub import RunningHub, running_hub
from support.wire import WireMember, refuses, row_of, valid_elements

from alliance.claims import MAX_FILING_SKEW_MS
from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.identifiers import Kind
from alliance.statements import CLAIM, CLAIM_STATUS
from alliance.taxonomy import (
    DAY_MS,
    Category,
    ClaimStatus,
    EvidenceLevel,
    Purpose,
    SharingLevel,
    SubjectRole,
)
from alliance.v1 import bucket_pb2, claim_pb2, registry_pb2
from alliance.v1.registry_pb2 import ContributeRequest, GetClaimRequest, ListClaimsRequest, WithdrawClaimRequest
from alliance.v1.statement_pb2 import SignedStatement

pytestmark = pytest.mark.asyncio(loop_scope="module")

OK = (0, False)
REPEATED = (0, True)
UNKNOWN_FIELD = b"\x9a\x06\xe8\x07" + bytes(1000)
"""Field 99, a thousand bytes."""


@pytest_asyncio.fixture(loop_scope="module")
async def member(hub: RunningHub, members: Any) -> WireMember:
    """A member with credit for fifty rows."""
    made: WireMember = await members(hub)
    await made.credit(50)
    return made


async def outcome(member: WireMember, *rows: registry_pb2.ClaimRow) -> list[tuple[int, bool]]:
    return [(int(it.refusal), it.repeated_row) for it in await member.contribute(*rows)]


async def own(member: WireMember) -> list[claim_pb2.Claim]:
    reply = await member.registry.ListClaims(ListClaimsRequest(page_size=1000))
    return [claim_pb2.Claim.FromString(record.claim) for record in reply.claims]


def resigned(member: WireMember, row: registry_pb2.ClaimRow, **changes: Any) -> registry_pb2.ClaimRow:
    """Change a claim behind `validate`'s back and sign it again."""
    claim = claim_pb2.Claim.FromString(row.claim)
    for name, value in changes.items():
        setattr(claim, name, value)
    payload = claim.SerializeToString()
    return registry_pb2.ClaimRow(
        claim=payload, signature=member.key.sign(CLAIM, payload), handle=row.handle, box=row.box
    )


def credit_left(hub: RunningHub, member: WireMember) -> int:
    with hub.hub.store.engine.connect() as connection:
        query = sa.text("SELECT remaining FROM contribution_credits WHERE member_id = :it")
        return int(connection.execute(query, {"it": member.id}).scalar() or 0)


# -- rows -------------------------------------------------------------------------------------------------------


async def test_a_row_is_accepted_and_kept_byte_for_byte(hub: RunningHub, member: WireMember) -> None:
    row = member.row()
    assert await outcome(member, row) == [OK]
    claim = claim_pb2.Claim.FromString(row.claim)
    reply = await member.registry.GetClaim(GetClaimRequest(entry_id=claim.entry_id))
    assert (reply.claim.claim, reply.claim.signature) == (row.claim, row.signature)
    assert reply.claim.status == ClaimStatus.ACTIVE
    assert not reply.claim.HasField("status_change")
    stored = hub.hub.store.read_now(lambda transaction: transaction.claims.get(claim.entry_id))
    assert stored is not None
    assert (stored.handle, stored.box) == (row.handle, row.box)


async def test_the_same_row_again_is_acknowledged_again(hub: RunningHub, member: WireMember) -> None:
    row = member.row()
    assert await outcome(member, row) == [OK]
    left = credit_left(hub, member)
    assert await outcome(member, row) == [REPEATED]
    assert await outcome(member, row, row) == [REPEATED, REPEATED]
    assert credit_left(hub, member) == left
    assert len(await own(member)) == 1


async def test_the_same_row_twice_in_a_chunk(member: WireMember) -> None:
    row = member.row()
    assert await outcome(member, row, row, member.row()) == [OK, REPEATED, OK]


@pytest.mark.parametrize("changed", ["claim", "handle", "box", "entry of another row"])
async def test_another_row_under_the_same_id_conflicts(member: WireMember, changed: str) -> None:
    sealed = member.seal()
    row = row_of(sealed)
    assert await outcome(member, row) == [OK]
    other = {
        "claim": lambda: row_of(member.seal(entry_id=sealed.entry_id)),
        "handle": lambda: row_of(sealed, handle=os.urandom(16)),
        "box": lambda: row_of(sealed, box=os.urandom(512)),
        "entry of another row": lambda: row_of(member.seal(entry_id=sealed.entry_id, category=Category.PHISHING)),
    }[changed]()
    assert await outcome(member, other) == [(Reason.CONFLICTING_RETRY, False)]
    assert await outcome(member, row) == [REPEATED]


async def test_another_members_entry_id_conflicts(hub: RunningHub, member: WireMember, members: Any) -> None:
    other = await members(hub)
    await other.credit(1)
    sealed = member.seal()
    assert await outcome(member, row_of(sealed)) == [OK]
    assert await outcome(other, other.row(entry_id=sealed.entry_id)) == [(Reason.CONFLICTING_RETRY, False)]


async def test_one_live_claim_until_it_is_withdrawn(member: WireMember) -> None:
    tag = os.urandom(32)
    first = member.seal(tag)
    assert await outcome(member, row_of(first), member.row(tag)) == [OK, (Reason.LIVE_CLAIM_EXISTS, False)]
    assert await outcome(member, member.row(tag)) == [(Reason.LIVE_CLAIM_EXISTS, False)]
    assert await outcome(member, member.row(tag, category=Category.PHISHING)) == [OK]
    await member.withdraw(first.entry_id)
    assert await outcome(member, member.row(tag), member.row(tag)) == [OK, (Reason.LIVE_CLAIM_EXISTS, False)]


async def test_another_member_may_state_the_same(hub: RunningHub, member: WireMember, members: Any) -> None:
    other, tag = await members(hub), os.urandom(32)
    await other.credit(1)
    assert await outcome(member, member.row(tag)) == [OK]
    assert await outcome(other, other.row(tag)) == [OK]


async def test_after_expiry_a_new_claim_is_taken(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await member.credit(5)
    tag = os.urandom(32)
    first = member.seal(tag, expires_at=member.now + DAY_MS)
    assert await outcome(member, row_of(first)) == [OK]
    own_hub.clock.advance(days=1.001)
    assert await outcome(member, member.row(tag)) == [OK]
    old = await member.registry.GetClaim(GetClaimRequest(entry_id=first.entry_id))
    assert old.claim.status == ClaimStatus.EXPIRED


async def test_a_claim_that_names_another_contributor(member: WireMember) -> None:
    assert await outcome(member, member.row(contributor="somebody")) == [(Reason.NOT_PERMITTED, False)]


async def test_forged_signatures(member: WireMember) -> None:
    stranger, _ = SigningKey.generate()
    sealed = member.seal()
    signatures = [
        stranger.sign(CLAIM, sealed.claim),
        member.key.sign(CLAIM_STATUS, sealed.claim),
        member.key.sign(CLAIM, sealed.claim + b"\x00"),
        bytes(64),
        b"",
        sealed.signature[:-1],
        sealed.signature + b"\x00",
    ]
    rows = [row_of(sealed, signature=signature) for signature in signatures]
    assert await outcome(member, *rows) == [(Reason.SIGNATURE_INVALID, False)] * len(rows)


async def test_no_flipped_bit_of_a_claim_gets_in(member: WireMember) -> None:
    sealed = member.seal()
    flipped = []
    for place in range(len(sealed.claim)):
        claim = bytearray(sealed.claim)
        claim[place] ^= 1 << place % 8
        flipped.append(row_of(sealed, claim=bytes(claim)))
    results = await member.contribute(*flipped)
    assert all(result.refusal for result in results)
    assert not {int(result.refusal) for result in results} & {Reason.INTERNAL, Reason.UNAVAILABLE}
    for place in range(64):
        signature = bytearray(sealed.signature)
        signature[place] ^= 1
        assert await outcome(member, row_of(sealed, signature=bytes(signature))) == [(Reason.SIGNATURE_INVALID, False)]
    assert await own(member) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires_at": lambda now: now + 365 * DAY_MS}, Reason.EXPIRY_OUT_OF_BOUNDS),  # filed a second ago
        ({"expires_at": lambda now: now - 1}, Reason.EXPIRY_OUT_OF_BOUNDS),
        ({"expires_at": 2**63 - 1}, Reason.EXPIRY_OUT_OF_BOUNDS),
        ({"expires_at": -(2**63)}, Reason.EXPIRY_OUT_OF_BOUNDS),
        ({"filed_at": lambda now: now + MAX_FILING_SKEW_MS + 60_000}, Reason.CLAIM_INVALID),
        ({"filed_at": lambda now: now - MAX_FILING_SKEW_MS - 60_000}, Reason.CLAIM_INVALID),
        ({"filed_at": 2**63 - 1, "expires_at": 2**63 - 1}, Reason.EXPIRY_OUT_OF_BOUNDS),
        ({"evidence_level": EvidenceLevel.E4}, Reason.COUNTERSIGNATURE_MISSING),
        ({"evidence_level": EvidenceLevel.E5}, Reason.COUNTERSIGNATURE_MISSING),
        ({"evidence_level": 6}, Reason.CLAIM_INVALID),
        ({"category": 2**31 - 1}, Reason.CLAIM_INVALID),
        ({"subject_role": -(2**31)}, Reason.CLAIM_INVALID),
        ({"sharing_level": 0}, Reason.CLAIM_INVALID),
        ({"kind": 11}, Reason.CLAIM_INVALID),
        ({"observed_from": 0}, Reason.CLAIM_INVALID),
        ({"observed_to": lambda now: now + 10 * DAY_MS}, Reason.CLAIM_INVALID),
        ({"tag": bytes(31)}, Reason.CLAIM_INVALID),
        ({"evidence_commitment": b""}, Reason.CLAIM_INVALID),
        ({"epoch": 0}, Reason.CLAIM_INVALID),
        ({"epoch": 2}, Reason.EPOCH_NOT_SERVED),
        ({"epoch": 2**31}, Reason.EPOCH_NOT_SERVED),
        ({"epoch": 2**32 - 1}, Reason.EPOCH_NOT_SERVED),
    ],
)
async def test_a_row_that_breaks_a_rule_is_refused_by_itself(
    hub: RunningHub, member: WireMember, changes: dict[str, Any], reason: Reason
) -> None:
    values = {name: value(member.now) if callable(value) else value for name, value in changes.items()}
    left = credit_left(hub, member)
    bad = resigned(member, member.row(), **values)
    good = [member.row(), member.row()]
    for rows in ([bad, *good], [good[0], bad, good[1]]):
        results = await member.contribute(*rows)
        (refused,) = [it for it in results if it.refusal]
        assert int(refused.refusal) == reason
        assert refused.entry_id == claim_pb2.Claim.FromString(bad.claim).entry_id
    assert len(await own(member)) == 2
    assert credit_left(hub, member) == left - 2


async def test_shortest_retention_holds(member: WireMember) -> None:
    now = member.now
    e1 = {"evidence": EvidenceLevel.E1, "evidence_commitment": b"", "filed_at": now}
    assert await outcome(member, member.row(**e1, expires_at=now + 90 * DAY_MS)) == [OK]
    long_device = member.row(kind=Kind.DEVICE, filed_at=now, expires_at=now + 180 * DAY_MS)
    assert await outcome(member, long_device) == [OK]
    too_long = resigned(member, member.row(kind=Kind.DEVICE, filed_at=now), expires_at=now + 180 * DAY_MS + 1)
    assert await outcome(member, too_long) == [(Reason.EXPIRY_OUT_OF_BOUNDS, False)]
    protective = member.row(role=SubjectRole.PROTECTED, **e1, expires_at=now + 730 * DAY_MS)
    assert await outcome(member, protective) == [OK]


@pytest.mark.parametrize(
    "changes",
    [{"box": b""}, {"box": bytes(511)}, {"box": bytes(513)}, {"handle": b""}, {"handle": bytes(17)}, {"claim": b""}],
)
async def test_parts_of_another_length(member: WireMember, changes: dict[str, bytes]) -> None:
    assert await outcome(member, row_of(member.seal(), **changes)) == [(Reason.CLAIM_INVALID, False)]


async def test_what_is_no_claim_has_no_entry_id(member: WireMember) -> None:
    (result,) = await member.contribute(row_of(member.seal(), claim=b"\xff\xff"))
    assert (int(result.refusal), result.entry_id) == (Reason.CLAIM_INVALID, b"")


async def test_a_claim_is_no_attic(member: WireMember) -> None:
    row = member.row()
    padded = row.claim + UNKNOWN_FIELD
    bad = registry_pb2.ClaimRow(claim=padded, signature=member.key.sign(CLAIM, padded), handle=row.handle, box=row.box)
    assert await outcome(member, bad) == [(Reason.CLAIM_INVALID, False)]


# -- credit and refunds -----------------------------------------------------------------------------------------


async def test_no_evaluation_no_row(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    assert await outcome(member, member.row()) == [(Reason.NO_EVALUATION_LEFT, False)]
    await member.evaluate(valid_elements(2), Purpose.TRANSACTION)  # another purpose gives no credit
    assert await outcome(member, member.row()) == [(Reason.NO_EVALUATION_LEFT, False)]


async def test_more_rows_than_credit(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await member.credit(2)
    rows = [member.row() for _ in range(4)]
    assert await outcome(member, *rows) == [OK, OK] + [(Reason.NO_EVALUATION_LEFT, False)] * 2
    await member.credit(1)
    assert await outcome(member, *rows) == [REPEATED, REPEATED, OK, (Reason.NO_EVALUATION_LEFT, False)]
    assert len(await own(member)) == 3


async def test_only_new_tags_are_refunded(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await member.credit(10)
    assert member.used(Purpose.CONTRIBUTION) == 10
    tag = os.urandom(32)
    first = member.seal(tag)
    assert await outcome(member, row_of(first), member.row(tag, category=Category.PHISHING), member.row()) == [OK] * 3
    assert member.used(Purpose.CONTRIBUTION) == 8  # three rows, two tags
    assert await outcome(member, row_of(first)) == [REPEATED]
    assert await outcome(member, member.row(tag, category=Category.DEVICE_FARM)) == [OK]
    assert member.used(Purpose.CONTRIBUTION) == 8
    await member.withdraw(first.entry_id)
    assert await outcome(member, member.row(tag)) == [OK]
    assert member.used(Purpose.CONTRIBUTION) == 8  # known from before: probing is not free
    assert await outcome(member, resigned(member, member.row(), evidence_level=5)) == [(20, False)]
    assert member.used(Purpose.CONTRIBUTION) == 8


async def test_refunds_have_a_daily_limit_of_their_own(new_hub_folder: Callable[[], Path], own_members: Any) -> None:
    async with running_hub(new_hub_folder(), config={"budgets": {"contribution_refunds": 3}}) as hub:
        member = await own_members(hub)
        await member.credit(10)
        await member.contribute(*(member.row() for _ in range(2)))
        assert member.used(Purpose.CONTRIBUTION) == 8
        await member.contribute(*(member.row() for _ in range(4)))
        assert member.used(Purpose.CONTRIBUTION) == 7  # three in all
        await member.contribute(member.row())
        assert member.used(Purpose.CONTRIBUTION) == 7
        hub.clock.advance(days=1)
        await member.contribute(member.row())
        assert member.used(Purpose.CONTRIBUTION) == 0  # yesterday's charge does not enlarge today's budget


# -- chunks and streams -----------------------------------------------------------------------------------------


async def test_the_largest_chunk_and_one_row_more(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await member.credit(1025)
    rows = [member.row() for _ in range(1025)]
    with refuses(Reason.INVALID_BATCH):
        await member.contribute(*rows)
    assert await own(member) == []
    assert await outcome(member, *rows[:1024]) == [OK] * 1024
    assert ContributeRequest(request_id=bytes(16), rows=rows[:1024]).ByteSize() < 2**20 + 2**17


async def test_an_empty_chunk(member: WireMember) -> None:
    with refuses(Reason.INVALID_BATCH):
        await member.contribute()
    assert member.events()[-1].outcome == "INVALID_BATCH"


@pytest.mark.parametrize("length", [1, 15, 17, 32])
async def test_a_chunk_with_another_request_id(member: WireMember, length: int) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await member.contribute(member.row(), request_id=bytes(length))
    assert await own(member) == []


async def test_a_stream_without_a_chunk_asks_for_nothing(member: WireMember) -> None:
    before = len(member.events())
    call = member.registry.Contribute()
    await call.done_writing()
    assert [it async for it in call] == []
    assert await call.code() is grpc.StatusCode.OK
    assert len(member.events()) == before


async def test_every_acknowledged_chunk_is_one_event(member: WireMember) -> None:
    before = len(member.events())
    bad = resigned(member, member.row(), evidence_level=4)
    await member.contribute_chunks([[member.row(), bad], [member.row()], [member.row(), member.row()]])
    events = member.events()[before:]
    assert [(it.action, it.items, it.items_refused, it.epoch, it.outcome) for it in events] == [
        ("claim:contribute", 2, 1, 1, "ok"),
        ("claim:contribute", 1, 0, 1, "ok"),
        ("claim:contribute", 2, 0, 1, "ok"),
    ]


async def test_a_stream_that_was_cut_is_taken_up_by_sending_again(hub: RunningHub, member: WireMember) -> None:
    chunks = [[member.row() for _ in range(4)] for _ in range(3)]
    call = member.registry.Contribute()
    await call.write(ContributeRequest(request_id=bytes(16), rows=chunks[0]))
    await call.read()
    await call.write(ContributeRequest(request_id=bytes(16), rows=chunks[1]))
    call.cancel()  # whether the second chunk got in is not known
    replies = await member.contribute_chunks(chunks)
    assert [it.repeated_row for it in replies[0].results] == [True] * 4
    assert len({it.repeated_row for it in replies[1].results}) == 1
    assert [it.repeated_row for it in replies[2].results] == [False] * 4
    assert not any(it.refusal for reply in replies for it in reply.results)
    assert len(await own(member)) == 12
    assert credit_left(hub, member) == 50 - 12


async def test_a_bad_chunk_ends_the_stream_and_takes_nothing_back(member: WireMember) -> None:
    good = [member.row()]
    with refuses(Reason.INVALID_BATCH):
        await member.contribute_chunks([good, [], [member.row()]])
    assert len(await own(member)) == 1
    assert await outcome(member, *good) == [REPEATED]


async def test_a_repeated_row_of_a_closed_epoch_is_still_acknowledged(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await member.credit(2)
    row = member.row()
    assert await outcome(member, row) == [OK]
    with own_hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE epochs SET state = 3"))
    assert await outcome(member, row, member.row()) == [REPEATED, (Reason.EPOCH_NOT_SERVED, False)]


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
        ("claim:withdraw", "NOT_FOUND"),
    ]
    found = await member.registry.GetClaim(GetClaimRequest(entry_id=sealed.entry_id))
    assert found.claim.status == ClaimStatus.ACTIVE


# -- withdrawing ------------------------------------------------------------------------------------------------


async def send(member: WireMember, statement: SignedStatement) -> Any:
    return (await member.registry.WithdrawClaim(WithdrawClaimRequest(status_change=statement))).claim


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
    assert [it.outcome for it in member.events() if it.action == "claim:withdraw"] == ["ok", "ok"]
    with refuses(Reason.ILLEGAL_TRANSITION):
        await send(member, member.status_change(entry_id, version=2))


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
async def test_the_version_must_be_the_next_one(member: WireMember, entry_id: bytes, version: int) -> None:
    with refuses(Reason.CONFLICTING_RETRY):
        await send(member, member.status_change(entry_id, version=version))


@pytest.mark.parametrize("status", [*(it for it in ClaimStatus if it is not ClaimStatus.WITHDRAWN), 0, 10, -1])
async def test_a_contributor_does_nothing_but_withdraw(member: WireMember, entry_id: bytes, status: int) -> None:
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
    hub.hub.store.write_now(lambda transaction: transaction.claims.change_status(entry_id, status, 1, b""))
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
