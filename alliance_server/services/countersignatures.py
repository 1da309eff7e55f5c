"""Countersignatures: a member asks a liaison to stand behind a claim; the liaison does or not, and may take it back.

- What is asked for is checked as it will be when it is filed: an officer reads nothing that the registry would refuse.
- A revocation and the suspension of the claim, in all its epochs, are one unit of work.
- Members read everything that was countersigned and revoked, in pages by number: nobody asks about one claim.
"""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Final

from alliance.errors import ClaimInvalid, Reason
from alliance.taxonomy import ClaimStatus
from alliance.v1.countersignature_pb2 import (
    CountersignClaimRequest,
    RefuseCountersignatureRequest,
    RequestCountersignatureRequest,
    RevokeCountersignatureRequest,
)
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import StoredClaim, read_claim
from alliance_server.domain.countersignatures import (
    MAX_WAITING,
    Countersigning,
    NumberedStatement,
    OfficersWord,
    acts,
    countersigned,
    refused,
    repeated,
    requested,
    revoked,
)
from alliance_server.domain.epochs import contributes
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Role
from alliance_server.domain.operators import Operator, approved
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.flags import Flags, held_with_twins
from alliance_server.services.paging import numbers, page_size

MAX_PAGE: Final = 256
"""Requests with their statements fit into a message."""
STATEMENTS_A_PAGE: Final = 1024
REVOKED: Final = "countersignature_revoked"

Step = Callable[[Countersigning, Mapping[str, Operator]], tuple[Countersigning, OfficersWord]]
Keep = Callable[[Transaction, Countersigning], None]


