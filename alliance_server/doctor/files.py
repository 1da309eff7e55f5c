"""Files of a hub: who may read its keys, and whether there is room for what it writes."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alliance.findings import Finding, Level
from alliance.keyring.passphrase import PASSPHRASE_FILE, PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from alliance_server.config import HubConfig

SCARCE_BYTES: Final = 2 * 1024**3
"""A snapshot of a hundred million tags takes 180 MB, and there are two while one is renewed."""
FULL_BYTES: Final = 200 * 1024**2
_PUBLIC: Final = ".crt"


def key_file_findings(folder: Path) -> list[Finding]:
    """Look at who may read the sealed keys, and where their passphrase lies."""
    if not folder.is_dir():
        return [Finding(Level.ERROR, f"there is no folder {folder}", "Restore it from its backup.")]
    open_to_others = [path for path in sorted(folder.iterdir()) if _is_open(path)]
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        open_to_others.insert(0, folder)
    findings = [
        Finding(Level.WARNING, f"{path} can be read by others than the hub's account", f"chmod go= {path}")
        for path in open_to_others
    ]
    if not findings:
        findings.append(Finding(Level.OK, f"{folder} is the hub's account's alone"))
    set_elsewhere = os.environ.get(PASSPHRASE_VARIABLE) or os.environ.get(PASSPHRASE_FILE_VARIABLE)
    if (beside := folder / PASSPHRASE_FILE).exists() and not set_elsewhere:
        remedy = f"For production give it by {PASSPHRASE_FILE_VARIABLE} from elsewhere, and remove {beside}."
        findings.append(Finding(Level.WARNING, "the passphrase lies beside the keys that it seals", remedy))
    return findings


def _is_open(path: Path) -> bool:
    return path.suffix != _PUBLIC and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def disk_findings(config: HubConfig) -> list[Finding]:
    """Look at whether snapshots can be written, and how much room there is."""
    return [_writable(config.snapshots_folder), *_room(config)]


def _writable(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except OSError as error:
        remedy = "Give the hub's account the right to write there; without new snapshots filters go stale."
        return Finding(Level.ERROR, f"{folder} cannot be written: {error.strerror}", remedy)
    return Finding(Level.OK, f"{folder} can be written")


def _room(config: HubConfig) -> Iterator[Finding]:
    devices = set()
    for folder in (config.folder, config.snapshots_folder):
        try:
            device, free = folder.stat().st_dev, shutil.disk_usage(folder).free
        except OSError:
            continue  # said already: it cannot be written
        if device in devices:
            continue
        devices.add(device)
        what = f"{free / 1024**3:.1f} GiB are free at {folder}"
        if free >= SCARCE_BYTES:
            yield Finding(Level.OK, what)
            continue
        level = Level.ERROR if free < FULL_BYTES else Level.WARNING
        yield Finding(level, what, "Make room: on a full disk the hub refuses every write.")
