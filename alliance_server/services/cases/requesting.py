"""Cases as their liaison asks for them: submitted, listed, extended, ended.

Signatures are verified by a reader, on a thread of its own; what they were verified against is looked at again in the
unit of work that takes the step.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from alliance import statements as kinds
from alliance.cases import statements
from alliance.cases.rules import INSTRUMENT_RULES, items_of
from alliance.cases.words import ENDED_STATES, CaseState, InstrumentType
from alliance.crypto.signing import VerifyingKey
from alliance.errors import Reason, SignatureInvalid
from alliance.v1.case_pb2 import CaseEnding, CaseExtension, CaseRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.cases import (
    MAX_STATEMENT_BYTES,
    Case,
    check_submittable,
    ended,
    extended,
    submitted,
)
from alliance_server.domain.disputes import check_reason_code
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller, Role
from alliance_server.domain.operators import Operator
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.statements import MAX_SKEW_MS, unpacked
from alliance_server.services.call import Call
from alliance_server.services.cases.showing import ShownCase, of_caller, shown
from alliance_server.services.memberships import require_admitted
from alliance_server.services.paging import numbers, page_size

MAX_PAGE: Final = 128
"""Cases that come with their statements fit into a message."""

M = TypeVar("M", bound=Message)


class RequestService:
    """Takes what a liaison asks for, and shows it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def submit(self, call: Call, first: SignedStatement, second: SignedStatement) -> ShownCase:
        """Submit a case of the caller's; raises Refused, CaseInvalid or SignatureInvalid."""
        _check_length(first, second)
        now, caller = call.now(), call.caller

        def verify(transaction: Transaction) -> tuple[CaseRequest, list[Operator]]:
            request = statements.read_request(first.payload)
            if request.liaison != caller.member_id:
                raise Refused(Reason.REPLAYED, "the request is another's")
            officers = active_officers(transaction, request)
            registrations = [SignedStatement.FromString(it.statement) for it in officers]
            verified_by_both(kinds.CASE_REQUEST, first, second, request, registrations, caller)
            return request, officers

        request, officers = await self._store.read(verify)

        def work(transaction: Transaction) -> ShownCase:
            transaction.members.hold(caller.member_id)  # two at once do not pass the instrument together
            require_admitted(transaction, caller, now)
            known = transaction.cases.get(request.case_id)
            event = call.event(items=items_of(request), commitments=(sha256(first.payload).digest(),))
            if known is not None:
                _check_repeated(known, first.payload, caller)
                transaction.record(event)
                return shown(transaction, known)[0]
            check_submittable(request, transaction.cases.scope(caller.member_id), now)
            _check_still_active(transaction, officers)
            _check_covered(transaction, request)
            registrations = [SignedStatement.FromString(it.statement) for it in officers]
            case = submitted(request, (first, second), registrations, now)
            transaction.cases.add(case)
            transaction.step(case.id, event, first.SerializeToString())
            return shown(transaction, case)[0]

        return await self._store.write(work)

    async def list(
        self, call: Call, asked_size: int, token: str, *, waiting_only: bool
    ) -> tuple[Sequence[ShownCase], str]:
        """List a page of the caller's own cases, or of all for an approver, and the token of the next."""
        size = min(page_size(asked_size), MAX_PAGE)
        (after,) = numbers(token, 1)
        liaison = call.caller.member_id if call.caller.role is Role.LIAISON else None

        def work(transaction: Transaction) -> tuple[Sequence[ShownCase], str]:
            page = transaction.cases.page(after, size, liaison=liaison, waiting_only=waiting_only)
            more = str(page[-1][0]) if len(page) == size else ""
            return shown(transaction, *(case for _, case in page)), more

        found, more = await self._store.read(work)
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(found))))
        return found, more

    async def extend(self, call: Call, first: SignedStatement, second: SignedStatement) -> ShownCase:
        """Ask for more time for the members' replies, once a case; raises Refused or SignatureInvalid."""
        _check_length(first, second)
        said = read(CaseExtension(), first.payload)
        check_reason_code(said.reason)

        def verify(transaction: Transaction) -> None:
            case = of_caller(transaction, call, said.case_id)
            verified_by_both(kinds.CASE_EXTENSION, first, second, case.request, unpacked(case.officers), call.caller)

        await self._store.read(verify)

        def work(transaction: Transaction) -> ShownCase:
            case = of_caller(transaction, call, said.case_id)
            event = call.event(items=1, commitments=(sha256(first.payload).digest(),))
            if case.extension_payload == first.payload:
                transaction.record(event)
                return shown(transaction, case)[0]
            active_officers(transaction, case.request)
            after = extended(case, said, (first, second), call.now())
            transaction.cases.save(after)
            transaction.step(case.id, event, first.SerializeToString())
            return shown(transaction, after)[0]

        return await self._store.write(work)

    async def end(self, call: Call, statement: SignedStatement) -> ShownCase:
        """Withdraw a case, or close it once its replies are handed over; raises Refused or SignatureInvalid."""
        _check_length(statement)
        said = read(CaseEnding(), statement.payload)
        check_moment(said.time, call.now())
        check_reason_code(said.reason)
        try:
            state = CaseState(said.state)
        except ValueError:
            raise Refused(Reason.INVALID_REQUEST, "the state is unknown") from None

        def work(transaction: Transaction) -> ShownCase:
            case = of_caller(transaction, call, said.case_id)
            verified_by_officer(transaction, kinds.CASE_ENDING, statement, case, said.officer, call.caller)
            event = call.event(items=1, commitments=(sha256(statement.payload).digest(),))
            if case.state is state:
                transaction.record(event)
                return shown(transaction, case)[0]
            after = ended(case, state, call.now())
            transaction.cases.save(after)
            if not case.is_opened:
                transaction.cases.drop_matches(case.id)
            transaction.step(case.id, event, statement.SerializeToString())
            return shown(transaction, after)[0]

        return await self._store.write(work)


