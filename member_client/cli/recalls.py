"""`member-client recalls`: decisions that rest on a claim which ended or was contested since."""

from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from alliance.claims import is_reason_code
from alliance.taxonomy import Action, ClaimStatus
from member_client import RecallReport, Revisit
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, retold, tr, word
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table

recalls_app = typer.Typer(no_args_is_help=True, help="Decisions to revisit, since a claim behind them changed.")

_COLUMNS: Final = ("Receipt", "Ref", "Status", "Reason", "Changed", "Decided", "Was", "Would be", "Done")
_SPARED: Final = ("Changed", "Reason", "Decided")


@recalls_app.command("sync")
def sync_recalls(context: typer.Context) -> None:
    """Read what became of claims, and hold it against what this machine decided.

    A client that stays open does so by itself. Where none does, run this once
    an hour: recalls are to be dealt with within 24 hours. The hub is told that
    they were, and nothing of what they touched:

      member-client recalls sync
    """
    session = session_of(context)
    report = session.run(_synced(session))
    session.document(asdict(report))
    session.say(
        tr(
            "{changes:,} changes read · {revisits:,} decisions to revisit because of them · {open:,} open",
            changes=report.changes,
            revisits=report.revisits,
            open=report.open,
        )
    )


@recalls_app.command("list")
def list_recalls(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were dealt with, too.")] = False,
) -> None:
    """List decisions to revisit: what was permitted then, and would be now.

    For example:

      member-client recalls list
    """
    session = session_of(context)
    found = session.run(_listed(session, include_done=every))
    session.document({"revisits": [_document(it) for it in found]})
    _print(session, found)


@recalls_app.command("done")
def close_recall(
    context: typer.Context,
    receipt: Annotated[str, typer.Argument(help="Receipt of the decision.", metavar="RECEIPT")],
    note: Annotated[str, typer.Option(help="A code of yours such as restored, never free text.", metavar="CODE")] = "",
) -> None:
    r"""Note that a decision was dealt with.

    What was found, and what was done about it, stays on this machine:

      member-client recalls done R-JBSWY3DPEHPK3PXPJBSWY3DPEA-0 \
        --note restored
    """
    session = session_of(context)
    if note and not is_reason_code(note):
        raise UsageFault(tr("--note is a code of lower-case letters, digits and _, for example restored"))
    closed = session.run(_closed(session, receipt, note))
    session.document({"revisits": [_document(it) for it in closed]})
    session.say(tr("{count:,} closed", count=len(closed)))


async def _synced(session: Session) -> RecallReport:
    async with session.client() as client:
        return await client.sync_recalls()


async def _listed(session: Session, *, include_done: bool) -> list[Revisit]:
    async with session.client() as client:
        return [it async for it in client.revisits(include_done=include_done)]


async def _closed(session: Session, receipt: str, note: str) -> list[Revisit]:
    async with session.client() as client:
        return await client.close_revisit(receipt, note=note)


def _print(session: Session, found: list[Revisit]) -> None:
    if session.as_json:
        return
    if not found:
        session.say(tr("no decisions are to be revisited"))
        return
    rows = [
        [
            it.receipt,
            it.ref,
            word(ClaimStatus, it.status.word),
            it.reason,
            exact_moment(it.changed_at),
            exact_moment(it.decided_at),
            word(Action, it.action.word),
            word(Action, it.would_be.word),
            retold("to revisit") if it.is_open else it.note or retold("dealt with"),
        ]
        for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=_SPARED, whole=tr("--json has them"))


def _document(revisit: Revisit) -> dict[str, Any]:
    words = {"status": revisit.status.word, "action": revisit.action.word, "would_be": revisit.would_be.word}
    return asdict(revisit) | words | {"entry_id": revisit.entry_id.hex(), "open": revisit.is_open}
