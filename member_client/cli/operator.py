"""`member-client operator`: those of the member's staff who approve claims, or who sign a liaison's cases."""

from typing import Any, Final

import typer

from member_client import Operator, OperatorRecord, Profile
from member_client.cli.language import exact_moment, tr
from member_client.cli.operating import OperatorName, operator_passphrase
from member_client.cli.session import session_of
from member_client.cli.tables import print_table

operator_app = typer.Typer(
    no_args_is_help=True, help="Add, list and retire operators: they approve claims, or sign a liaison's cases."
)

_COLUMNS: Final = ("Operator", "Registered", "Retired")


@operator_app.command("add")
def add_operator(context: typer.Context, name: OperatorName) -> None:
    """Make an operator's key, sealed under a passphrase of its own, and register it.

    The operator types the passphrase and nobody else knows it. Do it again
    where the hub was away. For example:

      member-client operator add desk-7
    """
    session = session_of(context)
    profile, passphrase = Profile.load(session.folder), operator_passphrase(is_new=True)
    has_key = Operator.exists(profile, name)
    operator = (Operator.open if has_key else Operator.create)(profile, name, passphrase)

    async def work() -> OperatorRecord:
        async with session.client() as client:
            return await client.add_operator(operator)

    made = session.run(work())
    session.document({"operator": _record(made)})
    session.say(tr("{operator} may sign from now on", operator=made.name))


@operator_app.command("list")
def list_operators(context: typer.Context) -> None:
    """List this member's operators, retired ones included.

    For example:

      member-client operator list
    """
    session = session_of(context)

    async def work() -> list[OperatorRecord]:
        async with session.client() as client:
            return await client.operators()

    found = session.run(work())
    session.document({"operators": [_record(one) for one in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no operators"))
        return
    rows = [
        [it.name, exact_moment(it.registered_at), exact_moment(it.retired_at) if it.retired_at else ""] for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=("Registered",), whole=tr("--json has them"))


@operator_app.command("retire")
def retire_operator(context: typer.Context, name: OperatorName) -> None:
    """Retire an operator for good: the name and the key are never taken again.

    What the operator approved and was filed stays. For example:

      member-client operator retire desk-7
    """
    session = session_of(context)

    async def work() -> OperatorRecord:
        async with session.client() as client:
            return await client.retire_operator(name)

    gone = session.run(work())
    session.document({"operator": _record(gone)})
    session.say(tr("{operator} signs no more", operator=gone.name))


def _record(one: OperatorRecord) -> dict[str, Any]:
    return {
        "operator": one.name,
        "public_key": one.public_key.hex(),
        "registered_at": one.registered_at,
        "retired_at": one.retired_at or None,
    }
