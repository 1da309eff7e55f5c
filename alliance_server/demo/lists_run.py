"""The demo on real lists: each member contributes its own, and screens it against the others'."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alliance.identifiers import Identifier
from alliance_server.demo.contributing import Contributed, contribute_all
from alliance_server.demo.leaks import Leaks, search_hub
from alliance_server.demo.lender import ROWS_REFUSED, Lender, evaluations_of
from alliance_server.demo.people import Written
from alliance_server.demo.processes import demand, timed
from alliance_server.demo.real_lists import RealList, intersections, read_lists
from alliance_server.demo.stage import Stage
from alliance_server.demo.trials import Audit, Latency, Refusals, audit, meet_cheats, prove_events, time_checks

_SECONDS = 3600.0
_CHECKS = 200
_ROLE = "perpetrator"
"""What the lists do not say; evidence stays at its default, E1."""

Found = dict[tuple[str, str], set[Identifier]]
"""By (who screened, who contributed) what was found."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What all members found, at once."""

    found: Found
    rows: int
    evaluations: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two members, how many identifiers they share, and how many each found of the other's."""

    members: tuple[str, str]
    expected: int
    found: tuple[int, int]
    exact: bool
    """Whether what was found is the intersection itself, from either side."""


@dataclass(frozen=True, slots=True)
class ListsRun:
    """Everything that the run showed."""

    lists: list[RealList]
    contributed: Contributed
    pairs: list[Pair]
    screened: Screened
    latency: Latency
    refusals: Refusals
    leaks: Leaks
    audit: Audit

    @property
    def evaluations(self) -> int:
        """Blinded elements that members sent in bulk."""
        return self.contributed.evaluations + self.screened.evaluations


def run_lists(stage: Stage, folder: Path) -> ListsRun:
    """Run the demo on the lists of a folder; raises DemoFailed where it cannot go on."""
    stage.say("read the lists")
    lists = read_lists(folder)
    stage.make_hub()
    with stage.serving():
        stage.say("enrol")
        members = stage.enrol([one.member for one in lists])
        files = {one.member: one.file for one in lists}
        contributed = contribute_all(stage, members, files, "--role", _ROLE)
        screened = _screen(stage, members, lists)
        stage.say("online checks")
        first, *_, last = members.values()
        question = _some_row(lists[0])
        latency = time_checks(first, question, _CHECKS)
        stage.say("prove events")
        proven = prove_events(members.values())
    stage.say("cheating hubs")
    refusals = meet_cheats(stage, first, question, last)
    stage.say("search for leaks")
    leaks = search_hub(stage, (row for one in lists for row in one.rows.values()), question)
    pairs, audited = _pairs(lists, screened.found), audit(stage, proven)
    return ListsRun(lists, contributed, pairs, screened, latency, refusals, leaks, audited)


def faults_of(run: ListsRun) -> list[str]:
    """Say what went otherwise than it must; empty where all is well."""
    all_taken = all(run.contributed.accepted[one.member] == one.claims for one in run.lists)
    conditions = {
        "not everything that can be claimed was": all_taken,
        "the matches are not the plain intersection": all(pair.exact for pair in run.pairs),
    }
    return [fault for fault, holds in conditions.items() if not holds]


def _some_row(one: RealList) -> Written:
    return next(row for row in one.rows.values() if row.identifier)


def _screen(stage: Stage, members: Mapping[str, Lender], lists: list[RealList]) -> Screened:
    stage.say("screen")
    outs = {one.member: members[one.member].folder / "verdicts.jsonl" for one in lists}
    ended, seconds = timed(lambda: [members[one.member].screen(one.file, outs[one.member]) for one in lists], _SECONDS)
    reports = [
        demand(f"{one.member} screen", end, (0, ROWS_REFUSED)).document() for one, end in zip(lists, ended, strict=True)
    ]
    found: Found = defaultdict(set)
    for one in lists:
        for number, contributor in read_contributors(outs[one.member]):
            identifier = one.rows[number].identifier
            if identifier is not None:
                found[one.member, contributor].add(identifier)
    return Screened(found, sum(report["rows"] for report in reports), sum(map(evaluations_of, reports)), seconds)


def read_contributors(out: Path) -> list[tuple[int, str]]:
    """Read a result file: each row that matches with each member who contributed to the match."""
    records = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    return [
        (record["row"], contributor)
        for record in records
        if record["state"] == "match"
        for contributor in record["contributors"].split(" ")
    ]


def _pairs(lists: list[RealList], found: Found) -> list[Pair]:
    pairs = []
    for (one, other), shared in intersections(lists).items():
        sides = found.get((one, other), set()), found.get((other, one), set())
        pairs.append(
            Pair((one, other), len(shared), (len(sides[0]), len(sides[1])), all(side == shared for side in sides))
        )
    return pairs
