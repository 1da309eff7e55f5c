"""`member-client claims countersign`: a member has a police liaison stand behind claims at E4 and E5."""

from typing import Annotated, Any, Final

import typer

from alliance.countersignatures import CountersignatureState
from alliance.taxonomy import Category, SubjectRole
from member_client import ContributionOutcome, CountersignatureRequest, PendingReview
from member_client.cli.endings import ending
from member_client.cli.language import exact_moment, retold, told_reason, tr, word
from member_client.cli.review import chosen_of
from member_client.cli.session import HubClient, Session, session_of
from member_client.cli.tables import print_table

countersign_app = typer.Typer(
    no_args_is_help=True, help="Have a police liaison countersign claims at E4 and E5, and file them."
)

_COLUMNS: Final = ("Entry", "Kind", "Category", "Role", "Ev", "Liaison", "State", "Answer by")
_SPARED: Final = ("Ev", "Role", "Kind")
Entries = Annotated[list[str] | None, typer.Argument(metavar="ENTRY", help="Entry ids, 32 hexadecimal digits each.")]


@countersign_app.command("request")
def request(
    context: typer.Context,
    entries: Entries = None,
    *,
    liaison: Annotated[str, typer.Option("--liaison", metavar="ID", help="Which liaison is asked.")],
    reference: Annotated[
        str,
        typer.Option("--reference", metavar="NO", help="Under which the liaison knows it; never a person's."),
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="All that two operators approved here and no liaison was asked about.")
    ] = False,
) -> None:
    """Ask a liaison to countersign claims that two operators approved.

    It is shown what each claim states, and not of whom: send the evidence to
    the liaison's office under the reference. For example:

      member-client claims countersign request --all --liaison police-hz --reference A-2026-88
    """
    session = session_of(context)

    async def work() -> list[CountersignatureRequest]:
        async with session.client() as client:
            here = await client.countersigning.approved()
            if everything:
                asked = {one.entry_id for one in await requests(client, waiting_only=False)}
                here = [one for one in here if one.entry_id not in asked]
            chosen = chosen_of(here, entries or [], everything=everything)
            names = [one.entry_id for one in chosen]
            return await client.countersigning.ask(names, liaison=liaison, reference=reference)

    found = session.run(work())
    session.document({"requests": [record(one) for one in found]})
    session.say(tr("{liaison} is asked to countersign {count:,}", liaison=liaison, count=len(found)))


@countersign_app.command("list")
def list_requests(
    context: typer.Context,
    *,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for a liaison.")] = False,
) -> None:
    """List what was asked of liaisons, and what they said.

    For example:

      member-client claims countersign list --waiting
    """
    session = session_of(context)

    async def work() -> tuple[list[PendingReview], list[CountersignatureRequest]]:
        async with session.client() as client:
            return await client.countersigning.approved(), await requests(client, waiting_only=waiting)

    here, found = session.run(work())
    asked = {one.entry_id for one in found}
    unasked = [one for one in here if one.entry_id not in asked]
    show(session, found)
    if unasked and not waiting:
        session.say(tr("approved here and not asked about: {count:,}", count=len(unasked)))


@countersign_app.command("file")
def file(context: typer.Context) -> None:
    """File the claims on this machine that were countersigned.

    What was refused or taken back is dropped: the row is drawn up anew when
    it is contributed again. For example:

      member-client claims countersign file
    """
    session = session_of(context)

    async def work() -> list[Any]:
        async with session.client() as client:
            return list(await client.countersigning.file())

    results = session.run(work())
    counts = {
        "filed": sum(it.outcome in (ContributionOutcome.ACCEPTED, ContributionOutcome.AMENDED) for it in results),
        "waiting": sum(it.outcome is ContributionOutcome.PENDING_COUNTERSIGNATURE for it in results),
        "refused": sum(it.outcome is ContributionOutcome.REFUSED for it in results),
    }
    refused = {(it.reason, it.how_to_fix) for it in results if it.outcome is ContributionOutcome.REFUSED}
    code = ending(refused=bool(refused))
    session.document({**counts, "refused_reasons": sorted({reason for reason, _ in refused}), "exit_code": code})
    session.say(tr("filed {filed:,} · waiting {waiting:,} · refused {refused:,}", **counts))
    for reason, advice in sorted(refused):
        session.say(f"{told_reason(reason)}: {retold(advice)}")
    raise typer.Exit(code)


async def requests(client: HubClient, *, waiting_only: bool) -> list[CountersignatureRequest]:
    """Give the requests that concern the caller."""
    return [it async for it in client.countersigning.requests(waiting_only=waiting_only)]


def show(session: Session, found: list[CountersignatureRequest]) -> None:
    """Print requests."""
    session.document({"requests": [record(one) for one in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no requests for countersignatures"))
        return
    rows = [
        [
            one.entry_id.hex(),
            str(one.kind),
            word(Category, one.category.word),
            word(SubjectRole, one.role.word),
            one.evidence.name,
            one.liaison,
            word(CountersignatureState, one.state.word),
            exact_moment(one.answer_by),
        ]
        for one in found
    ]
    print_table(session, _COLUMNS, rows, spared=_SPARED, whole=tr("--json has them"))


def record(one: CountersignatureRequest) -> dict[str, Any]:
    """Give a request for the JSON document; it holds no identifier."""
    return {
        "entry": one.entry_id.hex(),
        "contributor": one.contributor,
        "liaison": one.liaison,
        "reference": one.reference,
        "state": one.state.word,
        "kind": str(one.kind),
        "category": one.category.word,
        "role": one.role.word,
        "evidence": one.evidence.name,
        "observed_from": one.observed_from,
        "observed_to": one.observed_to,
        "filed_at": one.filed_at,
        "expires_at": one.expires_at,
        "sharing": one.sharing.word,
        "evidence_commitment": one.evidence_commitment.hex(),
        "approved_by": list(one.approved_by),
        "requested_at": one.requested_at,
        "answer_by": one.answer_by,
        "answered_at": one.answered_at or None,
        "officer": one.officer or None,
        "instrument_reference": one.instrument_reference or None,
        "document_sha256": one.document_sha256.hex() or None,
        "reason": one.reason or None,
        "revoked_at": one.revoked_at or None,
    }
