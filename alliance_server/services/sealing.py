"""The sealer: gives events their places in the log, and signs the tree over them. One process at a time does it.

Each step may be done again, and whoever is killed between two of them leaves nothing half done for good:

1. events are taken in the order of their numbers, up to the one below which none can appear any more;
2. the tree over them is committed: there is one root for a size, whatever happens afterwards;
3. tiles are written, and only then the checkpoint is signed, kept and shown;
4. a month that is over is sealed for good, and the next log begins with a leaf that binds it to this one.

A sealer that lost its lease in the middle finds another tree in its way, and stops.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Final

import structlog

from alliance.clock import Clock
from alliance.crypto.merkle import Frontier
from alliance.crypto.signing import Signer
from alliance.errors import NoteInvalid
from alliance.tlog.checkpoints import sign_checkpoint
from alliance.tlog.logs import LogName, month_ends, month_of
from alliance_server.domain.logs import Leaf, Log, TreeHead, beginning, head_of, is_over
from alliance_server.domain.ports import LogFiles, Store, Transaction
from alliance_server.domain.successions import FIRST_ORIGIN
from alliance_server.services.leases import Lease
from alliance_server.services.pace import Pace

LEASE: Final = "sealing"
LEASE_MS: Final = 5_000
BATCH: Final = 16_384
"""Leaves of a tree more than of the one before, at most."""
PAUSE_SECONDS: Final = 0.2
"""Between turns that somebody asked for, in the long run: each leaves a tree and a checkpoint for good."""
SETTLE_MS: Final = 200
"""So long the sealer waits for appenders that are under way, and whoever appends waits behind."""

_log = structlog.get_logger("alliance.sealing")


@dataclass(frozen=True, slots=True)
class _Standing:
    """The newest log: its tree, whether that is signed, and whether there are events behind it."""

    log: Log
    head: TreeHead
    is_signed: bool
    has_more: bool


@dataclass(frozen=True, slots=True)
class _Origin:
    """The hub's origin, and the succession that made it."""

    number: int
    succession: bytes


class _Overtaken(Exception):
    """Another process holds the lease, or was faster."""


