"""A network that misbehaves: a TCP proxy on loopback between a member and its hub."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from member_client import AllianceClient, Profile

_READ_BYTES = 16 * 1024
_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER that turns a close into a reset."""


class Proxy:
    """Passes bytes on until it is told otherwise; what it is told holds for open and for new connections."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._bytes_left: dict[str, int | None] = {"up": None, "down": None}
        self.delay_seconds = 0.0
        self.bytes_a_second = 0
        self.connections = 0
        self.resets = 0

    def point_to(self, port: int) -> None:
        """Lead new connections to another port; those that are open stay where they are."""
        self._target = "127.0.0.1", port

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self._passing.set()
        self.reset()
        await asyncio.sleep(0)

    # -- what it can do to a connection ---------------------------------------------------------------------

    def reset(self) -> None:
        """Cut all connections at once; new ones are welcome."""
        for writer in tuple(self._writers):
            self._abort(writer)
        self.resets += 1

    def reset_after(self, direction: str, count: int) -> None:
        """Reset the connection once so many more bytes went `up` to the hub or `down` from it: inside a frame."""
        self._bytes_left[direction] = count

    async def refuse(self, seconds: float) -> None:
        """Cut all connections and refuse new ones for a while, as a machine does whose hub is not running."""
        host, _, port = self.address.rpartition(":")
        assert self._server is not None
        self._server.close()
        self.reset()
        await asyncio.sleep(seconds)
        self._server = await asyncio.start_server(self._serve, host, int(port))

    def swallow(self) -> None:
        """Accept everything from now on, and answer nothing."""
        self._passing.clear()

    def mend(self) -> None:
        """Let bytes pass again, on new connections: what was swallowed is gone."""
        self.reset()
        self._passing.set()

    # -- connections ----------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        if not self._passing.is_set():
            return  # accepted, and never answered
        try:
            hub_reader, hub_writer = await asyncio.open_connection(*self._target)
        except OSError:
            self._abort(writer)
            return
        self._writers.add(hub_writer)
        ways = self._pass_on("up", reader, hub_writer), self._pass_on("down", hub_reader, writer)
        await asyncio.gather(*ways, return_exceptions=True)
        self._abort(writer)
        self._abort(hub_writer)

    async def _pass_on(self, direction: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_READ_BYTES):
            await self._passing.wait()
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            if self.bytes_a_second:
                await asyncio.sleep(len(chunk) / self.bytes_a_second)
            left = self._bytes_left[direction]
            if left is not None and left <= len(chunk):
                self._bytes_left[direction] = None
                writer.write(chunk[:left])
                with suppress(OSError):
                    await writer.drain()
                self.reset()
                return
            if left is not None:
                self._bytes_left[direction] = left - len(chunk)
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    def _abort(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        connection: Any = writer.get_extra_info("socket")
        if connection is not None:
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        writer.transport.abort()


@asynccontextmanager
async def through_proxy(folder: Path, **options: Any) -> AsyncIterator[tuple[AllianceClient, Proxy]]:
    """Give an enrolled lender's client whose way to the hub leads through a proxy."""
    profile = Profile.load(folder)
    proxy = Proxy(profile.hub)
    await proxy.start()
    try:
        async with AllianceClient(replace(profile, hub=proxy.address), **options) as client:
            yield client, proxy
    finally:
        await proxy.stop()
