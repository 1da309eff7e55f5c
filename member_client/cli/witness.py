"""`member-client witness`: this member says of the hub's log that it only grew."""

import asyncio
from typing import Annotated, Any

import typer

from member_client import Cosigned, WitnessStatus
from member_client._documents import dumped
from member_client.cli.language import exact_moment, retold, tr
from member_client.cli.session import HubClient, Session, session_of
from member_client.cli.witness_list import list_document, list_line
from member_client.errors import CosignatureRefused, HubUnavailable, StoreBusy

witness_app = typer.Typer(
    no_args_is_help=True, help="Witness the hub's log: cosign that it only grew, or refuse and tell."
)


@witness_app.command("init")
def init(context: typer.Context) -> None:
    """Make this member's key as a witness, and print its verifier key for the admins.

    Doing it again prints it again. Two admins put it on the list with
    admin witnesses propose. For example:

      member-client witness init
    """
    session = session_of(context)

    async def work() -> WitnessStatus:
        async with session.client() as client:
            return await client.begin_witness()

    found = session.run(work())
    session.document({"name": found.name, "vkey": found.vkey})
    session.say(found.vkey)
    session.note(tr("give this verifier key to two admins, by a channel that both sides trust"))


@witness_app.command("run")
def run(
    context: typer.Context,
    interval: Annotated[
        float, typer.Option(help="Seconds between looks.", min=1.0, max=3600.0, metavar="SECONDS")
    ] = 10.0,
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
) -> None:
    """Look at the hub's log again and again, and cosign it where it only grew.

    A log that does not follow from what this witness remembers, or is
    smaller, is not cosigned: the command ends with exit code 7, and both
    checkpoints are kept as proof. While the hub is away, or this witness is
    on no list yet, it looks again. For example:

      member-client witness run --interval 10
    """
    session = session_of(context)
    session.run(_looking(session, interval, once=once))


@witness_app.command("status")
def status(context: typer.Context) -> None:
    """Tell how this member's witness stands, and who else is on the list.

    For example:

      member-client witness status
    """
    session = session_of(context)

    async def work() -> WitnessStatus:
        async with session.client() as client:
            return await client.witness_status()

    found = session.run(work())
    session.document(_document(found))
    session.say(found.vkey)
    told = "on the witness list in force" if found.is_listed else "not on the witness list in force"
    session.say(retold(told))
    session.say(list_line(found.listed))
    if found.last is None:
        session.say(tr("nothing cosigned yet"))
    else:
        _say(session, found.last)


async def _looking(session: Session, interval: float, *, once: bool) -> None:
    async with session.client() as client:
        while True:
            await _look(session, client, once=once)
            if once:
                return
            await asyncio.sleep(interval)


async def _look(session: Session, client: HubClient, *, once: bool) -> None:
    """Look once; what passes by itself ends nothing that runs on."""
    try:
        made = await client.witness_look()
    except (CosignatureRefused, HubUnavailable, StoreBusy) as error:
        if once:
            raise
        session.note(tr("not cosigned, and looked at again: {error}", error=retold(str(error))))
        return
    if session.as_json:
        typer.echo(dumped(_cosigned(made)))
    elif made is not None:
        _say(session, made)
        session.out.file.flush()


def _say(session: Session, made: Cosigned) -> None:
    session.say(
        tr("cosigned {size:,} leaves of {log} at {at}", size=made.size, log=made.log, at=exact_moment(made.time))
    )


def _cosigned(made: Cosigned | None) -> dict[str, Any]:
    return {"cosigned": None if made is None else {"log": made.log, "size": made.size, "time": made.time}}


def _document(found: WitnessStatus) -> dict[str, Any]:
    return {
        "name": found.name,
        "vkey": found.vkey,
        "is_listed": found.is_listed,
        "list": list_document(found.listed),
        **_cosigned(found.last),
    }
