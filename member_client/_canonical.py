"""Canonical forms of many texts: exact forms at once, and what needs a general parser in processes of its own.

A Chinese mobile number, a resident id or a plain host name is brought into its form in a few microseconds. A landline,
a number of another country or a name in another script takes the general parsers ten times as long, and holds the
interpreter while the threads of the pipeline wait for it: where a batch holds many of those, worker processes take
them.

Rules:

1. Whoever computes, the form is the same: workers run the same `norm/1`, and suppression is looked up here.
2. Workers are started when they are first worth it, and for good: what they cost is a start of half a second each.
3. A worker that fails costs its texts a second computation, here; nothing is lost.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from alliance.identifiers import (
    BUILTIN,
    Identifier,
    InvalidIdentifier,
    Kind,
    Reason,
    Suppression,
    canonicalise,
    needs_general_parser,
)
from member_client._canonical_worker import Asked, Worker, WorkerFailed

WORTH_A_HAND_OVER: Final = 128
"""Texts for general parsers in a batch from which on other processes take them: ten milliseconds of work."""
MAX_WORKERS: Final = 4


@dataclass(frozen=True, slots=True)
class Canon:
    """How texts are read: the region of telephone numbers, the list in force, the alliance; and who helps."""

    region: str
    alliance: str
    suppression: Suppression = BUILTIN
    helpers: "Helpers | None" = None

    def forms(self, fields: Sequence[tuple[Kind, str]]) -> list[Identifier | Reason]:
        """Give the identifier that each text means as its kind, or why it is none."""
        helped = self._helped(fields)
        return [
            self._judged(kind, helped[place]) if place in helped else self._form(kind, text)
            for place, (kind, text) in enumerate(fields)
        ]

    def _helped(self, fields: Sequence[tuple[Kind, str]]) -> dict[int, str | Reason]:
        """Give what worker processes found of those texts that are worth it, by place."""
        if self.helpers is None or len(fields) < WORTH_A_HAND_OVER:
            return {}
        general = [place for place, (kind, text) in enumerate(fields) if needs_general_parser(kind, text)]
        if len(general) < WORTH_A_HAND_OVER:
            return {}
        found = self.helpers.forms([fields[place] for place in general], self.region)
        return {place: form for place, form in zip(general, found, strict=True) if form is not None}

    def _form(self, kind: Kind, text: str) -> Identifier | Reason:
        try:
            return canonicalise(kind, text, default_region=self.region, suppression=self.suppression)
        except InvalidIdentifier as refusal:
            return refusal.reason

    def _judged(self, kind: Kind, form: str | Reason) -> Identifier | Reason:
        if isinstance(form, Reason):
            return form
        identifier = Identifier(kind, form)
        return Reason.SUPPRESSED if self.suppression.contains(identifier) else identifier


class Helpers:
    """The worker processes of one client; may be used from any thread."""

    def __init__(self, processes: int | None = None) -> None:
        """Start nothing yet. `processes` None: one less than there are processors, four at most."""
        spare = (os.cpu_count() or 1) - 1
        self._wanted = min(MAX_WORKERS, spare) if processes is None else processes
        self._idle: list[Worker] = []
        self._started = 0
        self._lock = Lock()
        self._is_closed = False

    def forms(self, fields: Sequence[Asked], region: str) -> list[str | Reason | None]:
        """Give form or reason of each text; None where nobody could help."""
        nothing: list[str | Reason | None] = [None] * len(fields)
        worker = self._taken()
        if worker is None:
            return nothing
        try:
            found: list[str | Reason | None] = [*worker.forms(fields, region)]
        except WorkerFailed:
            self._drop(worker)
            return nothing
        self._give_back(worker)
        return found

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _taken(self) -> Worker | None:
        """Take a worker that is idle or new; None where all are at work, or none can be started."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._is_closed or self._started >= self._wanted:
                return None
            self._started += 1
        try:
            return Worker()
        except WorkerFailed:
            return None  # counted as started: where one cannot be, no other is tried for ever

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append(worker)
                return
        worker.close()

    def _drop(self, worker: Worker) -> None:
        worker.close()
        with self._lock:
            self._started -= 1
