"""Proposals and what they would do, as lines and as documents."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from alliance.clock import moment
from member_client import Effect, Proposal, ProposalState
from member_client.cli.language import retold, tr
from member_client.cli.session import Session

ID_DIGITS: Final = 8
STATES: Final = {
    ProposalState.OPEN: "open",
    ProposalState.EFFECTIVE: "effective",
    ProposalState.REJECTED: "rejected",
    ProposalState.WITHDRAWN: "withdrawn",
    ProposalState.EXPIRED: "expired",
    ProposalState.UNREVIEWED: "done by break-glass, to be reviewed",
}
_DETAILS: Final = {
    "member": "Member",
    "display_name": "Name",
    "role": "Role",
    "resource": "Budget of",
    "items": "Items",
    "applications_a_day": "Applications a day",
    "customers": "Customers",
    "epoch": "Epoch",
    "withdraw_claims": "Withdraw its claims",
    "policy": "Policy",
    "number": "Number of the list",
    "list_sha256": "Digest of the list",
    "quorum": "Quorum",
    "vkeys": "Verifier keys",
    "instruments": "Instruments",
    "categories": "Categories",
}


def shown(session: Session, proposal: Proposal) -> None:
    """Print a proposal, and who decides it."""
    session.document(document(proposal))
    for line in described(proposal):
        session.say(line)
    if proposal.state is ProposalState.OPEN:
        session.note(tr("another admin decides: member-client admin approve {id}", id=proposal.id.hex()[:ID_DIGITS]))


def say_all(session: Session, proposals: Sequence[Proposal]) -> None:
    """Print all that is to be known of proposals, which are about to be signed."""
    for proposal in proposals:
        for line in described(proposal):
            session.say(line)
        session.say("")


def described(proposal: Proposal) -> list[str]:
    """Give all that is to be known of a proposal, a line each."""
    lines = [
        named_line("Proposal", proposal.id.hex()),
        named_line("Digest", proposal.digest.hex()),
        named_line("Change", retold(proposal.change.kind)),
        *(named_line(_DETAILS[name], _told(value)) for name, value in proposal.change.details.items()),
        named_line("By", proposal.proposer),
        named_line("Reason", proposal.reason),
        named_line("State", retold(STATES[proposal.state])),
    ]
    if proposal.state in (ProposalState.OPEN, ProposalState.UNREVIEWED):
        lines.append(named_line("Decide by", moment(proposal.decide_by)))
    if proposal.decided_by:
        lines += [named_line("Decided by", proposal.decided_by), named_line("Because", proposal.decision_reason)]
    return lines + (effect_lines(proposal.effect, by_break_glass=proposal.break_glass) if proposal.effect else [])


def effect_lines(effect: Effect, *, by_break_glass: bool = False) -> list[str]:
    """Say what a change would touch, and who must agree."""
    lines = []
    if effect.calls_an_hour:
        lines.append(tr("calls of the member in the last hour: {calls:,}", calls=effect.calls_an_hour))
    if effect.live_claims:
        lines.append(tr("live claims of the member: {claims:,}", claims=effect.live_claims))
    if effect.claims_to_retag:
        lines.append(tr("live claims that wait to be re-tagged: {claims:,}", claims=effect.claims_to_retag))
    lines += [
        tr(
            "  {category}: {claims:,}, expiring from {first} to {last}",
            category=retold(it.category),
            claims=it.claims,
            first=moment(it.first_expiry),
            last=moment(it.last_expiry),
        )
        for it in effect.claims
    ]
    if effect.budget:
        lines.append(
            tr("budget now: {items:,} a day, {used:,} used today", items=effect.budget, used=effect.used_today)
        )
    if effect.burst:
        lines.append(tr("burst now: {items:,} at once", items=effect.burst))
    if effect.applications_a_day or effect.customers:
        lines.append(
            tr(
                "declared now: {applications:,} applications a day, {customers:,} customers",
                applications=effect.applications_a_day,
                customers=effect.customers,
            )
        )
    for kind in sorted({*effect.entries_added, *effect.entries_removed}):
        counts = {"added": effect.entries_added.get(kind, 0), "removed": effect.entries_removed.get(kind, 0)}
        lines.append(tr("entries of {kind}: {added:,} added, {removed:,} removed", kind=kind, **counts))
    if not effect.needs_approval:
        return [*lines, tr("takes effect at once")]
    if by_break_glass:
        return [*lines, tr("takes effect at once, with an alarm; another admin must review it")]
    return [*lines, tr("another admin must approve")]


def _told(value: str | int) -> str:
    return (retold("yes") if value else retold("no")) if isinstance(value, bool) else str(value)


def named_line(name: str, value: str) -> str:
    """Give a line that names what it tells."""
    return f"{retold(name)}: {value}"


def record(effect: Effect) -> dict[str, object]:
    """Give an effect as a document."""
    return asdict(effect)


def document(proposal: Proposal) -> dict[str, object]:
    """Give a proposal as a document."""
    return {
        "proposal": proposal.id.hex(),
        "digest": proposal.digest.hex(),
        "change": proposal.change.kind,
        "details": proposal.change.details,
        "proposer": proposal.proposer,
        "reason": proposal.reason,
        "break_glass": proposal.break_glass,
        "state": proposal.state.word,
        "proposed_at": proposal.proposed_at,
        "decide_by": proposal.decide_by,
        "decided_by": proposal.decided_by or None,
        "decision_reason": proposal.decision_reason or None,
        "effect": record(proposal.effect) if proposal.effect else None,
    }
