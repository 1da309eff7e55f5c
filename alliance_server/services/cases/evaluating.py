"""Evaluations under a case, as admission asks about them: whose they are, how many, and whether still.

A liaison evaluates each suspect once an epoch. A member that is asked evaluates what it is asked about, to open what is
sealed for it. To anybody else there is no such case.
"""

import hmac

from alliance.cases.words import OPENINGS_AN_ENTRY, CaseState
from alliance.errors import Reason
from alliance_server.domain.cases import Asked, Case, check_evaluating
from alliance_server.domain.errors import Refused
from alliance_server.domain.evaluations import Evaluation
from alliance_server.domain.members import Caller, Role
from alliance_server.domain.ports import Transaction


def require_under_case(
    transaction: Transaction, caller: Caller, evaluation: Evaluation, now: int, *, more: int
) -> None:
    """Raise Refused unless the case permits an evaluation, and so many elements more of it."""
    is_liaison = caller.role is Role.LIAISON
    asked = None if is_liaison else transaction.cases.asked(evaluation.case_id, caller.member_id)
    case = transaction.cases.get(evaluation.case_id) if is_liaison or asked is not None else None
    if case is None or (is_liaison and case.liaison != caller.member_id):
        raise Refused(Reason.NOT_FOUND, "no such case of the caller")
    if not hmac.compare_digest(evaluation.consent_root, case.request.suspects_root):
        raise Refused(Reason.CASE_OUT_OF_SCOPE, "the root is not that of the case's suspects")
    if asked is not None:
        _check_asked(case, asked, more)
        return
    check_evaluating(case, transaction.cases.scope(case.liaison), now)
    evaluated, _ = transaction.cases.progress(case.id, evaluation.epoch)
    if evaluated + more > case.items:
        raise Refused(Reason.INSTRUMENT_EXHAUSTED, "more than the suspects that were approved")


def _check_asked(case: Case, asked: Asked, more: int) -> None:
    if case.state is not CaseState.OPEN:
        raise Refused(Reason.CASE_STATE_CONFLICT, f"the case is {case.state.word}")
    if asked.evaluated + more > asked.entries * OPENINGS_AN_ENTRY:
        raise Refused(Reason.INSTRUMENT_EXHAUSTED, "more than the member is asked about")


def count_under_case(transaction: Transaction, caller: Caller, evaluation: Evaluation, now: int) -> None:
    """Note an evaluation that the case permits; a liaison's first one has the case be matching."""
    if caller.role is Role.MEMBER:
        transaction.cases.opened(evaluation.case_id, caller.member_id, evaluation.count)
        return
    transaction.cases.evaluated(evaluation.case_id, evaluation.epoch, evaluation.count)
    case = transaction.cases.get(evaluation.case_id)
    if case is not None and case.state is CaseState.APPROVED:
        transaction.cases.save(case.moved(CaseState.MATCHING, now))
