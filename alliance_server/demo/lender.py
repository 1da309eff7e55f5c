"""A lender of the demo: a profile folder, and the commands that its people type. All work is `member-client`'s."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alliance_server.demo.processes import Child, Ended, Processes

CLIENT = "member_client"
ROWS_REFUSED = 4
INTEGRITY = 7
PASSPHRASE_VARIABLE = "ALLIANCE_OPERATOR_PASSPHRASE"  # noqa: S105 - a name, not a secret
_BASIS = "basis-2026-03"
_OPERATORS = "operators of a demo"


@dataclass(frozen=True, slots=True)
class Lender:
    """A member institution; everything it has lies in its folder."""

    name: str
    folder: Path
    processes: Processes

    @property
    def profile(self) -> Path:
        """Its enrolled profile."""
        return self.folder / "profile"

    def enrol(self, bundle: Path) -> Child:
        """Enrol with an invitation."""
        return self._start("enrol", "enrol", bundle)

    def contribute(self, file: Path, *options: str) -> Child:
        """Contribute a list."""
        return self._start("contribute", "contribute", file, "--refused", self.folder / "list.refused.csv", *options)

    def add_operator(self, name: str) -> Child:
        """Make and register an operator."""
        return self._start("operator", "operator", "add", name)

    def approve(self, operator: str) -> Child:
        """Let an operator approve all that waits."""
        return self._start("review", "review", "approve", "--all", "--operator", operator)

    def sync(self) -> Child:
        """Bring the filter up to date."""
        return self._start("sync", "sync")

    def screen(self, file: Path, out: Path, *options: str) -> Child:
        """Screen a file for the portfolio."""
        purpose = ("--purpose", "portfolio_screening", "--consent", _BASIS)
        refused = out.with_suffix(".refused.csv")
        return self._start("screen", "screen", file, *purpose, "--out", out, "--refused", refused, *options)

    def check(self, field: str, typed: str, *options: str) -> Child:
        """Check one identifier, as for a loan application."""
        purpose = ("--purpose", "loan_application", "--consent", "C-2026-0118")
        return self._start("check", "check", field, "-", *purpose, *options, typed=f"{typed}\n")

    def prove_events(self) -> Child:
        """Prove that what the hub recorded of this lender is in the log."""
        return self._start("audit", "audit", "verify", "--all")

    def lose_filter(self) -> None:
        """Remove the filter's bits, so that they must be downloaded again."""
        for file in (self.profile / "filter").rglob("*.bits"):
            file.unlink()

    def _start(self, what: str, *arguments: str | Path, typed: str = "") -> Child:
        return self.processes.start(
            f"{self.name} {what}",
            CLIENT,
            "--json",
            "--quiet",
            *arguments,
            typed=typed,
            settings={"ALLIANCE_HOME": str(self.profile), PASSPHRASE_VARIABLE: _OPERATORS},
        )


def evaluations_of(report: Mapping[str, Any]) -> int:
    """Give how many blinded elements a command of `member-client` sent, by its report."""
    return int(report["hub_learned"]["evaluations"])


def refusal(ended: Ended) -> str:
    """Give the name of the error with which a lender stopped; empty where it ended in another way."""
    if ended.code != INTEGRITY:
        return ""
    error = ended.document().get("error")
    return str(error.get("type", "")) if isinstance(error, dict) else "integrity"
