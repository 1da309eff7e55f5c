"""How the epochs stand, as admins see it: states, who still has claims to re-tag, and what is destroyed."""

from dataclasses import dataclass

from alliance.v1 import admin_pb2, epoch_pb2
from member_client.errors import HubError

_WORDS = {
    epoch_pb2.EPOCH_STATE_PENDING: "pending",
    epoch_pb2.EPOCH_STATE_ACTIVE: "active",
    epoch_pb2.EPOCH_STATE_RETIRING: "retiring",
    epoch_pb2.EPOCH_STATE_RETIRED: "retired",
}


@dataclass(frozen=True, slots=True)
class EpochStanding:
    """How an epoch stands; times in milliseconds UTC, 0 where something has not happened.

    `state` is pending, active, retiring or retired; `announced` says that its key is made. `laggards` gives live claims
    that wait to be re-tagged by member, most first. `claims_left` counts those of a retired epoch that are still to be
    destroyed.
    """

    epoch: int
    state: str
    not_before: int
    not_after: int
    announced: bool
    live_claims: int
    laggards: dict[str, int]
    claims_left: int
    retagged_at: int
    destroyed_at: int


def read_epoch_standing(standing: admin_pb2.EpochStanding) -> EpochStanding:
    """Read a standing; raises HubError where its state is none."""
    if standing.state not in _WORDS:
        raise HubError("The hub shows an epoch in a state that this version does not know.")
    return EpochStanding(
        epoch=standing.epoch,
        state=_WORDS[standing.state],
        not_before=standing.not_before,
        not_after=standing.not_after,
        announced=standing.announced,
        live_claims=standing.live_claims,
        laggards={it.member: it.claims for it in standing.laggards},
        claims_left=standing.claims_left,
        retagged_at=standing.retagged_at,
        destroyed_at=standing.destroyed_at,
    )
