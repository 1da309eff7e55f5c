"""`member-client protect`: a claim that protects somebody who asked for it."""

from pathlib import Path
from typing import Annotated

import typer

from alliance.taxonomy import Category, EvidenceLevel, SubjectRole
from member_client import ContributionOutcome, ContributionResult, ContributionRow
from member_client.cli.check import field_of, typed
from member_client.cli.claim_rows import option_expiry, option_word
from member_client.cli.completing import complete_field
from member_client.cli.endings import ending
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, told_reason, tr
from member_client.cli.operating import opened_operator
from member_client.cli.options import ExpiresOption
from member_client.cli.session import session_of
from member_client.files import FIELDS
from member_client.subjects import as_kind


def protect(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(help=f"What the value is: {', '.join(FIELDS)}.", metavar="KIND", autocompletion=complete_field),
    ],
    value: Annotated[
        str, typer.Argument(help="The identifier; - asks for it, out of the shell's history.", metavar="VALUE")
    ],
    consent: Annotated[Path, typer.Option("--consent", metavar="FILE", help="The person's consent; it stays here.")],
    operator: Annotated[str, typer.Option("--operator", metavar="NAME", help="Who of your operators approves it.")],
    category: Annotated[
        str, typer.Option(metavar="WORD", help="What the person is to be protected from.")
    ] = Category.FALSE_APPLICATION.word,
    expires: ExpiresOption = None,
) -> None:
    """Protect somebody who asked for it: members make an extra check, and nothing else.

    It waits for a second operator (member-client review), and how many you may
    file a day has a budget of its own. For example:

      member-client protect phone - --consent consent.pdf --operator desk-7
    """
    session = session_of(context)
    if not consent.is_file():
        raise UsageFault(tr("--consent: there is no such file"))
    name = field_of(kind)
    about = option_word(Category, "--category", category) or Category.FALSE_APPLICATION
    row = ContributionRow(
        *as_kind(name, typed(value)),
        category=about,
        role=SubjectRole.PROTECTED,
        evidence=EvidenceLevel.E1,
        expires_at=option_expiry(expires, session.ports.clock.now_ms()),
        evidence_file=consent,
    )
    signer = opened_operator(session, operator)

    async def work() -> ContributionResult:
        async with session.client() as client:
            return (await client.protect([row], operator=signer))[0]

    result = session.run(work())
    is_refused = result.outcome is ContributionOutcome.REFUSED
    code = ending(refused=is_refused)
    session.document({"outcome": str(result.outcome), "reason": result.reason or None, "exit_code": code})
    if is_refused:
        session.say(f"{told_reason(result.reason)}: {retold(result.how_to_fix)}")
    elif result.outcome is ContributionOutcome.PENDING_REVIEW:
        session.say(tr("it waits for another operator: member-client review approve"))
    else:
        session.say(tr("it stands already"))
    raise typer.Exit(code)
