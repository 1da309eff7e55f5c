"""Deletes claims whose time is over, or that were ended a while ago: rows, tags and boxes, one process at a time.

- A claim yields nothing from the moment on at which it is over: every look-up asks for the time. This job is what makes
  it go, and the filter's next snapshot is built without it.
- A chunk is a unit of work with an event for each contributor in it: how many, whose, and the Merkle root over the
  sorted entry ids. Who kept the entry ids shows by it what was deleted and when.
- Requests for countersignatures go with the time of their claims.
- A restored backup brings back nothing of it: what is over is over by the clock, and what was ended is in the purge
  ledger. The first turn deletes it again.
"""

from collections.abc import Sequence
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import Final

from alliance.clock import Clock
from alliance.crypto import merkle
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.claims import EndedClaim
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.chunks import ChunkedWork
from alliance_server.services.leases import Lease

LEASE: Final = "purging"
LEASE_MS: Final = 60_000
CHUNK: Final = 1000


class Purging(ChunkedWork):
    """Deletes what is over; its turns count claims."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock, Lease(LEASE, LEASE_MS), (_is_due, _purge))


def _purge(transaction: Transaction, now: int) -> int:
    """Delete a chunk."""
    transaction.changes.purge(now, CHUNK)
    if requests := transaction.countersignatures.purge(now, CHUNK):
        action = AuditAction.COUNTERSIGNATURE_PURGE
        transaction.record(record_event(time=now, actor=HUB_ACTOR, action=action, items=requests))
    due = transaction.claims.due_to_purge(now, CHUNK)
    transaction.claims.purge([claim.entry_id for claim in due])
    for contributor, claims in groupby(due, attrgetter("contributor")):
        transaction.record(_event(contributor, list(claims), now))
    return len(due)


def _is_due(transaction: Transaction, now: int) -> bool:
    feeds = (transaction.changes, transaction.countersignatures)
    return bool(transaction.claims.due_to_purge(now, 1)) or any(feed.is_due_to_purge(now) for feed in feeds)


def _event(contributor: str, claims: Sequence[EndedClaim], now: int) -> AuditRecord:
    return record_event(
        time=now,
        actor=HUB_ACTOR,
        action=AuditAction.CLAIM_PURGE,
        items=len(claims),
        commitments=(sha256(contributor.encode()).digest(), merkle.root(claim.entry_id for claim in claims)),
    )
