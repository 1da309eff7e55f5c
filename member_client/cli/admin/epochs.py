"""`member-client admin epochs` and `admin epoch begin|activate|retire`: one key after the other."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from member_client import Change, EpochStanding
from member_client.cli.admin.changing import changing
from member_client.cli.admin.options import DryRun, Reason, Yes, done
from member_client.cli.language import retold, tr
from member_client.cli.session import session_of
from member_client.cli.tables import print_table
from member_client.errors import RetaggingIncomplete

epoch_app = typer.Typer(no_args_is_help=True, help="Propose to begin, activate or retire a key epoch.")

_COLUMNS: Final = ("Epoch", "State", "Until", "Live claims", "To re-tag", "Who lags")
_STATES: Final = {"pending": "pending", "active": "active", "retiring": "retiring"}
_NAMED: Final = 5
"""Members named in a line; --json has all."""

Number = Annotated[int, typer.Argument(help="Number of the epoch.", min=1, metavar="EPOCH")]


def list_epochs(context: typer.Context) -> None:
    """List the key epochs, who still has claims to re-tag, and what is destroyed.

    For example:

      member-client admin epochs
    """
    session = session_of(context)
    standings = done(session, lambda admin: admin.epochs())
    session.document({"epochs": [_document(it) for it in standings]})
    if not session.as_json:
        rows = [_row(it) for it in standings]
        print_table(session, _COLUMNS, rows, spared=("Until",), whole=tr("--json has all members"))


@epoch_app.command("begin")
def begin(context: typer.Context, epoch: Number, reason: Reason, *, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Propose to begin the next epoch: its key is made, and members re-tag their claims into it.

    Nobody is screened by it yet. Example:

      member-client admin epoch begin 2 --reason "half a year is over"
    """
    changing(session_of(context), Change.begin_epoch(epoch), reason, yes=yes, dry_run=dry_run)


@epoch_app.command("activate")
def activate(
    context: typer.Context, epoch: Number, reason: Reason, *, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Propose to let a begun epoch serve; the one before it serves beside it until it is retired.

    Best once nearly all claims are re-tagged: until all are, each screening
    asks under both. Example:

      member-client admin epoch activate 2 --reason "nearly all re-tagged"
    """
    changing(session_of(context), Change.activate_epoch(epoch), reason, yes=yes, dry_run=dry_run)


@epoch_app.command("retire")
def retire(context: typer.Context, epoch: Number, reason: Reason, *, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Propose to end an epoch: its key, filter and tags are destroyed.

    Refused, with the names of who lags, while a live claim in it is not
    re-tagged. Example:

      member-client admin epoch retire 1 --reason "all re-tagged"
    """
    session = session_of(context)
    try:
        changing(session, Change.retire_epoch(epoch), reason, yes=yes, dry_run=dry_run)
    except RetaggingIncomplete:
        for standing in done(session, lambda admin: admin.epochs()):
            if standing.epoch == epoch:
                for member, claims in standing.laggards.items():
                    session.say(tr("{member} has {claims:,} claims to re-tag", member=member, claims=claims))
        raise


def _row(standing: EpochStanding) -> list[str]:
    lags = [*standing.laggards][:_NAMED]
    more = ["…"] if len(standing.laggards) > _NAMED else []
    return [
        str(standing.epoch),
        _state(standing),
        datetime.fromtimestamp(standing.not_after / 1000, UTC).strftime("%Y-%m-%d"),
        f"{standing.live_claims:,}",
        f"{sum(standing.laggards.values()):,}",
        ", ".join(lags + more),
    ]


def _state(standing: EpochStanding) -> str:
    if standing.state == "retired" and standing.destroyed_at:
        return tr("retired, destroyed")
    if standing.state == "retired":
        return tr("retired, {claims:,} claims left to destroy", claims=standing.claims_left)
    if standing.state == "pending" and not standing.announced:
        return tr("pending, key not made yet")
    return retold(_STATES[standing.state])


def _document(standing: EpochStanding) -> dict[str, object]:
    return {name: getattr(standing, name) for name in EpochStanding.__slots__}
