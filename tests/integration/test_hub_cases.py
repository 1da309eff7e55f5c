"""Police cases on the wire: asked for by two officers, approved by two functions, matched, and replied to sealed."""

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from google.protobuf.message import Message
from support.police import Station, entries, filed, inquiries, reply_of, retagged, state_of, station_of
from support.sdk import PHONES
from support.wire import WireMember, enrol, refuses, row_of

from alliance.cases import suspects
from alliance.cases.words import (
    CLOSES_AFTER_MS,
    DECIDE_WITHIN_MS,
    HOUR_MS,
    REPLY_AFTER_MS,
    REPLY_WITHIN_MS,
    SEALED_KEPT_MS,
    URGENT_DECIDE_WITHIN_MS,
    CaseState,
    CaseVerdict,
    UrgencyGround,
)
from alliance.crypto import envelope, merkle, sealing
from alliance.errors import Reason
from alliance.identifiers import Kind, canonicalise
from alliance.taxonomy import DAY_MS, Category
from alliance.v1 import directory_pb2, dispute_pb2, filter_pb2, quota_pb2, registry_pb2
from alliance.v1.audit_pb2 import AuditEvent
from alliance.v1.case_pb2 import (
    CaseReplyContents,
    ListInquiriesRequest,
    ListInquiryEntriesRequest,
    SuspectContents,
    SuspectRow,
)
from alliance_server.domain.members import HUB_ACTOR, MemberState
from alliance_server.services import epochs
from alliance_server.services.cases.clocks import LEASE_MS

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
HELD, UNKNOWN, OTHER = PHONES[0], PHONES[1], PHONES[2]


@pytest_asyncio.fixture(loop_scope="module")
async def station(new_hub_folder: NewFolder) -> AsyncIterator[Station]:
    async with station_of(new_hub_folder()) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def lender(station: Station) -> AsyncIterator[WireMember]:
    member = await enrol(station.hub, "lender")
    yield member
    await member.close()


@pytest_asyncio.fixture(loop_scope="module")
async def bystander(station: Station) -> AsyncIterator[WireMember]:
    member = await enrol(station.hub, "bystander")
    yield member
    await member.close()


async def test_a_case_from_its_submission_to_the_reply(
    station: Station, lender: WireMember, bystander: WireMember
) -> None:
    claim = await filed(lender, HELD)
    await filed(bystander, OTHER)
    case = station.drawn_up(UNKNOWN, HELD)
    record = await station.submit(case)
    assert (state_of(record), record.instrument_left) == (CaseState.SUBMITTED, 2_000 - 2)
    assert state_of(await station.decide(station.legal, case)) is CaseState.SUBMITTED
    assert state_of(await station.decide(station.duty, case)) is CaseState.APPROVED
    rows = await station.evaluated(case)
    record = await station.match(case, rows)
    assert (state_of(record), record.asked) == (CaseState.OPEN, 1)

    assert await inquiries(bystander) == []
    (inquiry,) = await inquiries(lender)
    assert (inquiry.request, inquiry.second, inquiry.entries) == (case.first, case.second, 1)
    (entry,) = await entries(lender, case)
    assert (entry.entry_id, entry.index, entry.sealed) == (claim.entry_id, 1, rows[1].sealed)
    tags = await station.tags(lender, case, HELD)
    opened = sealing.open_suspect(tags.label_key(0).reveal(), case.id, entry.sealed)
    contents = SuspectContents.FromString(opened)
    assert suspects.verified(contents, case.request.suspects_root, 2).canonical == case.suspects[1].canonical

    station.pass_by(REPLY_AFTER_MS)
    request = reply_of(lender, case)
    inquiry = (await lender.cases.SendCaseReply(request)).inquiry
    assert inquiry.replied_at > 0
    (reply,) = (await station.replies(case)).replies
    assert (reply.member, reply.reply, reply.sealed) == (lender.id, request.reply, request.sealed)
    released = CaseReplyContents.FromString(envelope.open_reply(case.secret, case.id, lender.id, reply.sealed))
    assert released.release.payload == b"release"

    steps = (await station.got(case)).steps
    said = [step.statement.type for step in steps]
    assert said == ["case-request", *["case-decision"] * 2, "", "case-suspects", "case-reply"]
    for step in steps:
        event = AuditEvent.FromString(step.record.event)
        assert step.record.leaf_hash == merkle.leaf_hash(step.record.salt + step.record.event)
        if step.HasField("statement"):
            assert list(event.commitments) == [sha256(step.statement.payload).digest()]
        else:
            assert (event.action, event.items, event.commitments[1]) == (
                "evaluation:evaluate",
                2,
                case.request.suspects_root,
            )
    # Approvers see the case, and none of the members that it asks.
    assert [step.statement.type for step in (await station.got(case, station.legal)).steps] == said[:-1]


