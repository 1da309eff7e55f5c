"""`admin scope-liaison`: what a police liaison may ask for, agreed on by two admins."""

from typing import Annotated

import typer

from alliance.cases.words import InstrumentType
from alliance.taxonomy import Category
from member_client import Change
from member_client.cli.admin.changing import changing
from member_client.cli.admin.options import DryRun, Member, Reason, Yes
from member_client.cli.claim_rows import given_word
from member_client.cli.completing import complete_category, complete_instrument
from member_client.cli.session import session_of


def scope_liaison(
    context: typer.Context,
    member: Member,
    reason: Reason,
    instrument: Annotated[
        list[str] | None,
        typer.Option(
            help="Legal instrument that it may act under; once each.",
            metavar="INSTRUMENT",
            autocompletion=complete_instrument,
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(
            help="Category that it may ask about; once each.", metavar="CATEGORY", autocompletion=complete_category
        ),
    ] = None,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Set what a police liaison may ask for: under which instruments, about which categories.

    It takes the place of what was set before; with neither option the liaison
    may ask for nothing more. A liaison without a scope submits no case. Example:

      member-client admin scope-liaison police-a --instrument evidence_notice \
        --category mule_account --reason "agreement of 3 March"
    """
    change = Change.set_liaison_scope(
        member,
        instruments=[given_word(InstrumentType, "--instrument", it) for it in instrument or ()],
        categories=[given_word(Category, "--category", it) for it in category or ()],
    )
    changing(session_of(context), change, reason, yes=yes, dry_run=dry_run)
