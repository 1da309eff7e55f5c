"""`member-client admin witnesses`: who witnesses the hub's log, agreed on by two admins."""

from typing import Annotated

import typer

from alliance.witnesses import WitnessList
from member_client import Change
from member_client.cli.admin.changing import changing
from member_client.cli.admin.options import DryRun, Reason, Yes, done
from member_client.cli.session import session_of
from member_client.cli.witness_list import list_document, list_line

witnesses_app = typer.Typer(no_args_is_help=True, help="Show the witness list, propose another.")


@witnesses_app.command("show")
def show(context: typer.Context) -> None:
    """Print the witness list in force: how many must cosign, and the verifier keys.

    For example:

      member-client admin witnesses show
    """
    session = session_of(context)
    found: WitnessList = done(session, lambda admin: admin.witness_list())
    session.document(list_document(found))
    session.say(list_line(found))
    for key in found.keys:
        session.say(key.vkey)


@witnesses_app.command("propose")
def propose(
    context: typer.Context,
    vkey: Annotated[
        list[str],
        typer.Argument(help="Verifier keys, as witness init prints them: all, those that stay too.", metavar="VKEY…"),
    ],
    reason: Reason,
    quorum: Annotated[
        int, typer.Option(help="So many must cosign before a member believes a checkpoint.", min=0, metavar="NUMBER")
    ],
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Propose another witness list; it takes the place of the one in force.

    Take witnesses of different institutions, and a quorum that some of them
    may miss. Members that ask for a quorum wait for its witnesses. Example:

      member-client admin witnesses propose KEY_A KEY_B KEY_C --quorum 2 \
        --reason "three members witness"
    """
    session = session_of(context)
    number = done(session, lambda admin: admin.witness_list()).number + 1
    change = Change.set_witnesses(number, quorum=quorum, vkeys=vkey)
    changing(session, change, reason, yes=yes, dry_run=dry_run)
