"""Cases as their liaison and the approvers see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from alliance.cases.rules import INSTRUMENT_RULES
from alliance.cases.words import InstrumentType
from alliance.errors import Reason
from alliance_server.domain.cases import Case, Decision
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Transaction
from alliance_server.services.call import Call


@dataclass(frozen=True, slots=True, repr=False)
class ShownCase:
    """A case with what was decided about it."""

    case: Case
    decisions: Sequence[Decision]
    extension_decisions: Sequence[Decision]
    instrument_left: int
    """Suspects that its instrument still covers."""


def shown(transaction: Transaction, *cases: Case) -> list[ShownCase]:
    """Give cases with what was decided about each."""
    decisions = transaction.cases.decisions([case.id for case in cases]) if cases else []
    return [_shown(transaction, case, [it for it in decisions if it.case_id == case.id]) for case in cases]


def _shown(transaction: Transaction, case: Case, decisions: Sequence[Decision]) -> ShownCase:
    request = case.content_sha256
    extension = None if case.extension_payload is None else sha256(case.extension_payload).digest()
    covered = INSTRUMENT_RULES[InstrumentType(case.instrument_type)].items
    return ShownCase(
        case,
        [it for it in decisions if it.subject_sha256 == request],
        [it for it in decisions if it.subject_sha256 == extension],
        max(0, covered - transaction.cases.items_under(case.liaison, case.instrument_sha256)),
    )


def of_caller(transaction: Transaction, call: Call, case_id: bytes) -> Case:
    """Give a case that the caller may see, held; raises Refused where there is none."""
    case = transaction.cases.get(case_id)
    if case is None or (call.caller.role is Role.LIAISON and case.liaison != call.caller.member_id):
        raise Refused(Reason.NOT_FOUND, "no such case of the caller")
    return case
