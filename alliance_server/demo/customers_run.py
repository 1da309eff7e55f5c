"""The demo on made-up data: three lenders contribute, the third one screens its customers, and the truth is known."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alliance_server.demo.contributing import Contributed, contribute_all
from alliance_server.demo.files import CUSTOMER_COLUMNS, CUSTOMERS_FILE, REF_COLUMN, write_world
from alliance_server.demo.leaks import Leaks, search_hub
from alliance_server.demo.lender import ROWS_REFUSED, Lender, evaluations_of
from alliance_server.demo.made_up import LENDERS, Customer, Sizes, World, invent
from alliance_server.demo.processes import demand
from alliance_server.demo.stage import Stage
from alliance_server.demo.trials import Audit, Latency, Refusals, audit, meet_cheats, prove_events, time_checks

_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Screened:
    """A screening held against the truth. A match by other fields than the true ones is wrong."""

    customers: int
    expected: int
    found: int
    missed: int
    wrong: int
    refused: int
    evaluations: int

    @property
    def good(self) -> bool:
        """Whether exactly the truth was found."""
        return self.found == self.expected and not self.missed and not self.wrong


@dataclass(frozen=True, slots=True)
class CustomersRun:
    """Everything that the run showed."""

    sizes: Sizes
    contributed: Contributed
    screened: Screened
    latency: Latency
    refusals: Refusals
    leaks: Leaks
    audit: Audit

    @property
    def evaluations(self) -> int:
        """Blinded elements that lenders sent in bulk."""
        return self.contributed.evaluations + self.screened.evaluations


def run_customers(stage: Stage, sizes: Sizes) -> CustomersRun:
    """Run the demo on made-up data; raises DemoFailed where it cannot go on."""
    stage.say("make people up")
    world = invent(sizes)
    stage.make_hub()
    with stage.serving():
        stage.say("enrol")
        lenders = stage.enrol(LENDERS)
        lists = write_world(world, {name: lender.folder for name, lender in lenders.items()})
        contributed = contribute_all(stage, lenders, lists)
        third = lenders[LENDERS[2]]
        screened = _screen(stage, third, world)
        stage.say("online checks")
        customer = _clean(world)
        latency = time_checks(third, customer.fields["phone"], sizes.checks)
        stage.say("prove events")
        proven = prove_events(lenders.values())
    stage.say("cheating hubs")
    refusals = meet_cheats(stage, third, customer.fields["phone"], lenders[LENDERS[0]])
    stage.say("search for leaks")
    leaks = search_hub(stage, world.written(), customer.fields["phone"])
    return CustomersRun(sizes, contributed, screened, latency, refusals, leaks, audit(stage, proven))


def faults_of(run: CustomersRun) -> list[str]:
    """Say what went otherwise than it must; empty where all is well."""
    sizes, contributed = run.sizes, run.contributed
    good_lists = all(
        contributed.accepted[name] == sizes.claims and contributed.refused[name] == sizes.malformed for name in LENDERS
    )
    conditions = {
        "a list's rows were not all taken, or malformed ones were": good_lists,
        "the matches are not those that were expected": run.screened.good,
        "malformed customers were not all refused, or others were": run.screened.refused == sizes.malformed,
    }
    return [fault for fault, holds in conditions.items() if not holds]


def _clean(world: World) -> Customer:
    """Give the first customer whose number is spelt well and who matches nothing."""
    return next(
        customer
        for customer in world.customers
        if customer.ref not in world.truth and (phone := customer.fields.get("phone")) and phone.identifier
    )


def _screen(stage: Stage, lender: Lender, world: World) -> Screened:
    stage.say("screen")
    out = lender.folder / "verdicts.jsonl"
    columns = [f"--map={name}={column}" for name, column in CUSTOMER_COLUMNS.items()]
    child = lender.screen(lender.folder / CUSTOMERS_FILE, out, "--ref", REF_COLUMN, *columns)
    report = demand(f"{lender.name} screen", child.wait(_SECONDS), (0, ROWS_REFUSED)).document()
    return compared(world, read_matches(out), report)


def read_matches(out: Path) -> dict[str, set[str]]:
    """Read a result file: the matching fields of every customer that matches, by reference."""
    matches: dict[str, set[str]] = {}
    for line in out.read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["state"] == "match":
            matches.setdefault(record["ref"], set()).add(record["field"])
    return matches


def compared(world: World, matches: Mapping[str, set[str]], report: Mapping[str, Any]) -> Screened:
    """Hold matches against the truth."""
    missed = [ref for ref in world.truth if ref not in matches]
    wrong = [ref for ref, fields in matches.items() if world.truth.get(ref, frozenset()) != fields]
    return Screened(
        customers=report["rows"] - report["states"]["refused"],
        expected=len(world.truth),
        found=len(matches),
        missed=len(missed),
        wrong=len(wrong),
        refused=report["states"]["refused"],
        evaluations=evaluations_of(report),
    )
