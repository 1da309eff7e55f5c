"""Checkpoints: what a log signs of its tree (https://c2sp.org/tlog-checkpoint), and witnesses cosign.

A checkpoint is a note of three lines: the log's origin, which is its key's name too, the size of the tree in decimal,
and the root in base64. A witness signs `cosignature/v1`, its time, and the same text (https://c2sp.org/tlog-cosignature).
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from alliance.crypto.merkle import HASH_BYTES
from alliance.errors import NoteInvalid
from alliance.tlog.notes import COSIGNATURE, Note, NoteKey, Signature, check_name, holds, read_note, sign_note

_LINES: Final = 3
_TIME_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of a log at a size; `note` is the text and what signed it."""

    origin: str
    size: int
    root: bytes
    note: Note

    @property
    def text(self) -> str:
        """What is signed."""
        return self.note.text

    def require_signed(self, key: NoteKey) -> None:
        """Raise NoteInvalid unless the log's own key signed."""
        if not self.note.signed_by([key]):
            raise NoteInvalid("a checkpoint is not signed by its log")


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Give the text of a checkpoint; raises NoteInvalid where the origin cannot be one."""
    check_name(origin)
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def sign_checkpoint(size: int, root: bytes, key: NoteKey, sign: Callable[[bytes], bytes]) -> Checkpoint:
    """Sign a checkpoint as a log; the key's name is the origin."""
    note = sign_note(checkpoint_text(key.name, size, root), key, sign)
    return Checkpoint(key.name, size, root, note)


def read_checkpoint(content: bytes) -> Checkpoint:
    """Read a checkpoint, whose signatures nobody verified yet; raises NoteInvalid. Extension lines are none."""
    note = read_note(content)
    lines = note.text.removesuffix("\n").split("\n")
    if len(lines) != _LINES or not lines[1].isascii() or not lines[1].isdecimal() or str(int(lines[1])) != lines[1]:
        raise NoteInvalid("a checkpoint is not three lines: origin, size, root")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != HASH_BYTES or base64.b64encode(root).decode() != lines[2]:
        raise NoteInvalid("a checkpoint's root is not a hash in base64")
    check_name(lines[0])
    return Checkpoint(lines[0], int(lines[1]), root, note)


def cosigned_bytes(text: str, time: int) -> bytes:
    """Give what a witness signs: `time` in seconds since 1970, UTC."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(text: str, key: NoteKey, time: int, sign: Callable[[bytes], bytes]) -> Signature:
    """Cosign a checkpoint's text as a witness, whose key is of type 0x04: timestamped_signature is time ‖ signature."""
    signature = sign(cosigned_bytes(text, time))
    return Signature(key.name, key.key_id, time.to_bytes(_TIME_BYTES) + signature)


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness by its key of type 0x04, as a verifier of notes."""

    key: NoteKey

    @property
    def name(self) -> str:
        """Name in signature lines."""
        return self.key.name

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a line names the key."""
        return self.key.key_id

    def verify(self, text: str, signature: bytes) -> bool:
        """Say whether a cosignature holds."""
        time = int.from_bytes(signature[:_TIME_BYTES])
        return self.key.kind == COSIGNATURE and holds(
            self.key.public_key, cosigned_bytes(text, time), signature[_TIME_BYTES:]
        )


def cosigners(note: Note, witnesses: Iterable[NoteKey]) -> dict[NoteKey, int]:
    """Give the witnesses that cosigned, with their newest times, seconds; lines that do not verify count nothing."""
    by_line = {(key.name, key.key_id): key for key in witnesses}
    found: dict[NoteKey, int] = {}
    for line in note.signatures:
        key = by_line.get((line.name, line.key_id))
        if key is not None and Witness(key).verify(note.text, line.signature):
            found[key] = max(found.get(key, 0), int.from_bytes(line.signature[:_TIME_BYTES]))
    return found
