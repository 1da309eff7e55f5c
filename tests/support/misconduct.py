"""Calls that break off, go on too long or lie about themselves, for any RPC: what a fuzzed message cannot show.

A call is opened as a stream in both directions, whatever the method is, so that the number of messages and its end are
free. The hub need not answer such calls well, or at all where they are broken off; it must not be hurt by them.
"""

import asyncio
import os
import random
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc
import psutil
from grpc import aio

from support.bombardment import SECONDS
from support.raw_http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    RawConnection,
    call_headers,
    frame,
    grpc_message,
)
from support.rpcs import FAULTS, WATCHES, Rpc
from support.wire import refusal_of

Good = Callable[[], bytes]
Act = Callable[[random.Random, Any, Good], Awaitable[None]]

FAULT_CODES = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
KEYS = ("x-garbage", "grpc-timeout2", "authorization", "x-bin-bin", "grpc-previous-rpc-attempts", "user", "cookie")


async def half_open(dice: random.Random, call: Any, good: Good) -> None:
    """Say nothing, or a little, never end, and go."""
    for _ in range(dice.choice([0, 0, 1, 2])):
        await call.write(good())
    await asyncio.sleep(0)
    call.cancel()


async def cut_in_the_middle(dice: random.Random, call: Any, good: Good) -> None:
    """Send, perhaps read a reply, and cancel."""
    await call.write(good())
    if dice.random() < 0.5:
        await call.read()
    call.cancel()


async def nothing(_dice: random.Random, call: Any, _good: Good) -> None:
    """End without a message."""
    await call.done_writing()


async def many(dice: random.Random, call: Any, good: Good) -> None:
    """Send many small messages, empty ones among them, to a method that may want one."""
    for _ in range(dice.choice([2, 20, 60])):
        await call.write(dice.choice([b"", b"\0", good()]))
    await call.done_writing()


async def garbage_after_good(dice: random.Random, call: Any, good: Good) -> None:
    """Send a good message, then what is none."""
    await call.write(good())
    await call.write(dice.randbytes(dice.choice([1, 100, 5000])))
    await call.done_writing()


async def over_the_limit(_dice: random.Random, call: Any, _good: Good) -> None:
    """Send a message that is longer than any may be."""
    await call.write(bytes(4 * 1024 * 1024 + 1))
    await call.done_writing()


ACTS: tuple[Act, ...] = (half_open, cut_in_the_middle, nothing, many, garbage_after_good, over_the_limit)


async def misbehave(dice: random.Random, channel: Any, rpc: Rpc, good: Good, act: Act) -> str:
    """Make one such call; gives its end. Fails where it hangs, or ends with the hub's own trouble."""
    call = channel.stream_stream(rpc.path)()
    failure: aio.AioRpcError | None = None
    try:
        async with asyncio.timeout(SECONDS):
            await act(dice, call, good)
            if _is_left_open(rpc, act):
                call.cancel()
            else:
                await _to_its_end(call)
    except asyncio.InvalidStateError:  # it ended before everything was said
        pass
    except aio.AioRpcError as error:
        failure = error
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
    except TimeoutError:
        raise AssertionError(f"{rpc.path} hangs after {act.__name__}") from None
    if failure is not None and _came_from_the_hub(failure):
        assert refusal_of(failure).reason not in FAULTS, f"{rpc.path} fails at {act.__name__}"
    code = await call.code()
    assert code not in FAULT_CODES, f"{rpc.path} ends {code.name} after {act.__name__}"
    return str(code.name)


def hang_up(port: int) -> None:
    """End this process's connections to a port; gRPC's client keeps some open, on which a write failed, for good."""
    for connection in psutil.Process().net_connections("tcp"):
        if connection.raddr[1:] == (port,):
            # gRPC's threads may close it first.
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fd)) as copy:
                copy.shutdown(socket.SHUT_RDWR)


