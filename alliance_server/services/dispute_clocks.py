"""The clocks of disputes, one process at a time: what nobody answered, whose claim is over, and what is deleted when.

- A claim whose contributor did not answer in time is suspended by the hub: it informs, and no more. It may be answered
  for later.
- A dispute whose claim ended otherwise ends with it.
- A chunk is a unit of work. Suspensions leave an event for each contributor: how many, whose, and the Merkle root over
  the disputes' ids.
"""

from collections.abc import Sequence
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import Final

from alliance.clock import Clock
from alliance.crypto import merkle
from alliance.taxonomy import ClaimStatus
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.disputes import Dispute, lapsed, over
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.chunks import ChunkedWork
from alliance_server.services.flags import Flags, held_with_twins
from alliance_server.services.leases import Lease

LEASE: Final = "disputes"
LEASE_MS: Final = 60_000
CHUNK: Final = 64
"""Each suspension is signed inside the unit of work."""
UNANSWERED: Final = "dispute_unanswered"


class DisputeClocks(ChunkedWork):
    """Does to disputes what time brings about."""

    def __init__(self, store: Store, flags: Flags, clock: Clock) -> None:
        self._flags = flags
        steps = (_is_over, _close), (_is_overdue, self._suspend), (_is_to_purge, _purge)
        super().__init__(store, clock, Lease(LEASE, LEASE_MS), *steps)

    def _suspend(self, transaction: Transaction, now: int) -> int:
        late = transaction.disputes.overdue(now, CHUNK)
        for dispute in late:
            transaction.disputes.save(lapsed(dispute))
            claim = transaction.claims.get(dispute.claim_id)
            held = held_with_twins(transaction, claim).values() if claim else ()
            self._flags.set(transaction, held, ClaimStatus.SUSPENDED, now=now, reason=UNANSWERED)
        for contributor, disputes in groupby(late, attrgetter("contributor")):
            transaction.record(_suspension(contributor, list(disputes), now))
        return len(late)


def _close(transaction: Transaction, now: int) -> int:
    ended = transaction.disputes.of_ended_claims(now, CHUNK)
    for dispute, status in ended:
        transaction.disputes.save(over(dispute, status, now))
    if ended:
        transaction.record(record_event(time=now, actor=HUB_ACTOR, action=AuditAction.DISPUTE_CLOSE, items=len(ended)))
    return len(ended)


def _purge(transaction: Transaction, now: int) -> int:
    sealed, whole = transaction.disputes.purge(now, CHUNK)
    if sealed + whole:
        transaction.record(
            record_event(time=now, actor=HUB_ACTOR, action=AuditAction.DISPUTE_PURGE, items=sealed + whole)
        )
    return sealed + whole


def _is_over(transaction: Transaction, now: int) -> bool:
    return bool(transaction.disputes.of_ended_claims(now, 1))


def _is_overdue(transaction: Transaction, now: int) -> bool:
    return transaction.disputes.is_overdue(now)


def _is_to_purge(transaction: Transaction, now: int) -> bool:
    return transaction.disputes.is_due_to_purge(now)


def _suspension(contributor: str, disputes: Sequence[Dispute], now: int) -> AuditRecord:
    return record_event(
        time=now,
        actor=HUB_ACTOR,
        action=AuditAction.DISPUTE_LAPSE,
        items=len(disputes),
        commitments=(sha256(contributor.encode()).digest(), merkle.root(dispute.id for dispute in disputes)),
    )
