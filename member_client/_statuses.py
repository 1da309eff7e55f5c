"""The hub's feed of changes of claims' statuses, followed page by page. No state: who follows keeps how far it came.

Rules:

1. A page is believed only under the hub's signature, and where it begins at the number that was asked for; or at 0,
   where the hub does not know that number: then all is told anew, and who follows goes by the versions.
2. A stream that is cut, or silent for longer than a hub lets one be, is taken up where it was, for as long as it takes.
   A page that another origin of the hub signed is the occasion to ask whether that one is to be believed.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.claims import is_reason_code
from alliance.clock import MAX_TIME_MS
from alliance.errors import SignatureInvalid
from alliance.taxonomy import ClaimStatus
from alliance.v1 import status_pb2
from alliance.v1.status_pb2_grpc import StatusServiceStub
from member_client._deadline import Deadline
from member_client._hub import PinnedHub
from member_client._rpc_errors import is_passing
from member_client._transport import Transport, own_errors, pause, readable
from member_client.errors import AllianceClientError, HubUnavailable, StatementInvalid

SILENCE_SECONDS: Final = 75.0
"""Longer than two of the hub's pages are apart."""
MAX_CHANGES: Final = 1024
MAX_NUMBER: Final = 2**63
_ENTRY_ID_BYTES: Final = 16
_PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A change of a claim's status; `changed_at` in milliseconds UTC. Of two changes the higher version stands."""

    number: int
    entry_id: bytes
    status: ClaimStatus
    version: int
    changed_at: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StatusPage:
    """All changes with numbers in (after, upto], by number."""

    after: int
    upto: int
    newest: int
    changes: Sequence[StatusChange]

    @property
    def is_last(self) -> bool:
        """Whether there were no more changes when it was made."""
        return self.upto >= self.newest


class StatusFeed:
    """The feed, for one member."""

    def __init__(self, transport: Transport, hub: PinnedHub) -> None:
        self._transport = transport
        self._hub = hub

    async def pages(self, after: int) -> AsyncGenerator[StatusPage, None]:
        """Give pages from a number on, for good; raises what does not pass by itself, and StatementInvalid."""
        failures = 0
        while True:
            try:
                async with aclosing(self._stream(after)) as pages:
                    async for page in pages:
                        failures = 0
                        yield page
                        after = page.upto
            except StatementInvalid:
                if not await self._hub.succeeded():
                    raise
            except AllianceClientError as error:
                if not is_passing(error):
                    raise
            await pause(failures, Deadline.after(_PATIENCE_SECONDS))
            failures += 1

    async def rest(self, after: int) -> AsyncGenerator[StatusPage, None]:
        """Give the pages that there are after a number; raises what calls raise, HubUnavailable above all."""
        async with aclosing(self._stream(after)) as pages:
            async for page in pages:
                yield page
                if page.is_last:
                    return

    async def _stream(self, after: int) -> AsyncGenerator[StatusPage, None]:
        async with own_errors():
            watch: Any = StatusServiceStub(self._transport.channel()).WatchStatuses
            call = watch(status_pb2.WatchStatusesRequest(after=after))
            try:
                while True:
                    page = self._read(await _next(call), after)
                    after = page.upto
                    yield page
            finally:
                call.cancel()

    def _read(self, response: status_pb2.WatchStatusesResponse, after: int) -> StatusPage:
        said = status_pb2.StatusChanges()
        try:
            said.ParseFromString(self._hub.key.verified_payload(statements.STATUS_CHANGES, response.page))
            changes = [_change(it) for it in said.changes]
        except (SignatureInvalid, DecodeError, ValueError) as error:
            raise StatementInvalid("The hub's changes of claims' statuses do not verify.") from error
        numbers = [said.after, *(it.number for it in changes)]
        in_order = all(before < number for before, number in pairwise(numbers)) and numbers[-1] <= said.upto
        fits = said.after in (after, 0) and len(changes) <= MAX_CHANGES and said.after <= said.upto <= said.newest
        if not (in_order and fits):
            raise StatementInvalid("The hub's changes of claims' statuses leave a gap, or are in no order.")
        return StatusPage(said.after, said.upto, said.newest, changes)


async def _next(call: Any) -> status_pb2.WatchStatusesResponse:  # noqa: ANN401 - gRPC's calls are untyped
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            response = readable(await call.read())
    except TimeoutError as error:
        raise HubUnavailable("The hub says nothing of changes of claims' statuses.") from error
    if not isinstance(response, status_pb2.WatchStatusesResponse):  # grpc.aio.EOF
        raise HubUnavailable("The stream of changes of claims' statuses was cut off.")
    return response


def _change(said: status_pb2.StatusChange) -> StatusChange:
    if len(said.entry_id) != _ENTRY_ID_BYTES:
        raise ValueError("an entry id has another length")
    if not 0 <= said.changed_at < MAX_TIME_MS or (said.reason and not is_reason_code(said.reason)):
        raise ValueError("a change's time or reason is none")
    status = ClaimStatus(said.status)
    return StatusChange(said.number, said.entry_id, status, said.version, said.changed_at, said.reason)
