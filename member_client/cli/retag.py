"""`member-client retag`: this member's claims follow into the next epoch."""

from typing import Annotated

import typer

from member_client import RetagReport
from member_client.cli.language import tr
from member_client.cli.progress import counting
from member_client.cli.session import Session, session_of


def retag(
    context: typer.Context,
    *,
    withdraw_rest: Annotated[
        str | None,
        typer.Option(
            "--withdraw-rest",
            help="Withdraw what no machine can re-tag any more, with this reason code.",
            metavar="CODE",
        ),
    ] = None,
) -> None:
    """Re-tag this member's claims into the epoch that was begun.

    In use that happens by itself, on every machine that contributed. Run
    it where nothing else runs, or to see what is left; run again, it goes
    on. Example:

      member-client retag
    """
    session = session_of(context)
    report = session.run(_retagged(session, withdraw_rest))
    session.document({name: getattr(report, name) for name in RetagReport.__slots__})
    if not report.epoch:
        session.say(tr("nothing to re-tag: no other epoch is begun"))
        return
    session.say(tr("{claims:,} claims re-tagged into epoch {epoch}", claims=report.retagged, epoch=report.epoch))
    if report.withdrawn:
        session.say(tr("{claims:,} claims withdrawn", claims=report.withdrawn))
    if left := report.unknown - report.withdrawn:
        session.say(
            tr(
                "{claims:,} claims were filed by another machine: run this there, or contribute the list again, "
                "then --withdraw-rest",
                claims=left,
            )
        )
    if report.refused:
        session.say(tr("{claims:,} claims were refused: run this again", claims=report.refused))


async def _retagged(session: Session, withdraw_rest: str | None) -> RetagReport:
    async with session.client() as client:
        with counting(session, tr("re-tagging")) as told:
            return await client.retag(on_retagged=told, withdraw_rest=withdraw_rest)
