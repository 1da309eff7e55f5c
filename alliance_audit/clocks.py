"""The clocks that events show by themselves: from a proposal to another admin's decision about it.

Disputes, recalls and sealing cannot be told from events, whose commitments do not tie an end to a beginning: the hub's
own report reads its tables (`alliance-server audit clocks`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from alliance_audit.leaves import Entry

HOUR_MS: Final = 60 * 60 * 1000
PROPOSED: Final = "proposal:make"
DECIDED: Final = "proposal:decide"
DECIDE_WITHIN_MS: Final = 72 * HOUR_MS


@dataclass(slots=True)
class Clock:
    """A limit and how long it took, in milliseconds."""

    name: str
    limit_ms: int
    took: list[int] = field(default_factory=list)
    open: int = 0
    """What is not done, as far as the export goes."""

    @property
    def p50(self) -> int | None:
        """The median; None where nothing was measured."""
        return sorted(self.took)[(len(self.took) - 1) // 2] if self.took else None

    @property
    def worst(self) -> int | None:
        """The longest."""
        return max(self.took, default=None)

    @property
    def breaches(self) -> int:
        """How often it took longer than the limit."""
        return sum(it > self.limit_ms for it in self.took)


class Clocks:
    """Measures as events pass."""

    def __init__(self) -> None:
        self._decisions = Clock("a proposal is decided", DECIDE_WITHIN_MS)
        self._proposed: dict[bytes, int] = {}

    def see(self, entry: Entry) -> None:
        """Look at an event."""
        event = entry.event
        if event.outcome != "ok" or not event.commitments:
            return
        if event.action == PROPOSED:
            self._proposed.setdefault(event.commitments[0], event.time)
        elif event.action == DECIDED and (began := self._proposed.pop(event.commitments[0], None)) is not None:
            self._decisions.took.append(event.time - began)

    def measured(self) -> Sequence[Clock]:
        """Give the clocks."""
        self._decisions.open = len(self._proposed)
        return [self._decisions]
