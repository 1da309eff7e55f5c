"""A backup's rows and keys, put into an empty database and an empty folder."""

import json
import shutil
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from alliance.keyring.passphrase import PASSPHRASE_FILE
from alliance_server.recovery.backup import OnRows
from alliance_server.recovery.manifest import KEYS, BackupInvalid
from alliance_server.recovery.opening import Backup
from alliance_server.storage import dump, schema

_OPENING: Final = ("keystore.json", "check.sealed", PASSPHRASE_FILE)

Keep = Callable[[Mapping[str, Any]], bool]
"""Says of a claim's columns whether it is loaded."""


def load_rows(connection: sa.Connection, backup: Backup, keep: Keep, on_rows: OnRows) -> None:
    """Make the tables, fill them and bring them to this release's schema, inside a transaction that is under way.

    Raises BackupInvalid, and then the transaction must be taken back.
    """
    if not schema.knows(backup.manifest.schema):
        raise BackupInvalid(f"the backup is of a newer release: this one does not know schema {backup.manifest.schema}")
    schema.upgrade_within(connection, backup.manifest.schema)
    given = backup.manifest.tables
    tables = dump.tables(connection)
    if {table.name for table in tables} != given.keys():
        raise BackupInvalid("the backup has other tables than its schema")
    for table in tables:
        _load_table(connection, backup, table, keep if table.name == "claims" else None, on_rows)
    schema.upgrade_within(connection, schema.HEAD)


def _load_table(connection: sa.Connection, backup: Backup, table: sa.Table, keep: Keep | None, on_rows: OnRows) -> None:
    total = backup.manifest.tables[table.name]
    try:
        read = dump.load(
            connection,
            table,
            backup.lines(table.name),
            keep=keep,
            on_rows=lambda rows: on_rows(table.name, rows, total),
        )
    except dump.DumpInvalid as error:
        raise BackupInvalid(str(error)) from None
    if read != total:
        raise BackupInvalid(f"the table '{table.name}' has {read:,} rows, and {total:,} when the backup was taken")
    dump.number_on(connection, table)


def copy_keys(backup: Backup, folder: Path) -> None:
    """Copy sealed keys and certificates into a folder that is made."""
    folder.mkdir(mode=0o700)
    for path in backup.key_files:
        shutil.copyfile(path, folder / path.name)
        (folder / path.name).chmod(0o600 if path.suffix != ".crt" else 0o644)


def copy_epoch_keys(backup: Backup, folder: Path) -> None:
    """Copy the epochs' keys and what opens them into a folder that is made; the passphrase where it lies beside."""
    folder.mkdir(mode=0o700)
    passphrase = backup.folder / KEYS / PASSPHRASE_FILE
    for path in (*backup.key_files, *([passphrase] if passphrase.is_file() else [])):
        if path.name in _OPENING or path.name.startswith("epoch-"):
            shutil.copyfile(path, folder / path.name)
            (folder / path.name).chmod(0o600)


def with_settings(configuration: bytes, **settings: str) -> bytes:
    """Give hub.toml with these settings in the place of its own, first, where TOML has those without a section."""
    lines = configuration.decode().splitlines()
    section = next((place for place, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    kept = [line for line in lines[:section] if line.partition("=")[0].strip() not in settings]
    given = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return ("\n".join([*given, *kept, *lines[section:]]) + "\n").encode()


def with_section(configuration: bytes, section: str, **settings: str) -> bytes:
    """Give hub.toml with these settings in a section, which is written anew at its end.

    Raises BackupInvalid where the section is written in a way that this does not understand.
    """
    before = tomllib.loads(configuration.decode())
    wanted = {**before, section: {**before.get(section, {}), **settings}}
    lines, name = [], ""
    for line in configuration.decode().splitlines():
        name = line.strip(" \t[").partition("]")[0].strip() if line.lstrip().startswith("[") else name
        is_of_it = name == section or (not name and line.partition("=")[0].partition(".")[0].strip() == section)
        lines += [] if is_of_it else [line]
    lines += ["", f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in wanted[section].items())]
    content = "\n".join(lines) + "\n"
    try:
        if tomllib.loads(content) == wanted:
            return content.encode()
    except tomllib.TOMLDecodeError:
        pass
    raise BackupInvalid(f"hub.toml writes [{section}] in a way that cannot be changed here")
