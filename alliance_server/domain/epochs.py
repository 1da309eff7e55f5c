"""Key epochs."""

from dataclasses import dataclass
from enum import IntEnum

from alliance.errors import Reason
from alliance.v1 import epoch_pb2
from alliance_server.domain.errors import Refused

SUITE = "ristretto255-SHA512/VOPRF"
EPOCH_LIFE_MS = 180 * 24 * 60 * 60 * 1000


class EpochState(IntEnum):
    """State of an epoch, with the wire's numbers."""

    PENDING = epoch_pb2.EPOCH_STATE_PENDING
    ACTIVE = epoch_pb2.EPOCH_STATE_ACTIVE
    RETIRING = epoch_pb2.EPOCH_STATE_RETIRING
    RETIRED = epoch_pb2.EPOCH_STATE_RETIRED


SERVING = frozenset({EpochState.ACTIVE, EpochState.RETIRING})


@dataclass(frozen=True, slots=True)
class Epoch:
    """A key epoch; times in milliseconds UTC."""

    id: int
    suite: str
    public_key: bytes
    state: EpochState
    not_before: int
    not_after: int


def require_serving(epoch: Epoch | None, now: int) -> Epoch:
    """Give the epoch if it serves evaluations, filters and buckets now; raises Refused."""
    if epoch is None or epoch.state not in SERVING or not epoch.not_before <= now < epoch.not_after:
        raise Refused(Reason.EPOCH_NOT_SERVED, "the epoch is unknown or does not serve")
    return epoch


def contributes(epoch: Epoch, now: int) -> bool:
    """Say whether an epoch takes claims now."""
    return epoch.state is EpochState.ACTIVE and epoch.not_before <= now < epoch.not_after


def require_contributing(epoch: Epoch | None, now: int) -> Epoch:
    """Give the epoch if it takes claims now; raises Refused."""
    serving = require_serving(epoch, now)
    if not contributes(serving, now):
        raise Refused(Reason.EPOCH_NOT_SERVED, "the epoch takes no new claims")
    return serving
