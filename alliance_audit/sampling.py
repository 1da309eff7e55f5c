"""Draws a sample that another auditor draws again: from a seed and the log's root, and nothing else.

Each entry that is asked for gets a number,

    SHA-256("alliance-audit/sample/1" ‖ 0x00 ‖ lp(seed) ‖ root ‖ u64(index))

with `lp` as in the protocol (two bytes of length, big-endian), the root of the log's tree as its checkpoint has it, and
the entry's index. The N entries with the smallest numbers are the sample, in the order of the logs. Whoever made the
log fixed the root before the auditor chose the seed, so nobody chose what is drawn.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

from alliance_audit.leaves import Entry

_PREFIX: Final = b"alliance-audit/sample/1\x00"


@dataclass(frozen=True, slots=True)
class Question:
    """Which sample is asked for: a seed, how many, and of which actions, as shell patterns."""

    seed: str
    count: int
    action: str = "*"


class Sample:
    """Takes entries as they pass and holds those that are drawn: as many as are asked for, and no more."""

    def __init__(self, question: Question, roots: dict[str, bytes]) -> None:
        """Take the question, and the root of each log by its origin line."""
        seed = question.seed.encode()
        self._question = question
        self._prefixes = {log: _PREFIX + len(seed).to_bytes(2) + seed + root for log, root in roots.items()}
        self._held: list[tuple[int, int, int, Entry]] = []
        self._order = {log: number for number, log in enumerate(roots)}
        self.population = 0
        """Entries that could have been drawn."""

    def see(self, entry: Entry) -> None:
        """Look at an entry."""
        if not fnmatchcase(entry.event.action, self._question.action):
            return
        self.population += 1
        number = -int.from_bytes(sha256(self._prefixes[entry.log] + entry.index.to_bytes(8)).digest())
        if len(self._held) < self._question.count:
            heapq.heappush(self._held, (number, self._order[entry.log], entry.index, entry))
        elif number > self._held[0][0]:
            heapq.heapreplace(self._held, (number, self._order[entry.log], entry.index, entry))

    def drawn(self) -> Iterable[Entry]:
        """Give the sample, in the order of logs and entries."""
        return [entry for _, _, _, entry in sorted(self._held, key=lambda held: held[1:3])]
