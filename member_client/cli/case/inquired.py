"""What commands of a member that is asked share: facts of a case, and replies that are due."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from rich.cells import set_cell_size

from alliance.notices import KINDS
from alliance.taxonomy import Category
from member_client import Inquiry, ReplyOutcome, ReplyState, SentReply
from member_client.cli.language import exact_moment, label, retold, spoken, tr, word
from member_client.cli.session import Inquiring, Session
from member_client.errors import AttachmentMismatch, InvalidUse

T = TypeVar("T")

_HOUR_MS: Final = 60 * 60 * 1000
_NAME_WIDTH: Final = 14
_REPLIES: Final = {
    ReplyState.OPEN: "to be drawn up",
    ReplyState.DRAFTED: "waits for a second operator",
    ReplyState.READY: "ready, is sent in its window",
    ReplyState.SENT: "sent",
}


def done(session: Session, work: Callable[[Inquiring], Awaitable[T]]) -> T:
    """Do what a command is about, after replies that are ready and due were sent; says what became of these."""
    return session.run(_done(session, work))


async def _done(session: Session, work: Callable[[Inquiring], Awaitable[T]]) -> T:
    async with session.client() as client:
        inquiries = client.inquiries
        try:
            sent = await inquiries.send()
        except (AttachmentMismatch, InvalidUse) as error:  # of its files: this command may be what draws it up anew
            session.note(tr("a reply that is ready is NOT SENT: {fault}", fault=retold(str(error))))
            sent = []
        tell_sent(session, [it for it in sent if it.outcome is not ReplyOutcome.WAITS])  # whatever the command ends in
        return await work(inquiries)


def tell_sent(session: Session, sent: list[SentReply]) -> None:
    """Say on standard error what became of replies."""
    for it in sent:
        session.note(sent_line(it))


def sent_line(sent: SentReply) -> str:
    """Say what became of a reply."""
    about = {"case": sent.case_id.hex()}
    match sent.outcome:
        case ReplyOutcome.SENT:
            return tr("{case}: the reply is sent, and the hub has it", **about)
        case ReplyOutcome.WAITS:
            return tr(
                "{case}: the reply is ready, and is sent from {time} on", time=exact_moment(sent.reply_from), **about
            )
        case ReplyOutcome.TOO_LATE:
            when = exact_moment(sent.reply_by)
            return tr(
                "{case}: TOO LATE: replies were taken until {time}, and this one was not sent", time=when, **about
            )
        case ReplyOutcome.OTHER:
            return tr("{case}: another machine of yours replied first; this reply was dropped", **about)


def reply_label(inquiry: Inquiry) -> str:
    """Say how far the reply is."""
    return retold(_REPLIES[inquiry.reply])


def urgency(inquiry: Inquiry) -> str:
    """Say why a case is urgent; nothing where it is not."""
    return label(inquiry.urgency) if inquiry.urgency is not None else ""


def deadline(inquiry: Inquiry, now_ms: int) -> str:
    """Say until when a reply is taken, and how much time that leaves."""
    until = exact_moment(inquiry.reply_by)
    hours = (inquiry.reply_by - now_ms) // _HOUR_MS
    if hours < 0:
        return tr("over since {time}", time=until)
    if hours < 48:
        return tr("{hours} hours, until {time}", hours=hours, time=until)
    return tr("{days} days, until {time}", days=hours // 24, time=until)


def record(inquiry: Inquiry) -> dict[str, Any]:
    """Give a case for the JSON document; it holds no identifier."""
    return {
        "case": inquiry.case_id.hex(),
        "liaison": inquiry.liaison,
        "number": inquiry.number,
        "instrument_type": inquiry.instrument_type.word,
        "instrument_reference": inquiry.instrument_reference,
        "instrument_until": inquiry.instrument_until,
        "urgency": inquiry.urgency.word if inquiry.urgency is not None else "",
        "categories": [it.word for it in inquiry.categories],
        "suspects": {str(kind): count for kind, count in inquiry.kinds.items()},
        "period_from": inquiry.period_from,
        "period_to": inquiry.period_to,
        "officers": list(inquiry.officers),
        "asked_at": inquiry.asked_at,
        "state": inquiry.state.word,
        "reply_from": inquiry.reply_from,
        "reply_by": inquiry.reply_by,
        "replied_at": inquiry.replied_at,
        "ended_at": inquiry.ended_at,
        "claims": inquiry.claims,
        "reply": str(inquiry.reply),
    }


def say(session: Session, inquiry: Inquiry) -> None:
    """Print a case, a fact a line."""
    kinds = ", ".join(f"{KINDS[kind].label(spoken())} {count}" for kind, count in inquiry.kinds.items())
    facts = {
        "Case": inquiry.case_id.hex(),
        "Number": f"{inquiry.number} · {inquiry.liaison}",
        "Instrument": f"{label(inquiry.instrument_type)} {inquiry.instrument_reference}",
        "Urgent": urgency(inquiry),
        "Categories": ", ".join(word(Category, it.word) for it in inquiry.categories),
        "Suspects": kinds,
        "Look-back": f"{exact_moment(inquiry.period_from)[:10]} – {exact_moment(inquiry.period_to)[:10]}",
        "State": label(inquiry.state),
        "Reply taken": f"{exact_moment(inquiry.reply_from)} – {exact_moment(inquiry.reply_by)}",
        "Reply": reply_label(inquiry),
    }
    for name, fact in facts.items():
        if fact:
            session.say(f"{set_cell_size(retold(name), _NAME_WIDTH)} {fact}")
