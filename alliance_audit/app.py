"""`alliance-audit`: verify an export of the audit logs, and ask it something. It needs no network and no secret."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from alliance.errors import AllianceError
from alliance_audit.checks import saved_checks, see_by
from alliance_audit.clocks import Clocks
from alliance_audit.export import Export, ExportInvalid, read_export
from alliance_audit.leaves import See, entries_at
from alliance_audit.options import Admins, Checkpoints, ExportFolder, Json, Keys, Quorum, Witnesses, trust_of
from alliance_audit.printing import as_document, as_line, print_checks, print_clocks, print_report, say
from alliance_audit.receipts import GivenReceipt, Promises, read_receipt
from alliance_audit.report import Report
from alliance_audit.sampling import Question, Sample
from alliance_audit.trust import Trust
from alliance_audit.verifying import OnEntries, verify

INTEGRITY: Final = 7
"""Exit code where something is not as it was logged."""
FINDINGS: Final = 4
"""Exit code where checks found something to ask about."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Verify an export of an alliance's audit logs, offline, against what somebody else remembers of them.",
)


@app.command("verify")
def verify_export(
    export: ExportFolder,
    checkpoint: Checkpoints = None,
    key: Keys = None,
    witness: Witnesses = None,
    quorum: Quorum = 0,
    admin: Admins = None,
    receipt: Annotated[
        list[Path] | None,
        typer.Option(help="Receipt of a member, whose event must be in the log; repeat for more.", metavar="FILE"),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Verify that an export holds every entry as it was logged, in its order, and none besides.

    It hashes all entries up to the root that the checkpoint has, and holds
    the log against the one before, and every checkpoint and receipt.
    What you give is to come from elsewhere than the export: that is what it
    is worth. It ends with 7 where anything is wrong, and says where.

    Example: alliance-audit verify export --checkpoint from-lender-a.txt
    """
    trust, found = trust_of(checkpoint, key, witness, quorum, admin), _opened(export)
    began = time.monotonic()
    promises = Promises(_receipts(receipt))
    report = _verified(found, trust, promises.see)
    promises.tell(found, trust, report.logs[-1])
    print_report(report, as_json=as_json, seconds=time.monotonic() - began)
    raise typer.Exit(0 if report.holds else INTEGRITY)


@app.command()
def show(
    export: ExportFolder,
    index: Annotated[list[int] | None, typer.Option("--index", help="Show this entry; repeat for more.", min=0)] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what an export says of itself, or some of its entries. Nothing is verified.

    Example: alliance-audit show export --index 0
    """
    found = _opened(export)
    if not index:
        _describe(found, as_json=as_json)
        return
    wanted = set(index)
    for log in found.logs:
        for entry in entries_at(log, wanted):
            say(json.dumps(as_document(entry)) if as_json else as_line(entry))


@app.command()
def sample(
    export: ExportFolder,
    seed: Annotated[str, typer.Option(help="Anything: another auditor who takes the same draws the same.")],
    count: Annotated[int, typer.Option("--n", help="So many entries.", min=1, max=100_000)],
    category: Annotated[str, typer.Option(help="What the actions begin with: evaluation, claim, member …")] = "",
    action: Annotated[str, typer.Option(help="Actions, as a pattern: 'dispute:*'.", metavar="GLOB")] = "",
    checkpoint: Checkpoints = None,
    key: Keys = None,
    witness: Witnesses = None,
    quorum: Quorum = 0,
    admin: Admins = None,
    *,
    as_json: Json = False,
) -> None:
    """Draw entries by a seed, so that another auditor draws the same ones.

    The export is verified in the same run; where anything is wrong nothing
    is drawn, and it ends with 7. Each entry's number is SHA-256 over the
    seed, the root and its index; the smallest are drawn.

    Example: alliance-audit sample export --seed 2026-12-03 --n 25 --category evaluation --checkpoint from-lender-a.txt
    """
    if category and action:
        raise typer.BadParameter("give --category or --action")
    trust, found = trust_of(checkpoint, key, witness, quorum, admin), _opened(export)
    question = Question(seed, count, f"{category}:*" if category else action or "*")
    roots = {str(log.name): log.checkpoint().root for log in found.logs}
    drawing = Sample(question, roots)
    _require(_verified(found, trust, drawing.see), as_json=as_json)
    for entry in drawing.drawn():
        say(json.dumps(as_document(entry)) if as_json else as_line(entry))
    if not as_json:
        say(f"{min(count, drawing.population):,} of {drawing.population:,} entries, seed {seed!r}")


@app.command("checks")
def run_checks(
    export: ExportFolder,
    checkpoint: Checkpoints = None,
    key: Keys = None,
    witness: Witnesses = None,
    quorum: Quorum = 0,
    admin: Admins = None,
    saved: Annotated[
        Path | None,
        typer.Option("--from", help="Checks of your own, as TOML; else the saved ones.", metavar="FILE"),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Run the saved checks over all events: evaluations without consent, changes of one person.

    The export is verified in the same run. A finding is something to ask
    about; each check says what events cannot tell. It ends with 4 where
    there are findings, and with 7 where the export does not hold.

    Example: alliance-audit checks export --checkpoint from-lender-a.txt
    """
    trust, found, checks = trust_of(checkpoint, key, witness, quorum, admin), _opened(export), saved_checks(saved)
    _require(_verified(found, trust, see_by(checks)), as_json=as_json)
    for check in checks:
        check.end()
    results = [check.result for check in checks]
    print_checks(results, as_json=as_json)
    raise typer.Exit(FINDINGS if any(result.found for result in results) else 0)


@app.command()
def clocks(
    export: ExportFolder,
    checkpoint: Checkpoints = None,
    key: Keys = None,
    witness: Witnesses = None,
    quorum: Quorum = 0,
    admin: Admins = None,
    *,
    as_json: Json = False,
) -> None:
    """Show how long what has a limit took, as far as events tell: limit, median, worst, breaches.

    The export is verified in the same run. Disputes, recalls and sealing are
    in the hub's tables: 'alliance-server audit clocks' on its machine.

    Example: alliance-audit clocks export --checkpoint from-lender-a.txt
    """
    trust, found, measuring = trust_of(checkpoint, key, witness, quorum, admin), _opened(export), Clocks()
    _require(_verified(found, trust, measuring.see), as_json=as_json)
    print_clocks(measuring.measured(), as_json=as_json)


def _describe(found: Export, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(found.about))
        return
    say(f"month {found.month}, {found.size:,} entries; nothing is verified yet")
    for log in found.logs:
        newest, before = log.checkpoint(), log.previous()
        say(f"{log.name}  {log.size:,} entries, checkpoint of {newest.size:,}, root {newest.root.hex()}")
        say(f"  signed by {', '.join(line.name for line in newest.note.signatures)}")
        if (key := found.keys.get(str(log.name))) is not None:
            say(f"  key {key.vkey}")
        say(f"  follows {before.origin} of {before.size:,}" if before else "  follows no log")
    for told in found.successions:
        admins = ", ".join(admin for admin, _ in told.statements)
        say(f"succession to origin {told.succession.origin}, signed by {admins or 'nobody'}")


def _receipts(paths: list[Path] | None) -> list[GivenReceipt]:
    try:
        return [read_receipt(path) for path in paths or ()]
    except ExportInvalid as error:
        raise typer.BadParameter(str(error)) from None


def _opened(folder: Path) -> Export:
    if not folder.is_dir():
        raise typer.BadParameter(f"there is no folder {folder}")
    return read_export(folder)


def _verified(export: Export, trust: Trust, see: See | None) -> Report:
    with _progress(export.size) as on_entries:
        return verify(export, trust, see, on_entries)


def _require(report: Report, *, as_json: bool) -> None:
    """End with what is wrong, where anything is."""
    if not report.holds:
        print_report(report, as_json=as_json, seconds=0)
        raise typer.Exit(INTEGRITY)


@contextmanager
def _progress(total: int) -> Iterator[OnEntries | None]:
    """Show how far it is, where somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    began = shown = time.monotonic()

    def on_entries(count: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= 1:
            shown, rate = now, count / (now - began)
            left = max(total - count, 0) / rate
            typer.echo(f"\r{count:,} of {total:,} entries  {rate:,.0f}/s  {left:,.0f} s left   ", err=True, nl=False)

    yield on_entries
    typer.echo("\r" + " " * 72 + "\r", err=True, nl=False)


def main() -> None:
    """Run the command line; what cannot be read becomes one clear sentence."""
    try:
        app()
    except AllianceError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(INTEGRITY)
