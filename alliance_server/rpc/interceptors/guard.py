"""Guards: handlers are wrapped where they are added, since what stands around them needs the context of a call.

- A guard is an asynchronous context manager around the handler's run. Handlers of unary replies are coroutines,
  those of streams are asynchronous generators, or coroutines that write by themselves, as gRPC's health service has
  them; all run within one task, so context variables hold.
- Messages are read inside the guard: gRPC would answer one that cannot be read by itself, before anybody was
  authenticated, without an audit event and with the parser's own text.
- Handlers are generic ones: for methods that are registered one by one `grpc.aio` keeps a waiting task each, and looks
  at all of them at every call.
- Within a stream whoever calls is looked up again: before each message that comes, or before each that goes where one
  came. It is done here, so that no handler forgets it.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError
from grpc import aio

from alliance.errors import Reason
from alliance_server.domain.errors import Refused

Recheck = Callable[[], Awaitable[None]]
"""Raises Refused where whoever calls is no longer admitted."""


class Guard(Protocol):
    """What stands around handlers."""

    def __call__(
        self, method: str, context: "aio.ServicerContext[Any, Any]", message: bytes | None, /
    ) -> AbstractAsyncContextManager[Recheck]:
        """Run a handler inside; gets the one message of a caller that does not stream, before it is read."""

    async def received(self, message: bytes, /) -> None:
        """Take notice of a message of a caller that streams, within its call and before it is read."""

    def messages(self, incoming: AsyncIterator[bytes], /) -> AsyncIterator[bytes]:
        """Give the messages of a caller that streams, as long as the handler is to have any."""


class Guarded:
    """Stands before a server while servicers are added to it."""

    def __init__(self, server: aio.Server, guard: Guard) -> None:
        self._server = server
        self._guard = guard

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Add a service's handlers inside the guard."""
        guarded = {name: _wrap(handler, f"/{service}/{name}", self._guard) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, guarded),))

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Add nothing: generated code adds every handler a second time."""


def _wrap(handler: Any, method: str, guard: Guard) -> Any:  # noqa: ANN401 - gRPC's handlers are untyped tuples
    make, behaviour = shape_of(handler)
    writes_itself = inspect.iscoroutinefunction(behaviour)
    takes_many = handler.request_streaming

    def read(request: Any, recheck: Recheck) -> Any:  # noqa: ANN401
        return _read_all(handler, guard, request, recheck) if takes_many else _read(handler, request)

    async def unary(request: Any, context: Any) -> Any:  # noqa: ANN401
        async with guard(method, context, None if takes_many else request) as recheck:
            return await behaviour(read(request, recheck), context)

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401
        async with guard(method, context, None if takes_many else request) as recheck:
            async for reply in behaviour(read(request, recheck), context):
                if not takes_many:  # else the answer to what was taken goes out: it is done
                    await recheck()
                yield reply

    return make(
        stream if handler.response_streaming and not writes_itself else unary,
        request_deserializer=None,
        response_serializer=handler.response_serializer,
    )


def _read(handler: Any, message: bytes) -> Any:  # noqa: ANN401
    try:
        return handler.request_deserializer(message)
    except DecodeError:
        raise Refused(Reason.INVALID_REQUEST, "the message cannot be read") from None


async def _read_all(
    handler: Any,  # noqa: ANN401
    guard: Guard,
    incoming: AsyncIterator[bytes],
    recheck: Recheck,
) -> AsyncIterator[Any]:
    is_first = True
    async for message in guard.messages(incoming):
        await recheck()
        if is_first or handler.response_streaming:  # an upload is answered once, for what its first message says
            await guard.received(message)
        is_first = False
        yield _read(handler, message)


def shape_of(handler: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Give what makes a handler of the same sort, and the handler's behaviour."""
    match handler.request_streaming, handler.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler, handler.unary_unary
        case False, True:
            return grpc.unary_stream_rpc_method_handler, handler.unary_stream
        case True, False:
            return grpc.stream_unary_rpc_method_handler, handler.stream_unary
        case _:
            return grpc.stream_stream_rpc_method_handler, handler.stream_stream
