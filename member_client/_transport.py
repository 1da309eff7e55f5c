"""The channel to the hub: mutual TLS, deadlines, bounded retries.

Rules:

1. gRPC's exceptions end here: what leaves is ours, chained.
2. Only what passes by itself is tried again (hub away or busy): with exponential backoff, full jitter, and never past
   the deadline; a bounded number of times unless that is a patient one. A refusal is never tried again.
   Where several in a row found the hub away, a call that somebody waits for is tried once.
3. Every call of the protocol may be repeated; a request is built anew for each try, so that headers carry the time
   of their own try.
4. A channel belongs to one event loop, and is made when it is first needed. It is made anew where it failed again and
   again, and where the member's certificate or the alliance's CA was renewed on disk; calls that are under way in the
   old one may end there.
5. Where receipts are looked at (a member's session: always), nothing of an answer is handed on without its own.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol, TypeVar, cast

import grpc
import grpc.aio

from alliance.crypto.secret import Secret
from member_client._deadline import Deadline
from member_client._receipted import ReceiptCheck, ReceiptedChannel
from member_client._rpc_errors import is_passing, translated
from member_client.errors import (
    AllianceClientError,
    CertificateEnded,
    CertificateInvalid,
    HubError,
    HubUnavailable,
    NotAuthenticated,
)

CALL_SECONDS = 30.0
"""For calls that nobody set another deadline for."""
MAX_TRIES = 6
FIRST_BACKOFF_SECONDS = 0.05
MAX_BACKOFF_SECONDS = 3.0
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
FAILURES_A_CHANNEL = 6
"""Failures in a row after which a channel is given up: what it remembers of addresses may be what is wrong."""
RENEWAL_SECONDS = 5.0
"""Pause between looks at the files of certificate and CA."""
OLD_CHANNEL_SECONDS = 60.0

_log = logging.getLogger("member_client.transport")

T = TypeVar("T")
Request = TypeVar("Request", contravariant=True)
Response = TypeVar("Response", covariant=True)


class UnaryCall(Protocol[Request, Response]):
    """A unary method of a stub."""

    def __call__(self, request: Request, /, *, timeout: float | None = None) -> Awaitable[Response]:
        """Start the call."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a hub is, and how it is known: `host:port`, the name in its certificate, and the CA, PEM."""

    target: str
    server_name: str
    ca_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """A member's TLS key and certificate, PEM."""

    key_pem: Secret
    certificate_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a channel is opened with."""

    address: Address
    identity: ClientIdentity | None


Renewed = Callable[[], Awaitable[Credentials | None]]
"""Gives the credentials if they changed since it was asked last."""


def open_channel(address: Address, identity: ClientIdentity | None) -> grpc.aio.Channel:
    """Make a channel; it connects when first used. Without an identity it can enrol only."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=address.ca_pem,
        private_key=identity.key_pem.reveal() if identity else None,
        certificate_chain=identity.certificate_pem if identity else None,
    )
    options = [
        ("grpc.ssl_target_name_override", address.server_name),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.enable_retries", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    return grpc.aio.secure_channel(address.target, credentials, options=options)


@asynccontextmanager
async def own_errors() -> AsyncIterator[None]:
    """Turn gRPC's errors into ours."""
    try:
        yield
    except grpc.aio.AioRpcError as failure:
        raise translated(failure) from failure
    except grpc.aio.UsageError as failure:
        raise HubUnavailable("The channel to the hub was closed.") from failure


def readable(reply: T | None) -> T:
    """Give a reply; gRPC logs one that it cannot parse, and hands out None in its place. Raises HubError."""
    if reply is None:
        raise HubError("The hub's answer cannot be read.")
    return reply


async def pause(attempt: int, deadline: Deadline) -> None:
    """Wait before the next try: full jitter under an exponential ceiling, and not past the deadline."""
    ceiling = min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 4 ** min(attempt, MAX_TRIES))
    await asyncio.sleep(min(random.uniform(0, ceiling), deadline.remaining()))  # noqa: S311 - no secret


def may_be_tried_again(error: AllianceClientError, failures: int, deadline: Deadline) -> bool:
    """Tell whether what failed so often in a row is worth another try."""
    return is_passing(error) and (failures < MAX_TRIES or deadline.patient) and deadline.remaining() > 0


async def retried(
    attempt: Callable[[], Awaitable[T]], deadline: Deadline, is_worth_it: Callable[[], bool] = lambda: True
) -> T:
    """Try until it succeeds, is refused, or tries or time run out; raises what the last try raised.

    An impatient call is not tried again where `is_worth_it` says no: whoever waits is told at once.
    """
    for number in count():
        try:
            return await attempt()
        except AllianceClientError as error:
            if not may_be_tried_again(error, number + 1, deadline) or not (deadline.patient or is_worth_it()):
                raise
        await pause(number, deadline)
    raise AssertionError("unreachable: the last try returns or raises")


