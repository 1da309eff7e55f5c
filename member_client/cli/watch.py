"""`member-client watch`: the member's own customers, and what the alliance says of them from now on."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from alliance.taxonomy import Category, ClaimStatus, EvidenceLevel, Purpose, SubjectRole
from member_client import WatchEvent, WatchStatus
from member_client.cli.endings import ending
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, tr, word
from member_client.cli.matches import may
from member_client.cli.options import ConsentOption, FileArgument, MapOption, RefOption, RefusedOption
from member_client.cli.outputs import refuse_same_paths, refused_path
from member_client.cli.progress import pace
from member_client.cli.purposes import needed_consent
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table
from member_client.cli.watch_adding import Order, add_table
from member_client.cli.watch_running import SecretOption, Target, ToOption, retried, run_to, target_of
from member_client.files import open_table, parse_map, resolve
from member_client.sinks.delivering import ATTEMPTS

watch_app = typer.Typer(no_args_is_help=True, help="Watch your own customers, and be told when a claim touches them.")

_COLUMNS: Final = ("Event", "At", "What", "Ref", "Field", "Category", "Role", "Ev", "Status", "You may")
_SPARED: Final = ("At", "Ev", "Role", "Field")
DEAD_LETTER: Final = 5

ADD_HELP: Final = r"""Add customers to the book that is watched.

Each identifier is evaluated once and kept on this machine, sealed; --ref
names the column with your own reference, under which events come:

  member-client watch add customers.csv --map phone=mobile \
    --map resident_id=id_no --ref customer_no --consent basis-2026-03

