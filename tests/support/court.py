"""A hub with its disputes: a contributor, a member to whom consumers come, another one, and a reviewer.

Tests move its clocks, and are its jobs.
"""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from alliance.claims import SealedClaim
from alliance.disputes import DisputeState
from alliance.taxonomy import ClaimStatus
from alliance.v1 import bucket_pb2, dispute_pb2, registry_pb2
from alliance.v1.dispute_pb2 import Dispute, EscalateDisputeRequest
from alliance_server.domain.members import Role
from alliance_server.services.dispute_clocks import DisputeClocks
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, row_of

TEXT = b"I never opened that account; my card was stolen in March."


def state_of(dispute: Dispute | dispute_pb2.DecideEscalationResponse) -> DisputeState:
    return DisputeState(dispute.state)


@dataclass
class Court:
    """A hub whose clocks the tests move: a contributor, a member to whom consumers come, and another one."""

    hub: RunningHub
    contributor: WireMember
    opener: WireMember
    other: WireMember
    key: bytes = field(default_factory=lambda: os.urandom(32))

    async def filed(self, **changes: Any) -> SealedClaim:
        sealed = self.contributor.seal(None, self.key, **changes)
        await self.contributor.file(row_of(sealed))
        return sealed

    async def contested(self, **options: Any) -> Dispute:
        """File a claim and contest it."""
        return await self.opener.contest((await self.filed()).entry_id, self.key, text=TEXT, **options)

    async def status(self, entry_id: bytes) -> ClaimStatus:
        reply = await self.contributor.registry.GetClaim(registry_pb2.GetClaimRequest(entry_id=entry_id))
        return ClaimStatus(reply.claim.status)

    async def shown(self, entry_id: bytes) -> bucket_pb2.BucketEntry:
        """Give an entry as another member's bucket shows it."""
        request = bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=0, prefixes=[0])
        entries = [entry async for part in self.other.buckets.GetBuckets(request) for entry in part.entries]
        (found,) = [entry for entry in entries if entry.entry_id == entry_id]
        return cast("bucket_pb2.BucketEntry", found)

    async def told(self) -> list[tuple[bytes, ClaimStatus, int, str]]:
        """Give what the feed told of all changes."""
        async with aclosing(self.other.status_pages()) as pages:
            page = await anext(pages)
        return [(it.entry_id, ClaimStatus(it.status), it.version, it.reason) for it in page.changes]

    async def states(self) -> dict[bytes, DisputeState]:
        """Give where each dispute is that the opener opened, by its id."""
        listed = await self.opener.listed(dispute_pb2.DISPUTE_VIEW_OPENED)
        return {it.dispute_id: state_of(it) for it in listed}

    async def escalate(self, dispute: Dispute) -> Dispute:
        request = EscalateDisputeRequest(dispute_id=dispute.dispute_id)
        reply: dispute_pb2.EscalateDisputeResponse = await self.opener.disputes.EscalateDispute(request)
        return reply.dispute

    def job(self) -> DisputeClocks:
        """The job of another process, or of this one after it was killed."""
        return DisputeClocks(self.hub.hub.store, self.hub.hub._flags, self.hub.clock)

    def pass_by(self, milliseconds: int) -> None:
        self.hub.clock.advance(seconds=milliseconds / 1000)


@asynccontextmanager
async def court_of(folder: Path, **config: Any) -> AsyncIterator[Court]:
    async with running_hub(folder, config={"maintenance_seconds": 60, **config}) as hub:
        await hub.stop_maintenance()
        made = Court(hub, await enrol(hub, "contributor"), await enrol(hub, "opener"), await enrol(hub, "other"))
        yield made
        for member in (made.contributor, made.opener, made.other):
            await member.close()


async def step(court: Court, work: Callable[[Any, int, int], object], number: int) -> None:
    await court.hub.step(work, number)


@asynccontextmanager
async def reviewer_of(court: Court, role: Role = Role.REVIEWER) -> AsyncIterator[WireMember]:
    member = await enrol(court.hub, f"{role.word.replace('_', '-')}-{os.urandom(3).hex()}", role)
    yield member
    await member.close()


async def waiting(reviewer: WireMember) -> Sequence[dispute_pb2.Escalation]:
    reply = await reviewer.disputes.ListEscalations(dispute_pb2.ListEscalationsRequest())
    found: Sequence[dispute_pb2.Escalation] = reply.escalations
    return found
