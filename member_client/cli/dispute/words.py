"""What people read of disputes, and what they type: words, ids and codes."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from rich.cells import set_cell_size

from alliance.crypto.sealing import DISPUTE_ID_BYTES
from member_client import Dispute
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, label, retold, tr
from member_client.cli.session import Session

DisputeId = Annotated[str, typer.Argument(help="The dispute's id, 32 hexadecimal digits.", metavar="DISPUTE")]
ReasonCode = Annotated[
    str, typer.Option("--reason", help="Reason code such as checked_with_police, never free text.", metavar="CODE")
]
_NAME_WIDTH: Final = 12


def dispute_id(text: str) -> bytes:
    """Read a dispute's id; raises UsageFault."""
    try:
        found = bytes.fromhex(text.strip())
    except ValueError:
        found = b""
    if len(found) != DISPUTE_ID_BYTES:
        raise UsageFault(tr("DISPUTE is the dispute's id, 32 hexadecimal digits: see member-client dispute list"))
    return found


def completes(words: Any) -> Callable[[str], list[str]]:  # noqa: ANN401 - any enumeration of words
    """Give what offers the words of an enumeration."""

    def complete(incomplete: str) -> list[str]:
        return [it.word for it in words if it.word.startswith(incomplete)]

    return complete


def record(dispute: Dispute, now_ms: int) -> dict[str, object]:
    """Give a dispute for the JSON document; it holds no identifier."""
    return {
        "dispute": dispute.id.hex(),
        "entry": dispute.entry_id.hex(),
        "ground": dispute.ground.word,
        "state": dispute.state.word,
        "opened_at": dispute.opened_at,
        "due_at": dispute.due_at,
        "days_left": dispute.days_left(now_ms) if dispute.is_waiting else None,
        "has_evidence": dispute.has_evidence,
        "answered_at": dispute.answered_at,
        "answer_reason": dispute.answer_reason,
        "escalate_until": dispute.escalate_until,
        "decided_at": dispute.decided_at,
        "decision_reason": dispute.decision_reason,
    }


def clock(dispute: Dispute, now_ms: int) -> str:
    """Say how much time is left; nothing where nobody is to act."""
    if not dispute.is_waiting:
        return ""
    days = dispute.days_left(now_ms)
    if days < 0:
        return tr("overdue since {time}", time=exact_moment(dispute.due_at))
    return tr("{days} days, until {time}", days=days, time=exact_moment(dispute.due_at))


def say(session: Session, dispute: Dispute) -> None:
    """Print a dispute, a fact a line."""
    now_ms = session.ports.clock.now_ms()
    until = exact_moment(dispute.escalate_until) if dispute.escalate_until > now_ms else ""
    facts = {
        "Dispute": dispute.id.hex(),
        "Entry": dispute.entry_id.hex(),
        "Ground": label(dispute.ground),
        "State": label(dispute.state),
        "Evidence": retold("brought") if dispute.has_evidence else "",
        "Opened": exact_moment(dispute.opened_at),
        "Time left": clock(dispute, now_ms),
        "Answer": dispute.answer_reason,
        "Escalate by": until,
        "Decision": dispute.decision_reason,
    }
    for name, fact in facts.items():
        if fact:
            session.say(f"{set_cell_size(retold(name), _NAME_WIDTH)} {fact}")
