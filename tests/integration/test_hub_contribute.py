"""Rows on the wire: taken, known again, or refused by themselves."""

import os
from typing import Any

import pytest
from support.hub import RunningHub
from support.registry import OK, REPEATED, UNKNOWN_FIELD, credit_left, outcome, own, resigned
from support.wire import WireMember, row_of

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
    SubjectRole,
)
from alliance.v1 import claim_pb2, registry_pb2
from alliance.v1.registry_pb2 import GetClaimRequest

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    # What stands in the way is shown to its contributor, as it was contributed.
    (result,) = await member.contribute(member.row(tag))
    assert (result.standing_claim.claim, result.standing_claim.signature) == (first.claim, first.signature)
    assert await outcome(member, member.row(tag, category=Category.PHISHING)) == [OK]
    await member.withdraw(first.entry_id)
    assert await outcome(member, member.row(tag), member.row(tag)) == [OK, (Reason.LIVE_CLAIM_EXISTS, False)]


async def test_another_member_may_state_the_same(hub: RunningHub, member: WireMember, members: Any) -> None:
    other, tag = await members(hub), os.urandom(32)
    await other.credit(1)
    assert await outcome(member, member.row(tag)) == [OK]
    assert await outcome(other, other.row(tag)) == [OK]


async def test_after_expiry_a_new_claim_is_taken(own_hub: RunningHub, own_members: Any) -> None:
    await own_hub.stop_maintenance()  # it would delete what expired
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
        ({"category": Category.DEVICE_FARM}, Reason.FILING_RULE_BROKEN),
        ({"subject_role": SubjectRole.BROKER_AGENT}, Reason.FILING_RULE_BROKEN),
        ({"observed_from": 1, "observed_to": 1}, Reason.FILING_RULE_BROKEN),
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
    consented = e1 | {"evidence_commitment": bytes(32)}
    protective = member.row(role=SubjectRole.PROTECTED, **consented, expires_at=now + 730 * DAY_MS)
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
