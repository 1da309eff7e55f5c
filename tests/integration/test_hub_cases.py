"""Police cases on the wire: asked for by two officers, approved by two functions, matched, and replied to sealed."""

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from support.police import Station, entries, filed, inquiries, reply_of, state_of, station_of
from support.wire import WireMember, enrol

from alliance.cases import suspects
from alliance.cases.words import REPLY_AFTER_MS, CaseState
from alliance.crypto import envelope, merkle, sealing
from alliance.v1.audit_pb2 import AuditEvent
from alliance.v1.case_pb2 import CaseReplyContents, SuspectContents

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
HELD, UNKNOWN, OTHER = "13812345671", "13912345672", "13712345673"


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
