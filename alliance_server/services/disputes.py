"""Disputes between the member to whom a consumer came and the contributor of a claim.

- A try to open one is charged whether or not it succeeds, in one unit of work with its event: nobody tries tokens out.
- A claim is flagged in the unit of work that opens the dispute, and freed or ended in the one that answers it.
- The contributor is not told who opened a dispute.
"""

from typing import Final

from alliance.disputes import ENDING_STATUSES, DisputeOutcome, DisputeState
from alliance.errors import Reason
from alliance.statements import DISPUTE_ANSWER
from alliance.taxonomy import ClaimStatus
from alliance.v1.dispute_pb2 import DisputeAnswer
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.disputes import (
    FLAGGING,
    MAX_STATEMENT_BYTES,
    Dispute,
    Opening,
    answered,
    check_earlier,
    check_reason_code,
    check_token,
    escalated,
    opened,
    read_opening,
    word_of,
)
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.services.budgets import Budgets
from alliance_server.services.call import Call
from alliance_server.services.endings import Ending
from alliance_server.services.flags import Flags, held_with_twins
from alliance_server.services.paging import numbers, page_size

MAX_PAGE: Final = 256
"""Disputes that come with their sealed statements fit into a message."""
OPENED: Final = "disputed"
UPHELD: Final = "dispute_upheld"


class DisputeService:
    """Takes disputes and their answers."""

    def __init__(self, store: Store, budgets: Budgets, flags: Flags) -> None:
        self._store = store
        self._budgets = budgets
        self._flags = flags

    async def open(self, call: Call, statement: SignedStatement, token: bytes, sealed: bytes) -> Dispute:
        """Open a dispute; raises Refused. The claim is told as disputed from then on."""
        opening = read_opening(call.caller, statement, token, sealed, call.now())
        outcome = await self._store.write(lambda transaction: self._open(transaction, call, opening))
        if isinstance(outcome, Dispute):
            return outcome
        call.refusal_recorded = True
        raise outcome

    async def list(
        self, call: Call, asked_size: int, token: str, *, about_own: bool, waiting_only: bool
    ) -> tuple[list[Dispute], str]:
        """List a page of what the caller opened, or of what is about its claims, and the token of the next."""
        size = min(page_size(asked_size), MAX_PAGE)
        (after,) = numbers(token, 1)
        member = call.caller.member_id

        def work(transaction: Transaction) -> tuple[list[Dispute], str]:
            disputes = transaction.disputes
            listed = disputes.about_own if about_own else disputes.opened_by
            page = listed(member, after, size, waiting_only=waiting_only)
            transaction.record(call.event(items=len(page)))
            return [dispute for _, dispute in page], str(page[-1][0]) if len(page) == size else ""

        return await self._store.write(work)

    async def answer(
        self,
        call: Call,
        statement: SignedStatement,
        status_change: SignedStatement | None,
        of_twin: SignedStatement | None,
    ) -> Dispute:
        """Answer a dispute about one of the caller's claims, which is active again or ends with it; raises Refused."""
        said = read_statement(call.caller, DISPUTE_ANSWER, statement, DisputeAnswer(), MAX_STATEMENT_BYTES)
        check_fresh(call.caller, said.member, said.time, call.now())
        check_reason_code(said.reason)
        outcome = word_of(DisputeOutcome, said.outcome)
        ending = _ending(call, outcome, status_change, of_twin)

        def work(transaction: Transaction) -> Dispute:
            dispute = transaction.disputes.get(said.dispute_id)
            if dispute is None or dispute.contributor != call.caller.member_id:
                raise Refused(Reason.NOT_FOUND, "no such dispute about a claim of the caller")
            transaction.record(call.event(items=1))
            if (dispute.state.word, dispute.answer_reason) == (outcome.word, said.reason):
                return dispute
            after = answered(dispute, outcome, said.reason, statement.SerializeToString(), call.now())
            held = _held(transaction, dispute, call.now())
            transaction.disputes.save(after)
            self._apply(transaction, dispute, ending, held, call.now())
            return after

        return await self._store.write(work)

    async def escalate(self, call: Call, dispute_id: bytes) -> Dispute:
        """Have a reviewer look at a claim that its contributor upholds; raises Refused."""

        def work(transaction: Transaction) -> Dispute:
            dispute = transaction.disputes.get(dispute_id)
            if dispute is None or dispute.opener != call.caller.member_id:
                raise Refused(Reason.NOT_FOUND, "no such dispute of the caller")
            transaction.record(call.event(items=1))
            if dispute.state is DisputeState.ESCALATED:
                return dispute
            after = escalated(dispute, call.now())
            claim = transaction.claims.get(dispute.claim_id)
            if claim is None or not claim.is_live(call.now()):
                raise Refused(Reason.DISPUTE_NOT_ESCALATABLE, "the claim is over")
            transaction.disputes.save(after)
            return after

        return await self._store.write(work)

    def _open(self, transaction: Transaction, call: Call, opening: Opening) -> Dispute | Refused:
        """Open a dispute, or give why not: what was charged for the try stays charged."""
        now, member = call.now(), call.caller.member_id
        known = transaction.disputes.get(opening.dispute_id)
        if known is not None:
            transaction.record(call.event(items=1))
            return _repeated(known, opening, member)
        self._budgets.charge(transaction, member, "dispute_openings", 1, now)
        try:
            held, same = _contestable(transaction, opening, member, now)
        except Refused as refusal:  # nothing was written but the charge
            transaction.record(call.event(items=1, items_refused=1, refusal=refusal.reason))
            return refusal
        transaction.record(call.event(items=1, commitments=(opening.content_sha256,)))
        if same is not None:
            return same
        dispute = opened(opening, held[opening.entry_id], member, now)
        transaction.disputes.add(dispute)
        contested = [it for it in held.values() if it.status is ClaimStatus.ACTIVE]
        self._flags.set(transaction, contested, ClaimStatus.DISPUTED, now=now, reason=OPENED)
        return dispute

    def _apply(
        self,
        transaction: Transaction,
        dispute: Dispute,
        ending: Ending | None,
        held: dict[bytes, StoredClaim],
        now: int,
    ) -> None:
        if ending is None:
            others = (it.state for it in transaction.disputes.about(sorted(held)) if it.id != dispute.id)
            if any(state in FLAGGING for state in others):
                return  # another dispute flags it, or had a reviewer suspend it
            if transaction.countersignatures.is_any_revoked(sorted(held)):
                return  # no dispute gives back what its liaison took
            self._flags.set(transaction, held.values(), ClaimStatus.ACTIVE, now=now, reason=UPHELD)
            return
        claim = held.get(ending.change.entry_id)
        if claim is None:
            raise Refused(Reason.INVALID_REQUEST, "the change of status is not about the contested claim")
        for due in ending.check(claim, held, answers=True):
            due.apply(transaction, now)


