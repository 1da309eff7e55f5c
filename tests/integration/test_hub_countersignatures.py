"""Countersignatures on the wire: what a member asks of a liaison, what that says, and what becomes of the claim."""

import os
from typing import Any

import pytest
import pytest_asyncio
from support.countersigning import REFERENCE, LiaisonDesk, ask, request_of, sealed_claim, told
from support.hub import RunningHub
from support.wire import WireMember, events_of, refuses, row_of

from alliance.claims import SealedClaim, parse
from alliance.countersignatures import (
    COUNTERSIGNING_LIFE_MS,
    CountersignatureState,
    read_countersignature,
    substance_sha256,
)
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.disputes import DisputeOutcome
from alliance.errors import Reason
from alliance.statements import COUNTERSIGNATURE, COUNTERSIGNATURE_REVOCATION
from alliance.taxonomy import DAY_MS, ClaimStatus, EvidenceLevel
from alliance.v1 import countersignature_pb2 as wire
from alliance.v1 import registry_pb2
from alliance.v1.countersignature_pb2 import ListCountersignatureRequestsRequest
from alliance_server.domain.members import Role
from alliance_server.services import memberships

pytestmark = pytest.mark.asyncio(loop_scope="module")

MISSING = int(Reason.COUNTERSIGNATURE_MISSING)
LONG_NUMBER = "A-123456789"


class Room:
    """A contributor, a liaison and another member at one hub."""

    def __init__(self, hub: RunningHub, contributor: WireMember, liaison: LiaisonDesk, other: WireMember) -> None:
        self.hub, self.contributor, self.liaison, self.other = hub, contributor, liaison, other

    async def filed(self, of: SealedClaim, **changes: Any) -> int:
        """File a claim; gives why it was refused, 0 where it was not."""
        await self.contributor.credit(1)
        (result,) = await self.contributor.contribute(row_of(of, **changes))
        return int(result.refusal)

    async def countersigned(self, **changes: Any) -> SealedClaim:
        of = sealed_claim(self.contributor, **changes)
        await ask(self.contributor, of, self.liaison.id)
        await self.liaison.countersign(of)
        return of

    async def status(self, entry_id: bytes) -> ClaimStatus:
        reply = await self.contributor.registry.GetClaim(registry_pb2.GetClaimRequest(entry_id=entry_id))
        return ClaimStatus(reply.claim.status)

    def offboard(self, member: str) -> None:
        now = self.hub.clock.now_ms()
        self.hub.hub.store.write_now(lambda transaction: memberships.offboard(transaction, member, now))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(hub: RunningHub, members: Any) -> Room:
    liaison = await LiaisonDesk.opened(await members(hub, role=Role.LIAISON))
    return Room(hub, await members(hub), liaison, await members(hub))


@pytest_asyncio.fixture(loop_scope="module")
async def own_room(own_hub: RunningHub, own_members: Any) -> Room:
    liaison = await LiaisonDesk.opened(await own_members(own_hub, role=Role.LIAISON))
    return Room(own_hub, await own_members(own_hub), liaison, await own_members(own_hub))


@pytest.mark.parametrize("evidence", [EvidenceLevel.E4, EvidenceLevel.E5])
async def test_a_countersigned_claim_is_filed_and_told(room: Room, evidence: EvidenceLevel) -> None:
    of = sealed_claim(room.contributor, evidence)
    assert await room.filed(of) == MISSING
    asked = await ask(room.contributor, of, room.liaison.id)
    assert (CountersignatureState(asked.state), list(asked.approved_by)) == (
        CountersignatureState.WAITING,
        sorted(room.contributor.two_operators()),
    )
    assert await room.filed(of) == MISSING

    made = await room.liaison.countersign(of)
    assert CountersignatureState(made.state) is CountersignatureState.COUNTERSIGNED
    assert await room.filed(of) == 0

    page = await told(room.other)
    key = VerifyingKey(room.liaison.member.key.public_key)
    said = read_countersignature(page.statements[-1], key)
    assert said.is_of(substance_sha256(parse(of.claim)), said.claim_sha256, 1)
    assert (said.evidence, said.liaison) == (evidence, room.liaison.id)
    assert page.upto == page.newest > 0


