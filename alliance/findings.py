"""What an examination finds: the words that both programs' `doctor` speaks in."""

from dataclasses import dataclass
from enum import StrEnum

from alliance.errors import AllianceError


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found; `how_to_fix` is empty where nothing needs mending.

    `about` is the setting or file where it is to be mended; empty where it is none.
    """

    level: Level
    what: str
    how_to_fix: str = ""
    about: str = ""

    def __str__(self) -> str:
        return f"{self.about}: {self.what}" if self.about else self.what


def error(what: str, how_to_fix: str, *, about: str = "") -> Finding:
    """Give a finding that keeps a program from its work."""
    return Finding(Level.ERROR, what, how_to_fix, about)


def warning(what: str, how_to_fix: str, *, about: str = "") -> Finding:
    """Give a finding with which a program works all the same."""
    return Finding(Level.WARNING, what, how_to_fix, about)


def told(failure: Exception) -> str:
    """Give our own errors' sentences; of other libraries' the type alone, for their texts may quote values."""
    if isinstance(failure, OSError):
        return f"{failure.filename or 'a file'}: {failure.strerror or type(failure).__name__}"
    return str(failure) if isinstance(failure, AllianceError) else f"it is damaged ({type(failure).__name__})"
