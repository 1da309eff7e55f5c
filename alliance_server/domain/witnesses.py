"""The witness list as it is kept, and a witness's cosignature as it is taken."""

from dataclasses import dataclass
from typing import Final

from alliance.errors import NoteInvalid, Reason
from alliance.tlog.checkpoints import Checkpoint, Witness, cosigned_at
from alliance.tlog.notes import Signature, read_note
from alliance.v1 import admin_pb2
from alliance.witnesses import WitnessList, WitnessListInvalid
from alliance_server.domain.errors import Refused
from alliance_server.domain.statements import MAX_SKEW_MS

MAX_LINE_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class NumberedWitnesses:
    """A list as it is kept: its number, the payload that the hub states, and when it was set, milliseconds UTC."""

    number: int
    content: bytes
    set_at: int

    @property
    def witnesses(self) -> WitnessList:
        """The list."""
        return WitnessList.from_bytes(self.content)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's line under a checkpoint; `witness` names the key, `received_at` in milliseconds UTC."""

    log: int
    size: int
    witness: str
    line: str
    received_at: int


def witness_id(line: Signature) -> str:
    """Give what a witness's key is known by here: another key under the same name is another witness."""
    return f"{line.name}+{line.key_id.hex()}"


def made_list(change: admin_pb2.SetWitnesses, now: int) -> NumberedWitnesses:
    """Make the list that admins set; raises Refused."""
    try:
        made = WitnessList.of(change.number, change.quorum, change.vkeys, now)
    except WitnessListInvalid as error:
        raise Refused(Reason.INVALID_REQUEST, str(error)) from None
    return NumberedWitnesses(made.number, made.to_bytes(), now)


def read_cosignature(line: str, checkpoint: Checkpoint, witnesses: WitnessList, now: int) -> Signature:
    """Read a line that a witness in force signed under a checkpoint, just now or before; raises Refused."""
    found = _read_line(line, checkpoint)
    by_line = {(key.name, key.key_id): key for key in witnesses.keys}
    key = by_line.get(found.key)
    if key is None or not Witness(key).verify(checkpoint.text, found.signature):
        raise Refused(Reason.COSIGNATURE_REFUSED, "no cosignature of the checkpoint by a witness in force")
    if cosigned_at(found.signature) * 1000 > now + MAX_SKEW_MS:
        raise Refused(Reason.COSIGNATURE_REFUSED, "a cosignature from the future")
    return found


def _read_line(line: str, checkpoint: Checkpoint) -> Signature:
    """Read a line by reading a note that it ends: what is kept can be read by whoever gets it."""
    if len(line.encode()) > MAX_LINE_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "a cosignature is longer than they are")
    try:
        (found,) = read_note(f"{checkpoint.text}\n{line}".encode()).signatures
    except (NoteInvalid, ValueError):
        raise Refused(Reason.INVALID_REQUEST, "a cosignature is one signature line") from None
    if str(found) != line:
        raise Refused(Reason.INVALID_REQUEST, "a cosignature is one signature line")
    return found


def with_cosignatures(note: bytes, lines: list[str]) -> bytes:
    """Give a signed note with more lines below it."""
    return note + "".join(lines).encode()
