"""BucketService."""

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from alliance.v1 import bucket_pb2, bucket_pb2_grpc
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.buckets import BucketPart, BucketService

Context = aio.ServicerContext[Any, Any]


class BucketServicer(bucket_pb2_grpc.BucketServiceServicer):
    """Serves buckets."""

    def __init__(self, service: BucketService) -> None:
        self._service = service

    async def GetBuckets(
        self, request: bucket_pb2.GetBucketsRequest, context: Context
    ) -> AsyncIterator[bucket_pb2.GetBucketsResponse]:
        """Get buckets in ascending order."""
        parts = self._service.get(current_call(), request.epoch, request.prefix_bits, list(request.prefixes))
        async for part in parts:
            yield _message(part)

    async def ReportEntry(
        self, request: bucket_pb2.ReportEntryRequest, context: Context
    ) -> bucket_pb2.ReportEntryResponse:
        """Record that an entry was found wrong."""
        await self._service.report(current_call(), request.entry_id, request.finding)
        return bucket_pb2.ReportEntryResponse()


def _message(part: BucketPart) -> bucket_pb2.GetBucketsResponse:
    message = bucket_pb2.GetBucketsResponse(prefix=part.prefix, complete=part.complete)
    add = message.entries.add
    for entry, status in part.entries:
        shown = add(entry_id=entry.entry_id, handle=entry.handle, box=entry.box, claim_sha256=entry.claim_sha256)
        if status is not None:
            shown.status.CopyFrom(status)
    return message
