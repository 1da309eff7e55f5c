"""A witness: says of the hub's log, by its signature, that it only grew since it looked last.

Rules:

1. A witness has a key of its own, of type 0x04, and a memory of its own, `witness.sqlite3`. What it cosigns follows
   from what it remembers, and is remembered, durably, before the signature leaves this machine.
2. One process at a time does that: another one waits.
3. What another witness cosigned and this one did not is cosigned before something newer is: witnesses that look at
   different moments meet at one checkpoint, and so come to a quorum.
4. A log that does not follow, or is smaller, is never cosigned: LogForked or LogShrunken, and both notes are kept.
5. A memory that is gone is not begun anew: whoever removed it could have it cosign a fork.
"""

import asyncio
import fcntl
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.errors import KeyFileInvalid
from alliance.tlog.checkpoints import Checkpoint, cosign
from alliance.tlog.notes import COSIGNATURE, NoteKey
from alliance.v1.witness_pb2 import AddCosignatureRequest
from alliance.v1.witness_pb2_grpc import WitnessServiceStub
from alliance.witnesses import WitnessList
from member_client import _witness_list
from member_client._framing import pack, unpack
from member_client._log import LogKeeper
from member_client._session import Session
from member_client._store import Shelf, Store
from member_client.config import Profile
from member_client.errors import ConfigurationInvalid, NotFound, PinsDamaged, StatementInvalid, StoreBusy

MEMORY_FILE: Final = "witness.sqlite3"
_LOCK: Final = "witness.lock"
_KEY: Final = "witness"
_NAME: Final = b"witness-memory"
_COSIGNED: Final = b"cosigned"
_NAME_BYTES: Final = 16
_LOOK_SECONDS: Final = 0.1
_LOOKS: Final = 600
"""A look at the log may take a minute."""


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The key of a member as a witness; its repr shows no secret."""

    name: str
    secret: SigningKey

    @property
    def key(self) -> NoteKey:
        """The public key, as verifiers of notes know it."""
        return NoteKey(self.name, self.secret.public_key, COSIGNATURE)

    @classmethod
    def create(cls, profile: Profile) -> Self:
        """Make the key and seal it beside the profile's other keys, or open the one that there is."""
        keys = profile.open_keys()
        if _KEY not in keys:
            keys.put(_KEY, SigningKey.generate()[1])
        return cls.open(profile)

    @classmethod
    def open(cls, profile: Profile) -> Self:
        """Open the key; raises ConfigurationInvalid where there is none."""
        keys = profile.open_keys()
        if _KEY not in keys:
            raise ConfigurationInvalid("this member has no witness's key: member-client witness init makes one")
        try:
            return cls(f"{profile.alliance}/witness/{profile.member}", SigningKey(keys.get(_KEY)))
        except KeyFileInvalid as error:
            raise ConfigurationInvalid(str(error)) from None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that this witness cosigned: its log and size, and when, milliseconds UTC."""

    log: str
    size: int
    time: int


@dataclass(frozen=True, slots=True)
class WitnessStatus:
    """How this member's witness stands."""

    name: str
    vkey: str
    """The verifier key: what two admins put on the list."""
    is_listed: bool
    """Whether it is on the list in force."""
    listed: WitnessList
    """That list."""
    last: Cosigned | None
    """What was cosigned last."""


async def begin(session: Session) -> WitnessStatus:
    """Make this member's key as a witness, and its memory, where there are none; gives the verifier key."""
    await session.workers.disk(WitnessKey.create, session.profile)
    async with _memory(session, is_new=True):
        pass
    return await status(session)


async def status(session: Session) -> WitnessStatus:
    """Give how this member's witness stands, and the list in force; raises ConfigurationInvalid where it has no key."""
    witness = await session.workers.disk(WitnessKey.open, session.profile)
    listed = await fetched_list(session)
    async with _memory(session) as memory:
        content = await session.workers.disk(memory.get, Shelf.PINS, _COSIGNED)
    last = None
    if content is not None:
        log, size, time = unpack(content)
        last = Cosigned(log.decode(), int(size), int(time))
    return WitnessStatus(witness.name, witness.key.vkey, witness.key in listed.keys, listed, last)