async def test_what_members_read_names_neither_the_contributor_nor_the_matter(room: Room) -> None:
    of = await room.countersigned()
    page = (await told(room.other)).SerializeToString()
    claim = parse(of.claim)
    for unseen in (room.contributor.id, REFERENCE, room.liaison.officer):
        assert unseen.encode() not in page
    assert claim.tag not in page


async def test_the_liaison_sees_no_tag(room: Room) -> None:
    of = sealed_claim(room.contributor)
    await ask(room.contributor, of, room.liaison.id)
    listed = await room.liaison.member.countersignatures.ListCountersignatureRequests(
        ListCountersignatureRequestsRequest(waiting_only=True)
    )
    assert parse(of.claim).tag not in listed.SerializeToString()
    assert [it.substance.contributor for it in listed.records if it.request.payload.startswith(b"\n\x10" + of.entry_id)]


async def test_each_sees_their_own_requests(room: Room) -> None:
    of = await room.countersigned()
    for member, sees in ((room.contributor, True), (room.liaison.member, True), (room.other, False)):
        reply = await member.countersignatures.ListCountersignatureRequests(ListCountersignatureRequestsRequest())
        names = [wire.CountersignatureRequest.FromString(it.request.payload).entry_id for it in reply.records]
        assert (of.entry_id in names) is sees


async def test_a_countersignature_is_good_for_one_claim(room: Room) -> None:
    of = await room.countersigned()
    claim = parse(of.claim)
    same: dict[str, Any] = {
        "evidence_commitment": claim.evidence_commitment,
        "observed_from": claim.observed_from,
        "observed_to": claim.observed_to,
        "filed_at": claim.filed_at,
        "expires_at": claim.expires_at,
    }
    another = sealed_claim(room.contributor, **same)
    assert substance_sha256(parse(another.claim)) == substance_sha256(claim)
    assert await room.filed(another) == MISSING
    with refuses(Reason.CONFLICTING_RETRY):
        await ask(room.contributor, another, room.liaison.id)
    await room.contributor.credit(2)
    results = await room.contributor.contribute(row_of(another), row_of(of))
    assert [it.refusal for it in results] == [MISSING, 0]


async def test_another_substance_is_not_countersigned_by_it(room: Room) -> None:
    of = sealed_claim(room.contributor)
    await ask(room.contributor, of, room.liaison.id)
    for changes in (
        {"substance_sha256": os.urandom(32)},
        {"claim_sha256": os.urandom(32)},
        {"epoch": 2},
        {"evidence_level": 5},
        {"grounds_sha256": os.urandom(32)},
    ):
        with refuses(Reason.INVALID_REQUEST):
            await room.liaison.countersign(of, **changes)
    with refuses(Reason.REPLAYED):
        await room.liaison.countersign(of, time=room.liaison.member.now - DAY_MS)
    assert await room.filed(of) == MISSING


async def test_another_liaison_is_not_asked(room: Room, members: Any) -> None:
    of = sealed_claim(room.contributor)
    await ask(room.contributor, of, room.liaison.id)
    stranger = await LiaisonDesk.opened(await members(room.hub, role=Role.LIAISON))
    for call in (stranger.countersign, stranger.refuse, stranger.revoke):
        with refuses(Reason.NOT_FOUND):
            await call(of)
    with refuses(Reason.CONFLICTING_RETRY):
        await ask(room.contributor, of, stranger.id)
    for nobody in (room.other.id, "nobody"):
        with refuses(Reason.NOT_FOUND):
            await ask(room.contributor, sealed_claim(room.contributor), nobody)


async def test_an_officer_signs_with_a_registered_key(room: Room) -> None:
    of = sealed_claim(room.contributor)
    await ask(room.contributor, of, room.liaison.id)
    for grounds in ({"officer": "nobody"}, {"document_sha256": b"short"}, {"instrument_reference": ""}):
        with refuses(Reason.SIGNATURE_INVALID):
            await room.liaison.countersign(of, grounds=grounds)
    with refuses(Reason.INVALID_REQUEST):
        await room.liaison.countersign(of, grounds={"instrument_reference": LONG_NUMBER})
    forged = LiaisonDesk(room.liaison.member, room.liaison.officer, SigningKey.generate()[0])
    with refuses(Reason.SIGNATURE_INVALID):
        await forged.countersign(of)
    message = room.liaison.countersigning(of)
    message.officer.CopyFrom(message.countersignature)
    with refuses(Reason.SIGNATURE_INVALID):
        await room.liaison.member.countersignatures.CountersignClaim(message)


