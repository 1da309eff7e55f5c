"""Cases as the hub shows them: believed as far as the officers and the approvers signed, and held against the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.cases.rules import check_request
from alliance.cases.statements import (
    APPROVER_ROLES,
    operators_of,
    read_decision,
    read_request,
    signed_by_both,
    verify_approved,
    verify_decision,
    verify_request,
)
from alliance.cases.words import ENDED_STATES, CaseState, CaseVerdict, InstrumentType, UrgencyGround
from alliance.claims import kind_of
from alliance.clock import MAX_TIME_MS
from alliance.crypto.signing import VerifyingKey
from alliance.errors import CaseInvalid, SignatureInvalid
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category
from alliance.v1 import case_pb2
from alliance.v1.statement_pb2 import SignedStatement
from member_client._directory import Directory
from member_client.administration.changes import MemberRole
from member_client.errors import StatementInvalid

_APPROVED_STATES: Final = frozenset({CaseState.APPROVED, CaseState.MATCHING, CaseState.OPEN, CaseState.CLOSED})
"""Where a case is only because both approved it."""


@dataclass(frozen=True, slots=True)
class CaseDecision:
    """What an approver decided, and why; `time` in milliseconds UTC."""

    approver: str
    function: MemberRole
    verdict: CaseVerdict
    reason: str
    time: int


@dataclass(frozen=True, slots=True)
class CaseExtension:
    """More time that the officers ask for; `asked_at` in milliseconds UTC."""

    reason: str
    asked_at: int
    decisions: tuple[CaseDecision, ...] = ()
    is_granted: bool = False
    payload: bytes = field(default=b"", repr=False)
    """What both officers signed, and approvers decide about."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as its liaison and the approvers see it: whom it is about stays with the liaison.

    Times in milliseconds UTC, 0 where there is none yet; those of a period and of the instrument end before the last.
    """

    id: bytes
    number: str
    liaison: str
    state: CaseState
    instrument: InstrumentType
    reference: str
    instrument_sha256: bytes
    instrument_until: int
    categories: tuple[Category, ...]
    suspects: Mapping[Kind, int]
    """How many identifiers of each kind."""
    period_from: int
    period_to: int
    officers: tuple[str, str]
    urgency: UrgencyGround | None
    drawn_up_at: int
    submitted_at: int = 0
    decide_by: int = 0
    decisions: tuple[CaseDecision, ...] = ()
    reply_from: int = 0
    reply_by: int = 0
    asked: int = 0
    replied: int = 0
    extension: CaseExtension | None = None
    ended_at: int = 0
    instrument_left: int = 0
    """Identifiers that other cases may be about under the same instrument."""
    is_here: bool = False
    """Whether this machine keeps what opens replies, and whom it is about."""
    request: bytes = field(default=b"", repr=False)
    """What both officers signed, and approvers decide about."""

    @property
    def items(self) -> int:
        """How many identifiers it is about."""
        return sum(self.suspects.values())

    @property
    def lookback_days(self) -> int:
        """How many days it looks back over, begun ones counted."""
        return -((self.period_from - self.period_to) // DAY_MS)

    @property
    def has_ended(self) -> bool:
        """Whether nothing becomes of it any more."""
        return self.state in ENDED_STATES

    @property
    def subject(self) -> bytes | None:
        """What the approvers decide about now: the request, or an extension; None where nothing waits for them."""
        if any(it.verdict is CaseVerdict.REFUSE for it in self.open_decisions):
            return None
        if self.state is CaseState.SUBMITTED:
            return self.request
        if self.state is CaseState.OPEN and self.extension is not None and not self.extension.is_granted:
            return self.extension.payload
        return None

    @property
    def open_decisions(self) -> tuple[CaseDecision, ...]:
        """What was decided so far about what the approvers decide now, or did last."""
        return self.decisions if self.extension is None else self.extension.decisions

    def waits_for(self, function: MemberRole) -> bool:
        """Tell whether it waits for an approver of this function."""
        return self.subject is not None and all(it.function is not function for it in self.open_decisions)


def case_of(request: case_pb2.CaseRequest, payload: bytes, state: CaseState) -> Case:
    """Give what a request says that is in form (`check_request`)."""
    return Case(
        id=request.case_id,
        number=request.number,
        liaison=request.liaison,
        state=state,
        instrument=InstrumentType(request.instrument_type),
        reference=request.instrument_reference,
        instrument_sha256=request.instrument_sha256,
        instrument_until=request.instrument_until,
        categories=tuple(map(Category, request.categories)),
        suspects={kind_of(count.kind): count.items for count in request.suspects},
        period_from=request.period_from,
        period_to=request.period_to,
        officers=(request.officer, request.second_officer),
        urgency=UrgencyGround(request.urgency) if request.urgency else None,
        drawn_up_at=request.time,
        request=payload,
    )


def read_case(record: case_pb2.CaseRecord, directory: Directory) -> Case:
    """Verify a case as the hub shows it; raises StatementInvalid.

    Both officers signed the request, whom their liaison vouches for. Decisions are those of approvers, about exactly
    these bytes, and a case is nowhere where it could only be because both functions approved it, unless they did.
    """
    payload = record.request.payload
    try:
        request = verify_request(
            record.request, record.second, record.officers, _liaison_key(record.request, directory)
        )
        check_request(request)
        case = case_of(request, payload, CaseState(record.state))
        decisions = _decisions(record.decisions, payload, request.case_id, directory)
        if case.state in _APPROVED_STATES:
            verify_approved(record.decisions, payload, request, directory.signer)
        extension = _extension(record, request, payload, directory)
    except CaseInvalid as error:
        raise StatementInvalid("The hub shows a case that breaks the rules of cases.") from error
    except (SignatureInvalid, DecodeError) as error:
        raise StatementInvalid("The hub shows a case that its officers and approvers did not sign so.") from error
    except ValueError as error:
        raise StatementInvalid("The hub shows a case in a state that this version does not know.") from error
    times = record.submitted_at, record.decide_by, record.reply_from, record.reply_by, record.ended_at
    if not all(0 <= time < MAX_TIME_MS for time in times) or record.replied > record.asked:
        raise StatementInvalid("The hub shows a case at times, or with numbers, that there are not.")
    return replace(
        case,
        submitted_at=record.submitted_at,
        decide_by=record.decide_by,
        decisions=decisions,
        reply_from=record.reply_from,
        reply_by=record.reply_by,
        asked=record.asked,
        replied=record.replied,
        extension=extension,
        ended_at=record.ended_at,
        instrument_left=record.instrument_left,
    )


def _liaison_key(statement: SignedStatement, directory: Directory) -> VerifyingKey:
    """Give the key of the liaison that a request names; raises SignatureInvalid where it is none."""
    if (key := directory.liaison_key(read_request(statement.payload).liaison)) is None:
        raise SignatureInvalid("the request is of nobody who is a liaison of this alliance")
    return key


def _decisions(
    signed: Sequence[SignedStatement], subject: bytes, case_id: bytes, directory: Directory
) -> tuple[CaseDecision, ...]:
    return tuple(_decision(statement, subject, case_id, directory) for statement in signed)


def _decision(statement: SignedStatement, subject: bytes, case_id: bytes, directory: Directory) -> CaseDecision:
    said = read_decision(statement)
    known = directory.signer(said.approver)
    if known is None or known[1] not in APPROVER_ROLES:
        raise SignatureInvalid("a decision is of nobody who approves cases")
    said = verify_decision(statement, known[0], subject, case_id)
    return CaseDecision(said.approver, MemberRole(known[1]), CaseVerdict(said.verdict), said.reason, said.time)


def _extension(
    record: case_pb2.CaseRecord, request: case_pb2.CaseRequest, payload: bytes, directory: Directory
) -> CaseExtension | None:
    if not record.HasField("extension"):
        return None
    liaison = _liaison_key(record.request, directory)
    asked = signed_by_both(
        statements.CASE_EXTENSION,
        record.extension,
        record.second_extension,
        (request.officer, request.second_officer),
        operators_of(record.officers, request.liaison, liaison),
    )
    said = case_pb2.CaseExtension.FromString(asked)
    if (said.case_id, said.request_sha256) != (request.case_id, sha256(payload).digest()):
        raise SignatureInvalid("the extension is of another case")
    decisions = _decisions(record.extension_decisions, asked, request.case_id, directory)
    if record.is_extended:
        verify_approved(record.extension_decisions, asked, request, directory.signer)
    return CaseExtension(said.reason, said.time, decisions, record.is_extended, asked)
