"""Two-admin control: changes are proposed, previewed, decided and made, each in one unit of work with its event.

Commitments of a proposal's event: the digest of what was proposed. Of a decision's: that digest, and the decision's.
"""

from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate

import structlog

from alliance.errors import Reason
from alliance.v1 import admin_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.proposals import (
    MAX_OPEN,
    Proposal,
    ProposalState,
    decided,
    made,
    read_decision,
    read_proposal,
)
from alliance_server.services.call import Call
from alliance_server.services.changes import Changes
from alliance_server.services.memberships import require_admitted
from alliance_server.services.paging import numbers, page_size

MAX_PAGE_BYTES = 1024 * 1024
"""Of the statements on a page; larger than any of them."""

_log = structlog.get_logger("alliance.administration")


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal as admins see it; no effect where it would have none any more."""

    proposal: Proposal
    state: ProposalState
    effect: admin_pb2.Effect | None


class Administration:
    """Lets admins change the alliance."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    async def preview(self, call: Call, change: admin_pb2.Change) -> admin_pb2.Effect:
        """Say what a change would do now; raises Refused where it could not be made."""

        def work(transaction: Transaction) -> admin_pb2.Effect:
            effect = self._changes.effect(transaction, change, call.now())
            self._changes.check(transaction, change, call.now())
            transaction.record(call.event(items=1))
            return effect

        return await self._store.write(work)

    async def propose(self, call: Call, statement: SignedStatement) -> Shown:
        """Take a proposal; it takes effect at once where its control lets it. Raises Refused or SignatureInvalid."""
        now = call.now()
        message = read_proposal(call.caller, statement, now)

        def work(transaction: Transaction) -> tuple[Shown, bool]:
            _in_turn(transaction, call, now)
            earlier = transaction.proposals.get(message.id)
            if earlier is not None:
                if earlier.statement != statement.SerializeToString(deterministic=True):
                    raise Refused(Reason.CONFLICTING_RETRY, "the id was used for another proposal")
                transaction.record(call.event(items=1, commitments=(earlier.payload_sha256,)))
                return self._shown(transaction, earlier, now), False
            name = self._changes.name(transaction, message.change)
            proposal = made(statement, message, name, self._changes.control(name), now)
            effect = self._changes.effect(transaction, message.change, now)
            if proposal.state is ProposalState.OPEN:
                _check_room(transaction, proposal.proposer, now)
                self._changes.check(transaction, message.change, now)
            else:
                self._changes.apply(transaction, message.change, now)
            transaction.proposals.add(proposal)
            transaction.record(call.event(items=1, commitments=(proposal.payload_sha256,)))
            return Shown(proposal, proposal.state, effect), proposal.state is ProposalState.UNREVIEWED

        shown, broke_glass = await self._store.write(work)
        if broke_glass:
            _log.error("break-glass: another admin must review", action=shown.proposal.change)
        return shown

    async def decide(self, call: Call, proposal_id: bytes, statement: SignedStatement) -> Shown:
        """Decide a proposal, and make its change where it is approved; raises Refused or SignatureInvalid."""
        now = call.now()
        message = read_decision(call.caller, statement, now)
        commitments = (message.proposal_sha256, sha256(statement.payload).digest())

        def work(transaction: Transaction) -> Shown:
            _in_turn(transaction, call, now)
            proposal = transaction.proposals.get(proposal_id)
            if proposal is None:
                raise Refused(Reason.NOT_FOUND, "no such proposal")
            shown = self._shown(transaction, proposal, now)
            if proposal.decision != statement.SerializeToString(deterministic=True):
                end = decided(proposal, statement, message, now)
                if proposal.state is ProposalState.OPEN and end.state is ProposalState.EFFECTIVE:
                    self._approve(transaction, proposal, now)
                transaction.proposals.decide(end)
                shown = Shown(end, end.state, shown.effect)
            transaction.record(call.event(items=1, commitments=commitments))
            return shown

        return await self._store.write(work)

    async def proposals(
        self, call: Call, asked_size: int, token: str, *, undecided_only: bool
    ) -> tuple[list[Shown], str]:
        """List a page of proposals, oldest first, and the token of the next."""
        size = page_size(asked_size)
        (after,) = numbers(token, 1)

        def work(transaction: Transaction) -> tuple[list[Shown], str]:
            now = call.now()
            found = transaction.proposals.page(after, size, undecided_at=now if undecided_only else None)
            rows = _that_fit(found)
            shown = [self._shown(transaction, proposal, now) for _, proposal in rows]
            return shown, str(rows[-1][0]) if len(found) == size or len(rows) < len(found) else ""

        # Effects are counted over many rows: by a reader, while members' writes go on.
        shown, more = await self._store.read(work)
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(shown))))
        return shown, more

    async def warn_of_overdue(self, now: int) -> int:
        """Raise the alarm again for what break-glass did and nobody reviewed in time; returns how many."""
        overdue = await self._store.read(lambda transaction: transaction.proposals.count_overdue(now))
        if overdue:
            _log.error("break-glass: reviews are overdue", items=overdue)
        return overdue

    def _approve(self, transaction: Transaction, proposal: Proposal, now: int) -> None:
        proposer = transaction.members.hold(proposal.proposer)
        is_admin = proposer is not None and (proposer.state, proposer.role) == (MemberState.ACTIVE, Role.ADMIN)
        if not is_admin or not transaction.members.count_certificates(proposal.proposer, now):
            raise Refused(Reason.PROPOSAL_CLOSED, "the proposer is no admin any more")
        change = proposal.message.change
        if self._changes.name(transaction, change) != proposal.change:
            # A budget that was to be lowered would be raised by now, or the other way round: it is another change.
            raise Refused(Reason.PROPOSAL_CLOSED, "the change would do something else by now")
        self._changes.apply(transaction, change, now)

    def _shown(self, transaction: Transaction, proposal: Proposal, now: int) -> Shown:
        state = proposal.state_at(now)
        if state is not ProposalState.OPEN:
            return Shown(proposal, state, None)
        try:
            return Shown(proposal, state, self._changes.effect(transaction, proposal.message.change, now))
        except Refused:
            return Shown(proposal, state, None)


def _that_fit(rows: list[tuple[int, Proposal]]) -> list[tuple[int, Proposal]]:
    """Give the first of some proposals, as many as one message holds: some carry whole lists."""
    sizes = accumulate(len(proposal.statement) for _, proposal in rows)
    return [row for row, size in zip(rows, sizes, strict=True) if size <= MAX_PAGE_BYTES]


def _check_room(transaction: Transaction, proposer: str, now: int) -> None:
    if transaction.proposals.count_open(proposer, now) >= MAX_OPEN:
        raise Refused(Reason.TOO_MANY_PROPOSALS, f"{MAX_OPEN} proposals of one admin are open")


def _in_turn(transaction: Transaction, call: Call, now: int) -> None:
    """Have one admin's step after the other's, so that what each is decided on stays true; raises Refused."""
    transaction.members.hold_all(Role.ADMIN)
    require_admitted(transaction, call.caller, now)
