"""`member-client screen`: a file of customers against the claims of the other members."""

from pathlib import Path
from typing import Annotated, Any

import typer

from member_client.cli.endings import FAIL_ON_HELP, ending, read_fail_on
from member_client.cli.matches import match_table
from member_client.cli.outputs import refuse_same_paths, refused_path
from member_client.cli.progress import age, pace, rate
from member_client.cli.purposes import CONSENT_HELP, PURPOSE_HELP, needed_consent, screening_purpose
from member_client.cli.screening import Order, Outcome, screen_table
from member_client.cli.session import Session, session_of
from member_client.files import open_table, parse_map, resolve

_DEFAULT_SHOWN = 20
_STATES = ("match", "clear", "unknown", "unconfirmed", "refused")


def screen(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8, GB18030) or JSONL.", metavar="FILE")],
    purpose: Annotated[str, typer.Option(help=PURPOSE_HELP, metavar="P")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="Wide format: FIELD=COLUMN, once for each field.", metavar="FIELD=COLUMN"),
    ] = None,
    ref: Annotated[
        str, typer.Option(help="Column with your own reference; else the row's number.", metavar="COLUMN")
    ] = "",
    consent: Annotated[str | None, typer.Option(help=CONSENT_HELP, metavar="REF")] = None,
    consent_column: Annotated[
        str, typer.Option(help="Column with each row's consent reference.", metavar="COLUMN")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Write all verdicts here: .csv or .jsonl.", metavar="FILE")] = None,
    refused: Annotated[
        Path | None,
        typer.Option(help="Where refused rows go; else beside FILE, as .refused.csv.", metavar="FILE"),
    ] = None,
    fail_on: Annotated[list[str] | None, typer.Option(help=FAIL_ON_HELP, metavar="STATE")] = None,
    show: Annotated[int, typer.Option(help="Matches to show.", min=0)] = _DEFAULT_SHOWN,
) -> None:
    r"""Screen a file of customers. Identifiers stay on this machine.

    Wide format, several identifiers a row:

      member-client screen customers.csv --purpose portfolio_screening \
        --map phone=mobile --map resident_id=id_no --ref customer_no \
        --consent basis-2026-03 --out verdicts.csv

    Long format, columns kind and identifier:

      member-client screen list.csv --purpose portfolio_screening --consent basis-2026-03

    Rows are numbered from 1, the header not counted. A row that cannot be
    used goes to the refused file with the reason and without the value, and
    the others go on. Exit codes: 0 done, 4 some rows refused, 5 not all could
    be settled, 7 integrity, 10 or 11 by --fail-on.
    """
    session = session_of(context)
    why, fails = screening_purpose(purpose), read_fail_on(fail_on)
    basis = needed_consent(why, consent, has_column=bool(consent_column))
    refuse_same_paths(file, out, refused)
    table = open_table(file)
    layout = resolve(table, parse_map(columns or ()), ref=ref, consent=consent_column)
    order = Order(table, layout, why.word, basis, out, refused or refused_path(file), show)
    outcome = session.run(screen_table(session, order))
    code = ending(
        states=[state for state, count in outcome.states.items() if count],
        refused=outcome.refused_count > 0,
        integrity=outcome.integrity,
        fail_on=fails,
    )
    _show(session, order, outcome)
    session.document(_document(order, outcome, code))
    raise typer.Exit(code)


def header(order: Order, outcome: Outcome) -> str:
    """Give the line that says what was screened, why, and against what."""
    return (
        f"{order.table.path.name} · {outcome.rows:,} rows · {order.purpose} · epoch {outcome.epoch} · "
        f"filter {age(outcome.filter_age_ms)} old"
    )


def _show(session: Session, order: Order, outcome: Outcome) -> None:
    session.say(header(order, outcome))
    if outcome.shown and not session.as_json:
        session.out.print(match_table(outcome.shown))
    more = outcome.match_lines - len(outcome.shown)
    if more:
        session.say(f" … {more:,} more" + (f" in {order.out}" if order.out else "; --out FILE writes them all"))
    session.say(summary(order, outcome))
    if outcome.open_reasons:
        why = ", ".join(f"{reason} {count:,}" for reason, count in sorted(outcome.open_reasons.items()))
        session.say(f"not settled: {why}; screen again to settle them")
    if outcome.integrity:
        session.say("INTEGRITY: a claim's signature, contributor or box is wrong; the hub's operator was told")
    session.say(f"hub learned: counts, purpose, {outcome.prefixes:,} bucket prefixes (cover included); 0 identifiers")
    session.say(pace(outcome.rows, outcome.seconds))


def summary(order: Order, outcome: Outcome) -> str:
    """Give the line of counts; unconfirmed is named where there is one."""
    named = [state for state in _STATES if state != "unconfirmed" or outcome.states[state]]
    counts = " · ".join(f"{state} {outcome.states[state]:,}" for state in named)
    return counts + (f" → {order.refused}" if outcome.refused_count else "")


def _document(order: Order, outcome: Outcome, code: int) -> dict[str, Any]:
    return {
        "file": str(order.table.path),
        "rows": outcome.rows,
        "purpose": order.purpose,
        "epoch": outcome.epoch,
        "filter_age_ms": outcome.filter_age_ms,
        "states": {state: outcome.states[state] for state in _STATES},
        "not_settled": dict(sorted(outcome.open_reasons.items())),
        "match_lines": outcome.match_lines,
        "refusals": outcome.refused_count,
        "refused_file": str(order.refused) if outcome.refused_count else None,
        "out": str(order.out) if order.out else None,
        "integrity": outcome.integrity,
        "hub_learned": {"evaluations": outcome.evaluations, "prefixes": outcome.prefixes, "identifiers": 0},
        "seconds": round(outcome.seconds, 3),
        "rows_per_second": rate(outcome.rows, outcome.seconds),
        "exit_code": code,
    }
