"""Building filters: snapshots, deltas and heartbeats, by whichever process holds the lease.

One turn of an epoch:

1. where there is no snapshot, its file is gone, or it is too full, too old or has too many deltas: build a new one of
   the live tags;
2. turn registry rows that the filter does not hold yet into deltas;
3. sign a heartbeat at the sequence reached, unless there is a recent one at that sequence.

Only a filter that holds everything gets a heartbeat: where this job stands still, filters go stale and clear nobody.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from alliance.clock import Clock
from alliance.crypto import bloom
from alliance.crypto.signing import SigningKey
from alliance.errors import FilterInvalid, Reason
from alliance.statements import FILTER_DELTA, FILTER_HEADER, FILTER_HEARTBEAT
from alliance.taxonomy import DAY_MS
from alliance.v1.filter_pb2 import FilterDelta, FilterHeader, FilterHeartbeat
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.audit import AuditAction, record_event
from alliance_server.domain.epochs import SERVING
from alliance_server.domain.errors import Refused
from alliance_server.domain.evaluations import MAX_SKEW_MS
from alliance_server.domain.filters import Delta, FilterState, Snapshot
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import SnapshotFiles, Store, Transaction
from alliance_server.services.compute import Compute

FORMAT = 1
LEASE = "filter-maintenance"
LEASE_MS = 30_000
HEARTBEAT_EVERY_MS = 30_000
HEARTBEAT_LIFE_MS = 5 * 60 * 1000
SNAPSHOT_LIFE_MS = 7 * DAY_MS
REBUILD_AFTER_MS = DAY_MS
SUPERSEDED_AFTER_MS = 60 * 60 * 1000
TAGS_A_DELTA = 4096
TAGS_A_PAGE = 10_000
MAX_ROWS_OF_DELTAS = 1_000_000


@dataclass(slots=True)
class _Held:
    """The bits of a base with its deltas, kept between turns by the lease's holder."""

    snapshot: Snapshot
    builder: bloom.FilterBuilder
    sequence: int


