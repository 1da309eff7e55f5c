"""Where the passphrase of a key store comes from.

In this order: `ALLIANCE_PASSPHRASE`, the file that `ALLIANCE_PASSPHRASE_FILE` names, the file `passphrase` beside
the sealed files. The last is made on request where nothing else is set, so that a first try needs no ceremony; it
protects copies of the sealed files that leave it behind, and nothing more.
"""

import os
import secrets
from pathlib import Path

from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid
from alliance.keyring.store import write_atomically

PASSPHRASE_VARIABLE = "ALLIANCE_PASSPHRASE"  # noqa: S105 - a name, not a secret
PASSPHRASE_FILE_VARIABLE = "ALLIANCE_PASSPHRASE_FILE"  # noqa: S105 - a name, not a secret
PASSPHRASE_FILE = "passphrase"  # noqa: S105 - a name, not a secret


def obtain_passphrase(folder: Path, *, create: bool = False) -> Secret:
    """Find the passphrase for a folder; raises KeyFileInvalid where there is none and none may be made."""
    given = secret_of_environment(PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE)
    if given is not None:
        return given
    path = folder / PASSPHRASE_FILE
    if not path.exists() and create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, secrets.token_urlsafe(32).encode())
    value = _content(path)
    if not value:
        raise KeyFileInvalid(
            f"no passphrase: set {PASSPHRASE_VARIABLE}, or {PASSPHRASE_FILE_VARIABLE} to a file that holds it"
        )
    return Secret(value.encode())


def secret_of_environment(variable: str, file_variable: str) -> Secret | None:
    """Give what a variable holds, or the file that another one names; None where neither is set.

    Raises KeyFileInvalid where the file is empty or cannot be read.
    """
    if value := os.environ.get(variable):
        return Secret(value.encode())
    if not (named := os.environ.get(file_variable)):
        return None
    if not (value := _content(Path(named))):
        raise KeyFileInvalid(f"the file that {file_variable} names cannot be read, or is empty")
    return Secret(value.encode())


def _content(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
