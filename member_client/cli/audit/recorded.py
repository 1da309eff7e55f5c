"""`member-client audit`: what the hub recorded of this member, and that it is in the log that everybody sees."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from member_client import AuditProgress, EventState
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, retold, tr
from member_client.cli.progress import counting
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table
from member_client.files import BadDate, parse_date

if TYPE_CHECKING:
    from member_client import AuditEntry, AuditReceipt, EventPlace, KnownCheckpoint

_EVENT_COLUMNS: Final = ("Event", "Time", "Action", "Items", "Result", "Operator", "Leaf")
_EVENT_SPARED: Final = ("Leaf", "Operator")
_RECEIPT_COLUMNS: Final = ("Event", "Received", "Action", "Result")
_MAX_RECEIPT_BYTES: Final = 64 * 1024


def list_events(
    context: typer.Context,
    *,
    since: Annotated[str | None, typer.Option(help="From this day on, UTC.", metavar="DAY")] = None,
    action: Annotated[
        str | None, typer.Option(help="Only this action, for example evaluation:evaluate.", metavar="ACTION")
    ] = None,
) -> None:
    """List what the hub recorded of this member's calls, oldest first.

    An event holds counts, digests and an outcome, never what was asked about:

      member-client audit list --since 2026-11-01 --action evaluation:evaluate
    """
    session = session_of(context)
    found = session.run(_events(session, _from(since), action))
    session.document({"events": [_event_document(it) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no such events"))
        return
    rows = [
        [
            str(it.row),
            exact_moment(it.time),
            it.action,
            f"{it.items:,}",
            it.outcome,
            it.operator,
            f"{it.log} {it.leaf_index}" if it.log else retold("not sealed yet"),
        ]
        for it in found
    ]
    print_table(session, _EVENT_COLUMNS, rows, spared=_EVENT_SPARED, whole=tr("--json has them"))


def list_receipts(
    context: typer.Context,
    *,
    event: Annotated[int | None, typer.Option(help="Number of an event, to export its receipt.", metavar="N")] = None,
    out: Annotated[Path | None, typer.Option(help="File for that receipt.", metavar="FILE")] = None,
) -> None:
    """List the hub's receipts that this machine keeps, or export one.

    A receipt is the hub's signed word that an event is in its log for good;
    with it an auditor can prove that one was left out. Example:

      member-client audit receipts --event 4711 --out event.receipt
    """
    session = session_of(context)
    if (event is None) != (out is None):
        raise UsageFault(tr("--event and --out go together"))
    found = session.run(_receipts(session))
    if event is not None and out is not None:
        chosen = [it for it in found if it.row == event]
        if not chosen:
            raise UsageFault(tr("no receipt of this event is kept here"))
        out.write_bytes(chosen[-1].statement)
        session.document({"event": event, "file": str(out)})
        session.say(tr("the receipt is in {file}", file=out))
        return
    session.document({"receipts": [_receipt_document(it) for it in found]})
    if session.as_json:
        return
    rows = [[str(it.row), exact_moment(it.received_at), it.action, it.outcome] for it in found]
    print_table(session, _RECEIPT_COLUMNS, rows, spared=("Received",), whole=tr("--json has them"))


def verify(
    context: typer.Context,
    receipt: Annotated[Path | None, typer.Argument(help="File of a receipt.", metavar="RECEIPT")] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="All events of this member, and all receipts that are kept.")
    ] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="With --all: what was proven before as well.")
    ] = False,
) -> None:
    """Prove that events are in the log that the hub shows everybody.

    The log is held against what this machine remembers of it. What does not
    hold ends with exit code 7: call the alliance's auditor. Examples:

      member-client audit verify event.receipt

      member-client audit verify --all
    """
    session = session_of(context)
    if (receipt is None) != every or (from_start and not every):
        raise UsageFault(tr("give a receipt's file, or --all"))
    if receipt is not None:
        place = session.run(_verified(session, _content_of(receipt)))
        session.document(asdict(place))
        session.say(_told(place))
        return
    total = session.run(_verified_all(session, from_start=from_start))
    session.document(asdict(total))
    session.say(tr("{count:,} events are in the log", count=total.proven))
    if total.pending:
        session.say(tr("{count:,} events are not sealed yet: ask again in two minutes", count=total.pending))
    if total.lost:
        session.say(tr("{count:,} events were lost by a restore, as two admins signed", count=total.lost))


def checkpoint(context: typer.Context) -> None:
    """Print the newest checkpoint of the log that this machine remembers.

    Compare it with another member's, or give it to an auditor. Example:

      member-client audit checkpoint
    """
    session = session_of(context)
    known = session.run(_checkpoint(session))
    if known is None:
        session.document({})
        session.say(tr("no checkpoint is remembered yet: run member-client sync"))
        return
    session.document(asdict(known) | {"root": known.root.hex()})
    for line in known.note.splitlines():
        session.say(line)
    session.note(tr("remembered since {time}", time=exact_moment(known.seen_at)))


async def _events(session: Session, since: int, action: str | None) -> list[AuditEntry]:
    async with session.client() as client:
        return [it async for it in client.events() if it.time >= since and action in (None, it.action)]


async def _receipts(session: Session) -> list[AuditReceipt]:
    async with session.client() as client:
        return [it async for it in client.receipts()]


async def _verified(session: Session, content: bytes) -> EventPlace:
    async with session.client() as client:
        return await client.verify_receipt(content)


async def _verified_all(session: Session, *, from_start: bool) -> AuditProgress:
    total = AuditProgress()
    async with session.client() as client:
        with counting(session, tr("verifying")) as told:
            async for found in client.verify_events(from_start=from_start):
                total += found
                told(total.total)
    return total


async def _checkpoint(session: Session) -> KnownCheckpoint | None:
    async with session.client() as client:
        return await client.log_checkpoint()


def _from(day: str | None) -> int:
    if day is None:
        return 0
    try:
        return parse_date(day)
    except BadDate:
        raise UsageFault(tr("--since is a day, for example 2026-11-01")) from None


def _content_of(receipt: Path) -> bytes:
    if not receipt.is_file() or receipt.stat().st_size > _MAX_RECEIPT_BYTES:
        raise UsageFault(tr("there is no receipt in {file}", file=receipt))
    return receipt.read_bytes()


def _told(place: EventPlace) -> str:
    if place.state is EventState.PENDING:
        return tr("not sealed yet, ask again after {time}", time=exact_moment(place.due_at))
    if place.state is EventState.LOST:
        return tr("event {event}: lost by a restore, as two admins signed", event=place.row)
    return tr("event {event} is leaf {leaf:,} of {log}", event=place.row, leaf=place.leaf_index, log=place.log)


def _event_document(entry: AuditEntry) -> dict[str, Any]:
    words = {
        "purpose": None if entry.purpose is None else entry.purpose.word,
        "commitments": [it.hex() for it in entry.commitments],
        "policy_version": entry.policy_version.hex(),
        "leaf_hash": entry.leaf_hash.hex(),
    }
    return asdict(entry) | words


def _receipt_document(receipt: AuditReceipt) -> dict[str, Any]:
    return asdict(receipt) | {"statement": receipt.statement.hex()}
