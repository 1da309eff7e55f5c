"""Commands about key epochs: how they stand, and the steps of a hub that has no admins yet."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from alliance.clock import SystemClock, moment
from alliance.errors import Reason
from alliance_server.cli.members import opened
from alliance_server.cli.options import DEFAULT_FOLDER, HubFolder, stdout
from alliance_server.cli.printing import say
from alliance_server.domain.epochs import EpochStanding, EpochState
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.services import epochs
from alliance_server.services.memberships import is_founded

epoch_app = typer.Typer(no_args_is_help=True, help="List the key epochs; begin, activate and retire them.")

EpochNumber = Annotated[int, typer.Argument(help="Number of the epoch.", min=1)]
Step = Callable[[Transaction, int, int], None]

_STEPS: dict[str, tuple[Step, str]] = {
    "begin": (epochs.begin, "a hub that serves makes its key within seconds, and members re-tag their claims into it"),
    "activate": (epochs.activate, "it serves; the one before serves beside it until it is retired"),
    "retire": (epochs.retire, "a hub that serves destroys its key, filter and claims"),
}


@epoch_app.command("list")
def epoch_list(folder: HubFolder = DEFAULT_FOLDER) -> None:
    """List the key epochs, and which members still have claims to re-tag.

    Example: alliance-server epoch list --dir hub
    """
    _list(folder)


@epoch_app.command("begin")
def epoch_begin(number: EpochNumber, folder: HubFolder = DEFAULT_FOLDER) -> None:
    """Begin the next epoch: members re-tag their claims into it.

    Once two admins have enrolled they do this, by `member-client admin epoch`, and this is refused.

    Example: alliance-server epoch begin 2 --dir hub
    """
    _step(folder, "begin", number)


@epoch_app.command("activate")
def epoch_activate(number: EpochNumber, folder: HubFolder = DEFAULT_FOLDER) -> None:
    """Let a begun epoch serve, and the one before it retire.

    Example: alliance-server epoch activate 2 --dir hub
    """
    _step(folder, "activate", number)


@epoch_app.command("retire")
def epoch_retire(number: EpochNumber, folder: HubFolder = DEFAULT_FOLDER) -> None:
    """End an epoch whose claims are all re-tagged: its key, filter and claims are destroyed.

    Example: alliance-server epoch retire 1 --dir hub
    """
    _step(folder, "retire", number)


def _list(folder: Path) -> None:
    """List the epochs."""
    table = Table("epoch", "state", "until", "live claims", "to re-tag", "members that lag", box=None, pad_edge=False)
    now = SystemClock().now_ms()
    with opened(folder) as (_config, _keys, store, _enrolment):
        for it in store.read_now(lambda transaction: epochs.standings(transaction, now)):
            lag = sum(claims for _, claims in it.laggards)
            names = ", ".join(member for member, _ in it.laggards)
            table.add_row(
                str(it.epoch.id), _state(it), moment(it.epoch.not_after), str(it.live_claims), str(lag), names
            )
    stdout.print(table)


def _step(folder: Path, step: str, number: int) -> None:
    """Take a step of an epoch as the operator alone; refused once two admins have enrolled."""
    work, what_follows = _STEPS[step]
    now = SystemClock().now_ms()

    def taken(transaction: Transaction) -> None:
        if is_founded(transaction):
            raise Refused(Reason.ANOTHER_ADMIN_NEEDED, f"the admins decide: member-client admin epoch {step} {number}")
        work(transaction, number, now)

    with opened(folder) as (_config, _keys, store, _enrolment):
        store.write_now(taken)
    say(stdout, f"epoch {number}: {what_follows}")


def _state(standing: EpochStanding) -> str:
    epoch = standing.epoch
    if epoch.state is EpochState.RETIRED:
        return "retired, destroyed" if epoch.destroyed_at else f"retired, {standing.claims_left} claims left to destroy"
    if epoch.state is EpochState.PENDING and not epoch.public_key:
        return "pending, key not made yet"
    return epoch.state.name.lower()
