"""What a verification found: faults with their places, and what the log rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

MOST_SHOWN: Final = 20
"""Faults of one log that are told singly; of the others the number."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it must be, and where."""

    log: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.log} · {self.place} · {self.text}"


@dataclass(slots=True)
class LogReport:
    """What was found of one log."""

    log: str
    size: int = 0
    """Entries that were read."""
    root: bytes = b""
    """Of the tree over them."""
    vouched: list[str] = field(default_factory=list)
    """What the entries rest on."""
    notes: list[str] = field(default_factory=list)
    """What an auditor is to know."""
    faults: list[Fault] = field(default_factory=list)
    unshown: int = 0

    def fault(self, place: str, text: str) -> None:
        """Add a fault."""
        if len(self.faults) < MOST_SHOWN:
            self.faults.append(Fault(self.log, place, text))
        else:
            self.unshown += 1


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of an export."""

    logs: Sequence[LogReport]

    @property
    def faults(self) -> list[Fault]:
        """All faults that are told singly."""
        return [fault for log in self.logs for fault in log.faults]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    @property
    def size(self) -> int:
        """Entries that were read."""
        return sum(log.size for log in self.logs)
