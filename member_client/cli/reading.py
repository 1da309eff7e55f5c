"""Rows between being read and having their result: read on one thread, ended on another, in the order of the file.

A row that is refused before it is sent waits for the results of those before it, and is done with at once where there
are none: a file of nothing but bad rows takes no memory.
"""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import TYPE_CHECKING, Generic, TypeVar

from member_client.files import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

Sent = TypeVar("Sent")


class RowsInOrder(Generic[Sent]):
    """The rows of a run that were read and are not done with."""

    def __init__(self, refuse: Callable[[Refusal], None]) -> None:
        """`refuse` is told of each refused row in its turn, on whichever thread, one at a time."""
        self._refuse = refuse
        self._rows: deque[Sent | Refusal] = deque()
        self.lock = RLock()
        """Held while a row is done with."""

    def sent(self, row: Sent) -> None:
        """Add a row that is about to be sent."""
        with self.lock:
            self._rows.append(row)

    def refused(self, refusal: Refusal) -> None:
        """Add a row that is not sent."""
        with self.lock:
            self._rows.append(refusal)
            self.catch_up()

    def next_sent(self) -> Sent:
        """Give the row that the next result is about."""
        with self.lock:
            self.catch_up()
            row = self._rows.popleft()
            assert not isinstance(row, Refusal)  # noqa: S101 - those before it were caught up with
            return row

    def catch_up(self) -> None:
        """Be done with refused rows that nothing before them waits for any more."""
        with self.lock:
            while self._rows and isinstance(refusal := self._rows[0], Refusal):
                self._rows.popleft()
                self._refuse(refusal)
