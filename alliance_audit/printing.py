"""How the verifier prints: plain lines for people, one JSON document a line for programs."""

import json
from typing import Any

import typer

from alliance.clock import MAX_TIME_MS, iso_time
from alliance.v1 import taxonomy_pb2
from alliance_audit.leaves import Entry
from alliance_audit.report import Report


def say(line: str) -> None:
    """Print a line."""
    typer.echo(line)


def purpose_of(entry: Entry) -> str:
    """Give the word of an event's purpose; empty where it has none."""
    number = entry.event.purpose
    try:
        return taxonomy_pb2.Purpose.Name(number).removeprefix("PURPOSE_").lower() if number else ""
    except ValueError:
        return str(number)


def as_document(entry: Entry) -> dict[str, Any]:
    """Give an entry as JSON has it: salt and event are what its leaf hash is made of."""
    event = entry.event
    return {
        "log": entry.log,
        "index": entry.index,
        "time": event.time,
        "actor": event.actor,
        "operator": event.operator,
        "action": event.action,
        "purpose": purpose_of(entry),
        "epoch": event.epoch,
        "items": event.items,
        "items_refused": event.items_refused,
        "outcome": event.outcome,
        "commitments": [it.hex() for it in event.commitments],
        "policy_version": event.policy_version.hex(),
        "salt": entry.salt.hex(),
        "event": entry.content.hex(),
    }


def as_line(entry: Entry) -> str:
    """Give an entry as people read it."""
    event, fields = entry.event, as_document(entry)
    who = f"{event.actor}/{event.operator}" if event.operator else event.actor
    what = f"{event.action}" + (f" for {fields['purpose']}" if fields["purpose"] else "")
    refused = f", {event.items_refused} refused" if event.items_refused else ""
    counts = f"{event.items} items{refused}"
    return f"{entry.log} {entry.index:>9,}  {_time(event.time)}  {who}  {what}  {counts}  {event.outcome}"


def _time(milliseconds: int) -> str:
    return iso_time(milliseconds) if 0 <= milliseconds <= MAX_TIME_MS else str(milliseconds)


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
