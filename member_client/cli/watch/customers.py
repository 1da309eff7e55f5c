"""`watch add|remove|list`: who is in the book."""

from dataclasses import asdict, replace
from typing import Annotated, Final

import typer

from alliance.taxonomy import Purpose
from member_client.cli.endings import ending
from member_client.cli.group import UsageFault
from member_client.cli.language import tr
from member_client.cli.options import ConsentOption, FileArgument, MapOption, RefOption, RefusedOption
from member_client.cli.outputs import refuse_same_paths, refused_path
from member_client.cli.progress import pace
from member_client.cli.purposes import needed_consent
from member_client.cli.session import Session, session_of
from member_client.cli.watch.adding import Order, add_table
from member_client.files import open_table, parse_map, resolve

ADD_HELP: Final = r"""Add customers to the book that is watched.

Each identifier is evaluated once and kept on this machine, sealed; --ref
names the column with your own reference, under which events come:

  member-client watch add customers.csv --map phone=mobile \
    --map resident_id=id_no --ref customer_no --consent basis-2026-03

What is in the book already costs nothing, so a run that stopped is run
again, and a newer file adds what is new. --consent is your statement of
basis for screening the portfolio for as long as it is watched.
"""


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
    if not ref:
        raise UsageFault(tr("--ref names the column with your own references: events tell of people by them"))
    basis = needed_consent(Purpose.PORTFOLIO_SCREENING, consent)
    assert basis is not None  # noqa: S101 - a portfolio needs one
    refused = refused or refused_path(file)
    table = open_table(file)
    refuse_same_paths(table.path, refused)
    layout = replace(resolve(table, parse_map(columns or ()), ref=ref), needs_ref=True)
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
