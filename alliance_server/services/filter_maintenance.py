"""Building filters: snapshots, deltas and heartbeats, by whichever process holds the lease.

One turn of an epoch:

1. where no snapshot can be served (there is none, its file is gone, members would refuse its age) or too much was
   filed since: build one of the live tags;
2. turn registry rows that the filter does not hold yet into deltas;
3. sign a heartbeat at the sequence reached, unless there is a recent one at that sequence;
4. where the snapshot is due to be renewed (a day old, too full, or its buckets grew too wide): build one, and do 2 and
   3 once more. A hub that starts leaves this to its first turn after it serves: it does not read the list for it.

Only a filter that holds everything gets a heartbeat: where this job stands still, filters go stale and clear nobody.
A build reads the tags once to count them and once to fill; it takes no memory but for the bits. It renews the lease
while it lasts.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from alliance.clock import Clock
from alliance.crypto import bloom
from alliance.crypto.signing import Signer
from alliance.errors import FilterInvalid, Reason
from alliance.statements import FILTER_DELTA, FILTER_HEADER, FILTER_HEARTBEAT
from alliance.taxonomy import DAY_MS
from alliance.v1.epoch_pb2 import EpochState
from alliance.v1.filter_pb2 import FilterDelta, FilterHeader, FilterHeartbeat
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.errors import Refused
from alliance_server.domain.filters import Delta, FilterState, Snapshot
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import SnapshotFiles, Store, Transaction
from alliance_server.domain.statements import MAX_SKEW_MS
from alliance_server.services.compute import Compute
from alliance_server.services.leases import Lease

FORMAT = 1
LEASE = "filter-maintenance"
LEASE_MS = 30_000
HEARTBEAT_EVERY_MS = 30_000
HEARTBEAT_LIFE_MS = 5 * 60 * 1000
SNAPSHOT_LIFE_MS = 7 * DAY_MS
REBUILD_AFTER_MS = DAY_MS
SUPERSEDED_AFTER_MS = 60 * 60 * 1000
CLEAN_EVERY_MS = 60 * 1000
TAGS_A_DELTA = 4096
TAGS_A_PAGE = 32_768
DELTAS_A_READ = 64
MAX_ROWS_OF_DELTAS = 1_000_000
MOST_GONE = 100
"""Of so many tags counted one may be gone when they are read: members allow ten times that."""
RENEW_SECONDS = LEASE_MS / 3000
"""A third of the lease."""


@dataclass(slots=True)
class _Held:
    """The bits of a base with its deltas, kept between turns by the lease's holder."""

    snapshot: Snapshot
    builder: bloom.FilterBuilder
    sequence: int


