"""Key epochs: which one serves, and the key that each was first seen with.

Rules:

1. A statement `epoch` counts only under the pinned hub key.
2. The public key of an epoch is pinned, durably, before it is used for the first time, and after the audit log proved
   that the hub published it. The same epoch with another key later is EpochKeyChanged, whatever the hub signs: a second
   key could tell this member's queries apart.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from alliance import facts, statements
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.v1.epoch_pb2 import EPOCH_STATE_ACTIVE, EPOCH_STATE_PENDING, EPOCH_STATE_RETIRING, Epoch, EpochState
from alliance.v1.statement_pb2 import SignedStatement
from member_client._store import Shelf, Store
from member_client.errors import EpochKeyChanged, EpochNotServed, EpochRevived, StatementInvalid

_KNOWN_STATES: Final = frozenset({EPOCH_STATE_PENDING, EPOCH_STATE_ACTIVE, EPOCH_STATE_RETIRING})
SUITE: Final = "ristretto255-SHA512/VOPRF"
PUBLIC_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PinnedEpoch:
    """An epoch that is begun or serves, with the key that it was first seen with. Times in milliseconds UTC."""

    id: int
    public_key: bytes
    state: "EpochState.ValueType"
    not_before: int
    not_after: int
    retagged: bool = False
    """Of one that retires: whether all its live claims are in a later one too, and in that one's filter."""
    filter_sequence: int = 0
    """What its filter must have reached to clear anybody by itself."""


@dataclass(frozen=True, slots=True)
class Epochs:
    """The epochs that matter now."""

    active: PinnedEpoch
    """Claims are filed in it, and people screened by it."""
    leaving: PinnedEpoch | None = None
    """The one before, while it serves: claims that are not re-tagged yet are in it alone."""
    coming: PinnedEpoch | None = None
    """The one that is begun: claims are re-tagged into it before it serves."""

    def screened(self, sequence: int) -> tuple[PinnedEpoch, ...]:
        """Those that must be asked so that no claim is missed, the active one first.

        `sequence` is what the active one's filter has reached here.
        """
        if self.leaving is None or (self.leaving.retagged and sequence >= self.active.filter_sequence):
            return (self.active,)
        return self.active, self.leaving

    @property
    def known(self) -> tuple[PinnedEpoch, ...]:
        """All of them, the active one first."""
        return tuple(epoch for epoch in (self.active, self.leaving, self.coming) if epoch is not None)

    @property
    def target(self) -> PinnedEpoch | None:
        """The one that claims are re-tagged into; None where nothing is to be re-tagged."""
        return self.coming or (self.active if self.leaving is not None and not self.leaving.retagged else None)


def read_epochs(signed: Iterable[SignedStatement], hub_key: VerifyingKey) -> list[PinnedEpoch]:
    """Verify statements and give the epochs that are begun or serve; raises StatementInvalid."""
    epochs: list[PinnedEpoch] = []
    for statement in signed:
        epoch = Epoch()
        try:
            epoch.ParseFromString(hub_key.verified_payload(statements.EPOCH, statement))
        except (SignatureInvalid, DecodeError) as error:
            raise StatementInvalid("The hub's statement about an epoch does not verify.") from error
        if epoch.suite != SUITE or len(epoch.public_key) != PUBLIC_KEY_BYTES or epoch.id == 0:
            raise StatementInvalid("The hub's statement about an epoch names another suite or no key.")
        if epoch.state in _KNOWN_STATES:
            times = epoch.not_before, epoch.not_after
            epochs.append(
                PinnedEpoch(epoch.id, epoch.public_key, epoch.state, *times, epoch.retagged, epoch.filter_sequence)
            )
    return epochs


def facts_of(epochs: Iterable[PinnedEpoch]) -> list[bytes]:
    """Give the digests that the audit log has to prove."""
    return [facts.epoch(it.id, SUITE, it.public_key, it.not_before, it.not_after) for it in epochs]


def hold(epochs: Iterable[PinnedEpoch], store: Store) -> None:
    """Hold epochs against those that are pinned. Blocks; raises EpochKeyChanged or EpochRevived."""
    for epoch in epochs:
        if store.get(Shelf.PINS, b"retired/%d" % epoch.id) is not None:
            raise EpochRevived(f"Epoch {epoch.id} was destroyed, and is shown as one that serves.")
        _require_same(epoch, store.get(Shelf.PINS, _name(epoch)))


def pin(epochs: Iterable[PinnedEpoch], store: Store) -> None:
    """Hold each epoch's key against the one first seen, or remember it; raises EpochKeyChanged or EpochRevived."""
    known = list(epochs)
    hold(known, store)
    for epoch in known:
        _require_same(epoch, store.claim(Shelf.PINS, _name(epoch), epoch.public_key))


def _require_same(epoch: PinnedEpoch, first_seen: bytes | None) -> None:
    if first_seen is not None and not hmac.compare_digest(first_seen, epoch.public_key):
        raise EpochKeyChanged(f"Epoch {epoch.id} has another public key than when it was first seen.")


def _name(epoch: PinnedEpoch) -> bytes:
    return b"epoch/%d" % epoch.id


def retired_rows(retired: Iterable[int]) -> list[tuple[bytes, bytes]]:
    """Give the pins of epochs that are gone for good."""
    return [(b"retired/%d" % epoch, b"") for epoch in sorted(retired)]


def serving(epochs: Iterable[PinnedEpoch], now_ms: int) -> Epochs:
    """Choose the epochs that matter now, of each state the newest; raises EpochNotServed where none is active."""
    newest: dict[int, PinnedEpoch] = {}
    for epoch in sorted(epochs, key=lambda epoch: epoch.id):
        if epoch.not_before <= now_ms < epoch.not_after:
            newest[epoch.state] = epoch
    if EPOCH_STATE_ACTIVE not in newest:
        raise EpochNotServed("The hub names no epoch that serves now.")
    return Epochs(newest[EPOCH_STATE_ACTIVE], newest.get(EPOCH_STATE_RETIRING), newest.get(EPOCH_STATE_PENDING))
