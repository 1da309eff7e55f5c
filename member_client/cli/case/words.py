"""What people read of cases, and what they type: how a case is named, its facts, its clocks, and what comes next."""

from typing import Annotated, Any, Final

import typer
from rich.cells import set_cell_size

from alliance.cases.words import CaseState, CaseVerdict
from alliance.notices import KINDS
from alliance.taxonomy import Category
from member_client import Case, CaseDecision, MemberRole
from member_client.cli.language import exact_moment, label, retold, spoken, tr, word
from member_client.cli.session import HubClient, Session
from member_client.files import shown_date

CaseName = Annotated[
    str, typer.Argument(help="The case's number, or the first digits of its id: four or more.", metavar="CASE")
]
OfficerOption = Annotated[
    str, typer.Option("--officer", metavar="NAME", help="The officer who signs; asks for the passphrase.")
]
CaseReason = Annotated[
    str, typer.Option("--reason", help="Reason code such as suspect_cleared, never free text.", metavar="CODE")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask; the preview is shown all the same.")]
APPROVERS: Final = (MemberRole.LEGAL_APPROVER, MemberRole.DUTY_OFFICER)
SHOWN_DIGITS: Final = 8
_NAME_WIDTH: Final = 14


async def named(client: HubClient, name: str) -> Case:
    """Give the case that somebody means."""
    return await client.cases.find(name)


def function_word(function: MemberRole) -> str:
    """Give an approver's function as people read it."""
    return tr("legal approver") if function is MemberRole.LEGAL_APPROVER else tr("duty officer")


def record(case: Case) -> dict[str, Any]:
    """Give a case for the JSON document; it holds no identifier."""
    extension = case.extension
    return {
        "case": case.id.hex(),
        "number": case.number,
        "liaison": case.liaison,
        "state": case.state.word,
        "instrument": case.instrument.word,
        "reference": case.reference,
        "instrument_sha256": case.instrument_sha256.hex(),
        "instrument_until": case.instrument_until,
        "scope": [it.word for it in case.categories],
        "suspects": {str(kind): count for kind, count in case.suspects.items()},
        "items": case.items,
        "period_from": case.period_from,
        "period_to": case.period_to,
        "lookback_days": case.lookback_days,
        "officers": list(case.officers),
        "urgent": case.urgency.word if case.urgency else None,
        "drawn_up_at": case.drawn_up_at,
        "submitted_at": case.submitted_at or None,
        "decide_by": case.decide_by or None,
        "decisions": [_decision(it) for it in case.decisions],
        "reply_from": case.reply_from or None,
        "reply_by": case.reply_by or None,
        "asked": case.asked,
        "replied": case.replied,
        "extension": None
        if extension is None
        else {
            "reason": extension.reason,
            "asked_at": extension.asked_at,
            "is_granted": extension.is_granted,
            "decisions": [_decision(it) for it in extension.decisions],
        },
        "ended_at": case.ended_at or None,
        "instrument_left": case.instrument_left if case.submitted_at else None,
        "is_here": case.is_here,
    }


def say(session: Session, case: Case) -> None:
    """Print a case, a fact a line."""
    now_ms = session.ports.clock.now_ms()
    facts = {"Case": case.id.hex(), **request_facts(case)}
    if case.submitted_at:
        facts["Submitted"] = exact_moment(case.submitted_at)
    if case.state is CaseState.SUBMITTED:
        facts["Decide by"] = exact_moment(case.decide_by)
    if case.reply_by:
        facts["Replies"] = tr(
            "{replied} of {asked}, taken from {start} until {end}",
            replied=case.replied,
            asked=case.asked,
            start=exact_moment(case.reply_from),
            end=exact_moment(case.reply_by),
        )
    if case.ended_at:
        facts["Ended"] = exact_moment(case.ended_at)
    facts["State"] = label(case.state)
    say_facts(session, facts)
    for decision in case.decisions:
        session.say(told(decision))
    if case.extension is not None:
        session.say(tr("more time was asked for: {reason}", reason=case.extension.reason))
        for decision in case.extension.decisions:
            session.say(told(decision))
    if following := next_step(case, now_ms):
        session.say(following)


def request_facts(case: Case) -> dict[str, str]:
    """Give what a case asks for, by the names of the facts."""
    facts = {
        "Number": case.number,
        "Liaison": case.liaison,
        "Instrument": f"{label(case.instrument)} {case.reference}",
        "Valid until": exact_moment(case.instrument_until),
        "Scope": ", ".join(word(Category, it.word) for it in case.categories),
        "Suspects": ", ".join(f"{KINDS[kind].label(spoken())} {count:,}" for kind, count in case.suspects.items()),
        "Look-back": tr(
            "{days:,} days, {start} to {end}",
            days=case.lookback_days,
            start=shown_date(case.period_from),
            end=shown_date(case.period_to),
        ),
        "Officers": ", ".join(case.officers),
    }
    if case.urgency is not None:
        facts["Urgent"] = label(case.urgency)
    return facts


def say_facts(session: Session, facts: dict[str, str]) -> None:
    """Print facts, one a line, their names in the reader's language."""
    for name, fact in facts.items():
        session.say(f"{set_cell_size(retold(name), _NAME_WIDTH)} {fact}")


def next_step(case: Case, now_ms: int) -> str:
    """Say what comes next, and who has to do it; nothing of a case that is over."""
    name = case.id.hex()[:SHOWN_DIGITS]
    match case.state:
        case CaseState.DRAFT:
            return tr("next: the second officer looks at it and signs: member-client case submit {case}", case=name)
        case CaseState.SUBMITTED:
            missing = ", ".join(function_word(it) for it in APPROVERS if case.waits_for(it))
            return tr("next: it waits for {approvers}", approvers=missing)
        case CaseState.APPROVED:
            return tr("next: match it before the instrument ends: member-client case match {case}", case=name)
        case CaseState.MATCHING:
            return tr("next: not all suspects are in: member-client case match {case} goes on", case=name)
        case CaseState.OPEN:
            return _next_of_open(case, name, now_ms)
        case _:
            return ""


def is_handed_over(case: Case, now_ms: int) -> bool:
    """Tell whether the hub hands replies over by now: all are in and none too soon, or their time is over."""
    return now_ms >= case.reply_by or (case.replied == case.asked and (not case.asked or now_ms >= case.reply_from))


def _next_of_open(case: Case, name: str, now_ms: int) -> str:
    if not case.asked:
        return tr("next: no member holds a matching claim; member-client case close {case}", case=name)
    if is_handed_over(case, now_ms):
        return tr("next: read what came: member-client case replies {case}", case=name)
    if case.subject is not None:
        missing = ", ".join(function_word(it) for it in APPROVERS if case.waits_for(it))
        return tr("next: more time waits for {approvers}", approvers=missing)
    return tr("next: members reply until {time}", time=exact_moment(case.reply_by))


def told(decision: CaseDecision) -> str:
    """Say what an approver decided, and why."""
    values = {
        "approver": decision.approver,
        "function": function_word(decision.function),
        "time": exact_moment(decision.time),
        "reason": decision.reason,
    }
    if decision.verdict is CaseVerdict.APPROVE:
        return tr("approved by {approver}, {function}, {time}: {reason}", **values)
    return tr("refused by {approver}, {function}, {time}: {reason}", **values)


def _decision(decision: CaseDecision) -> dict[str, Any]:
    return {
        "approver": decision.approver,
        "function": decision.function.word,
        "verdict": decision.verdict.word,
        "reason": decision.reason,
        "time": decision.time,
    }
