"""`member-client screen`: a file of customers against the claims of the other members."""

from typing import Any

import typer

from alliance.taxonomy import Purpose
from member_client.cli.endings import ending, read_fail_on
from member_client.cli.language import retold, told_reasons, tr, word
from member_client.cli.matches import print_matches
from member_client.cli.options import (
    ConsentColumnOption,
    ConsentOption,
    DryRunOption,
    FailOnOption,
    FileArgument,
    MapOption,
    OutOption,
    PurposeOption,
    RefOption,
    RefusedOption,
    ResumeOption,
    RunIdOption,
    ShowOption,
)
from member_client.cli.outputs import refuse_same_paths, refused_path
from member_client.cli.previewing import preview_screening
from member_client.cli.progress import age, pace, rate
from member_client.cli.purposes import needed_consent, screening_purpose
from member_client.cli.resuming import resumable, screening_id
from member_client.cli.screening import Order, Outcome, screen_table
from member_client.cli.session import Session, session_of
from member_client.files import open_table, parse_map, resolve

_DEFAULT_SHOWN = 20
_STATES = ("match", "clear", "unknown", "unconfirmed", "refused")


HELP = r"""Screen a file of customers. Identifiers stay on this machine.

Wide format, several identifiers a row:

  member-client screen customers.csv --purpose portfolio_screening \
    --map phone=mobile --map resident_id=id_no --ref customer_no \
    --consent basis-2026-03 --out verdicts.csv

Long format, columns kind and identifier:

  member-client screen list.csv --purpose portfolio_screening \
    --consent basis-2026-03

Rows are numbered from 1, the header not counted. A row that cannot be
used goes to the refused file with the reason and without the value, and
the others go on.

--dry-run reads the file, says how many identifiers would be asked about
and which rows refused, and sends nothing. A run that stops prints its id:
the same command with --resume and this id goes on within a day, and asks
and pays for nothing twice. Without --resume all is asked anew. A job that
may be killed names its run beforehand, with --run-id.

Exit codes: 0 done, 4 some rows refused, 5 hub away or rows not settled, 6
denied or out of budget, 7 integrity, 10 and 11 by --fail-on, 130
interrupted.
"""


def screen(
    context: typer.Context,
    file: FileArgument,
    purpose: PurposeOption,
    columns: MapOption = None,
    ref: RefOption = "",
    consent: ConsentOption = None,
    consent_column: ConsentColumnOption = "",
    out: OutOption = None,
    refused: RefusedOption = None,
    fail_on: FailOnOption = None,
    show: ShowOption = _DEFAULT_SHOWN,
    *,
    dry_run: DryRunOption = False,
    resume: ResumeOption = None,
    run_id: RunIdOption = None,
) -> None:
    """Screen a file of customers."""
    session = session_of(context)
    why, fails = screening_purpose(purpose), read_fail_on(fail_on)
    basis = needed_consent(why, consent, has_column=bool(consent_column), takes_column=True)
    refused = refused or refused_path(file)
    table = open_table(file)
    refuse_same_paths(table.path, refused, out)
    layout = resolve(table, parse_map(columns or ()), ref=ref, consent=consent_column)
    name = screening_id(resume, run_id)
    order = Order(table, layout, why.word, basis, out, refused, show, name, is_resumed=resume is not None)
    if dry_run:
        preview = session.run(preview_screening(session, order))
        session.document(preview)
        raise typer.Exit(preview["exit_code"])
    with resumable(order.run_id):
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
    return tr(
        "{file} · {rows:,} rows · {purpose} · epoch {epoch} · filter {age} old",
        file=order.table.path.name,
        rows=outcome.rows,
        purpose=word(Purpose, order.purpose),
        epoch=outcome.epoch,
        age=age(outcome.filter_age_ms),
    )


def _show(session: Session, order: Order, outcome: Outcome) -> None:
    session.say(header(order, outcome))
    if outcome.shown and not session.as_json:
        print_matches(session, outcome.shown)
    more = outcome.match_lines - len(outcome.shown)
    if more:
        if order.out:
            session.say(tr(" … {more:,} more in {file}", more=more, file=order.out))
        else:
            session.say(tr(" … {more:,} more; --out FILE writes them all", more=more))
    session.say(summary(order, outcome))
    if outcome.open_reasons:
        why = told_reasons(sorted(outcome.open_reasons.items()))
        session.say(tr("not settled: {reasons}; --resume {id} asks about them again", reasons=why, id=order.run_id))
    if outcome.integrity:
        session.say(tr("INTEGRITY: a claim's signature, contributor or box is wrong; the hub's operator was told"))
    session.say(
        tr(
            "hub learned: counts, purpose, {prefixes:,} bucket prefixes (cover included); 0 identifiers",
            prefixes=outcome.prefixes,
        )
    )
    session.say(pace(outcome.rows, outcome.seconds))


def summary(order: Order, outcome: Outcome) -> str:
    """Give the line of counts; unconfirmed is named where there is one."""
    named = [state for state in _STATES if state != "unconfirmed" or outcome.states[state]]
    counts = " · ".join(f"{retold(state)} {outcome.states[state]:,}" for state in named)
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
        "run": order.run_id,
        "exit_code": code,
    }
