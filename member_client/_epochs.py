"""Key epochs: which one serves, and the key that each was first seen with.

Rules:

1. A statement `epoch` counts only under the pinned hub key.
2. The public key of an epoch is pinned, durably, before it is used for the first time. The same epoch with another
   key later is EpochKeyChanged, whatever the hub signs: a second key could tell this member's queries apart.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.v1.epoch_pb2 import EPOCH_STATE_ACTIVE, EPOCH_STATE_RETIRING, Epoch
from alliance.v1.statement_pb2 import SignedStatement
from member_client._store import Shelf, Store
from member_client.errors import EpochKeyChanged, EpochNotServed, EpochRevived, StatementInvalid

SUITE: Final = "ristretto255-SHA512/VOPRF"
PUBLIC_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PinnedEpoch:
    """An epoch that serves, with the key that it was first seen with. Times in milliseconds UTC."""

    id: int
    public_key: bytes
    active: bool
    not_before: int
    not_after: int


def read_epochs(signed: Iterable[SignedStatement], hub_key: VerifyingKey) -> list[PinnedEpoch]:
    """Verify statements and give the epochs that serve; raises StatementInvalid."""
    epochs: list[PinnedEpoch] = []
    for statement in signed:
        epoch = Epoch()
        try:
            epoch.ParseFromString(hub_key.verified_payload(statements.EPOCH, statement))
        except (SignatureInvalid, DecodeError) as error:
            raise StatementInvalid("The hub's statement about an epoch does not verify.") from error
        if epoch.suite != SUITE or len(epoch.public_key) != PUBLIC_KEY_BYTES or epoch.id == 0:
            raise StatementInvalid("The hub's statement about an epoch names another suite or no key.")
        if epoch.state in (EPOCH_STATE_ACTIVE, EPOCH_STATE_RETIRING):
            active = epoch.state == EPOCH_STATE_ACTIVE
            epochs.append(PinnedEpoch(epoch.id, epoch.public_key, active, epoch.not_before, epoch.not_after))
    return epochs


def pin(epochs: Iterable[PinnedEpoch], store: Store) -> None:
    """Hold each epoch's key against the one first seen, or remember it; raises EpochKeyChanged or EpochRevived."""
    for epoch in epochs:
        if store.get(Shelf.PINS, b"retired/%d" % epoch.id) is not None:
            raise EpochRevived(f"Epoch {epoch.id} was destroyed, and is shown as one that serves.")
        first_seen = store.claim(Shelf.PINS, b"epoch/%d" % epoch.id, epoch.public_key)
        if not hmac.compare_digest(first_seen, epoch.public_key):
            raise EpochKeyChanged(f"Epoch {epoch.id} has another public key than when it was first seen.")


def retired_rows(retired: Iterable[int]) -> list[tuple[bytes, bytes]]:
    """Give the pins of epochs that are gone for good."""
    return [(b"retired/%d" % epoch, b"") for epoch in sorted(retired)]


def serving(epochs: Iterable[PinnedEpoch], now_ms: int) -> PinnedEpoch:
    """Choose the active epoch, the newest if several are; raises EpochNotServed where there is none."""
    active = [epoch for epoch in epochs if epoch.active and epoch.not_before <= now_ms < epoch.not_after]
    if not active:
        raise EpochNotServed("The hub names no epoch that serves now.")
    return max(active, key=lambda epoch: epoch.id)
