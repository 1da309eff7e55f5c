"""`alliance-server`: make a hub, run it, invite members."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from sqlalchemy.exc import OperationalError

from alliance.clock import SystemClock
from alliance.errors import AllianceError
from alliance_server.cli.audit.commands import audit_app
from alliance_server.cli.case_report import report_cases
from alliance_server.cli.config.commands import config_app
from alliance_server.cli.doctor import examine
from alliance_server.cli.doctor.printing import print_findings
from alliance_server.cli.epochs import epoch_app
from alliance_server.cli.hub import init_hub, upgrade_hub
from alliance_server.cli.inviting import invite_listed
from alliance_server.cli.members import confirm_member, invite_member, list_members, revoke_member
from alliance_server.cli.options import DEFAULT_FOLDER, HubFolder, stdout
from alliance_server.cli.policy import policy_app
from alliance_server.cli.printing import say
from alliance_server.cli.recovery import backup_app, restore_hub
from alliance_server.cli.status.printing import as_json as status_json
from alliance_server.cli.status.printing import check_port, print_status
from alliance_server.cli.status.reading import read_status
from alliance_server.cli.tls import drop_old_ca, renew_certificate, rotate_ca, show_certificates, switch_to_new_ca

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # tracebacks with locals could show what must not be shown
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The alliance hub: lenders fight organised fraud together without showing each other their customers.",
)
member_app = typer.Typer(
    no_args_is_help=True, help="Invite members, confirm their keys, list them, revoke their certificates."
)
app.add_typer(member_app, name="member")
app.add_typer(epoch_app, name="epoch")
app.add_typer(policy_app, name="policy")
tls_app = typer.Typer(no_args_is_help=True, help="Show the hub's certificates, renew them, rotate the CA.")
app.add_typer(tls_app, name="tls")
app.add_typer(config_app, name="config")
app.add_typer(audit_app, name="audit")

_err = Console(stderr=True)


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer's callback
    if value:
        stdout.print(f"alliance-server {version('alliance-hub')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options of every command."""


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make: configuration, keys, database, filters.")],
    alliance: Annotated[str, typer.Option(help="The alliance's name: a-z, 0-9 and hyphens.")] = "alliance",
    host: Annotated[
        list[str] | None,
        typer.Option(help="Host or address under which members reach the hub; repeat for more [127.0.0.1]."),
    ] = None,
    listen: Annotated[str, typer.Option(help="Address of the members' port (mutual TLS).")] = "127.0.0.1:7443",
    enrolment_listen: Annotated[
        str, typer.Option(help="Address of the enrolment port (server TLS).")
    ] = "127.0.0.1:7444",
    db: Annotated[
        str, typer.Option(help="SQLAlchemy URL, such as postgresql+psycopg://…; empty: SQLite in the folder.")
    ] = "",
    pkcs11_module: Annotated[
        Path | None,
        typer.Option(help="PKCS#11 library of a token that is to hold the keys of identity and CA, for good."),
    ] = None,
    pkcs11_token: Annotated[str, typer.Option(help="Label of that token.")] = "",
    pkcs11_prefix: Annotated[str, typer.Option(help="What the labels of the keys in it begin with.")] = "alliance",
) -> None:
    """Make a hub: its configuration, sealed keys, database and first epoch.

    The keys are sealed under ALLIANCE_PASSPHRASE or the file of
    ALLIANCE_PASSPHRASE_FILE; without either, a passphrase is made in the
    keys' folder, which is good for a try and not for production. The PIN of
    a token comes from ALLIANCE_PKCS11_PIN or the file of
    ALLIANCE_PKCS11_PIN_FILE.

    Example: alliance-server init hub --alliance demo --host hub.example.org
    """
    token = None
    if pkcs11_module or pkcs11_token:
        token = {"module": str(pkcs11_module or ""), "token": pkcs11_token, "prefix": pkcs11_prefix}
    init_hub(stdout, folder, alliance, host or ["127.0.0.1"], listen, enrolment_listen, db, token)


@app.command()
def upgrade(folder: Annotated[Path, typer.Argument(help="The hub's folder.")] = DEFAULT_FOLDER) -> None:
    """Bring the database of a hub that is stopped to this release's schema.

    It happens whole or not at all, and nothing happens where there is
    nothing to do. Back the database up first.

    Example: alliance-server upgrade hub
    """
    upgrade_hub(stdout, folder)


