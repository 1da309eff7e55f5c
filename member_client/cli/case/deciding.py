"""`case approve` and `case refuse`: an approver decides, with the legal instrument at hand."""

from pathlib import Path
from typing import Annotated

import typer

from member_client import Case, CaseVerdict
from member_client.cli.asking import ask
from member_client.cli.case.words import CaseName, YesOption, named, record, say, told
from member_client.cli.language import label
from member_client.cli.session import Session, session_of

DocumentOption = Annotated[
    Path,
    typer.Option(
        "--document", help="The legal instrument; refused where it is not what the officers signed for.", metavar="FILE"
    ),
]
WhyOption = Annotated[
    str, typer.Option("--reason", help="Why, up to 500 bytes; never an identifier of a person.", metavar="TEXT")
]


def approve(
    context: typer.Context, case: CaseName, *, document: DocumentOption, reason: WhyOption, yes: YesOption = False
) -> None:
    """Approve a case, or the extension that it waits with, as it is shown.

    Ask the liaison's office for the instrument. One approver of each function
    must agree, and you see nobody whom the case is about. For example:

      member-client case approve 0b1c2d3e --document notice.pdf --reason "in order"
    """
    _decide(session_of(context), case, CaseVerdict.APPROVE, document, reason, yes=yes)


def refuse(
    context: typer.Context, case: CaseName, *, document: DocumentOption, reason: WhyOption, yes: YesOption = False
) -> None:
    """Refuse a case, which ends it, or an extension.

    For example:

      member-client case refuse 0b1c2d3e --document notice.pdf --reason "not signed"
    """
    _decide(session_of(context), case, CaseVerdict.REFUSE, document, reason, yes=yes)


def _decide(session: Session, name: str, verdict: CaseVerdict, document: Path, reason: str, *, yes: bool) -> None:
    async def found() -> Case:
        async with session.client() as client:
            return await named(client, name)

    async def decided(case: Case) -> Case:
        async with session.client() as client:
            return await client.cases.decide(case, verdict, reason=reason, document=document)

    case = session.run(found())
    say(session, case)
    ask(yes=yes, dry_run=False)
    after = session.run(decided(case))
    for decision in after.open_decisions:
        session.say(told(decision))
    session.say(label(after.state))
    session.document(record(after))
