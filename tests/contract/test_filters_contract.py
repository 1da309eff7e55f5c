"""What a store's filter states, snapshots and deltas must do, run on SQLite and on a real PostgreSQL."""

from support.stores import LATER, NOW, given

from alliance_server.domain.filters import Delta, Snapshot
from alliance_server.domain.ports import Transaction
from alliance_server.storage.unit_of_work import SqlStore


def snapshot(digest: bytes, created_at: int = NOW, sequence: int = 0) -> Snapshot:
    return Snapshot(digest, 1, sequence, 1, 2**16, 10, 2**32 - 1, 0, created_at, b"header" + digest)


def test_a_snapshot_is_put_in_force_and_superseded(with_epoch: SqlStore) -> None:
    old, new = snapshot(b"a" * 32), snapshot(b"b" * 32, NOW + 10, sequence=7)
    deltas = [Delta(old.bits_sha256, after, after + 2, b"d") for after in (0, 2, 4)]

    def publish(transaction: Transaction) -> None:
        transaction.filters.publish(old)
        for delta in deltas:
            transaction.filters.add_delta(1, delta)

    with_epoch.write_now(publish)
    state = with_epoch.read_now(lambda transaction: transaction.filters.state(1))
    assert state is not None
    assert (state.base_sha256, state.delta_sequence, state.header) == (old.bits_sha256, 6, old.header)
    by_sequence = {
        after: with_epoch.read_now(
            given(lambda transaction, it: transaction.filters.deltas(old.bits_sha256, it, 100), after)
        )
        for after in (0, 2, 5, 6, 2**63 - 1)
    }
    assert by_sequence == {0: deltas, 2: deltas[1:], 5: [], 6: [], 2**63 - 1: []}
    assert with_epoch.read_now(lambda transaction: transaction.filters.snapshot(old.bits_sha256)) == old

    assert with_epoch.write_now(lambda transaction: transaction.filters.superseded(LATER)) == []
    with_epoch.write_now(lambda transaction: transaction.filters.publish(new))
    assert with_epoch.write_now(lambda transaction: transaction.filters.superseded(NOW)) == []
    assert with_epoch.write_now(lambda transaction: transaction.filters.superseded(LATER)) == [old.bits_sha256]
    assert with_epoch.read_now(lambda transaction: transaction.filters.snapshot(old.bits_sha256)) is None
    assert with_epoch.read_now(lambda transaction: transaction.filters.deltas(old.bits_sha256, 0, 100)) == []
    after = with_epoch.read_now(lambda transaction: transaction.filters.state(1))
    assert after is not None
    assert (after.base_sha256, after.delta_sequence) == (new.bits_sha256, 7)


def test_a_heartbeat_is_replaced(with_epoch: SqlStore) -> None:
    for beat in (b"one", b"two"):
        with_epoch.write_now(given(lambda transaction, it: transaction.filters.beat(1, it), beat))
    state = with_epoch.read_now(lambda transaction: transaction.filters.state(1))
    assert state is not None
    assert state.heartbeat == b"two"
