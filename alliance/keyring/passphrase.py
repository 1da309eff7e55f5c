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
    if value := os.environ.get(PASSPHRASE_VARIABLE):
        return Secret(value.encode())
    named = os.environ.get(PASSPHRASE_FILE_VARIABLE)
    path = Path(named) if named else folder / PASSPHRASE_FILE
    if not path.exists() and create and not named:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, secrets.token_urlsafe(32).encode())
    try:
        value = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        if named:
            raise KeyFileInvalid(f"the file that {PASSPHRASE_FILE_VARIABLE} names cannot be read") from None
        value = ""
    if not value:
        raise KeyFileInvalid(
            f"no passphrase: set {PASSPHRASE_VARIABLE}, or {PASSPHRASE_FILE_VARIABLE} to a file that holds it"
        )
    return Secret(value.encode())
