"""Approving and refusing cases, with the instrument's document before the approver, who sees no suspect."""

import hmac
from hashlib import sha256
from pathlib import Path

from alliance import statements
from alliance.cases.rules import MAX_REASON_BYTES, is_reason
from alliance.cases.words import CaseVerdict
from alliance.v1 import case_pb2
from alliance.v1.case_pb2_grpc import CaseServiceStub
from member_client._cases.records import Case
from member_client._cases.requesting import Requests
from member_client._cases.terms import document_digest
from member_client._session import Session
from member_client.errors import CaseStateConflict, InvalidUse, StatementInvalid


async def decide(session: Session, case: Case, verdict: CaseVerdict, reason: str, document: Path) -> Case:
    """Decide a case as it was read, or the extension that it waits with, with the instrument's document before one.

    The same decision again changes nothing. Raises InvalidUse where the document is not the one that the officers
    signed for, CaseStateConflict where the case waits for nobody, AnotherApproverNeeded where somebody of the caller's
    function decided.
    """
    if not is_reason(reason):
        raise InvalidUse(f"a reason has 1 to {MAX_REASON_BYTES} bytes, and no nine digits in a row")
    me = session.profile.member
    if any(it.approver == me and it.verdict is verdict for it in case.open_decisions):
        return case
    if (subject := case.subject) is None:
        raise CaseStateConflict("The case's state does not permit this; look at the case again.")
    digest = await session.workers.disk(document_digest, document)
    if not hmac.compare_digest(digest, case.instrument_sha256):
        raise InvalidUse("this document is not the instrument that the officers signed for: nothing was decided")
    said = case_pb2.CaseDecision(
        case_id=case.id,
        subject_sha256=sha256(subject).digest(),
        approver=me,
        verdict=case_pb2.CaseVerdict.ValueType(verdict),
        reason=reason,
        instrument_sha256=digest,
        time=session.clock.now_ms(),
    )
    signed = session.identity.statement(statements.CASE_DECISION, said.SerializeToString())
    request = case_pb2.DecideCaseRequest(decision=signed)
    answer = await session.transport.ask(lambda channel: CaseServiceStub(channel).DecideCase, request)
    decided = await Requests(session).shown(answer.case, case.id)
    if not any(it.approver == me and it.verdict is verdict for it in decided.open_decisions):
        raise StatementInvalid("The hub took a decision about a case and does not show it.")
    return decided
