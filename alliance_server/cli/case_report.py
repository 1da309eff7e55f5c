"""`alliance-server report`: what the public is told of a quarter's police cases, as Markdown and as CSV."""

import csv
import io
from pathlib import Path
from typing import Final

from rich.console import Console

from alliance.cases.words import InstrumentType
from alliance.clock import SystemClock, moment
from alliance.errors import Reason
from alliance.keyring.store import write_atomically
from alliance_server.cli.members import opened
from alliance_server.cli.printing import say
from alliance_server.domain.case_counts import CountedCase, Outcome, Row, published
from alliance_server.domain.errors import Refused
from alliance_server.services.cases.counting import Quarter, cases_of

COLUMNS: Final = (
    "instrument_type",
    "made",
    "waiting",
    "withdrawn",
    "expired",
    "refused",
    "approved",
    "unmatched",
    "matched",
    "urgent",
    "median_days_to_decide",
)
ALL: Final = "all"
_NOTES: Final = """\
Cases that were submitted in the quarter, as they stood on {time}{open}.

- *waiting*, *withdrawn*, *expired* and *refused* are of cases that were never approved; *approved* ones were agreed to
  by an approver of each function, whatever became of them afterwards. *matched* ones asked at least one member,
  *unmatched* ones none: nothing matched, or not yet, or the instrument's time ran out first.
- 0 is none. `<5` is one to four. A range is a sum over numbers of which some are not told. `≥5` is five or more where a
  number would say what is not told. No median is told of fewer than five decisions.
- What members released or declined, the alliance's hub does not know.
"""


def report_cases(out: Console, folder: Path, quarter_text: str, destination: Path | None) -> None:
    """Print a quarter's report, or write it into a folder as both files; raises Refused."""
    quarter, now = Quarter.parse(quarter_text), SystemClock().now_ms()
    if destination is not None and not destination.is_dir():
        raise Refused(Reason.INVALID_REQUEST, f"there is no folder {destination}; nothing was written")
    with opened(folder) as (config, _keys, store, _enrolment):
        cases = store.read_now(lambda transaction: cases_of(transaction, quarter, now))
    text = as_markdown(config.alliance, quarter, cases, now)
    if destination is None:
        out.file.write(text)
        return
    for ending, content in (("md", text), ("csv", as_csv(cases))):
        path = destination / f"police-cases-{quarter}.{ending}"
        write_atomically(path, content.encode())
        say(out, f"written: {path}")


def as_markdown(alliance: str, quarter: Quarter, cases: list[CountedCase], now: int) -> str:
    """Write the report as people read it."""
    heading = " | ".join(column.replace("_", " ") for column in COLUMNS)
    lines = [
        f"# Police cases of {alliance} in {quarter}",
        "",
        f"| {heading} |",
        "|" + " --- |" + " ---: |" * (len(COLUMNS) - 1),
        *(f"| {' | '.join(cells)} |" for cells in _cells(cases)),
        "",
        _NOTES.format(time=moment(now), open="" if now >= quarter.ends else "; the quarter is not over"),
    ]
    return "\n".join(lines)


def as_csv(cases: list[CountedCase]) -> str:
    """Write the report as programs read it."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(cases))
    return written.getvalue()


def _cells(cases: list[CountedCase]) -> list[list[str]]:
    rows, everything = published(cases)
    return [_line(it.word, rows[it]) for it in InstrumentType] + [_line(ALL, everything)]


def _line(name: str, row: Row) -> list[str]:
    of = row.outcomes
    told = (
        row.made,
        of[Outcome.WAITING],
        of[Outcome.WITHDRAWN],
        of[Outcome.EXPIRED],
        of[Outcome.REFUSED],
        row.approved,
        of[Outcome.UNMATCHED],
        of[Outcome.MATCHED],
        row.urgent,
    )
    return [name, *map(str, told), "" if row.median_days is None else f"{row.median_days:.1f}"]