class CountersignatureService:
    """Takes requests, answers and revocations, and lists them."""

    def __init__(self, store: Store, flags: Flags) -> None:
        self._store = store
        self._flags = flags

    async def request(self, call: Call, message: RequestCountersignatureRequest) -> Countersigning:
        """Ask a liaison to countersign a claim of the caller; raises Refused, ClaimInvalid or SignatureInvalid."""
        now, member, approvals = call.now(), call.caller.member_id, list(message.approvals)
        claim = read_claim(message.claim, contributor=member, now=now, is_approved=bool(approvals))

        def work(transaction: Transaction) -> Countersigning:
            known = approved(claim, message.claim, approvals, _operators(transaction, member), now)
            request = requested(call.caller, message.request, message.claim, claim, known, now)
            transaction.members.hold(member)  # two at once do not pass the limit together
            found = transaction.countersignatures.get(request.entry_id)
            event = call.event(items=1, epoch=request.epoch, commitments=(_digest(message.request),))
            transaction.record(event)
            if found is not None:
                return repeated(request, found)
            _check_new(transaction, request, now)
            transaction.countersignatures.add(request)
            return request

        return await self._store.write(work)

    async def requests(
        self, call: Call, asked_size: int, token: str, *, waiting_only: bool
    ) -> tuple[list[Countersigning], str]:
        """List a page of requests to the caller, which is a liaison, or of its own, and the token of the next."""
        size = min(page_size(asked_size), MAX_PAGE)
        (after,) = numbers(token, 1)
        whose = "liaison" if call.caller.role is Role.LIAISON else "contributor"

        def work(transaction: Transaction) -> tuple[list[Countersigning], str]:
            waiting_at = call.now() if waiting_only else None
            named = {whose: call.caller.member_id}
            page = transaction.countersignatures.page(after, size, waiting_at=waiting_at, **named)
            transaction.record(call.event(items=len(page)))
            return [it for _, it in page], str(page[-1][0]) if len(page) == size else ""

        return await self._store.write(work)

    async def countersign(self, call: Call, message: CountersignClaimRequest) -> Countersigning:
        """Countersign a claim that the caller is asked about; raises Refused or SignatureInvalid."""

        def step(known: Countersigning, officers: Mapping[str, Operator]) -> tuple[Countersigning, OfficersWord]:
            statements = (message.countersignature, message.officer)
            return countersigned(call.caller, known, *statements, message.grounds, officers, call.now())

        return await self._answered(
            call, message.entry_id, step, lambda transaction, it: transaction.countersignatures.countersign(it)
        )

    async def refuse(self, call: Call, message: RefuseCountersignatureRequest) -> Countersigning:
        """Refuse to countersign a claim that the caller is asked about; raises Refused or SignatureInvalid."""

        def step(known: Countersigning, officers: Mapping[str, Operator]) -> tuple[Countersigning, OfficersWord]:
            return refused(call.caller, known, message.refusal, message.officer, officers, call.now())

        return await self._answered(
            call, message.entry_id, step, lambda transaction, it: transaction.countersignatures.refuse(it)
        )

    async def revoke(self, call: Call, message: RevokeCountersignatureRequest) -> Countersigning:
        """Revoke a countersignature of the caller's, and suspend the claim; raises Refused or SignatureInvalid."""

        def step(known: Countersigning, officers: Mapping[str, Operator]) -> tuple[Countersigning, OfficersWord]:
            return revoked(call.caller, known, message.revocation, message.officer, officers, call.now())

        return await self._answered(call, message.entry_id, step, partial(self._revoke, now=call.now()))

    async def after(self, call: Call, number: int) -> tuple[int, int, list[NumberedStatement]]:
        """Give what was told after a number, where that really begins, and the newest number of all."""

        def work(transaction: Transaction) -> tuple[int, int, list[NumberedStatement]]:
            newest = transaction.countersignatures.newest()
            begins = number if number <= newest else 0
            told = transaction.countersignatures.after(begins, STATEMENTS_A_PAGE)
            return begins, newest, [it for it in told if it.number <= newest]

        found = await self._store.read(work)
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(found[2]))))
        return found

    async def _answered(self, call: Call, entry_id: bytes, step: Step, keep: Keep) -> Countersigning:
        """Take what the liaison that is asked says, once: what was said before is answered again."""
        liaison = call.caller.member_id

        def work(transaction: Transaction) -> Countersigning:
            known = transaction.countersignatures.get(entry_id)
            if known is None or known.liaison != liaison:
                raise Refused(Reason.NOT_FOUND, "no such request to the caller")
            after, word = step(known, _operators(transaction, liaison))
            if after is not known:
                keep(transaction, after)
            transaction.record(call.event(items=1, operator=word.officer, commitments=(word.payload_sha256,)))
            return after

        return await self._store.write(work)

    def _revoke(self, transaction: Transaction, request: Countersigning, *, now: int) -> None:
        transaction.countersignatures.revoke(request)
        claim = transaction.claims.get(request.claim_id)
        held: Mapping[bytes, StoredClaim] = {} if claim is None else held_with_twins(transaction, claim)
        self._flags.set(transaction, held.values(), ClaimStatus.SUSPENDED, now=now, reason=REVOKED)


def _check_new(transaction: Transaction, request: Countersigning, now: int) -> None:
    """Raise Refused or ClaimInvalid unless the claim may be asked about, and could be filed once it is answered."""
    if not acts(transaction.members.get(request.liaison)):
        raise Refused(Reason.NOT_FOUND, "no such liaison who acts")
    epoch = transaction.epochs.get(request.epoch)
    if epoch is None or not contributes(epoch, now):
        raise ClaimInvalid(Reason.EPOCH_NOT_SERVED, "no claims are filed in the epoch")
    if transaction.claims.get(request.entry_id) is not None:
        raise Refused(Reason.CONFLICTING_RETRY, "the claim was filed already")
    if transaction.countersignatures.hold([request.substance_sha256]):
        raise Refused(Reason.CONFLICTING_RETRY, "a claim of this substance was asked about before")
    if transaction.countersignatures.count_waiting(request.contributor, now) >= MAX_WAITING:
        raise Refused(Reason.INVALID_BATCH, "as many requests wait as may")


def _operators(transaction: Transaction, member: str) -> Mapping[str, Operator]:
    return {it.operator_id: it for it in transaction.operators.of(member)}


def _digest(statement: SignedStatement) -> bytes:
    return sha256(statement.payload).digest()
