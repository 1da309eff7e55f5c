"""What the demo prints: the first screen of the README, every figure from the run."""

import os
from collections.abc import Sequence

from alliance.crypto.backend import select
from alliance_server.demo.customers_run import CustomersRun
from alliance_server.demo.leaks import Leaks
from alliance_server.demo.lists_run import ListsRun, Pair
from alliance_server.demo.trials import Audit, Latency, Refusals

_SECOND_COLUMN = 58
_THINGS_SEARCHED = "hub database, files, logs and captured traffic searched for every identifier and its plain hashes"

Run = CustomersRun | ListsRun


def setting(lenders: str) -> str:
    """Give the line that says what runs where, and by which arithmetic."""
    return f"one hub and {lenders}, each a process of its own, TLS on loopback; {os.cpu_count()} cores, {select().name} backend"


def customers_screen(run: CustomersRun) -> list[str]:
    """Give the screen of a run on made-up data."""
    screened = run.screened
    return [
        _two(
            f"contributed   {run.contributed.claims:,} claims by {len(run.contributed.accepted)} lenders",
            f"{run.contributed.rate:,.0f} rows/s",
        ),
        _two(
            f"screened      {screened.customers:,} customers of the third lender",
            f"expected {screened.expected:,} · found {screened.found:,} · "
            f"missed {screened.missed:,} · wrong {screened.wrong:,}",
        ),
        *_trials(run),
    ]


def lists_screen(run: ListsRun) -> list[str]:
    """Give the screen of a run on real lists."""
    contributed = run.contributed
    shares = " · ".join(f"{name} {count:,}" for name, count in contributed.accepted.items())
    return [
        _two(f"contributed   {contributed.claims:,} claims ({shares})", f"{contributed.rate:,.0f} rows/s"),
        _two(f"screened      {run.rows:,} rows, each list against the others", f"{run.rows / run.seconds:,.0f} rows/s"),
        *(f"  {_pair(pair)}" for pair in run.pairs),
        *_trials(run),
    ]


def details(run: Run, durations: Sequence[tuple[str, float]]) -> list[str]:
    """Give the lines before the screen: where the time went, and how the search was done."""
    leaks = run.leaks
    total = sum(seconds for _, seconds in durations)
    return [
        f"  {total:,.0f} s: " + " · ".join(f"{act} {seconds:,.0f} s" for act, seconds in durations),
        f"  search: {leaks.patterns:,} patterns over {leaks.bytes / 1e6:,.0f} MB in {leaks.files} files; "
        f"all {leaks.planted} planted ones were found first",
    ]


def trial_faults(run: Run) -> list[str]:
    """Say what of the trials went otherwise than it must."""
    faults = [f"{count:,} patterns of identifiers are in {place}" for place, count in run.leaks.places.items()]
    if not run.refusals.good:
        faults.append("a hub that cheats was not refused for that reason")
    if run.audit.differences:
        faults.append(f"audit events are not one per call ({'; '.join(run.audit.differences)})")
    return faults


def _trials(run: Run) -> list[str]:
    return [_search(run.leaks), _cheats(run.refusals), _online(run.latency, run.audit)]


def _search(leaks: Leaks) -> str:
    return f"  {_THINGS_SEARCHED}: {leaks.found:,} found"


def _cheats(refusals: Refusals) -> str:
    return _two(
        f"hub answering with another key: {refusals.other_key}", f"filter with one bit flipped: {refusals.flipped_bit}"
    )


def _online(latency: Latency, audit: Audit) -> str:
    manner = "one per call" if not audit.differences else "NOT one per call"
    return _two(
        f"online check p50 {latency.p50:.1f} ms  p99 {latency.p99:.1f} ms", f"audit: {audit.events:,} events, {manner}"
    )


def _pair(pair: Pair) -> str:
    one, other = pair.members
    found = f"{pair.found[0]:,}" if pair.found[0] == pair.found[1] else f"{pair.found[0]:,} and {pair.found[1]:,}"
    verdict = "" if pair.exact else "  NOT THE SAME"
    return f"{one}∩{other}           expected {pair.expected:,} · found {found}{verdict}"


def _two(left: str, right: str) -> str:
    return f"{'  ' + left + '  ':<{_SECOND_COLUMN}}{right}"
