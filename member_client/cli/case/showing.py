"""`case list`, `status` and `replies`: where cases are, how they came there, and what members released."""

from typing import Annotated, Any, Final

import typer

from alliance.cases.templates import FIELD_WORDINGS
from alliance.cases.words import CaseState, ReleaseOutcome
from member_client import Case, CaseReply, CaseStanding
from member_client.cli.case.words import SHOWN_DIGITS, CaseName, named, record, say
from member_client.cli.endings import INTEGRITY
from member_client.cli.language import exact_moment, label, spoken, tr
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table

_COLUMNS: Final = ("Case", "Number", "Liaison", "Instrument", "Suspects", "State", "Due")


def list_cases(
    context: typer.Context,
    *,
    waiting: Annotated[bool, typer.Option("--waiting", help="Those that wait for an approver.")] = False,
) -> None:
    """List your cases and drafts, or for approvers all cases, oldest first.

    For example:

      member-client case list --waiting
    """
    session = session_of(context)
    found = session.run(_listed(session, waiting_only=waiting))
    session.document({"cases": [record(it) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no case waits for an approver") if waiting else tr("there are no cases"))
        return
    rows = [
        [
            it.id.hex()[:SHOWN_DIGITS],
            it.number,
            it.liaison,
            label(it.instrument),
            f"{it.items:,}",
            label(it.state),
            _due(it),
        ]
        for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=("Liaison", "Instrument", "Suspects"), whole=tr("--json has them"))


def status(context: typer.Context, case: CaseName) -> None:
    """Show where a case is: its clocks, who decided with which reason, and what comes next.

    For example:

      member-client case status C-2026-88
    """
    session = session_of(context)
    found = session.run(_standing(session, case))
    say(session, found.case)
    for step in found.steps:
        session.say(f"{exact_moment(step.time)}  {step.actor}  {step.action}")
    steps = [{"time": it.time, "actor": it.actor, "action": it.action, "row": it.row} for it in found.steps]
    session.document(record(found.case) | {"steps": steps})


def replies(
    context: typer.Context,
    case: CaseName,
    *,
    released: Annotated[
        bool, typer.Option("--released", help="Print what was released too: see who stands behind you.")
    ] = False,
) -> None:
    """Open what members replied, and verify it: their signatures, and those of two of their staff.

    It works where the case was opened, once the hub hands replies over. A
    reply that does not verify is named, and ends the command with 7:

      member-client case replies C-2026-88
    """
    session = session_of(context)
    found = session.run(_replies(session, case))
    is_bad = any(it.fault for it in found)
    for reply in found:
        _say_reply(session, reply, with_contents=released)
    if not found:
        session.say(tr("no member was asked"))
    code = INTEGRITY if is_bad else 0
    session.document({"replies": [_reply(it, with_contents=released) for it in found], "exit_code": code})
    raise typer.Exit(code)


def _due(case: Case) -> str:
    """Give until when somebody is to act; nothing where nobody is."""
    until = {
        CaseState.SUBMITTED: case.decide_by,
        CaseState.APPROVED: case.instrument_until,
        CaseState.MATCHING: case.instrument_until,
        CaseState.OPEN: case.reply_by,
    }.get(case.state, 0)
    return exact_moment(until) if until else ""


def _say_reply(session: Session, reply: CaseReply, *, with_contents: bool) -> None:
    if not reply.is_there:
        session.say(tr("{member}: did not reply in time", member=reply.member))
        return
    if reply.fault:
        session.say(tr("{member}: DOES NOT VERIFY: {fault}", member=reply.member, fault=reply.fault))
        return
    counts = " · ".join(f"{label(it)} {reply.counts[it]:,}" for it in ReleaseOutcome)
    session.say(f"{reply.member}: {counts}")
    if not with_contents:
        return
    session.say(tr("  on the basis of: {basis}", basis=reply.legal_basis))
    for answer in reply.answers:
        about = f" {answer.kind} {answer.text}" if answer.kind else ""
        session.say(f"  {answer.entry_id.hex()} {label(answer.outcome)}{about}")
        for name, value in answer.fields.items():
            session.say(f"    {_field(name)}: {value}")
        for file in answer.files:
            session.say(tr("    file {name}, {size:,} bytes", name=file.name, size=file.size))


def _field(name: str) -> str:
    """Give a field as people read it; one that no template has is shown by its word."""
    return FIELD_WORDINGS[name].label(spoken()) if name in FIELD_WORDINGS else name


def _reply(reply: CaseReply, *, with_contents: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "member": reply.member,
        "replied": reply.is_there,
        "fault": reply.fault or None,
        "outcomes": {it.word: count for it, count in reply.counts.items()},
        "released_at": reply.released_at or None,
        "approved_by": list(reply.approved_by),
        "files": sum(len(it.files) for it in reply.answers),
    }
    if with_contents:
        told |= {"legal_basis": reply.legal_basis, "answers": [_answer(it) for it in reply.answers]}
    return told


def _answer(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - a CaseAnswer
    return {
        "entry": answer.entry_id.hex(),
        "outcome": answer.outcome.word,
        "kind": str(answer.kind) if answer.kind else None,
        "identifier": answer.text or None,
        "fields": dict(answer.fields),
        "files": [
            {"name": it.name, "size": it.size, "sha256": it.sha256.hex(), "is_whole": it.is_whole}
            for it in answer.files
        ],
    }


async def _listed(session: Session, *, waiting_only: bool) -> list[Case]:
    async with session.client() as client:
        return [it async for it in client.cases.listed(waiting_only=waiting_only)]


async def _standing(session: Session, name: str) -> CaseStanding:
    async with session.client() as client:
        return await client.cases.status((await named(client, name)).id)


async def _replies(session: Session, name: str) -> tuple[CaseReply, ...]:
    async with session.client() as client:
        return await client.cases.replies((await named(client, name)).id)