class Sealer:
    """Seals events into the log."""

    def __init__(self, store: Store, files: LogFiles, identity: Signer, alliance: str, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._identity = identity
        self._alliance = alliance
        self._clock = clock
        self._lease = Lease(LEASE, LEASE_MS)
        self._woken = asyncio.Event()
        self._sealed = asyncio.Event()
        self._turning = asyncio.Lock()
        """The lease keeps other processes away, and not a second turn of this one."""
        self._is_mended = False
        self._pace = Pace(PAUSE_SECONDS)

    async def begin(self) -> None:
        """Begin the first log of the hub's origin where there is none; all else waits for turns."""
        async with self._turning:
            with contextlib.suppress(_Overtaken):
                origin, standing = await self._store.read(_where)
                if standing is None or standing.log.name.origin != origin.number:
                    await self._step()

    async def turn(self) -> int:
        """Seal what there is; returns how many leaves, 0 where there are none or another process does it."""
        sealed = 0
        async with self._turning:
            with contextlib.suppress(_Overtaken):
                while (leaves := await self._step()) is not None:
                    sealed += leaves
                if not self._is_mended:  # after what is new: the tiles of a long past take their time
                    await self._mend()
        return sealed

    async def wait(self, seconds: float) -> None:
        """Wait until somebody wants something sealed at once, or so long; who asks all the time waits for the pace."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        if self._woken.is_set():
            await self._pace.keep()
        self._woken.clear()

    def wake(self) -> None:
        """Have the next turn begin at once."""
        self._woken.set()

    def next_checkpoint(self) -> asyncio.Event:
        """Give what is set once this process has signed another checkpoint from now on."""
        return self._sealed

    async def hand_over(self) -> None:
        """Seal what is left, and let another process go on at once."""
        await self.turn()
        await self._store.write(self._lease.release)

    async def _step(self) -> int | None:
        """Do the next thing, and say how many leaves it added; None where there is nothing to do."""
        now = self._clock.now_ms()
        origin, standing = await self._store.read(_where)
        if standing is None or standing.log.name.origin != origin.number:
            return await self._begin(origin, standing, month_of(now), now)
        log, head = standing.log, standing.head
        if not standing.is_signed:
            await self._require_tiles(log, head)
            return await self._publish(log, head, 0)
        leaves: list[Leaf] = []
        if standing.has_more:
            settled = await self._store.read(lambda transaction: transaction.logs.settled(SETTLE_MS))
            leaves = await self._store.read(lambda transaction: transaction.logs.leaves(head.last_row, settled, BATCH))
        month = log.name.month
        ends = month_ends(month)
        within = list(takewhile(lambda leaf: min(leaf.time, now) < ends, leaves))  # a clock ahead counts to now
        if within:
            return await self._extend(log, head, within, now)
        if leaves or is_over(month, now):
            time = leaves[0].time if leaves else now
            return await self._begin(origin, standing, month_of(min(time, now)), now)
        return None

    async def _begin(self, origin: _Origin, standing: _Standing | None, month: str, now: int) -> int:
        """Begin a log, its first leaf being its tree."""
        is_new = standing is not None and standing.log.name.origin != origin.number
        before = None if standing is None else (standing.log, standing.head)
        name = LogName(self._alliance, origin.number, month)
        log = beginning(name, before, origin.succession if is_new else b"", now)
        head = head_of(log, Frontier().extended([log.first_leaf]), log.after_row, now)

        def work(transaction: Transaction) -> None:
            self._hold(transaction, now=now)
            now_stands = _standing(transaction)
            if (now_stands and now_stands.head) != (standing and standing.head):
                raise _Overtaken
            transaction.logs.begin(log)
            transaction.logs.add_head(head)

        await self._store.write(work)
        _log.info("log begins", origin=log.origin)
        await asyncio.to_thread(self._files.extend, log.origin, Frontier(), [log.first_leaf])
        return await self._publish(log, head, 1)

    async def _extend(self, log: Log, before: TreeHead, leaves: Sequence[Leaf], now: int) -> int:
        hashes = [leaf.leaf_hash for leaf in leaves]
        frontier = await asyncio.to_thread(before.frontier.extended, hashes)
        head = head_of(log, frontier, leaves[-1].row, now)

        def work(transaction: Transaction) -> None:
            self._hold(transaction, now=now)
            if transaction.logs.head(log.number) != before or transaction.logs.newest() != log:
                raise _Overtaken
            transaction.logs.add_head(head)

        await self._store.write(work)
        try:
            await asyncio.to_thread(self._files.extend, log.origin, before.frontier, hashes)
        except (NoteInvalid, FileNotFoundError):  # somebody tidied up
            await self._make_tiles(log, head)
        return await self._publish(log, head, len(leaves))

    async def _publish(self, log: Log, head: TreeHead, leaves: int) -> int:
        """Sign a tree whose tiles are there, keep the checkpoint and show it."""
        key = log.name.key(self._identity.public_key)
        checkpoint = await asyncio.to_thread(sign_checkpoint, head.size, head.root, key, self._identity.sign_text)
        note = str(checkpoint.note).encode()

        def work(transaction: Transaction) -> None:
            self._hold(transaction, now=self._clock.now_ms())
            if transaction.logs.checkpoint(log.number, head.size) is None:
                transaction.logs.add_checkpoint(log.number, head.size, note)

        await self._store.write(work)
        await asyncio.to_thread(self._files.publish, log.origin, head.size, note)
        before, self._sealed = self._sealed, asyncio.Event()
        before.set()
        return leaves

    async def _mend(self) -> None:
        """Show what is signed of all logs: after a restore, a kill before it was shown, or where somebody tidied up."""
        for log, head in await self._store.read(_trees):
            try:
                await self._require_tiles(log, head)
            except NoteInvalid as error:
                _log.error("a log cannot be served: verify it", origin=log.origin, detail=str(error))
                continue
            signed = await self._store.read(partial(_checkpoint, log=log.number))
            if signed is not None:
                await asyncio.to_thread(self._files.publish, log.origin, *signed)
        self._is_mended = True

    async def _require_tiles(self, log: Log, head: TreeHead) -> None:
        """Make a tree's tiles where they are not there, or not its own."""
        if not await asyncio.to_thread(self._files.has, log.origin, head.frontier):
            await self._store.write(partial(self._hold, now=self._clock.now_ms()))
            await self._make_tiles(log, head)

    async def _make_tiles(self, log: Log, head: TreeHead) -> None:
        """Make missing tiles from the events, a batch at a time: on from the newest signed tree, or all."""
        signed = await self._store.read(partial(_signed_head, log=log.number))
        if signed is not None and await asyncio.to_thread(self._files.has, log.origin, signed.frontier):
            frontier, row, hashes = signed.frontier, signed.last_row, list[bytes]()
        else:
            _log.warning("tiles are made anew", origin=log.origin, items=head.size)
            await asyncio.to_thread(self._files.forget, log.origin)
            frontier, row, hashes = Frontier(), log.after_row, [log.first_leaf]
        while True:
            await asyncio.to_thread(self._files.extend, log.origin, frontier, hashes)
            frontier = await asyncio.to_thread(frontier.extended, hashes)
            leaves = await self._store.read(partial(_leaves, after=row, last=head.last_row))
            if not leaves:
                break
            hashes, row = [leaf.leaf_hash for leaf in leaves], leaves[-1].row
            await self._store.write(partial(self._hold, now=self._clock.now_ms()))
        if frontier != head.frontier:
            raise NoteInvalid("the events are not those that the tree was made of")

    def _hold(self, transaction: Transaction, *, now: int) -> None:
        """Take or renew the lease; raises _Overtaken."""
        if not self._lease.take(transaction, now):
            raise _Overtaken


def _origin(transaction: Transaction) -> _Origin:
    newest = transaction.successions.newest()
    return _Origin(FIRST_ORIGIN, b"") if newest is None else _Origin(newest.origin, newest.payload)


def _standing(transaction: Transaction) -> _Standing | None:
    log = transaction.logs.newest()
    head = transaction.logs.head(log.number) if log else None
    if log is None or head is None:
        return None
    is_signed = transaction.logs.checkpoint(log.number, head.size) is not None
    return _Standing(log, head, is_signed, transaction.logs.has_beyond(head.last_row))


def _where(transaction: Transaction) -> tuple[_Origin, _Standing | None]:
    return _origin(transaction), _standing(transaction)


def _trees(transaction: Transaction) -> list[tuple[Log, TreeHead]]:
    both = ((log, transaction.logs.head(log.number)) for log in transaction.logs.all())
    return [(log, head) for log, head in both if head is not None]


def _signed_head(transaction: Transaction, *, log: int) -> TreeHead | None:
    newest = transaction.logs.checkpoint(log)
    return None if newest is None else transaction.logs.head(log, newest[0])


def _checkpoint(transaction: Transaction, *, log: int) -> tuple[int, bytes] | None:
    return transaction.logs.checkpoint(log)


def _leaves(transaction: Transaction, *, after: int, last: int) -> list[Leaf]:
    return transaction.logs.leaves(after, last, BATCH)
