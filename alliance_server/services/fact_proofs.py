"""Proves that facts are published: each by its newest event in the newest log, under that log's newest checkpoint.

What is in force and was not published yet is published first, and the sealer is woken, so that a fact of this very
moment is proven as soon as both are done: where many ask all the time, within a second or two. Where that takes longer
the answer is UNAVAILABLE, which passes by itself; a digest that comes back without an event is none of a fact in force,
and stays so.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alliance.errors import Reason
from alliance.facts import DIGEST_BYTES
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.errors import Refused
from alliance_server.domain.logs import Log, Position, is_over
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.logs import LogService
from alliance_server.services.publication import Publication
from alliance_server.services.sealing import Sealer
from alliance_server.services.witnesses import cosigned_checkpoint, in_force

MAX_DIGESTS: Final = 1000
WAIT_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.25
"""Another process may be the one that seals."""


@dataclass(frozen=True, slots=True)
class ProvenFact:
    """A fact's event, where it is, and the proof that it is there."""

    record: AuditRecord
    position: Position
    hashes: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ProvenFacts:
    """Facts by their digests, those in force; all lead to one checkpoint, a signed note."""

    facts: Mapping[bytes, ProvenFact]
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class _Seen:
    """How far some facts are: their events' rows in the newest log, and what of them its newest checkpoint has."""

    log: Log
    size: int
    note: bytes
    rows: Mapping[bytes, int]
    positions: Mapping[int, Position]
    records: Mapping[int, AuditRecord]

    @property
    def is_sealed(self) -> bool:
        """Whether the checkpoint has all that is published."""
        return all(row in self.positions for row in self.rows.values())


class FactProofService:
    """Proves facts to whoever is enrolled."""

    def __init__(self, store: Store, publication: Publication, sealer: Sealer, logs: LogService) -> None:
        self._store = store
        self._publication = publication
        self._sealer = sealer
        self._logs = logs

    async def prove(self, call: Call, digests: Sequence[bytes], cosignatures: int) -> ProvenFacts:
        """Prove those that are in force; raises Refused where no checkpoint, or no cosigned one, has them yet."""
        if len(digests) > MAX_DIGESTS or any(len(digest) != DIGEST_BYTES for digest in digests):
            raise Refused(Reason.INVALID_REQUEST, f"a call asks about at most {MAX_DIGESTS} digests of facts")
        if cosignatures and cosignatures > len((await self._store.read(in_force)).witnesses.keys):
            raise Refused(Reason.WITNESSES_AWAITED, "fewer witnesses are in force than are to have cosigned")
        seen = await self._sealed(list(dict.fromkeys(digests)), cosignatures, call)
        places = [seen.positions[row] for row in seen.rows.values()]
        hashes = await self._logs.prove(seen.log.origin, seen.size, [place.leaf_index for place in places])
        facts = {
            digest: ProvenFact(seen.records[row], place, proof)
            for (digest, row), place, proof in zip(seen.rows.items(), places, hashes, strict=True)
        }
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(digests))))
        return ProvenFacts(facts, seen.note)

    async def _sealed(self, digests: Sequence[bytes], cosignatures: int, call: Call) -> _Seen:
        """Have what is in force published in the newest log, and wait for a checkpoint that has it."""
        ends = asyncio.get_running_loop().time() + WAIT_SECONDS
        caught_up: Log | None = None
        while True:
            sealed = self._sealer.next_checkpoint()  # before looking: what is signed meanwhile is not missed
            seen = await self._store.read(lambda transaction: _look(transaction, digests, cosignatures))
            if seen is not None and len(seen.rows) < len(digests) and caught_up != seen.log:
                caught_up = seen.log
                await self._publication.catch_up()
                continue
            # A month that is over proves nothing to members: its next log begins within a second.
            if seen is not None and seen.is_sealed and not is_over(seen.log.name.month, call.now()):
                return seen
            left = ends - asyncio.get_running_loop().time()
            if left <= 0:
                reason = Reason.WITNESSES_AWAITED if cosignatures else Reason.UNAVAILABLE
                raise Refused(reason, "no checkpoint has the facts that were asked about yet")
            self._sealer.wake()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(sealed.wait(), min(left, LOOK_SECONDS))


def _look(transaction: Transaction, digests: Sequence[bytes], cosignatures: int) -> _Seen | None:
    """Say how far facts are; None before the newest log has a checkpoint."""
    log = transaction.logs.newest()
    signed = cosigned_checkpoint(transaction, log.number, cosignatures) if log else None
    if log is None or signed is None:
        return None
    size, note = signed
    rows = transaction.facts.published(digests, log.after_row)
    positions = transaction.logs.positions(list(rows.values()))
    within = {row: it for row, it in positions.items() if it.log == log.number and it.leaf_index < size}
    return _Seen(log, size, note, rows, within, transaction.facts.events(list(within)))