def _contestable(
    transaction: Transaction, opening: Opening, member: str, now: int
) -> tuple[dict[bytes, StoredClaim], Dispute | None]:
    """Give the claims that a dispute would be about, held; and the dispute, where the same call just opened it.

    Raises Refused.
    """
    claim = check_token(opening, transaction.claims.get(opening.entry_id), member, now)
    held = held_with_twins(transaction, claim)
    check_token(opening, held.get(opening.entry_id), member, now)  # it may have ended before it was held
    earlier = transaction.disputes.about(sorted(held))
    same = next((it for it in earlier if it.id == opening.dispute_id), None)
    if same is not None:  # a moment ago, in another process
        return held, _repeated(same, opening, member)
    check_earlier(opening, earlier)
    return held, None


def _repeated(known: Dispute, opening: Opening, member: str) -> Dispute:
    if (known.opener, known.content_sha256) != (member, opening.content_sha256):
        raise Refused(Reason.CONFLICTING_RETRY, "the dispute's id was used with other content")
    return known


def _ending(
    call: Call, outcome: DisputeOutcome, status_change: SignedStatement | None, of_twin: SignedStatement | None
) -> Ending | None:
    """Read how an answer ends the claim; None where it upholds it. Raises Refused or SignatureInvalid."""
    status = ENDING_STATUSES.get(outcome)
    if (status is None) is not (status_change is None):
        raise Refused(Reason.INVALID_REQUEST, "an answer that ends the claim carries its change of status, no other")
    if status is None or status_change is None:
        return None
    return Ending.read(call.caller, status_change, of_twin, frozenset({status}))


def _held(transaction: Transaction, dispute: Dispute, now: int) -> dict[bytes, StoredClaim]:
    """Give the live claims that a dispute is about, held; raises Refused where there is none."""
    claim = transaction.claims.get(dispute.claim_id)
    held = {} if claim is None else held_with_twins(transaction, claim)
    if not any(it.is_live(now) for it in held.values()):
        raise Refused(Reason.DISPUTE_CLOSED, "the claim is over")
    return held
