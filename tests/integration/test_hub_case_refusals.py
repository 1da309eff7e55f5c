"""What a police case is refused for, at each of its steps: nothing moves, and each refusal is one event."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.police import Station, entries, filed, inquiries, reply_of, staffed, state_of, station_of
from support.sdk import PHONES
from support.wire import WireMember, enrol, enrol_by_token, invited, refuses, valid_elements

from alliance.cases.words import REPLY_AFTER_MS, SIGN_WITHIN_MS, CaseState, CaseVerdict, InstrumentType
from alliance.claims import kind_number
from alliance.errors import Reason
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category, Purpose
from alliance.v1 import case_pb2, operator_pb2
from alliance.v1.case_pb2 import SuspectCount
from alliance_server.domain.members import MemberState, Role

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
PHONE, HELD = PHONES[0], PHONES[1]
MINUTE_MS = 60_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Station]:
    async with station_of(tmp_path_factory.mktemp("station") / "hub") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(station: Station) -> AsyncIterator[Station]:
    """Another liaison of the same alliance, with approvers of its own."""
    made = await staffed(station.hub)
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lender(station: Station) -> AsyncIterator[WireMember]:
    """A member whose claim cases ask about."""
    member = await enrol(station.hub, "lender")
    await filed(member, HELD)
    yield member
    await member.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bystander(station: Station) -> AsyncIterator[WireMember]:
    member = await enrol(station.hub, "bystander")
    yield member
    await member.close()


async def refused(caller: WireMember, call: Awaitable[Any], *reasons: Reason) -> None:
    """Expect a call to be refused for one of these reasons, and to leave one event that says so."""
    before = len(caller.events())
    with refuses(*reasons) as seen:
        await call
    (event,) = caller.events()[before:]
    assert seen.reason is not None
    assert event.outcome == seen.reason.name


def counted(items: int) -> list[SuspectCount]:
    return [SuspectCount(kind=kind_number(Kind.PHONE), items=items)]


# -- submission --------------------------------------------------------------------------------------------------

REQUESTS: dict[str, tuple[Callable[[Station], dict[str, Any]], Reason]] = {
    "another's": (lambda _: {"liaison": "somebody"}, Reason.REPLAYED),
    "drawn up yesterday": (
        lambda it: {"time": it.now - SIGN_WITHIN_MS, "period_to": it.now - 9 * DAY_MS},
        Reason.REPLAYED,
    ),
    "from tomorrow": (lambda it: {"time": it.now + 10 * MINUTE_MS}, Reason.REPLAYED),
    "expired": (lambda it: {"time": it.now - 2, "instrument_until": it.now - 1}, Reason.INSTRUMENT_EXPIRED),
    "lasts too long": (lambda it: {"instrument_until": it.now + 181 * DAY_MS}, Reason.CASE_OUT_OF_SCOPE),
    "looks back too far": (lambda it: {"period_from": it.now - 1200 * DAY_MS}, Reason.CASE_OUT_OF_SCOPE),
    "another category": (lambda _: {"categories": [int(Category.FALSE_APPLICATION)]}, Reason.CASE_OUT_OF_SCOPE),
    "too many": (lambda _: {"suspects": counted(2_001)}, Reason.INSTRUMENT_EXHAUSTED),
    "nobody": (lambda _: {"suspects": counted(0)}, Reason.INVALID_REQUEST),
    "one officer": (lambda it: {"second_officer": it.names[0]}, Reason.TWO_OFFICERS_NEEDED),
    "unknown officer": (lambda _: {"second_officer": "nobody"}, Reason.TWO_OFFICERS_NEEDED),
    "a number with a name": (lambda _: {"number": "case of Zhang San"}, Reason.INVALID_REQUEST),
}


@pytest.mark.parametrize("what", REQUESTS)
async def test_a_request_that_must_not_be_submitted(station: Station, what: str) -> None:
    changes, reason = REQUESTS[what]
    case = station.drawn_up(PHONE, **changes(station))
    await refused(station.liaison, station.submit(case), reason)
    with refuses(Reason.NOT_FOUND):
        await station.got(case)


async def test_both_officers_sign_the_same(station: Station) -> None:
    first, second = station.names
    for signers in ((first, first), (second, second)):
        case = station.drawn_up(PHONE, signers=signers)
        await refused(station.liaison, station.submit(case), Reason.TWO_OFFICERS_NEEDED)
    case, different = station.drawn_up(PHONE), station.drawn_up(PHONE)
    mixed = case_pb2.SubmitCaseRequest(request=case.first, second=different.second)
    await refused(station.liaison, station.liaison.cases.SubmitCase(mixed), Reason.SIGNATURE_INVALID)
    swapped = station.drawn_up(PHONE, signers=(second, first))
    await refused(station.liaison, station.submit(swapped), Reason.SIGNATURE_INVALID)


async def test_a_liaison_without_a_scope_asks_for_nothing(other: Station) -> None:
    case = await other.approved(PHONE)
    rows = await other.evaluated(case)
    waiting = other.drawn_up(PHONE)
    await other.submit(waiting)
    for narrowed in (((), ()), ([InstrumentType.COURT_ORDER], [Category.MULE_ACCOUNT])):
        other.set_scope(*narrowed)
        await refused(other.liaison, other.submit(other.drawn_up(PHONE)), Reason.CASE_OUT_OF_SCOPE)
        await refused(other.legal, other.decide(other.legal, waiting), Reason.CASE_OUT_OF_SCOPE)
        await refused(other.liaison, other.tags(other.liaison, case, PHONE), Reason.CASE_OUT_OF_SCOPE)
        await refused(other.liaison, other.match(case, rows), Reason.CASE_OUT_OF_SCOPE)
    other.set_scope()
    assert state_of(await other.match(case, rows)) is CaseState.OPEN


async def test_an_old_case_is_not_replayed(station: Station) -> None:
    case = station.drawn_up(PHONE)
    record = await station.submit(case)
    assert await station.submit(case) == record
    again = station.drawn_up(PHONE, case_id=case.id)
    await refused(station.liaison, station.submit(again), Reason.CONFLICTING_RETRY)
    await station.end(case)
    await refused(station.liaison, station.submit(case), Reason.CASE_STATE_CONFLICT)


async def test_another_liaison_does_not_take_a_case_over(station: Station, other: Station) -> None:
    case = await station.approved(PHONE)
    rows = await station.evaluated(case)
    await refused(other.liaison, other.got(case), Reason.NOT_FOUND)
    await refused(other.liaison, other.liaison.cases.SubmitCase(case.submission), Reason.REPLAYED)
    await refused(other.liaison, other.tags(other.liaison, case, PHONE), Reason.NOT_FOUND)
    await refused(other.liaison, other.match(case, rows), Reason.NOT_FOUND)
    await refused(other.liaison, other.end(case), Reason.NOT_FOUND)
    await refused(other.liaison, other.liaison.cases.ExtendCase(other.extension(case)), Reason.NOT_FOUND)
    await refused(other.liaison, other.replies(case), Reason.NOT_FOUND)
    assert case.id not in {
        case_pb2.CaseRequest.FromString(it.request.payload).case_id
        for it in (await other.liaison.cases.ListCases(case_pb2.ListCasesRequest())).cases
    }


async def test_cases_share_what_their_instrument_covers(station: Station) -> None:
    document: dict[str, Any] = {"instrument_sha256": os.urandom(32)}
    first = station.drawn_up(PHONE, suspects=counted(1_500), **document)
    assert (await station.submit(first)).instrument_left == 500
    second = station.drawn_up(PHONE, suspects=counted(501), **document)
    await refused(station.liaison, station.submit(second), Reason.INSTRUMENT_EXHAUSTED)
    withdrawn = station.drawn_up(PHONE, suspects=counted(500), **document)
    assert (await station.submit(withdrawn)).instrument_left == 0
    await station.end(withdrawn)  # nobody was evaluated under it
    assert (await station.got(first)).case.instrument_left == 500
    await station.decide(station.legal, first, CaseVerdict.REFUSE)
    await station.submit(station.drawn_up(PHONE, suspects=counted(1_999), **document))
    used = await station.approved(PHONE, suspects=counted(1), **document)
    await station.evaluated(used)
    await station.end(used)
    await refused(
        station.liaison,
        station.submit(station.drawn_up(PHONE, suspects=counted(1), **document)),
        Reason.INSTRUMENT_EXHAUSTED,
    )


async def test_an_instrument_is_not_another_one_in_another_case(station: Station) -> None:
    document: dict[str, Any] = {"instrument_sha256": os.urandom(32)}
    first = station.drawn_up(PHONE, **document)
    await station.submit(first)
    larger = document | {"instrument_type": int(InstrumentType.COURT_ORDER), "suspects": counted(9_000)}
    await refused(station.liaison, station.submit(station.drawn_up(PHONE, **larger)), Reason.CASE_OUT_OF_SCOPE)
    await station.end(first)  # it was a slip, and nobody was evaluated under it
    assert (await station.submit(station.drawn_up(PHONE, **larger))).instrument_left == 1_000


# -- decisions ---------------------------------------------------------------------------------------------------


async def test_two_people_of_two_functions_approve(station: Station, other: Station) -> None:
    case = station.drawn_up(PHONE)
    await station.submit(case)
    decision = station.decision(station.legal, case)
    first = (await station.legal.cases.DecideCase(decision)).case
    assert (await station.legal.cases.DecideCase(decision)).case == first
    once_more = {"reason": "looked again"}
    await refused(station.legal, station.decide(station.legal, case, **once_more), Reason.ANOTHER_APPROVER_NEEDED)
    await refused(other.legal, station.decide(other.legal, case), Reason.ANOTHER_APPROVER_NEEDED)
    assert state_of((await station.got(case)).case) is CaseState.SUBMITTED
    # One person with two offices is one person: the key is the same.
    name = "legal-as-duty"
    token = invited(station.hub, name, Role.DUTY_OFFICER)
    twice = await enrol_by_token(station.hub, name, token, station.legal.key)
    station.hub.confirm(name)
    await refused(twice, station.decide(twice, case), Reason.ANOTHER_APPROVER_NEEDED)
    await twice.close()
    assert state_of(await station.decide(station.duty, case)) is CaseState.APPROVED


async def test_a_liaison_approves_nothing_of_its_own(station: Station) -> None:
    case = station.drawn_up(PHONE)
    await station.submit(case)
    name = "liaison-as-duty"
    token = invited(station.hub, name, Role.DUTY_OFFICER)
    itself = await enrol_by_token(station.hub, name, token, station.liaison.key)
    station.hub.confirm(name)
    await refused(itself, station.decide(itself, case), Reason.ANOTHER_APPROVER_NEEDED)
    await itself.close()


async def test_who_left_meanwhile_agrees_to_nothing(own_station: Station) -> None:
    station, store = own_station, own_station.hub.hub.store
    suspended, retired = station.drawn_up(PHONE), station.drawn_up(PHONE)
    for case in (suspended, retired):
        await station.submit(case)
    await station.decide(station.legal, suspended)
    store.write_now(lambda it: it.members.set_state(station.legal.id, MemberState.SUSPENDED, station.now))
    await refused(station.duty, station.decide(station.duty, suspended), Reason.ANOTHER_APPROVER_NEEDED)
    store.write_now(lambda it: it.members.set_state(station.legal.id, MemberState.ACTIVE, station.now))
    assert state_of(await station.decide(station.duty, suspended)) is CaseState.APPROVED
    await station.liaison.operators.RetireOperator(
        operator_pb2.RetireOperatorRequest(retirement=station.liaison.retirement(station.names[1]))
    )
    await refused(station.legal, station.decide(station.legal, retired), Reason.TWO_OFFICERS_NEEDED)
    assert state_of(await station.decide(station.legal, retired, CaseVerdict.REFUSE)) is CaseState.REFUSED


DECISIONS: dict[str, tuple[dict[str, Any], Reason]] = {
    "another document": ({"instrument_sha256": bytes(32)}, Reason.CASE_OUT_OF_SCOPE),
    "another request": ({"subject_sha256": bytes(32)}, Reason.CONFLICTING_RETRY),
    "another's name": ({"approver": "somebody"}, Reason.REPLAYED),
    "old": ({"time": 1}, Reason.REPLAYED),
    "no verdict": ({"verdict": 0}, Reason.INVALID_REQUEST),
    "no reason": ({"reason": " "}, Reason.INVALID_REQUEST),
    "a number like a telephone's": ({"reason": "of 131 and 123456789"}, Reason.INVALID_REQUEST),
    "no such case": ({"case_id": bytes(16)}, Reason.NOT_FOUND),
}


@pytest.mark.parametrize("what", DECISIONS)
async def test_a_decision_that_decides_nothing(station: Station, what: str) -> None:
    changes, reason = DECISIONS[what]
    case = station.drawn_up(PHONE)
    await station.submit(case)
    await refused(station.legal, station.decide(station.legal, case, **changes), reason)
    assert (await station.got(case)).case.decisions == []


async def test_one_refusal_refuses(station: Station) -> None:
    case = station.drawn_up(PHONE)
    await station.submit(case)
    await station.decide(station.legal, case)
    record = await station.decide(station.duty, case, CaseVerdict.REFUSE)
    assert (state_of(record), len(record.decisions), record.ended_at > 0) == (CaseState.REFUSED, 2, True)
    await refused(station.liaison, station.tags(station.liaison, case, PHONE), Reason.CASE_STATE_CONFLICT)
    await refused(station.liaison, station.end(case), Reason.CASE_STATE_CONFLICT)


async def test_who_asks_does_not_approve_and_who_approves_does_not_ask(station: Station) -> None:
    case = station.drawn_up(PHONE)
    await station.submit(case)
    await refused(station.liaison, station.decide(station.liaison, case), Reason.NOT_PERMITTED)
    await refused(station.legal, station.legal.cases.SubmitCase(case.submission), Reason.NOT_PERMITTED)
    await refused(station.legal, station.tags(station.legal, case, PHONE), Reason.NOT_PERMITTED)


async def test_approvers_see_what_waits_for_them(station: Station) -> None:
    case = station.drawn_up(PHONE)
    await station.submit(case)

    async def waits() -> bool:
        request = case_pb2.ListCasesRequest(waiting_only=True, page_size=1000)
        listed = (await station.duty.cases.ListCases(request)).cases
        return case.first.payload in {it.request.payload for it in listed}

    assert await waits()
    await station.decide(station.legal, case)
    assert await waits()
    await station.decide(station.duty, case)
    assert not await waits()


# -- suspects ----------------------------------------------------------------------------------------------------


async def test_nobody_is_evaluated_without_both_approvals(station: Station) -> None:
    case = station.drawn_up(PHONE)
    await station.submit(case)
    for approver in (station.legal, station.duty):
        await refused(station.liaison, station.tags(station.liaison, case, PHONE), Reason.CASE_STATE_CONFLICT)
        await station.decide(approver, case)
    await station.tags(station.liaison, case, PHONE)
    assert state_of((await station.got(case)).case) is CaseState.MATCHING


async def test_evaluations_are_bound_to_their_case(station: Station, bystander: WireMember, lender: WireMember) -> None:
    case = await station.approved(PHONE, HELD)
    liaison = station.liaison
    await refused(liaison, station.tags(liaison, case, PHONE, consent_root=bytes(32)), Reason.CASE_OUT_OF_SCOPE)
    await refused(liaison, station.tags(liaison, case, PHONE, case_id=bytes(16)), Reason.NOT_FOUND)
    await refused(liaison, station.tags(liaison, case, PHONE, case_id=b""), Reason.INVALID_REQUEST)
    await refused(liaison, liaison.evaluate(valid_elements(1)), Reason.PURPOSE_NOT_PERMITTED)
    await refused(liaison, station.tags(liaison, case, PHONE, HELD, PHONES[2]), Reason.INSTRUMENT_EXHAUSTED)
    for member in (bystander, lender):  # who is not asked yet is as who never is
        await refused(member, station.tags(member, case, HELD), Reason.NOT_FOUND)
    await refused(bystander, bystander.evaluate(valid_elements(1), case_id=case.id), Reason.INVALID_REQUEST)
    request_id = os.urandom(16)
    blinded = valid_elements(2)
    fields = {"case_id": case.id, "consent_root": case.request.suspects_root, "request_id": request_id}
    for _ in range(2):  # a retry is not counted twice
        await liaison.evaluate(blinded, Purpose.CASE, **fields)
    await refused(liaison, station.tags(liaison, case, PHONE), Reason.INSTRUMENT_EXHAUSTED)
    changed = {**fields, "case_id": (await station.approved(PHONE)).id}
    await refused(liaison, liaison.evaluate(blinded, Purpose.CASE, **changed), Reason.CONFLICTING_RETRY)


async def test_suspects_are_those_that_were_evaluated_in_their_order(station: Station) -> None:
    liaison, case = station.liaison, await station.approved(PHONE, HELD)
    made_up = [case_pb2.SuspectRow(tag=os.urandom(32), sealed=bytes(1536)) for _ in range(3)]
    await refused(liaison, station.match(case, made_up[:1]), Reason.CASE_STATE_CONFLICT, Reason.SUSPECTS_NOT_EVALUATED)
    await station.tags(liaison, case, PHONE)
    await refused(liaison, station.match(case, made_up[:2]), Reason.SUSPECTS_NOT_EVALUATED)
    await refused(liaison, station.match(case, made_up[:1], first=1), Reason.SUSPECTS_NOT_EVALUATED)
    await refused(liaison, station.match(case, made_up[:1], epoch=7), Reason.EPOCH_NOT_SERVED)
    signed = station.suspects(case, made_up[:1])
    swapped = case_pb2.SubmitSuspectsRequest(suspects=signed.suspects, rows=made_up[1:2])
    await refused(liaison, liaison.cases.SubmitSuspects(swapped), Reason.INVALID_REQUEST)
    none = station.suspects(case, [])
    await refused(liaison, liaison.cases.SubmitSuspects(none), Reason.INVALID_REQUEST)
    await refused(liaison, station.match(case, made_up[:1], key=station.legal.key), Reason.SIGNATURE_INVALID)
    await refused(liaison, station.match(case, made_up[:1], officer="nobody"), Reason.SIGNATURE_INVALID)
    await refused(liaison, station.match(case, made_up[:1], time=1), Reason.REPLAYED)

    record = await station.match(case, made_up[:1], is_last=False)
    assert state_of(record) is CaseState.MATCHING
    assert await station.match(case, made_up[:1], is_last=False) == record
    await refused(liaison, station.match(case, made_up[1:2], is_last=False), Reason.CONFLICTING_RETRY)
    await refused(liaison, station.match(case, made_up[:1], is_last=True), Reason.CONFLICTING_RETRY)
    await station.tags(liaison, case, HELD)
    assert state_of(await station.match(case, made_up[1:2], first=1)) is CaseState.OPEN
    await refused(liaison, station.match(case, made_up[2:], first=2), Reason.CASE_STATE_CONFLICT)
    await refused(liaison, station.tags(liaison, case, HELD), Reason.CASE_STATE_CONFLICT)


async def test_an_officer_who_is_retired_signs_nothing_more(own_station: Station) -> None:
    station = own_station
    case = await station.approved(PHONE)
    rows = await station.evaluated(case)
    await station.liaison.operators.RetireOperator(
        operator_pb2.RetireOperatorRequest(retirement=station.liaison.retirement(station.names[0]))
    )
    await refused(station.liaison, station.match(case, rows), Reason.TWO_OFFICERS_NEEDED)
    await refused(station.liaison, station.submit(station.drawn_up(PHONE)), Reason.TWO_OFFICERS_NEEDED)
    assert state_of(
        await station.match(case, rows, officer=station.names[1], key=station.officers[station.names[1]])
    ) is (CaseState.OPEN)


# -- replies -----------------------------------------------------------------------------------------------------


async def test_who_is_not_asked_replies_to_nothing(station: Station, lender: WireMember, bystander: WireMember) -> None:
    case = await station.opened(HELD)
    assert await entries(lender, case)
    await refused(bystander, entries(bystander, case), Reason.NOT_FOUND)
    await refused(bystander, bystander.cases.SendCaseReply(reply_of(bystander, case)), Reason.NOT_FOUND)
    await refused(bystander, station.tags(bystander, case, HELD), Reason.NOT_FOUND)


async def test_a_member_opens_what_it_is_asked_and_no_more(station: Station, lender: WireMember) -> None:
    case = await station.opened(HELD)
    for _ in range(4):
        await station.tags(lender, case, HELD)
    await refused(lender, station.tags(lender, case, HELD), Reason.INSTRUMENT_EXHAUSTED)


async def test_one_reply_within_its_window(own_station: Station) -> None:
    station = own_station
    lender = await enrol(station.hub, "lender")
    await filed(lender, HELD)
    case = await station.opened(HELD)
    request = reply_of(lender, case)
    await refused(lender, lender.cases.SendCaseReply(request), Reason.REPLY_WINDOW_CLOSED)
    await refused(station.liaison, station.replies(case), Reason.CASE_STATE_CONFLICT)
    station.pass_by(REPLY_AFTER_MS)
    wrong = {
        "another's": reply_of(lender, case, member="somebody"),
        "of another size": reply_of(lender, case, sealed=bytes(100)),
        "of another digest": reply_of(lender, case, sealed_sha256=bytes(32)),
        "of nothing": reply_of(lender, case, contents_sha256=b""),
    }
    for reply in wrong.values():
        await refused(lender, lender.cases.SendCaseReply(reply), Reason.INVALID_REQUEST, Reason.REPLAYED)
    request = reply_of(lender, case)
    taken = (await lender.cases.SendCaseReply(request)).inquiry
    assert (await lender.cases.SendCaseReply(request)).inquiry == taken
    await refused(lender, lender.cases.SendCaseReply(reply_of(lender, case)), Reason.CONFLICTING_RETRY)
    assert len((await station.replies(case)).replies) == 1
    await lender.close()


async def test_a_case_is_closed_once_its_replies_are_handed_over(own_station: Station) -> None:
    station = own_station
    lender = await enrol(station.hub, "lender")
    await filed(lender, HELD)
    case = await station.opened(HELD)
    await refused(station.liaison, station.end(case, CaseState.CLOSED), Reason.CASE_STATE_CONFLICT)
    await refused(station.liaison, station.end(case, CaseState.EXPIRED), Reason.INVALID_REQUEST)
    await refused(station.liaison, station.end(case, key=station.legal.key), Reason.SIGNATURE_INVALID)
    station.pass_by(REPLY_AFTER_MS)
    await lender.cases.SendCaseReply(reply_of(lender, case))
    # Who has read them does not take the case back as if nobody had.
    await refused(station.liaison, station.end(case, CaseState.WITHDRAWN), Reason.CASE_STATE_CONFLICT)
    assert state_of(await station.end(case, CaseState.CLOSED)) is CaseState.CLOSED
    assert state_of(await station.end(case, CaseState.CLOSED)) is CaseState.CLOSED
    assert len((await station.replies(case)).replies) == 1
    await refused(station.liaison, station.end(case), Reason.CASE_STATE_CONFLICT)
    assert [CaseState(it.state) for it in await inquiries(lender)] == [CaseState.CLOSED]
    await lender.close()


async def test_what_is_withdrawn_hands_nothing_over(own_station: Station) -> None:
    station = own_station
    lender, slower = await enrol(station.hub, "lender"), await enrol(station.hub, "slower")
    for member in (lender, slower):
        await filed(member, HELD)
    case = await station.opened(HELD)
    station.pass_by(REPLY_AFTER_MS)
    await lender.cases.SendCaseReply(reply_of(lender, case))
    await station.end(case)
    await refused(station.liaison, station.replies(case), Reason.CASE_STATE_CONFLICT)
    await refused(lender, station.tags(lender, case, HELD), Reason.CASE_STATE_CONFLICT)
    unused = await station.approved(HELD)
    await station.match(unused, await station.evaluated(unused), is_last=False)
    await station.end(unused)
    assert len(await inquiries(lender)) == 1  # nobody was asked about the second one, and nobody learns of it
    await refused(lender, entries(lender, unused), Reason.NOT_FOUND)
    for member in (lender, slower):
        await member.close()


@pytest_asyncio.fixture(loop_scope="module")
async def own_station(new_hub_folder: NewFolder) -> AsyncIterator[Station]:
    """A station whose clock may be moved."""
    async with station_of(new_hub_folder()) as made:
        yield made
