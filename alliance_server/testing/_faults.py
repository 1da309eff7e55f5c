"""Faults on request: calls that fail as the hub itself would say it, and calls that are held.

It stands outside everything else in the server, so that what it lets through is untouched. All methods run on the hub's
loop.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from typing import Any, Final

from grpc import aio
from grpc_status import rpc_status

from alliance.clock import Clock
from alliance.errors import Reason
from alliance_server.domain.policy import POLICY
from alliance_server.domain.quotas import renews_at
from alliance_server.rpc.errors import status_of
from alliance_server.rpc.interceptors.guard import shape_of

METHODS: Final = tuple(sorted(name.rpartition("/")[2] for name in POLICY if name.startswith("/alliance.")))
"""Every method of the protocol, without its service."""
EVERY_METHOD: Final = ""


def checked_method(name: str) -> str:
    """Give the name of a method; raises ValueError, which lists the names that there are."""
    if name not in METHODS:
        raise ValueError(f"there is no method '{name}'; the methods are {', '.join(METHODS)}")
    return name


class Faults(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """What a test asked to go wrong."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, Iterator[Reason]] = {name: iter(()) for name in METHODS}
        self._delays: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._exempt = 0

    def fail(self, method: str, reason: Reason, times: int | None) -> None:
        """Let the next calls of a method fail, all of them for None; 0 forgets what was asked for before."""
        if times == 0:
            self._failures[method] = iter(())
            return
        asked = repeat(reason) if times is None else repeat(reason, times)
        self._failures[method] = chain(self._failures[method], asked)

    def hold(self, method: str, seconds: float) -> None:
        """Hold every call of a method; lets go what is held now. To hold all calls no longer ends every delay."""
        if method == EVERY_METHOD and not seconds:
            self._delays.clear()
        self._delays.pop(method, None)
        if seconds:
            self._delays[method] = seconds
        self.let_go()

    def let_go(self) -> None:
        """Let go what is held now."""
        self._changed.set()
        self._changed = asyncio.Event()

    @contextmanager
    def exempt(self) -> Iterator[None]:
        """Let calls through while the block lasts."""
        self._exempt += 1
        try:
            yield
        finally:
            self._exempt -= 1

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:  # noqa: ANN401 - gRPC's
        """Put the faults before a handler."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method.rpartition("/")[2]
        if handler is None or method not in self._failures or self._exempt:
            return handler
        return self._before(handler, method)

    def _before(self, handler: Any, method: str) -> Any:  # noqa: ANN401 - gRPC's handlers are untyped tuples
        make, behaviour = shape_of(handler)

        async def unary(request: Any, context: Any) -> Any:  # noqa: ANN401
            await self._meet(method, context)
            return await behaviour(request, context)

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401
            await self._meet(method, context)
            async for reply in behaviour(request, context):
                yield reply

        faulty = stream if handler.response_streaming else unary
        return make(faulty, handler.request_deserializer, handler.response_serializer)

    async def _meet(self, method: str, context: Any) -> None:  # noqa: ANN401
        if seconds := self._delays.get(method, self._delays.get(EVERY_METHOD, 0)):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), seconds)
        reason = next(self._failures[method], None)
        if reason is not None:
            retry_at = renews_at(self._clock.now_ms()) if reason is Reason.BUDGET_EXHAUSTED else None
            await context.abort_with_status(rpc_status.to_status(status_of(reason, retry_at)))
