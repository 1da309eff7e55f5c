"""A network that loses calls, loses answers, delivers twice and out of order: from a seed, so that a run repeats."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final

from grpc import aio
from grpc_status import rpc_status

from alliance.errors import Reason
from alliance_server.rpc.errors import status_of

LOST_CALL: Final = "call lost"
LOST_ANSWER: Final = "answer lost"
TWICE: Final = "delivered twice"
LATE: Final = "overtaken"
_FAULTS: Final = (LOST_CALL, LOST_ANSWER, TWICE, LATE)
_OVERTAKEN_TURNS: Final = 200


class Unreliable(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Stands before everything else of a hub, and does one of these things to a share of its unary calls."""

    def __init__(self, seed: int, share: float) -> None:
        self.share = share
        self.done: Counter[str] = Counter()
        self._random = Random(seed)  # noqa: S311 - faults, not secrets

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        return handler._replace(unary_unary=self._unreliable(handler.unary_unary))

    def _unreliable(self, behaviour: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
        async def called(request: Any, context: Any) -> Any:
            if self._random.random() >= self.share:
                return await behaviour(request, context)
            fault = self._random.choice(_FAULTS)
            self.done[fault] += 1
            if fault is LATE:
                for _ in range(_OVERTAKEN_TURNS):
                    await asyncio.sleep(0)
            if fault is not LOST_CALL:
                answer = await behaviour(request, context)
            if fault is TWICE:
                answer = await behaviour(request, context)
            if fault in (LOST_CALL, LOST_ANSWER):
                await context.abort_with_status(rpc_status.to_status(status_of(Reason.UNAVAILABLE, None)))
            return answer

        return called
