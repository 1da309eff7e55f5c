"""Attachments of replies: taken as they come, handed out as they lie, deleted with all that is sealed.

- An attachment leaves an event when it is begun, and each upload one at its end. That of the last is a step of the
  case: the hub has held the whole against the digest that the member signed. What differs is removed.
- Files are written and read on threads, a few at a time: one that is read again, to go on with its digest, takes
  seconds, and the rest of the hub uses the same threads.
- What was acknowledged survives whatever ends a stream, or the hub.
- Rows come before their files, and go after them: there is no file that no row tells of.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from hmac import compare_digest
from typing import Final, ParamSpec, TypeVar

from alliance.clock import Clock
from alliance.errors import Reason
from alliance.v1.case_pb2 import UploadAttachmentRequest
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.attachments import (
    Attachment,
    check_part,
    check_room,
    check_same,
    file_name,
    offered,
)
from alliance_server.domain.audit import record_event
from alliance_server.domain.cases import Case, check_window
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import AttachmentFiles, AttachmentUpload, Store, Transaction
from alliance_server.services.call import Call

P = ParamSpec("P")
T = TypeVar("T")

CHUNK_BYTES: Final = 256 * 1024
PURGED_AT_ONCE: Final = 64
THREADS: Final = 3
"""Fewer than there are on the smallest machine."""


class AttachmentService:
    """Takes attachments and hands them out."""

    def __init__(self, store: Store, files: AttachmentFiles, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._threads = asyncio.Semaphore(THREADS)

    async def state(self, call: Call, case_id: bytes, attachment_id: bytes) -> tuple[int, bool]:
        """Give how much of an attachment of the caller's is durable, and whether it is whole; raises Refused."""
        key = case_id, call.caller.member_id, attachment_id

        def work(transaction: Transaction) -> Attachment | None:
            _asked(transaction, call, case_id)
            transaction.record(call.event(items=1))
            return transaction.attachments.get(key)

        found = await self._store.write(work)
        durable = 0 if found is None else await self._on_thread(self._files.durable, found.file_name)
        return durable, found is not None and _is_whole(found, durable)

    async def upload(self, call: Call, messages: AsyncIterator[UploadAttachmentRequest]) -> tuple[int, bool]:
        """Take an attachment, or what is missing of it; gives how much is durable, and whether it is whole.

        Raises Refused or SignatureInvalid.
        """
        first = await anext(messages, None)
        if first is None:
            raise Refused(Reason.INVALID_REQUEST, "an upload begins with what was signed of it")
        offer = offered(call.caller, first.attachment, call.now())
        attachment, until = await self._store.write(lambda transaction: _begin(transaction, call, offer))
        durable = await self._on_thread(self._files.durable, attachment.file_name)
        if _is_whole(attachment, durable):
            await self._record(call, attachment, 1)
            return durable, True
        upload = await self._written(self._files.begin, attachment.file_name, first.offset, attachment.sealed_size)
        try:
            await self._take(attachment, upload, first)
            async for message in messages:
                if call.now() >= until:
                    raise Refused(Reason.REPLY_WINDOW_CLOSED, "replies are not taken any more")
                await self._take(attachment, upload, message)
            await self._written(upload.close)
        finally:
            with suppress(OSError):  # what is not durable now comes once more
                await self._on_thread(upload.close)
        if upload.received < attachment.sealed_size:
            await self._record(call, attachment, 0)
            return upload.received, False
        await self._complete(call, attachment, upload)
        return upload.received, True

    async def download(
        self, call: Call, case_id: bytes, member: str, attachment_id: bytes, offset: int
    ) -> AsyncIterator[bytes]:
        """Give an attachment to the caller's case from an offset on; raises Refused."""

        def work(transaction: Transaction) -> Attachment:
            case = transaction.cases.get(case_id)
            if case is None or case.liaison != call.caller.member_id:
                raise Refused(Reason.NOT_FOUND, "no such case of the caller")
            if not case.is_handed_over(call.now()):
                raise Refused(Reason.CASE_STATE_CONFLICT, "replies are not handed over yet")
            found = transaction.attachments.get((case_id, member, attachment_id))
            if found is None or found.whole_at is None:
                raise Refused(Reason.NOT_FOUND, "no such attachment")
            if offset > found.sealed_size:
                raise Refused(Reason.INVALID_REQUEST, "the offset lies past the end")
            transaction.record(call.event(items=1, commitments=(found.content_sha256,)))
            return found

        found = await self._store.write(work)
        chunks = iter(self._files.chunks(found.file_name, offset, CHUNK_BYTES))
        try:
            while chunk := await self._on_thread(_next, chunks):
                yield chunk
        except FileNotFoundError:
            raise Refused(Reason.NOT_FOUND, "the attachment's file is gone") from None

    async def purge(self) -> int:
        """Delete attachments of cases that ended long enough ago; returns how many."""
        now = self._clock.now_ms()
        due = await self._store.read(lambda transaction: transaction.attachments.due_to_purge(now, PURGED_AT_ONCE))
        for key in due:
            await self._on_thread(self._files.remove, file_name(*key))

        def work(transaction: Transaction) -> int:
            purged = sum(map(transaction.attachments.remove, due))
            if purged:
                action = AuditAction.ATTACHMENT_PURGE
                transaction.record(record_event(time=now, actor=HUB_ACTOR, action=action, items=purged))
            return purged

        return await self._store.write(work) if due else 0

    async def _take(self, attachment: Attachment, upload: AttachmentUpload, message: UploadAttachmentRequest) -> None:
        check_part(attachment, upload.received, message.offset, message.part)
        await self._written(upload.append, message.part)

    async def _written(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Write; raises Refused where there is no room, it does not go on, or another upload is under way."""
        try:
            return await self._on_thread(work, *args, **kwargs)
        except ValueError:
            raise Refused(Reason.ATTACHMENT_MISMATCH, "less of the attachment is durable") from None
        except BlockingIOError:
            raise Refused(Reason.UNAVAILABLE, "another upload of the attachment is under way") from None
        except OSError as error:
            raise Refused(Reason.STORAGE_FULL, f"the attachment cannot be written ({type(error).__name__})") from None

    async def _on_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._threads:
            return await asyncio.to_thread(work, *args, **kwargs)

    async def _record(self, call: Call, attachment: Attachment, items: int) -> None:
        event = call.event(items=items, commitments=(attachment.content_sha256,))
        await self._store.write(lambda transaction: transaction.record(event))

    async def _complete(self, call: Call, attachment: Attachment, upload: AttachmentUpload) -> None:
        """Note that an attachment is whole, or forget it; raises Refused."""
        is_right = compare_digest(upload.sha256, attachment.sealed_sha256)
        commitments = (attachment.content_sha256,)
        if not is_right:
            await self._on_thread(self._files.remove, attachment.file_name)

        def work(transaction: Transaction) -> None:
            if not is_right:
                transaction.attachments.remove(attachment.key)
                refusal = Reason.ATTACHMENT_MISMATCH
                transaction.record(call.event(items=1, items_refused=1, commitments=commitments, refusal=refusal))
                return
            check_window(_asked(transaction, call, attachment.case_id), call.now())
            event = call.event(items=1, commitments=commitments)
            if transaction.attachments.complete(attachment.key, call.now()):
                transaction.step(attachment.case_id, event, attachment.statement, of_member=True)
            else:  # another stream was faster
                transaction.record(event)

        await self._store.write(work)
        if not is_right:
            call.refusal_recorded = True
            raise Refused(Reason.ATTACHMENT_MISMATCH, "the attachment has another digest than was signed")


def _begin(transaction: Transaction, call: Call, offer: Attachment) -> tuple[Attachment, int]:
    """Give an attachment that may be uploaded now, and until when; raises Refused."""
    case = _asked(transaction, call, offer.case_id)
    check_window(case, call.now())
    known = transaction.attachments.get(offer.key)
    if known is None:
        check_room(*transaction.attachments.used(offer.case_id, offer.member), offer)
        transaction.attachments.add(offer)
        transaction.record(
            record_event(
                time=offer.begun_at,
                actor=offer.member,
                action=AuditAction.ATTACHMENT_BEGIN,
                items=1,
                commitments=(offer.content_sha256,),
            )
        )
        return offer, case.reply_by
    check_same(known, offer)
    return known, case.reply_by


def _asked(transaction: Transaction, call: Call, case_id: bytes) -> Case:
    """Give a case that asks the caller, held; for who is not asked there is none. Raises Refused.

    Nobody looks for the case of who is not asked: it takes no longer where there is one.
    """
    asked = transaction.cases.asked(case_id, call.caller.member_id)
    case = transaction.cases.get(case_id) if asked is not None else None
    if case is None:
        raise Refused(Reason.NOT_FOUND, "no such case that asks the caller")
    return case


def _is_whole(attachment: Attachment, durable: int) -> bool:
    return attachment.whole_at is not None and durable == attachment.sealed_size


def _next(chunks: Iterator[bytes]) -> bytes:
    return next(chunks, b"")