class FilterMaintenance:
    """Keeps every serving epoch's filter complete."""

    def __init__(self, store: Store, files: SnapshotFiles, compute: Compute, key: Signer, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._compute = compute
        self._key = key
        self._clock = clock
        self._lease = Lease(LEASE, LEASE_MS)
        self._held: dict[int, _Held] = {}
        self._epoch_states: dict[int, int] = {}
        self._cleaned_at = 0
        self._turning = asyncio.Lock()

    async def turn(self, *, renew: bool = True) -> bool:
        """Do one turn for every epoch, one at a time; returns whether this process holds the lease.

        Without `renew` nothing is built for an epoch whose snapshot can be served.
        """
        async with self._turning:
            return await self._turn(renew=renew)

    async def hand_over(self) -> None:
        """Give the lease back, so that another process goes on at once and not when the lease ends."""
        await self._store.write(self._lease.release)

    async def _turn(self, *, renew: bool) -> bool:
        now = self._clock.now_ms()
        held = await self._store.write(lambda transaction: self._lease.take(transaction, now))
        if not held:
            self._held.clear()
            return False
        epochs = await self._store.read(lambda transaction: transaction.epochs.all())
        for epoch in epochs:
            if not epoch.has_filter:
                self._held.pop(epoch.id, None)
            else:
                await self.turn_epoch(epoch.id, renew=renew)
        await self._clean_up(now)
        return True

    async def turn_epoch(self, epoch: int, *, renew: bool = True) -> None:
        """Bring one epoch's filter up to its registry, let it beat, and renew its snapshot where it is due."""
        state = await self._state(epoch)
        snapshot = await self._store.read(lambda transaction: transaction.filters.snapshot(state.base_sha256))
        # Before the deltas: members refuse those that would overfill the filter.
        if snapshot is None or not self._can_be_served(snapshot, state) or self._is_too_full(snapshot, state):
            snapshot = await self.rebuild(epoch)
            state = await self._state(epoch)
        await self._complete(epoch)
        if renew and self._is_due(snapshot, state):
            await self.rebuild(epoch)
            await self._complete(epoch)

    async def _complete(self, epoch: int) -> None:
        """Catch up with the registry as it is now, then beat."""
        try:
            state = await self._catch_up(await self._state(epoch))
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
        async with self._keeping_the_lease():
            return await self._rebuilt(epoch)

    async def _rebuilt(self, epoch: int) -> Snapshot:
        state = await self._state(epoch)
        now = self._next_time(state)
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
        work = partial(_filled, state=state, now=now, threads=self._compute.threads)
        while True:
            builder, counted, filled = await self._store.read(work)
            if not counted:
                # Empty filters would all have one digest, of whatever epoch and seed, and deltas go by the digest.
                builder.fill(os.urandom(bloom.TAG_BYTES))
                return builder, 1
            if counted - filled <= counted // MOST_GONE:
                return builder, counted
            # Too many claims ended between the count and the reading: once more.

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

    def _can_be_served(self, snapshot: Snapshot, state: FilterState) -> bool:
        age = self._clock.now_ms() - snapshot.created_at
        # Members refuse one from the future (a clock had gone wrong) and one that is past its end.
        is_dated_right = -MAX_SKEW_MS <= age < SNAPSHOT_LIFE_MS
        few_behind = state.sequence - snapshot.sequence <= MAX_ROWS_OF_DELTAS
        return is_dated_right and few_behind and self._files.has(snapshot.bits_sha256)

    def _is_due(self, snapshot: Snapshot, state: FilterState) -> bool:
        added = max(0, state.sequence - snapshot.sequence)
        too_old = self._clock.now_ms() - snapshot.created_at > REBUILD_AFTER_MS
        # Buckets are as wide as the snapshot says; they must not grow with the list.
        too_wide = bloom.prefix_bits(snapshot.listings + added) > snapshot.prefix_bits
        return self._is_too_full(snapshot, state) or too_wide or too_old

    def _is_too_full(self, snapshot: Snapshot, state: FilterState) -> bool:
        added = max(0, state.sequence - snapshot.sequence)
        return bloom.bit_count_for(snapshot.listings + added * 4 // 5) > snapshot.bits

    async def _extend(self, state: FilterState) -> None:
        held = await self._hold(state)
        upto = min(state.sequence, state.delta_sequence + TAGS_A_DELTA)
        tags = await self._store.read(
            lambda transaction: transaction.claims.tags_between(state.epoch, state.delta_sequence, upto)
        )
        positions = await self._compute.run(len(tags) // bloom.TAG_BYTES, held.builder.add_many, tags)
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
            if not self._lease.take(transaction, self._clock.now_ms()):
                raise Refused(Reason.UNAVAILABLE, "another process took the filter's maintenance over")
            work(transaction)

        await self._store.write(leased)

    @asynccontextmanager
    async def _keeping_the_lease(self) -> AsyncIterator[None]:
        """Renew the lease while something long goes on, so that no other process begins the same."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(RENEW_SECONDS)
                await self._write(lambda _transaction: None)

        renewing = asyncio.create_task(renew(), name="lease")
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)  # where the lease was lost, writing says so

    async def _hold(self, state: FilterState) -> _Held:
        held = self._held.get(state.epoch)
        if held and held.snapshot.bits_sha256 == state.base_sha256 and held.sequence == state.delta_sequence:
            return held
        base = state.base_sha256
        snapshot = await self._store.read(lambda transaction: transaction.filters.snapshot(base))
        if snapshot is None:
            raise RuntimeError("the snapshot in force is not in the database")
        bits = await self._compute.run(TAGS_A_DELTA, self._files.load, base)
        builder = bloom.FilterBuilder(bloom.Shape(snapshot.bits, snapshot.hashes, snapshot.seed), bits)
        held = self._held[state.epoch] = _Held(snapshot, builder, snapshot.sequence)
        while deltas := await self._store.read(partial(_page, base_sha256=base, after=held.sequence)):
            await self._compute.run(TAGS_A_DELTA, _apply, deltas, bits, builder.shape)
            held.sequence = deltas[-1].to_sequence
        return held

    async def _beat(self, state: FilterState) -> None:
        now = self._clock.now_ms()
        last = state.last_heartbeat
        current = last.sequence == state.delta_sequence and last.base_sha256 == state.base_sha256
        current = current and last.epoch_state == self._epoch_states[state.epoch]
        # One from far in the future was signed by a clock that went wrong meanwhile: members refuse it.
        if current and -MAX_SKEW_MS <= now - last.time < HEARTBEAT_EVERY_MS:
            return
        statement = self._heartbeat(state.epoch, state.base_sha256, state.delta_sequence, self._next_time(state))
        await self._write(lambda transaction: transaction.filters.beat(state.epoch, statement))

    def _next_time(self, state: FilterState) -> int:
        """Give the time of the next statement: now, or that of the last one where the clock was put back a little.

        Members take a statement that is older than the last for a rollback, which is an alarm.
        """
        now, last = self._clock.now_ms(), state.last_heartbeat.time
        return last if now < last <= now + MAX_SKEW_MS else now

    def _heartbeat(self, epoch: int, base_sha256: bytes, sequence: int, now: int) -> bytes:
        payload = FilterHeartbeat(
            epoch=epoch,
            base_sha256=base_sha256,
            sequence=sequence,
            time=now,
            not_after=now + HEARTBEAT_LIFE_MS,
            epoch_state=EpochState.ValueType(self._epoch_states[epoch]),
        )
        return self._key.statement(FILTER_HEARTBEAT, payload.SerializeToString()).SerializeToString()

    async def _state(self, epoch: int, *, upto: int | None = None) -> FilterState:
        state, known = await self._store.read(
            lambda transaction: (transaction.filters.state(epoch), transaction.epochs.get(epoch))
        )
        if state is None or known is None:
            raise RuntimeError("an epoch has no filter state")
        self._epoch_states[epoch] = int(known.state)
        if upto is None:
            return state
        return FilterState(state.epoch, upto, state.base_sha256, state.delta_sequence, state.header, state.heartbeat)

    async def _clean_up(self, now: int) -> None:
        if abs(now - self._cleaned_at) < CLEAN_EVERY_MS:
            return
        self._cleaned_at = now
        gone = await self._store.write(lambda transaction: transaction.filters.superseded(now - SUPERSEDED_AFTER_MS))
        for digest in gone:
            self._files.delete(digest)


def _filled(
    transaction: Transaction, *, state: FilterState, now: int, threads: int
) -> tuple[bloom.FilterBuilder, int, int]:
    """Count the live tags, and fill a filter of that size; gives both numbers, which differ where claims just ended."""
    counted = transaction.claims.count_live(state.epoch, state.sequence, now)
    builder = bloom.FilterBuilder(bloom.Shape.for_listings(max(counted, 1), int.from_bytes(os.urandom(4), "little")))
    filled = 0
    for tags in transaction.claims.live_tags(state.epoch, state.sequence, now, TAGS_A_PAGE):
        builder.fill(tags, threads=threads)
        filled += len(tags) // bloom.TAG_BYTES
    return builder, counted, filled


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


def _page(transaction: Transaction, *, base_sha256: bytes, after: int) -> list[Delta]:
    return transaction.filters.deltas(base_sha256, after, DELTAS_A_READ)


def _apply(deltas: list[Delta], bits: bytearray, shape: bloom.Shape) -> None:
    for delta in deltas:
        gaps = FilterDelta.FromString(SignedStatement.FromString(delta.statement).payload).position_gaps
        bloom.apply_positions(bits, bloom.decode_positions(gaps, shape.m))