def _is_left_open(rpc: Rpc, act: Act) -> bool:
    """Tell whether only the caller ends it: a watch, and a call whose one message never comes."""
    return rpc.path in WATCHES or (act is nothing and not rpc.many_requests)


def _came_from_the_hub(failure: aio.AioRpcError) -> bool:
    metadata: Any = failure.trailing_metadata()
    return "grpc-status-details-bin" in dict(metadata or ())


async def _to_its_end(call: Any) -> None:
    while isinstance(await call.read(), bytes):
        pass


def garbage_metadata(dice: random.Random) -> list[tuple[str, str | bytes]]:
    """Give metadata that means nothing: many keys, repeated ones, long and odd values."""
    pairs: list[tuple[str, str | bytes]] = []
    for _ in range(dice.choice([1, 3, 20])):
        key = dice.choice(KEYS)
        if key.endswith("-bin"):
            pairs.append((key, dice.randbytes(dice.choice([0, 1, 64, 300]))))
        else:
            pairs.append((key, "".join(chr(dice.randint(0x20, 0x7E)) for _ in range(dice.choice([0, 1, 40, 300])))))
    return pairs


# -- frames that no library would send --------------------------------------------------------------------------


async def raw_misconduct(dice: random.Random, connection: RawConnection, stream: int, path: str, good: bytes) -> bool:
    """Do one thing on a stream of its own that HTTP/2 or gRPC forbids; gives whether the hub still listens."""
    headers = frame(HEADERS, END_HEADERS, stream, call_headers(path))
    message = grpc_message(good)

    def data(content: bytes, flags: int = 0) -> bytes:
        return frame(DATA, flags, stream, content)

    acts: list[list[bytes]] = [
        # A message after the half-close, and headers after it.
        [headers, data(message, END_STREAM), data(message, END_STREAM)],
        [headers, data(message, END_STREAM), headers],
        # Messages that lie about their length or their compression, or stop short.
        [headers, data(grpc_message(good, length=2**32 - 1), END_STREAM)],
        [headers, data(grpc_message(good, length=len(good) + 9), END_STREAM)],
        [headers, data(grpc_message(good, compressed=1), END_STREAM)],
        [headers, data(grpc_message(good, compressed=dice.randrange(2, 256)), END_STREAM)],
        [headers, data(message[: dice.randrange(len(message))], END_STREAM)],
        # Calls that are left half open, or reset in the middle.
        [headers],
        [headers, data(message[: len(message) // 2])],
        [headers, data(message), frame(RST_STREAM, 0, stream, dice.randbytes(4))],
        # Headers that cannot be meant.
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, dice.randbytes(dice.choice([0, 7, 60])))],
        [frame(HEADERS, END_HEADERS, stream, call_headers(path, (b"grpc-timeout", dice.randbytes(5).hex().encode())))],
        [frame(HEADERS, END_HEADERS, stream, call_headers(path, (b"x-long", b"v" * 20_000)))],
        [frame(HEADERS, END_HEADERS, stream, call_headers(path, (b"grpc-encoding", b"none-such"))), data(message, 1)],
        [frame(HEADERS, END_HEADERS, stream, call_headers("/" + "a" * dice.randrange(900)))],
        # Frames where none belong.
        [frame(CONTINUATION, END_HEADERS, stream, b"")],
        [frame(SETTINGS, 0, 0, dice.randbytes(6))],
        [frame(PING, 0, 0, dice.randbytes(dice.choice([8, 7])))],
        [frame(GOAWAY, 0, 0, dice.randbytes(8))],
        [frame(WINDOW_UPDATE, 0, dice.choice([0, stream]), dice.randbytes(4))],
        [frame(dice.randrange(256), dice.randrange(256), dice.choice([0, stream, 2]), dice.randbytes(20))],
        [dice.randbytes(dice.choice([1, 9, 200]))],
    ]
    return await connection.send(*dice.choice(acts))
