"""`admin invite` and `admin confirm`: how somebody comes in."""

from pathlib import Path
from typing import Annotated

import typer

from member_client import Administration, Proposal
from member_client.cli.admin.listing import invite_listed
from member_client.cli.admin.options import DryRun, Member, Reason, Yes, done
from member_client.cli.admin.showing import shown
from member_client.cli.asking import heard_words
from member_client.cli.group import UsageFault
from member_client.cli.language import tr
from member_client.cli.session import session_of


def invite(
    context: typer.Context,
    reason: Reason,
    member: Annotated[str, typer.Argument(help="Id of the member.", metavar="MEMBER")] = "",
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Enrolment bundle to write.", metavar="FILE")] = None,
    display_name: Annotated[str, typer.Option(help="Name of the institution or office.", metavar="NAME")] = "",
    role: Annotated[
        str,
        typer.Option(help="member, admin, liaison, auditor, reviewer, legal_approver or duty_officer.", metavar="ROLE"),
    ] = "member",
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Invite all on a list: id,display_name,role in the first line.", metavar="FILE"),
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out-dir", help="With --csv: where bundles are written, ID.json.", metavar="FOLDER")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="With --csv: leave out rows that are refused.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Propose to invite somebody, and write their enrolment bundle; or all on a list.

    The bundle works once another admin approved, for 24 hours from then on.
    Send it by a channel that both sides trust. A list is shown first; run the
    same command again after a stop, and it goes on. Example:

      member-client admin invite lender-b --out lender-b.json \
        --display-name "Lender B" --reason "board of 3 March"
      member-client admin invite --csv list.csv --out-dir bundles \
        --reason "board of 3 March"
    """
    session = session_of(context)
    if csv is not None and out_dir is not None and not (member or out or display_name):
        invite_listed(session, csv, out_dir, reason, skip_bad=skip_bad, yes=yes, dry_run=dry_run)
        return
    if out is None or not member or csv or out_dir or skip_bad or dry_run:
        raise UsageFault(tr("give MEMBER and --out for one, or --csv and --out-dir for a list"))
    destination = out

    async def work(admin: Administration) -> Proposal:
        return await admin.invite(member, destination, reason, display_name=display_name, role=role)

    shown(session, done(session, work))
    session.note(tr("{file} holds a token: send it by a channel that both sides trust", file=out))


def confirm(
    context: typer.Context,
    member: Member,
    words: Annotated[
        list[str] | None, typer.Argument(help="The twelve words that the member read to you.", metavar="WORDS")
    ] = None,
    *,
    reason: Reason,
) -> None:
    r"""Propose to let a member in that has enrolled, by the fingerprint that it read to you.

    Call a number that you know from elsewhere. Whoever approves calls, too:
    the bundle went through other hands. Words of another key mean that
    somebody else has enrolled: confirm nothing, and invite again. Example:

      member-client admin confirm lender-b --reason "called Ms Li" \
        flush outer expand home boost wide quote power book drastic text labor
    """
    session = session_of(context)
    heard = " ".join(words or ()) or heard_words()
    shown(session, done(session, lambda admin: admin.confirm(member, heard, reason)))
