"""`member-client check`: one identifier, now."""

import sys
from typing import Annotated, Any

import typer

from alliance.identifiers import InvalidIdentifier, Kind
from alliance.identifiers import Reason as IdentifierReason
from alliance.taxonomy import Purpose
from member_client import Consent, SyncReport, Verdict
from member_client.cli.endings import FAIL_ON_HELP, ending, read_fail_on
from member_client.cli.group import UsageFault
from member_client.cli.matches import match_lines, match_table, may, styled_state
from member_client.cli.progress import age
from member_client.cli.purposes import CONSENT_HELP, PURPOSE_HELP, needed_consent, screening_purpose
from member_client.cli.session import Session, session_of
from member_client.files import FIELDS
from member_client.subjects import Subject

REF = "check"


def check(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help=f"What the value is: {', '.join(FIELDS)}.", metavar="KIND")],
    value: Annotated[
        str, typer.Argument(help="The identifier; - asks for it, out of the shell's history.", metavar="VALUE")
    ],
    purpose: Annotated[str, typer.Option(help=PURPOSE_HELP, metavar="P")],
    consent: Annotated[str | None, typer.Option(help=CONSENT_HELP, metavar="REF")] = None,
    fail_on: Annotated[list[str] | None, typer.Option(help=FAIL_ON_HELP, metavar="STATE")] = None,
) -> None:
    r"""Check one identifier against the claims of the other members.

    The value is asked for where - stands for it, and never leaves this
    machine:

      member-client check phone - --purpose loan_application --consent C-2026-0118

    Put -- before a value that starts with a dash:

      member-client check --purpose portfolio_screening --consent basis-7 \
        domain -- -example.com
    """
    session = session_of(context)
    name = kind.strip().lower()
    if name not in FIELDS:
        raise UsageFault(f"KIND is one of {', '.join(FIELDS)}")
    why = screening_purpose(purpose)
    basis = needed_consent(why, consent)
    fails = read_fail_on(fail_on)
    subject = Subject.of(REF, {name: _typed(value)})
    report, verdict = session.run(_asked(session, subject, why, basis))
    code = ending(
        states={verdict.state},
        refused=any(field.state == "refused" for field in verdict.fields) or not verdict.fields,
        integrity=verdict.integrity,
        fail_on=fails,
    )
    _show(session, name, why, report, verdict)
    session.document(_document(why, report, verdict, code))
    raise typer.Exit(code)


def _typed(value: str) -> str:
    if value != "-":
        return value
    if sys.stdin.isatty():
        return str(typer.prompt("value", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


async def _asked(
    session: Session, subject: Subject, purpose: Purpose, consent: Consent | None
) -> tuple[SyncReport, Verdict]:
    async with session.client() as client:
        report = await client.sync()
        return report, await client.screen(subject, purpose=purpose.word, consent=consent)


def _reasons(verdict: Verdict) -> list[dict[str, str]]:
    """Give why fields are not settled, with advice for refused ones."""
    return [
        {"field": field.field, "reason": field.reason, "how_to_fix": advice(field.kind, field.reason)}
        for field in verdict.fields
        if field.reason
    ]


def advice(kind: Kind, reason: str) -> str:
    """Give the sentence that goes with a refused identifier's reason."""
    try:
        return InvalidIdentifier(kind, IdentifierReason(reason)).how_to_fix
    except ValueError:
        return ""


def _show(session: Session, field: str, purpose: Purpose, report: SyncReport, verdict: Verdict) -> None:
    session.say(f"{field} · {purpose.word} · epoch {report.epoch} · filter {age(report.filter_age_ms)} old")
    lines = match_lines(1, REF, verdict)
    if lines and not session.as_json:
        session.out.print(match_table(lines, with_rows=False))
    session.say(styled_state(str(verdict.state)) + f" · you may: {may(verdict.action.word)}")
    for reason in _reasons(verdict):
        session.say(f"{reason['field']}: {reason['reason']}. {reason['how_to_fix']}".strip())


def _document(purpose: Purpose, report: SyncReport, verdict: Verdict, code: int) -> dict[str, Any]:
    lines = match_lines(1, REF, verdict)
    hidden = ("row", "ref", "state", "action")
    return {
        "state": str(verdict.state),
        "action": verdict.action.word,
        "purpose": purpose.word,
        "epoch": report.epoch,
        "filter_age_ms": report.filter_age_ms,
        "integrity": verdict.integrity,
        "matches": [{name: cell for name, cell in line.record().items() if name not in hidden} for line in lines],
        "reasons": _reasons(verdict),
        "exit_code": code,
    }
