"""`alliance-server audit columns`: what every column holds, how it is classed, and until when it stays."""

import csv
import inspect
import io
from collections.abc import Iterator
from typing import Final

from sqlmodel import SQLModel

from alliance_server.storage import columns, tables
from alliance_server.storage.columns import About

HEAD: Final = (
    "table",
    "column",
    "type",
    "meaning",
    "changes",
    "level",
    "class",
    "what_it_is",
    "retention",
    "how_long",
    "what_ends_it",
)
_LINK: Final = ("[table](#how-long-a-claim-lasts)", "table of evidence levels")
"""In the data model's page a link."""


def rows() -> Iterator[tuple[str, ...]]:
    """Give a row for each column, in the order of `HEAD`."""
    things = [it for it in vars(tables).values() if inspect.isclass(it) and issubclass(it, SQLModel)]
    for record in (it for it in things if hasattr(it, "__table__")):
        table, meanings = tables.table_of(record), columns.meanings(record)
        for one in table.columns:
            about = columns.about(one)
            changes = "yes" if about.mutable else "no"
            yield (table.name, one.name, columns.type_of(one), meanings[one.name], changes, *_classed(about))


def _classed(about: About) -> tuple[str, ...]:
    holds, kept = about.holds, about.kept
    level = f"{holds.level.value} {holds.level.name.lower()}"
    how_long = kept.how_long.replace(*_LINK)
    return level, _word(holds.name), holds.meaning, _word(kept.name), how_long, kept.ended_by or "nothing yet"


def _word(name: str) -> str:
    return name.lower().replace("_", " ")


def as_csv() -> str:
    """Give all rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEAD, *rows()])
    return text.getvalue()
