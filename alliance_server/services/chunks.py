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
        for is_due, step in await self._store.read(self._due):
            for _ in range(CHUNKS_A_TURN):
                chunk = await self._store.write(partial(self._leased, is_due, step))
                if chunk is None:
                    return done
                things, is_more = chunk
                done += things
                if not is_more:
                    break
        return done

    def _due(self, transaction: Transaction) -> list[tuple[IsDue, Step]]:
        """Give the steps that are due."""
        now = self._clock.now_ms()
        return [(is_due, step) for is_due, step in self._steps if is_due(transaction, now)]

    def _leased(self, is_due: IsDue, step: Step, transaction: Transaction) -> tuple[int, bool] | None:
        """Do a chunk; says whether there is more. None where another process holds the lease."""
        now = self._clock.now_ms()
        if not self._lease.take(transaction, now):
            return None
        return step(transaction, now), is_due(transaction, now)
