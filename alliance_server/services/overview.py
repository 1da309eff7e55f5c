"""Reads a hub's state for its operator."""

from alliance_server.domain.epochs import Epoch
from alliance_server.domain.logs import MAX_ROW
from alliance_server.domain.overview import EpochOverview, LogOverview, Vitals
from alliance_server.domain.ports import Transaction
from alliance_server.domain.proposals import ProposalState

_MOST = 1000
"""More proposals than that are never open at once; a reader of them would not count on."""


def read_vitals(transaction: Transaction, now: int) -> Vitals:
    """Give the vitals: a few look-ups by key."""
    undecided = [it for _, it in transaction.proposals.page(0, _MOST, undecided_at=now)]
    reviews = sum(it.state is ProposalState.UNREVIEWED for it in undecided)
    return Vitals(
        epochs=tuple(_epoch(transaction, it) for it in transaction.epochs.all()),
        proposals_waiting=len(undecided) - reviews,
        reviews_open=reviews,
        reviews_overdue=transaction.proposals.count_overdue(now),
        log=_log(transaction),
    )


def _log(transaction: Transaction) -> LogOverview | None:
    log = transaction.logs.newest()
    signed = transaction.logs.checkpoint(log.number) if log else None
    if log is None or signed is None:
        return None
    size, _ = signed
    behind = transaction.logs.row_at(log, size)
    waiting = transaction.logs.leaves(behind, MAX_ROW, 1) if behind is not None else []
    return LogOverview(log.origin, size, waiting[0].time if waiting else None)


def _epoch(transaction: Transaction, epoch: Epoch) -> EpochOverview:
    state = transaction.filters.state(epoch.id)
    snapshot = transaction.filters.snapshot(state.base_sha256) if state else None
    return EpochOverview(
        id=epoch.id,
        state=epoch.state,
        ends_at=epoch.not_after,
        sequence=state.sequence if state else 0,
        filter_sequence=state.delta_sequence if state else 0,
        listings=snapshot.listings if snapshot else None,
        snapshot_at=snapshot.created_at if snapshot else None,
        snapshot_sha256=state.base_sha256 if state else b"",
        beaten_at=state.last_heartbeat.time if state and state.heartbeat else None,
    )