async def test_two_operators_are_still_needed(room: Room) -> None:
    of = sealed_claim(room.contributor)
    with refuses(Reason.CLAIM_INVALID, Reason.TWO_OPERATORS_NEEDED):
        await ask(room.contributor, of, room.liaison.id, approvers=1)
    of = await room.countersigned()
    room.contributor.approves = False
    try:
        assert await room.filed(of) == Reason.TWO_OPERATORS_NEEDED
    finally:
        room.contributor.approves = True
    assert await room.filed(of) == 0


async def test_a_request_is_about_its_claim_and_of_a_level_that_needs_one(room: Room) -> None:
    of = sealed_claim(room.contributor)
    for changes in (
        {"claim_sha256": os.urandom(32)},
        {"substance_sha256": os.urandom(32)},
        {"epoch": 2},
        {"reference": ""},
        {"reference": LONG_NUMBER},
    ):
        with refuses(Reason.INVALID_REQUEST):
            await ask(room.contributor, of, room.liaison.id, **changes)
    with refuses(Reason.INVALID_REQUEST):
        await ask(room.contributor, sealed_claim(room.contributor, EvidenceLevel.E3), room.liaison.id)
    with refuses(Reason.NOT_PERMITTED):
        await ask(room.other, of, room.liaison.id)
    with refuses(Reason.EPOCH_NOT_SERVED):
        await ask(room.contributor, sealed_claim(room.contributor, epoch=9), room.liaison.id)


async def test_answers_are_repeated_and_not_changed(room: Room) -> None:
    of = sealed_claim(room.contributor)
    first = await ask(room.contributor, of, room.liaison.id)
    assert await ask(room.contributor, of, room.liaison.id) == first
    message = room.liaison.countersigning(of)
    stub = room.liaison.member.countersignatures
    assert await stub.CountersignClaim(message) == await stub.CountersignClaim(message)
    with refuses(Reason.COUNTERSIGNATURE_CLOSED):
        await room.liaison.countersign(of)
    with refuses(Reason.COUNTERSIGNATURE_CLOSED):
        await room.liaison.refuse(of)
    revoked = await room.liaison.revoke(of)
    assert await room.liaison.revoke(of) == revoked
    with refuses(Reason.COUNTERSIGNATURE_CLOSED):
        await stub.CountersignClaim(message)


async def test_a_refused_claim_is_not_filed(room: Room) -> None:
    of = sealed_claim(room.contributor)
    await ask(room.contributor, of, room.liaison.id)
    with refuses(Reason.INVALID_REQUEST):
        await room.liaison.refuse(of, reason="Not ours, sorry")
    refused = await room.liaison.refuse(of)
    assert CountersignatureState(refused.state) is CountersignatureState.REFUSED
    assert await room.liaison.refuse(of) == refused
    assert await room.filed(of) == MISSING
    for late in (room.liaison.countersign, room.liaison.revoke):
        with refuses(Reason.COUNTERSIGNATURE_CLOSED):
            await late(of)


async def test_what_is_revoked_before_it_is_filed_is_not_filed(room: Room) -> None:
    of = await room.countersigned()
    before = (await told(room.other)).newest
    await room.liaison.revoke(of)
    assert await room.filed(of) == MISSING
    page = await told(room.other, before)
    assert [it.type for it in page.statements] == [COUNTERSIGNATURE_REVOCATION]


