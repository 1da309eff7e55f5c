"""The guard around every call: admit, authorise, run, and leave exactly one audit event, whatever happens.

- The policy table decides; a method that it does not know is refused.
- A restored hub that waits for its succession serves what the table lets it serve before, and nothing else.
- A refusal of an authenticated caller is audited here; refusals before that, enrolment's among them, are counted.
- What is not a refusal is a fault: its type and place go to the log, never its text, which may hold values.
- An answer and a refusal carry the receipt of their event in trailing metadata, unless it was given before.
- A unary call that ends well without an event is a fault, so that forgetting to record cannot pass.
"""

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol

import structlog
from grpc import aio
from grpc_status import rpc_status

from alliance.clock import Clock
from alliance.errors import AllianceError, Reason
from alliance_server.domain.errors import FAULTS, Refused, reason_of
from alliance_server.domain.members import Role
from alliance_server.domain.policy import POLICY, Rule
from alliance_server.rpc.errors import status_of
from alliance_server.rpc.interceptors.authentication import Authenticator, StreamWatch
from alliance_server.rpc.interceptors.draining import Drain, HubEnds
from alliance_server.rpc.interceptors.guard import Recheck
from alliance_server.services.audit import AuditService
from alliance_server.services.call import Call
from alliance_server.services.receipts import Receipts, digest_of
from alliance_server.services.succession import SuccessionService

MAX_CALLS_A_MEMBER = 128
"""Calls and streams of one member under way in a process; a batch of 4,096 elements takes a call."""

RECEIPT_KEY: Final = "alliance-receipt-bin"
Metadata = tuple[tuple[str, bytes], ...]

_log = structlog.get_logger("alliance.rpc")
_call: ContextVar[Call] = ContextVar("call")


def current_call() -> Call:
    """Give the call that is being served."""
    return _call.get()


class CallObserver(Protocol):
    """Sees calls begin and end, on the event loop: it is quick, and raises nothing."""

    def call_began(self, method: str) -> None:
        """Take notice that a call began."""

    def call_ended(self, method: str, seconds: float, refusal: Reason | None, *, cut_off: bool) -> None:
        """Take notice that it ended: well, refused for a reason, or cut off."""

    def unauthenticated(self) -> None:
        """Take notice that a caller was refused before it was known who they are."""