# -- who is asked ------------------------------------------------------------------------------------------------


async def test_members_are_asked_about_what_was_approved_alone(station: Station, lender: WireMember) -> None:
    """Kind, category and time bound it; what is over is none of it, and nobody is asked who is suspended."""
    now = station.now
    within = await filed(lender, HELD)
    await filed(lender, OTHER, category=Category.FALSE_APPLICATION)
    await filed(lender, UNKNOWN, observed_from=now - 500 * DAY_MS, observed_to=now - 400 * DAY_MS)
    withdrawn = await filed(lender, PHONES[3])
    await lender.withdraw(withdrawn.entry_id)
    email = f"somebody-{len(PHONES)}@mail.example.com"
    tags = await lender.tags(canonicalise(Kind.EMAIL, email).input_bytes)
    await lender.file(row_of(lender.seal(tags.tag(0), tags.label_key(0).reveal(), kind=Kind.EMAIL)))
    suspended = await enrol(station.hub, "suspended")
    await filed(suspended, HELD)
    station.hub.hub.store.write_now(lambda it: it.members.set_state("suspended", MemberState.SUSPENDED, now))

    case = await station.approved(HELD, OTHER, UNKNOWN, PHONES[3], PHONES[4])
    rows = await station.evaluated(case)
    rows[-1] = SuspectRow(tag=tags.tag(0), sealed=rows[-1].sealed)  # of another kind than was approved
    assert (await station.match(case, rows)).asked == 1
    assert [it.entry_id for it in await entries(lender, case)] == [within.entry_id]
    await suspended.close()


async def test_members_see_their_own_entries_alone_and_by_pages(station: Station, lender: WireMember) -> None:
    other = await enrol(station.hub, "other")
    phones = PHONES[5:8]
    own = {(await filed(lender, phone)).entry_id for phone in phones}
    theirs = {(await filed(other, phones[0])).entry_id}
    case = await station.opened(*phones)
    assert {it.entry_id for it in await entries(other, case)} == theirs
    found, token = set(), ""
    for expected in (2, 1):
        request = ListInquiryEntriesRequest(case_id=case.id, page_size=2, page_token=token)
        reply = await lender.cases.ListInquiryEntries(request)
        assert len(reply.entries) == expected
        found |= {it.entry_id for it in reply.entries}
        token = reply.next_page_token
    assert (found, token) == (own, "")
    for _ in range(3):
        await station.opened(phones[0])
    first = await lender.cases.ListInquiries(ListInquiriesRequest(page_size=3))
    rest = await lender.cases.ListInquiries(ListInquiriesRequest(page_size=3, page_token=first.next_page_token))
    assert (len(first.inquiries), len(rest.inquiries), rest.next_page_token) == (3, 1, "")
    await other.close()


