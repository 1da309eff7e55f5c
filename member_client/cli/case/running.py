"""`case match`, `extend`, `withdraw` and `close`: a liaison takes a case through its life."""

from typing import Annotated

import typer

from member_client import Case, CaseState
from member_client.cli.case.words import CaseName, CaseReason, OfficerOption, named, next_step, record, say
from member_client.cli.claims import reason_code
from member_client.cli.language import tr
from member_client.cli.operating import opened_operator
from member_client.cli.progress import counting
from member_client.cli.session import Session, session_of


def match(context: typer.Context, case: CaseName, *, officer: OfficerOption) -> None:
    """Evaluate the suspects of an approved case, and have members with matching claims asked.

    Nobody is told what matched: those members reply, and no other learns of
    the case. After a break run it again; nothing counts twice. For example:

      member-client case match C-2026-88 --officer officer-1
    """
    session = session_of(context)
    signer = opened_operator(session, officer)

    async def work() -> Case:
        async with session.client() as client:
            meant = await named(client, case)
            with counting(session, meant.number) as told:
                return await client.cases.match(meant.id, officer=signer, on_progress=told)

    found = session.run(work())
    session.say(tr("all {items:,} suspects are in; {asked:,} members are asked", items=found.items, asked=found.asked))
    session.say(next_step(found, session.ports.clock.now_ms()))
    session.document(record(found))


def extend(
    context: typer.Context,
    case: CaseName,
    *,
    officer: OfficerOption,
    reason: Annotated[
        str, typer.Option(help="Reason code, by the officer who asks first; never free text.", metavar="CODE")
    ] = "",
) -> None:
    """Ask for more time for the members' replies, once a case.

    Both officers ask, each with this command, and both approvers agree anew:

      member-client case extend C-2026-88 --officer officer-1 --reason large_files
      member-client case extend C-2026-88 --officer officer-2
    """
    session = session_of(context)
    signer = opened_operator(session, officer)
    code = reason_code(reason) if reason else ""

    async def work() -> Case:
        async with session.client() as client:
            return await client.cases.extend((await named(client, case)).id, officer=signer, reason=code)

    found = session.run(work())
    if found.extension is None:
        session.say(tr("kept; it is asked for once the other officer signs too"))
    else:
        say(session, found)
    session.document(record(found))


def withdraw(context: typer.Context, case: CaseName, *, officer: OfficerOption, reason: CaseReason) -> None:
    """Take a case back, or forget a draft: its suspects leave this machine with it.

    For example:

      member-client case withdraw C-2026-88 --officer officer-1 --reason suspect_cleared
    """
    _end(session_of(context), case, CaseState.WITHDRAWN, officer, reason)


def close(context: typer.Context, case: CaseName, *, officer: OfficerOption, reason: CaseReason) -> None:
    """Close a case once its replies were handed over.

    Export what came first: the hub deletes it 30 days later. For example:

      member-client case close C-2026-88 --officer officer-1 --reason done
    """
    _end(session_of(context), case, CaseState.CLOSED, officer, reason)


def _end(session: Session, name: str, state: CaseState, officer: str, reason: str) -> None:
    code = reason_code(reason)
    signer = opened_operator(session, officer)

    async def work() -> Case:
        async with session.client() as client:
            ended = client.cases.close if state is CaseState.CLOSED else client.cases.withdraw
            return await ended((await named(client, name)).id, officer=signer, reason=code)

    found = session.run(work())
    if found.ended_at:
        say(session, found)
    else:
        session.say(tr("the draft is forgotten; nothing of it was sent"))
    session.document(record(found))
