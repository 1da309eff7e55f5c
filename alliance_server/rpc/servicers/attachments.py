"""Attachments of replies to police cases: the calls of CaseService that are about files."""

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from alliance.errors import Reason
from alliance.v1 import case_pb2, case_pb2_grpc
from alliance_server.domain.errors import Refused

Context = aio.ServicerContext[Any, Any]


class AttachmentServicer(case_pb2_grpc.CaseServiceServicer):
    """Takes and gives files. The policy opens none of these calls yet."""

    async def GetAttachment(
        self, request: case_pb2.GetAttachmentRequest, context: Context
    ) -> case_pb2.GetAttachmentResponse:
        """Say how far an attachment is."""
        raise Refused(Reason.NOT_PERMITTED, "attachments are not taken yet")

    async def UploadAttachment(
        self, request_iterator: AsyncIterator[case_pb2.UploadAttachmentRequest], context: Context
    ) -> case_pb2.UploadAttachmentResponse:
        """Take an attachment."""
        raise Refused(Reason.NOT_PERMITTED, "attachments are not taken yet")

    def DownloadAttachment(
        self, request: case_pb2.DownloadAttachmentRequest, context: Context
    ) -> AsyncIterator[case_pb2.DownloadAttachmentResponse]:
        """Give an attachment."""
        raise Refused(Reason.NOT_PERMITTED, "attachments are not taken yet")
