"""Key epochs: one serves, and for a while two, so that members can re-tag their claims from one into the next.

| state | is asked under | takes claims | has a filter |
|---|---|---|---|
| pending, its key not made yet | no | no | no |
| pending (begun) | for rotation | re-tagged ones | yes: members fetch it before it serves |
| active | yes | yes | yes |
| retiring | yes | no | yes |
| retired | no | no | no: key, filter and claims are destroyed |

At most one epoch is pending and one retiring, so that no claim is ever sought in more than two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from alliance.errors import Reason
from alliance.taxonomy import Purpose
from alliance.v1 import epoch_pb2
from alliance_server.domain.errors import Refused

MAX_EPOCH: Final = 2**31 - 1
"""The wire's uint32 is wider than what every database keeps."""

SUITE = "ristretto255-SHA512/VOPRF"
EPOCH_LIFE_MS = 180 * 24 * 60 * 60 * 1000
"""From the day on which it begins to serve."""


class EpochState(IntEnum):
    """State of an epoch, with the wire's numbers."""

    PENDING = epoch_pb2.EPOCH_STATE_PENDING
    ACTIVE = epoch_pb2.EPOCH_STATE_ACTIVE
    RETIRING = epoch_pb2.EPOCH_STATE_RETIRING
    RETIRED = epoch_pb2.EPOCH_STATE_RETIRED


SERVING = frozenset({EpochState.ACTIVE, EpochState.RETIRING})


@dataclass(frozen=True, slots=True)
class Epoch:
    """A key epoch; times in milliseconds UTC. The public key is empty until the key is made."""

    id: int
    suite: str
    public_key: bytes
    state: EpochState
    not_before: int
    not_after: int
    retagged_at: int | None = None
    """Of one that retires: since when none of its claims waits to be re-tagged, and the next one's filter has them."""
    destroyed_at: int | None = None
    """Of a retired one: when key, filter and claims were destroyed."""
    filter_sequence: int | None = None
    """Of one that was re-tagged into: the sequence with which its filter holds all that was."""

    @property
    def has_filter(self) -> bool:
        """Whether members may hold its filter."""
        return bool(self.public_key) and self.state is not EpochState.RETIRED


@dataclass(frozen=True, slots=True)
class EpochStanding:
    """How far re-tagging out of an epoch and its destruction are."""

    epoch: Epoch
    live_claims: int
    laggards: Sequence[tuple[str, int]]
    """Members with live claims to be re-tagged, and how many; most first."""
    claims_left: int


def require_filter(epoch: Epoch | None, now: int) -> Epoch:
    """Give the epoch if its filter is served now; raises Refused."""
    if epoch is None or not epoch.has_filter or not epoch.not_before <= now < epoch.not_after:
        raise Refused(Reason.EPOCH_NOT_SERVED, "the epoch is unknown or does not serve")
    return epoch


def require_serving(epoch: Epoch | None, now: int) -> Epoch:
    """Give the epoch if it serves evaluations and buckets now; raises Refused."""
    serving = require_filter(epoch, now)
    if serving.state not in SERVING:
        raise Refused(Reason.EPOCH_NOT_SERVED, "the epoch is unknown or does not serve")
    return serving


def contributes(epoch: Epoch, now: int) -> bool:
    """Say whether an epoch takes claims now."""
    return epoch.state is EpochState.ACTIVE and epoch.not_before <= now < epoch.not_after


def retags(epoch: Epoch, now: int) -> bool:
    """Say whether an epoch takes claims that re-tag those of an earlier one now."""
    takes = epoch.state in {EpochState.PENDING, EpochState.ACTIVE}
    return takes and epoch.has_filter and epoch.not_before <= now < epoch.not_after


def require_evaluating(epoch: Epoch | None, purpose: Purpose, now: int) -> Epoch:
    """Give the epoch if evaluations for a purpose are served under it now; raises Refused."""
    found = require_filter(epoch, now)
    if purpose is Purpose.ROTATION:
        may = retags(found, now)
    else:
        may = contributes(found, now) if purpose is Purpose.CONTRIBUTION else found.state in SERVING
    if not may:
        raise Refused(Reason.EPOCH_NOT_SERVED, f"the epoch does not serve {purpose.word}")
    return found


def begun(epochs: Sequence[Epoch], number: int, now: int) -> Epoch:
    """Give the epoch that follows, pending, without its key; raises Refused."""
    last = epochs[-1]
    if number != last.id + 1 or last.state is not EpochState.ACTIVE:
        raise Refused(Reason.EPOCH_STATE_CONFLICT, "an epoch follows the last one, which must be active")
    if any(epoch.state is EpochState.RETIRING for epoch in epochs):
        raise Refused(Reason.EPOCH_STATE_CONFLICT, "the epoch before the active one must be retired first")
    return Epoch(number, SUITE, b"", EpochState.PENDING, now, now + EPOCH_LIFE_MS)


def activated(epochs: Sequence[Epoch], number: int, now: int) -> tuple[Epoch, Epoch]:
    """Give the pending epoch as active, and the one that was active as retiring; raises Refused."""
    pending = next((it for it in epochs if it.id == number), None)
    active = next((it for it in epochs if it.state is EpochState.ACTIVE), None)
    if pending is None or active is None or pending.state is not EpochState.PENDING or not pending.public_key:
        raise Refused(Reason.EPOCH_STATE_CONFLICT, "the epoch is not pending, or its key is not made yet")
    serves = replace(pending, state=EpochState.ACTIVE, not_before=now, not_after=now + EPOCH_LIFE_MS)
    return serves, replace(active, state=EpochState.RETIRING)


def retired(epochs: Sequence[Epoch], number: int) -> Epoch:
    """Give the retiring epoch as retired; raises Refused."""
    retiring = next((it for it in epochs if it.id == number and it.state is EpochState.RETIRING), None)
    if retiring is None:
        raise Refused(Reason.EPOCH_STATE_CONFLICT, "the epoch is not retiring")
    if retiring.retagged_at is None:
        raise Refused(Reason.RETAGGING_INCOMPLETE, "live claims of the epoch are not re-tagged")
    return replace(retiring, state=EpochState.RETIRED)
