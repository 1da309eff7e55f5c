"""No member's calls take the place of all."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from conftest import Members
from support.hub import RunningHub, running_hub
from support.wire import enrol_by_token, invited, refuses

from alliance.errors import Reason
from alliance.v1 import registry_pb2
from alliance_server.rpc import server
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


@pytest.mark.parametrize("port", ["port", "enrolment_port"])
async def test_a_port_takes_so_many_connections_and_no_more(
    new_hub_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    """Nobody who is silent keeps others out for longer than a handshake may last."""
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 5)
    monkeypatch.setattr(server, "MAX_ENROLMENT_CONNECTIONS", 5)
    async with running_hub(new_hub_folder()) as hub:
        address = "127.0.0.1", getattr(hub.hub, port)
        crowd = [socket.create_connection(address) for _ in range(5)]
        with pytest.raises(grpc.RpcError) as caught:
            await enrolled(hub)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        for one in crowd:
            one.close()
        async with asyncio.timeout(20):
            while not await is_let_in(hub):  # noqa: ASYNC110 - the hub tells nobody
                await asyncio.sleep(0.05)


async def enrolled(hub: RunningHub) -> None:
    """Enrol and make a call."""
    name = f"lender-{secrets.token_hex(4)}"
    member = await enrol_by_token(hub, name, invited(hub, name))
    hub.confirm(name)
    try:
        await member.registry.ListClaims(registry_pb2.ListClaimsRequest())
    finally:
        await member.close()


async def is_let_in(hub: RunningHub) -> bool:
    try:
        await enrolled(hub)
    except grpc.RpcError:
        return False
    return True
