"""What the hub holds of a filter: its state, snapshots and deltas. Sequences count an epoch's registry rows."""

from dataclasses import dataclass

from alliance.v1.filter_pb2 import FilterHeartbeat
from alliance.v1.statement_pb2 import SignedStatement


@dataclass(frozen=True, slots=True)
class FilterState:
    """Where an epoch's filter stands. `base_sha256` is empty until the first snapshot is built."""

    epoch: int
    sequence: int
    """Registry rows of the epoch so far."""
    base_sha256: bytes
    delta_sequence: int
    """Sequence that base and deltas together reach."""
    header: bytes
    heartbeat: bytes

    @property
    def last_heartbeat(self) -> FilterHeartbeat:
        """What the newest heartbeat says; an empty one before the first."""
        statement = SignedStatement.FromString(self.heartbeat)
        return FilterHeartbeat.FromString(statement.payload)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published snapshot; the bits lie in a file named by their SHA-256."""

    bits_sha256: bytes
    epoch: int
    sequence: int
    listings: int
    bits: int
    hashes: int
    seed: int
    prefix_bits: int
    created_at: int
    header: bytes
    """Serialised SignedStatement `filter-header`."""


@dataclass(frozen=True, slots=True)
class Delta:
    """Bits newly set by the sequences (from, to] over a base."""

    base_sha256: bytes
    from_sequence: int
    to_sequence: int
    statement: bytes
    """Serialised SignedStatement `filter-delta`."""
