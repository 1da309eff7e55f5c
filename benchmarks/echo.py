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
from benchmarks.echo_server import (
    ALLIANCE,
    BULK,
    LOOPBACK,
    ONLINE,
    OPTIONS,
    Tls,
    made_tls,
    reply_of,
    request_of,
    serve,
)
from benchmarks.processes import Child
from benchmarks.report import BenchmarkFailed, Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.timing import Call, Calls, called, percentile

IN_FLIGHT = 16
_START_SECONDS = 30.0
_DISK_WRITE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Bare:
    """What the machine gives without the product."""

    one: Calls
    many: Calls
    bulk: Calls
    bulk_many: Calls
    tcp_one: Calls
    tcp_bulk: Calls
    sync_seconds: float
    """Median of one small write that is synced to the hub's disk."""


def measured_bare(folder: Path, sizes: Sizes) -> Bare:
    """Run the server and call it; syncs small writes in the folder."""
    server_tls, client_tls = made_tls()
    with Child("echo", folder, serve, server_tls) as server:
        ports = server.answer(_START_SECONDS)
        return asyncio.run(_measured(ports, client_tls, synced(folder, sizes), sizes))


async def _measured(ports: dict[int, int], tls: Tls, sync_seconds: float, sizes: Sizes) -> Bare:
    few = max(sizes.echo_calls // 10, 20)
    credentials = grpc.ssl_channel_credentials(tls.authority, tls.key, tls.certificate)
    options = [("grpc.ssl_target_name_override", server_name(ALLIANCE)), *OPTIONS]
    async with grpc.aio.secure_channel(f"{LOOPBACK}:{ports[0]}", credentials, options=options) as channel:
        small, large = (_grpc_call(channel, items) for items in (ONLINE, BULK))
        for call in (small, large):
            await called(call, 20)
        one, many = await called(small, sizes.echo_calls), await called(small, sizes.echo_calls, IN_FLIGHT)
        bulk, bulk_many = await called(large, few), await called(large, few, 3)
    async with _tcp_call(ports[ONLINE], ONLINE) as small, _tcp_call(ports[BULK], BULK) as large:
        for call in (small, large):
            await called(call, 20)
        tcp_one, tcp_bulk = await called(small, sizes.echo_calls), await called(large, few)
    return Bare(one, many, bulk, bulk_many, tcp_one, tcp_bulk, sync_seconds)


def _grpc_call(channel: grpc.aio.Channel, items: int) -> Call:
    method: Any = channel.unary_unary(
        f"/benchmarks.Echo/Echo{items}", request_serializer=None, response_deserializer=None
    )
    request, expected = request_of(items), len(reply_of(items))

    async def call(_number: int) -> None:
        if len(await method(request)) != expected:
            raise BenchmarkFailed("the echo gave something else")

    return call


@asynccontextmanager
async def _tcp_call(port: int, items: int) -> AsyncIterator[Call]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    request, expected = request_of(items), len(reply_of(items))

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
    tcp = "bare TCP echo of the same bytes"
    figures = [
        *_latencies("echo of a check of 3", bare.one, tcp, bare.tcp_one),
        Figure(f"echo of a check of 3: {IN_FLIGHT} in flight", bare.many.rate, "calls/s", tcp, bare.tcp_one.rate),
        *_latencies("echo of a batch of 4,096", bare.bulk, tcp, bare.tcp_bulk),
        Figure("echo of a batch of 4,096: 3 in flight", bare.bulk_many.rate, "calls/s", tcp, bare.tcp_bulk.rate),
    ]
    note = (
        "mutual TLS on loopback, server in a process of its own under uvloop, client here under asyncio; bytes in, "
        f"bytes out. TCP: one in flight. A synced write of 4 KiB: {1000 * bare.sync_seconds:.2f} ms."
    )
    return Section("3 bare grpc.aio echo", note, tuple(figures))


def _latencies(name: str, calls: Calls, rival: str, rivals: Calls) -> list[Figure]:
    return [
        Figure(f"{name}: one in flight", calls.rate, "calls/s", rival, rivals.rate),
        Figure(f"{name}: p50", calls.milliseconds(0.5), "ms", rival, rivals.milliseconds(0.5)),
        Figure(f"{name}: p99", calls.milliseconds(0.99), "ms", rival, rivals.milliseconds(0.99)),
    ]
