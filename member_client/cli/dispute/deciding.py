"""`dispute answer`, `escalate` and `review`: what each party decides."""

from typing import Annotated, Final

import typer

from alliance.disputes import DisputeOutcome, ReviewDecision
from alliance.taxonomy import Category, SubjectRole
from member_client import Dispute, DisputeState, Escalation
from member_client.cli.claims import reason_code
from member_client.cli.dispute.words import (
    DisputeId,
    ReasonCode,
    completes,
    dispute_id,
    record,
    say,
)
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, label, tr, word
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table
from member_client.files import shown_date

_COLUMNS: Final = ("Dispute", "Ground", "Category", "Role", "Ev", "Filed", "Answer", "Due")


def answer(
    context: typer.Context,
    dispute: DisputeId,
    outcome: Annotated[
        str,
        typer.Argument(
            help=", ".join(it.word for it in DisputeOutcome) + ".",
            metavar="OUTCOME",
            autocompletion=completes(DisputeOutcome),
        ),
    ],
    reason: ReasonCode,
) -> None:
    r"""Answer a dispute about one of your own claims.

    upheld has the claim active again, and the consumer may have it reviewed.
    The others end it: corrected where something else is right, which you
    contribute afterwards with --relist; withdrawn where it holds no longer;
    recalled where it should never have been:

      member-client dispute answer 0b1c2d3e4f5061728394a5b6c7d8e9f0 withdrawn \
        --reason checked_with_police
    """
    session = session_of(context)
    given = dispute_id(dispute), outcome, reason_code(reason)
    _say(session, session.run(_answered(session, *given)))


def escalate(context: typer.Context, dispute: DisputeId) -> None:
    """Have a reviewer look at a claim that its contributor upheld.

    Within 30 days after the answer, for the consumer. For example:

      member-client dispute escalate 0b1c2d3e4f5061728394a5b6c7d8e9f0
    """
    session = session_of(context)
    _say(session, session.run(_escalated(session, dispute_id(dispute))))


def review(
    context: typer.Context,
    dispute: Annotated[
        str | None, typer.Argument(help="The dispute's id; without it, what waits is listed.", metavar="DISPUTE")
    ] = None,
    *,
    decision: Annotated[
        str | None,
        typer.Option(
            help=", ".join(it.word for it in ReviewDecision) + ".",
            metavar="D",
            autocompletion=completes(ReviewDecision),
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(help="Reason code such as checked_with_police, never free text.", metavar="CODE"),
    ] = None,
) -> None:
    r"""For reviewers: list what waits, or decide about a claim.

    You see what is claimed and contested, and of nobody. A claim that you have
    suspended informs members and permits nothing else:

      member-client dispute review
      member-client dispute review 0b1c2d3e4f5061728394a5b6c7d8e9f0 \
        --decision claim_suspended --reason evidence_too_thin
    """
    session = session_of(context)
    if dispute is None:
        if decision is not None or reason is not None:
            raise UsageFault(tr("a decision is about one dispute: name it"))
        _list(session, session.run(_waiting(session)))
        return
    if decision is None or reason is None:
        raise UsageFault(tr("a decision needs --decision and --reason"))
    wanted = dispute_id(dispute)
    state = session.run(_reviewed(session, wanted, decision, reason_code(reason)))
    session.say(label(state))
    session.document({"dispute": wanted.hex(), "state": state.word})


async def _answered(session: Session, wanted: bytes, outcome: str, reason: str) -> Dispute:
    async with session.client() as client:
        return await client.answer_dispute(wanted, outcome, reason=reason)


async def _escalated(session: Session, wanted: bytes) -> Dispute:
    async with session.client() as client:
        return await client.escalate_dispute(wanted)


async def _waiting(session: Session) -> list[Escalation]:
    async with session.client() as client:
        return [it async for it in client.escalations()]


async def _reviewed(session: Session, wanted: bytes, decision: str, reason: str) -> DisputeState:
    async with session.client() as client:
        return await client.review_dispute(wanted, decision, reason=reason)


def _say(session: Session, dispute: Dispute) -> None:
    say(session, dispute)
    session.document(record(dispute, session.ports.clock.now_ms()))


def _list(session: Session, found: list[Escalation]) -> None:
    session.document({"escalations": [_record(it) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("nothing waits for a review"))
        return
    rows = [
        [
            it.id.hex(),
            label(it.ground),
            word(Category, it.category.word),
            word(SubjectRole, it.role.word),
            it.evidence.name,
            shown_date(it.filed_at),
            it.answer_reason,
            exact_moment(it.due_at),
        ]
        for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=("Filed", "Ev", "Role"), whole=tr("--json has them"))


def _record(it: Escalation) -> dict[str, object]:
    return {
        "dispute": it.id.hex(),
        "ground": it.ground.word,
        "category": it.category.word,
        "role": it.role.word,
        "evidence": it.evidence.name,
        "filed_at": it.filed_at,
        "expires_at": it.expires_at,
        "opened_at": it.opened_at,
        "answered_at": it.answered_at,
        "answer_reason": it.answer_reason,
        "escalated_at": it.escalated_at,
        "due_at": it.due_at,
        "has_evidence": it.has_evidence,
    }
