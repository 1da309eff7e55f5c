"""A turn of maintenance that outlives its lease changes nothing."""

import pytest
from conftest import Members
from support.hub import RunningHub

from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.services.filter_maintenance import LEASE, LEASE_MS

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
