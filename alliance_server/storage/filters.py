"""Filter states, snapshots and deltas in SQL."""

from dataclasses import asdict

import sqlalchemy as sa

from alliance_server.domain.filters import Delta, FilterState, Snapshot
from alliance_server.storage.tables import DeltaTable, FilterStateTable, SnapshotTable, table_of

_STATES = table_of(FilterStateTable)
_SNAPSHOTS = table_of(SnapshotTable)
_DELTAS = table_of(DeltaTable)
_STATE = sa.select(_STATES).where(_STATES.c.epoch == sa.bindparam("number"))
_SNAPSHOT = sa.select(_SNAPSHOTS).where(_SNAPSHOTS.c.bits_sha256 == sa.bindparam("digest"))


class SqlFilters:
    """Filter states, snapshots and deltas."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def state(self, epoch: int) -> FilterState | None:
        """Give an epoch's state."""
        row = self._connection.execute(_STATE, {"number": epoch}).first()
        return None if row is None else FilterState(**row._mapping)

    def advance(self, epoch: int, rows: int) -> int:
        """Reserve the next sequences for rows; returns the first. Held until the unit of work ends."""
        last: int = self._connection.execute(
            sa.update(_STATES)
            .where(_STATES.c.epoch == epoch)
            .values(sequence=_STATES.c.sequence + rows)
            .returning(_STATES.c.sequence)
        ).scalar_one()
        return last - rows + 1

    def snapshot(self, bits_sha256: bytes) -> Snapshot | None:
        """Give a snapshot."""
        row = self._connection.execute(_SNAPSHOT, {"digest": bits_sha256}).first()
        return None if row is None else Snapshot(**row._mapping)

    def publish(self, snapshot: Snapshot) -> None:
        """Put a snapshot in force."""
        self._connection.execute(sa.insert(_SNAPSHOTS).values(asdict(snapshot)))
        self._connection.execute(
            sa.update(_STATES)
            .where(_STATES.c.epoch == snapshot.epoch)
            .values(base_sha256=snapshot.bits_sha256, delta_sequence=snapshot.sequence, header=snapshot.header)
        )

    def add_delta(self, epoch: int, delta: Delta) -> None:
        """Add a delta and move the state's delta sequence."""
        self._connection.execute(sa.insert(_DELTAS).values(asdict(delta)))
        self._connection.execute(
            sa.update(_STATES).where(_STATES.c.epoch == epoch).values(delta_sequence=delta.to_sequence)
        )

    def deltas(self, base_sha256: bytes, after: int, limit: int) -> list[Delta]:
        """Give a base's next deltas from a sequence on, in order."""
        query = (
            sa.select(_DELTAS)
            .where(_DELTAS.c.base_sha256 == base_sha256, _DELTAS.c.from_sequence >= after)
            .order_by(_DELTAS.c.from_sequence)
            .limit(limit)
        )
        return [Delta(**row._mapping) for row in self._connection.execute(query)]

    def beat(self, epoch: int, heartbeat: bytes) -> None:
        """Store the newest heartbeat."""
        self._connection.execute(sa.update(_STATES).where(_STATES.c.epoch == epoch).values(heartbeat=heartbeat))

    def drop(self, epoch: int) -> list[bytes]:
        """Forget an epoch's filter; returns the digests of its files."""
        of_epoch = sa.select(_SNAPSHOTS.c.bits_sha256).where(_SNAPSHOTS.c.epoch == epoch)
        digests = list(self._connection.execute(of_epoch).scalars())
        self._connection.execute(sa.delete(_DELTAS).where(_DELTAS.c.base_sha256.in_(digests)))
        self._connection.execute(sa.delete(_SNAPSHOTS).where(_SNAPSHOTS.c.epoch == epoch))
        empty = {"base_sha256": b"", "header": b"", "heartbeat": b""}
        self._connection.execute(sa.update(_STATES).where(_STATES.c.epoch == epoch).values(empty))
        return digests

    def superseded(self, before: int) -> list[bytes]:
        """Forget snapshots that are not in force and older than a time; returns the digests of their files."""
        old = list(
            self._connection.execute(
                sa.select(_SNAPSHOTS.c.bits_sha256).where(
                    _SNAPSHOTS.c.created_at < before,
                    _SNAPSHOTS.c.bits_sha256.not_in(sa.select(_STATES.c.base_sha256)),
                )
            ).scalars()
        )
        for table, column in ((_DELTAS, _DELTAS.c.base_sha256), (_SNAPSHOTS, _SNAPSHOTS.c.bits_sha256)):
            self._connection.execute(sa.delete(table).where(column.in_(old)))
        return old
