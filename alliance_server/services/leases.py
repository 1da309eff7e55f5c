"""Leases: work that one process of a hub does at a time. Who is killed holds it up until the lease ends."""

import os
from dataclasses import dataclass, field

from alliance_server.domain.ports import Transaction


@dataclass(frozen=True, slots=True)
class Lease:
    """A process's claim on one sort of work."""

    name: str
    life_ms: int
    _holder: str = field(default_factory=lambda: os.urandom(8).hex(), init=False)

    def take(self, transaction: Transaction, now: int) -> bool:
        """Take or renew it; false where another process holds it."""
        return transaction.leases.acquire(self.name, self._holder, now, now + self.life_ms)

    def release(self, transaction: Transaction) -> None:
        """Give it back, where this process has it."""
        transaction.leases.release(self.name, self._holder)
