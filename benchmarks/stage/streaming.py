"""A bare stream of `grpc.aio`, beside which attachments stand: the product's TLS and size of parts, nothing behind."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
import uvloop

from alliance_server.authority import server_name
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.ports import LOOPBACK
from benchmarks.measure.processes import Child, Pipe
from benchmarks.stage.echo_server import ALLIANCE, OPTIONS, Tls, made_tls

SERVICE: Final = "benchmarks.Stream"
PART_BYTES: Final = 256 * 1024
_START_SECONDS: Final = 60.0


def streamed(folder: Path, size: int) -> tuple[float, float]:
    """Send so many bytes up a bare stream and down another; gives the seconds of each."""
    server, member = made_tls()
    with Child("stream", folder, serve, server) as process:
        port = process.answer(_START_SECONDS)
        return asyncio.run(_both_ways(f"{LOOPBACK}:{port}", member, size // PART_BYTES))


async def _both_ways(address: str, tls: Tls, parts: int) -> tuple[float, float]:
    credentials = grpc.ssl_channel_credentials(tls.authority, tls.key, tls.certificate)
    options = [*OPTIONS, ("grpc.ssl_target_name_override", server_name(ALLIANCE))]
    async with grpc.aio.secure_channel(address, credentials, options) as channel:
        start = time.perf_counter()
        bare: Any = channel
        call = bare.stream_unary(f"/{SERVICE}/Up")()
        part = bytes(PART_BYTES)
        for _ in range(parts):
            await call.write(part)
        await call.done_writing()
        taken = int(await call)
        middle = time.perf_counter()
        given = 0
        async for reply in bare.unary_stream(f"/{SERVICE}/Down")(b"%d" % parts):
            given += len(reply)
        end = time.perf_counter()
    if {taken, given} != {parts * PART_BYTES}:
        raise BenchmarkFailed("a bare stream lost bytes")
    return middle - start, end - middle


def serve(pipe: Pipe, tls: Tls) -> None:
    """Serve until ended; sends its port."""
    uvloop.run(_serve(pipe, tls))


async def _serve(pipe: Pipe, tls: Tls) -> None:
    async def up(parts: AsyncIterator[bytes], _context: object) -> bytes:
        return b"%d" % sum([len(part) async for part in parts])

    async def down(count: bytes, _context: object) -> AsyncIterator[bytes]:
        part = bytes(PART_BYTES)
        for _ in range(int(count)):
            yield part

    server = grpc.aio.server(options=OPTIONS)
    methods = {
        "Up": grpc.stream_unary_rpc_method_handler(up),
        "Down": grpc.unary_stream_rpc_method_handler(down),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    credentials = grpc.ssl_server_credentials(
        [(tls.key, tls.certificate)], root_certificates=tls.authority, require_client_auth=True
    )
    port = server.add_secure_port(f"{LOOPBACK}:0", credentials)
    await server.start()
    pipe.send(port)
    await asyncio.to_thread(pipe.poll, None)  # nothing is ever sent: true once the benchmark is gone
