"""Police cases as the hub holds them: who may take which step when, as `alliance.cases` has the states and clocks.

- The hub knows who asks under which instrument, for how many, and whose claims match. It knows no suspect: tags are
  matched and forgotten, and what is sealed it cannot open.
- A step is taken once. The same step again gives what it gave; another one in its place is refused.
- What is over is over: no step leads out of an ended case, and nobody uses its id again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from alliance.cases import statements, words
from alliance.cases.rules import check_request, is_reason, is_urgent, items_of
from alliance.cases.words import ENDED_STATES, TRANSITIONS, CaseState, CaseVerdict
from alliance.crypto.signing import VerifyingKey
from alliance.errors import Reason
from alliance.v1.case_pb2 import CaseDecision, CaseExtension, CaseRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller, Role
from alliance_server.domain.statements import MAX_SKEW_MS, packed, unpacked

MAX_STATEMENT_BYTES: Final = 2_048
APPROVERS: Final = frozenset({Role.LEGAL_APPROVER, Role.DUTY_OFFICER})
"""The functions: of each one must approve."""
NOT_ENDED: Final = frozenset(CaseState) - ENDED_STATES - {CaseState.DRAFT}
UNCHARGED: Final = frozenset({CaseState.WITHDRAWN, CaseState.EXPIRED})
"""States in which a case that evaluated nothing leaves its instrument as it was; a refused one always does."""
EVALUATING: Final = frozenset({CaseState.APPROVED, CaseState.MATCHING})


@dataclass(frozen=True, slots=True)
class Scope:
    """What a liaison may ask for, by the numbers of the words; nothing, where there is no instrument."""

    member_id: str
    instruments: frozenset[int]
    categories: frozenset[int]


@dataclass(frozen=True, slots=True, repr=False)
class Case:
    """A case as it is kept. Times in milliseconds UTC; 0 where something did not happen yet."""

    id: bytes
    liaison: str
    state: CaseState
    instrument_type: int
    instrument_sha256: bytes
    instrument_until: int
    items: int
    requests: bytes
    """Statements `case-request` of both officers, packed."""
    officers: bytes
    """Statements `operator` of both, packed."""
    submitted_at: int
    decide_by: int
    awaited: int
    """Approvals that are waited for."""
    extensions: bytes | None = None
    """Statements `case-extension` of both officers, packed. None: there is none."""
    is_extended: bool = False
    reply_from: int = 0
    reply_by: int = 0
    asked: int = 0
    replied: int = 0
    ended_at: int | None = None

    @property
    def payload(self) -> bytes:
        """What both officers signed."""
        return unpacked(self.requests)[0].payload

    @property
    def request(self) -> CaseRequest:
        """What is asked for."""
        return CaseRequest.FromString(self.payload)

    @property
    def content_sha256(self) -> bytes:
        """Digest of what both officers signed."""
        return sha256(self.payload).digest()

    @property
    def extension_payload(self) -> bytes | None:
        """What both officers signed to have more time."""
        return None if self.extensions is None else unpacked(self.extensions)[0].payload

    @property
    def is_opened(self) -> bool:
        """Whether members were asked, or nobody was to be."""
        return self.reply_by > 0

    def is_handed_over(self, now: int) -> bool:
        """Say whether its liaison may have the replies: all are in, and none too soon; or their time is over."""
        if not self.is_opened or self.state is CaseState.WITHDRAWN:
            return False
        return (self.replied >= self.asked and (not self.asked or now >= self.reply_from)) or now >= self.reply_by

    def moved(self, state: CaseState, now: int, **changes: Any) -> "Case":  # noqa: ANN401 - any field of it
        """Give it in another state; raises Refused where none leads there."""
        if state not in TRANSITIONS[self.state]:
            raise Refused(Reason.CASE_STATE_CONFLICT, f"the case is {self.state.word}")
        if state in ENDED_STATES:
            changes |= {"ended_at": now, "awaited": 0}
        return replace(self, state=state, **changes)


@dataclass(frozen=True, slots=True, repr=False)
class Decision:
    """What an approver decided about a request or an extension."""

    case_id: bytes
    subject_sha256: bytes
    role: Role
    approver: str
    verdict: CaseVerdict
    statement: bytes
    decided_at: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Suspects of some places in a row, as they were submitted."""

    case_id: bytes
    epoch: int
    first_index: int
    count: int
    rows_sha256: bytes
    is_last: bool