class FilterMaintenance:
    """Keeps every serving epoch's filter complete."""

    def __init__(self, store: Store, files: SnapshotFiles, compute: Compute, key: SigningKey, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._compute = compute
        self._key = key
        self._clock = clock
        self._holder = os.urandom(8).hex()
        self._held: dict[int, _Held] = {}
        self._turning = asyncio.Lock()

    async def turn(self) -> bool:
        """Do one turn for every epoch, one at a time; returns whether this process holds the lease."""
        async with self._turning:
            return await self._turn()

    async def _turn(self) -> bool:
        now = self._clock.now_ms()
        held = await self._store.write(
            lambda transaction: transaction.leases.acquire(LEASE, self._holder, now, now + LEASE_MS)
        )
        if not held:
            self._held.clear()
            return False
        epochs = await self._store.read(lambda transaction: transaction.epochs.all())
        for epoch in epochs:
            if epoch.state in SERVING:
                await self.turn_epoch(epoch.id)
        await self._clean_up(now)
        return True

    async def turn_epoch(self, epoch: int) -> None:
        """Bring one epoch's filter up to its registry, then let it beat."""
        state = await self._state(epoch)
        snapshot = await self._store.read(lambda transaction: transaction.filters.snapshot(state.base_sha256))
        if snapshot is None or not self._files.has(snapshot.bits_sha256) or self._needs_rebuild(snapshot, state):
            await self.rebuild(epoch)
            state = await self._state(epoch)
        try:
            state = await self._catch_up(state)
        except FilterInvalid:
            # The snapshot's file went or was changed: a new one is made of the registry, which has everything.
            await self.rebuild(epoch)
            state = await self._catch_up(await self._state(epoch))
        await self._beat(state)

    async def _catch_up(self, state: FilterState) -> FilterState:
        while state.delta_sequence < state.sequence:
            await self._extend(state)
            state = await self._state(state.epoch, upto=state.sequence)
        return state

    async def rebuild(self, epoch: int) -> Snapshot:
        """Build a snapshot of the live tags and put it in force."""
        state = await self._state(epoch)
        now = self._clock.now_ms()
        builder, listings = await self._fill(state, now)
        shape = builder.shape
        digest = await self._compute.run(TAGS_A_DELTA, self._files.save, bytearray(builder.bits))
        snapshot = self._describe(state, shape, listings, digest, now)
        # With its own heartbeat, so that no reader meets a header and the heartbeat of another base.
        heartbeat = self._heartbeat(epoch, digest, state.sequence, now)
        await self._write(lambda transaction: _publish(transaction, snapshot, heartbeat))
        self._held[epoch] = _Held(snapshot, builder, state.sequence)
        return snapshot

    async def _fill(self, state: FilterState, now: int) -> tuple[bloom.FilterBuilder, int]:
        """Give the bits of the live tags and their number, of the size that readers expect for that number."""
        while True:
            count = await self._store.read(
                lambda transaction: transaction.claims.count_live(state.epoch, state.sequence, now)
            )
            builder = bloom.FilterBuilder(bloom.Shape.for_listings(count, int.from_bytes(os.urandom(4), "little")))
            listings = await self._store.read(partial(_fill_from, builder=builder, state=state, now=now))
            if not listings:
                # Empty filters would all have one digest, of whatever epoch and seed, and deltas go by the digest.
                builder.fill([os.urandom(bloom.TAG_BYTES)])
                listings = 1
            if bloom.bit_count_for(listings) == builder.shape.m:
                return builder, listings
            # Claims were withdrawn between the count and the reading: once more.

    def _describe(self, state: FilterState, shape: bloom.Shape, listings: int, digest: bytes, now: int) -> Snapshot:
        header = FilterHeader(
            format=FORMAT,
            epoch=state.epoch,
            listings=listings,
            bits=shape.m,
            hashes=shape.k,
            seed=shape.seed,
            sequence=state.sequence,
            prefix_bits=bloom.prefix_bits(listings),
            bits_sha256=digest,
            created_at=now,
            not_after=now + SNAPSHOT_LIFE_MS,
        )
        return Snapshot(
            bits_sha256=digest,
            epoch=state.epoch,
            sequence=state.sequence,
            listings=listings,
            bits=shape.m,
            hashes=shape.k,
            seed=shape.seed,
            prefix_bits=header.prefix_bits,
            created_at=now,
            header=self._key.statement(FILTER_HEADER, header.SerializeToString()).SerializeToString(),
        )

    def _needs_rebuild(self, snapshot: Snapshot, state: FilterState) -> bool:
        added = state.sequence - snapshot.sequence
        too_full = bloom.bit_count_for(snapshot.listings + added * 4 // 5) > snapshot.bits
        age = self._clock.now_ms() - snapshot.created_at
        too_old = not -MAX_SKEW_MS <= age <= REBUILD_AFTER_MS  # from the future: a clock had gone wrong
        # Buckets are as wide as the snapshot says; they must not grow with the list.
        too_wide = bloom.prefix_bits(snapshot.listings + added) > snapshot.prefix_bits
        return too_full or too_wide or too_old or added > MAX_ROWS_OF_DELTAS

    async def _extend(self, state: FilterState) -> None:
        held = await self._hold(state)
        upto = min(state.sequence, state.delta_sequence + TAGS_A_DELTA)
        tags = await self._store.read(
            lambda transaction: transaction.claims.tags_between(state.epoch, state.delta_sequence, upto)
        )
        positions = await self._compute.run(len(tags), held.builder.add_many, tags)
        payload = FilterDelta(
            epoch=state.epoch,
            base_sha256=state.base_sha256,
            from_sequence=state.delta_sequence,
            to_sequence=upto,
            position_gaps=bloom.encode_positions(positions),
        )
        statement = self._key.statement(FILTER_DELTA, payload.SerializeToString())
        delta = Delta(state.base_sha256, state.delta_sequence, upto, statement.SerializeToString())
        try:
            await self._write(lambda transaction: transaction.filters.add_delta(state.epoch, delta))
        except BaseException:
            del self._held[state.epoch]  # its bits are ahead of what is stored
            raise
        held.sequence = upto

    async def _write(self, work: Callable[[Transaction], None]) -> None:
        """Run a unit of work under the lease, renewed within it; raises Refused where another took it meanwhile.

        Without this a turn that outlived its lease could put an older snapshot over a newer one.
        """

        def leased(transaction: Transaction) -> None:
            now = self._clock.now_ms()
            if not transaction.leases.acquire(LEASE, self._holder, now, now + LEASE_MS):
                raise Refused(Reason.UNAVAILABLE, "another process took the filter's maintenance over")
            work(transaction)

        await self._store.write(leased)

    async def _hold(self, state: FilterState) -> _Held:
        held = self._held.get(state.epoch)
        if held and held.snapshot.bits_sha256 == state.base_sha256 and held.sequence == state.delta_sequence:
            return held
        snapshot, deltas = await self._store.read(
            lambda transaction: (
                transaction.filters.snapshot(state.base_sha256),
                transaction.filters.deltas(state.base_sha256, 0, MAX_ROWS_OF_DELTAS),
            )
        )
        if snapshot is None:
            raise RuntimeError("the snapshot in force is not in the database")
        held = await self._compute.run(TAGS_A_DELTA, _restore, self._files, snapshot, deltas)
        self._held[state.epoch] = held
        return held

    async def _beat(self, state: FilterState) -> None:
        now = self._clock.now_ms()
        last = _last_heartbeat(state)
        current = last.sequence == state.delta_sequence and last.base_sha256 == state.base_sha256
        # One from the future was signed by a clock that went wrong meanwhile: members refuse it.
        if current and 0 <= now - last.time < HEARTBEAT_EVERY_MS:
            return
        statement = self._heartbeat(state.epoch, state.base_sha256, state.delta_sequence, now)
        await self._write(lambda transaction: transaction.filters.beat(state.epoch, statement))

    def _heartbeat(self, epoch: int, base_sha256: bytes, sequence: int, now: int) -> bytes:
        payload = FilterHeartbeat(
            epoch=epoch,
            base_sha256=base_sha256,
            sequence=sequence,
            time=now,
            not_after=now + HEARTBEAT_LIFE_MS,
        )
        return self._key.statement(FILTER_HEARTBEAT, payload.SerializeToString()).SerializeToString()

    async def _state(self, epoch: int, *, upto: int | None = None) -> FilterState:
        state = await self._store.read(lambda transaction: transaction.filters.state(epoch))
        if state is None:
            raise RuntimeError("an epoch has no filter state")
        if upto is None:
            return state
        return FilterState(state.epoch, upto, state.base_sha256, state.delta_sequence, state.header, state.heartbeat)

    async def _clean_up(self, now: int) -> None:
        gone = await self._store.write(lambda transaction: transaction.filters.superseded(now - SUPERSEDED_AFTER_MS))
        for digest in gone:
            self._files.delete(digest)


def _fill_from(transaction: Transaction, builder: bloom.FilterBuilder, state: FilterState, now: int) -> int:
    filled = 0
    for tags in transaction.claims.live_tags(state.epoch, state.sequence, now, TAGS_A_PAGE):
        builder.fill(tags)
        filled += len(tags)
    return filled


def _publish(transaction: Transaction, snapshot: Snapshot, heartbeat: bytes) -> None:
    transaction.filters.publish(snapshot)
    transaction.filters.beat(snapshot.epoch, heartbeat)
    transaction.record(
        record_event(
            time=snapshot.created_at,
            actor=HUB_ACTOR,
            action=AuditAction.FILTER_BUILD,
            epoch=snapshot.epoch,
            items=snapshot.listings,
            commitments=(snapshot.bits_sha256,),
        )
    )


def _restore(files: SnapshotFiles, snapshot: Snapshot, deltas: list[Delta]) -> _Held:
    shape = bloom.Shape(snapshot.bits, snapshot.hashes, snapshot.seed)
    bits = files.load(snapshot.bits_sha256)
    sequence = snapshot.sequence
    for delta in deltas:
        payload = FilterDelta.FromString(_payload(delta.statement))
        bloom.apply_positions(bits, bloom.decode_positions(payload.position_gaps, shape.m))
        sequence = delta.to_sequence
    return _Held(snapshot, bloom.FilterBuilder(shape, bits), sequence)


def _last_heartbeat(state: FilterState) -> FilterHeartbeat:
    return FilterHeartbeat.FromString(_payload(state.heartbeat)) if state.heartbeat else FilterHeartbeat()


def _payload(statement: bytes) -> bytes:
    return SignedStatement.FromString(statement).payload
