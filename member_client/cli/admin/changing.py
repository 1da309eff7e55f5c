"""`admin suspend`, `resume`, `revoke`, `offboard`, `budget`, `burst`, `business`: shown first, then proposed."""

from typing import Annotated, Final

import typer

from member_client import Change
from member_client.cli.admin.options import BreakGlass, DryRun, Member, Reason, Yes, done
from member_client.cli.admin.showing import effect_lines, record, shown
from member_client.cli.asking import ask
from member_client.cli.group import UsageFault
from member_client.cli.language import tr
from member_client.cli.session import Session, session_of

_WITHDRAW: Final = "withdraw"
_FATES: Final = ("keep", _WITHDRAW)
"""What becomes of a departed member's claims."""


def changing(
    session: Session, change: Change, reason: str, *, yes: bool, dry_run: bool, break_glass: bool = False
) -> None:
    """Show what a change would do, ask, and propose it."""
    effect = done(session, lambda admin: admin.preview(change))
    if break_glass and effect.needs_approval and not effect.may_break_glass:
        raise UsageFault(tr("break-glass does not do this: another admin must approve"))
    for line in effect_lines(effect, by_break_glass=break_glass):
        session.say(line)
    if dry_run:
        session.document({"change": change.kind, "member": change.member, "effect": record(effect)})
        return
    ask(yes=yes)
    shown(session, done(session, lambda admin: admin.propose(change, reason, break_glass=break_glass)))


def suspend(
    context: typer.Context,
    member: Member,
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Refuse every call of a member from the next one on; needs no other admin, except against an admin.

    For example:

      member-client admin suspend lender-b --reason "keys were stolen"
    """
    change = Change.suspend(member)
    changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


def resume(
    context: typer.Context,
    member: Member,
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Propose to end a suspension.

    For example:

      member-client admin resume lender-b --reason "new keys, checked"
    """
    change = Change.resume(member)
    changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


def revoke(
    context: typer.Context,
    member: Member,
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Propose to revoke all certificates of a member, for good: it does not come back under its id.

    Suspend it first: that needs nobody else. Example:

      member-client admin revoke lender-b --reason "machine was lost"
    """
    change = Change.revoke_certificates(member)
    changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


def offboard(
    context: typer.Context,
    member: Member,
    reason: Reason,
    claims: Annotated[
        str,
        typer.Option(
            "--claims",
            help="keep: they stand until they expire. withdraw: the hub ends them.",
            metavar="keep|withdraw",
            autocompletion=lambda incomplete: [it for it in _FATES if it.startswith(incomplete)],
        ),
    ],
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Propose to end a membership, for good: certificates are revoked, and its claims are kept or withdrawn.

    What it filed is shown first, by category and expiry. Others may rely on
    claims; withdrawn ones are gone for all. Example:

      member-client admin offboard lender-b --claims keep --reason "left us"
    """
    if claims not in _FATES:
        choices = ", ".join(_FATES)
        raise UsageFault(tr("{parameter}: one of {choices} is needed", parameter="--claims", choices=choices))
    change = Change.offboard(member, withdraw_claims=claims == _WITHDRAW)
    changing(session_of(context), change, reason, yes=yes, dry_run=dry_run)


def budget(
    context: typer.Context,
    member: Member,
    resource: Annotated[
        str,
        typer.Argument(
            help="A purpose, bucket_prefixes, contribution_refunds, dispute_openings or protective_claims.",
            metavar="RESOURCE",
        ),
    ],
    items: Annotated[int, typer.Argument(help="Items a day.", min=0, metavar="ITEMS")],
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Set how many items a member may use a day; raising it needs another admin.

    For example:

      member-client admin budget lender-b loan_application 2000000 \
        --reason "autumn campaign"
    """
    change = Change.set_budget(member, resource, items)
    changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


def burst(
    context: typer.Context,
    member: Member,
    resource: Annotated[
        str,
        typer.Argument(
            help="A purpose, bucket_prefixes, contribution_refunds, dispute_openings or protective_claims.",
            metavar="RESOURCE",
        ),
    ],
    items: Annotated[int, typer.Argument(help="Items at once, 4,096 or more.", min=0, metavar="ITEMS")],
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Set how many items a member may use at once; raising it needs another admin.

    For example:

      member-client admin burst lender-b portfolio_screening 5000000 \
        --reason "their book in one night"
    """
    change = Change.set_burst(member, resource, items)
    changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


def business(
    context: typer.Context,
    member: Member,
    reason: Reason,
    *,
    applications: Annotated[int, typer.Option(help="Applications a day.", min=0, metavar="NUMBER")],
    customers: Annotated[int, typer.Option(help="Customers on its books.", min=0, metavar="NUMBER")],
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Declare how large a member's business is; a larger one needs another admin.

    Its volumes are held against it. Example:

      member-client admin business lender-b --applications 800 \
        --customers 120000 --reason "their letter of 3 March"
    """
    change = Change.declare_business(member, applications_a_day=applications, customers=customers)
    changing(session_of(context), change, reason, yes=yes, dry_run=dry_run)
