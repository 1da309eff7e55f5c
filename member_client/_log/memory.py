"""The newest checkpoint that this member has seen, for all its processes, and what proves that a log was changed.

It lies with the pins: it must not go back, and who loses it trusts anew.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alliance.errors import NoteInvalid
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store
from member_client.errors import PinsDamaged

_NAME: Final = b"log"
_NAME_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Remembered:
    """A checkpoint that was believed."""

    checkpoint: Checkpoint
    hub_key: bytes
    """Identity key under which it was signed."""
    seen_at: int
    """When it was seen first, milliseconds UTC."""

    @property
    def packed(self) -> bytes:
        """What is kept."""
        return pack(str(self.checkpoint.note).encode(), self.hub_key, b"%d" % self.seen_at)


def recall(pins: Store) -> Remembered | None:
    """Give what is remembered; None before the first look. Blocks. Raises PinsDamaged."""
    content = pins.get(Shelf.PINS, _NAME)
    if content is None:
        return None
    try:
        note, hub_key, seen_at = unpack(content)
        return Remembered(read_checkpoint(note), hub_key, int(seen_at))
    except (ValueError, NoteInvalid):
        raise PinsDamaged("The pinned checkpoint of the hub's log cannot be read.") from None


def remember(pins: Store, before: Remembered | None, now: Remembered) -> bool:
    """Let a checkpoint take the place of the one before; says whether that one still stood. Blocks."""
    stood = None if before is None else before.packed
    return pins.swap(Shelf.PINS, _NAME, stood, [(Shelf.PINS, _NAME, now.packed, None)])


def keep_evidence(folder: Path, what: str, known: str, shown: str, now_ms: int) -> Path:
    """Write two notes that do not go together to a file of the folder, once; gives it. Blocks.

    A disk that takes nothing keeps nobody from being told.
    """
    name = hashlib.sha256(known.encode() + b"\x00" + shown.encode()).hexdigest()[:_NAME_DIGITS]
    path = folder / f"log-fork-{name}.json"
    content = json.dumps({"what": what, "noticed_at": now_ms, "known": known, "shown": shown}, indent=2) + "\n"
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return path