class CallGuard:
    """Admits, authorises and audits calls."""

    def __init__(
        self,
        authenticator: Authenticator,
        audit: AuditService,
        succession: SuccessionService,
        receipts: Receipts,
        clock: Clock,
        observer: CallObserver,
    ) -> None:
        self._observer = observer
        self._receipts = receipts
        self._authenticator = authenticator
        self._succession = succession
        self._audit = audit
        self._clock = clock
        self._under_way: Counter[str] = Counter()
        self.drain = Drain()

    def under_way(self, member_id: str) -> int:
        """Count a member's calls and streams under way."""
        return self._under_way[member_id]

    async def received(self, message: bytes) -> None:
        """Note what a receipt is bound to."""
        call = _call.get(None)
        if call is not None:
            call.request_sha256 = await digest_of(message)

    def messages(self, incoming: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give a caller's messages until there are no more, or the hub ends."""
        return self.drain.until(incoming)

    @asynccontextmanager
    async def __call__(
        self, method: str, context: "aio.ServicerContext[Any, Any]", message: bytes | None
    ) -> AsyncIterator[Recheck]:
        """Run a handler inside; gives what looks the caller up again within a stream."""
        call: Call | None = None
        refusal: Reason | None = None
        cut_off, began = False, time.perf_counter()
        self._observer.call_began(method)
        try:
            rule = _rule_of(method)
            call = await self._admit(rule, context)
            if call is not None:
                if message is not None:
                    await self.received(message)
                _authorise(call, rule.roles)
            if not rule.before_succession:
                await self._succession.require_complete()
            with self._place_for(call):
                yield _nothing if call is None else StreamWatch(self._authenticator, context, self._clock).check
            _require_event(call)
            if metadata := await self._receipt(call):
                context.set_trailing_metadata(metadata)
        except (aio.AbortError, asyncio.CancelledError, GeneratorExit):
            cut_off = True
            raise
        except HubEnds as ending:  # whatever was done has its event, and nothing was refused
            cut_off = True
            await _abort(context, method, ending, await self._receipt_if_any(call))
        except Exception as error:  # noqa: BLE001 - every failure is audited, and answered from the catalogue
            refusal = reason_of(error) if isinstance(error, AllianceError) else Reason.INTERNAL
            if call is not None:
                self._authenticator.forget(context)  # refused, on whatever ground: the next call is looked up
            await self._record_refusal(call, refusal)
            await _abort(context, method, error, await self._receipt_if_any(call))
        finally:
            self._observer.call_ended(method, time.perf_counter() - began, refusal, cut_off=cut_off)

    async def _admit(self, rule: Rule, context: "aio.ServicerContext[Any, Any]") -> Call | None:
        if rule.action is None:
            return None
        self.drain.check()
        known = self._authenticator.recognise(context) if rule.service_admits else None
        caller = known or await self._authenticator.authenticate(context)
        call = Call(caller, rule.action, self._clock)
        _call.set(call)
        return call

    @contextmanager
    def _place_for(self, call: Call | None) -> Iterator[None]:
        """Hold one of the caller's places, so that no member's calls take the memory of all."""
        if call is None:
            yield
            return
        member = call.caller.member_id
        if self._under_way[member] >= MAX_CALLS_A_MEMBER:
            raise Refused(Reason.UNAVAILABLE, "the member has as many calls under way as it may")
        self._under_way[member] += 1
        try:
            yield
        finally:
            self._under_way[member] -= 1

    async def _receipt(self, call: Call | None) -> Metadata:
        """Give the metadata that says that a call's event is durable; none where there is none, or it was told."""
        receipt = None if call is None else await self._receipts.of(call)
        return () if receipt is None else ((RECEIPT_KEY, receipt.SerializeToString()),)

    async def _receipt_if_any(self, call: Call | None) -> Metadata:
        """Do so for a call that fails, which must be answered also where nothing can be signed."""
        try:
            return await self._receipt(call)
        except AllianceError as failure:
            _log.error("receipt not signed", error=type(failure).__name__)
            return ()

    async def _record_refusal(self, call: Call | None, reason: Reason) -> None:
        if call is None:
            if reason not in FAULTS:
                self._audit.count_unauthenticated()
                self._observer.unauthenticated()
            return
        if call.refusal_recorded:
            return
        try:
            await self._audit.refuse(call, reason)
        except Refused as failure:
            _log.error("refusal not recorded", reason=failure.reason.name, action=call.action)


def _rule_of(method: str) -> Rule:
    rule = POLICY.get(method)
    if rule is None:
        raise Refused(Reason.NOT_PERMITTED, "the method is not in the policy")
    return rule


async def _nothing() -> None:
    """Look nobody up: the plumbing's caller is nobody."""


def _authorise(call: Call, roles: frozenset[Role]) -> None:
    if call.caller.role not in roles:
        raise Refused(Reason.NOT_PERMITTED, f"{call.caller.role.name} may not call this")


def _require_event(call: Call | None) -> None:
    if call is not None and not call.recorded:
        raise RuntimeError("a call ended without its audit event")


async def _abort(
    context: "aio.ServicerContext[Any, Any]", method: str, error: Exception, receipt: Metadata = ()
) -> None:
    if isinstance(error, AllianceError):
        reason, retry_at = reason_of(error), error.retry_at_ms if isinstance(error, Refused) else None
    else:
        reason, retry_at = Reason.INTERNAL, None
    if reason is Reason.INTERNAL:
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__, limit=-4)]
        _log.error("call failed", method=method, error=type(error).__name__, places=places)
    else:
        _log.info("call refused", method=method, reason=reason.name, detail=str(error))
    # Missing in the stubs; see grpc.aio.ServicerContext.
    status: Any = rpc_status.to_status(status_of(reason, retry_at))
    told = status._replace(trailing_metadata=(*status.trailing_metadata, *receipt))
    await context.abort_with_status(told)  # type: ignore[attr-defined]
