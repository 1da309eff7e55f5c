"""What the demo says of a run: only what was observed, and every fault by its name."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alliance_server.demo import customers_run, lists_run, printing
from alliance_server.demo.contributing import Contributed
from alliance_server.demo.customers_run import CustomersRun, Screened, compared
from alliance_server.demo.leaks import Leaks
from alliance_server.demo.lender import refusal
from alliance_server.demo.lists_run import ListsRun, Pair
from alliance_server.demo.made_up import LENDERS, Sizes, invent
from alliance_server.demo.processes import DemoFailed, Ended
from alliance_server.demo.real_lists import RealList
from alliance_server.demo.trials import Audit, Latency, Refusals, _outcome

SIZES = Sizes(claims=5_000, customers=30_000, matches=300, malformed=120)
GOOD = CustomersRun(
    sizes=SIZES,
    contributed=Contributed(dict.fromkeys(LENDERS, 5_000), dict.fromkeys(LENDERS, 120), 15_000, 7.5),
    screened=Screened(30_000, 300, 300, 0, 0, 120, 75_000),
    latency=Latency(6.04, 12.5),
    refusals=Refusals("refused (proof)", "refused (signature)"),
    leaks=Leaks(4_000_000, 40_000_000, 15_000_000, 22, 70, 70, {}),
    audit=Audit(1_310, (), 1_280, change_found=True),
)
SCREEN = """\
  contributed   15,000 claims by 3 lenders                2,000 rows/s
  screened      30,000 customers of the third lender      expected 300 · found 300 · missed 0 · wrong 0
  hub database, files, logs and captured traffic searched for every identifier and its plain hashes: 0 found
  hub answering with another key: refused (proof)         filter with one bit flipped: refused (signature)
  online check p50 6.0 ms  p99 12.5 ms                    audit: 1,310 events, one per call
  own events proven in the log: 1,280                     event changed in the database: found"""


def faults(run: CustomersRun) -> list[str]:
    return customers_run.faults_of(run) + printing.trial_faults(run)


def test_the_screen_is_the_readmes() -> None:
    assert "\n".join(printing.customers_screen(GOOD)) == SCREEN
    assert faults(GOOD) == []
    lines = printing.details(GOOD, [("contribute", 7.5), ("screen", 20.2)])
    assert lines[0] == "  28 s: contribute 8 s · screen 20 s"
    assert "4,000,000 patterns in 40 MB of 22 files; planted 70, of these found 70" in lines[1]
    assert re.search(r"one hub and three lenders.*(reference|native) backend", printing.setting("three lenders"))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"screened": replace(GOOD.screened, missed=1, found=299)}, "matches are not"),
        ({"screened": replace(GOOD.screened, wrong=1)}, "matches are not"),
        ({"screened": replace(GOOD.screened, refused=119)}, "malformed customers"),
        ({"contributed": replace(GOOD.contributed, accepted=dict.fromkeys(LENDERS, 4_999))}, "list's rows"),
        ({"contributed": replace(GOOD.contributed, refused=dict.fromkeys(LENDERS, 0))}, "list's rows"),
        ({"leaks": replace(GOOD.leaks, places={"hub/hub.db": 3})}, "3 patterns of identifiers are in hub/hub.db"),
        ({"leaks": replace(GOOD.leaks, planted_found=69)}, "means nothing"),
        ({"leaks": replace(GOOD.leaks, captured=90_000 * 32 - 1)}, "less was captured"),
        ({"refusals": Refusals("refused (signature)", "refused (signature)")}, "was not refused"),
        (
            {"audit": replace(GOOD.audit, differences=("lender-a: 99 events, 100 calls",))},
            "lender-a: 99 events, 100 calls",
        ),
        ({"audit": replace(GOOD.audit, proven=0)}, "no lender proved"),
        ({"audit": replace(GOOD.audit, change_found=False)}, "changed in the database"),
    ],
)
def test_each_fault_is_named(change: dict[str, Any], fault: str) -> None:
    found = faults(replace(GOOD, **change))
    assert len(found) == 1
    assert fault in found[0]


def ended(code: int, output: str = "") -> Ended:
    return Ended(code, output, "complaint")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (ended(7, '{"error": {"type": "ProofRejected"}}'), "refused (proof)"),
        (ended(7, '{"error": {"type": "FilterTampered"}}'), "refused (signature)"),
        (ended(7, '{"error": {"type": "EpochKeyChanged"}}'), "refused (EpochKeyChanged)"),
        (ended(7, '{"integrity": true}'), "refused (integrity)"),
        (ended(0, '{"state": "clear"}'), "NOT REFUSED (exit code 0)"),
        (ended(5), "NOT REFUSED (exit code 5)"),
    ],
)
def test_a_refusal_is_told_as_it_was_observed(end: Ended, words: str) -> None:
    assert _outcome(end) == words
    assert bool(refusal(end)) == words.startswith("refused")


def test_output_that_is_no_json_is_a_failure() -> None:
    with pytest.raises(DemoFailed, match="complaint"):
        ended(1, "Traceback").document()


def test_matches_are_held_against_the_truth() -> None:
    world = invent(Sizes(claims=60, customers=100, matches=10, own=5, malformed=5))
    report = {"rows": 105, "states": {"refused": 5}, "hub_learned": {"evaluations": 250}}
    right = {ref: set(fields) for ref, fields in world.truth.items()}
    assert compared(world, right, report) == Screened(100, 10, 10, 0, 0, 5, 250)
    first, second, *_ = right
    assert compared(world, {first: right[first]}, report).missed == 9
    assert compared(world, {**right, "C-999999": {"phone"}}, report).wrong == 1
    assert compared(world, {**right, second: {"mac"}}, report).wrong == 1


def test_pairs_that_differ_are_a_fault() -> None:
    lists = [RealList(name, Path(f"member_{name}.csv"), {}, 5) for name in ("a", "b")]
    run = ListsRun(
        lists=lists,
        contributed=Contributed({"a": 5, "b": 5}, {"a": 0, "b": 0}, 10, 1.0),
        pairs=[Pair(("a", "b"), 3, (3, 3), exact=True)],
        screened=lists_run.Screened({}, 10, 10, 2.0),
        latency=GOOD.latency,
        refusals=GOOD.refusals,
        leaks=GOOD.leaks,
        audit=GOOD.audit,
    )
    assert lists_run.faults_of(run) == []
    assert "  a∩b           expected 3 · found 3" in printing.lists_screen(run)
    wrong = replace(run, pairs=[Pair(("a", "b"), 3, (3, 2), exact=False)])
    assert lists_run.faults_of(wrong) == ["the matches are not the plain intersection"]
    assert "  a∩b           expected 3 · found 3 and 2  NOT THE SAME" in printing.lists_screen(wrong)
    short = replace(run, contributed=replace(run.contributed, accepted={"a": 5, "b": 4}))
    assert lists_run.faults_of(short) == ["not everything that can be claimed was"]
