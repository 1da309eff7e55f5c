"""`member-client review`: the second operator looks at what a first one approved, and files or drops it."""

from typing import Annotated, Any, Final

import typer

from alliance.taxonomy import Category, SubjectRole
from member_client import ContributionOutcome, PendingReview
from member_client.cli.endings import ending
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, retold, told_reason, tr, word
from member_client.cli.operating import opened_operator
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table
from member_client.files import shown_date

review_app = typer.Typer(
    no_args_is_help=True, help="List, show, approve and reject claims that wait for a second operator."
)

_COLUMNS: Final = ("Entry", "Kind", "Category", "Role", "Ev", "First", "Counts until")

Entries = Annotated[list[str] | None, typer.Argument(metavar="ENTRY", help="Entry ids, 32 hexadecimal digits each.")]
AllOption = Annotated[bool, typer.Option("--all", help="All that wait.")]


@review_app.command("list")
def list_reviews(context: typer.Context) -> None:
    """List claims on this machine that one operator approved and that wait for another.

    For example:

      member-client review list
    """
    session = session_of(context)
    found = session.run(_pending(session))
    session.document({"reviews": [_record(one) for one in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("nothing waits for a second operator"))
        return
    rows = [
        [
            one.entry_id.hex(),
            one.kind,
            word(Category, one.category.word),
            word(SubjectRole, one.role.word),
            one.evidence.name,
            one.first_operator,
            exact_moment(one.counts_until),
        ]
        for one in found
    ]
    print_table(session, _COLUMNS, rows, spared=("Ev", "Role"), whole=tr("--json has them"))
    if any(one.epoch_is_over for one in found):
        session.say(tr("the key changed meanwhile: some of these must be contributed anew"))


@review_app.command("show")
def show_review(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="Entry id, 32 hexadecimal digits.")],
) -> None:
    """Show a claim that waits, with the identifier that it is about.

    It prints the identifier: see who stands behind you. For example:

      member-client review show 5f0c2b7e9d4148f6a3b1c0d2e4f60718
    """
    session = session_of(context)
    (one,) = chosen_of(session.run(_pending(session)), [entry], everything=False)
    shown = _record(one) | {"identifier": one.text}
    session.document({"review": shown})
    dates = {"observed_from", "observed_to", "expires_at"}
    for name, value in shown.items():
        text = shown_date(value) if name in dates else value
        session.say(f"{name:<16} {text}")


@review_app.command("approve")
def approve_reviews(
    context: typer.Context,
    entries: Entries = None,
    *,
    operator: Annotated[str, typer.Option("--operator", metavar="NAME", help="Who approves: not who did first.")],
    everything: AllOption = False,
) -> None:
    """Approve claims as their second operator, and file them.

    For example:

      member-client review approve --all --operator desk-8
    """
    session = session_of(context)
    signer = opened_operator(session, operator)

    async def work() -> list[Any]:
        async with session.client() as client:
            chosen = chosen_of(await client.pending_reviews(), entries or [], everything=everything)
            return list(await client.approve_reviews([one.entry_id for one in chosen], operator=signer))

    results = session.run(work())
    refused = [it for it in results if it.outcome is ContributionOutcome.REFUSED]
    pending = sum(it.outcome is ContributionOutcome.PENDING_COUNTERSIGNATURE for it in results)
    filed = len(results) - len(refused) - pending
    code = ending(refused=bool(refused))
    session.document(
        {
            "filed": filed,
            "pending_countersignature": pending,
            "refused": len(refused),
            "refused_reasons": sorted({it.reason for it in refused}),
            "exit_code": code,
        }
    )
    session.say(tr("filed {filed:,} · refused {refused:,}", filed=filed, refused=len(refused)))
    if pending:
        session.say(
            tr("{pending:,} wait for a police liaison: member-client claims countersign request", pending=pending)
        )
    for reason, advice in sorted({(it.reason, it.how_to_fix) for it in refused}):
        session.say(f"{told_reason(reason)}: {retold(advice)}")
    raise typer.Exit(code)


@review_app.command("reject")
def reject_reviews(context: typer.Context, entries: Entries = None, *, everything: AllOption = False) -> None:
    """Drop claims that wait; nothing of them was sent.

    For example:

      member-client review reject 5f0c2b7e9d4148f6a3b1c0d2e4f60718
    """
    session = session_of(context)

    async def work() -> int:
        async with session.client() as client:
            chosen = chosen_of(await client.pending_reviews(), entries or [], everything=everything)
            await client.reject_reviews([one.entry_id for one in chosen])
            return len(chosen)

    dropped = session.run(work())
    session.document({"rejected": dropped})
    session.say(tr("rejected {count:,}; nothing of it was sent", count=dropped))


async def _pending(session: Session) -> list[PendingReview]:
    async with session.client() as client:
        return list(await client.pending_reviews())


def chosen_of(found: list[PendingReview], entries: list[str], *, everything: bool) -> list[PendingReview]:
    """Choose reviews; raises UsageFault where none are named, or one does not wait."""
    if everything == bool(entries):
        raise UsageFault(tr("name entries, or give --all"))
    if everything:
        return found
    known = {one.entry_id.hex(): one for one in found}
    if unknown := [entry for entry in entries if entry not in known]:
        raise UsageFault(tr("{count} of these do not wait on this machine", count=len(unknown)))
    return [known[entry] for entry in dict.fromkeys(entries)]


def _record(one: PendingReview) -> dict[str, Any]:
    return {
        "entry": one.entry_id.hex(),
        "kind": one.kind,
        "category": one.category.word,
        "role": one.role.word,
        "evidence": one.evidence.name,
        "observed_from": one.observed_from,
        "observed_to": one.observed_to,
        "expires_at": one.expires_at,
        "case_reference": one.case_reference,
        "first_operator": one.first_operator,
        "counts_until": exact_moment(one.counts_until),
        "epoch_is_over": one.epoch_is_over,
    }
