"""Successions: a hub that was restored from a backup has another identity key, and two admins say so.

Rules:

1. What follows the pinned hub key is believed where two admins signed the very same payload, whose keys and whose role
   as admins this machine had pinned before. What the hub says of itself, or of its admins, counts nothing.
2. Successions form a chain: each names the key and follows the number of the one before. One that is left out, another
   one under the same number, another alliance's: none is believed.
3. Nothing in here changes anything; `_hub.py` keeps what was believed.
"""

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.v1 import succession_pb2
from member_client.errors import SuccessionRejected

SIGNERS: Final = 2
FIRST_ORIGIN: Final = 1

AdminKey = Callable[[str], bytes | None]
"""Gives the pinned key of somebody who is pinned as an admin; None for anybody else."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A hub's identity: its key, and its number, from 1; 0 where nobody told yet."""

    number: int
    hub_key: bytes


@dataclass(frozen=True, slots=True)
class Succession:
    """A new origin of the hub, as its admins sign it; times in milliseconds UTC."""

    origin: int
    previous_hub_key: bytes
    hub_key: bytes
    backup_taken_at: int
    """What was acknowledged later is lost."""
    audit_rows: int
    """Number of the newest audit row that is not lost."""
    restored_at: int
    ledger_used: bool
    """Without it what ended after the backup may be back."""
    ledger_entries: int
    ledger_until: int
    retired_epochs: tuple[int, ...]
    signed_by: tuple[str, ...]
    """Admins whose signatures hold, under the keys that this machine had pinned."""
    payload: bytes = field(repr=False)
    log_origin: str = ""
    """Newest log in the backup; empty where there was none."""
    log_size: int = 0
    log_root: bytes = b""

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed, to be read over the telephone."""
        return sha256(self.payload).digest()

    @property
    def is_signed(self) -> bool:
        """Whether two admins who are known here have signed."""
        return len(self.signed_by) >= SIGNERS


def read_succession(record: succession_pb2.SuccessionRecord, alliance: str, admin_key: AdminKey) -> Succession:
    """Read a record and count what holds of its signatures; raises SuccessionRejected where it cannot be one."""
    message = succession_pb2.Succession()
    try:
        message.ParseFromString(record.payload)
        VerifyingKey(message.hub_key)
        VerifyingKey(message.previous_hub_key)
    except (DecodeError, SignatureInvalid) as error:
        raise SuccessionRejected("The hub shows a succession that cannot be read.") from error
    if message.alliance != alliance or hmac.compare_digest(message.hub_key, message.previous_hub_key):
        raise SuccessionRejected("The hub shows a succession of another alliance, or one that changes nothing.")
    return Succession(
        origin=message.origin,
        previous_hub_key=message.previous_hub_key,
        hub_key=message.hub_key,
        backup_taken_at=message.backup_taken_at,
        audit_rows=message.audit_rows,
        restored_at=message.restored_at,
        ledger_used=message.ledger_used,
        ledger_entries=message.ledger_entries,
        ledger_until=message.ledger_until,
        retired_epochs=tuple(message.retired_epochs),
        signed_by=_signers(record, admin_key),
        payload=record.payload,
        log_origin=message.log_origin,
        log_size=message.log_size,
        log_root=message.log_root,
    )


def following(found: Iterable[Succession], pinned: Origin) -> list[Succession]:
    """Give the chain that follows what is pinned, signed or not; raises SuccessionRejected for any other."""
    later = [it for it in found if pinned.number == 0 or it.origin > pinned.number]
    if pinned.number == 0:
        later = _after_key(later, pinned.hub_key)
    chain: list[Succession] = []
    number, key = pinned.number, pinned.hub_key
    for it in later:
        if not hmac.compare_digest(it.previous_hub_key, key) or (number and it.origin != number + 1):
            raise SuccessionRejected("The hub shows a succession that does not follow the hub that is known here.")
        chain.append(it)
        number, key = it.origin, it.hub_key
    return chain


def believed(chain: Sequence[Succession]) -> Succession:
    """Give the end of a chain; raises SuccessionRejected unless two known admins signed each of it."""
    if any(not it.is_signed or it.origin <= FIRST_ORIGIN for it in chain):
        raise SuccessionRejected("Two admins whom this machine knows have not signed the hub's succession.")
    return chain[-1]


def _after_key(found: Sequence[Succession], key: bytes) -> list[Succession]:
    """Leave out what led to a key: who enrolled at a later origin knows its key and not its number."""
    led_to = [place for place, it in enumerate(found) if hmac.compare_digest(it.hub_key, key)]
    return list(found[led_to[-1] + 1 :] if led_to else found)


def _signers(record: succession_pb2.SuccessionRecord, admin_key: AdminKey) -> tuple[str, ...]:
    """Give the admins whose signatures hold; one key counts once, whatever names go with it."""
    by_key: dict[bytes, str] = {}
    for signature in record.signatures:
        key = admin_key(signature.admin)
        if key is None or not hmac.compare_digest(signature.statement.payload, record.payload):
            continue
        try:
            VerifyingKey(key).verified_payload(statements.SUCCESSION, signature.statement)
        except SignatureInvalid:
            continue
        by_key.setdefault(key, signature.admin)
    return tuple(sorted(by_key.values()))
