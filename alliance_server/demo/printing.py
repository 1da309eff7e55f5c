"""What the demo prints: the first screen of the README, every figure from the run."""

import os
from collections.abc import Sequence

from alliance.crypto.backend import select
from alliance_server.demo.customers_run import CustomersRun
from alliance_server.demo.leaks import Leaks
from alliance_server.demo.lists_run import ListsRun, Pair
from alliance_server.demo.trials import Audit, Latency, Refusals
from alliance_server.domain.evaluations import ELEMENT_BYTES

_SECOND_COLUMN = 58
_THINGS_SEARCHED = "hub database, files, logs and captured traffic searched for every identifier and its plain hashes"

Run = CustomersRun | ListsRun


def setting(lenders: str) -> str:
    """Give the line that says what runs where, and by which arithmetic."""
    return f"one hub and {lenders}, a process each, TLS on loopback · {os.cpu_count()} cores · {select().name} backend"


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
    contributed, screened = run.contributed, run.screened
    shares = " · ".join(f"{name} {count:,}" for name, count in contributed.accepted.items())
    return [
        _two(
            f"contributed   {contributed.claims:,} claims by {len(run.lists)} members",
            f"{contributed.rate:,.0f} rows/s",
        ),
        f"                {shares}",
        _two(
            f"screened      {screened.rows:,} rows against the others' claims",
            f"{screened.rows / screened.seconds:,.0f} rows/s",
        ),
        *(f"  {_pair(pair)}" for pair in run.pairs),
        *_trials(run),
    ]


def details(run: Run, durations: Sequence[tuple[str, float]]) -> list[str]:
    """Give the lines before the screen: where the time went, and how the search was done."""
    leaks = run.leaks
    total = sum(seconds for _, seconds in durations)
    searched = f"{leaks.patterns:,} patterns in {leaks.bytes / 1e6:,.0f} MB of {leaks.files} files"
    return [
        f"  {total:,.0f} s: " + " · ".join(f"{act} {seconds:,.0f} s" for act, seconds in durations),
        f"  searched for {searched}; planted {leaks.planted:,}, of these found {leaks.planted_found:,}",
    ]


def trial_faults(run: Run) -> list[str]:
    """Say what of the trials went otherwise than it must."""
    faults = [f"{count:,} patterns of identifiers are in {place}" for place, count in run.leaks.places.items()]
    if run.leaks.planted_found < run.leaks.planted:
        faults.append("the search does not find what was planted, so what it does not find means nothing")
    if run.leaks.captured < run.evaluations * ELEMENT_BYTES:
        faults.append("less was captured than lenders sent")
    if not run.refusals.good:
        faults.append("a hub that cheats was not refused for that reason")
    if run.audit.differences:
        faults.append(f"audit events are not one per call ({'; '.join(run.audit.differences)})")
    if not run.audit.proven:
        faults.append("no lender proved an event to be in the log")
    if not run.audit.change_found:
        faults.append("an event that was changed in the database was not found, or another one was")
    return faults


def _trials(run: Run) -> list[str]:
    return [_search(run.leaks), _cheats(run.refusals), _online(run.latency, run.audit), _log(run.audit)]


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


def _log(audit: Audit) -> str:
    found = "found" if audit.change_found else "NOT FOUND"
    return _two(f"own events proven in the log: {audit.proven:,}", f"event changed in the database: {found}")


def _pair(pair: Pair) -> str:
    one, other = pair.members
    found = f"{pair.found[0]:,}" if pair.found[0] == pair.found[1] else f"{pair.found[0]:,} and {pair.found[1]:,}"
    verdict = "" if pair.exact else "  NOT THE SAME"
    return f"{f'{one}∩{other}':<14}expected {pair.expected:,} · found {found}{verdict}"


def _two(left: str, right: str) -> str:
    return f"{'  ' + left + '  ':<{_SECOND_COLUMN}}{right}"
