"""Options and arguments that several commands of admins take, and how each reaches the hub."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer

from member_client import Administration
from member_client.cli.session import Session

T = TypeVar("T")

Member = Annotated[str, typer.Argument(help="Id of the member.", metavar="MEMBER")]
ProposalId = Annotated[str, typer.Argument(help="The proposal's id, or its first digits.", metavar="PROPOSAL")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the other admins; no person's data.", metavar="TEXT")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; the preview is shown all the same.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and propose nothing.")]
BreakGlass = Annotated[
    bool,
    typer.Option("--break-glass", help="At once, with an alarm, and reviewed by another admin afterwards."),
]


def done(session: Session, work: Callable[[Administration], Coroutine[Any, Any, T]]) -> T:
    """Do an admin's work on a client of the session's."""

    async def run() -> T:
        async with session.client() as client:
            return await work(await client.administration())

    return session.run(run())
