"""The root of the command line: global options, and the commands in the order in which a member meets them."""

import logging
import signal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from member_client.cli.admin.app import admin_app
from member_client.cli.audit.app import audit_app
from member_client.cli.case.app import case_app
from member_client.cli.check import check
from member_client.cli.claims import claims_app
from member_client.cli.completing import complete_language
from member_client.cli.contribute import HELP as CONTRIBUTE_HELP
from member_client.cli.contribute import contribute
from member_client.cli.dispute.app import dispute_app
from member_client.cli.group import PROGRAM, SafeGroup, UsageFault
from member_client.cli.language import LANGUAGE_VARIABLE, read_language, tr
from member_client.cli.membership import doctor, enrol, fingerprint, renew, sync
from member_client.cli.operator import operator_app
from member_client.cli.outcome_tables import claims_quality
from member_client.cli.ports import real_ports
from member_client.cli.protect import protect
from member_client.cli.quota import quota
from member_client.cli.recalls import recalls_app
from member_client.cli.report import report_app
from member_client.cli.retag import retag
from member_client.cli.review import review_app
from member_client.cli.screen import HELP as SCREEN_HELP
from member_client.cli.screen import screen
from member_client.cli.session import Ports, Session
from member_client.cli.subject_access import subject_access
from member_client.cli.taxonomy import taxonomy
from member_client.cli.watch.app import watch_app
from member_client.cli.witness import witness_app
from member_client.config import HOME_VARIABLE, default_folder

app = typer.Typer(
    name=PROGRAM,
    cls=SafeGroup,
    no_args_is_help=True,
    add_completion=True,
    # Pretty tracebacks print local variables, and these hold identifiers.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it
    if wanted:
        try:
            typer.echo(f"{PROGRAM} {version('alliance-hub')}")
        except PackageNotFoundError:
            typer.echo(tr("{program} (not installed)", program=PROGRAM))
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    *,
    profile: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the profile; else ~/.config/alliance/default.", envvar=HOME_VARIABLE, metavar="FOLDER"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    lang: Annotated[
        str | None,
        typer.Option(
            help=f"zh-CN or en; else {LANGUAGE_VARIABLE}, else the locale.",
            metavar="LANG",
            autocompletion=complete_language,
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    r"""Fight organised fraud together with other lenders, without showing them your customers.

    Identifiers never leave this machine: the hub sees blinded points, counts
    and purposes. A first day:

      member-client enrol bundle.json
      member-client screen customers.csv --map phone=mobile --ref customer_no \
        --purpose portfolio_screening --consent basis-2026-03
      member-client contribute list.csv --role perpetrator

    Exit codes: 0 done, 2 usage, 3 not enrolled, 4 finished but some rows
    refused, 5 hub away, 6 denied, 7 integrity: stop and call someone,
    10 and 11 by --fail-on, 130 interrupted: run it again.
    """
    if lang is not None and read_language(lang) is None:
        raise UsageFault(tr("--lang is zh-CN or en"))
    ports = context.obj if isinstance(context.obj, Ports) else real_ports()
    context.obj = Session(ports, profile or default_folder(), as_json=as_json, quiet=quiet, color=not no_color)


app.command()(enrol)
app.command()(fingerprint)
app.command()(sync)
app.command()(check)
app.command(help=SCREEN_HELP)(screen)
app.command(help=CONTRIBUTE_HELP)(contribute)
app.command()(protect)
app.add_typer(report_app, name="report")
app.add_typer(claims_app, name="claims")
app.add_typer(review_app, name="review")
app.add_typer(operator_app, name="operator")
app.add_typer(recalls_app, name="recalls")
app.add_typer(watch_app, name="watch")
app.add_typer(dispute_app, name="dispute")
app.add_typer(case_app, name="case")
app.add_typer(witness_app, name="witness")
app.command("subject-access")(subject_access)
app.add_typer(audit_app, name="audit")
app.add_typer(admin_app, name="admin")
claims_app.command("quality")(claims_quality)
app.command()(quota)
app.command()(taxonomy)
app.command()(renew)
app.command()(retag)
app.command()(doctor)


def _ended(*_: object) -> None:
    """Stop as an interrupt does, and say how to go on: a scheduler that ends a run is somebody who interrupts it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a job in the background of a script, say
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Run the command line."""
    # Without a handler of ours, Python prints what libraries log, in the middle of the progress bar.
    logging.getLogger().addHandler(logging.NullHandler())
    signal.signal(signal.SIGTERM, _ended)
    app()
