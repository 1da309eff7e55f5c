"""`case release` and `decline`: a reply is drawn up by one operator, and agreed to by another one."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from alliance.cases.templates import FIELD_WORDINGS, TEMPLATES
from alliance.cases.words import ReleaseOutcome
from member_client import InquiredClaim, InquiryAnswer, InquiryReply, Operator, SentReply
from member_client.cli.asking import ask
from member_client.cli.case.answers import alike, chosen_fields, read_answers, template_fields, with_files
from member_client.cli.case.inquired import done, sent_line
from member_client.cli.case.words import CaseName
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, label, spoken, tr
from member_client.cli.operating import opened_operator
from member_client.cli.session import Inquiring, Session, session_of

_OperatorName = Annotated[
    str, typer.Option("--operator", metavar="NAME", help="Who signs; asks for the operator's passphrase.")
]
_Approve = Annotated[
    bool, typer.Option("--approve", help="Agree to the reply that another operator drew up, and have it sent.")
]
_Basis = Annotated[
    str | None, typer.Option("--basis", metavar="TEXT", help="The legal basis: which article, and why it applies.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be released, and sign nothing.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; what is signed is shown all the same.")]


def _complete_template(incomplete: str) -> list[str]:
    return [name for name in TEMPLATES if name.startswith(incomplete)]


def release(
    context: typer.Context,
    case: CaseName,
    *,
    operator: _OperatorName,
    approve: _Approve = False,
    values: Annotated[
        Path | None,
        typer.Option(
            help="CSV, JSONL or Excel: a row a claim, a column a field; a column entry, where there are several.",
            metavar="FILE",
        ),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Fields that FILE may hold: {', '.join(TEMPLATES)}; may be repeated.",
            metavar="NAME",
            autocompletion=_complete_template,
        ),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="Release these of its fields, and no others.", metavar="A,B,C")
    ] = None,
    attach: Annotated[
        list[str] | None,
        typer.Option(help="Release a file; ENTRY=FILE where there are several claims.", metavar="FILE"),
    ] = None,
    basis: _Basis = None,
    dry_run: _DryRun = False,
    yes: _Yes = False,
) -> None:
    r"""Draw a reply up that releases what you name; another operator agrees to it.

    Exactly what would be released is shown first. It waits here, sealed; once
    a second operator agreed, it is sealed to the case's officer and sent in
    the case's window. A column outcome mixes answers: released, declined,
    nothing. For example:

      member-client case release 0b1c2d3e --operator desk-7 \
        --values account.csv --template account \
        --field account_number,account_status --attach statement.pdf \
        --basis "Art. 54 CPL, notice 2026-0117"
      member-client case release 0b1c2d3e --operator desk-8 --approve
    """
    session = session_of(context)
    if approve:
        _refuse_beside_approve(values, template, field, attach, basis)
        _approved(session, case, operator, dry_run=dry_run, yes=yes)
        return
    if basis is None or (values is None and not attach):
        raise UsageFault(tr("a release needs --basis, and --values or --attach"))
    if values is not None and not template:
        raise UsageFault(tr("--template says which fields the file may hold: see member-client case templates"))
    offered = template_fields(template or [])
    chosen = chosen_fields(field or [], offered)

    def answers(asked: list[InquiredClaim]) -> list[InquiryAnswer]:
        read = alike(asked, ReleaseOutcome.RELEASED) if values is None else read_answers(values, asked, offered, chosen)
        return with_files(read, attach or [])

    _drafted(session, case, answers, basis, operator, dry_run=dry_run, yes=yes)


def decline(
    context: typer.Context,
    case: CaseName,
    *,
    operator: _OperatorName,
    approve: _Approve = False,
    nothing: Annotated[
        bool, typer.Option("--nothing", help="Say that you hold nothing which you could release.")
    ] = False,
    basis: _Basis = None,
    dry_run: _DryRun = False,
    yes: _Yes = False,
) -> None:
    r"""Draw a reply up that releases nothing, with your reason; another operator agrees to it.

    It looks like any other on its way, and only the officer reads it:

      member-client case decline 0b1c2d3e --operator desk-7 \
        --basis "the notice does not name this branch"
    """
    session = session_of(context)
    if approve:
        if nothing or basis is not None:
            raise UsageFault(tr("--approve agrees to what was drawn up: nothing else goes with it"))
        _approved(session, case, operator, withholds=True, dry_run=dry_run, yes=yes)
        return
    if basis is None:
        raise UsageFault(tr("a reply needs --basis: your reason, for the officer"))
    outcome = ReleaseOutcome.NOTHING if nothing else ReleaseOutcome.DECLINED
    _drafted(session, case, lambda asked: alike(asked, outcome), basis, operator, dry_run=dry_run, yes=yes)


def _refuse_beside_approve(*given: object) -> None:
    if any(it for it in given):
        raise UsageFault(tr("--approve agrees to what was drawn up: nothing else goes with it"))


def _drafted(
    session: Session,
    case: str,
    answers: Callable[[list[InquiredClaim]], list[InquiryAnswer]],
    basis: str,
    operator: str,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    async def draw(inquiries: Inquiring) -> InquiryReply:
        case_id = (await inquiries.find(case)).case_id
        return await inquiries.drawn_up(case_id, answers(await inquiries.claims(case_id)), basis=basis)

    drawn = done(session, draw)
    _show(session, drawn)
    if dry_run:
        session.document(_document(drawn))
        return
    ask(yes=yes)
    signer = opened_operator(session, operator)
    drafted = done(session, lambda inquiries: inquiries.draft(drawn, operator=signer))
    session.document(_document(drafted))
    session.say(
        tr(
            "drawn up; another operator agrees: case release {case} --operator NAME --approve",
            case=drafted.inquiry.case_id.hex(),
        )
    )


def _approved(session: Session, case: str, operator: str, *, withholds: bool = False, dry_run: bool, yes: bool) -> None:
    """Have a second operator agree; `withholds` refuses a reply that releases anything."""

    async def look(inquiries: Inquiring) -> InquiryReply:
        return await inquiries.drafted((await inquiries.find(case)).case_id)

    drafted = done(session, look)
    _show(session, drafted)
    if withholds and any(it.outcome is ReleaseOutcome.RELEASED for it in drafted.answers):
        raise UsageFault(tr("this reply releases something, nothing was signed: case release --approve agrees to it"))
    if dry_run:
        session.document(_document(drafted))
        return
    ask(yes=yes)
    signer = opened_operator(session, operator)
    ready, sent = session.run(_approve(session, drafted, signer))
    session.document(
        _document(ready) | {"replies": [{"case": it.case_id.hex(), "outcome": str(it.outcome)} for it in sent]}
    )
    for it in sent:
        session.say(sent_line(it))


async def _approve(session: Session, drafted: InquiryReply, operator: Operator) -> tuple[InquiryReply, list[SentReply]]:
    async with session.client() as client:
        ready = await client.inquiries.approve(drafted, operator=operator)
        return ready, await client.inquiries.send()


def _show(session: Session, release: InquiryReply) -> None:
    """Print exactly what would be released."""
    inquiry = release.inquiry
    session.say(
        tr(
            "to {officer} of {liaison}, case {number}, {instrument}; taken until {time}",
            officer=inquiry.officers[0],
            liaison=inquiry.liaison,
            number=inquiry.number,
            instrument=label(inquiry.instrument_type),
            time=exact_moment(inquiry.reply_by),
        )
    )
    for answer in release.answers:
        session.say(f"{answer.entry_id.hex()} · {label(answer.outcome)}")
        for name, value in answer.fields:
            session.say(f"  {name} ({FIELD_WORDINGS[name].label(spoken())}):")
            for line in value.splitlines():
                session.say(f"    {line}")
        for name, size in answer.files:
            session.say("  " + tr("file {file}, {bytes:,} bytes", file=name, bytes=size))
    session.say(tr("basis: {basis}", basis=release.legal_basis))
    if release.first_operator:
        session.say(tr("drawn up by {operator}", operator=release.first_operator))


def _document(release: InquiryReply) -> dict[str, Any]:
    return {
        "case": release.inquiry.case_id.hex(),
        "reply": str(release.state),
        "first_operator": release.first_operator,
        "basis": release.legal_basis,
        "answers": [
            {
                "entry": it.entry_id.hex(),
                "outcome": it.outcome.word,
                "fields": dict(it.fields),
                "files": [{"name": name, "bytes": size} for name, size in it.files],
            }
            for it in release.answers
        ],
    }
