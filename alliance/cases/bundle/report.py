"""What a verification found: what holds, and everything that does not, with its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from alliance.errors import AllianceError


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it must be, and where: a file, or a region of the archive."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(slots=True)
class BundleReport:
    """A verification: what a bundle is said to be, what was found to hold, in order, and the faults."""

    alliance: str = ""
    hub_key: bytes = b""
    """Under which all of it was verified; whose it is, somebody outside must say."""
    case: str = ""
    number: str = ""
    liaison: str = ""
    signed_by: str = ""
    made_at: int = 0
    held: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is worth knowing and is no fault."""
    faults: list[Fault] = field(default_factory=list)
    _noted: set[Fault] = field(default_factory=set, repr=False)
    """The same ones, to look them up in: who made a bundle decides how many there are."""

    @property
    def holds(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.faults

    def fault(self, place: str, text: str) -> None:
        """Note a fault, once."""
        if (fault := Fault(place, text)) not in self._noted:
            self._noted.add(fault)
            self.faults.append(fault)

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Note what is raised within as a fault of a place."""
        try:
            yield
        except DecodeError:
            self.fault(place, "cannot be read")
        except AllianceError as error:
            self.fault(place, str(error))
