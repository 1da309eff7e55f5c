"""What proves to others that the hub did not keep its word: in files of the state folder, each written once."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_NAME_DIGITS: Final = 16


def keep(folder: Path, what: str, identity: bytes, content: Mapping[str, object]) -> Path:
    """Keep evidence in a file named after it; the same evidence once. Gives the file. Blocks.

    A disk that takes nothing keeps nobody from being told.
    """
    path = folder / f"{what}-{hashlib.sha256(identity).hexdigest()[:_NAME_DIGITS]}.json"
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return path
