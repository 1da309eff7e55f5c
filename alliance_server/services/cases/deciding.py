"""Approvers decide: one of each function, about a request or its extension, with the instrument before them."""

from hashlib import sha256

from alliance.cases.words import CaseVerdict
from alliance.crypto.signing import VerifyingKey
from alliance.errors import Reason
from alliance.statements import CASE_DECISION
from alliance.v1.case_pb2 import CaseDecision
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.cases import (
    MAX_STATEMENT_BYTES,
    Case,
    Decision,
    check_approver,
    check_decision,
    check_scope,
    decided,
)
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Member, MemberState
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.services.call import Call
from alliance_server.services.cases.requesting import active_officers
from alliance_server.services.cases.showing import ShownCase, of_caller, shown
from alliance_server.services.memberships import require_admitted


class DecisionService:
    """Takes approvers' decisions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def decide(self, call: Call, statement: SignedStatement) -> ShownCase:
        """Approve or refuse a case, or its extension; raises Refused or SignatureInvalid."""
        now, caller = call.now(), call.caller
        said = read_statement(caller, CASE_DECISION, statement, CaseDecision(), MAX_STATEMENT_BYTES)
        verdict = check_decision(said)
        serialised = statement.SerializeToString(deterministic=True)
        decision = Decision(said.case_id, said.subject_sha256, caller.role, caller.member_id, verdict, serialised, now)

        def work(transaction: Transaction) -> ShownCase:
            require_admitted(transaction, caller, now)
            case = of_caller(transaction, call, said.case_id)
            event = call.event(items=1, commitments=(sha256(statement.payload).digest(),))
            earlier = [it for it in transaction.cases.decisions([case.id]) if it.subject_sha256 == said.subject_sha256]
            if any(it.statement == serialised for it in earlier):
                transaction.record(event)
                return shown(transaction, case)[0]
            check_fresh(caller, said.approver, said.time, now)
            if said.instrument_sha256 != case.instrument_sha256:
                raise Refused(Reason.CASE_OUT_OF_SCOPE, "the approver had another instrument before them")
            _check_parties(transaction, call, case, earlier)
            if verdict is CaseVerdict.APPROVE:
                _check_stands(transaction, case, earlier)
                check_scope(case.request, transaction.cases.scope(case.liaison))
            after = decided(case, decision, now)
            transaction.cases.save(after)
            transaction.cases.add_decision(decision)
            transaction.step(case.id, event, serialised)
            return shown(transaction, after)[0]

        return await self._store.write(work)


def _check_parties(transaction: Transaction, call: Call, case: Case, earlier: list[Decision]) -> None:
    """Raise Refused unless the liaison is still there, and whoever decides has not signed for somebody else."""
    liaison = _active(transaction, case.liaison)
    others = (transaction.members.get(it.approver) for it in earlier)
    keys = [it.identity_key for it in others if it is not None]
    check_approver(call.caller, case, earlier, VerifyingKey(liaison.identity_key), keys)


def _check_stands(transaction: Transaction, case: Case, earlier: list[Decision]) -> None:
    """Raise Refused where an officer was retired, or who approved before is not active: their words count no more."""
    active_officers(transaction, case.request)
    approvers = (transaction.members.get(it.approver) for it in earlier)
    if not all(it is not None and it.state is MemberState.ACTIVE for it in approvers):
        raise Refused(Reason.ANOTHER_APPROVER_NEEDED, "who approved before is no longer active: submit the case anew")


def _active(transaction: Transaction, liaison: str) -> Member:
    member = transaction.members.get(liaison)
    if member is None or member.state is not MemberState.ACTIVE:
        raise Refused(Reason.CASE_OUT_OF_SCOPE, "the liaison is no longer active")
    return member
