"""Guards: an interceptor sees method and metadata only, so it wraps the handler to reach the context.

- A guard is an asynchronous context manager around the handler's run. Handlers of unary replies are coroutines,
  those of streams are asynchronous generators; both run within one task, so context variables hold.
- Messages are read inside the guard: gRPC would answer one that cannot be read by itself, before anybody was
  authenticated, without an audit event and with the parser's own text.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc import aio

from alliance.errors import Reason
from alliance_server.domain.errors import Refused

Guard = Callable[[str, "aio.ServicerContext[Any, Any]"], AbstractAsyncContextManager[None]]


class GuardInterceptor(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Runs every handler inside a guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401 - gRPC's handlers are untyped tuples
        """Wrap the handler of the method that is called."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return _wrap(handler, str(handler_call_details.method), self._guard)


def _wrap(handler: Any, method: str, guard: Guard) -> Any:  # noqa: ANN401 - gRPC's handlers are untyped tuples
    make, behaviour = _shape(handler)
    read = _read_all if handler.request_streaming else _read

    async def unary(request: Any, context: Any) -> Any:  # noqa: ANN401
        async with guard(method, context):
            return await behaviour(read(handler, request), context)

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401
        async with guard(method, context):
            async for reply in behaviour(read(handler, request), context):
                yield reply

    return make(
        stream if handler.response_streaming else unary,
        request_deserializer=None,
        response_serializer=handler.response_serializer,
    )


def _read(handler: Any, message: bytes) -> Any:  # noqa: ANN401
    try:
        return handler.request_deserializer(message)
    except DecodeError:
        raise Refused(Reason.INVALID_REQUEST, "the message cannot be read") from None


async def _read_all(handler: Any, messages: AsyncIterator[bytes]) -> AsyncIterator[Any]:  # noqa: ANN401
    async for message in messages:
        yield _read(handler, message)


def _shape(handler: Any) -> tuple[Any, Any]:  # noqa: ANN401
    match handler.request_streaming, handler.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler, handler.unary_unary
        case False, True:
            return grpc.unary_stream_rpc_method_handler, handler.unary_stream
        case True, False:
            return grpc.stream_unary_rpc_method_handler, handler.stream_unary
        case _:
            return grpc.stream_stream_rpc_method_handler, handler.stream_stream
