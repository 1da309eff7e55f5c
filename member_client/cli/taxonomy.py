"""`member-client taxonomy`: the words and rules that claims are made of, to read and to export. No profile, no hub."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from alliance.published import NAMES, Table, tables
from alliance.taxonomy import policy_version
from member_client.cli.group import UsageFault
from member_client.cli.language import CHINESE, retold, spoken, tr
from member_client.cli.session import session_of
from member_client.cli.tables import print_table
from member_client.files import spreadsheet_safe
from member_client.files.writing import replaced_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_EVERYTHING: Final = ("table", "row", "column", "text")
_STANDARD_OUTPUT: Final = "-"


def complete_table(incomplete: str) -> list[str]:
    """Offer the tables there are."""
    return [name for name in NAMES if name.startswith(incomplete)]


def taxonomy(
    context: typer.Context,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="NAME",
            help=f"One table: {', '.join(NAMES)}.",
            autocompletion=complete_table,
        ),
    ] = None,
    csv_file: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write CSV there; - is standard output.")
    ] = None,
) -> None:
    """Show the words and rules that claims are made of, or export them.

    Categories, roles, filing rules, permitted actions, retention, purposes and
    the texts for the persons concerned. Without --table, CSV holds all tables,
    a cell a line. Example:

      member-client taxonomy --table filing --csv filing.csv
    """
    session = session_of(context)
    if table is not None and table not in NAMES:
        raise UsageFault(tr("--table is one of {words}", words=", ".join(NAMES)))
    chosen = [one for one in tables().values() if table in (None, one.name)]
    if csv_file is not None:
        _export(chosen, csv_file, is_one=table is not None)
        return
    session.document(
        {
            "policy": policy_version().hex(),
            "tables": {it.name: [dict(zip(it.columns, row, strict=True)) for row in it.rows] for it in chosen},
        }
    )
    for one in chosen if not session.as_json else ():
        session.say(retold(one.title))
        print_table(session, one.columns, one.rows, spared=one.columns[:0:-1], whole=tr("--json has them"))


def _export(chosen: Sequence[Table], target: str, *, is_one: bool) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in (chosen[0].columns, *chosen[0].rows) if is_one else _cells(chosen):
        writer.writerow([spreadsheet_safe(cell) for cell in row])
    if target == _STANDARD_OUTPUT:
        sys.stdout.write(text.getvalue())
        return
    with replaced_text(Path(target), bom=spoken() == CHINESE) as file:
        file.write(text.getvalue())


def _cells(chosen: Sequence[Table]) -> Iterator[Sequence[str]]:
    """Give every cell of several tables in a line of its own, by the first cell of its row."""
    yield _EVERYTHING
    for one in chosen:
        for row in one.rows:
            yield from ((one.name, row[0], column, cell) for column, cell in zip(one.columns, row, strict=True))
