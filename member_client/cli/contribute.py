"""`member-client contribute`: a list of identifiers that the member states something about."""

from typing import Any

import typer

from alliance.taxonomy import Category, EvidenceLevel, SubjectRole
from member_client.cli.claim_rows import Defaults, RowReader, option_expiry, option_word, refuse_incomplete
from member_client.cli.contributing import Order, Outcome, contribute_table
from member_client.cli.endings import ending
from member_client.cli.language import told_reasons, tr
from member_client.cli.operating import OperatorOption, opened_operator
from member_client.cli.options import (
    AmendOption,
    CategoryOption,
    DryRunOption,
    EvidenceFileOption,
    EvidenceOption,
    ExpiresOption,
    FileArgument,
    MapOption,
    RefOption,
    RefusedOption,
    RelistOption,
    ResumeOption,
    RoleOption,
)
from member_client.cli.outputs import readable, refuse_same_paths, refused_path
from member_client.cli.previewing import preview_contribution
from member_client.cli.progress import pace, rate
from member_client.cli.resuming import contribution_id, resumable
from member_client.cli.session import Session, session_of
from member_client.files import ATTRIBUTES, open_table, parse_map, resolve, shown_date

HELP = r"""Contribute a list. Identifiers stay on this machine.

Long format, columns kind, identifier and, if you like, category, role,
evidence, expires, observed_from, observed_to, evidence_file:

  member-client contribute list.csv --role perpetrator --expires 90d

Wide format, several identifiers a row:

  member-client contribute cases.csv --map phone=mobile --map email=mail \
    --category mule_account --role mule_complicit \
    --evidence E2 --evidence-file cases.pdf

Rows of E3, or of somebody protected, need two operators: --operator signs
as the first, and they wait for another one (member-client review).

A word in a row goes before the option. A row that says something else
than your claim on the same identifier in the same category is refused;
with --amend it takes that claim's place.

--dry-run counts what is new, unchanged, changed and refused, and sends
nothing. After a break run the same command again: what stands already is
unchanged. Rows that were asked about and not filed yet are asked about, and
charged, once more. Where --expires is a duration,
add --resume with the id that the run printed when it stopped: 90d then
counts from the day on which it began.

Exit codes: 0 done, 4 some rows refused, 5 hub away, 6 denied or out of
budget, 130 interrupted.
"""


def contribute(
    context: typer.Context,
    file: FileArgument,
    category: CategoryOption = None,
    role: RoleOption = None,
    evidence: EvidenceOption = "E1",
    expires: ExpiresOption = None,
    evidence_file: EvidenceFileOption = None,
    columns: MapOption = None,
    ref: RefOption = "",
    refused: RefusedOption = None,
    *,
    amend: AmendOption = False,
    relist: RelistOption = False,
    operator: OperatorOption = None,
    dry_run: DryRunOption = False,
    resume: ResumeOption = None,
) -> None:
    """Contribute a list."""
    session = session_of(context)
    refused = refused or refused_path(file)
    table = open_table(file)
    refuse_same_paths(table.path, refused)
    options = (file.name, category, role, evidence, expires, sorted(columns or ()), amend, relist)
    run_id, now_ms = contribution_id(session, resume, table.path, options, session.ports.clock.now_ms())
    defaults = Defaults(
        category=option_word(Category, "--category", category),
        role=option_word(SubjectRole, "--role", role),
        evidence=option_word(EvidenceLevel, "--evidence", evidence) or EvidenceLevel.E1,
        expires_at=option_expiry(expires, now_ms),
        evidence_file=readable(evidence_file),
    )
    layout = resolve(table, parse_map(columns or ()), ref=ref, attributes=ATTRIBUTES)
    refuse_incomplete(layout, defaults)
    reader = RowReader(layout, defaults, file.resolve().parent, now_ms)
    signer = opened_operator(session, operator) if operator and not dry_run else None
    order = Order(table, reader, refused, run_id, amend, relist, signer)
    if dry_run:
        preview = session.run(preview_contribution(session, order))
        session.document(preview)
        raise typer.Exit(preview["exit_code"])
    with resumable(order.run_id):
        outcome = session.run(contribute_table(session, order))
    code = ending(refused=outcome.results["refused"] > 0)
    _show(session, order, outcome)
    session.document(_document(order, outcome, code))
    raise typer.Exit(code)


def _show(session: Session, order: Order, outcome: Outcome) -> None:
    results = outcome.results
    until = order.reader.defaults.expires_at
    head = tr("{file} · {rows:,} rows · contribution", file=order.table.path.name, rows=outcome.rows)
    session.say(head + (tr(" · until {date}", date=shown_date(until)) if until else ""))
    line = tr(
        "accepted {accepted:,} · unchanged {unchanged:,} · refused {refused:,}",
        accepted=results["accepted"],
        unchanged=results["unchanged"],
        refused=results["refused"],
    )
    if order.amend:
        line = tr("amended {amended:,} · {others}", amended=results["amended"], others=line)
    if results["pending_review"]:
        line = tr("pending review {pending:,} · {others}", pending=results["pending_review"], others=line)
    if results["pending_countersignature"]:
        line = tr("pending a liaison {pending:,} · {others}", pending=results["pending_countersignature"], others=line)
    session.say(line + (f" → {order.refused}" if results["refused"] else ""))
    if results["pending_review"]:
        session.say(tr("another operator files what is pending: member-client review approve"))
    if results["pending_countersignature"]:
        session.say(tr("what pends a liaison: member-client claims countersign"))
    if outcome.reasons:
        session.say(tr("refused for: {reasons}", reasons=told_reasons(outcome.reasons.most_common())))
    session.say(
        tr(
            "hub learned: counts, purpose, and tag, kind, category, role, evidence and dates of {claims:,} claims; "
            "0 identifiers",
            claims=results["accepted"] + results["amended"],
        )
    )
    session.say(pace(outcome.rows, outcome.seconds))


def _document(order: Order, outcome: Outcome, code: int) -> dict[str, Any]:
    results = outcome.results
    filed = results["accepted"] + results["amended"]
    return {
        "file": str(order.table.path),
        "rows": outcome.rows,
        "accepted": results["accepted"],
        "amended": results["amended"],
        "unchanged": results["unchanged"],
        "pending_review": results["pending_review"],
        "pending_countersignature": results["pending_countersignature"],
        "refused": results["refused"],
        "refused_reasons": dict(sorted(outcome.reasons.items())),
        "refused_file": str(order.refused) if results["refused"] else None,
        "hub_learned": {"evaluations": outcome.evaluations, "claims": filed, "identifiers": 0},
        "seconds": round(outcome.seconds, 3),
        "rows_per_second": rate(outcome.rows, outcome.seconds),
        "run": order.run_id,
        "exit_code": code,
    }