async def test_a_claim_in_two_epochs_is_asked_about_once(station: Station, lender: WireMember) -> None:
    claim = await filed(lender, HELD)
    await station.hub.step(epochs.begin, 2)
    later = await retagged(lender, claim, HELD, 2)
    await station.hub.step(epochs.activate, 2)
    case = await station.approved(HELD)
    rows = {number: await station.evaluated(case, number) for number in (2, 1)}
    await station.match(case, rows[2], epoch=2, is_last=False)
    assert (await station.match(case, rows[1])).asked == 1
    assert [(it.epoch, it.entry_id) for it in await entries(lender, case)] == [(2, later.entry_id)]


async def test_a_case_that_nobody_matches_is_open_and_over_at_once(station: Station, bystander: WireMember) -> None:
    case = await station.opened(UNKNOWN)
    record = (await station.got(case)).case
    assert (state_of(record), record.asked) == (CaseState.OPEN, 0)
    assert list((await station.replies(case)).replies) == []
    assert state_of(await station.end(case, CaseState.CLOSED)) is CaseState.CLOSED
    assert await inquiries(bystander) == []


# -- what nobody learns ------------------------------------------------------------------------------------------

SHOWN: dict[str, tuple[str, Message]] = {
    "inquiries": ("CaseService/ListInquiries", ListInquiriesRequest()),
    "standing": ("QuotaService/GetStanding", quota_pb2.GetStandingRequest()),
    "claims": ("RegistryService/ListClaims", registry_pb2.ListClaimsRequest()),
    "disputes": (
        "DisputeService/ListDisputes",
        dispute_pb2.ListDisputesRequest(view=dispute_pb2.DISPUTE_VIEW_ABOUT_OWN),
    ),
    "filter": ("FilterService/GetFilter", filter_pb2.GetFilterRequest(epoch=1)),
    "members": ("DirectoryService/ListMembers", directory_pb2.ListMembersRequest()),
}


async def everything_shown(station: Station, member: WireMember, case_id: bytes) -> dict[str, Any]:
    """Give all that a member can ask for, as the bytes that come, and the statements that the hub runs for it."""
    statements: list[str] = []
    engine = station.hub.hub.store.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "case" in statement:
            statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        answers: dict[str, Any] = {
            name: await member.channel.unary_unary(f"/alliance.v1.{path}")(request.SerializeToString())
            for name, (path, request) in SHOWN.items()
        }
        async for page in member.status_pages():
            answers["changes"] = list(page.changes)
            break
        for case in (case_id, bytes(16)):
            with refuses(Reason.NOT_FOUND) as refusal:
                await member.cases.ListInquiryEntries(ListInquiryEntriesRequest(case_id=case))
            answers[f"refusal of {case == case_id}"] = (refusal.message, refusal.metadata)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    answers["statements"] = [it for it in statements if "case_members" in it]
    return answers


async def test_a_member_without_a_match_gets_the_same_bytes_with_and_without_a_case(
    station: Station, lender: WireMember, bystander: WireMember
) -> None:
    await filed(bystander, OTHER)
    await filed(lender, HELD)
    await station.hub.settle()
    drawn = station.drawn_up(HELD, UNKNOWN)
    before = await everything_shown(station, bystander, drawn.id)
    await station.submit(drawn)
    for approver in (station.legal, station.duty):
        await station.decide(approver, drawn)
    await station.match(drawn, await station.evaluated(drawn))
    station.open_window(drawn)
    await lender.cases.SendCaseReply(reply_of(lender, drawn))
    after = await everything_shown(station, bystander, drawn.id)
    assert after == before
    assert after["refusal of True"] == after["refusal of False"]
    (looked_up,) = {it for it in before["statements"] if "JOIN" in it}
    with station.hub.hub.store.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {looked_up}", ("bystander", 0, 100, 0)).fetchall()
    assert any("case_members_by_member" in str(row) for row in plan)
    assert not any("SCAN" in str(row) for row in plan)


