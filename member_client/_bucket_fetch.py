"""Fetches buckets, each prefix once, going on after a cut with the first bucket that is not complete."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from alliance.v1 import bucket_pb2
from alliance.v1.bucket_pb2 import BucketEntry, GetBucketsRequest, GetBucketsResponse, ReportEntryRequest
from alliance.v1.bucket_pb2_grpc import BucketServiceStub
from member_client._deadline import Deadline
from member_client._transport import Transport, always, may_be_tried_again, own_errors, pause, readable
from member_client.errors import AllianceClientError, BucketOverfull, HubError, HubUnavailable

MAX_PREFIXES: Final = 4096
MAX_BUCKET_ENTRIES: Final = 1 << 16
_ENTRY_BYTES: Final = 2048  # id, handle, box and digest take 592; a statement about the status up to 1,024
_MESSAGE_BYTES: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class Bucket:
    """A whole bucket, in the parts that it came in: one that is only cover is never looked into."""

    prefix: int
    parts: Sequence[GetBucketsResponse]

    def __len__(self) -> int:
        return sum(len(part.entries) for part in self.parts)

    def __iter__(self) -> Iterator[BucketEntry]:
        return chain.from_iterable(part.entries for part in self.parts)


class BucketFetcher:
    """The bucket service, for one member."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.prefixes = 0

    async def buckets(
        self, epoch: int, bits: int, prefixes: Sequence[int], deadline: Deadline
    ) -> AsyncGenerator[Bucket, None]:
        """Give whole buckets, in ascending order of their prefixes, which must be ascending and each once."""
        for start in range(0, len(prefixes), MAX_PREFIXES):
            left = list(prefixes[start : start + MAX_PREFIXES])
            failures = 0
            while left:
                try:
                    async for bucket in self._stream(epoch, bits, left, deadline):
                        left.pop(0)
                        self.prefixes += 1
                        failures = 0
                        yield bucket
                    if left:
                        raise HubUnavailable("The stream of buckets was cut off.")
                except AllianceClientError as error:
                    failures += 1
                    if not may_be_tried_again(error, failures, deadline):
                        raise
                    await pause(failures - 1, deadline)

    async def _stream(
        self, epoch: int, bits: int, prefixes: Sequence[int], deadline: Deadline
    ) -> AsyncGenerator[Bucket, None]:
        request = GetBucketsRequest(epoch=epoch, prefix_bits=bits, prefixes=prefixes)
        expected = iter(tuple(prefixes))
        current = next(expected)
        parts: list[GetBucketsResponse] = []
        entries = 0
        async with own_errors():
            call = BucketServiceStub(self._transport.channel()).GetBuckets(
                request, timeout=max(deadline.remaining(), 0.001)
            )
            try:
                async for reply in call:
                    part = readable(reply)
                    _check_order(part, current, entries)
                    parts.append(part)
                    entries += len(part.entries)
                    if part.complete:
                        yield Bucket(current, parts)
                        current, parts, entries = next(expected, -1), [], 0
            finally:
                call.cancel()

    async def report(self, entry_id: bytes, finding: bucket_pb2.EntryFinding.ValueType, deadline: Deadline) -> None:
        """Report an entry to the hub's operator."""
        request = ReportEntryRequest(entry_id=entry_id, finding=finding)
        await self._transport.call(lambda channel: BucketServiceStub(channel).ReportEntry, always(request), deadline)


def _check_order(part: GetBucketsResponse, current: int, entries: int) -> None:
    if part.prefix != current:
        raise HubError("The hub sends buckets that were not asked for, or out of order.")
    if entries + len(part.entries) > MAX_BUCKET_ENTRIES:
        # Anybody may file into a bucket, so this is no reason to give the whole run up.
        raise BucketOverfull("A bucket holds more entries than any should.")
    if part.ByteSize() > _MESSAGE_BYTES + len(part.entries) * _ENTRY_BYTES:
        raise HubError("The hub sends entries of a bucket that are longer than any can be.")
