"""Tells, once a month is over, those counts of outcomes that may be told, and forgets old ones; one process at a time.

- A contributor is a unit of work with an event: how many counts were told about whose claims. The month's last unit
  forgets what is too old, and notes that the month was dealt with; a turn that was cut off is taken up by any process.
- What comes while it runs belongs to the month that began; what does not suffice goes on waiting.
"""

from functools import partial
from hashlib import sha256
from typing import Final

from alliance.clock import Clock
from alliance.outcomes import month_of
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.leases import Lease

LEASE: Final = "outcomes"
LEASE_MS: Final = 60_000


class OutcomeMonths:
    """Deals with the ends of months."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lease = Lease(LEASE, LEASE_MS)

    async def turn(self) -> bool:
        """Deal with the end of the last month; false where nothing was to be done, or another process does it."""
        month = month_of(self._clock.now_ms()) - 1
        if not await self._store.read(lambda transaction: transaction.outcomes.is_due(month)):
            return False
        contributor: str | None = ""
        while contributor is not None:
            work = partial(self._tell, after=contributor, month=month, now=self._clock.now_ms())
            if not (told := await self._store.write(work)):
                return False
            (contributor,) = told
        return True

    def _tell(self, transaction: Transaction, *, after: str, month: int, now: int) -> tuple[str | None] | None:
        """Deal with the contributor after one, or end the month where there is none; None where another does it."""
        if not self._lease.take(transaction, now) or not transaction.outcomes.is_due(month):
            return None
        contributor = transaction.outcomes.next_waiting(after, month)
        if contributor is None:
            forgotten = transaction.outcomes.end(month, now)
            transaction.record(_event(AuditAction.OUTCOME_FORGET, forgotten, now))
        elif told := transaction.outcomes.tell(contributor, month):
            whose = sha256(contributor.encode()).digest()
            transaction.record(_event(AuditAction.OUTCOME_TELL, told, now, whose))
        return (contributor,)


def _event(action: AuditAction, items: int, now: int, *commitments: bytes) -> AuditRecord:
    return record_event(time=now, actor=HUB_ACTOR, action=action, items=items, commitments=commitments)
