"""How the verifier prints: plain lines for people, one JSON document a line for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from alliance.audit_events import fields_of, line_of
from alliance_audit.checks import Result
from alliance_audit.clocks import HOUR_MS, Clock
from alliance_audit.leaves import Entry
from alliance_audit.report import Report


def say(line: str) -> None:
    """Print a line; what an export says moves nothing on a terminal: controls are escaped."""
    typer.echo("".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in line))


def as_document(entry: Entry) -> dict[str, Any]:
    """Give an entry as JSON has it: salt and event are what its leaf hash is made of."""
    return {
        "log": entry.log,
        "index": entry.index,
        "time": entry.event.time,
        **fields_of(entry.event),
        "salt": entry.salt.hex(),
        "event": entry.content.hex(),
    }


def as_line(entry: Entry) -> str:
    """Give an entry as people read it."""
    return f"{entry.log} {entry.index:>9,}  {line_of(entry.event)}"


def print_report(report: Report, *, as_json: bool, seconds: float) -> None:
    """Print what a verification found."""
    if as_json:
        say(json.dumps(_document(report, seconds)))
        return
    for log in report.logs:
        say(f"{log.log}  {log.size:,} entries  root {log.root.hex()}")
        for line in log.vouched:
            say(f"  holds   {line}")
        for line in log.notes:
            say(f"  note    {line}")
        for fault in log.faults:
            say(f"  WRONG   {fault.place}: {fault.text}")
        if log.unshown:
            say(f"  WRONG   … and {log.unshown} more")
    rate = f"{report.size / seconds:,.0f} entries/s" if seconds else ""
    end = "every entry is what was logged" if report.holds else "NOT VERIFIED: stop, and ask who holds another copy"
    say(f"{report.size:,} entries in {seconds:.1f} s  {rate}")
    say(end)


def _document(report: Report, seconds: float) -> dict[str, Any]:
    return {
        "holds": report.holds,
        "entries": report.size,
        "seconds": round(seconds, 3),
        "logs": [
            {
                "log": log.log,
                "entries": log.size,
                "root": log.root.hex(),
                "vouched": log.vouched,
                "notes": log.notes,
                "faults": [{"place": it.place, "text": it.text} for it in log.faults],
                "more_faults": log.unshown,
            }
            for log in report.logs
        ],
    }


def print_checks(results: Sequence[Result], *, as_json: bool) -> None:
    """Print what checks found."""
    if as_json:
        say(json.dumps([asdict(result) for result in results]))
        return
    for result in results:
        say(f"{result.name}: {result.found:,} of {result.looked_at:,}")
        say(f"  {result.title}")
        for log, index, text in result.findings:
            say(f"  ask     {log} entry {index}: {text}")
        if result.found > len(result.findings):
            say(f"  ask     … and {result.found - len(result.findings):,} more")
        say(f"  cannot tell: {result.cannot_tell}")


def print_clocks(clocks: Sequence[Clock], *, as_json: bool) -> None:
    """Print clocks."""
    if as_json:
        shown = [
            {
                "clock": it.name,
                "limit_ms": it.limit_ms,
                "measured": len(it.took),
                "p50_ms": it.p50,
                "worst_ms": it.worst,
                "breaches": it.breaches,
                "open": it.open,
            }
            for it in clocks
        ]
        say(json.dumps(shown))
        return
    for it in clocks:
        measured = (
            f"{len(it.took):,} measured, p50 {_hours(it.p50)}, worst {_hours(it.worst)}, {it.breaches:,} breaches"
        )
        say(f"{it.name}: limit {_hours(it.limit_ms)}, {measured}, {it.open:,} open")


def _hours(milliseconds: int | None) -> str:
    return "none" if milliseconds is None else f"{milliseconds / HOUR_MS:.1f} h"
