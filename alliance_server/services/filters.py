"""Serving filters: header and heartbeat, the bits of a snapshot, deltas."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

from alliance.errors import FilterInvalid, Reason
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.epochs import require_filter
from alliance_server.domain.errors import Refused
from alliance_server.domain.filters import Delta, FilterState, Snapshot
from alliance_server.domain.ports import SnapshotFiles, Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.compute import Compute

CHUNK_BYTES = 256 * 1024
DELTAS_A_READ = 16
"""About 2 MB of the largest."""
MAX_SEQUENCE = 2**63 - 1


class FilterService:
    """Serves an epoch's filter."""

    def __init__(self, store: Store, files: SnapshotFiles, compute: Compute) -> None:
        self._store = store
        self._files = files
        self._compute = compute

    async def current(self, call: Call, epoch: int) -> tuple[SignedStatement, SignedStatement]:
        """Give header and heartbeat; raises Refused(FILTER_CHANGED) until the first snapshot is built."""

        def work(transaction: Transaction) -> FilterState:
            require_filter(transaction.epochs.get(epoch), call.now())
            state = transaction.filters.state(epoch)
            if state is None or not state.heartbeat:
                raise Refused(Reason.FILTER_CHANGED, "the filter is not built yet")
            transaction.record(call.event(epoch=epoch))
            return state

        state = await self._store.write(work)
        return SignedStatement.FromString(state.header), SignedStatement.FromString(state.heartbeat)

    async def download(self, call: Call, bits_sha256: bytes, offset: int) -> AsyncIterator[tuple[int, bytes]]:
        """Give a snapshot's bits from an offset on, as (offset, chunk)."""

        def work(transaction: Transaction) -> Snapshot:
            snapshot = transaction.filters.snapshot(bits_sha256)
            if snapshot is None:
                raise Refused(Reason.FILTER_CHANGED, "no such snapshot")
            if offset > snapshot.bits // 8:
                raise Refused(Reason.INVALID_REQUEST, "the offset lies past the end")
            transaction.record(call.event(epoch=snapshot.epoch, commitments=(bits_sha256,)))
            return snapshot

        await self._store.write(work)
        chunks = iter(self._files.chunks(bits_sha256, offset, CHUNK_BYTES))
        try:
            while chunk := await self._compute.run(1, _next, chunks):
                yield offset, chunk
                offset += len(chunk)
        except FilterInvalid:
            raise Refused(Reason.FILTER_CHANGED, "the snapshot's file is gone") from None

    async def deltas(self, call: Call, base_sha256: bytes, after: int) -> AsyncIterator[SignedStatement]:
        """Give a snapshot's deltas after a sequence, in order."""
        # A caller that claims to be past everything is given nothing; the wire's range is wider than SQL's.
        after = min(after, MAX_SEQUENCE)
        snapshot = await self._store.read(lambda transaction: transaction.filters.snapshot(base_sha256))
        if snapshot is None:
            raise Refused(Reason.FILTER_CHANGED, "no such snapshot")
        event = call.event(epoch=snapshot.epoch)
        await self._store.write(lambda transaction: transaction.record(event))
        while deltas := await self._store.read(partial(_page, base_sha256=base_sha256, after=after)):
            for delta in deltas:
                yield SignedStatement.FromString(delta.statement)
            after = deltas[-1].to_sequence


def _page(transaction: Transaction, *, base_sha256: bytes, after: int) -> list[Delta]:
    return transaction.filters.deltas(base_sha256, after, DELTAS_A_READ)


def _next(chunks: Iterator[bytes]) -> bytes:
    return next(chunks, b"")
