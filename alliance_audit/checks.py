"""Saved checks: what an auditor looks for in all events, as data (`checks.toml`), and what events cannot tell.

A finding is something to ask about, not a proof of wrong: each check says what it cannot see.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from alliance.audit_events import HUB, LOG_BEGIN, OK
from alliance_audit.export import ExportInvalid
from alliance_audit.leaves import Entry

MOST_SHOWN: Final = 50
_DIGEST_BYTES: Final = 32
_WITHIN: Final = 64
"""So many entries after an effect the event of the call stands that had it: several processes log at once."""
_AFTER_RESTORE: Final = 2


@dataclass(slots=True)
class Result:
    """What a check found."""

    name: str
    title: str
    cannot_tell: str
    looked_at: int = 0
    found: int = 0
    findings: list[tuple[str, int, str]] = field(default_factory=list)
    """Log, index and what there is to ask, of the first ones."""

    def find(self, entry: Entry, text: str) -> None:
        """Add a finding."""
        self.found += 1
        if len(self.findings) < MOST_SHOWN:
            self.findings.append((entry.log, entry.index, text))


class Check(Protocol):
    """Looks at events as they pass."""

    result: Result

    def see(self, entry: Entry) -> None:
        """Look at an event that ended well."""

    def end(self) -> None:
        """Say what was still open."""


class Each:
    """Every event of some actions has a commitment."""

    def __init__(self, result: Result, said: Mapping[str, Any]) -> None:
        self.result = result
        self._actions, self._purposes = set(said["actions"]), set(said.get("purposes", ()))
        self._place = int(said["commitment"])

    def see(self, entry: Entry) -> None:
        """Look at an event."""
        if entry.event.action not in self._actions or (self._purposes and entry.purpose not in self._purposes):
            return
        self.result.looked_at += 1
        there = list(entry.event.commitments)[self._place : self._place + 1]
        if not there or len(there[0]) != _DIGEST_BYTES or not any(there[0]):
            self.result.find(entry, f"{entry.event.actor} for {entry.purpose or 'no purpose'}: no commitment")

    def end(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class _Alone:
    """What one admin's word had done at once: break-glass, until another decides about it."""

    entry: Entry
    actor: str
    effects: list[str]


class TwoPeople:
    """Effects stand before the event of the call that had them; two admins are behind each."""

    def __init__(self, result: Result, said: Mapping[str, Any]) -> None:
        self.result = result
        self._effects = set(said["effects"])
        self._proposed_by, self._decided_by = str(said["proposed_by"]), str(said["decided_by"])
        self._open: list[Entry] = []
        self._proposers: dict[bytes, str] = {}
        self._alone: dict[bytes, _Alone] = {}

    def see(self, entry: Entry) -> None:
        """Look at an event."""
        action = entry.event.action
        self._give_up(entry)
        if action in self._effects and entry.event.actor == HUB:
            self.result.looked_at += 1
            self._open.append(entry)
        elif action == self._proposed_by:
            self._propose(entry, _first(entry))
        elif action == self._decided_by:
            self._decide(entry, _first(entry))

    def end(self) -> None:
        """Say what nobody decided."""
        self._give_up(None)
        for one in self._alone.values():
            done = ", ".join(one.effects)
            self.result.find(one.entry, f"{one.actor} had it done at once, and no other admin decided about it: {done}")

    def _propose(self, entry: Entry, proposal: bytes) -> None:
        self._proposers.setdefault(proposal, entry.event.actor)
        if self._open:
            self._alone[proposal] = _Alone(entry, entry.event.actor, [it.event.action for it in self._open])
            self._open = []

    def _decide(self, entry: Entry, proposal: bytes) -> None:
        proposer, actor = self._proposers.get(proposal), entry.event.actor
        if proposal in self._alone and actor != self._alone[proposal].actor:
            del self._alone[proposal]
        if self._open and proposer == actor:
            self.result.find(entry, f"{actor} proposed and decided: {self._open[-1].event.action}")
        elif self._open and proposer is None:
            self.result.find(entry, f"{actor} decided what is proposed nowhere in here: {self._open[-1].event.action}")
        self._open = []

    def _give_up(self, now: Entry | None) -> None:
        """Find effects that no call stands behind."""
        while self._open and (now is None or now.log != self._open[0].log or now.index - self._open[0].index > _WITHIN):
            one = self._open.pop(0)
            self.result.find(one, f"{one.event.action} by no admin: the operator's, on the hub's machine")


class TwoNames:
    """The operator of events with an approval is two names."""

    def __init__(self, result: Result, said: Mapping[str, Any]) -> None:
        self.result = result
        self._actions, self._separator = set(said["actions"]), str(said["separator"])

    def see(self, entry: Entry) -> None:
        """Look at an event."""
        event = entry.event
        if event.action in self._actions and event.operator and event.commitments:
            self.result.looked_at += 1
            if len(set(event.operator.split(self._separator))) < len(("one", "another")):
                self.result.find(entry, f"{event.actor}: approved by {event.operator} alone")

    def end(self) -> None:
        """Nothing is open."""


class Succession:
    """A log that begins after a restore has its signers."""

    def __init__(self, result: Result, said: Mapping[str, Any]) -> None:
        self.result = result
        self._signed_by, self._people = str(said["signed_by"]), int(said["people"])
        self._awaited: list[tuple[Entry, bytes]] = []
        self._signers: dict[bytes, set[str]] = {}

    def see(self, entry: Entry) -> None:
        """Look at an event."""
        commitments = list(entry.event.commitments)
        if entry.event.action == LOG_BEGIN and len(commitments) == _AFTER_RESTORE:
            self.result.looked_at += 1
            self._awaited.append((entry, commitments[1]))
        elif entry.event.action == self._signed_by:
            self._signers.setdefault(_first(entry), set()).add(entry.event.actor)

    def end(self) -> None:
        """Say which were signed by too few."""
        for entry, digest in self._awaited:
            signers = sorted(self._signers.get(digest, ()))
            if len(signers) < self._people:
                self.result.find(entry, f"signed by {', '.join(signers) or 'nobody'} in this export")


_KINDS: Final[Mapping[str, Callable[[Result, Mapping[str, Any]], Check]]] = {
    "each": Each,
    "two_people": TwoPeople,
    "two_names": TwoNames,
    "succession": Succession,
}


def saved_checks(path: Path | None = None) -> list[Check]:
    """Read the saved checks, or those of a file; raises ExportInvalid where it cannot be read."""
    try:
        text = path.read_text("utf-8") if path else (files("alliance_audit") / "checks.toml").read_text("utf-8")
        said = tomllib.loads(text)["check"]
        return [_KINDS[one["kind"]](Result(one["name"], one["title"], one["cannot_tell"]), one) for one in said]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportInvalid(f"{path or 'checks.toml'}: the checks cannot be read ({type(error).__name__})") from None


def see_by(checks: list[Check]) -> Callable[[Entry], None]:
    """Give what shows each event that ended well to all checks."""

    def see(entry: Entry) -> None:
        if entry.event.outcome == OK:
            for check in checks:
                check.see(entry)

    return see


def _first(entry: Entry) -> bytes:
    return entry.event.commitments[0] if entry.event.commitments else b""
