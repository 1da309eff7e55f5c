"""`alliance-server audit`: what an auditor gets from the hub's machine."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.engine import Engine

from alliance.clock import SystemClock
from alliance.tlog.checkpoints import read_checkpoint
from alliance.tlog.logs import LogName, month_of
from alliance_server.cli.audit import clocks, columns, listing
from alliance_server.cli.audit.exporting import OnEntries, export_month
from alliance_server.cli.audit.listing import Wanted, listed, since_ms
from alliance_server.cli.audit.verify import verify
from alliance_server.cli.database import open_existing
from alliance_server.cli.options import DEFAULT_FOLDER, HubFolder, stdout
from alliance_server.cli.printing import say
from alliance_server.config import HubConfig, load_config
from alliance_server.hub_keys import open_keys
from alliance_server.storage.log_exports import newest_note

audit_app = typer.Typer(no_args_is_help=True, help="Export the audit logs for auditors, and verify what they say.")
audit_app.command("verify")(verify)
_err = Console(stderr=True)

Month = Annotated[str, typer.Option(help="Month of the logs, UTC.", metavar="YYYY-MM")]


@audit_app.command("export")
def export(
    month: Month,
    to: Annotated[Path, typer.Option(help="Folder to make; nothing is overwritten.", metavar="FOLDER")],
    folder: HubFolder = DEFAULT_FOLDER,
) -> None:
    """Export a month's logs for auditors, beside a hub that may serve.

    The folder holds every event, of all members: it is for auditors' eyes,
    and readable by you alone. Send it by a channel that is as private.
    They verify it offline, with alliance-audit.

    A run that was cut off goes on where it was when it is given again.

    Example: alliance-server audit export --month 2026-11 --to export --dir hub
    """
    check_month(month)
    clock = SystemClock()
    with _progress() as on_entries:
        done = export_month(load_config(folder), month, to, clock, on_entries)
    for one in done:
        say(stdout, f"{one.origin}  {one.entries:,} entries")
        if one.entries < one.size:
            missing = one.size - one.entries
            _err.print(f"{one.origin}: {missing:,} entries of its checkpoint are not in the database", style="red")
    if month == month_of(clock.now_ms()):
        say(stdout, "the month is not over: this is its log so far")
    say(stdout, f"export in {to}; next, at the auditor: alliance-audit verify {to} --checkpoint FILE")


@audit_app.command("checkpoint")
def checkpoint(
    folder: HubFolder = DEFAULT_FOLDER,
    *,
    key: Annotated[
        bool, typer.Option("--key", help="Print the verifier key of its log instead; opens the hub's keys.")
    ] = False,
) -> None:
    """Print the newest checkpoint of the audit log, with its cosignatures.

    Keep it where the hub's operator cannot change it: whoever has one holds
    every later log and export against it.

    Example: alliance-server audit checkpoint --dir hub
    """
    config = load_config(folder)
    with _database(config) as engine, engine.connect() as connection, connection.begin():
        note = newest_note(connection)
    if key:
        name = LogName.parse(read_checkpoint(note).origin)
        say(stdout, name.key(open_keys(config.keys_folder, config.alliance, config.pkcs11).identity.public_key).vkey)
    else:
        say(stdout, note.decode().removesuffix("\n"))


@audit_app.command("list")
def list_events(
    folder: HubFolder = DEFAULT_FOLDER,
    actor: Annotated[str, typer.Option(help="Events of this member; 'hub' for the hub's own.")] = "",
    action: Annotated[str, typer.Option(help="Actions, as a pattern: 'dispute:*'.", metavar="GLOB")] = "",
    since: Annotated[str, typer.Option(help="From this day or time on, UTC: 2026-11-30.", metavar="TIME")] = "",
    limit: Annotated[int, typer.Option(help="So many of the newest.", min=1, max=100_000)] = 100,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a document a line.")] = False,
) -> None:
    """List audit events, the newest ones, in their order.

    Example: alliance-server audit list --action 'proposal:*' --dir hub
    """
    try:
        wanted = Wanted(actor, action, since_ms(since) if since else 0, limit)
    except ValueError:
        raise typer.BadParameter("a time is written 2026-11-30, or 2026-11-30T12:00") from None
    with _database(load_config(folder)) as engine:
        for row, event in listed(engine, wanted):
            say(stdout, listing.as_json(row, event) if as_json else listing.as_line(row, event))


@audit_app.command("clocks")
def show_clocks(
    month: Month,
    folder: HubFolder = DEFAULT_FOLDER,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show how long what has a limit took, of what began in a month.

    Limit, median, worst and breaches: of sealing, of answers to disputes,
    of reviews and recalls. What waits and is late counts as a breach.

    Example: alliance-server audit clocks --month 2026-11 --dir hub
    """
    check_month(month)
    with _database(load_config(folder)) as engine:
        found = clocks.read_clocks(engine, month, SystemClock().now_ms())
    if as_json:
        say(stdout, json.dumps(clocks.as_document(found), indent=1))
        return
    for one in found:
        say(stdout, clocks.as_line(one))
    say(stdout, f"cannot tell: {clocks.CANNOT_TELL}")


@audit_app.command("columns")
def show_columns(
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with all that a column says of itself.")] = False,
) -> None:
    """Show how every column of the database is classed, and until when it stays.

    Example: alliance-server audit columns --csv > columns.csv
    """
    if as_csv:
        say(stdout, columns.as_csv().removesuffix("\n"))
        return
    for table, column, _, _, _, level, kind, _, retention, *_ in columns.rows():
        say(stdout, f"{table}.{column}  {level}, {kind}  {retention}")


@contextmanager
def _database(config: HubConfig) -> Iterator[Engine]:
    engine = open_existing(config.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def check_month(month: str) -> None:
    """Raise typer.BadParameter unless a text is a month."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        raise typer.BadParameter("a month is YYYY-MM, such as 2026-11")


@contextmanager
def _progress() -> Iterator[OnEntries]:
    """Show how far each log is, where somebody watches."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def on_entries(log: str, done: int, total: int) -> None:
            if log not in tasks:
                tasks[log] = progress.add_task(log, total=total)
            progress.update(tasks[log], completed=done)

        yield on_entries
