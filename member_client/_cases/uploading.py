"""The upload of one attachment: as far as the hub has it durably, then on from there, until it is whole."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Final

from alliance import statements
from alliance.crypto.secret import Secret
from alliance.v1.case_pb2 import (
    CaseAttachment,
    GetAttachmentRequest,
    GetAttachmentResponse,
    ReleasedFile,
    UploadAttachmentRequest,
)
from alliance.v1.case_pb2_grpc import CaseServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._cases.moving import OnProgress, in_time, soon
from member_client._cases.sources import Source, sealed_parts
from member_client._deadline import Deadline
from member_client._session import Session
from member_client._transport import always, may_be_tried_again, own_errors, pause, readable
from member_client.errors import AttachmentMismatch, HubError, HubUnavailable

PARTS_AT_ONCE: Final = 4
"""So many are sealed while those before them are sent."""


class Upload:
    """One attachment on its way to the hub."""

    def __init__(
        self, session: Session, case_id: bytes, source: Source, released: ReleasedFile, progress: OnProgress
    ) -> None:
        self._session = session
        self._case_id = case_id
        self._source = source
        self._released = released
        self._progress = progress
        self._goes_on = False

    async def run(self) -> None:
        """Upload until the hub has it whole."""
        try:
            await self._until_whole()
        except AttachmentMismatch:
            if not self._goes_on:
                raise
            # What lay at the hub may be what was wrong, and the hub forgot it: once more, from the start.
            await self._until_whole()

    async def _until_whole(self) -> None:
        durable, failures, deadline = 0, 0, soon()
        while not (state := await self._ask(deadline)).is_whole:
            if state.received > durable:
                durable, failures, deadline = state.received, 0, soon()
            try:
                await self._send(state.received)
                break
            except HubUnavailable as error:
                failures += 1
                if not may_be_tried_again(error, failures, deadline):
                    raise
                await pause(failures, deadline)
        self._progress(self._released.sealed_size, self._released.sealed_size)

    async def _ask(self, deadline: Deadline) -> GetAttachmentResponse:
        request = GetAttachmentRequest(case_id=self._case_id, attachment_id=self._released.attachment_id)
        state = await self._session.transport.call(
            lambda channel: CaseServiceStub(channel).GetAttachment, always(request), deadline
        )
        if state.received > self._released.sealed_size:
            raise HubError("The hub has more of an attachment than there is.")
        return state

    async def _send(self, offset: int) -> None:
        """Send what is missing from an offset on; raises HubUnavailable where it is not whole then."""
        self._goes_on = offset > 0
        parts = sealed_parts(self._source, Secret(self._released.key), offset)
        upload: Any = CaseServiceStub(self._session.transport.channel()).UploadAttachment
        async with own_errors(), _ahead(self._session, parts) as batches:
            call = upload()
            try:
                header = UploadAttachmentRequest(attachment=self._signed(), offset=offset)
                async for part in batches:
                    header.part = part
                    await in_time(call.write(header))
                    offset += len(part)
                    self._progress(offset, self._released.sealed_size)
                    header = UploadAttachmentRequest(offset=offset)
                if header.HasField("attachment"):  # nothing is missing but the hub's look at it
                    await in_time(call.write(header))
                reply = readable(await in_time(call.answer()))
            except (TimeoutError, asyncio.InvalidStateError) as error:
                raise HubUnavailable("The upload of an attachment was cut off.") from error
            finally:
                call.cancel()
        if not reply.is_whole:
            raise HubUnavailable("The hub ended the upload of an attachment before all of it was there.")

    def _signed(self) -> SignedStatement:
        """Sign what is uploaded, anew for each stream: the hub takes statements of this minute."""
        said = CaseAttachment(
            case_id=self._case_id,
            member=self._session.profile.member,
            attachment_id=self._released.attachment_id,
            sealed_size=self._released.sealed_size,
            sealed_sha256=self._released.sealed_sha256,
            time=self._session.clock.now_ms(),
        )
        return self._session.identity.statement(statements.CASE_ATTACHMENT, said.SerializeToString())


@asynccontextmanager
async def _ahead(session: Session, parts: Iterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """Give parts that are sealed on another thread, some while those before them are sent."""

    def taken() -> list[bytes]:
        return list(islice(parts, PARTS_AT_ONCE))

    sealing = asyncio.ensure_future(session.workers.cpu(taken))

    async def batches() -> AsyncIterator[bytes]:
        nonlocal sealing
        while batch := await sealing:
            sealing = asyncio.ensure_future(session.workers.cpu(taken))
            for part in batch:
                yield part

    try:
        yield batches()
    finally:
        await asyncio.gather(sealing, return_exceptions=True)  # it reads from a file that is about to be closed
