"""What an examination finds: the words that both programs' `doctor` speaks in."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found; `how_to_fix` is empty where nothing needs mending."""

    level: Level
    what: str
    how_to_fix: str = ""
