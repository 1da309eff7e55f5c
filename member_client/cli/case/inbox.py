"""`case inbox`, `preview`, `templates` and `send`: what asks this member, and what it would be asked to release."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from alliance.cases.templates import FIELD_WORDINGS, TEMPLATE_WORDINGS, TEMPLATES
from alliance.notices import KINDS
from alliance.taxonomy import Category, ClaimStatus
from member_client import InquiredClaim, Inquiry, ReplyOutcome, SentReply, Subject
from member_client.cli.case.inquired import (
    deadline,
    done,
    record,
    reply_label,
    say,
    sent_line,
    urgency,
)
from member_client.cli.case.words import CaseName
from member_client.cli.check import typed
from member_client.cli.endings import ending
from member_client.cli.group import UsageFault
from member_client.cli.language import label, spoken, tr, word
from member_client.cli.options import MapOption, RefOption
from member_client.cli.session import Inquiring, Session, session_of
from member_client.cli.subject_access import AlsoOption, ValueOption, others
from member_client.cli.tables import print_table
from member_client.errors import ReplyWindowClosed
from member_client.files import BadRow, RowFault, open_table, parse_map, resolve, shown_date
from member_client.subject_access import masked

_COLUMNS: Final = ("Case", "Number", "Instrument", "Urgent", "Claims", "Reply", "Time left")
_CLAIM_COLUMNS: Final = ("Entry", "Kind", "Category", "Filed", "Status", "Customer", "Note")
_REF: Final = "case"


def inbox(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
) -> None:
    """List the police cases that ask you about claims of your own.

    Each was signed by two officers and agreed to by two approvers, or it is
    not shown. You see your own claims and nobody else's. For example:

      member-client case inbox
    """
    session = session_of(context)
    found = [it for it in done(session, _listed) if every or not it.is_over]
    session.document({"cases": [record(it) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no case asks you"))
        return
    now_ms = session.ports.clock.now_ms()
    rows = [
        [
            it.case_id.hex(),
            it.number,
            label(it.instrument_type),
            urgency(it),
            str(it.claims),
            reply_label(it),
            label(it.state) if it.is_over else deadline(it, now_ms),
        ]
        for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=("Instrument", "Number", "Claims"), whole=tr("--json has them"))


def preview(
    context: typer.Context,
    case: CaseName,
    *,
    open_own: Annotated[
        bool, typer.Option("--open", help="Open the suspects of claims that this machine filed: an evaluation each.")
    ] = False,
    subjects: Annotated[
        Path | None, typer.Option(help="Your customers, as for screen, to see whom it is about.", metavar="FILE")
    ] = None,
    columns: MapOption = None,
    ref: RefOption = "",
    phone: ValueOption = None,
    resident_id: ValueOption = None,
    bank_card: ValueOption = None,
    email: ValueOption = None,
    also: AlsoOption = None,
) -> None:
    r"""Show which of your claims a case asks about, and open what it says of them.

    With --open, or with identifiers of your customers, it evaluates under the
    case and shows the officer's note and which of your customers a claim is
    about; the hub cannot read either. It prints a customer's reference, or
    the last characters of the identifier: see who stands behind you.

      member-client case preview 0b1c2d3e --open
      member-client case preview 0b1c2d3e \
        --subjects customers.csv --map phone=mobile --ref customer_no
    """
    session = session_of(context)
    given = {"phone": phone, "resident_id": resident_id, "bank_card": bank_card, "email": email} | others(also or [])
    named = {name: typed(text) for name, text in given.items() if text is not None}
    people = [Subject.of(_REF, named)] if named else []
    left_out = 0
    if subjects is not None:
        read, left_out = _subjects(subjects, columns or [], ref)
        people += read

    async def work(inquiries: Inquiring) -> tuple[Inquiry, list[InquiredClaim]]:
        inquiry = await inquiries.find(case)
        return inquiry, await inquiries.claims(inquiry.case_id, people, open_own=open_own)

    inquiry, claims = done(session, work)
    code = ending(refused=left_out > 0)
    document = record(inquiry) | {"asked_about": [_claim(it) for it in claims], "refusals": left_out, "exit_code": code}
    session.document(document)
    say(session, inquiry)
    if not session.as_json:
        session.say("")
        print_table(
            session,
            _CLAIM_COLUMNS,
            [_row(it) for it in claims],
            spared=("Filed", "Status"),
            whole=tr("--json has them"),
        )
    if closed := sum(it.suspect is None for it in claims):
        session.say(tr("{count} not opened: --open, or the customers' identifiers, open them", count=closed))
    if left_out:
        session.note(tr("{count:,} rows of the customers cannot be read, and were left out", count=left_out))
    raise typer.Exit(code)


def templates(
    context: typer.Context,
    template: Annotated[
        str | None, typer.Argument(help="One of them; else all.", metavar="NAME", autocompletion=lambda: [*TEMPLATES])
    ] = None,
) -> None:
    """List what may be released, field by field, by template; asks nobody.

    For example:

      member-client case templates account
    """
    session = session_of(context)
    if template is not None and template not in TEMPLATES:
        raise UsageFault(tr("a template is one of {templates}", templates=", ".join(TEMPLATES)))
    chosen = {name: fields for name, fields in TEMPLATES.items() if template in (None, name)}
    session.document({"templates": {name: list(fields) for name, fields in chosen.items()}})
    for name, fields in chosen.items():
        session.say(f"{name} · {TEMPLATE_WORDINGS[name].label(spoken())}")
        for field in fields:
            session.say(f"  {field:<22} {FIELD_WORDINGS[field].label(spoken())}")


def send(context: typer.Context) -> None:
    """Send the replies that two operators agreed to and whose window is open.

    Any case command does so too, and an open client. A reply is sent once,
    however often this is run. For example:

      member-client case send
    """
    session = session_of(context)

    async def work() -> list[SentReply]:
        async with session.client() as client:
            return await client.inquiries.send(_told(session))

    sent = session.run(work())
    if late := [it for it in sent if it.outcome is ReplyOutcome.TOO_LATE]:
        for it in sent:
            session.note(sent_line(it))
        raise ReplyWindowClosed(f"The time in which {len(late)} of these cases take replies is over: nothing was sent.")
    session.document({"replies": [_sent(it) for it in sent]})
    for it in sent:
        session.say(sent_line(it))
    if not sent:
        session.say(tr("no reply is ready"))


async def _listed(inquiries: Inquiring) -> list[Inquiry]:
    return [it async for it in inquiries.listed()]


def _subjects(path: Path, columns: list[str], ref: str) -> tuple[list[Subject], int]:
    """Read customers, and how many rows cannot be used."""
    table = open_table(path)
    layout = resolve(table, parse_map(columns), ref=ref)
    read, left_out = [], 0
    for row in table:
        try:
            if isinstance(row, BadRow):
                left_out += 1
            else:
                read.append(layout.subject(row))
        except RowFault:
            left_out += 1
    return read, left_out


def _row(it: InquiredClaim) -> list[str]:
    customer, note = _customer(it), it.suspect.note if it.suspect else ""
    if it.claim is None:
        return [it.entry_id.hex(), "", "", "", tr("gone with its epoch"), customer, note]
    return [
        it.entry_id.hex(),
        KINDS[it.claim.kind].label(spoken()),
        word(Category, it.claim.category.word),
        shown_date(it.claim.filed_at),
        word(ClaimStatus, it.claim.status.word),
        customer,
        note,
    ]


def _customer(it: InquiredClaim) -> str:
    if it.suspect is None:
        return ""
    refs = [one for one in it.suspect.refs if one != _REF]
    return ", ".join(refs) or masked(it.suspect.canonical)


def _claim(it: InquiredClaim) -> dict[str, Any]:
    claim = it.claim
    return {
        "entry": it.entry_id.hex(),
        "kind": str(claim.kind) if claim else "",
        "category": claim.category.word if claim else "",
        "filed_at": claim.filed_at if claim else 0,
        "status": claim.status.word if claim else "",
        "opened": it.suspect is not None,
        "customer": _customer(it),
        "note": it.suspect.note if it.suspect else "",
    }


def _sent(it: SentReply) -> dict[str, Any]:
    return {
        "case": it.case_id.hex(),
        "outcome": str(it.outcome),
        "reply_from": it.reply_from,
        "reply_by": it.reply_by,
    }


def _told(session: Session) -> Any:  # noqa: ANN401 - what the SDK tells of
    said: set[str] = set()

    def told(name: str, done_bytes: int, whole: int) -> None:
        if done_bytes >= whole and name not in said:
            said.add(name)
            session.note(tr("{file}: uploaded, {bytes:,} bytes sealed", file=name, bytes=whole))

    return told
