"""`member-client check`: one identifier, now."""

import sys
from typing import Annotated, Any

import typer

from alliance.identifiers import InvalidIdentifier, Kind
from alliance.identifiers import Reason as IdentifierReason
from alliance.taxonomy import Category, Purpose
from member_client import Consent, SyncReport, Verdict
from member_client._development import DEVELOPMENT_ONLY, HOW_TO_FIX
from member_client.cli.completing import complete_field
from member_client.cli.endings import ending, read_fail_on
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, told_reason, tr, word
from member_client.cli.latency import percentile_ms, timed_again
from member_client.cli.matches import match_lines, may, print_matches, styled_state
from member_client.cli.options import ConsentOption, FailOnOption, PurposeOption
from member_client.cli.progress import age
from member_client.cli.purposes import needed_consent, screening_purpose
from member_client.cli.session import Session, session_of
from member_client.files import FIELDS
from member_client.subjects import Subject

REF = "check"


def check(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(help=f"What the value is: {', '.join(FIELDS)}.", metavar="KIND", autocompletion=complete_field),
    ],
    value: Annotated[
        str, typer.Argument(help="The identifier; - asks for it, out of the shell's history.", metavar="VALUE")
    ],
    purpose: PurposeOption,
    consent: ConsentOption = None,
    fail_on: FailOnOption = None,
    repeat: Annotated[
        int, typer.Option(help="Ask so many times more, and tell how long it takes.", min=0, max=10_000)
    ] = 0,
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
    name = field_of(kind)
    why = screening_purpose(purpose)
    basis = needed_consent(why, consent)
    fails = read_fail_on(fail_on)
    subject = Subject.of(REF, {name: typed(value)})
    report, verdict, seconds = session.run(_asked(session, subject, why, basis, repeat))
    code = ending(
        states={verdict.state},
        refused=any(field.state == "refused" for field in verdict.fields) or not verdict.fields,
        integrity=verdict.integrity,
        fail_on=fails,
    )
    _show(session, name, why, report, verdict)
    document = _document(why, report, verdict, code)
    if repeat:
        document["latency_ms"] = latency = _latency(seconds)
        session.say(tr("p50 {p50} ms · p99 {p99} ms of {answers:,} answers", **latency))
    session.document(document)
    raise typer.Exit(code)


def field_of(kind: str) -> str:
    """Give the field that KIND names; raises UsageFault."""
    name = kind.strip().lower()
    if name not in FIELDS:
        raise UsageFault(tr("KIND is one of {fields}", fields=", ".join(FIELDS)))
    return name


def typed(value: str) -> str:
    """Give a value, asked for where - stands for it."""
    if value != "-":
        return value
    if sys.stdin.isatty():
        return str(typer.prompt(tr("value"), hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


async def _asked(
    session: Session, subject: Subject, purpose: Purpose, consent: Consent | None, repeat: int
) -> tuple[SyncReport, Verdict, list[float]]:
    async with session.client() as client:

        async def ask() -> Verdict:
            return await client.screen(subject, purpose=purpose.word, consent=consent)

        report = await client.sync()
        return report, *await timed_again(ask, await ask(), repeat)


def _reasons(verdict: Verdict) -> list[dict[str, str]]:
    """Give why fields are not settled, with advice for refused ones."""
    return [
        {"field": field.field, "reason": field.reason, "how_to_fix": advice(field.kind, field.reason)}
        for field in verdict.fields
        if field.reason
    ]


def advice(kind: Kind, reason: str) -> str:
    """Give the sentence that goes with a refused identifier's reason."""
    if reason == DEVELOPMENT_ONLY:
        return retold(HOW_TO_FIX)
    try:
        return retold(InvalidIdentifier(kind, IdentifierReason(reason)).how_to_fix)
    except ValueError:
        return ""


def _show(session: Session, field: str, purpose: Purpose, report: SyncReport, verdict: Verdict) -> None:
    session.say(
        tr(
            "{field} · {purpose} · epoch {epoch} · filter {age} old",
            field=field,
            purpose=word(Purpose, purpose.word),
            epoch=report.epoch,
            age=age(report.filter_age_ms),
        )
    )
    lines = match_lines(1, REF, verdict)
    if lines and not session.as_json:
        print_matches(session, lines, with_rows=False)
    session.say(styled_state(str(verdict.state)) + tr(" · you may: {action}", action=may(verdict.action.word)))
    if purpose is Purpose.DISPUTE:
        for match in verdict.matches:
            about = {"category": word(Category, match.category.word), "member": match.contributor}
            session.say(tr("entry {entry} · {category} · {member}", entry=match.entry_id.hex(), **about))
    if verdict.integrity:
        session.say(tr("INTEGRITY: a claim's signature, contributor or box is wrong; the hub's operator was told"))
    if verdict.receipt:
        session.say(tr("receipt {receipt}", receipt=verdict.receipt))
    for reason in _reasons(verdict):
        why = told_reason(reason["reason"])
        line = tr("{field}: {reason}. {advice}", field=reason["field"], reason=why, advice=reason["how_to_fix"])
        session.say(line.strip())


def _latency(seconds: list[float]) -> dict[str, Any]:
    return {"p50": percentile_ms(seconds, 50), "p99": percentile_ms(seconds, 99), "answers": len(seconds)}


def _document(purpose: Purpose, report: SyncReport, verdict: Verdict, code: int) -> dict[str, Any]:
    lines = match_lines(1, REF, verdict)
    hidden = ("row", "ref", "state", "action", "receipt")
    return {
        "state": str(verdict.state),
        "action": verdict.action.word,
        "receipt": verdict.receipt,
        "purpose": purpose.word,
        "epoch": report.epoch,
        "filter_age_ms": report.filter_age_ms,
        "integrity": verdict.integrity,
        "matches": [{name: cell for name, cell in line.record().items() if name not in hidden} for line in lines],
        "entries": [
            {"entry": it.entry_id.hex(), "category": it.category.word, "contributor": it.contributor}
            for it in verdict.matches
        ],
        "reasons": _reasons(verdict),
        "exit_code": code,
    }
