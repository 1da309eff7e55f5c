"""Files of a hub: whether they are there, are nobody else's, can be written, and whether there is room."""

import os
import resource
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alliance.findings import Finding, Level, error, warning
from alliance.keyring.passphrase import PASSPHRASE_FILE, PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from alliance_server.cli.config.settings import has_secret
from alliance_server.config import CONFIG_FILE, HubConfig

SCARCE_BYTES: Final = 2 * 1024**3
"""A snapshot of a hundred million tags takes 180 MB, and there are two while one is renewed."""
FULL_BYTES: Final = 200 * 1024**2
ENOUGH_FILES: Final = 4096 + 256 + 256
"""Connections that the two ports take, and what a hub opens besides."""


def file_findings(config: HubConfig) -> Iterator[Finding]:
    """Look at the folder, the files that hold secrets, and what the process may use."""
    yield from _private(config.folder / CONFIG_FILE, only_if=has_secret(config.database_url), group_may_read=True)
    yield from _private(config.folder / "hub.db")
    yield from _keys(config.keys_folder)
    yield from _passphrase(config.keys_folder)
    yield _writable(config.snapshots_folder)
    yield from _room(config)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_FILES:
        what = f"the process may open {soft} files, fewer than the connections that the ports take"
        yield warning(what, f"Raise it to {ENOUGH_FILES}: ulimit -n, LimitNOFILE= of the unit.", about="open files")


def _private(path: Path, *, only_if: bool = True, group_may_read: bool = False) -> Iterator[Finding]:
    """Find a file or folder that others may read or write."""
    if not only_if or not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (0o037 if group_may_read else 0o077):
        wanted = "700" if path.is_dir() else "640" if group_may_read else "600"
        yield error(f"others may use it (mode {mode:o})", f"chmod {wanted} {path}", about=str(path))


def _keys(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        remedy = "Restore the keys from their backup, or correct the setting."
        yield error(f"there is no folder {folder}", remedy, about="keys")
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield error(f"{folder} cannot be read", "Give the folder to the hub's account.", about="keys")
    else:
        found = [it for path in (folder, *sorted(folder.glob("*.sealed"))) for it in _private(path)]
        yield from found or [Finding(Level.OK, f"{folder} is the hub's account's alone")]


def _passphrase(folder: Path) -> Iterator[Finding]:
    if os.environ.get(PASSPHRASE_VARIABLE):
        what = "the passphrase is in the environment, where other programs of the account see it"
        remedy = f"Put it into a file and name that in {PASSPHRASE_FILE_VARIABLE}."
        yield warning(what, remedy, about=PASSPHRASE_VARIABLE)
    elif named := os.environ.get(PASSPHRASE_FILE_VARIABLE):
        # Service managers and clusters hand secrets out by a group, or by an access list that shows as one.
        yield from _private(Path(named), group_may_read=True)
    elif (beside := folder / PASSPHRASE_FILE).exists():
        yield from _private(beside)
        remedy = f"For production move it elsewhere and name it in {PASSPHRASE_FILE_VARIABLE}."
        yield warning("the passphrase lies beside the keys that it seals", remedy, about="keys")


def _writable(folder: Path) -> Finding:
    place = folder if folder.exists() else folder.parent
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0")
    except OSError as failure:
        remedy = "Give it to the hub's account; without new snapshots filters go stale."
        return error(f"it cannot be written: {failure.strerror}", remedy, about=str(place))
    return Finding(Level.OK, f"{place} can be written")


def _room(config: HubConfig) -> Iterator[Finding]:
    devices = set()
    for folder in (config.folder, config.snapshots_folder):
        try:
            device, free = folder.stat().st_dev, shutil.disk_usage(folder).free
        except OSError:
            continue  # said already: it cannot be written, or there is none yet
        if device in devices:
            continue
        devices.add(device)
        what = f"{free / 1024**3:.1f} GiB are free at {folder}"
        if free >= SCARCE_BYTES:
            yield Finding(Level.OK, what)
            continue
        level = Level.ERROR if free < FULL_BYTES else Level.WARNING
        yield Finding(level, what, "Make room: on a full disk the hub refuses every write.")
