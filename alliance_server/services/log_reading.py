"""Reading a log's leaves, for auditors: page by page, as far as a checkpoint of it was signed.

What was asked for is one event, before the first leaf goes out. Memory is a page, however much is read.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

from alliance.errors import Reason
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.errors import Refused
from alliance_server.domain.logs import MAX_ROW, Log
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.call import Call

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class _Range:
    """What is read: leaves of a log from an index on, up to another."""

    log: Log
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class LeafPage:
    """Some of a log's leaves: the index of the first one, and the records; that of leaf 0 is the log itself."""

    log: Log
    first: int
    records: list[AuditRecord]


class LogReading:
    """Reads logs out to auditors."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, call: Call, origin: str, first: int, end: int) -> AsyncIterator[LeafPage]:
        """Give a log's leaves from an index on, up to another, or where that is 0 to the end of its newest checkpoint.

        Raises Refused where the log is unknown, or no checkpoint reaches as far.
        """
        wanted = await self._store.write(partial(_admit, call=call, origin=origin, first=first, end=end))
        at, row = wanted.first, None
        while at < wanted.end:
            page, row = await self._store.read(partial(_page, log=wanted.log, at=at, end=wanted.end, row=row))
            yield page
            at += len(page.records) or 1


def _admit(transaction: Transaction, *, call: Call, origin: str, first: int, end: int) -> _Range:
    log = transaction.logs.get(origin)
    signed = transaction.logs.checkpoint(log.number) if log else None
    if log is None or signed is None:
        raise Refused(Reason.NOT_FOUND, "there is no log of this origin, or no checkpoint of it yet")
    until = end or signed[0]
    if not first <= until <= signed[0]:
        raise Refused(Reason.INVALID_REQUEST, "no checkpoint has as many leaves, or the range is none")
    transaction.record(call.event(items=until - first, commitments=(sha256(origin.encode()).digest(),)))
    return _Range(log, first, until)


def _page(transaction: Transaction, *, log: Log, at: int, end: int, row: int | None) -> tuple[LeafPage, int | None]:
    """Give leaves from an index on, and the row of the last one; `row` is that of the leaf before, where known."""
    if at == 0:
        return LeafPage(log, 0, []), log.after_row
    after = transaction.logs.row_at(log, at) if row is None else row
    records = [] if after is None else transaction.logs.records(after, MAX_ROW, min(PAGE, end - at))
    if not records:
        raise Refused(Reason.INTERNAL, "events of a signed tree are missing")
    return LeafPage(log, at, records), records[-1].row
