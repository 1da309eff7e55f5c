"""Checkpoints: what a log signs of its tree (https://c2sp.org/tlog-checkpoint), and witnesses cosign.

A checkpoint is a note of three lines: the log's origin, which is its key's name too, the size of the tree in decimal,
and the root in base64. A witness signs `cosignature/v1`, its time, and the same text (https://c2sp.org/tlog-cosignature).
"""

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from alliance.crypto.merkle import HASH_BYTES, MAX_SIZE
from alliance.errors import NoteInvalid
from alliance.tlog.notes import (
    COSIGNATURE,
    Note,
    NoteKey,
    Signature,
    by_line,
    check_name,
    holds,
    read_note,
    sign_note,
    unbase64,
)

_LINES: Final = 3
_DECIMAL: Final = re.compile("0|[1-9][0-9]{0,18}")
_TIME_BYTES: Final = 8
MAX_TIME: Final = 2**63 - 1


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
        """Raise NoteInvalid unless the log's own key, which is named like it, signed.

        One hub key signs for many logs, each under the log's name: what one signed says nothing of another.
        """
        if key.name != self.origin or not self.note.signed_by([key]):
            raise NoteInvalid("a checkpoint is not signed by its log")


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Give the text of a checkpoint; raises NoteInvalid where the origin, the size or the root cannot be one."""
    check_name(origin)
    if not 0 <= size <= MAX_SIZE or len(root) != HASH_BYTES:
        raise NoteInvalid("a checkpoint is of a tree's size and root")
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def sign_checkpoint(size: int, root: bytes, key: NoteKey, sign: Callable[[bytes], bytes]) -> Checkpoint:
    """Sign a checkpoint as a log; the key's name is the origin."""
    note = sign_note(checkpoint_text(key.name, size, root), key, sign)
    return Checkpoint(key.name, size, root, note)


def read_checkpoint(content: bytes) -> Checkpoint:
    """Read a checkpoint, whose signatures nobody verified yet; raises NoteInvalid. Extension lines are none."""
    note = read_note(content)
    lines = note.text.removesuffix("\n").split("\n")
    if len(lines) != _LINES or not _DECIMAL.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE:
        raise NoteInvalid("a checkpoint is not three lines: origin, size, root")
    root = unbase64(lines[2])
    if len(root) != HASH_BYTES:
        raise NoteInvalid("a checkpoint's root is not a hash")
    check_name(lines[0])
    return Checkpoint(lines[0], int(lines[1]), root, note)


def cosigned_bytes(text: str, time: int) -> bytes:
    """Give what a witness signs: `time` in seconds since 1970, UTC."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(text: str, key: NoteKey, time: int, sign: Callable[[bytes], bytes]) -> Signature:
    """Cosign a checkpoint's text as a witness, whose key is of type 0x04: timestamped_signature is time ‖ signature.

    Raises NoteInvalid where the key is of another type, or the time is none.
    """
    check_name(key.name)
    if key.kind != COSIGNATURE or not 0 <= time <= MAX_TIME:
        raise NoteInvalid("a witness cosigns with a key of type 0x04 at a time")
    return Signature(key.name, key.key_id, time.to_bytes(_TIME_BYTES) + sign(cosigned_bytes(text, time)))


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
        time = cosigned_at(signature)
        return (
            self.key.kind == COSIGNATURE
            and time <= MAX_TIME
            and holds(self.key.public_key, cosigned_bytes(text, time), signature[_TIME_BYTES:])
        )


def cosigned_at(signature: bytes) -> int:
    """Give the time that a cosignature names, seconds since 1970, UTC."""
    return int.from_bytes(signature[:_TIME_BYTES])


def cosigners(note: Note, witnesses: Iterable[NoteKey]) -> dict[NoteKey, int]:
    """Give the witnesses that cosigned, with their newest times, seconds; lines that do not verify count nothing.

    What is signed does not name its witness, so keys count, not names: two names of one public key are one cosigner.
    Raises NoteInvalid where two keys share a name and an id.
    """
    known = by_line(Witness(key) for key in witnesses)
    names: dict[bytes, NoteKey] = {}
    found: dict[NoteKey, int] = {}
    for line in note.signatures:
        witness = known.get(line.key)
        if witness is not None and witness.verify(note.text, line.signature):
            key = names.setdefault(witness.key.public_key, witness.key)
            found[key] = max(found.get(key, 0), cosigned_at(line.signature))
    return found
