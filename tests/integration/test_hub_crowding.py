"""No member's calls take the place of all."""

import asyncio

import pytest
from conftest import Members
from support.hub import RunningHub
from support.wire import refuses

from alliance.errors import Reason
from alliance.v1 import registry_pb2
from alliance_server.rpc.interceptors import calls

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_member_has_so_many_calls_under_way_and_no_more(
    own_hub: RunningHub, own_members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MAX_CALLS_A_MEMBER", 2)
    crowd, other = await own_members(own_hub), await own_members(own_hub)
    streams = [crowd.registry.Contribute() for _ in range(2)]
    await reaches(own_hub, crowd.id, 2)
    with refuses(Reason.UNAVAILABLE):
        await crowd.registry.ListClaims(registry_pb2.ListClaimsRequest())
    await other.registry.ListClaims(registry_pb2.ListClaimsRequest())
    for stream in streams:
        stream.cancel()
    await reaches(own_hub, crowd.id, 0)
    await crowd.registry.ListClaims(registry_pb2.ListClaimsRequest())


async def reaches(hub: RunningHub, member: str, calls_under_way: int) -> None:
    """Wait until the hub has taken notice of what a channel did."""
    async with asyncio.timeout(20):
        while hub.hub.calls.under_way(member) != calls_under_way:  # noqa: ASYNC110 - the hub tells nobody
            await asyncio.sleep(0.01)
