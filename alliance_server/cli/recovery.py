"""`alliance-server backup` and `restore`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from alliance.clock import SystemClock, moment
from alliance.errors import Reason
from alliance.v1 import succession_pb2
from alliance_server.cli.options import DEFAULT_FOLDER, HubFolder, stdout
from alliance_server.cli.printing import say
from alliance_server.config import ConfigurationInvalid, load_config
from alliance_server.domain.errors import Refused
from alliance_server.logs import configure_logs
from alliance_server.recovery.backup import OnRows, take_backup
from alliance_server.recovery.manifest import Manifest
from alliance_server.recovery.opening import open_backup
from alliance_server.recovery.restoring import plan, restore

_err = Console(stderr=True)


class BackupGroup(typer.core.TyperGroup):
    """Takes a destination where no command of the group is named: `backup DEST` is `backup take DEST`."""

    def parse_args(self, context: Any, arguments: list[str]) -> list[str]:  # noqa: ANN401 - click's context
        """Put the command in where it is left out."""
        if arguments and arguments[0] not in {*self.commands, "-h", "--help"}:
            arguments = ["take", *arguments]
        return super().parse_args(context, arguments)


backup_app = typer.Typer(
    cls=BackupGroup,
    no_args_is_help=True,
    help="Back a hub up while it serves, and try a backup: backup take DEST, backup verify SRC.",
)

Source = Annotated[Path, typer.Argument(help="Folder of the backup.", metavar="SRC")]


@backup_app.command("take")
def take(
    destination: Annotated[Path, typer.Argument(help="Folder to make; nothing is overwritten.", metavar="DEST")],
    folder: HubFolder = DEFAULT_FOLDER,
) -> None:
    """Back a hub up; it may serve meanwhile. 'backup DEST' is short for it.

    Whoever has the backup and the passphrase has the hub: keep them apart.
    The purge ledger (purges/ in the hub's folder) is kept apart from both.

    Example: alliance-server backup take /srv/backups/2026-03-01 --dir hub
    """
    with _progress() as on_rows:
        manifest = take_backup(load_config(folder), destination, SystemClock(), on_rows)
    _describe(manifest)
    say(stdout, f"backup in {destination}; next: alliance-server backup verify {destination}")


@backup_app.command("verify")
def verify(
    source: Source,
    scratch: Annotated[
        Path | None,
        typer.Option(help="Where the scratch hub is made and removed; else the temporary folder.", metavar="FOLDER"),
    ] = None,
) -> None:
    """Check every file, restore into a scratch folder and have the hub there answer.

    Example: alliance-server backup verify /srv/backups/2026-03-01
    """
    from alliance_server.recovery.trial import try_backup  # it alone needs all that a hub is made of

    configure_logs(logging.WARNING)  # the scratch hub's own lines say nothing here
    backup = open_backup(source)
    _describe(backup.manifest)
    with _progress() as on_rows:
        trial = try_backup(backup, SystemClock(), on_rows, scratch)
    say(stdout, f"epoch {trial.epoch}: one evaluation, its proof verified; a filter of {trial.listings:,} listings")
    found = "found in filter and bucket" if trial.claim_found else "none: the backup holds no live claim"
    say(stdout, f"a claim: {found}")
    if not backup.manifest.identity_is_sealed:
        say(stdout, "identity and CA are in a token, which this did not ask: 'restore' needs it")
    say(stdout, "the backup is good")


def restore_hub(
    source: Source,
    folder: Annotated[Path, typer.Argument(help="Folder to make, or an empty one.", metavar="DIR")],
    db: Annotated[
        str, typer.Option(help="SQLAlchemy URL of an empty database; else the one that the backup names.")
    ] = "",
    purges: Annotated[
        list[Path] | None,
        typer.Option(
            help="The purge ledger: purges/ of the hub that was lost; repeat for each origin since the backup.",
            metavar="FOLDER",
        ),
    ] = None,
    pkcs11_module: Annotated[
        str, typer.Option(help="PKCS#11 library on this machine; else where the backup's hub had it.", metavar="FILE")
    ] = "",
    pkcs11_token: Annotated[
        str, typer.Option(help="Label of the token with the keys; else the one that the backup names.", metavar="LABEL")
    ] = "",
    *,
    without_purges: Annotated[
        bool,
        typer.Option(
            "--without-purge-ledger", help="Go without: what ended after the backup may be back, and admins sign that."
        ),
    ] = False,
) -> None:
    """Restore a hub from a backup, as a new origin that two admins must sign.

    Only into an empty folder and an empty database. The hub gets a new
    identity key; it serves nothing but the signing until two admins have
    signed: member-client admin succession sign. Where the hub's keys lie in
    a PKCS#11 token, that token must be reachable: the new identity is made
    in it, and the CA's key is there.

    Example: alliance-server restore backup restored --purges hub/purges
    """
    if bool(purges) == without_purges:
        raise Refused(
            Reason.INVALID_REQUEST,
            "give the lost hub's purge ledger by --purges FOLDER, or say --without-purge-ledger: then claims that were "
            "withdrawn and members that were suspended after the backup may be back",
        )
    _check_url(db)
    backup = open_backup(source)
    _describe(backup.manifest)
    with _progress() as on_rows:
        token = {name: value for name, value in (("module", pkcs11_module), ("token", pkcs11_token)) if value}
        succession = restore(plan(backup, purges or None, SystemClock()), folder, db, on_rows, token)
    _tell(succession_pb2.Succession.FromString(succession.payload), folder)


def _check_url(database: str) -> None:
    try:
        if database:
            make_url(database)
    except ArgumentError:  # the text may hold a password
        raise ConfigurationInvalid("--db takes sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE") from None


def _describe(manifest: Manifest) -> None:
    rows = sum(manifest.tables.values())
    epochs = ", ".join(f"{epoch} {state}" for epoch, state in manifest.epochs.items())
    say(stdout, f"alliance '{manifest.alliance}', origin {manifest.origin}, as of {moment(manifest.taken_at)}")
    say(stdout, f"{rows:,} rows, {manifest.tables['claims']:,} claims among them; epochs: {epochs}")


def _tell(succession: succession_pb2.Succession, folder: Path) -> None:
    say(stdout, f"restored into {folder}: origin {succession.origin}")
    say(stdout, f"identity {succession.hub_key.hex()}, after {succession.previous_hub_key.hex()}")
    if succession.ledger_used:
        until = f", the newest of {moment(succession.ledger_until)}" if succession.ledger_until else ""
        say(stdout, f"purge ledger: {succession.ledger_entries:,} entries since the backup{until}")
    else:
        say(stdout, "without the purge ledger: what ended after the backup may be back")
    say(stdout, "read the identity to the admins by telephone; two of them: member-client admin succession sign")
    say(stdout, f"next: alliance-server serve {folder}")


@contextmanager
def _progress() -> Iterator[OnRows]:
    """Show how far each table is, where somebody watches."""
    with Progress(console=_err, transient=True, disable=not _err.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def on_rows(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = progress.add_task(table, total=total)
            progress.update(tasks[table], completed=done)

        yield on_rows
