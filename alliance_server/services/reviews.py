"""Escalated disputes as reviewers see and decide them, and what is overdue, as admins see it.

A reviewer sees what is claimed, on which ground it is contested and when: never of whom, and not who opened it. Admins
see numbers by contributor.
"""

from dataclasses import dataclass
from typing import Final

from alliance.disputes import DisputeState, ReviewDecision
from alliance.errors import Reason
from alliance.statements import DISPUTE_REVIEW
from alliance.taxonomy import ClaimStatus
from alliance.v1.dispute_pb2 import DisputeReview
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.disputes import (
    MAX_STATEMENT_BYTES,
    Dispute,
    Overdue,
    check_reason_code,
    decided,
    word_of,
)
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.services.call import Call
from alliance_server.services.flags import Flags, held_with_twins
from alliance_server.services.memberships import require_admitted
from alliance_server.services.paging import numbers, page_size

SUSPENDED: Final = "dispute_reviewed"


@dataclass(frozen=True, slots=True, repr=False)
class Escalation:
    """A dispute that waits for a reviewer, and the claim that it is about."""

    dispute: Dispute
    claim: StoredClaim


class ReviewService:
    """Shows and takes what concerns escalated and overdue disputes."""

    def __init__(self, store: Store, flags: Flags) -> None:
        self._store = store
        self._flags = flags

    async def waiting(self, call: Call, asked_size: int, token: str) -> tuple[list[Escalation], str]:
        """List a page of what waits for a reviewer, claims that are over apart, and the token of the next."""
        size = page_size(asked_size)
        (after,) = numbers(token, 1)

        def work(transaction: Transaction) -> tuple[list[Escalation], str]:
            page = transaction.disputes.escalated(after, size)
            claims = transaction.claims.get_many([dispute.claim_id for _, dispute in page])
            found = [Escalation(it, claims[it.claim_id]) for _, it in page if it.claim_id in claims]
            live = [it for it in found if it.claim.is_live(call.now())]
            transaction.record(call.event(items=len(live)))
            return live, str(page[-1][0]) if len(page) == size else ""

        return await self._store.write(work)

    async def decide(self, call: Call, statement: SignedStatement) -> Dispute:
        """Decide about a claim, which stays as it is or is suspended; raises Refused."""
        said = read_statement(call.caller, DISPUTE_REVIEW, statement, DisputeReview(), MAX_STATEMENT_BYTES)
        check_fresh(call.caller, said.reviewer, said.time, call.now())
        check_reason_code(said.reason)
        decision = word_of(ReviewDecision, said.decision)

        def work(transaction: Transaction) -> Dispute:
            require_admitted(transaction, call.caller, call.now())
            dispute = transaction.disputes.get(said.dispute_id)
            if dispute is None or dispute.escalated_at is None:
                raise Refused(Reason.NOT_FOUND, "no such escalated dispute")
            transaction.record(call.event(items=1))
            if (dispute.state.word, dispute.decision_reason) == (decision.word, said.reason):
                return dispute
            after = decided(dispute, decision, said.reason, statement.SerializeToString(), call.now())
            claim = transaction.claims.get(dispute.claim_id)
            if claim is None or not claim.is_live(call.now()):
                raise Refused(Reason.DISPUTE_CLOSED, "the claim is over")
            transaction.disputes.save(after)
            if after.state is DisputeState.CLAIM_SUSPENDED:
                held = held_with_twins(transaction, claim).values()
                self._flags.set(transaction, held, ClaimStatus.SUSPENDED, now=call.now(), reason=SUSPENDED)
            return after

        return await self._store.write(work)

    async def overdue(self, call: Call) -> list[Overdue]:
        """Count by contributor what is overdue."""

        def work(transaction: Transaction) -> list[Overdue]:
            found = transaction.disputes.overdue_by_contributor(call.now())
            transaction.record(call.event(items=len(found)))
            return found

        return await self._store.write(work)
