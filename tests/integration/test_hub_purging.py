"""Claims that are over: they yield nothing from that moment on, and are deleted with an event that shows what went."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, events_of, row_of

from alliance.crypto import bloom, merkle
from alliance.taxonomy import DAY_MS
from alliance.v1 import bucket_pb2
from alliance.v1.audit_pb2 import AuditEvent
from alliance_server.domain.claims import KEPT_AFTER_END_MS
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.services import chunks, purging
from alliance_server.services.purging import LEASE_MS, Purging

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Ending:
    """A hub with two lenders, whose maintenance the tests do."""

    hub: RunningHub
    first: WireMember
    second: WireMember

    def job(self) -> Purging:
        """The job of another process, or of this one after it was killed."""
        return Purging(self.hub.hub.store, self.hub.clock)

    def kept(self) -> set[bytes]:
        members = ("first", "second")
        own = self.hub.hub.store.read_now(
            lambda it: [claim for one in members for claim in it.claims.own(one, (0, 0), 100, live_only=False)]
        )
        return {claim.entry_id for claim in own}

    def purges(self) -> list[AuditEvent]:
        return [it for it in events_of(self.hub, HUB_ACTOR) if it.action == "claim:ended:purge"]

    async def shown(self) -> set[bytes]:
        request = bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=0, prefixes=[0])
        return {entry.entry_id async for part in self.second.buckets.GetBuckets(request) for entry in part.entries}

    async def filter_holds(self, tag: bytes) -> bool:
        hub = self.hub.hub
        snapshot = await hub.maintenance.rebuild(1)
        bits = bytes(hub._files.load(snapshot.bits_sha256))
        shape = bloom.Shape(snapshot.bits, snapshot.hashes, snapshot.seed)
        return bool(bloom.Filter(shape, bits).hits(tag))


@pytest_asyncio.fixture(loop_scope="module")
async def ending(new_hub_folder: Callable[[], Path]) -> AsyncIterator[Ending]:
    async with running_hub(new_hub_folder(), config={"maintenance_seconds": 60}) as hub:
        await hub.stop_maintenance()
        made = Ending(hub, await enrol(hub, "first"), await enrol(hub, "second"))
        yield made
        await made.first.close()
        await made.second.close()


async def test_what_is_over_yields_nothing_and_goes_with_its_tag_its_box_and_its_bits(ending: Ending) -> None:
    first, second = ending.first, ending.second
    short = [first.seal(expires_at=first.now + DAY_MS) for _ in range(3)]
    theirs, stays = second.seal(expires_at=second.now + DAY_MS), first.seal()
    await first.file(*map(row_of, short), row_of(stays))
    await second.file(row_of(theirs))
    tag = ending.hub.hub.store.read_now(lambda it: it.claims.get_many([short[0].entry_id]))[short[0].entry_id].tag
    assert await ending.filter_holds(tag)
    ending.hub.clock.advance(days=1)
    assert await ending.shown() == {stays.entry_id}  # before anybody deleted anything
    assert await ending.job().turn() == 4
    assert ending.kept() == {stays.entry_id}
    assert not await ending.filter_holds(tag)
    assert await ending.job().turn() == 0


async def test_a_contributor_shows_by_its_entry_ids_what_was_deleted(ending: Ending) -> None:
    first, second = ending.first, ending.second
    short = [first.seal(expires_at=first.now + DAY_MS) for _ in range(3)]
    theirs = second.seal(expires_at=second.now + DAY_MS)
    await first.file(*map(row_of, short))
    await second.file(row_of(theirs))
    ending.hub.clock.advance(days=1)
    await ending.job().turn()
    for member, ids in (("first", [it.entry_id for it in short]), ("second", [theirs.entry_id])):
        (event,) = [it for it in ending.purges() if it.commitments[0] == sha256(member.encode()).digest()]
        assert (event.items, event.outcome) == (len(ids), "ok")
        assert event.commitments[1] == merkle.root(sorted(ids))


async def test_what_was_withdrawn_stays_a_while_with_its_contributor(ending: Ending) -> None:
    sealed = ending.first.seal()
    await ending.first.file(row_of(sealed))
    await ending.first.withdraw(sealed.entry_id)
    assert await ending.shown() == set()
    ending.hub.clock.advance(seconds=KEPT_AFTER_END_MS / 1000 - 1)
    assert await ending.job().turn() == 0
    assert ending.kept() == {sealed.entry_id}
    ending.hub.clock.advance(seconds=1)
    assert await ending.job().turn() == 1
    assert ending.kept() == set()


async def test_one_process_deletes_at_a_time_and_another_goes_on(
    ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "CHUNK", 3)
    monkeypatch.setattr(chunks, "CHUNKS_A_TURN", 1)
    first = ending.first
    await first.file(*(first.row(expires_at=first.now + DAY_MS) for _ in range(7)))
    ending.hub.clock.advance(days=1)
    killed, other = ending.job(), ending.job()
    assert await killed.turn() == 3
    assert await other.turn() == 0  # the lease is another's until it is over
    ending.hub.clock.advance(seconds=LEASE_MS / 1000)
    assert [await other.turn() for _ in range(3)] == [3, 1, 0]
    assert await killed.turn() == 0
    assert sum(event.items for event in ending.purges()) == 7
