"""A bare `grpc.aio` echo, beside which the product's calls stand: the same TLS, message sizes and number in flight.

Below it, a TCP echo without TLS or gRPC is what the machine's loopback gives at most, and a synced write what its
disk gives: the hub answers only after its audit row is durable.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import grpc
import grpc.aio

from alliance_server.authority import server_name
from benchmarks.measure.calls import Call, Calls, called, called_for
from benchmarks.measure.clocks import percentile
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.ports import LOOPBACK
from benchmarks.measure.processes import Child
from benchmarks.stage.echo_server import ALLIANCE, OPTIONS, SERVICE, Ports, made_tls, method_of, serve
from benchmarks.stage.messages import Exchange

_WARM_UP = 20
_START_SECONDS = 30.0
_DISK_WRITE_BYTES = 4096
_DISK_WRITES = 50


class Echo(AbstractContextManager["Echo"]):
    """An echo's server in a process of its own; called from this one."""

    def __init__(self, folder: Path) -> None:
        """Make its certificates; its log lies in the folder."""
        self._folder = folder
        self._server_tls, self._tls = made_tls()

    def __enter__(self) -> Self:
        self._process = Child("echo", self._folder, serve, self._server_tls)
        try:
            self._ports: Ports = self._process.answer(_START_SECONDS)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def called(self, exchange: Exchange, count: int, in_flight: int) -> Calls:
        """Make so many calls over one channel."""
        return asyncio.run(self._grpc(exchange, in_flight, count=count))

    def called_for(self, exchange: Exchange, seconds: float, in_flight: int) -> Calls:
        """Make calls over one channel for so long."""
        return asyncio.run(self._grpc(exchange, in_flight, seconds=seconds))

    def tcp(self, exchange: Exchange, count: int) -> Calls:
        """Exchange the same bytes over bare TCP, one at a time."""
        return asyncio.run(self._tcp(exchange, count))

    async def _grpc(self, exchange: Exchange, in_flight: int, *, count: int = 0, seconds: float = 0.0) -> Calls:
        credentials = grpc.ssl_channel_credentials(self._tls.authority, self._tls.key, self._tls.certificate)
        options = [("grpc.ssl_target_name_override", server_name(ALLIANCE)), *OPTIONS]
        async with grpc.aio.secure_channel(f"{LOOPBACK}:{self._ports.grpc}", credentials, options=options) as channel:
            call = _grpc_call(channel, exchange)
            await called(call, _WARM_UP, in_flight)
            return await (called(call, count, in_flight) if count else called_for(call, seconds, in_flight))

    async def _tcp(self, exchange: Exchange, count: int) -> Calls:
        async with _tcp_call(self._ports.tcp[exchange.name], exchange) as call:
            await called(call, _WARM_UP)
            return await called(call, count)


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


def synced(folder: Path) -> float:
    """Give the median seconds of one small write with its sync to the folder's disk."""
    content, seconds = os.urandom(_DISK_WRITE_BYTES), []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(_DISK_WRITES):
            start = time.perf_counter()
            file.write(content)
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - start)
    path.unlink()
    return percentile(seconds, 0.5)
