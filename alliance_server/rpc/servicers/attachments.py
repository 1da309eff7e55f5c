"""Attachments of replies to police cases: the calls of CaseService that are about files."""

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from alliance.v1 import case_pb2, case_pb2_grpc
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.rpc.interceptors.draining import Drain
from alliance_server.services.cases.attachments import AttachmentService

Context = aio.ServicerContext[Any, Any]


class AttachmentServicer(case_pb2_grpc.CaseServiceServicer):
    """Takes attachments and hands them out."""

    def __init__(self, attachments: AttachmentService, drain: Drain) -> None:
        self._attachments = attachments
        self._drain = drain

    async def GetAttachment(
        self, request: case_pb2.GetAttachmentRequest, context: Context
    ) -> case_pb2.GetAttachmentResponse:
        """Say how much of an attachment is durable."""
        received, is_whole = await self._attachments.state(current_call(), request.case_id, request.attachment_id)
        return case_pb2.GetAttachmentResponse(received=received, is_whole=is_whole)

    async def UploadAttachment(
        self, request_iterator: AsyncIterator[case_pb2.UploadAttachmentRequest], context: Context
    ) -> case_pb2.UploadAttachmentResponse:
        """Take an attachment, or what is missing of it."""
        received, is_whole = await self._attachments.upload(current_call(), request_iterator)
        return case_pb2.UploadAttachmentResponse(received=received, is_whole=is_whole)

    async def DownloadAttachment(
        self, request: case_pb2.DownloadAttachmentRequest, context: Context
    ) -> AsyncIterator[case_pb2.DownloadAttachmentResponse]:
        """Hand out an attachment from an offset on."""
        chunks = self._attachments.download(
            current_call(), request.case_id, request.member, request.attachment_id, request.offset
        )
        async for chunk in chunks:
            self._drain.check()  # the caller goes on behind what it has
            yield case_pb2.DownloadAttachmentResponse(part=chunk)
