"""The witness list: who may cosign checkpoints of the audit log, and how many must have before one is believed.

Rules:

1. A list is its serialised `WitnessList`, as the hub made it when two admins had agreed; it is never encoded again.
2. Witnesses have keys of type 0x04. No two share a name, or a public key: what a witness signs does not say its name.
3. A checkpoint is of a quorum where so many different witnesses of the list cosigned it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from google.protobuf.message import DecodeError

from alliance.errors import AllianceError, NoteInvalid
from alliance.tlog.checkpoints import Checkpoint, cosigners
from alliance.tlog.notes import COSIGNATURE, NoteKey
from alliance.v1 import witness_pb2

MAX_WITNESSES: Final = 15
"""With the log's own these are the sixteen signatures that every reader of notes takes."""
MAX_VKEY_BYTES: Final = 256


class WitnessListInvalid(AllianceError):
    """A witness list breaks a rule."""


@dataclass(frozen=True, slots=True)
class WitnessList:
    """A list; without witnesses, and with number 0, while admins have set none. `set_at` in milliseconds UTC."""

    number: int = 0
    quorum: int = 0
    keys: tuple[NoteKey, ...] = ()
    set_at: int = 0

    def __post_init__(self) -> None:
        if len(self.keys) > MAX_WITNESSES or not 0 <= self.quorum <= len(self.keys):
            raise WitnessListInvalid("a witness list has 15 witnesses at most, and no quorum of more than there are")
        if any(key.kind != COSIGNATURE for key in self.keys):
            raise WitnessListInvalid("a witness's key is of type 0x04")
        for part in ({key.name for key in self.keys}, {key.public_key for key in self.keys}):
            if len(part) != len(self.keys):
                raise WitnessListInvalid("two witnesses share a name or a public key")

    @classmethod
    def of(cls, number: int, quorum: int, vkeys: Sequence[str], set_at: int) -> Self:
        """Make a list of verifier keys; raises WitnessListInvalid."""
        if len(vkeys) > MAX_WITNESSES or any(len(vkey.encode()) > MAX_VKEY_BYTES for vkey in vkeys):
            raise WitnessListInvalid("a witness list has 15 witnesses at most, each in 256 bytes")
        try:
            return cls(number, quorum, tuple(map(NoteKey.from_vkey, vkeys)), set_at)
        except NoteInvalid as error:
            raise WitnessListInvalid(f"not a witness: {error}") from None

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read the payload of a statement; raises WitnessListInvalid."""
        try:
            told = witness_pb2.WitnessList.FromString(content)
        except DecodeError:
            raise WitnessListInvalid("a witness list cannot be read") from None
        return cls.of(told.number, told.quorum, told.vkeys, told.set_at)

    def to_bytes(self) -> bytes:
        """Give the payload, once: it is kept as it is."""
        told = witness_pb2.WitnessList(
            number=self.number, quorum=self.quorum, vkeys=[key.vkey for key in self.keys], set_at=self.set_at
        )
        return told.SerializeToString(deterministic=True)

    def cosigned(self, checkpoint: Checkpoint) -> int:
        """Count the witnesses of the list that cosigned."""
        return len(cosigners(checkpoint.note, self.keys))

    def cosigned_at(self, checkpoint: Checkpoint) -> int:
        """Give the time, seconds UTC, since which a quorum has cosigned; 0 where none did, or none is asked for."""
        times = sorted(cosigners(checkpoint.note, self.keys).values(), reverse=True)
        return times[self.quorum - 1] if 0 < self.quorum <= len(times) else 0

    def has_quorum(self, checkpoint: Checkpoint) -> bool:
        """Say whether enough witnesses cosigned."""
        return not self.quorum or self.cosigned(checkpoint) >= self.quorum
