"""Part 3: a bare `grpc.aio` echo, beside which the product's calls stand.

Below it, a TCP echo without TLS or gRPC is what the machine's loopback gives at most, and a synced write what its
disk gives: the hub answers only after its audit row is durable.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from alliance_server.authority import server_name
from benchmarks.echo_server import ALLIANCE, LOOPBACK, OPTIONS, SERVICE, Ports, Tls, made_tls, method_of, serve
from benchmarks.messages import BATCH, CHECK, CHUNK, EXCHANGES, Exchange
from benchmarks.processes import Child
from benchmarks.report import BenchmarkFailed, Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.timing import Call, Calls, called, percentile

IN_FLIGHT, BULK_IN_FLIGHT = 16, 3
"""Online checks, and batches, in flight together."""
_WARM_UP = 20
_START_SECONDS = 30.0
_DISK_WRITE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Echo:
    """What one exchange takes bare: gRPC one and several at a time, TCP one at a time."""

    exchange: Exchange
    one: Calls
    many: Calls
    width: int
    tcp: Calls


@dataclass(frozen=True, slots=True)
class Bare:
    """What the machine gives without the product."""

    check: Echo
    batch: Echo
    chunk: Echo
    sync_seconds: float
    """Median of one small write that is synced to the hub's disk."""


def measured_bare(folder: Path, sizes: Sizes) -> Bare:
    """Run the server and call it; syncs small writes in the folder."""
    server_tls, client_tls = made_tls()
    with Child("echo", folder, serve, server_tls) as server:
        ports = server.answer(_START_SECONDS)
        echoes = asyncio.run(_measured(ports, client_tls, sizes))
    return Bare(echoes[CHECK], echoes[BATCH], echoes[CHUNK], synced(folder, sizes))


async def _measured(ports: Ports, tls: Tls, sizes: Sizes) -> dict[Exchange, Echo]:
    credentials = grpc.ssl_channel_credentials(tls.authority, tls.key, tls.certificate)
    options = [("grpc.ssl_target_name_override", server_name(ALLIANCE)), *OPTIONS]
    echoes = {}
    async with grpc.aio.secure_channel(f"{LOOPBACK}:{ports.grpc}", credentials, options=options) as channel:
        for exchange in EXCHANGES:
            count, width = (sizes.echo_calls, IN_FLIGHT) if exchange is CHECK else (sizes.large_calls, BULK_IN_FLIGHT)
            call = _grpc_call(channel, exchange)
            await called(call, _WARM_UP)
            one, many = await called(call, count), await called(call, count, width)
            async with _tcp_call(ports.tcp[exchange.name], exchange) as tcp:
                await called(tcp, _WARM_UP)
                echoes[exchange] = Echo(exchange, one, many, width, await called(tcp, count))
    return echoes


def _grpc_call(channel: grpc.aio.Channel, exchange: Exchange) -> Call:
    path = f"/{SERVICE}/{method_of(exchange)}"
    method: Any = channel.unary_unary(path, request_serializer=None, response_deserializer=None)
    request, expected = exchange.request_bytes(), len(exchange.reply_bytes())

    async def call(_number: int) -> None:
        if len(await method(request)) != expected:
            raise BenchmarkFailed("the echo gave something else")

    return call


@asynccontextmanager
async def _tcp_call(port: int, exchange: Exchange) -> AsyncIterator[Call]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    request, expected = exchange.request_bytes(), len(exchange.reply_bytes())

    async def call(_number: int) -> None:
        writer.write(request)
        await reader.readexactly(expected)

    try:
        yield call
    finally:
        writer.close()


def synced(folder: Path, sizes: Sizes) -> float:
    """Give the median seconds of one small write with its sync to disk."""
    content, seconds = os.urandom(_DISK_WRITE_BYTES), []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(max(30, sizes.echo_calls // 20)):
            start = time.perf_counter()
            file.write(content)
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - start)
    path.unlink()
    return percentile(seconds, 0.5)


def echo_figures(bare: Bare) -> Section:
    """Part 3 as figures."""
    figures = [figure for echo in (bare.check, bare.batch, bare.chunk) for figure in _figures(echo)]
    note = (
        "mutual TLS on loopback, server in a process of its own under uvloop, client here under asyncio; bytes in, "
        f"bytes out. TCP: one in flight. A synced write of 4 KiB: {1000 * bare.sync_seconds:.2f} ms."
    )
    return Section("3 bare grpc.aio echo", note, tuple(figures))


def _figures(echo: Echo) -> list[Figure]:
    name, tcp = f"echo of a {echo.exchange.name}", "bare TCP echo of the same bytes"
    one, many, rival = echo.one, echo.many, echo.tcp
    return [
        Figure(f"{name}: one in flight", one.rate, "calls/s", tcp, rival.rate),
        Figure(f"{name}: p50", one.milliseconds(0.5), "ms", tcp, rival.milliseconds(0.5)),
        Figure(f"{name}: p99", one.milliseconds(0.99), "ms", tcp, rival.milliseconds(0.99)),
        Figure(f"{name}: {echo.width} in flight", many.rate, "calls/s", tcp, rival.rate),
    ]