def always(request: T) -> Callable[[], T]:
    """Give the same message for each try of a call."""
    return lambda: request


class Transport:
    """The calls of one member to its hub."""

    def __init__(
        self,
        credentials: Credentials,
        renewed: Renewed | None = None,
        has_ended: Callable[[], bool] = lambda: False,
    ) -> None:
        """Call with credentials; `has_ended` says whether their certificate is over."""
        self._credentials = credentials
        self._renewed = renewed
        self._has_ended = has_ended
        self.receipts: ReceiptCheck | None = None
        """What looks at the receipts of answers; an enrolment has none."""
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failures = 0
        self._failed_in_a_row = 0
        self._next_look = 0.0
        self._looking = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"Transport({self._credentials.address.target})"

    @property
    def is_failing(self) -> bool:
        """Whether the last call found the hub away."""
        return self._failed_in_a_row > 0

    def channel(self) -> grpc.aio.Channel:
        """Give the running loop's channel, anew after a close or on another loop; its answers have their receipts."""
        channel = self._opened()
        # Stubs make methods on it and nothing else, and gRPC's class cannot be derived from.
        return channel if self.receipts is None else cast("grpc.aio.Channel", ReceiptedChannel(channel, self.receipts))

    def _opened(self) -> grpc.aio.Channel:
        loop = asyncio.get_running_loop()
        if self._channel is None or self._loop is not loop:
            opened = open_channel(self._credentials.address, self._credentials.identity)
            self._channel, self._loop, self._failures = opened, loop, 0
        return self._channel

    async def ask(
        self, method: Callable[[grpc.aio.Channel], UnaryCall[Request, Response]], request: Request
    ) -> Response:
        """Make a unary call whose message is the same in each try, within half a minute."""
        return await self.call(method, always(request))

    async def call(
        self,
        method: Callable[[grpc.aio.Channel], UnaryCall[Request, Response]],
        request: Callable[[], Request],
        within: Deadline | None = None,
    ) -> Response:
        """Make a unary call, within half a minute unless said; `request` builds the message of each try."""
        deadline = within or Deadline.after(CALL_SECONDS)

        async def attempt() -> Response:
            async with own_errors():
                return readable(await method(self.channel())(request(), timeout=max(deadline.remaining(), 0.001)))

        async def attempt_under_what_is_new() -> Response:
            await self._look_for_renewal()
            used = self._credentials
            try:
                response = await attempt()
            except (NotAuthenticated, CertificateInvalid):
                await self._look_for_renewal(now=True)
                if self._credentials is used:
                    raise
                return await attempt()
            except HubUnavailable as error:
                # TLS closes the connection before a word is said: that must not look like a hub that is away.
                if self._has_ended():
                    raise CertificateEnded("The certificate of this machine has ended.") from error
                if is_passing(error):
                    self._count_failure()
                raise
            self._note_success()
            return response

        return await retried(attempt_under_what_is_new, deadline, lambda: self._failed_in_a_row <= MAX_TRIES)

    async def close(self) -> None:
        """Close the channel; a later call opens a new one."""
        for task in tuple(self._ending):
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        channel, self._channel = self._channel, None
        if channel is not None and self._loop is asyncio.get_running_loop():
            await channel.close(grace=None)

    async def _look_for_renewal(self, *, now: bool = False) -> None:
        """Take renewed credentials up where there are any, looking at most every few seconds unless told to."""
        time = asyncio.get_running_loop().time()
        if self._renewed is None or (time < self._next_look and not now):
            return
        self._next_look = time + RENEWAL_SECONDS
        async with self._looking:
            credentials = await self._renewed()
            if credentials is not None:
                self._credentials = credentials
                self._let_go()

    def _note_success(self) -> None:
        if self._failed_in_a_row > MAX_TRIES:
            _log.warning("the hub is back")
        self._failures = self._failed_in_a_row = 0

    def _count_failure(self) -> None:
        self._failed_in_a_row += 1
        if self._failed_in_a_row == MAX_TRIES + 1:
            _log.warning("the hub is away: calls that somebody waits for are tried once until it is back")
        self._failures += 1
        if self._failures >= FAILURES_A_CHANNEL:
            self._let_go()

    def _let_go(self) -> None:
        """Have the next call open a channel; what is under way in this one may end in it."""
        channel, self._channel = self._channel, None
        if channel is None or self._loop is not asyncio.get_running_loop():
            return
        task = asyncio.create_task(_ended(channel), name="alliance-old-channel")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _ended(channel: grpc.aio.Channel) -> None:
    """Close a channel once its calls are over, or at once where this is cancelled."""
    try:
        await channel.close(grace=OLD_CHANNEL_SECONDS)
    except asyncio.CancelledError:
        await channel.close(grace=None)
        raise