def read(into: M, payload: bytes) -> M:
    """Fill a message from a payload; raises Refused."""
    try:
        into.ParseFromString(payload)
    except DecodeError:
        raise Refused(Reason.INVALID_REQUEST, "the statement cannot be read") from None
    return into


def check_moment(time: int, now: int) -> None:
    """Raise Refused unless a statement was made just now."""
    if abs(time - now) > MAX_SKEW_MS:
        raise Refused(Reason.REPLAYED, "the statement is stale or from the future")


def active_officers(transaction: Transaction, request: CaseRequest) -> list[Operator]:
    """Give both officers of a request, the first one first; raises Refused unless both are registered and active."""
    known = {it.operator_id: it for it in transaction.operators.of(request.liaison) if it.retired_at is None}
    try:
        return [known[name] for name in (request.officer, request.second_officer)]
    except KeyError:
        raise Refused(Reason.TWO_OFFICERS_NEEDED, "an officer is not registered, or retired") from None


def verified_by_both(
    kind: str,
    first: SignedStatement,
    second: SignedStatement,
    request: CaseRequest,
    registrations: Sequence[SignedStatement],
    caller: Caller,
) -> None:
    """Raise Refused or SignatureInvalid unless both officers of a request signed the same."""
    keys = statements.operators_of(registrations, caller.member_id, VerifyingKey(caller.identity_key))
    _check_two(first, second, keys, request)
    statements.signed_by_both(kind, first, second, (request.officer, request.second_officer), keys)


def verified_by_officer(
    transaction: Transaction, kind: str, statement: SignedStatement, case: Case, officer: str, caller: Caller
) -> None:
    """Raise Refused or SignatureInvalid unless an officer of a case, who is active, signed."""
    keys = statements.operators_of(unpacked(case.officers), caller.member_id, VerifyingKey(caller.identity_key))
    if officer not in keys:
        raise SignatureInvalid("who signed is no officer of the case")
    keys[officer].verified_payload(kind, statement)
    if all(it.operator_id != officer or it.retired_at is not None for it in transaction.operators.of(case.liaison)):
        raise Refused(Reason.TWO_OFFICERS_NEEDED, "the officer is retired")


def _check_two(
    first: SignedStatement, second: SignedStatement, keys: Mapping[str, VerifyingKey], request: CaseRequest
) -> None:
    """Raise Refused where one officer signed for both."""
    if (
        request.officer == request.second_officer
        or first.key_id == second.key_id
        or len(keys) != len({key.public_key for key in keys.values()})
    ):
        raise Refused(Reason.TWO_OFFICERS_NEEDED, "both signatures are of one officer")


def _check_length(*signed: SignedStatement) -> None:
    if any(it.ByteSize() > MAX_STATEMENT_BYTES for it in signed):
        raise Refused(Reason.INVALID_REQUEST, "a statement of that length is not kept")


def _check_repeated(known: Case, payload: bytes, caller: Caller) -> None:
    """Raise Refused unless the same is submitted again, by whom it was, and goes on."""
    if known.liaison != caller.member_id or known.payload != payload:
        raise Refused(Reason.CONFLICTING_RETRY, "the case's id was used with other content")
    if known.state in ENDED_STATES:
        raise Refused(Reason.CASE_STATE_CONFLICT, f"the case is {known.state.word}")


def _check_still_active(transaction: Transaction, officers: Sequence[Operator]) -> None:
    """Raise Refused unless both officers are what they were when their signatures were verified."""
    known = transaction.operators.of(officers[0].member_id)
    if any(one not in known for one in officers):
        raise Refused(Reason.TWO_OFFICERS_NEEDED, "an officer was retired meanwhile")


def _check_covered(transaction: Transaction, request: CaseRequest) -> None:
    """Raise Refused where earlier cases leave too little of an instrument, or have it as one that covers otherwise."""
    if transaction.cases.instrument_types(request.liaison, request.instrument_sha256) - {request.instrument_type}:
        raise Refused(Reason.CASE_OUT_OF_SCOPE, "earlier cases have this document as an instrument of another type")
    covered = INSTRUMENT_RULES[InstrumentType(request.instrument_type)].items
    if transaction.cases.items_under(request.liaison, request.instrument_sha256) + items_of(request) > covered:
        raise Refused(Reason.INSTRUMENT_EXHAUSTED, "earlier cases used up what the instrument covers")