async def test_a_revocation_suspends_the_claim_at_once_and_is_told(own_room: Room) -> None:
    room = own_room
    key = os.urandom(32)
    of = await room.countersigned(label_key=key)
    assert await room.filed(of) == 0
    await room.liaison.revoke(of)
    assert await room.status(of.entry_id) is ClaimStatus.SUSPENDED
    async for page in room.other.status_pages():
        (change,) = page.changes
        said = (change.entry_id, ClaimStatus(change.status), change.reason)
        assert said == (of.entry_id, ClaimStatus.SUSPENDED, "countersignature_revoked")
        break
    assert [it.type for it in (await told(room.other)).statements] == [COUNTERSIGNATURE, COUNTERSIGNATURE_REVOCATION]

    dispute = await room.other.contest(of.entry_id, key)
    await room.contributor.respond(dispute, DisputeOutcome.UPHELD)
    assert await room.status(of.entry_id) is ClaimStatus.SUSPENDED


async def test_a_contested_claim_is_suspended_too(own_room: Room) -> None:
    room, key = own_room, os.urandom(32)
    of = await room.countersigned(label_key=key)
    assert await room.filed(of) == 0
    dispute = await room.other.contest(of.entry_id, key)
    await room.liaison.revoke(of)
    assert await room.status(of.entry_id) is ClaimStatus.SUSPENDED
    await room.contributor.respond(dispute, DisputeOutcome.UPHELD)
    assert await room.status(of.entry_id) is ClaimStatus.SUSPENDED


async def test_a_liaison_that_left_stands_behind_no_new_claim(own_room: Room) -> None:
    room = own_room
    of, waits = await room.countersigned(), sealed_claim(room.contributor)
    room.offboard(room.liaison.id)
    assert await room.filed(of) == MISSING
    with refuses(Reason.NOT_FOUND):
        await ask(room.contributor, waits, room.liaison.id)


async def test_a_claim_may_wait_for_a_month(own_room: Room) -> None:
    room = own_room
    late, never = sealed_claim(room.contributor), sealed_claim(room.contributor)
    signed = request_of(room.contributor, late, room.liaison.id)
    await room.contributor.countersignatures.RequestCountersignature(signed)
    await ask(room.contributor, never, room.liaison.id)
    room.hub.clock.advance(seconds=(COUNTERSIGNING_LIFE_MS - DAY_MS) / 1000)
    await room.liaison.countersign(late)
    assert await room.filed(late, approvals=list(signed.approvals)) == 0
    room.hub.clock.advance(seconds=DAY_MS / 1000)
    with refuses(Reason.COUNTERSIGNATURE_CLOSED):
        await room.liaison.countersign(never)
    reply = await room.contributor.countersignatures.ListCountersignatureRequests(ListCountersignatureRequestsRequest())
    states = [CountersignatureState(it.state) for it in reply.records]
    assert states == [CountersignatureState.COUNTERSIGNED, CountersignatureState.LAPSED]


async def test_every_step_leaves_an_event_that_names_the_officer(own_room: Room) -> None:
    room = own_room
    of = await room.countersigned()
    await room.liaison.revoke(of)
    events = [it for it in events_of(room.hub, room.liaison.id) if it.action.startswith("countersignature")]
    assert [(it.action, it.operator, len(it.commitments)) for it in events] == [
        ("countersignature:give", "wang", 1),
        ("countersignature:revoke", "wang", 1),
    ]
    (asked,) = [it for it in events_of(room.hub, room.contributor.id) if it.action == "countersignature:request"]
    assert len(asked.commitments) == 1
    text = str([*events, asked])
    assert REFERENCE not in text
    assert of.entry_id.hex() not in text


async def test_what_is_over_is_deleted(own_room: Room) -> None:
    room = own_room
    await room.hub.stop_maintenance()
    of = await room.countersigned(expires_at=room.contributor.now + DAY_MS)
    refused = sealed_claim(room.contributor)
    await ask(room.contributor, refused, room.liaison.id)
    await room.liaison.refuse(refused)
    room.hub.clock.advance(seconds=2 * DAY_MS / 1000)
    await room.hub.hub.purging.turn()
    reply = await room.contributor.countersignatures.ListCountersignatureRequests(ListCountersignatureRequestsRequest())
    assert [wire.CountersignatureRequest.FromString(it.request.payload).entry_id for it in reply.records] == [
        refused.entry_id
    ]
    page = await told(room.other)
    assert (list(page.statements), page.upto) == ([], 1)
    assert [it.action for it in events_of(room.hub, "hub")].count("countersignature:ended:purge") == 1
    assert of.entry_id != refused.entry_id