@app.command()
def serve(folder: Annotated[Path, typer.Argument(help="The hub's folder.")] = DEFAULT_FOLDER) -> None:
    """Serve until interrupted; logs are JSON lines on standard error.

    SIGTERM or SIGINT lets calls under way finish, for `drain_seconds` at
    most; a second one ends at once. What was acknowledged is kept.

    Example: alliance-server serve hub
    """
    from alliance_server.cli.serving import serve_hub  # it alone needs all that a hub is made of

    serve_hub(folder)


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(help="The hub's folder.")] = DEFAULT_FOLDER,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    port: Annotated[
        bool, typer.Option("--port", help="Look whether the members' port answers, and at nothing else.")
    ] = False,
) -> None:
    """Show how a hub is: epochs, filters, members, certificates, proposals, what there is to do.

    It reads the database and files beside the hub, changes nothing, needs no
    passphrase, and looks whether the members' port answers. It ends with 3
    where the database cannot be read; with --port, where nobody answers.
    Ten million rows take some seconds.

    Example: alliance-server status hub
    """
    if port:
        raise typer.Exit(0 if check_port(stdout, folder) else 3)
    found = read_status(folder)
    if as_json:
        say(stdout, json.dumps(status_json(found), indent=1))
    else:
        print_status(stdout, found)
    if found.vitals is None:
        raise typer.Exit(3)


@member_app.command("invite")
def invite(
    name: Annotated[str, typer.Argument(help="Member id: 1 to 32 of a-z, 0-9 and inner hyphens.")] = "",
    *,
    out: Annotated[Path | None, typer.Option(help="Enrolment bundle to write.")] = None,
    folder: HubFolder = DEFAULT_FOLDER,
    display_name: Annotated[str, typer.Option(help="Name of the institution; else the id.")] = "",
    role: Annotated[
        str,
        typer.Option(
            help="member, admin, liaison, auditor, reviewer, legal_approver or duty_officer; it never changes."
        ),
    ] = "member",
    csv: Annotated[Path | None, typer.Option(help="Invite all on a list: id,display_name,role in line 1.")] = None,
    out_dir: Annotated[Path | None, typer.Option(help="With --csv: where bundles are written, ID.json.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="With --csv: leave out rows that are refused.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --csv: do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --csv: show what it would do only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --csv: one JSON document.")] = False,
) -> None:
    """Invite a member, or all on a list: writes a bundle with a token that works once, within 24 hours.

    Send it by a channel that both sides trust; they run `member-client enrol BUNDLE`, and
    `alliance-server member confirm` lets them in. Once the keys of two admins are confirmed
    they invite, by `member-client admin invite`, and this is refused.

    A list is shown first; after a stop the same command goes on. 4 says that rows were refused.

    Example: alliance-server member invite lender-a --out lender-a.json --dir hub

    Example: alliance-server member invite --csv list.csv --out-dir bundles --dir hub
    """
    if csv is not None and out_dir is not None and not (name or out or display_name):
        options = {"skip_bad": skip_bad, "yes": yes, "dry_run": dry_run, "as_json": as_json}
        invite_listed(stdout, folder, csv, out_dir, **options)
        return
    if out is None or not name or csv or out_dir or skip_bad or dry_run or as_json:
        raise typer.BadParameter("give NAME and --out for one, or --csv and --out-dir for a list")
    invite_member(stdout, folder, name, display_name or name, out, role)


@member_app.command("confirm")
def confirm(
    name: Annotated[str, typer.Argument(help="Member id.")],
    fingerprint: Annotated[
        str | None,
        typer.Option(help="The twelve words of the member's key; asked for where they are not given."),
    ] = None,
    folder: HubFolder = DEFAULT_FOLDER,
) -> None:
    """Confirm the key with which a member enrolled: until then its calls are refused.

    Call the member at a number that you know from elsewhere, and have the words read to you
    that `member-client fingerprint` prints there. Other words mean that somebody else enrolled
    in its place: invite it again. Once the keys of two admins are confirmed they confirm, by
    `member-client admin confirm`, and this is refused.

    Example: alliance-server member confirm lender-a --dir hub
    """
    asked = "The twelve words, as the member read them"
    confirm_member(stdout, folder, name, lambda: fingerprint or typer.prompt(asked))


@member_app.command("list")
def list_(folder: HubFolder = DEFAULT_FOLDER) -> None:
    """List members and their states.

    Example: alliance-server member list --dir hub
    """
    list_members(stdout, folder)


@member_app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Member id.")],
    folder: HubFolder = DEFAULT_FOLDER,
) -> None:
    """Revoke all certificates of a member; the next call under them is refused.

    Example: alliance-server member revoke lender-a --dir hub
    """
    revoke_member(stdout, folder, name)


@tls_app.command("show")
def show_tls(folder: HubFolder = DEFAULT_FOLDER) -> None:
    """Show the hub's certificate and the CAs, with the days that are left.

    Example: alliance-server tls show --dir hub
    """
    show_certificates(stdout, folder)


@tls_app.command("renew")
def renew_tls(
    folder: HubFolder = DEFAULT_FOLDER,
    host: Annotated[
        list[str] | None,
        typer.Option(help="Host or address under which members reach the hub; repeat for more [as before]."),
    ] = None,
) -> None:
    """Renew the hub's certificate, with a new key; a hub that serves takes it up.

    Members notice nothing. It lasts a year, and no longer than the CA.

    Example: alliance-server tls renew --dir hub
    """
    renew_certificate(stdout, folder, host)


@tls_app.command("rotate-ca")
def rotate(folder: HubFolder = DEFAULT_FOLDER) -> None:
    """Make a new CA and announce it to members: the first of three steps.

    The old one goes on issuing. Where keys lie in a token, the new one is
    made there too.

    Example: alliance-server tls rotate-ca --dir hub
    """
    rotate_ca(stdout, folder)


@tls_app.command("switch-ca")
def switch(
    folder: HubFolder = DEFAULT_FOLDER,
    *,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Leave those behind who have not called since the first step.")
    ] = False,
) -> None:
    """Let the new CA issue, and show members a certificate of it: the second step.

    It is refused while members who hold certificates have not called since
    the new CA was made: they would not believe the hub any more.

    Example: alliance-server tls switch-ca --dir hub
    """
    switch_to_new_ca(stdout, folder, anyway=anyway)