async def test_the_hub_keeps_no_suspect_and_no_release(
    station: Station, lender: WireMember, capfd: pytest.CaptureFixture[str]
) -> None:
    await filed(lender, HELD)
    case = await station.approved(HELD, UNKNOWN)
    rows = await station.evaluated(case)
    await station.match(case, rows)
    station.open_window(case)
    told = b"He opened the account on 3 March with a borrowed card."
    await lender.cases.SendCaseReply(reply_of(lender, case, told))
    await station.replies(case)
    unmatched = [rows[1].tag, rows[1].sealed[:64], rows[1].sealed[-64:]]
    suspects_said = [it.canonical.encode() for it in case.suspects] + [it.leaf for it in case.suspects]
    salts = [it.leaf[2:34] for it in case.suspects]
    forbidden = [*unmatched, *suspects_said, *salts, told, case.secret.reveal()]
    forbidden += [it.hex().encode() for it in forbidden] + [sha256(it).digest() for it in suspects_said]
    files = [it for it in station.hub.folder.rglob("*") if it.is_file()]
    assert any(it.name == "hub.db" for it in files)
    written = [it.read_bytes() for it in files] + ["".join(capfd.readouterr()).encode()]
    for secret in forbidden:
        assert not any(secret in content for content in written)
    assert any(rows[0].sealed in content for content in written)  # what matched is kept for who is asked


# -- clocks ------------------------------------------------------------------------------------------------------


async def test_what_nobody_decides_in_time_expires(station: Station) -> None:
    calm, urgent = station.drawn_up(HELD), station.drawn_up(OTHER, urgency=int(UrgencyGround.FUNDS_MOVING))
    for case in (calm, urgent):
        await station.submit(case)
    assert await station.job().turn() == 0
    station.pass_by(URGENT_DECIDE_WITHIN_MS)
    with refuses(Reason.CASE_STATE_CONFLICT):  # before any job has looked
        await station.decide(station.legal, urgent)
    assert await station.job().turn() == 1
    assert [state_of((await station.got(it)).case) for it in (calm, urgent)] == [CaseState.SUBMITTED, CaseState.EXPIRED]
    station.pass_by(DECIDE_WITHIN_MS)
    assert await station.job().turn() == 1
    last = AuditEvent.FromString((await station.got(calm)).steps[-1].record.event)
    assert (last.actor, last.action) == (HUB_ACTOR, "case:unused:expire")
    assert list(last.commitments) == [sha256(calm.first.payload).digest()]


async def test_an_instrument_that_is_over_gives_nothing_at_any_step(station: Station, lender: WireMember) -> None:
    await filed(lender, HELD)
    soon: dict[str, Any] = {"instrument_until": station.now + HOUR_MS}
    decided, evaluated, matched = [station.drawn_up(HELD, **soon) for _ in range(3)]
    for case in (decided, evaluated, matched):
        await station.submit(case)
        await station.decide(station.legal, case)
    for case in (evaluated, matched):
        await station.decide(station.duty, case)
    rows = await station.evaluated(matched)
    await station.match(matched, rows, is_last=False)
    late = station.drawn_up(HELD, **soon)
    station.pass_by(HOUR_MS)
    for act in (
        station.submit(late),
        station.decide(station.duty, decided),
        station.tags(station.liaison, evaluated, HELD),
        station.tags(station.liaison, matched, HELD),
        station.match(matched, rows, first=1),
    ):
        with refuses(Reason.INSTRUMENT_EXPIRED):
            await act
    assert await station.job().turn() == 2
    for case in (evaluated, matched):
        assert state_of((await station.got(case)).case) is CaseState.EXPIRED
    assert await inquiries(lender) == []
    with station.hub.hub.store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM case_matches").scalar_one() == 0


