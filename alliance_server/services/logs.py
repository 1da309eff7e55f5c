"""What the logs prove, to whoever is enrolled: checkpoints, where events are, inclusion and consistency.

Answers come out of tiles, off the event loop. Nothing is proven of a tree that no checkpoint was signed of yet.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from alliance.crypto import merkle
from alliance.errors import MerkleProofInvalid, NoteInvalid, Reason
from alliance.tlog.tiles import nodes_of
from alliance_server.domain.errors import Refused
from alliance_server.domain.logs import MAX_ROW, Log, Position, TreeHead
from alliance_server.domain.ports import LogFiles, Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.witnesses import cosigned_checkpoint

MAX_ITEMS: Final = 1000
"""Events, leaves or digests that one call asks about."""

_log = structlog.get_logger("alliance.logs")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownLog:
    """A log with its newest checkpoint, and the proof that its first leaf is the one that binds it."""

    log: Log
    note: bytes
    size: int
    is_complete: bool
    first_proof: Sequence[bytes] = ()


class LogService:
    """Shows logs and proves what is in them."""

    def __init__(self, store: Store, files: LogFiles) -> None:
        self._store = store
        self._files = files

    async def logs(self, call: Call, after: str) -> list[ShownLog]:
        """List the logs behind one, oldest first; raises Refused where there is none of this origin."""

        def work(transaction: Transaction) -> list[ShownLog]:
            known = transaction.logs.all()
            behind = _get(transaction, after).number if after else 0
            signed = [(log, transaction.logs.checkpoint(log.number)) for log in known if log.number > behind]
            newest = known[-1].number if known else 0
            found = [ShownLog(log, it[1], it[0], log.number < newest) for log, it in signed if it is not None]
            transaction.record(call.event(items=len(found)))
            return found

        found = await self._store.write(work)
        proofs = [await self.prove(it.log.origin, it.size, [0]) for it in found]
        return [
            ShownLog(it.log, it.note, it.size, it.is_complete, proof)
            for it, (proof,) in zip(found, proofs, strict=True)
        ]

    async def checkpoint(self, call: Call, origin: str, cosignatures: int = 0) -> bytes:
        """Give a log's newest checkpoint, of the newest log where none is named, with what witnesses in force signed.

        Where cosignatures are asked for it is the newest one that so many of them signed. Raises Refused where there
        is none.
        """

        def work(transaction: Transaction) -> bytes:
            log = _get(transaction, origin).number if origin else None
            found = cosigned_checkpoint(transaction, log, cosignatures)
            if found is None:
                raise Refused(Reason.NOT_FOUND, "there is no such checkpoint yet")
            transaction.record(call.event(items=1))
            return found[1]

        return await self._store.write(work)

    async def locate(self, call: Call, rows: Sequence[int]) -> list[Position | None]:
        """Say where events are; None for those that no checkpoint has yet. Raises Refused for too many."""
        _check_count(rows)
        known = [row for row in rows if 0 < row <= MAX_ROW]
        found = await self._store.read(lambda transaction: transaction.logs.positions(known))
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(rows))))
        return [found.get(row) for row in rows]

    async def inclusion(self, call: Call, origin: str, size: int, indices: Sequence[int]) -> list[list[bytes]]:
        """Prove that leaves are in a log's tree of a size; raises Refused where there is no such tree or leaf."""
        _check_count(indices)
        if any(index >= size for index in indices):
            raise Refused(Reason.INVALID_REQUEST, "a leaf's index is below the size of the tree")
        await self._check_size(origin, size)
        proofs = await self.prove(origin, size, indices)
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(indices))))
        return proofs

    async def consistency(self, call: Call, origin: str, first: int, second: int) -> list[bytes]:
        """Prove that a log's tree begins with a smaller one; raises Refused where there are no such trees."""
        if not 0 < first <= second:
            raise Refused(Reason.INVALID_REQUEST, "consistency leads from a tree that is not empty to one not smaller")
        await self._check_size(origin, second)
        smaller, larger = await self._store.read(lambda transaction: _trees(transaction, origin, first, second))

        def prove() -> list[bytes]:
            nodes = nodes_of(second, lambda tile: self._files.read(origin, tile))
            proof = merkle.consistency_proof(first, second, nodes)
            if smaller is not None and larger is not None:
                merkle.verify_consistency(first, smaller.root, second, larger.root, proof)
            return proof

        proof = await _out_of_files(origin, prove)
        await self._store.write(lambda transaction: transaction.record(call.event(items=1)))
        return proof

    async def _check_size(self, origin: str, size: int) -> None:
        """Raise Refused unless a checkpoint was signed of a tree as large; of a log that ended, the last tree counts.

        A backup may hold a tree that was not signed yet: the succession names it, so it must be possible to prove.
        """

        def work(transaction: Transaction) -> int:
            log, newest = _get(transaction, origin), transaction.logs.newest()
            if newest is not None and log.number < newest.number:
                head = transaction.logs.head(log.number)
                return head.size if head else 0
            signed = transaction.logs.checkpoint(log.number)
            return signed[0] if signed else 0

        if size > await self._store.read(work):
            raise Refused(Reason.NOT_FOUND, "the log has no checkpoint of this size yet")

    async def prove(self, origin: str, size: int, indices: Sequence[int]) -> list[list[bytes]]:
        """Give proofs of inclusion out of a log's tiles; raises Refused while they are not there, or are spoilt."""
        (tree,) = await self._store.read(lambda transaction: _trees(transaction, origin, size))

        def prove() -> list[list[bytes]]:
            nodes = nodes_of(size, lambda tile: self._files.read(origin, tile))
            proofs = [merkle.inclusion_proof(index, size, nodes) for index in indices]
            if tree is not None:
                for index, leaf, proof in zip(indices, nodes([(0, index) for index in indices]), proofs, strict=True):
                    merkle.verify_inclusion(leaf, index, size, proof, tree.root)
            return proofs

        return await _out_of_files(origin, prove)


async def _out_of_files(origin: str, prove: Callable[[], T]) -> T:
    """Read tiles on a thread; raises Refused while they are not there.

    One that a disk spoilt proves something else: members would take that for a fork, and keep it as evidence of one.
    """
    try:
        return await asyncio.to_thread(prove)
    except (OSError, NoteInvalid, MerkleProofInvalid) as error:
        _log.error("a log's tiles cannot be read", origin=origin, error=type(error).__name__)
        raise Refused(Reason.UNAVAILABLE, "the log's tiles are not there") from None


def _trees(transaction: Transaction, origin: str, *sizes: int) -> list[TreeHead | None]:
    """Give a log's trees of some sizes; None for one that was not sealed at that size."""
    log = _get(transaction, origin).number
    return [transaction.logs.head(log, size) for size in sizes]


def _get(transaction: Transaction, origin: str) -> Log:
    log = transaction.logs.get(origin)
    if log is None:
        raise Refused(Reason.NOT_FOUND, "there is no log of this origin")
    return log


def _check_count(items: Sequence[int]) -> None:
    if len(items) > MAX_ITEMS:
        raise Refused(Reason.INVALID_REQUEST, "a call asks for at most 1,000 items")
