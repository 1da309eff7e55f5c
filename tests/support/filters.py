"""A reader of filters on the raw wire: verifies everything, keeps the bits, applies deltas."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from alliance.crypto import bloom
from alliance.crypto.signing import VerifyingKey
from alliance.statements import FILTER_DELTA, FILTER_HEADER, FILTER_HEARTBEAT
from alliance.v1 import filter_pb2
from support.wire import WireMember


@dataclass
class ReadFilter:
    """A filter as a member holds it."""

    header: filter_pb2.FilterHeader
    heartbeat: filter_pb2.FilterHeartbeat
    bits: bytearray
    sequence: int

    def has(self, tag: bytes) -> bool:
        shape = bloom.Shape(self.header.bits, self.header.hashes, self.header.seed)
        return bloom.Filter(shape, self.bits).might_contain(tag)


def _hub_key(member: WireMember) -> VerifyingKey:
    return VerifyingKey(member.hub.hub.keys.identity.public_key)


async def read_head(member: WireMember) -> tuple[filter_pb2.FilterHeader, filter_pb2.FilterHeartbeat]:
    """Get header and heartbeat, verified under the hub's key."""
    key = _hub_key(member)
    reply = await member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=1))
    header = filter_pb2.FilterHeader.FromString(key.verified_payload(FILTER_HEADER, reply.header))
    heartbeat = filter_pb2.FilterHeartbeat.FromString(key.verified_payload(FILTER_HEARTBEAT, reply.heartbeat))
    return header, heartbeat


async def download(member: WireMember, digest: bytes, offset: int = 0) -> bytes:
    """Download bits from an offset on; every chunk says where it belongs."""
    bits = b""
    request = filter_pb2.DownloadSnapshotRequest(bits_sha256=digest, offset=offset)
    async for part in member.filters.DownloadSnapshot(request):
        assert part.offset == offset + len(bits)
        assert 0 < len(part.chunk) <= 256 * 1024
        bits += part.chunk
    return bits


async def read_deltas(member: WireMember, digest: bytes, after: int) -> list[filter_pb2.FilterDelta]:
    """List deltas, verified under the hub's key."""
    request = filter_pb2.ListDeltasRequest(base_sha256=digest, after_sequence=after)
    parts: Any = member.filters.ListDeltas(request)
    key = _hub_key(member)
    return [filter_pb2.FilterDelta.FromString(key.verified_payload(FILTER_DELTA, part.delta)) async for part in parts]


async def beats_at(member: WireMember, sequence: int) -> None:
    """Wait until the hub's own job beats at a sequence."""
    async with asyncio.timeout(20):
        while (await read_head(member))[1].sequence < sequence:  # noqa: ASYNC110 - it happens in the hub
            await asyncio.sleep(0.01)


async def read_filter(member: WireMember) -> ReadFilter:
    """Read the whole filter in force and hold it together."""
    header, heartbeat = await read_head(member)
    assert heartbeat.base_sha256 == header.bits_sha256
    bits = bytearray(await download(member, header.bits_sha256))
    assert len(bits) == header.bits // 8
    assert sha256(bits).digest() == header.bits_sha256
    read = ReadFilter(header, heartbeat, bits, header.sequence)
    for delta in await read_deltas(member, header.bits_sha256, header.sequence):
        assert (delta.epoch, delta.base_sha256) == (header.epoch, header.bits_sha256)
        assert delta.from_sequence == read.sequence
        bloom.apply_positions(read.bits, bloom.decode_positions(delta.position_gaps, header.bits))
        read.sequence = delta.to_sequence
    assert read.sequence >= heartbeat.sequence
    return read