@tls_app.command("drop-ca")
def drop(folder: HubFolder = DEFAULT_FOLDER) -> None:
    """Let certificates of the old CA in no more, and destroy its key: the last step.

    It is refused while members hold certificates of the old CA alone.

    Example: alliance-server tls drop-ca --dir hub
    """
    drop_old_ca(stdout, folder)


@app.command()
def doctor(
    folder: Annotated[Path, typer.Argument(help="The hub's folder.")] = DEFAULT_FOLDER,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look for what keeps a hub from working, or will: keys, expiries, database, disk.

    It changes nothing, and works with a hub that runs or does not. The exit
    code is 3 where something is wrong, 0 with warnings alone.

    Example: alliance-server doctor hub
    """
    raise typer.Exit(print_findings(stdout, examine(folder, SystemClock()), as_json=as_json))


@app.command()
def report(
    quarter: Annotated[str, typer.Option(help="The quarter in which cases were submitted: 2026Q4.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the Markdown and the CSV; without one Markdown is printed.")
    ] = None,
    folder: HubFolder = DEFAULT_FOLDER,
) -> None:
    """Write what the public is told of a quarter's police cases: counts by type of instrument.

    Counts under five are not told, and sums are told as ranges where they
    would give one away. A quarter can be reported for three years from its
    first day, and comes out the same once its cases have ended.

    Example: alliance-server report --quarter 2026Q4 --out reports --dir hub
    """
    report_cases(stdout, folder, quarter, out)


app.add_typer(backup_app, name="backup")
app.command("restore")(restore_hub)


@app.command()
def demo(
    lists: Annotated[
        Path | None,
        typer.Option(help="Folder of real lists, one a member: member_*.csv with kind,identifier,category."),
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep the hub's and the members' files here.")] = None,
) -> None:
    """Run the main job: one hub and three lenders, each a process of its own, TLS on loopback.

    Example: alliance-server demo --lists lists/ --keep demo-files
    """
    from alliance_server.demo import run_demo  # the demo alone needs it

    raise typer.Exit(run_demo(lists, keep))


@app.command()
def dev(
    port: Annotated[
        int, typer.Option(help="Port for members; the one after it is for enrolment.", min=1, max=65534)
    ] = 7443,
    seed: Annotated[int, typer.Option(help="Which made-up listings and customers there are.")] = 1,
    *,
    memory: Annotated[
        bool, typer.Option("--memory", help="Keep nothing: a temporary folder, removed in the end.")
    ] = False,
) -> None:
    """Run a hub for development, with claims on magic identifiers.

    It lies in ./alliance-dev, listens on loopback, and comes with lenders
    that have claimed things, an enrolled profile for you, and for each
    outcome a phone and an email that lead to it. The SDK refuses those at
    every other hub.

    Example: alliance-server dev --memory
    """
    from alliance_server.cli.dev import run_dev  # it alone needs the demo's people
    from alliance_server.cli.dev.folder import DEFAULT_FOLDER as DEV_FOLDER

    raise typer.Exit(run_dev(stdout, DEV_FOLDER, port, seed, memory=memory))


def main() -> None:
    """Run the command line; known errors become one clear sentence."""
    os.umask(0o077)  # the database and all other files are the operator's alone
    try:
        with _ended_as_interrupted():
            app()
    except AllianceError as error:
        _complain(str(error))
    except OperationalError as error:
        # The driver's first line names the host; a password is never in it.
        _complain(f"the database cannot be reached: {str(error.orig).partition(chr(10))[0]}")
    except OSError as error:
        _complain(f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}")
    except KeyboardInterrupt:
        _err.print("interrupted; what was not finished is taken away", style="red", highlight=False)
        sys.exit(130)


@contextmanager
def _ended_as_interrupted() -> Iterator[None]:
    """Have SIGTERM end a command as an interrupt does, which cleans up what was begun; Python lets the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _complain(sentence: str) -> NoReturn:
    _err.print(f"error: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(3)
