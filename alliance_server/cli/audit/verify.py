"""`alliance-server audit verify`."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from alliance.errors import AllianceError, NoteInvalid
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance_server.cli.database import open_existing
from alliance_server.cli.options import DEFAULT_FOLDER, HubFolder, stdout
from alliance_server.cli.printing import say
from alliance_server.config import ConfigurationInvalid, HubConfig, load_config
from alliance_server.hub_keys import open_keys
from alliance_server.storage import schema
from alliance_server.storage.log_stream import LogStream
from alliance_server.verification import Verification, verify_logs
from alliance_server.verification.logs import OnEvents

TAMPERED: Final = 7
_KEY_BYTES: Final = 32
_err = Console(stderr=True)


class CheckpointUnreadable(AllianceError):
    """A file that somebody gave is no checkpoint."""


def verify(
    folder: HubFolder = DEFAULT_FOLDER,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint that you kept elsewhere; repeat for more.", metavar="FILE"),
    ] = None,
    key: Annotated[
        str, typer.Option(help="The hub's identity key in hexadecimal; else the key folder is opened for it.")
    ] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Verify the whole audit log: every event, tree, checkpoint and tile. The hub may run.

    It reads database and files, and changes nothing. What the hub's own key
    signed anew it cannot tell from what was there before: give it a
    checkpoint that somebody kept elsewhere, as members and witnesses do.
    The exit code is 7 where anything is not what was sealed.

    Example: alliance-server audit verify --dir hub --checkpoint kept/checkpoint
    """
    config = load_config(folder)
    remembered = [_read(path) for path in checkpoint or ()]
    began = time.monotonic()
    found = _verified(config, _hub_key(config, key), remembered)
    seconds = time.monotonic() - began
    if as_json:
        say(stdout, json.dumps(_as_json(found, seconds), indent=1))
    else:
        _print(found, seconds, with_memory=bool(remembered))
    if not found.holds:
        raise typer.Exit(TAMPERED)


def _verified(config: HubConfig, hub_key: bytes, remembered: Sequence[Checkpoint]) -> Verification:
    engine = open_existing(config.database_url)
    try:
        if schema.version(engine) != schema.head():
            raise ConfigurationInvalid(
                f"the database's schema is not this release's: run 'alliance-server upgrade {config.folder}' first"
            )
        stream = LogStream(engine)
        with _progress() as on_events:
            return verify_logs(stream, config.logs_folder, config.alliance, hub_key, remembered, on_events)
    finally:
        engine.dispose()


def _hub_key(config: HubConfig, given: str) -> bytes:
    if not given:
        return open_keys(config.keys_folder, config.alliance, config.pkcs11).identity.public_key
    try:
        key = bytes.fromhex(given)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise typer.BadParameter("a key is 64 hexadecimal digits", param_hint="--key")
    return key


def _read(path: Path) -> Checkpoint:
    try:
        return read_checkpoint(path.read_bytes())
    except NoteInvalid as error:
        raise CheckpointUnreadable(f"{path}: {error}") from None


def _print(found: Verification, seconds: float, *, with_memory: bool) -> None:
    for fault in found.faults:
        say(stdout, f"fault  {fault}")
    rate = found.sealed / seconds if seconds else 0
    counted = f"{found.logs:,} logs, {found.trees:,} trees, {found.sealed:,} sealed events"
    say(stdout, f"{counted} in {seconds:.1f} s: {rate:,.0f} a second")
    if found.unsealed:
        say(stdout, f"{found.unsealed:,} events are behind the newest tree: nothing but receipts binds them yet")
    if not found.holds:
        say(stdout, "the log is NOT what was sealed")
    elif with_memory:
        say(stdout, "the log is what was sealed, and what you remember")
    else:
        say(stdout, "the log is what this hub signed; against a history that was signed anew, give --checkpoint")


def _as_json(found: Verification, seconds: float) -> dict[str, object]:
    return {
        "holds": found.holds,
        "logs": found.logs,
        "trees": found.trees,
        "sealed": found.sealed,
        "unsealed": found.unsealed,
        "seconds": round(seconds, 3),
        "faults": [{"where": fault.where, "what": fault.what} for fault in found.faults],
    }


@contextmanager
def _progress() -> Iterator[OnEvents]:
    """Show how many events were read, where somebody watches."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} events"), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as progress:
        task = progress.add_task("events", total=None)
        yield lambda done: progress.update(task, completed=done)
