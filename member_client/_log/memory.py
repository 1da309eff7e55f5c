"""The newest checkpoint that this member has seen, for all its processes.

It lies with the pins: it must not go back, and who loses it trusts anew.
"""

from dataclasses import dataclass
from typing import Final

from alliance.errors import NoteInvalid
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store
from member_client.errors import PinsDamaged

_NAME: Final = b"log"


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
