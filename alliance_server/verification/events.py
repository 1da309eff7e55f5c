"""The events of a log, one after another: each is what its leaf hash says, and the columns beside it say the same."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from google.protobuf.message import DecodeError

from alliance.audit_events import SALT_BYTES
from alliance.crypto import merkle
from alliance.v1.audit_pb2 import AuditEvent
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord
from alliance_server.storage.log_stream import LogStream
from alliance_server.verification.faults import Faults

_PUBLICATION: Final = str(AuditAction.FACT_PUBLISH)


def leaf_of(event: AuditRecord, faults: Faults) -> tuple[bytes, AuditEvent]:
    """Give an event's leaf hash, made anew, and what it says."""
    leaf = merkle.leaf_hash(event.salt + event.event)
    said = AuditEvent()
    try:
        said.ParseFromString(event.event)
    except DecodeError:
        faults.add(f"event {event.row:,}", "it cannot be read")
    if leaf != event.leaf_hash or len(event.salt) != SALT_BYTES:
        faults.add(f"event {event.row:,}", "its leaf hash is not that of its salt and content")
    elif (said.actor, said.time, said.action) != (event.actor, event.time, event.action):
        faults.add(f"event {event.row:,}", "actor, time or action beside it are not those in it")
    return leaf, said


class Leaves:
    """The leaves of events in a range of rows, taken from the front."""

    def __init__(self, stream: LogStream, faults: Faults, after_row: int | None, last_row: int | None) -> None:
        self._stream = stream
        self._faults = faults
        self._pages = stream.events(after_row, last_row)
        self._last_row = last_row
        self._at = after_row
        self._rows: list[int] = []
        self._hashes: list[bytes] = []

    def up_to(self, row: int) -> Iterator[list[bytes]]:
        """Take the leaves up to a row, some at a time."""
        while self._rows or self._next_page():
            end = bisect_right(self._rows, row)
            if end:
                taken = self._hashes[:end]
                del self._rows[:end], self._hashes[:end]
                yield taken
            if self._rows:
                return

    def rest(self) -> int:
        """Take what is left; says how many leaves there were."""
        left = 0
        while self._rows or self._next_page():
            left += len(self._rows)
            self._rows, self._hashes = [], []
        return left

    def _next_page(self) -> bool:
        page = next(self._pages, None)
        published: dict[int, bytes] = {}
        for event in page or ():
            leaf, said = leaf_of(event, self._faults)
            self._rows.append(event.row)
            self._hashes.append(leaf)
            if said.action == _PUBLICATION:
                published[event.row] = b"".join(said.commitments)
        end = page[-1].row if page else self._last_row
        if end is not None:  # where nothing is settled a publication may just have come
            self._compare(published, self._stream.facts(self._at, end))
        self._at = end
        return page is not None

    def _compare(self, published: dict[int, bytes], told: dict[int, bytes]) -> None:
        for row in sorted(told.keys() | published.keys()):
            if told.get(row) != published.get(row):
                self._faults.add(f"event {row:,}", "the table of published facts says something else")