@dataclass(frozen=True, slots=True, repr=False)
class Match:
    """A claim that a case asks its contributor about."""

    entry_id: bytes
    member: str
    epoch: int
    place: int
    sealed: bytes | None
    """SuspectContents, sealed. None: it was deleted."""


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A member that a case asks, and its reply."""

    case_id: bytes
    member: str
    entries: int
    evaluated: int = 0
    """Identifiers that it evaluated under the case."""
    replied_at: int = 0
    reply: bytes | None = None
    """Statement `case-reply`. None: it did not reply."""
    sealed: bytes | None = None
    """The reply. None: there is none, or it was deleted."""


def check_submittable(request: CaseRequest, scope: Scope | None, now: int) -> None:
    """Raise Refused or CaseInvalid unless a request holds by itself, is of today, and within its liaison's scope."""
    check_request(request)
    if not now - words.SIGN_WITHIN_MS < request.time <= now + MAX_SKEW_MS:
        raise Refused(Reason.REPLAYED, "the request is stale or from the future")
    check_instrument(request.instrument_until, now)
    check_scope(request, scope)


def check_scope(request: CaseRequest, scope: Scope | None) -> None:
    """Raise Refused where a liaison may not act under this instrument, or not ask about these categories, by now."""
    if scope is None or request.instrument_type not in scope.instruments:
        raise Refused(Reason.CASE_OUT_OF_SCOPE, "the liaison may not act under an instrument of this type")
    if not scope.categories.issuperset(request.categories):
        raise Refused(Reason.CASE_OUT_OF_SCOPE, "the liaison may not ask about these categories")


def check_instrument(until: int, now: int) -> None:
    """Raise Refused where an instrument's time is over."""
    if now >= until:
        raise Refused(Reason.INSTRUMENT_EXPIRED, "the instrument's time is over")


def submitted(
    request: CaseRequest, signed: Sequence[SignedStatement], officers: Sequence[SignedStatement], now: int
) -> Case:
    """Give the case of a request that holds."""
    return Case(
        id=request.case_id,
        liaison=request.liaison,
        state=CaseState.SUBMITTED,
        instrument_type=request.instrument_type,
        instrument_sha256=request.instrument_sha256,
        instrument_until=request.instrument_until,
        items=items_of(request),
        requests=packed(signed),
        officers=packed(officers),
        submitted_at=now,
        decide_by=now + words.decide_within_ms(is_urgent=is_urgent(request)),
        awaited=words.APPROVERS,
    )


def check_decision(said: CaseDecision) -> CaseVerdict:
    """Give what an approver decides; raises Refused for a decision that says nothing."""
    try:
        verdict = CaseVerdict(said.verdict)
    except ValueError:
        raise Refused(Reason.INVALID_REQUEST, "the verdict is unknown") from None
    if not is_reason(said.reason):
        raise Refused(Reason.INVALID_REQUEST, "a reason has 1 to 500 bytes, and no nine digits in a row")
    return verdict


def check_approver(
    caller: Caller, case: Case, earlier: Sequence[Decision], liaison: VerifyingKey, others: Sequence[bytes]
) -> None:
    """Raise Refused unless nobody of this function decided yet, and it is nobody who has a part in the case already.

    `others` are the identity keys of those who decided before: one person who is enrolled twice is one person. So is
    who is a liaison and an approver.
    """
    if any(it.role is caller.role for it in earlier):
        raise Refused(Reason.ANOTHER_APPROVER_NEEDED, "an approver of this function decided already")
    keys = statements.operators_of(unpacked(case.officers), case.liaison, liaison).values()
    if caller.identity_key in {liaison.public_key, *others, *(key.public_key for key in keys)}:
        raise Refused(Reason.ANOTHER_APPROVER_NEEDED, "who signed already approves nothing besides")


def decided(case: Case, decision: Decision, now: int) -> Case:
    """Give the case as a decision about its request or its extension leaves it; raises Refused."""
    is_refused = decision.verdict is CaseVerdict.REFUSE
    if decision.subject_sha256 == case.content_sha256:
        if case.state is not CaseState.SUBMITTED or now >= case.decide_by:
            raise Refused(Reason.CASE_STATE_CONFLICT, "the case does not wait for approvers any more")
        if is_refused:
            return case.moved(CaseState.REFUSED, now)
        check_instrument(case.instrument_until, now)
        return _nearer(case) if case.awaited > 1 else case.moved(CaseState.APPROVED, now, awaited=0)
    extension = case.extension_payload
    if extension is None or decision.subject_sha256 != sha256(extension).digest():
        raise Refused(Reason.CONFLICTING_RETRY, "the decision is about other content")
    if case.state is not CaseState.OPEN or not case.awaited or now >= case.reply_by:
        raise Refused(Reason.CASE_STATE_CONFLICT, "the extension does not wait for approvers any more")
    if is_refused:
        return replace(case, awaited=0)
    return (
        replace(case, awaited=0, is_extended=True, reply_by=_extended_until(case))
        if case.awaited == 1
        else _nearer(case)
    )


