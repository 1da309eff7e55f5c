"""`dispute list`, `queue` and `show`: what was opened here, and what waits for this member's answer."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

import typer

from member_client import Dispute, NotFound
from member_client.cli.dispute.words import DisputeId, clock, dispute_id, record, say
from member_client.cli.language import label, tr
from member_client.cli.session import HubClient, Session, session_of
from member_client.cli.tables import print_table
from member_client.files import shown_date

Listed = Callable[[HubClient], AsyncIterator[Dispute]]

_COLUMNS: Final = ("Dispute", "Entry", "Ground", "Opened", "State", "Time left")


def list_disputes(context: typer.Context) -> None:
    """List the disputes that were opened from here, oldest first.

    For example:

      member-client dispute list
    """
    session = session_of(context)
    _print(session, session.run(_all(session, lambda client: client.disputes())), tr("no disputes were opened here"))


def queue(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were answered, too.")] = False,
) -> None:
    """List disputes about your own claims that wait for your answer.

    What is not answered in time is suspended by itself; an answer is taken
    later, too. It does not say to whom the consumer came. For example:

      member-client dispute queue
    """
    session = session_of(context)
    found = session.run(_all(session, lambda client: client.dispute_queue(waiting_only=not every)))
    _print(session, found, tr("nothing waits for an answer"))


def show(
    context: typer.Context,
    dispute: DisputeId,
    *,
    statement: Annotated[
        bool, typer.Option("--statement", help="Read what the consumer says, about an own claim: an evaluation.")
    ] = False,
) -> None:
    """Show a dispute: the claim, the ground and how much time is left.

    The contributor reads the consumer's statement where its claim was filed;
    the hub cannot read it. For example:

      member-client dispute show 0b1c2d3e4f5061728394a5b6c7d8e9f0 --statement
    """
    session = session_of(context)
    found, text = session.run(_one(session, dispute_id(dispute), with_statement=statement))
    say(session, found)
    if text is not None:
        session.say("")
        for line in text.splitlines():
            session.say(line)
    content = record(found, session.ports.clock.now_ms())
    session.document(content if text is None else content | {"statement": text})


async def _all(session: Session, listed: Listed) -> list[Dispute]:
    async with session.client() as client:
        return [it async for it in listed(client)]


async def _one(session: Session, wanted: bytes, *, with_statement: bool) -> tuple[Dispute, str | None]:
    async with session.client() as client:
        for listed in (client.dispute_queue(waiting_only=False), client.disputes()):
            async for dispute in listed:
                if dispute.id == wanted:
                    text = await client.read_dispute_statement(wanted) if with_statement else None
                    return dispute, text
    raise NotFound("There is no such dispute of this member.")


def _print(session: Session, found: list[Dispute], nothing: str) -> None:
    now_ms = session.ports.clock.now_ms()
    session.document({"disputes": [record(it, now_ms) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(nothing)
        return
    rows = [
        [
            it.id.hex(),
            it.entry_id.hex(),
            label(it.ground),
            shown_date(it.opened_at),
            label(it.state),
            clock(it, now_ms),
        ]
        for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=("Entry", "Opened", "Ground"), whole=tr("--json has them"))
