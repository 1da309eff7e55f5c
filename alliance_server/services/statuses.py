"""Tells members of changes of claims' statuses as they take effect.

- A page is one signed statement: every change with a number in (after, upto]. The hub signs it, so that nobody learns
  whose claim it was.
- One look a moment at the newest number serves all streams of a process; whichever process made a change.
- A stream that has told everything waits, and says so every half a minute: the caller is looked up again each time.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import structlog

from alliance.clock import Clock
from alliance.crypto.signing import Signer
from alliance.errors import AllianceError
from alliance.statements import STATUS_CHANGES
from alliance.v1 import status_pb2, taxonomy_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import NumberedChange
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.compute import Compute

CHANGES_A_PAGE: Final = 1024
LOOK_SECONDS: Final = 0.5
SILENCE_SECONDS: Final = 30.0
"""Half of how long a member that was suspended may still be told something."""

_log = structlog.get_logger("alliance.statuses")


class StatusService:
    """Tells of changes."""

    def __init__(self, store: Store, compute: Compute, key: Signer, clock: Clock) -> None:
        self._store = store
        self._compute = compute
        self._key = key
        self._clock = clock
        self._newest = 0
        self._moved = asyncio.Event()

    async def watch(self, call: Call, after: int) -> AsyncIterator[SignedStatement]:
        """Give pages of changes after a number, and go on for good; each is given once the one before was taken."""
        event = call.event()

        def begun(transaction: Transaction) -> int:
            transaction.record(event)
            return transaction.changes.newest()

        if after > await self._store.write(begun):
            after = 0
        while True:
            newest, changes = await self._store.read(partial(_page, after=after))
            upto = changes[-1].number if len(changes) == CHANGES_A_PAGE else newest
            yield await self._compute.run(1, self._stated, after, upto, newest, changes)
            after = upto
            if upto == newest:
                await self._until_moved(newest)

    async def follow(self) -> None:
        """Look for changes for as long as it is let, and wake the streams that wait for them."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                newest = await self._store.read(lambda transaction: transaction.changes.newest())
            except AllianceError as error:
                _log.error("changes of statuses cannot be read", error=type(error).__name__)
                continue
            if newest != self._newest:
                self._newest = newest
                self.wake()

    def wake(self) -> None:
        """Let every stream that waits look for itself."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def _until_moved(self, newest: int) -> None:
        """Wait until there may be more than a number, or for as long as a stream may be silent."""
        if self._newest > newest:
            return
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self._moved.wait()
        except TimeoutError:
            pass

    def _stated(self, after: int, upto: int, newest: int, changes: list[NumberedChange]) -> SignedStatement:
        payload = status_pb2.StatusChanges(
            after=after,
            upto=upto,
            changes=[
                status_pb2.StatusChange(
                    number=it.number,
                    entry_id=it.entry_id,
                    status=taxonomy_pb2.ClaimStatus.ValueType(it.status),
                    version=it.version,
                    changed_at=it.changed_at,
                    reason=it.reason,
                )
                for it in changes
            ],
            time=self._clock.now_ms(),
            newest=newest,
        )
        return self._key.statement(STATUS_CHANGES, payload.SerializeToString())


def _page(transaction: Transaction, *, after: int) -> tuple[int, list[NumberedChange]]:
    """Give the newest number, and the changes up to it: one that comes in between belongs to the next page."""
    newest = transaction.changes.newest()
    return newest, [it for it in transaction.changes.after(after, CHANGES_A_PAGE) if it.number <= newest]
