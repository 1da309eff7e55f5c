"""A turn of maintenance that outlives its lease changes nothing."""

import asyncio
import threading
from functools import partial

import pytest
import sqlalchemy as sa
from conftest import Members
from support.hub import RunningHub

from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.services import filter_maintenance
from alliance_server.services.filter_maintenance import LEASE, LEASE_MS
from alliance_server.storage.snapshot_files import FileSnapshots

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_who_lost_the_lease_publishes_nothing(own_hub: RunningHub, own_members: Members) -> None:
    member = await own_members(own_hub)
    await own_hub.stop_maintenance()
    store, maintenance = own_hub.hub.store, own_hub.hub.maintenance
    before = store.read_now(lambda transaction: transaction.filters.state(1))
    own_hub.clock.advance(seconds=LEASE_MS / 1000 + 1)
    now = own_hub.clock.now_ms()
    assert store.write_now(lambda transaction: transaction.leases.acquire(LEASE, "another", now, now + LEASE_MS))
    with pytest.raises(Refused) as caught:
        await maintenance.rebuild(1)
    assert caught.value.reason is Reason.UNAVAILABLE
    assert store.read_now(lambda transaction: transaction.filters.state(1)) == before
    await member.file(member.row(b"\x11" * 32))
    assert await maintenance.turn() is False


async def test_a_build_that_takes_longer_than_the_lease_keeps_it(
    own_hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await own_hub.stop_maintenance()
    monkeypatch.setattr(filter_maintenance, "RENEW_SECONDS", 0.01)
    store, clock = own_hub.hub.store, own_hub.clock
    saving, go_on = threading.Event(), threading.Event()
    save = FileSnapshots.save

    def slow(files: FileSnapshots, bits: bytes) -> bytes:
        saving.set()
        assert go_on.wait(60)
        return save(files, bits)

    monkeypatch.setattr(FileSnapshots, "save", slow)
    before = store.read_now(lambda transaction: transaction.filters.state(1))
    building = asyncio.create_task(own_hub.hub.maintenance.rebuild(1))
    try:
        assert await asyncio.to_thread(saving.wait, 60)
        for _ in range(3):
            clock.advance(seconds=LEASE_MS / 1000 - 1)
            await _renewed(own_hub)
            assert not await store.write(partial(_acquired, now=clock.now_ms()))
    finally:
        go_on.set()
    snapshot = await building
    state = store.read_now(lambda transaction: transaction.filters.state(1))
    assert state is not None
    assert before is not None
    assert state.base_sha256 == snapshot.bits_sha256 != before.base_sha256


def _acquired(transaction: Transaction, *, now: int) -> bool:
    return transaction.leases.acquire(LEASE, "another", now, now + LEASE_MS)


async def _renewed(hub: RunningHub) -> None:
    """Wait until the lease was taken a moment ago."""
    query = sa.text("SELECT expires_at FROM leases WHERE name = :name")
    async with asyncio.timeout(60):
        while True:
            with hub.hub.store.engine.connect() as connection:
                ends_at = connection.execute(query, {"name": LEASE}).scalar_one()
            if ends_at > hub.clock.now_ms() + LEASE_MS / 2:
                return
            await asyncio.sleep(0.01)
