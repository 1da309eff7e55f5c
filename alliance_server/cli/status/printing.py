"""Prints a status: for people in sections, for programs as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alliance.clock import iso_time
from alliance.taxonomy import DAY_MS
from alliance_server.certificates import read_files
from alliance_server.cli.printing import say
from alliance_server.cli.status.port import Answer, look_at
from alliance_server.cli.status.reading import Status, needs
from alliance_server.config import load_config
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.overview import EpochOverview

_DAY = timedelta(days=1)


def as_json(status: Status) -> dict[str, Any]:
    """Give a status for programs; times in ISO 8601, what could not be read is null."""
    return {
        "at": iso_time(status.at),
        "alliance": status.config.alliance,
        "database": status.database,
        "schema": {"found": status.schema, "wanted": status.schema_wanted},
        "port": asdict(status.port) if status.port else None,
        "certificate_days_left": {name: round(left / _DAY, 1) for name, left in status.certificates.items()},
        "epochs": [_epoch(status, it) for it in status.vitals.epochs] if status.vitals else None,
        "log": _log(status),
        "proposals": _proposals(status),
        "members": [
            {"role": role.word, "state": state.name.lower(), "count": number}
            for (role, state), number in _members(status)
        ],
        **_counts(status),
        "needs": needs(status),
    }


def _epoch(status: Status, it: EpochOverview) -> dict[str, Any]:
    return {
        "epoch": it.id,
        "state": it.state.name.lower(),
        "days_left": round(it.left(status.at) / DAY_MS, 1),
        "filter_age_seconds": it.filter_age(status.at),
        "sequence": it.sequence,
        "filter_sequence": it.filter_sequence,
        "listings": it.listings,
        "snapshot_present": bool(it.snapshot_sha256) and it.id not in status.missing_snapshots,
    }


def _log(status: Status) -> dict[str, Any] | None:
    log = status.vitals.log if status.vitals else None
    if log is None:
        return None
    return {"origin": log.origin, "leaves": log.size, "waiting_seconds": log.waiting_seconds(status.at)}


def _proposals(status: Status) -> dict[str, int] | None:
    vitals = status.vitals
    if vitals is None:
        return None
    return {"waiting": vitals.proposals_waiting, "unreviewed": vitals.reviews_open, "overdue": vitals.reviews_overdue}


def _members(status: Status) -> list[tuple[tuple[Role, MemberState], int]]:
    return sorted(status.census.members.items()) if status.census else []


def _counts(status: Status) -> dict[str, Any]:
    census = status.census
    last = census.last_event_at if census else None
    return {
        "live_claims": census.live_claims if census else None,
        "member_certificates": {"good": census.certificates, "ending": census.certificates_ending} if census else None,
        "audit": {"events": census.events, "last": iso_time(last) if last else None} if census else None,
    }


def check_port(out: Console, folder: Path) -> bool:
    """Say whether the hub answers at the members' port; raises OSError, KeyFileInvalid or ConfigurationInvalid."""
    config = load_config(folder)
    port = look_at(config, *read_files(config.keys_folder))
    say(out, f"{port.address} · {port.answer}")
    return port.answer is Answer.SERVES


def print_status(out: Console, status: Status) -> None:
    """Print a status for people."""
    say(out, f"alliance '{status.config.alliance}' · {status.config.folder} · {iso_time(status.at)}")
    facts = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, value in _facts(status):
        facts.add_row(name, Text(value, overflow="fold"))
    sections = [
        facts,
        *([_epochs(status)] if status.vitals else []),
        *([_member_table(status)] if status.census else []),
    ]
    for section in sections:
        out.print(section)
        out.print()
    wanted = needs(status)
    for line in wanted:
        say(out, f"to do    {line}")
    if not wanted:
        say(out, "nothing to do")


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    yield "database", f"{status.database} · schema {status.schema or 'not read'}"
    if status.port:
        yield "members' port", f"{status.port.address} · {status.port.answer}"
    for name, left in status.certificates.items():
        yield f"{name} certificate", f"{left.days} days left"
    if status.census:
        census = status.census
        yield "live claims", f"{census.live_claims:,}"
        yield "member certificates", f"{census.certificates:,} good · {census.certificates_ending:,} end within 30 days"
        last = f" · last {iso_time(census.last_event_at)}" if census.last_event_at else ""
        yield "audit events", f"{census.events:,}{last}"
    if status.vitals:
        vitals = status.vitals
        if vitals.log:
            waits = vitals.log.waiting_seconds(status.at)
            yield "audit log", f"{vitals.log.origin} · {vitals.log.size:,} leaves · oldest event waits {waits:,.0f} s"
        yield "proposals", f"{vitals.proposals_waiting} waiting · {vitals.reviews_open} break-glass not reviewed"


def _epochs(status: Status) -> Table:
    columns = ("epoch", "state", "days left", "filter age", "rows", "in filter", "listings", "snapshot")
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for it in status.vitals.epochs if status.vitals else ():
        age = it.filter_age(status.at)
        table.add_row(
            str(it.id),
            it.state.name.lower(),
            str(it.left(status.at) // DAY_MS),
            "none" if age is None else f"{age:,.0f} s",
            f"{it.sequence:,}",
            f"{it.filter_sequence:,}",
            "none" if it.listings is None else f"{it.listings:,}",
            "missing" if it.id in status.missing_snapshots else "present",
        )
    return table


def _member_table(status: Status) -> Table:
    table = Table("role", "state", "count", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for (role, state), number in _members(status):
        table.add_row(role.word, state.name.lower(), f"{number:,}")
    if not table.row_count:
        table.add_row("nobody yet", "", "")
    return table
