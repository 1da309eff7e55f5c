"""AuditService."""

from typing import Any

from grpc import aio

from alliance.v1 import audit_pb2, audit_pb2_grpc
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.audit import AuditService


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Shows actors their events."""

    def __init__(self, service: AuditService) -> None:
        self._service = service

    async def ListEvents(
        self, request: audit_pb2.ListEventsRequest, context: aio.ServicerContext[Any, Any]
    ) -> audit_pb2.ListEventsResponse:
        """List a page of the caller's own events."""
        records, more = await self._service.own(current_call(), request.page_size, request.page_token)
        return audit_pb2.ListEventsResponse(
            records=[
                audit_pb2.AuditRecord(salt=record.salt, event=record.event, leaf_hash=record.leaf_hash)
                for record in records
            ],
            next_page_token=more,
        )
