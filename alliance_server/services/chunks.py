"""Work that comes in chunks, by one process of a hub at a time: each chunk is a unit of work under a lease."""

from collections.abc import Callable
from functools import partial
from typing import Final

from alliance.clock import Clock
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.leases import Lease

CHUNKS_A_TURN: Final = 16
"""Of each step. A turn is short: filters are kept fresh between turns."""

IsDue = Callable[[Transaction, int], bool]
Step = Callable[[Transaction, int], int]


class ChunkedWork:
    """Steps that time brings about, as far as they are due."""

    def __init__(self, store: Store, clock: Clock, lease: Lease, *steps: tuple[IsDue, Step]) -> None:
        """Take the steps in their order: what says whether one is due, and what does a chunk of it."""
        self._store = store
        self._clock = clock
        self._lease = lease
        self._steps = steps

    async def turn(self) -> int:
        """Do some of it; returns how many things, 0 where nothing is due or another process does it."""
        done = 0
        for is_due, step in self._steps:
            for _ in range(CHUNKS_A_TURN):
                now = self._clock.now_ms()
                if not await self._store.read(partial(_at, now, is_due)):
                    break
                chunk = await self._store.write(partial(self._leased, now, step))
                if chunk is None:
                    return done
                done += chunk
        return done

    def _leased(self, now: int, step: Step, transaction: Transaction) -> int | None:
        """Do a chunk; None where another process holds the lease."""
        return step(transaction, now) if self._lease.take(transaction, now) else None


def _at(now: int, is_due: IsDue, transaction: Transaction) -> bool:
    return is_due(transaction, now)
