"""The member's own log of decisions: every verdict that rests on a claim or was left open, sealed, for three years.

Rules:

1. A verdict is handed out once its record is durable. Where this machine has no room, `on_unavailable` decides as it
   does elsewhere: the call raises, or the verdict is handed out and its record waits in memory, is written with the
   next, and a warning says so. More than so many do not wait: then every call raises.
2. One record a receipt: what is asked again under the same request takes the earlier record's place, and loses no
   claim that the earlier answer named.
3. It is found by receipt, by ref, by the entries that it rests on, and by the identifiers that it was about. Of those
   the file holds keyed digests alone, and a record holds no identifier.
4. Records of a batch, and of all batches that come meanwhile, are written in one transaction on the disk's thread. A
   clear verdict costs nothing, and leaves no trace; nor does one that was refused, for nothing was asked.
5. A decision that was just written down is held against changes of statuses that came meanwhile.
"""

import hmac
import logging
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from typing import Final

from alliance.clock import Clock
from alliance.taxonomy import Purpose
from member_client._decision_records import LIFE_MS, Filed, by_identifier, by_ref, filed, read
from member_client._ledger import Gathering
from member_client._questions import Batch
from member_client._revisits import Revisits
from member_client._store import Shelf, Store, Writes
from member_client._workers import Workers
from member_client.decisions import KeptDecision
from member_client.errors import AllianceClientError, HubUnavailable
from member_client.verdicts import OnUnavailable, State, Verdict, verdict

MAX_WAITING: Final = 4096
_KEPT: Final = frozenset({State.MATCH, State.UNKNOWN, State.UNCONFIRMED})
_DIGEST_BYTES: Final = 16

_log = logging.getLogger("member_client.decisions")


class DecisionLog:
    """The shelf of decisions."""

    def __init__(self, store: Store, workers: Workers, clock: Clock) -> None:
        self._store = store
        self._workers = workers
        self._clock = clock
        self._key = store.derived_key(b"identifiers of decisions")
        self.revisits = Revisits(store, clock)
        self._writing = Gathering[Sequence[Filed]](self._write, workers)
        self._waiting: list[Filed] = []

    async def keep(
        self, verdicts: Sequence[Verdict], batch: Batch | None, purpose: Purpose, on_unavailable: OnUnavailable
    ) -> None:
        """Keep what is to be kept of a batch's verdicts; raises HubUnavailable where `on_unavailable` says so."""
        told = [it for it in verdicts if it.state in _KEPT and it.request_id]
        if not told:
            return
        now = self._clock.now_ms()
        inputs = batch.inputs_of([it.place for it in told]) if batch else [{}] * len(told)
        rows = [
            Filed(KeptDecision(it, purpose, now), {field: self._digest(text) for field, text in about.items()})
            for it, about in zip(told, inputs, strict=True)
        ]
        waiting, self._waiting = self._waiting, []
        try:
            await self._writing.written([*waiting, *rows])
        except HubUnavailable as error:
            if on_unavailable == "raise" or len(waiting) + len(rows) > MAX_WAITING:
                self._waiting += waiting
                raise
            self._waiting += [*waiting, *rows]
            _log.warning("%d decisions cannot be kept yet: %s", len(self._waiting), type(error).__name__)
        except BaseException:
            self._waiting += waiting
            raise

    async def settle(self) -> None:
        """Write what waits, as far as there is room now."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            await self._writing.written(waiting)
        except BaseException as error:
            self._waiting += waiting
            if not isinstance(error, HubUnavailable):
                raise

    async def close(self) -> None:
        """Write what waits, or say how much is lost."""
        try:
            await self.settle()
        except AllianceClientError as error:
            _log.warning("the log of decisions failed: %s", type(error).__name__)
        if self._waiting:
            _log.error("%d decisions could not be kept", len(self._waiting))

    async def one(self, receipt: str) -> KeptDecision | None:
        """Give a decision by its receipt."""
        await self.settle()
        record = await self._workers.disk(self._store.get, Shelf.DECISIONS, receipt.strip().upper().encode())
        return next(iter(self._live([] if record is None else [read(record)])), None)

    async def of_ref(self, ref: str) -> list[KeptDecision]:
        """Give the decisions about a reference of the caller's, oldest first."""
        return self._live(map(read, await self._found([by_ref(ref)])))

    async def of_inputs(self, inputs: Sequence[bytes]) -> list[KeptDecision]:
        """Give the decisions about identifiers, by the bytes that are evaluated of them, oldest first.

        Of each it gives the fields alone that those identifiers were in: the others may be somebody else's.
        """
        digests = frozenset(map(self._digest, inputs))
        found = map(filed, await self._found([by_identifier(it) for it in digests]))
        return self._live(_narrowed(it, digests) for it in found)

    async def _found(self, topics: Sequence[bytes]) -> list[bytes]:
        await self.settle()
        found = await self._workers.disk(self._store.about_many, Shelf.DECISIONS, topics)
        return [record for records in found.values() for record in records]

    def _live(self, decisions: Iterable[KeptDecision]) -> list[KeptDecision]:
        by_receipt = {it.receipt: it for it in decisions}
        now = self._clock.now_ms()
        live = [it for it in by_receipt.values() if now < it.decided_at + LIFE_MS]
        return sorted(live, key=lambda it: (it.decided_at, it.receipt))

    def _digest(self, input_bytes: bytes) -> bytes:
        return hmac.digest(self._key.reveal(), input_bytes, "sha256")[:_DIGEST_BYTES]

    def _write(self, batches: Sequence[Sequence[Filed]]) -> None:
        rows: dict[str, Filed] = {}
        for row in (it for batch in batches for it in batch):
            receipt = row.decision.receipt
            rows[receipt] = together(rows[receipt], row) if receipt in rows else row

        def written(known: list[bytes | None]) -> Writes:
            for receipt, record in zip(tuple(rows), known, strict=True):
                if record is not None:
                    rows[receipt] = together(filed(record), rows[receipt])
            return Writes([it.row() for it in rows.values()], [topic for it in rows.values() for topic in it.topics()])

        self._store.rewrite(Shelf.DECISIONS, [receipt.encode() for receipt in rows], written)
        self.revisits.hold_new([it.decision for it in rows.values()])


def together(one: Filed, other: Filed) -> Filed:
    """Give what stands under a receipt: the later answer, and what the earlier one knew of claims besides."""
    earlier, later = sorted((one, other), key=lambda it: it.decision.decided_at)
    named = {(it.field, it.entry_id) for it in later.decision.matches}
    lost = [it for it in earlier.decision.matches if (it.field, it.entry_id) not in named]
    if not lost:
        return later
    stands = later.decision.verdict
    fields = [
        replace(it, state=State.MATCH, matches=(*it.matches, *more))
        if (more := [match for match in lost if match.field == it.field])
        else it
        for it in stands.fields
    ]
    told = verdict(stands.ref, fields, on_unavailable="proceed")
    stands = replace(stands, fields=told.fields, state=told.state, action=max(stands.action, told.action))
    return replace(later, decision=replace(later.decision, verdict=stands))


def _narrowed(row: Filed, digests: Set[bytes]) -> KeptDecision:
    """Give a decision as far as it is about some identifiers, and what that alone permits."""
    decision, ours = row.decision, {field for field, digest in row.digests.items() if digest in digests}
    fields = [it for it in decision.fields if it.field in ours]
    told = verdict(decision.ref, fields, on_unavailable="proceed")
    return replace(
        decision, verdict=replace(decision.verdict, fields=told.fields, state=told.state, action=told.action)
    )