def _nearer(case: Case) -> Case:
    return replace(case, awaited=case.awaited - 1)


def extended(case: Case, said: CaseExtension, signed: Sequence[SignedStatement], now: int) -> Case:
    """Give the case as it waits for its extension to be approved; raises Refused."""
    if case.state is not CaseState.OPEN or case.extensions is not None or case.is_handed_over(now):
        raise Refused(Reason.CASE_STATE_CONFLICT, "a case that waits for replies is extended once")
    if said.request_sha256 != case.content_sha256:
        raise Refused(Reason.CONFLICTING_RETRY, "the extension is of another request")
    if not now - words.SIGN_WITHIN_MS < said.time <= now + MAX_SKEW_MS:
        raise Refused(Reason.REPLAYED, "the extension is stale or from the future")
    check_instrument(case.instrument_until, now)
    if _extended_until(case) <= case.reply_by:
        raise Refused(Reason.INSTRUMENT_EXPIRED, "the instrument gives no more time")
    return replace(case, extensions=packed(signed), awaited=words.APPROVERS)


def _extended_until(case: Case) -> int:
    _, within = words.reply_window_ms(is_urgent=is_urgent(case.request))
    return min(case.reply_by + within, case.instrument_until)


def check_evaluating(case: Case, scope: Scope | None, now: int) -> None:
    """Raise Refused unless suspects of a case are evaluated and submitted now."""
    if case.state not in EVALUATING:
        raise Refused(Reason.CASE_STATE_CONFLICT, f"the case is {case.state.word}")
    check_instrument(case.instrument_until, now)
    check_scope(case.request, scope)


def check_place(case: Case, asked: Placed, before: int, evaluated: int) -> None:
    """Raise Refused unless places follow those `before`, are of the case, and were evaluated under it."""
    if asked.first_index != before:
        raise Refused(Reason.SUSPECTS_NOT_EVALUATED, "suspects come in their order, each once an epoch")
    if before + asked.count > min(evaluated, case.items):
        raise Refused(Reason.SUSPECTS_NOT_EVALUATED, "fewer suspects were evaluated under the case")


def opened(case: Case, asked: int, now: int) -> Case:
    """Give the case as it waits for the replies of so many members."""
    after, within = words.reply_window_ms(is_urgent=is_urgent(case.request))
    return case.moved(CaseState.OPEN, now, asked=asked, reply_from=now + after, reply_by=now + within)


def ended(case: Case, state: CaseState, now: int) -> Case:
    """Give the case as its liaison ends it; raises Refused.

    It is closed once the replies were handed over: else closing it would be a way to read some before their time. And
    it is not withdrawn from then on: else who read them could have the case look as if nobody had.
    """
    if state is CaseState.CLOSED and not case.is_handed_over(now):
        raise Refused(Reason.CASE_STATE_CONFLICT, "a case is closed once its replies are handed over")
    if state is CaseState.WITHDRAWN and case.is_handed_over(now):
        raise Refused(Reason.CASE_STATE_CONFLICT, "a case whose replies are handed over is closed, not withdrawn")
    if state not in {CaseState.CLOSED, CaseState.WITHDRAWN}:
        raise Refused(Reason.INVALID_REQUEST, "a liaison closes or withdraws a case")
    return case.moved(state, now)


def run_out(case: Case, now: int) -> Case:
    """Give the case as its clock ends it."""
    return case.moved(CaseState.CLOSED if case.state is CaseState.OPEN else CaseState.EXPIRED, now)


def check_window(case: Case, now: int) -> None:
    """Raise Refused unless replies to a case are taken now."""
    if case.state is not CaseState.OPEN:
        raise Refused(Reason.CASE_STATE_CONFLICT, f"the case is {case.state.word}")
    if not case.reply_from <= now < case.reply_by:
        raise Refused(Reason.REPLY_WINDOW_CLOSED, "replies are not taken now")
