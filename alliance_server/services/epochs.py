"""One epoch after the other: begun, activated and retired by admins; the keys made and destroyed by maintenance.

What admins decide is a row in the database. What follows of it outside (a key made, announced and destroyed, files and
claims removed) is done after that by whichever process holds the lease, each step so that it may be done again: a
process that is killed in between leaves nothing half done for good.

Keys lie in the folder that all processes of a hub share.
"""

import asyncio
from dataclasses import replace
from functools import partial
from hashlib import sha256

import structlog

from alliance.clock import Clock
from alliance.errors import Reason
from alliance_server.domain import epochs
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.epochs import MAX_EPOCH, Epoch, EpochStanding, EpochState
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import EpochKeys, SnapshotFiles, Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.leases import Lease

LEASE = "epoch-maintenance"
LEASE_MS = 15_000
"""Renewed within each step, all of which are short: who was killed holds nothing up for longer."""
CLAIMS_A_STEP = 5_000
"""Claims destroyed in one unit of work: others wait for it."""
STEPS_A_TURN = 20

_log = structlog.get_logger("alliance.epochs")


def begin(transaction: Transaction, number: int, now: int) -> None:
    """Begin the epoch after the last; its key follows. Raises Refused."""
    transaction.epochs.add(epochs.begun(transaction.epochs.hold(), number, now))
    _record(transaction, AuditAction.EPOCH_BEGIN, number, now)


def activate(transaction: Transaction, number: int, now: int) -> None:
    """Let a begun epoch serve, and the one before it retire; raises Refused.

    Not before its filter can be had: members who asked under it would be told nothing.
    """
    both = epochs.activated(transaction.epochs.hold(), number, now)
    state = transaction.filters.state(number)
    if state is None or not state.heartbeat:
        raise Refused(Reason.EPOCH_STATE_CONFLICT, "the epoch's filter is not built yet")
    for epoch in both:
        transaction.epochs.save(epoch)
    _record(transaction, AuditAction.EPOCH_ACTIVATE, number, now)


def retire(transaction: Transaction, number: int, now: int) -> None:
    """End an epoch; key, filter and claims are destroyed after that. Raises Refused."""
    transaction.epochs.save(epochs.retired(transaction.epochs.hold(), number))
    _record(transaction, AuditAction.EPOCH_RETIRE, number, now)


def claims_to_retag(transaction: Transaction, number: int, now: int) -> int:
    """Count live claims that wait to be re-tagged out of an epoch; where it is not the one that serves, into it."""
    if number > MAX_EPOCH:
        return 0
    known = transaction.epochs.get(number)
    leaving = number - 1 if known is None or known.state is EpochState.PENDING else number
    return sum(claims for _, claims in transaction.claims.laggards(leaving, now))


def standing(transaction: Transaction, epoch: Epoch, now: int, *, followed: bool) -> EpochStanding:
    """Say how an epoch stands; nobody lags while no later one is begun."""
    live, rows = transaction.claims.count_of(epoch.id, now)
    is_retired = epoch.state is EpochState.RETIRED
    laggards = transaction.claims.laggards(epoch.id, now) if followed and not is_retired else []
    return EpochStanding(epoch, 0 if is_retired else live, laggards, rows if is_retired else 0)


def standings(transaction: Transaction, now: int) -> list[EpochStanding]:
    """Say how all epochs stand, oldest first."""
    known = transaction.epochs.all()
    return [standing(transaction, it, now, followed=it.id < known[-1].id) for it in known]


