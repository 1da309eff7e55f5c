"""`alliance-server audit`: what an auditor gets from the hub's machine."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from alliance.clock import SystemClock
from alliance.tlog.logs import month_of
from alliance_server.cli.audit.exporting import OnEntries, export_month
from alliance_server.cli.audit.verify import verify
from alliance_server.cli.options import DEFAULT_FOLDER, HubFolder, stdout
from alliance_server.cli.printing import say
from alliance_server.config import load_config

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
