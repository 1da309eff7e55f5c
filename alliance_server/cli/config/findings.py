"""What a check of a hub's configuration finds: about what, what is wrong, how to mend it.

With an error the hub does not start or does not serve; a warning is for the operator.
"""

from dataclasses import dataclass

from alliance.findings import Level


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. Names settings and files, never a value that may be a secret."""

    level: Level
    about: str
    problem: str
    fix: str


def error(about: str, problem: str, fix: str) -> Finding:
    """Give a finding for which the hub cannot serve."""
    return Finding(Level.ERROR, about, problem, fix)


def warning(about: str, problem: str, fix: str) -> Finding:
    """Give a finding with which the hub serves all the same."""
    return Finding(Level.WARNING, about, problem, fix)