class EpochService:
    """Shows admins how the epochs stand."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def standings(self, call: Call) -> list[EpochStanding]:
        """Say how all epochs stand, oldest first."""
        found = await self._store.read(lambda transaction: standings(transaction, call.now()))
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(found))))
        return found


class EpochMaintenance:
    """Does what follows from the states of epochs."""

    def __init__(self, store: Store, keys: EpochKeys, files: SnapshotFiles, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._files = files
        self._clock = clock
        self._lease = Lease(LEASE, LEASE_MS)
        self._turning = asyncio.Lock()

    async def turn(self) -> None:
        """Make, announce and destroy what is due; every process forgets the keys of epochs that have ended."""
        async with self._turning:
            await self._turn()

    async def _turn(self) -> None:
        known = await self._store.read(lambda transaction: transaction.epochs.all())
        self._keys.forget_epoch_keys(epoch.id for epoch in known if epoch.has_filter)
        for epoch in known:
            if epoch.state is EpochState.PENDING and not epoch.public_key:
                await self._announce(epoch)
            elif epoch.state is EpochState.RETIRING and epoch.retagged_at is None:
                await self._store.write(partial(self._see_retagged, number=epoch.id))
            elif epoch.state is EpochState.RETIRED and epoch.destroyed_at is None:
                await self._destroy(epoch)

    async def _announce(self, epoch: Epoch) -> None:
        """Make the key, then name its public half: a key that was made and not named is taken the next time."""
        if not await self._store.write(self._holds_lease):
            return
        public_key = await asyncio.to_thread(self._keys.make_epoch_key, epoch.id)
        await self._store.write(partial(self._name_key, number=epoch.id, public_key=public_key))
        _log.info("epoch begun", epoch=epoch.id)

    async def _destroy(self, epoch: Epoch) -> None:
        """Destroy key and filter, and some claims; the last step says so in the audit table."""
        if not await self._store.write(self._holds_lease):
            return
        await asyncio.to_thread(self._keys.destroy_epoch_key, epoch.id)
        for digest in await self._store.write(lambda transaction: transaction.filters.drop(epoch.id)):
            await asyncio.to_thread(self._files.delete, digest)
        for _step in range(STEPS_A_TURN):
            if await self._store.write(partial(self._destroy_some, number=epoch.id)):
                _log.info("epoch destroyed", epoch=epoch.id)
                return

    def _holds_lease(self, transaction: Transaction) -> bool:
        return self._lease.take(transaction, self._clock.now_ms())

    def _name_key(self, transaction: Transaction, *, number: int, public_key: bytes) -> None:
        epoch = _held(transaction, number)
        if self._holds_lease(transaction) and not epoch.public_key:
            transaction.epochs.save(replace(epoch, public_key=public_key))
            _record(transaction, AuditAction.EPOCH_ANNOUNCE, number, self._clock.now_ms(), public_key)

    def _see_retagged(self, transaction: Transaction, *, number: int) -> None:
        """See that all have followed; and say so once the next epoch's filter holds them, for readers go by that."""
        now = self._clock.now_ms()
        if not self._holds_lease(transaction) or not transaction.claims.is_retagged(number, now):
            return
        epoch, following = _held(transaction, number), _held(transaction, number + 1)
        state = transaction.filters.state(following.id)
        if epoch.retagged_at is not None or state is None:
            return
        if following.filter_sequence is None:
            following = replace(following, filter_sequence=state.sequence)
            transaction.epochs.save(following)
        if state.delta_sequence >= (following.filter_sequence or 0):
            transaction.epochs.save(replace(epoch, retagged_at=now))
            _record(transaction, AuditAction.EPOCH_RETAGGED, number, now)

    def _destroy_some(self, transaction: Transaction, *, number: int) -> bool:
        """Destroy some claims; true once none is left, which is then on record."""
        if not self._holds_lease(transaction):
            return False
        if transaction.claims.destroy(number, CLAIMS_A_STEP):
            return False
        now = self._clock.now_ms()
        epoch = _held(transaction, number)
        if epoch.destroyed_at is None:
            transaction.quotas.drop_credits(number)
            transaction.epochs.save(replace(epoch, destroyed_at=now))
            _record(transaction, AuditAction.EPOCH_DESTROY, number, now, epoch.public_key)
        return True


def _held(transaction: Transaction, number: int) -> Epoch:
    return next(epoch for epoch in transaction.epochs.hold() if epoch.id == number)


def _record(transaction: Transaction, action: AuditAction, number: int, now: int, *digested: bytes) -> None:
    """Leave an event of the hub; commitments are digests of public keys."""
    commitments = tuple(sha256(it).digest() for it in digested)
    event = record_event(time=now, actor=HUB_ACTOR, action=action, epoch=number, items=1, commitments=commitments)
    transaction.record(event)
