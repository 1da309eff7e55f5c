"""What stands around the demo's hub: it keeps every decrypted byte that arrives, counts calls, or tampers.

These interceptors are part of the demo alone: `alliance-server serve` knows none of them.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from alliance_server.rpc.interceptors.authentication import peer_certificate

ENROLMENT = "(enrolment)"
"""Under this name calls are counted that come without a certificate."""
_OURS = "/alliance.v1."
_DOWNLOAD = "/alliance.v1.FilterService/DownloadSnapshot"
_Context = aio.ServicerContext[Any, Any]
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]


class Capture(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Writes methods, metadata and the bytes of every request to a file, before anything parses them.

    `calls` counts by member what must leave an audit event: a unary call or a stream of replies once, a stream of
    requests once a chunk that was acknowledged and once where it ended in a refusal.
    """

    def __init__(self, file: Path) -> None:
        """Append to a file, unbuffered: what arrived is there even if this process dies."""
        self._file = file.open("ab", buffering=0)
        self.calls: Counter[str] = Counter()

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Any:  # noqa: ANN401 - gRPC's handlers are untyped tuples
        """Wrap the handler and its deserialiser."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or not method.startswith(_OURS):
            return handler
        self._keep_metadata(method, handler_call_details)
        return self._wrapped(handler)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _keep_metadata(self, method: str, details: grpc.HandlerCallDetails) -> None:
        lines = [method.encode()]
        for name, value in details.invocation_metadata or ():
            lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
        self._file.write(b"\n".join(lines) + b"\n\n")

    def _wrapped(self, handler: Any) -> Any:  # noqa: ANN401
        def keep(data: bytes) -> Any:  # noqa: ANN401
            self._file.write(data + b"\n")
            return data if handler.request_deserializer is None else handler.request_deserializer(data)

        async def unary(request: Any, context: _Context) -> Any:  # noqa: ANN401
            caller = _caller(context)
            if caller != ENROLMENT:
                self.calls[caller] += 1
                return await handler.unary_unary(request, context)
            reply = await handler.unary_unary(request, context)
            self.calls[caller] += 1  # a refused enrolment is nobody's call yet
            return reply

        async def replies(request: Any, context: _Context) -> AsyncIterator[Any]:  # noqa: ANN401
            self.calls[_caller(context)] += 1
            async for reply in handler.unary_stream(request, context):
                yield reply

        async def chunks(requests: Any, context: _Context) -> AsyncIterator[Any]:  # noqa: ANN401
            caller = _caller(context)
            try:
                async for reply in handler.stream_stream(requests, context):
                    self.calls[caller] += 1
                    yield reply
            except aio.AbortError:
                self.calls[caller] += 1
                raise

        makers = {
            (False, False): (grpc.unary_unary_rpc_method_handler, unary),
            (False, True): (grpc.unary_stream_rpc_method_handler, replies),
            (True, True): (grpc.stream_stream_rpc_method_handler, chunks),
        }
        make, behaviour = makers[handler.request_streaming, handler.response_streaming]
        return make(behaviour, request_deserializer=keep, response_serializer=handler.response_serializer)


class FlippedBit(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Flips one bit of every filter that is downloaded."""

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Any:  # noqa: ANN401 - gRPC's handlers are untyped tuples
        """Wrap the one method that serves the filter's bits."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method != _DOWNLOAD:
            return handler

        async def replies(request: Any, context: _Context) -> AsyncIterator[Any]:  # noqa: ANN401
            async for reply in handler.unary_stream(request, context):
                if reply.offset == 0:
                    reply.chunk = bytes([reply.chunk[0] ^ 1]) + reply.chunk[1:]
                yield reply

        return grpc.unary_stream_rpc_method_handler(
            replies, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


def _caller(context: _Context) -> str:
    """Give the member whose certificate the connection shows."""
    certificate = peer_certificate(context)
    if certificate is None or not certificate.identities:
        return ENROLMENT
    return certificate.identities[0].rpartition("/")[2]
