"""The clocks of cases, one process at a time: what nobody decided or used in time, what is closed, and what is deleted.

A chunk is a unit of work. Each case that ends by its clock leaves an event of its own, which commits to its request.
"""

from typing import Final

from alliance.cases.words import CaseState
from alliance.clock import Clock
from alliance_server.domain import cases
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.chunks import ChunkedWork
from alliance_server.services.leases import Lease

LEASE: Final = "cases"
LEASE_MS: Final = 60_000
CHUNK: Final = 256


class CaseClocks(ChunkedWork):
    """Does to cases what time brings about."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock, Lease(LEASE, LEASE_MS), (_has_run_out, _end), (_is_to_purge, _purge))


def _end(transaction: Transaction, now: int) -> int:
    over = transaction.cases.run_out(now, CHUNK)
    for case in over:
        after = cases.run_out(case, now)
        transaction.cases.save(after)
        if not case.is_opened:
            transaction.cases.drop_matches(case.id)
        action = AuditAction.CASE_CLOSE if after.state is CaseState.CLOSED else AuditAction.CASE_EXPIRE
        commitments = (case.content_sha256,)
        event = record_event(time=now, actor=HUB_ACTOR, action=action, items=1, commitments=commitments)
        transaction.step(case.id, event)
    return len(over)


def _purge(transaction: Transaction, now: int) -> int:
    sealed, whole = transaction.cases.purge(now, CHUNK)
    if sealed + whole:
        transaction.record(record_event(time=now, actor=HUB_ACTOR, action=AuditAction.CASE_PURGE, items=sealed + whole))
    return sealed + whole


def _has_run_out(transaction: Transaction, now: int) -> bool:
    return transaction.cases.has_run_out(now)


def _is_to_purge(transaction: Transaction, now: int) -> bool:
    return transaction.cases.is_due_to_purge(now)
