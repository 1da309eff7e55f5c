"""Departed members: what becomes of their claims when two admins have the hub withdraw them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, events_of

from alliance.crypto.signing import VerifyingKey
from alliance.statements import CLAIM_STATUS
from alliance.taxonomy import Category, ClaimStatus
from alliance.v1 import admin_pb2, bucket_pb2
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.members import HUB_ACTOR, Role
from alliance_server.services import departures
from alliance_server.services.departures import LEASE_MS, Departures

pytestmark = pytest.mark.asyncio(loop_scope="module")
GRACE_SECONDS = 121
TAG = bytes(32)


@dataclass
class Leaving:
    """A hub with two admins, a lender that leaves with seven claims, and one that stays with one."""

    hub: RunningHub
    first: WireMember
    second: WireMember
    leaver: WireMember
    stayer: WireMember

    async def offboard(self, *, withdraw: bool) -> admin_pb2.Effect:
        change = admin_pb2.Change(offboard=admin_pb2.Offboard(member="leaver", withdraw_claims=withdraw))
        proposal = self.first.proposal(change)
        effect = (await self.first.propose(proposal)).effect
        await self.second.decide(proposal, self.second.decision(proposal))
        return effect

    def claims(self, member: str = "leaver") -> list[StoredClaim]:
        return self.hub.hub.store.read_now(lambda it: it.claims.own(member, (0, 0), 100, live_only=False))

    def statuses(self, member: str = "leaver") -> list[ClaimStatus]:
        return [claim.status for claim in self.claims(member)]

    def job(self) -> Departures:
        """The job of another process, or of this one after it was killed."""
        hub = self.hub.hub
        return Departures(hub.store, hub.compute, hub.keys.identity, self.hub.clock)

    async def bucket(self) -> int:
        """Count the entries that a reader sees under the tag, and no others: theirs begin with a bit that is set."""
        request = bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=4, prefixes=[0])
        return sum([len(part.entries) async for part in self.stayer.buckets.GetBuckets(request)])


@pytest_asyncio.fixture(loop_scope="module")
async def leaving(new_hub_folder: Callable[[], Path]) -> AsyncIterator[Leaving]:
    async with running_hub(new_hub_folder(), config={"maintenance_seconds": 60}) as hub:
        await hub.stop_maintenance()  # the tests do its turns
        first, second = await enrol(hub, "first", Role.ADMIN), await enrol(hub, "second", Role.ADMIN)
        made = Leaving(hub, first, second, await enrol(hub, "leaver"), await enrol(hub, "stayer"))
        rows = [
            made.leaver.row(TAG, category=category) for category in (Category.MULE_ACCOUNT, Category.ACCOUNT_TAKEOVER)
        ]
        await made.leaver.file(*rows, *(made.leaver.row(bytes([first]) * 32) for first in range(0x80, 0x85)))
        await made.stayer.file(made.stayer.row(TAG))
        yield made
        for caller in (first, second, made.leaver, made.stayer):
            await caller.close()


async def test_what_admins_decide_on_is_counted_by_category_and_expiry(leaving: Leaving) -> None:
    effect = await leaving.offboard(withdraw=False)
    kept = leaving.claims()
    assert {it.category: it.claims for it in effect.claims} == {Category.MULE_ACCOUNT: 6, Category.ACCOUNT_TAKEOVER: 1}
    assert effect.live_claims == 7
    assert min(it.first_expiry for it in effect.claims) == min(claim.expires_at for claim in kept)
    assert max(it.last_expiry for it in effect.claims) == max(claim.expires_at for claim in kept)
    leaving.hub.clock.advance(seconds=GRACE_SECONDS)
    assert await leaving.job().turn() == 0
    assert set(leaving.statuses()) == {ClaimStatus.ACTIVE}


async def test_claims_are_withdrawn_in_the_hubs_name_once_open_streams_are_over(leaving: Leaving) -> None:
    assert await leaving.bucket() == 3
    await leaving.offboard(withdraw=True)
    assert await leaving.job().turn() == 0
    leaving.hub.clock.advance(seconds=GRACE_SECONDS)
    assert await leaving.job().turn() == 7
    assert set(leaving.statuses()) == {ClaimStatus.WITHDRAWN}
    assert leaving.statuses("stayer") == [ClaimStatus.ACTIVE]
    assert await leaving.bucket() == 1
    key = VerifyingKey(leaving.hub.hub.keys.identity.public_key)
    for claim in leaving.claims():
        statement = SignedStatement.FromString(claim.status_change or b"")
        change = ClaimStatusChange.FromString(key.verified_payload(CLAIM_STATUS, statement))
        assert (change.entry_id, change.version, change.reason) == (claim.entry_id, 1, "member_departed")
        assert int(change.status) == ClaimStatus.WITHDRAWN
    (event,) = [it for it in events_of(leaving.hub, HUB_ACTOR) if it.action == "claim:departed:withdraw"]
    assert (event.items, list(event.commitments)) == (7, [sha256(b"leaver").digest()])


async def test_a_hub_that_is_killed_goes_on_where_it_was(leaving: Leaving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "CHUNK", 3)
    monkeypatch.setattr(departures, "CHUNKS_A_TURN", 1)
    await leaving.offboard(withdraw=True)
    leaving.hub.clock.advance(seconds=GRACE_SECONDS)
    killed = leaving.job()
    assert await killed.turn() == 3
    other = leaving.job()
    assert await other.turn() == 0  # the lease is another's until it is over
    leaving.hub.clock.advance(seconds=LEASE_MS / 1000)
    assert [await other.turn() for _ in range(3)] == [3, 1, 0]
    assert await killed.turn() == 0
    assert set(leaving.statuses()) == {ClaimStatus.WITHDRAWN}
    assert {claim.status_version for claim in leaving.claims()} == {1}
    done = leaving.hub.hub.store.read_now(lambda it: it.departures.get("leaver"))
    assert done is not None
    assert (done.withdrawn, done.ended_at is not None) == (7, True)
