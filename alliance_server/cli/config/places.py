"""Checks of files: whether they are there, can be read and written, and are nobody else's."""

import os
import resource
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alliance.keyring.passphrase import PASSPHRASE_FILE, PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from alliance_server.cli.config.findings import Finding, error, warning
from alliance_server.cli.config.settings import has_secret
from alliance_server.config import CONFIG_FILE, HubConfig

ENOUGH_FILES: Final = 4096 + 256 + 256
"""Connections that the two ports take, and what a hub opens besides."""
ENOUGH_DISK: Final = 1 << 30


def check_places(config: HubConfig) -> Iterator[Finding]:
    """Check the folder, the files that hold secrets, and what the process may use."""
    folder = config.folder
    yield from _private(folder / CONFIG_FILE, only_if=has_secret(config.database_url), group_may_read=True)
    yield from _private(folder / "hub.db")
    yield from _writable(config.snapshots_folder)
    yield from _keys(config.keys_folder)
    yield from _passphrase(config.keys_folder)
    if shutil.disk_usage(folder).free < ENOUGH_DISK:
        yield warning(str(folder), "less than a gigabyte of the disk is free", "make room before writes are refused")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_FILES:
        problem = f"the process may open {soft} files, fewer than the connections that the ports take"
        yield warning("open files", problem, f"raise it to {ENOUGH_FILES}: ulimit -n, LimitNOFILE= of the unit")


def _private(path: Path, *, only_if: bool = True, group_may_read: bool = False) -> Iterator[Finding]:
    """Find a file or folder that others may read or write."""
    if not only_if or not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (0o037 if group_may_read else 0o077):
        wanted = "700" if path.is_dir() else "640" if group_may_read else "600"
        yield error(str(path), f"others may use it (mode {mode:o})", f"chmod {wanted} {path}")


def _writable(folder: Path) -> Iterator[Finding]:
    place = folder if folder.exists() else folder.parent
    if not os.access(place, os.W_OK | os.X_OK):
        yield error(str(place), "the hub cannot write filters there", "give the folder to the hub's account")


def _keys(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield error(
            "keys", f"there is no folder {folder}", "restore the keys from their backup, or correct the setting"
        )
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield error("keys", f"{folder} cannot be read", "give the folder to the hub's account")
    else:
        yield from _private(folder)
        for path in sorted(folder.glob("*.sealed")):
            yield from _private(path)


def _passphrase(folder: Path) -> Iterator[Finding]:
    if os.environ.get(PASSPHRASE_VARIABLE):
        problem = "the passphrase is in the environment, where other programs of the account see it"
        yield warning(PASSPHRASE_VARIABLE, problem, f"put it into a file and name that in {PASSPHRASE_FILE_VARIABLE}")
    elif named := os.environ.get(PASSPHRASE_FILE_VARIABLE):
        # Service managers and clusters hand secrets out by a group, or by an access list that shows as one.
        yield from _private(Path(named), group_may_read=True)
    elif (folder / PASSPHRASE_FILE).exists():
        yield from _private(folder / PASSPHRASE_FILE)
        problem = "the passphrase lies beside the keys that it seals"
        yield warning("keys", problem, f"for production move it elsewhere and name it in {PASSPHRASE_FILE_VARIABLE}")
