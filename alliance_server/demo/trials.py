"""What the demo tries with every hub: whether lenders refuse one that cheats, and whether every call left its event."""

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from alliance_server.demo.hub import FLIPPED_BIT, OTHER_KEY
from alliance_server.demo.lender import INTEGRITY, Lender, refusal
from alliance_server.demo.people import Written
from alliance_server.demo.processes import Ended, demand
from alliance_server.demo.stage import Stage

_SECONDS = 120.0
_GROUNDS = {"ProofRejected": "proof", "FilterTampered": "signature"}


@dataclass(frozen=True, slots=True)
class Refusals:
    """How the lenders ended that met a hub which cheats."""

    other_key: str
    flipped_bit: str

    @property
    def good(self) -> bool:
        """Whether both cheats were refused, each for its own reason."""
        return (self.other_key, self.flipped_bit) == ("refused (proof)", "refused (signature)")


def meet_cheats(stage: Stage, asking: Lender, question: Written, syncing: Lender) -> Refusals:
    """Let one lender ask a hub that evaluates under another key, and one download a filter with one bit flipped."""
    with stage.serving(OTHER_KEY):
        asked = asking.check(question.field, question.typed).wait(_SECONDS)
    syncing.lose_filter()
    with stage.serving(FLIPPED_BIT):
        synced = syncing.sync().wait(_SECONDS)
    return Refusals(_outcome(asked), _outcome(synced))


def _outcome(ended: Ended) -> str:
    """Say how a lender ended, in the words of what was observed."""
    error = refusal(ended)
    return f"refused ({_GROUNDS.get(error, error)})" if error else f"NOT REFUSED (exit code {ended.code})"


@dataclass(frozen=True, slots=True)
class Latency:
    """Times of single checks in one warm process, milliseconds."""

    p50: float
    p99: float


def time_checks(lender: Lender, question: Written, times: int) -> Latency:
    """Time online checks of one customer; each is an evaluation of its own."""
    ended = lender.check(question.field, question.typed, "--repeat", str(times)).wait(_SECONDS)
    latency = demand("check", ended).document()["latency_ms"]
    return Latency(latency["p50"], latency["p99"])


@dataclass(frozen=True, slots=True)
class Audit:
    """Audit events in the hub's database against the calls that reached it, and the log over them."""

    events: int
    differences: tuple[str, ...]
    """Members whose numbers differ, with both."""
    proven: int
    """Events that lenders proved for themselves to be in the hub's log."""
    change_found: bool
    """Whether verification finds an event that was changed behind the hub's back."""


def prove_events(lenders: Iterable[Lender]) -> int:
    """Let lenders prove that what the hub recorded of them is in its log; the hub must serve. Gives how many it was."""
    proving = [lender.prove_events() for lender in lenders]
    return sum(int(demand(child.name, child.wait(_SECONDS)).document()["proven"]) for child in proving)


def audit(stage: Stage, proven: int) -> Audit:
    """Hold events against calls, member by member, and have the log of a hub that was tampered with verified."""
    events, calls = stage.events(), stage.calls
    differences = tuple(
        f"{name}: {events[name]} events, {calls[name]} calls"
        for name in sorted(events | calls)
        if events[name] != calls[name]
    )
    return Audit(events.total(), differences, proven, _finds_a_change(stage))


def _finds_a_change(stage: Stage) -> bool:
    """Change one event in a copy of the hub, as its database's owner can: verification must find that, and no more."""
    copy = stage.folder / "tampered"
    shutil.copytree(stage.hub, copy)
    with closing(sqlite3.connect(copy / "hub.db")) as connection:
        connection.execute("DROP TRIGGER audit_events_no_update")
        connection.execute("UPDATE audit_events SET time = time + 1, salt = randomblob(32) WHERE id = 9")
        connection.commit()
    good, bent = (stage.verify_log(folder) for folder in (stage.hub, copy))
    shutil.rmtree(copy)
    return (good, bent) == (0, INTEGRITY)
