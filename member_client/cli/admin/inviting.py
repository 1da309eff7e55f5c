"""`admin invite` and `admin confirm`: how somebody comes in."""

from pathlib import Path
from typing import Annotated

import typer

from member_client import Administration, Proposal
from member_client.cli.admin.options import Member, Reason, done
from member_client.cli.admin.showing import shown
from member_client.cli.asking import heard_words
from member_client.cli.language import tr
from member_client.cli.session import session_of


def invite(
    context: typer.Context,
    member: Member,
    out: Annotated[Path, typer.Option("--out", help="Enrolment bundle to write.", metavar="FILE")],
    reason: Reason,
    *,
    display_name: Annotated[str, typer.Option(help="Name of the institution or office.", metavar="NAME")] = "",
    role: Annotated[str, typer.Option(help="member, admin, liaison or auditor.", metavar="ROLE")] = "member",
) -> None:
    r"""Propose to invite somebody, and write their enrolment bundle.

    The bundle works once another admin approved, for 24 hours from then on.
    Send it by a channel that both sides trust. Example:

      member-client admin invite lender-b --out lender-b.json \
        --display-name "Lender B" --reason "board of 3 March"
    """
    session = session_of(context)

    async def work(admin: Administration) -> Proposal:
        return await admin.invite(member, out, reason, display_name=display_name, role=role)

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