async def test_replies_are_handed_over_when_their_time_is_over_and_deleted_after_the_end(
    station: Station, lender: WireMember
) -> None:
    silent = await enrol(station.hub, "silent")
    for member in (lender, silent):
        await filed(member, HELD)
    case = await station.opened(HELD)
    station.pass_by(REPLY_AFTER_MS)
    await lender.cases.SendCaseReply(reply_of(lender, case))
    with refuses(Reason.CASE_STATE_CONFLICT):
        await station.replies(case)
    assert "case-reply" not in [it.statement.type for it in (await station.got(case)).steps]
    station.pass_by(REPLY_WITHIN_MS - REPLY_AFTER_MS)
    with refuses(Reason.REPLY_WINDOW_CLOSED):
        await silent.cases.SendCaseReply(reply_of(silent, case))
    replies = (await station.replies(case)).replies
    assert [(it.member, bool(it.sealed), it.HasField("reply")) for it in replies] == [
        ("lender", True, True),
        ("silent", False, False),
    ]
    assert "case-reply" in [it.statement.type for it in (await station.got(case)).steps]
    station.pass_by(CLOSES_AFTER_MS)
    assert await station.job().turn() == 1
    assert state_of((await station.got(case)).case) is CaseState.CLOSED
    assert (await station.replies(case)).replies[0].sealed
    station.pass_by(SEALED_KEPT_MS + LEASE_MS)
    assert await station.job().turn() == 3  # two matches and a reply
    assert not (await station.replies(case)).replies[0].sealed
    assert [it.sealed for it in await entries(lender, case)] == [b""]
    await silent.close()


async def test_more_time_is_asked_for_once_and_approved_by_both(station: Station, lender: WireMember) -> None:
    await filed(lender, HELD)
    case = await station.opened(HELD)
    until = (await station.got(case)).case.reply_by
    extension = station.extension(case)
    record = (await station.liaison.cases.ExtendCase(extension)).case
    assert (await station.liaison.cases.ExtendCase(extension)).case == record
    with refuses(Reason.CASE_STATE_CONFLICT):
        await station.liaison.cases.ExtendCase(station.extension(case, reason="another"))
    subject = {"subject_sha256": sha256(extension.extension.payload).digest()}
    once = await station.decide(station.duty, case, **subject)
    assert (once.is_extended, once.reply_by) == (False, until)
    with refuses(Reason.ANOTHER_APPROVER_NEEDED):
        await station.decide(station.duty, case, **subject, reason="again")
    both = await station.decide(station.legal, case, **subject)
    assert (both.is_extended, both.reply_by) == (True, until + REPLY_WITHIN_MS)
    assert (len(both.decisions), len(both.extension_decisions)) == (2, 2)
    station.pass_by(REPLY_WITHIN_MS + HOUR_MS)
    await lender.cases.SendCaseReply(reply_of(lender, case))


async def test_more_time_ends_with_the_instrument_and_may_be_refused(station: Station, lender: WireMember) -> None:
    await filed(lender, HELD)
    case = await station.opened(HELD, instrument_until=station.now + REPLY_WITHIN_MS + DAY_MS)
    until = (await station.got(case)).case.reply_by
    extension = station.extension(case)
    await station.liaison.cases.ExtendCase(extension)
    subject = {"subject_sha256": sha256(extension.extension.payload).digest()}
    for approver in (station.duty, station.legal):
        record = await station.decide(approver, case, **subject)
    assert until < record.reply_by == case.request.instrument_until
    short = await station.opened(HELD, instrument_until=station.now + REPLY_WITHIN_MS - DAY_MS)
    with refuses(Reason.INSTRUMENT_EXPIRED):
        await station.liaison.cases.ExtendCase(station.extension(short))
    refused = await station.opened(HELD)
    extension = station.extension(refused)
    await station.liaison.cases.ExtendCase(extension)
    subject = {"subject_sha256": sha256(extension.extension.payload).digest()}
    record = await station.decide(station.legal, refused, CaseVerdict.REFUSE, **subject)
    assert (state_of(record), record.is_extended) == (CaseState.OPEN, False)
    with refuses(Reason.CASE_STATE_CONFLICT):
        await station.decide(station.duty, refused, **subject)
