"""Taking a backup: beside a hub that serves, of one state of its database, sealed, whole or not there.

Rules:

1. All rows are those of one state (`storage/dump.py`). Keys are copied after it, sealed as they lie; the passphrase is
   left behind. Rows and configuration are sealed under a key that is made for this backup and sealed with the others,
   together with the identity's public key: whoever has the backup and the passphrase can read it and knows who signed
   it, and nobody else. Keys in a token stay there.
2. Everything is written into a folder beside the destination, synced, and renamed once it is signed: what bears the
   destination's name is a whole backup. A run that was killed leaves a folder `.….partial`, never taken for one.
3. Nothing is overwritten.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from alliance.clock import Clock
from alliance.crypto.secret import Secret
from alliance.errors import Reason
from alliance.keyring import KeyStore, obtain_passphrase
from alliance.keyring.passphrase import PASSPHRASE_FILE
from alliance.keyring.store import sync
from alliance.keyring.streams import KEY_BYTES, SealedWriter
from alliance_server.config import CONFIG_FILE, ConfigurationInvalid, HubConfig
from alliance_server.domain.epochs import SERVING, EpochState
from alliance_server.domain.errors import Refused
from alliance_server.hub_keys import HubKeys, epoch_key_name, open_keys
from alliance_server.recovery.manifest import (
    BACKUP_KEY,
    CONFIGURATION,
    KEYS,
    TABLES,
    BackupInvalid,
    FileFacts,
    Manifest,
    digest_of,
)
from alliance_server.storage import database, dump, schema

OnRows = Callable[[str, int, int], None]
"""Told of a table, its rows so far and its rows in all."""


def take_backup(config: HubConfig, destination: Path, clock: Clock, on_rows: OnRows) -> Manifest:
    """Write a backup of a hub; raises Refused where something is in its place, KeyFileInvalid, TokenFailed, OSError."""
    _check_destination(destination)
    keys = open_keys(config.keys_folder, config.alliance, config.pkcs11)
    engine = database.connect(config.database_url)
    try:
        if schema.version(engine) is None:
            raise ConfigurationInvalid("the database holds no hub: correct the URL in hub.toml")
        with _put_in_place(destination) as partial:
            taken_at, key = clock.now_ms(), Secret(os.urandom(KEY_BYTES))
            with dump.snapshot(engine) as connection:
                facts = _Facts.of(connection)
                rows = _write_tables(connection, partial, key, on_rows)
            _write_configuration(config, partial, key)
            _copy_keys(config.keys_folder, partial / KEYS, Secret(key.reveal() + keys.identity.public_key))
            _check_epoch_keys(partial / KEYS, facts.epochs)
            manifest = _manifest(config, keys, facts, partial, rows, taken_at)
            manifest.sign(partial, keys.identity)
            return manifest
    finally:
        engine.dispose()


class _Facts:
    """What a manifest says of the state that was read."""

    def __init__(self, schema_version: str, audit_rows: int, epochs: dict[int, int], origin: int) -> None:
        self.schema, self.audit_rows, self.epochs, self.origin = schema_version, audit_rows, epochs, origin

    @classmethod
    def of(cls, connection: sa.Connection) -> "_Facts":
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        audit_rows = connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM audit_events").scalar_one()
        epochs = {row.id: row.state for row in connection.exec_driver_sql("SELECT id, state FROM epochs")}
        origin, waits = dump.newest_origin(connection)
        if waits:
            raise Refused(
                Reason.SUCCESSION_AWAITED, "the hub waits for its succession: what it was restored from stands"
            )
        return cls(str(version), int(audit_rows), epochs, origin)


def _check_destination(destination: Path) -> None:
    if destination.exists() or destination.is_symlink():
        raise Refused(Reason.CONFLICTING_RETRY, f"{destination} exists; nothing was changed")
    if not destination.absolute().parent.is_dir():
        raise Refused(Reason.INVALID_REQUEST, f"there is no folder {destination.parent}; nothing was written")


@contextmanager
def _put_in_place(destination: Path) -> Iterator[Path]:
    """Give a folder that is synced and renamed when the block ends, or removed where that fails."""
    destination = destination.absolute()
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(8)}.partial")
    partial.mkdir(mode=0o700)
    try:
        for name in (KEYS, TABLES):
            (partial / name).mkdir(mode=0o700)
        yield partial
        _sync(partial)
        # Not over something that came meanwhile: a rename would replace an empty folder.
        _check_destination(destination)
        partial.rename(destination)
        sync(destination.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _sync(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        sync(path)


def _write_tables(connection: sa.Connection, partial: Path, key: Secret, on_rows: OnRows) -> dict[str, int]:
    rows = {}
    for table in dump.tables(connection):
        name = f"{TABLES}/{table.name}.sealed"
        total = dump.count(connection, table)
        written = _counted(dump.lines(connection, table), table.name, total, on_rows)
        rows[name] = _write_sealed(partial, name, key, written) - 1  # the first line names the columns
    return rows


def _counted(lines: Iterable[bytes], table: str, total: int, on_rows: OnRows) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        yield line
        if number % dump.ROWS_A_PAGE == 0 or number == total:
            on_rows(table, number, total)


def _write_configuration(config: HubConfig, partial: Path, key: Secret) -> None:
    _write_sealed(partial, CONFIGURATION, key, [(config.folder / CONFIG_FILE).read_bytes()])


def _write_sealed(partial: Path, name: str, key: Secret, content: Iterable[bytes]) -> int:
    """Write a sealed file; returns of how many pieces."""
    pieces = 0
    with (partial / name).open("xb") as file:
        writer = SealedWriter(file, key, name)
        for piece in content:
            writer.write(piece)
            pieces += 1
        writer.close()
    return pieces


def _copy_keys(source: Path, destination: Path, opening: Secret) -> None:
    """Copy sealed keys and certificates, and seal what opens the backup beside them."""
    for path in sorted(source.iterdir()):
        if path.is_file() and path.name != PASSPHRASE_FILE and not path.name.startswith("."):
            shutil.copyfile(path, destination / path.name)
    KeyStore(destination, obtain_passphrase(source)).put(BACKUP_KEY, opening)


def _check_epoch_keys(keys: Path, epochs: dict[int, int]) -> None:
    for epoch, state in epochs.items():
        if EpochState(state) in SERVING and not (keys / f"{epoch_key_name(epoch)}.sealed").exists():
            raise BackupInvalid(f"the key of epoch {epoch} is missing: did it end meanwhile? Take the backup again")


def _manifest(
    config: HubConfig, keys: HubKeys, facts: _Facts, partial: Path, rows: dict[str, int], taken_at: int
) -> Manifest:
    paths = sorted(path for path in partial.rglob("*") if path.is_file())
    names = [str(path.relative_to(partial)) for path in paths]
    return Manifest(
        alliance=config.alliance,
        schema=facts.schema,
        taken_at=taken_at,
        origin=facts.origin,
        hub_key=keys.identity.public_key.hex(),
        audit_rows=facts.audit_rows,
        epochs={str(epoch): EpochState(state).name.lower() for epoch, state in sorted(facts.epochs.items())},
        files={
            name: FileFacts(path.stat().st_size, digest_of(path), rows.get(name, 0))
            for name, path in zip(names, paths, strict=True)
        },
    )
