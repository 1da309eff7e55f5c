"""A channel whose answers are believed with the hub's receipt alone: each call's request is bound to what comes back.

Rules:

1. What is bound is the message as it was sent: it is serialised here, once.
2. An answer is handed on only after its receipt was looked at; of a stream that answers one request this is at its end,
   of one that takes many at each acknowledgement, of an upload at its one answer, which is bound to the first message.
3. A refusal needs no receipt: nothing of it is used. One that it has is kept, since it is an event of ours too.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Protocol

import grpc.aio

KEY: Final = "alliance-receipt-bin"
_EOF: Any = grpc.aio.EOF  # type: ignore[attr-defined]  # missing in the stubs


class ReceiptCheck(Protocol):
    """Holds receipts against requests."""

    async def answered(self, path: str, message: bytes, receipt: bytes | None, /) -> None:
        """Raise ReceiptInvalid unless a receipt, a serialised statement, is the hub's for this request."""

    async def refused(self, path: str, messages: list[bytes], receipt: bytes | None, /) -> None:
        """Take notice of the receipt of a refusal; raises ReceiptInvalid where it is one of something else."""


class ReceiptedChannel:
    """Stands before a channel: stubs are made on it as on any other."""

    def __init__(self, channel: grpc.aio.Channel, check: ReceiptCheck) -> None:
        self._channel: Any = channel
        self._check = check

    async def close(self, grace: float | None = None) -> None:
        """Close the channel."""
        await self._channel.close(grace=grace)

    def unary_unary(self, path: str, request_serializer: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """Give a unary method."""
        method = self._channel.unary_unary(path, request_serializer=None, **options)

        async def call(request: Any, **how: Any) -> Any:  # noqa: ANN401
            message = request_serializer(request)
            under_way = method(message, **how)
            try:
                reply = await under_way
            except grpc.aio.AioRpcError as failure:
                await self._check.refused(path, [message], receipt_in(failure.trailing_metadata()))
                raise
            await self._check.answered(path, message, receipt_in(await under_way.trailing_metadata()))
            return reply

        return call

    def unary_stream(self, path: str, request_serializer: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """Give a method that streams its answer."""
        method = self._channel.unary_stream(path, request_serializer=None, **options)

        def call(request: Any, **how: Any) -> "ReceiptedStream":  # noqa: ANN401
            message = request_serializer(request)
            return ReceiptedStream(path, message, method(message, **how), self._check)

        return call

    def stream_unary(self, path: str, request_serializer: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """Give a method that takes an upload: what its first message says, the others carry out."""
        method = self._channel.stream_unary(path, request_serializer=None, **options)

        def call(**how: Any) -> "ReceiptedUpload":  # noqa: ANN401
            return ReceiptedUpload(path, request_serializer, method(**how), self._check)

        return call

    def stream_stream(self, path: str, request_serializer: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """Give a method of streams whose answers acknowledge messages one by one."""
        method = self._channel.stream_stream(path, request_serializer=None, **options)

        def call(**how: Any) -> "ReceiptedExchange":  # noqa: ANN401
            return ReceiptedExchange(path, request_serializer, method(**how), self._check)

        return call


class ReceiptedStream:
    """An answer that streams."""

    def __init__(self, path: str, message: bytes, call: Any, check: ReceiptCheck) -> None:  # noqa: ANN401
        self._path = path
        self._message = message
        self._call = call
        self._check = check

    def cancel(self) -> bool:
        """End the call."""
        return bool(self._call.cancel())

    async def read(self) -> Any:  # noqa: ANN401
        """Give the next message, or gRPC's EOF."""
        try:
            reply = await self._call.read()
        except grpc.aio.AioRpcError as failure:
            await self._check.refused(self._path, [self._message], receipt_in(failure.trailing_metadata()))
            raise
        if reply is _EOF:
            receipt = receipt_in(await self._call.trailing_metadata())
            await self._check.answered(self._path, self._message, receipt)
        return reply

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (reply := await self.read()) is not _EOF:
            yield reply


class ReceiptedUpload:
    """Messages that are answered once, after the last."""

    def __init__(self, path: str, serialise: Callable[[Any], bytes], call: Any, check: ReceiptCheck) -> None:  # noqa: ANN401
        self._path = path
        self._serialise = serialise
        self._call = call
        self._check = check
        self._first: bytes | None = None

    def cancel(self) -> bool:
        """End the call."""
        return bool(self._call.cancel())

    async def write(self, request: Any) -> None:  # noqa: ANN401
        """Send a message; raises the refusal where the hub wants no more."""
        message = self._serialise(request)
        if self._first is None:
            self._first = message
        try:
            await self._call.write(message)
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):  # it has ended: how, its answer says
            await self.answer()
            raise

    async def answer(self) -> Any:  # noqa: ANN401
        """Give the answer once all is sent."""
        first = self._first or b""
        try:
            if not self._call.done():
                await self._call.done_writing()
            reply = await self._call
        except grpc.aio.AioRpcError as failure:
            await self._check.refused(self._path, [first], receipt_in(failure.trailing_metadata()))
            raise
        await self._check.answered(self._path, first, receipt_in(await self._call.trailing_metadata()))
        return reply


class ReceiptedExchange:
    """Messages, and their acknowledgements in the same order."""

    def __init__(self, path: str, serialise: Callable[[Any], bytes], call: Any, check: ReceiptCheck) -> None:  # noqa: ANN401
        self._path = path
        self._serialise = serialise
        self._call = call
        self._check = check
        self._waiting: deque[bytes] = deque()

    def cancel(self) -> bool:
        """End the call."""
        return bool(self._call.cancel())

    async def write(self, request: Any) -> None:  # noqa: ANN401
        """Send a message."""
        message = self._serialise(request)
        self._waiting.append(message)
        await self._call.write(message)

    async def read(self) -> Any:  # noqa: ANN401
        """Give the next acknowledgement, or gRPC's EOF."""
        try:
            reply = await self._call.read()
        except grpc.aio.AioRpcError as failure:
            await self._check.refused(self._path, list(self._waiting), receipt_in(failure.trailing_metadata()))
            raise
        if reply is not _EOF and reply is not None:
            is_asked = bool(self._waiting)  # what acknowledges nothing has no receipt that could be its own
            receipt = reply.receipt.SerializeToString() if is_asked and reply.HasField("receipt") else None
            await self._check.answered(self._path, self._waiting.popleft() if is_asked else b"", receipt)
        return reply


def receipt_in(trailing: Any) -> bytes | None:  # noqa: ANN401 - its stub is not iterable, the thing itself is
    """Find the receipt in a call's trailing metadata."""
    for key, value in trailing or ():
        if key == KEY and isinstance(value, bytes):
            return value
    return None
