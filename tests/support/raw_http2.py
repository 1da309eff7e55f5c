"""HTTP/2 frames by hand over TLS: what no gRPC library would send. It reads nothing but whether the peer hangs up."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from alliance_server.authority import server_name
from support.wire import WireMember

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 0x1, 0x4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SECONDS = 30

Field = tuple[bytes, bytes]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Give a frame (RFC 9113 §4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def grpc_message(content: bytes, *, compressed: int = 0, length: int | None = None) -> bytes:
    """Give a message as gRPC frames it; `length` may lie."""
    return bytes([compressed]) + (len(content) if length is None else length).to_bytes(4, "big") + content


def call_headers(path: str, *more: Field) -> bytes:
    """Give the header block of a call, every field a literal that is not indexed (RFC 7541 §6.2.2)."""
    fields: Sequence[Field] = (
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":path", path.encode()),
        (b":authority", b"hub"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
        *more,
    )
    return header_block(fields)


def header_block(fields: Sequence[Field]) -> bytes:
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(content: bytes) -> bytes:
    return _integer(len(content)) + content


def _integer(number: int) -> bytes:
    """Give an integer of a seven-bit prefix (RFC 7541 §5.1)."""
    if number < 127:
        return bytes([number])
    rest, encoded = number - 127, bytearray([127])
    while rest >= 128:
        encoded.append(rest % 128 + 128)
        rest //= 128
    encoded.append(rest)
    return bytes(encoded)


class RawConnection:
    """A member's connection on which anything may be written."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, *frames: bytes) -> bool:
        """Write; gives whether the peer still listens."""
        try:
            self._writer.write(b"".join(frames))
            async with asyncio.timeout(SECONDS):
                await self._writer.drain()
        except (ConnectionError, ssl.SSLError):
            return False
        return not self._reader.at_eof()

    async def drained(self, seconds: float) -> bytes:
        """Read what comes for a while, or until the peer hangs up."""
        read = bytearray()
        try:
            async with asyncio.timeout(seconds):
                while part := await self._reader.read(65536):
                    read += part
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass
        return bytes(read)


@asynccontextmanager
async def raw_connection(member: WireMember, folder: Path) -> AsyncIterator[RawConnection]:
    """Connect to the members' port with a member's certificate, HTTP/2 begun."""
    identity = folder / "raw-identity.pem"
    identity.write_bytes(member.identity[0] + member.identity[1])
    context = ssl.create_default_context(cadata=member.hub.hub.keys.authority.certificate_pem.decode())
    context.load_cert_chain(identity)
    context.set_alpn_protocols(["h2"])
    host, port = member.hub.address.rsplit(":", 1)
    name = server_name(member.hub.hub.config.alliance)
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=name)
    try:
        writer.write(PREFACE + frame(SETTINGS, 0, 0, b""))
        yield RawConnection(reader, writer)
    finally:
        writer.transport.abort()  # without TLS's farewell, which the hub need not answer
