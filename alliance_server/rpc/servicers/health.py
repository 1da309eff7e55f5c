"""The standard health service (grpc.health.v1): serving until the hub drains, and then not.

A watcher is told at once, and its stream ends: it is not what a hub waits for.
"""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from alliance_server.rpc.interceptors.draining import Drain

Context = aio.ServicerContext[Any, Any]
_Status = health_pb2.HealthCheckResponse


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no stubs
    """Says whether the hub takes calls."""

    def __init__(self, services: tuple[str, ...], drain: Drain) -> None:
        """Take the names of the services, which all serve or none; the empty name stands for the hub."""
        self._names = frozenset({"", *services})
        self._drain = drain

    async def Check(self, request: Any, context: Context) -> Any:  # noqa: ANN401 - the package has no stubs
        """Say it once; NOT_FOUND for a name that is no service."""
        if request.service not in self._names:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        return _Status(status=self._status())

    async def List(self, request: Any, context: Context) -> Any:  # noqa: ANN401
        """Say it of every service; older packages have no such method, and never call this one."""
        statuses = {name: _Status(status=self._status()) for name in sorted(self._names)}
        return health_pb2.HealthListResponse(statuses=statuses)

    async def Watch(self, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401
        """Say it now and when it changes, which happens once."""
        known = request.service in self._names
        yield _Status(status=self._status() if known else _Status.SERVICE_UNKNOWN)
        if not self._drain.is_under_way:
            await self._drain.begun()
            yield _Status(status=self._status() if known else _Status.SERVICE_UNKNOWN)

    def _status(self) -> Any:  # noqa: ANN401
        return _Status.NOT_SERVING if self._drain.is_under_way else _Status.SERVING
