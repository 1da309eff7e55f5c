"""A member's own look at the log: receipts that were given, and events that are listed, proven in batches.

Rules:

1. What is broken is kept as evidence, told in the log without its content, and raised.
2. An open client proves some of its receipts at random times: a hub that leaves events out cannot know which.
3. A look at everything goes on where the last one ended; what waits for its checkpoint then is looked at again.
"""

import asyncio
import base64
import logging
import random
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alliance.clock import Clock
from member_client._framing import pack, unpack
from member_client._log import evidence
from member_client._log.proving import BATCH, Due, EventPlace, EventProver, EventState, due_by
from member_client._log.shelf import KeptReceipt, ReceiptShelf
from member_client._store import Shelf, Store
from member_client._workers import Workers
from member_client.errors import AllianceClientError, IntegrityError, InvalidUse, ReceiptBroken, ReceiptInvalid

SAMPLE: Final = 20
LOOK_SECONDS: Final = (300.0, 1800.0)
"""Shortest and longest pause between two looks of an open client."""
_MARK: Final = b"receipts-verified"

_log = logging.getLogger("member_client.log")


@dataclass(frozen=True, slots=True)
class AuditProgress:
    """What became of some events."""

    proven: int = 0
    pending: int = 0
    lost: int = 0

    def __add__(self, other: "AuditProgress") -> "AuditProgress":
        return AuditProgress(self.proven + other.proven, self.pending + other.pending, self.lost + other.lost)

    @property
    def total(self) -> int:
        """All of them."""
        return self.proven + self.pending + self.lost


class Auditor:
    """Proves events of one session's member."""

    def __init__(
        self, folder: Path, prover: EventProver, shelf: ReceiptShelf, *, store: Store, workers: Workers, clock: Clock
    ) -> None:
        self._folder = folder
        self.prover = prover
        self.shelf = shelf
        self._store = store
        self._workers = workers
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def verify(self, statement: bytes) -> EventPlace:
        """Prove a receipt that somebody gave; raises InvalidUse for what is none of this hub's, or ReceiptBroken.

        Anybody may make such a thing: that it is no receipt says nothing against the hub.
        """
        try:
            ((given, origin),) = await self.prover.read([statement])
        except ReceiptInvalid as error:
            raise InvalidUse("This is no receipt that the alliance's hub signed.") from error
        (place,) = await self.prover.prove([due_by(given, origin)])
        if place.state is EventState.BROKEN:
            raise await self._broken(statement)
        return place

    async def verify_kept(
        self, receipts: Sequence[KeptReceipt], shown: dict[bytes, bytes] | None = None
    ) -> list[EventPlace]:
        """Prove receipts that were kept, and give where their events are; raises ReceiptBroken with the first that is.

        `shown` are the receipts that were looked at before, by their leaves: two of one leaf stand for one event.
        """
        shown = {} if shown is None else shown
        read = await self.prover.read([it.statement for it in receipts])
        for it, (given, _) in zip(receipts, read, strict=True):
            if shown.setdefault(given.leaf, it.statement) != it.statement:
                raise await self._broken(it.statement)
        due = [due_by(given, origin, it.received_at) for it, (given, origin) in zip(receipts, read, strict=True)]
        places = await self.prover.prove(due)
        for it, place in zip(receipts, places, strict=True):
            if place.state is EventState.BROKEN:
                raise await self._broken(it.statement)
        return places

    async def verify_listed(self, due: Sequence[Due]) -> AuditProgress:
        """Prove events that the hub lists; raises ReceiptBroken where one is in no log."""
        places = await self.prover.prove(due)
        if any(place.state is EventState.BROKEN for place in places):
            _log.error("an event that the hub lists is not in its log")
            raise ReceiptBroken("An event that the hub lists is not in its audit log.")
        return counted(places)

    async def kept_batches(
        self, *, from_start: bool = False, listed: Collection[int] = ()
    ) -> AsyncIterator[AuditProgress]:
        """Prove all receipts that are kept and were not proven yet, batch by batch; raises ReceiptBroken.

        `listed` are the numbers of events that were counted already. What a restore lost is another one of its number.
        """
        await self.shelf.flush()
        mark = 0 if from_start else await self._workers.disk(self._mark)
        waiting = await self._workers.disk(self._after, mark)
        is_complete, shown = True, dict[bytes, bytes]()
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            places = await self.verify_kept(batch, shown)
            is_complete = is_complete and not counted(places).pending
            if is_complete:
                await self._workers.disk(self._set_mark, batch[-1].received_at)
            yield counted([it for it in places if it.state is EventState.LOST or it.row not in listed])

    # -- at random times -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Look at some receipts now and then, for as long as the client is open."""
        if self._task is None:
            self._task = asyncio.create_task(self._look_now_and_then(), name="alliance-audit")

    async def look(self) -> AuditProgress:
        """Prove some receipts by chance; raises ReceiptBroken."""
        await self.shelf.flush()
        return counted(await self.verify_kept(await self._workers.disk(self.shelf.sample, SAMPLE)))

    async def close(self) -> None:
        """End looking, and write the receipts that wait."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.shelf.close()

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(random.uniform(*LOOK_SECONDS))  # noqa: S311 - no secret
            try:
                await self.look()
            except IntegrityError as error:
                _log.error("ALARM: the hub's audit log is not as it was signed: %s", type(error).__name__)
            except AllianceClientError as error:
                _log.info("receipts were not looked at: %s", type(error).__name__)

    # -- evidence and marks --------------------------------------------------------------------------------------

    async def _broken(self, statement: bytes) -> ReceiptBroken:
        content = {"noticed_at": self._clock.now_ms(), "receipt": base64.b64encode(statement).decode()}
        path = await self._workers.disk(evidence.keep, self._folder, "receipt-broken", statement, content)
        _log.error("ReceiptBroken: an event that the hub receipted is not in its log: %s", path.name)
        return ReceiptBroken(f"An event that the hub gave a receipt for is not in its audit log: see {path.name}.")

    def _after(self, mark: int) -> list[KeptReceipt]:
        return sorted((it for it in self.shelf.all() if it.received_at >= mark), key=lambda it: it.received_at)

    def _mark(self) -> int:
        content = self._store.get(Shelf.LISTS, _MARK)
        return 0 if content is None else int(unpack(content)[0])

    def _set_mark(self, received_at: int) -> None:
        self._store.put(Shelf.LISTS, _MARK, pack(b"%d" % received_at))


def counted(places: Sequence[EventPlace]) -> AuditProgress:
    """Count what became of events."""
    states = [place.state for place in places]
    return AuditProgress(
        states.count(EventState.PROVEN), states.count(EventState.PENDING), states.count(EventState.LOST)
    )
