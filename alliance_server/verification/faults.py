"""What is found where the log is not what was sealed."""

from dataclasses import dataclass, field
from typing import Final

MOST: Final = 50
"""So many faults are told; who meets more knows enough."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that cannot be: where, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Enough(Exception):
    """More faults are not looked for."""


@dataclass(slots=True)
class Faults:
    """Those that were found, in their order."""

    found: list[Fault] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Note one; raises Enough where there are enough of them."""
        self.found.append(Fault(where, what))
        if len(self.found) >= MOST:
            raise Enough
