"""`--dry-run`: what would become of a file, without sending any of it; refused rows are written down all the same.

It ends as a run does that finished: with 4 where rows are refused, so that a file can be tested before its night.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from member_client._drawing import ReadAhead
from member_client.cli.contributing import Contributing
from member_client.cli.endings import ending
from member_client.cli.language import retold, tr
from member_client.cli.outputs import refused_file
from member_client.cli.progress import progress
from member_client.cli.screening import Screening, nowhere
from member_client.verdicts import State

if TYPE_CHECKING:
    from member_client.cli.contributing import Order as Contribution
    from member_client.cli.screening import Order as ScreeningOrder
    from member_client.cli.session import Session
    from member_client.files import RefusedFile

_OUTCOMES: Final = ("new", "unchanged", "changed", "refused")
_PENDING: Final = "pending_review"


async def preview_screening(session: Session, order: ScreeningOrder) -> dict[str, Any]:
    """Say which identifiers of a table would be asked about; gives the document."""
    kinds: Counter[str] = Counter()
    with ExitStack() as files:
        refused = files.enter_context(refused_file(order.refused))
        run = Screening(order, refused, nowhere)
        advance = files.enter_context(progress(session, order.table.path.name, order.table.expected_rows))
        async with session.client() as client:
            async for verdict in client.preview_screening(ReadAhead(run.subjects())):
                kinds.update(str(field.kind) for field in verdict.fields if field.state is not State.REFUSED)
                run.take(verdict)
                advance()
            run.in_order.catch_up()
    session.say(tr("{file} · {rows:,} rows · dry run", file=order.table.path.name, rows=run.outcome.rows))
    if kinds:
        asked = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
        session.say(tr("would ask about {count:,} identifiers: {kinds}", count=kinds.total(), kinds=asked))
    else:
        session.say(tr("would ask about nothing"))
    _say_refused(session, refused)
    return {
        "file": str(order.table.path),
        "dry_run": True,
        "rows": run.outcome.rows,
        "purpose": order.purpose,
        "evaluations": kinds.total(),
        "identifiers": dict(sorted(kinds.items())),
        "refusals": refused.count,
        "refused_file": str(order.refused) if refused.count else None,
        "exit_code": ending(refused=refused.count > 0),
    }


async def preview_contribution(session: Session, order: Contribution) -> dict[str, Any]:
    """Say what is new, unchanged, changed and refused in a list; gives the document."""
    outcomes: Counter[str] = Counter()
    with ExitStack() as files:
        refused = files.enter_context(refused_file(order.refused))
        run = Contributing(order, refused)
        advance = files.enter_context(progress(session, order.table.path.name, order.expected))
        async with session.client() as client:
            async for result in client.preview(ReadAhead(run.rows()), relist=order.relist):
                run.take(result)
                outcomes[str(result.outcome)] += 1
                advance()
            run.in_order.catch_up()
    outcomes["refused"] = refused.count
    session.say(tr("{file} · {rows:,} rows · dry run", file=order.table.path.name, rows=run.outcome.rows))
    shown = (*_OUTCOMES, _PENDING) if outcomes[_PENDING] else _OUTCOMES
    session.say(" · ".join(f"{retold(outcome)} {outcomes[outcome]:,}" for outcome in shown))
    if outcomes["changed"] and not order.amend:
        session.say(tr("changed rows are refused unless --amend replaces the claims that stand"))
    _say_refused(session, refused)
    evaluations = outcomes["new"] + (outcomes["changed"] if order.amend else 0)
    would_be_refused = refused.count > 0 or (outcomes["changed"] > 0 and not order.amend)
    return {
        "file": str(order.table.path),
        "dry_run": True,
        "rows": run.outcome.rows,
        **{outcome: outcomes[outcome] for outcome in (*_OUTCOMES, _PENDING)},
        "evaluations": evaluations + outcomes[_PENDING],
        "refused_reasons": dict(sorted(run.outcome.reasons.items())),
        "refused_file": str(order.refused) if refused.count else None,
        "exit_code": ending(refused=would_be_refused),
    }


def _say_refused(session: Session, refused: RefusedFile) -> None:
    if refused.count:
        session.say(tr("refused {count:,} → {file}", count=refused.count, file=refused.path))
    session.say(tr("nothing was sent"))
