"""The audit tables, as actors may read their own part, and the counting of refusals before authentication."""

import threading

from alliance.errors import Reason
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.logs import Position
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.paging import numbers, page_size

PlacedRecord = tuple[AuditRecord, Position | None]
"""An event, and where it is; None while no checkpoint has it."""


class AuditService:
    """Shows audit events and records refusals."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._refused = 0
        self._lock = threading.Lock()

    async def own(self, call: Call, asked_size: int, token: str) -> tuple[list[PlacedRecord], str]:
        """List a page of the caller's own events with their places in the logs, and the token of the next."""
        size = page_size(asked_size)
        (after,) = numbers(token, 1)
        member = call.caller.member_id

        def work(transaction: Transaction) -> list[PlacedRecord]:
            records = transaction.audit.page(member, after, size)
            places = transaction.logs.positions([record.row for record in records])
            return [(record, places.get(record.row)) for record in records]

        records = await self._store.read(work)
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(records))))
        more = str(records[-1][0].row) if len(records) == size else ""
        return records, more

    async def refuse(self, call: Call, reason: Reason) -> None:
        """Record that an authenticated call was refused."""
        event = call.event(refusal=reason)
        await self._store.write(lambda transaction: transaction.record(event))

    def count_unauthenticated(self) -> None:
        """Count a refusal before authentication; `flush` turns the count into one event."""
        with self._lock:
            self._refused += 1

    async def flush(self, now: int) -> None:
        """Record the refusals counted since the last time, so that a flood cannot fill the log."""
        with self._lock:
            refused, self._refused = self._refused, 0
        if refused:
            event = record_event(
                time=now,
                actor=HUB_ACTOR,
                action=AuditAction.CALL_REFUSE,
                items=refused,
                items_refused=refused,
                refusal=Reason.NOT_AUTHENTICATED,
            )
            await self._store.write(lambda transaction: transaction.record(event))
