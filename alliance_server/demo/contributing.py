"""All lenders contribute at once; every number is their own report's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alliance_server.demo.lender import ROWS_REFUSED, Lender, evaluations_of
from alliance_server.demo.processes import demand, timed
from alliance_server.demo.stage import Stage

_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Contributed:
    """What became of the lists: by lender, rows accepted and refused."""

    accepted: Mapping[str, int]
    refused: Mapping[str, int]
    evaluations: int
    seconds: float

    @property
    def claims(self) -> int:
        """All claims that the hub took."""
        return sum(self.accepted.values())

    @property
    def rate(self) -> float:
        """Claims a second, from the first process's start to the last one's end."""
        return self.claims / self.seconds


def contribute_all(
    stage: Stage, lenders: Mapping[str, Lender], lists: Mapping[str, Path], *options: str
) -> Contributed:
    """Let all lenders contribute at once, and wait until the hub's filter holds it all."""
    stage.say("contribute")
    everybody: Sequence[str] = list(lenders)
    ended, seconds = timed(lambda: [lenders[name].contribute(lists[name], *options) for name in everybody], _SECONDS)
    reports = {
        name: demand(f"{name} contribute", one, (0, ROWS_REFUSED)).document()
        for name, one in zip(everybody, ended, strict=True)
    }
    contributed = Contributed(
        {name: report["accepted"] for name, report in reports.items()},
        {name: report["refused"] for name, report in reports.items()},
        sum(map(evaluations_of, reports.values())),
        seconds,
    )
    stage.settle(lenders[everybody[-1]], contributed.claims)
    return contributed
