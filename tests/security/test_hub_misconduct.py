"""Members that break calls off, lie in frames and metadata, or send without end: nobody else is hurt, none hangs."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from support.bombardment import alive, answer
from support.hub import running_hub
from support.misconduct import ACTS, garbage_metadata, misbehave, raw_misconduct
from support.raw_http2 import DATA, END_HEADERS, END_STREAM, HEADERS, call_headers, frame, grpc_message, raw_connection
from support.rpcs import RPCS, Rpc, good_requests, of_members_port, sender
from support.wire import WireMember, enrol

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(new_hub_folder: Callable[[], Path]) -> AsyncIterator[WireMember]:
    async with running_hub(new_hub_folder()) as hub:
        member = await enrol(hub, "lender-1")
        await member.credit(1000)
        yield member
        await member.close()


async def nobody_is_left(target: WireMember) -> None:
    """Whatever was broken off holds no place at the hub."""
    async with asyncio.timeout(20):
        while target.hub.hub.calls.under_way(target.id):  # noqa: ASYNC110 - the hub tells nobody
            await asyncio.sleep(0.01)


@of_members_port
async def test_calls_that_are_not_what_the_method_wants(target: WireMember, rpc: Rpc) -> None:
    dice = random.Random(f"misconduct {rpc.path}")  # noqa: S311 - repeatable
    good = good_requests(target)[rpc.path]
    ends = {await misbehave(dice, target.channel, rpc, lambda: good().SerializeToString(), act) for act in ACTS}
    assert "CANCELLED" in ends
    await nobody_is_left(target)
    assert await alive(target)


@of_members_port
async def test_metadata_that_means_nothing(target: WireMember, rpc: Rpc) -> None:
    dice = random.Random(f"metadata {rpc.path}")  # noqa: S311 - repeatable
    good = good_requests(target)[rpc.path]
    send = sender(target.channel, rpc, lambda: garbage_metadata(dice))
    for _ in range(3):
        await answer(rpc, send, good().SerializeToString())
    assert await alive(target)


async def test_frames_that_no_library_would_send(target: WireMember, tmp_path: Path) -> None:
    dice = random.Random("frames")  # noqa: S311 - repeatable
    good = good_requests(target)
    paths = [path for path in RPCS if path in good]
    for _ in range(40):
        async with raw_connection(target, tmp_path) as connection:
            for stream in range(1, 21, 2):
                path = dice.choice(paths)
                if not await raw_misconduct(dice, connection, stream, path, good[path]().SerializeToString()):
                    break
            await connection.drained(0.01)
    await nobody_is_left(target)
    assert await alive(target)


async def test_the_raw_connection_is_understood(target: WireMember, tmp_path: Path) -> None:
    """What the frames above are worth: a good call among them is answered, and audited."""
    path = "/alliance.v1.EpochService/ListEpochs"
    before = len(target.events())
    async with raw_connection(target, tmp_path) as connection:
        message = grpc_message(good_requests(target)[path]().SerializeToString())
        await connection.send(frame(HEADERS, END_HEADERS, 1, call_headers(path)), frame(DATA, END_STREAM, 1, message))
        assert b"grpc-status\x010" in await connection.drained(1)
    assert [event.action for event in target.events()[before:]] == ["epoch:list"]
