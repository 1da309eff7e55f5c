"""`member-client report`: what became of decisions, kept here and sent in counts."""

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from alliance.taxonomy import Category, Outcome
from member_client import OutcomeReport, OutcomeReports
from member_client.cli.claim_rows import given_word
from member_client.cli.claims import entry_id
from member_client.cli.completing import complete_outcome
from member_client.cli.language import exact_moment, tr, word
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table

_COLUMNS: Final = ("Receipt", "Entry", "Category", "Outcome", "Reported")
_ADD: Final = "add"


class _ReportGroup(TyperGroup):
    """Takes a receipt where a command would stand: `report RECEIPT …` adds a report."""

    default_command = _ADD

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Click moved between packages, its types with it
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)


report_app = typer.Typer(
    cls=_ReportGroup, no_args_is_help=True, help="Report what became of a decision: report RECEIPT --outcome WORD."
)


@report_app.command(_ADD)
def add(
    context: typer.Context,
    receipt: Annotated[str, typer.Argument(help="Receipt of the verdict that you decided on.", metavar="RECEIPT")],
    outcome: Annotated[
        str,
        typer.Option(
            help="confirmed_fraud, false_match, wrong_person, stale, victim.",
            metavar="WORD",
            autocompletion=complete_outcome,
        ),
    ],
    entry: Annotated[
        str | None,
        typer.Option(help="Entry id of the claim that is meant; else all of the verdict.", metavar="ENTRY"),
    ] = None,
) -> None:
    r"""Report what became of a decision, about the claims that it rested on.

    It is kept on this machine. Once the day is over, the alliance is told how
    often, by contributor and category, and not of which decision. A later
    report takes the place of one that waits. For example:

      member-client report R-7Q2XJ5VNQK3ZC6M4WD5T2EAB3M-0 \
        --outcome confirmed_fraud
    """
    session = session_of(context)
    meant = given_word(Outcome, "--outcome", outcome)
    about = None if entry is None else entry_id(entry)
    kept = session.run(_kept(session, receipt, meant, about))
    session.document({"reports": [_record(it) for it in kept]})
    session.say(
        tr(
            "{outcome}, about {claims:,} claims: sent in counts, once the day is over (UTC)",
            outcome=word(Outcome, meant.word),
            claims=len(kept),
        )
    )


@report_app.command("list")
def list_reports(context: typer.Context) -> None:
    """List the reports that wait to be sent, and say how many were sent.

    For example:

      member-client report list
    """
    session = session_of(context)
    standing = session.run(_standing(session))
    session.document({"waiting": [_record(it) for it in standing.waiting], "sent": standing.sent})
    session.say(tr("{waiting:,} reports wait · {sent:,} were sent", waiting=len(standing.waiting), sent=standing.sent))
    if standing.waiting and not session.as_json:
        rows = [
            [
                it.receipt,
                it.entry_id.hex(),
                word(Category, it.category.word),
                word(Outcome, it.outcome.word),
                exact_moment(it.reported_at),
            ]
            for it in standing.waiting
        ]
        print_table(session, _COLUMNS, rows, spared=("Entry", "Reported"), whole=tr("--json has them"))


@report_app.command("send")
def send(context: typer.Context) -> None:
    """Send what was reported until yesterday, in counts.

    A client that stays open does so by itself, at a moment of each day that
    says nothing; where none does, run this once a day:

      member-client report send
    """
    session = session_of(context)
    sent, standing = session.run(_sent(session))
    session.document({"sent": sent, "waiting": len(standing.waiting)})
    if sent:
        session.say(tr("{sent:,} reports sent, in counts", sent=sent))
    if standing.waiting:
        session.say(tr("{waiting:,} reports wait until the day is over (UTC)", waiting=len(standing.waiting)))
    elif not sent:
        session.say(tr("no reports wait"))


async def _kept(session: Session, receipt: str, outcome: Outcome, entry: bytes | None) -> list[OutcomeReport]:
    async with session.client() as client:
        return await client.report(receipt, outcome, entry)


async def _standing(session: Session) -> OutcomeReports:
    async with session.client() as client:
        return await client.outcome_reports()


async def _sent(session: Session) -> tuple[int, OutcomeReports]:
    async with session.client() as client:
        return await client.send_outcomes(), await client.outcome_reports()


def _record(report: OutcomeReport) -> dict[str, object]:
    return {
        "receipt": report.receipt,
        "entry": report.entry_id.hex(),
        "category": report.category.word,
        "outcome": report.outcome.word,
        "reported_at": report.reported_at,
    }