What is in the book already costs nothing, so a run that stopped is run
again, and a newer file adds what is new. --consent is your statement of
basis for screening the portfolio for as long as it is watched.
"""


@watch_app.command("add", help=ADD_HELP)
def add(
    context: typer.Context,
    file: FileArgument,
    columns: MapOption = None,
    ref: RefOption = "",
    consent: ConsentOption = None,
    refused: RefusedOption = None,
) -> None:
    """Add customers to the book."""
    session = session_of(context)
    basis = needed_consent(Purpose.PORTFOLIO_SCREENING, consent)
    assert basis is not None  # noqa: S101 - a portfolio needs one
    refused = refused or refused_path(file)
    table = open_table(file)
    refuse_same_paths(table.path, refused)
    layout = resolve(table, parse_map(columns or ()), ref=ref)
    outcome = session.run(add_table(session, Order(table, layout, basis, refused)))
    report = outcome.report
    code = ending(refused=outcome.refused > 0)
    session.say(
        tr(
            "added {added:,} · in the book already {known:,} · refused {refused:,}",
            added=report.added,
            known=report.known,
            refused=outcome.refused,
        )
        + (f" → {refused}" if outcome.refused else "")
    )
    session.say(
        tr(
            "hub learned: {evaluations:,} evaluations, {prefixes:,} bucket prefixes (cover included); 0 identifiers",
            evaluations=outcome.usage.evaluations,
            prefixes=outcome.usage.prefixes,
        )
    )
    session.say(pace(outcome.rows, outcome.seconds))
    session.document(
        {
            "file": str(table.path),
            "rows": outcome.rows,
            "added": report.added,
            "known": report.known,
            "refusals": outcome.refused,
            "hub_learned": {**asdict(outcome.usage), "identifiers": 0},
            "refused_file": str(refused) if outcome.refused else None,
            "exit_code": code,
        }
    )
    raise typer.Exit(code)


@watch_app.command("remove")
def remove(
    context: typer.Context,
    ref: Annotated[list[str], typer.Option(help="Your own reference; may be repeated.", metavar="REF")],
) -> None:
    """Take customers out of the book, with all that is kept of them.

    For example:

      member-client watch remove --ref C-0118 --ref C-0119
    """
    session = session_of(context)
    removed = session.run(_removed(session, ref))
    session.say(tr("{count:,} identifiers taken out", count=removed))
    session.document({"removed": removed})


async def _removed(session: Session, refs: list[str]) -> int:
    async with session.client() as client:
        return await client.watch_remove(refs)


@watch_app.command("list")
def list_fields(context: typer.Context) -> None:
    """Count what is in the book, by field; no identifier is shown.

    For example:

      member-client watch list
    """
    session = session_of(context)
    counted = session.run(_fields(session))
    session.document({"fields": dict(sorted(counted.items()))})
    for name, count in sorted(counted.items()):
        session.say(f"{name:<12} {count:>12,}")
    if not counted:
        session.say(tr("the book is empty: add customers by member-client watch add"))


async def _fields(session: Session) -> dict[str, int]:
    async with session.client() as client:
        return dict(await client.watch_fields())


@watch_app.command("run")
def run(
    context: typer.Context,
    to: ToOption = "",
    secret_file: SecretOption = None,
    attempts: Annotated[
        int, typer.Option(help="Tries until an event that a webhook does not take is set aside.", min=1)
    ] = ATTEMPTS,
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, hand over what there is, and end.")] = False,
) -> None:
    r"""Watch, and hand over what happens, until it is interrupted.

    Events are match.new, match.changed, match.cleared, recall and dispute.
    Each is acknowledged once the file or the webhook has it, and comes again
    where that was cut off, under the same number:

      member-client watch run --to jsonl:events.jsonl

      member-client watch run --to webhook:https://risk.example.org/alliance \
        --secret-file webhook.secret

    Without --to, events are printed; with --json, one document a line. A
    webhook is signed as Standard Webhooks has it; an event that it does not
    take goes to the dead letters, and later ones go on.
    """
    session = session_of(context)
    target = target_of(to, secret_file)
    delivered = session.run(run_to(session, target, lambda event: _line(session, event), attempts, follow=not once))
    if target is not None:
        session.say(tr("{count:,} events handed over", count=delivered.taken))
    if delivered.dead_letters:
        session.say(tr("{count:,} events set aside: see watch dead-letters", count=delivered.dead_letters))
        raise typer.Exit(DEAD_LETTER)


def _line(session: Session, event: WatchEvent) -> None:
    """Print an event as it comes."""
    if session.as_json:
        typer.echo(json.dumps(event.record(), ensure_ascii=False))
        return
    cells = _cells(event)
    session.say(" ".join(cells))
    session.out.file.flush()


@watch_app.command("status")
def status(context: typer.Context) -> None:
    """Show how the watch stands, and what the hub learned to count.

    For example:

      member-client watch status
    """
    session = session_of(context)
    stands = session.run(_status(session))
    session.document(asdict(stands))
    for line in _stands(stands):
        session.say(line)


def _stands(stands: WatchStatus) -> list[str]:
    lines = [
        tr("{count:,} identifiers watched · {matches:,} matches", count=stands.identifiers, matches=stands.matches),
        tr(
            "events up to {newest:,} · not acknowledged {left:,} · dead letters {dead:,}",
            newest=stands.newest,
            left=stands.unacknowledged,
            dead=stands.dead_letters,
        ),
        tr("looked at {time}", time=_moment(stands.looked_at)),
        tr(
            "all hits fetched anew {count:,} times, at {time}",
            count=stands.rescreenings,
            time=_moment(stands.rescreened_at),
        ),
        tr(
            "hub learned: {evaluations:,} evaluations, {prefixes:,} bucket prefixes (cover included); 0 identifiers",
            evaluations=stands.evaluations,
            prefixes=stands.prefixes,
        ),
    ]
    if stands.unsettled:
        lines.append(tr("{count:,} hits could not be settled: their bucket is overfull", count=stands.unsettled))
    return lines


def _moment(ms: int) -> str:
    return exact_moment(ms) if ms else tr("never")


async def _status(session: Session) -> WatchStatus:
    async with session.client() as client:
        return await client.watch_status()


@watch_app.command("rescreen")
def rescreen(context: typer.Context) -> None:
    """Fetch the buckets of all that hits anew, as is done once a day.

    A second claim on somebody who is listed already changes nothing in the
    filter; it is found so, or as soon as the first one changes. Example:

      member-client watch rescreen
    """
    session = session_of(context)
    events, stands = session.run(_rescreened(session))
    session.document({"events": events} | asdict(stands))
    session.say(tr("{count:,} new events", count=events))
    for line in _stands(stands):
        session.say(line)


async def _rescreened(session: Session) -> tuple[int, WatchStatus]:
    async with session.client() as client:
        report = await client.watch_rescreen()
        return report.events, await client.watch_status()


@watch_app.command("dead-letters")
def dead_letters(
    context: typer.Context,
    to: ToOption = "",
    secret_file: SecretOption = None,
    *,
    retry: Annotated[bool, typer.Option("--retry", help="Send each once more, to the webhook of --to.")] = False,
) -> None:
    r"""List events that a webhook did not take, or send them again.

    For example:

      member-client watch dead-letters --retry \
        --to webhook:https://risk.example.org/alliance \
        --secret-file webhook.secret
    """
    session = session_of(context)
    target = _webhook(to, secret_file) if retry else None
    if target is not None:
        delivered = session.run(retried(session, target))
        session.say(tr("{count:,} events handed over", count=delivered.taken))
    left = session.run(_dead(session))
    session.document({"dead_letters": [event.record() for event in left]})
    if left and not session.as_json:
        print_table(session, _COLUMNS, map(_cells, left), spared=_SPARED, whole=tr("--json has them"))
    elif not left:
        session.say(tr("no dead letters"))
    raise typer.Exit(DEAD_LETTER if retry and left else 0)


def _webhook(to: str, secret_file: Path | None) -> Target:
    target = target_of(to, secret_file)
    if target is None or target.webhook is None:
        raise UsageFault(tr("--retry needs --to webhook:URL and --secret-file"))
    return target


async def _dead(session: Session) -> list[WatchEvent]:
    async with session.client() as client:
        return await client.watch_dead_letters()


def _cells(event: WatchEvent) -> list[str]:
    record: dict[str, Any] = event.record()
    return [
        str(event.number),
        exact_moment(event.at),
        event.kind.value,
        event.ref,
        event.field,
        word(Category, record["category"]),
        word(SubjectRole, record["role"]),
        word(EvidenceLevel, record["evidence"]),
        word(ClaimStatus, record["status"]),
        may(record["action"]),
    ]