async def look(session: Session) -> Cosigned | None:
    """Look at the log once and cosign it; None where nothing is new.

    Raises LogForked or LogShrunken and cosigns nothing where the log does not follow from what is remembered;
    CosignatureRefused where the hub knows no such witness.
    """
    witness = await session.workers.disk(WitnessKey.open, session.profile)
    async with _memory(session) as memory:
        keeper = LogKeeper(
            session.profile, session.transport, session.hub, pins=memory, workers=session.workers, clock=session.clock
        )
        checkpoint = await _joined(keeper, witness.key) or await keeper.advance()
        if _is_signed(checkpoint, witness.key):
            return None
        if not await _is_remembered(keeper, checkpoint):
            raise StatementInvalid("The hub's newest checkpoint is older than what this witness remembers.")
        made = Cosigned(checkpoint.origin, checkpoint.size, session.clock.now_ms())
        line = cosign(checkpoint.text, witness.key, made.time // 1000, witness.secret.sign_text)
        request = AddCosignatureRequest(log=made.log, size=made.size, line=str(line))
        await session.transport.ask(lambda channel: WitnessServiceStub(channel).AddCosignature, request)
        content = pack(made.log.encode(), b"%d" % made.size, b"%d" % made.time)
        await session.workers.disk(memory.put, Shelf.PINS, _COSIGNED, content)
    return made


async def fetched_list(session: Session) -> WitnessList:
    """Ask for the witness list in force; raises StatementInvalid where it is older than one that was seen."""
    listed, _ = await _witness_list.fetch(session.transport, session.hub.key, session.state.pins, session.workers)
    return listed


async def _joined(keeper: LogKeeper, key: NoteKey) -> Checkpoint | None:
    """Give the newest checkpoint that another witness cosigned and this one may, too; None where there is none."""
    try:
        shown = await keeper.advance(cosignatures=1)
    except NotFound:
        return None
    is_open = not _is_signed(shown, key) and await _is_remembered(keeper, shown)
    return shown if is_open else None


async def _is_remembered(keeper: LogKeeper, checkpoint: Checkpoint) -> bool:
    """Say whether a checkpoint is the newest that is remembered: no older one is cosigned."""
    known = await keeper.remembered()
    return known is not None and known.checkpoint.text == checkpoint.text


def _is_signed(checkpoint: Checkpoint, key: NoteKey) -> bool:
    return any(line.key == (key.name, key.key_id) for line in checkpoint.note.signatures)


@asynccontextmanager
async def _memory(session: Session, *, is_new: bool = False) -> AsyncIterator[Store]:
    """Open what this witness remembers, for this process alone; raises PinsDamaged where it is gone."""
    folder = session.profile.state_folder
    descriptor = await session.workers.disk(_lock_file, folder)
    try:
        await _locked(descriptor)
        path, key, pins = folder / MEMORY_FILE, session.keys.store_key, session.state.pins
        memory = await session.workers.disk(_opened, path, key, pins, is_new)
        try:
            yield memory
        finally:
            await session.workers.disk(memory.close)
    finally:
        os.close(descriptor)


def _lock_file(folder: Path) -> int:
    return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)


async def _locked(descriptor: int) -> None:
    """Wait for whoever holds the memory, also in this process, and hold up no thread meanwhile; raises StoreBusy."""
    for _ in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            return
    raise StoreBusy("Another witness of this member is at work.")


def _opened(path: Path, key: Secret, pins: Store, is_new: bool) -> Store:  # noqa: FBT001 - the flag of its one caller
    """Open the memory; it and the pins hold a name in common, so that neither is replaced without the other."""
    known = pins.get(Shelf.PINS, _NAME)
    if known is None and not is_new:
        raise ConfigurationInvalid("this member's witness is not set up: member-client witness init does it")
    memory = Store(path, key, PinsDamaged)
    if known is None:
        # The memory is named first: where this is cut off, the next time goes on.
        known = pins.claim(Shelf.PINS, _NAME, memory.claim(Shelf.PINS, _NAME, os.urandom(_NAME_BYTES)))
    if not hmac.compare_digest(memory.get(Shelf.PINS, _NAME) or b"", known):
        memory.close()
        raise PinsDamaged(f"the witness's memory in {MEMORY_FILE} is gone, or is not this member's")
    return memory
