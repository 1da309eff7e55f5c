"""Attachments on the wire: who may upload what when, where an upload goes on, and what becomes of what is stored."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import pytest_asyncio
from support.attachments import ATTACHED, ask, change, hand_over, messages_of, sealed_file, statement_of
from support.hub import RunningHub, running_hub
from support.kills import until
from support.wire import WireMember, enrol, events_of, refuses

from alliance.audit_events import OK
from alliance.cases.words import SEALED_KEPT_MS, CaseState
from alliance.crypto.attachment import SEALED_SIZES, sealed_size
from alliance.errors import Reason
from alliance.v1.case_pb2 import (
    DownloadAttachmentRequest,
    GetAttachmentRequest,
    GetAttachmentResponse,
    ListCaseRepliesRequest,
    UploadAttachmentRequest,
    UploadAttachmentResponse,
)
from alliance_server.domain import attachments as rules
from alliance_server.domain.members import HUB_ACTOR, Role
from alliance_server.storage.attachment_files import AttachmentFiles, FileUpload

pytestmark = pytest.mark.asyncio(loop_scope="module")

ID = b"a" * 16
NewFolder = Callable[[], Path]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(new_hub_folder: NewFolder) -> AsyncIterator[RunningHub]:
    async with running_hub(new_hub_folder(), config={"maintenance_seconds": 60}) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def member(hub: RunningHub) -> AsyncIterator[WireMember]:
    made = await enrol(hub, "lender")
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def police(hub: RunningHub) -> AsyncIterator[WireMember]:
    made = await enrol(hub, "police", Role.LIAISON)
    yield made
    await made.close()


async def sent(member: WireMember, messages: Iterable[UploadAttachmentRequest]) -> UploadAttachmentResponse:
    answer: UploadAttachmentResponse = await member.cases.UploadAttachment(iter(messages))
    return answer


async def upload(member: WireMember, case_id: bytes, sealed: bytes = ATTACHED, /, **changes: Any) -> tuple[int, bool]:
    """Upload all of it, right unless changed."""
    answer = await sent(member, messages_of(statement_of(member, case_id, sealed, **changes), sealed))
    return answer.received, answer.is_whole


async def state(member: WireMember, case_id: bytes, attachment_id: bytes = ID) -> tuple[int, bool]:
    request = GetAttachmentRequest(case_id=case_id, attachment_id=attachment_id)
    answer: GetAttachmentResponse = await member.cases.GetAttachment(request)
    return answer.received, answer.is_whole


async def fetch(police: WireMember, case_id: bytes, offset: int = 0, **changes: Any) -> bytes:
    fields: dict[str, Any] = {"case_id": case_id, "member": "lender", "attachment_id": ID, "offset": offset}
    call = police.cases.DownloadAttachment(DownloadAttachmentRequest(**(fields | changes)))
    return b"".join([reply.part async for reply in call])


async def test_what_was_uploaded_is_handed_out_from_any_offset(
    hub: RunningHub, member: WireMember, police: WireMember
) -> None:
    case_id = ask(hub, "lender")
    assert await state(member, case_id) == (0, False)
    assert await upload(member, case_id) == (len(ATTACHED), True)
    assert await state(member, case_id) == (len(ATTACHED), True)
    hand_over(hub, case_id)
    for offset in (0, 1, 65_000, len(ATTACHED)):
        assert await fetch(police, case_id, offset) == ATTACHED[offset:]
    with refuses(Reason.INVALID_REQUEST):
        await fetch(police, case_id, len(ATTACHED) + 1)


async def test_a_reply_names_what_was_uploaded_whole(hub: RunningHub, member: WireMember, police: WireMember) -> None:
    case_id = ask(hub, "lender")
    whole, begun = (statement_of(member, case_id, ATTACHED, attachment_id=it) for it in (ID, b"b" * 16))
    await sent(member, messages_of(whole, ATTACHED))
    await sent(member, messages_of(begun, ATTACHED)[:1])
    hand_over(hub, case_id)
    (reply,) = (await police.cases.ListCaseReplies(ListCaseRepliesRequest(case_id=case_id))).replies
    assert list(reply.attachments) == [whole]


async def test_each_upload_leaves_an_event_and_the_last_one_says_that_it_is_whole(
    hub: RunningHub, member: WireMember
) -> None:
    case_id = ask(hub, "lender")
    before = len(events_of(hub, "lender"))
    statement = statement_of(member, case_id, ATTACHED)
    messages = messages_of(statement, ATTACHED)
    assert (await sent(member, messages[:1])).received == 40_000
    assert (await sent(member, messages_of(statement, ATTACHED, 40_000))).is_whole
    events = events_of(hub, "lender")[before:]
    assert [(it.action, it.items, it.outcome) for it in events] == [
        ("case:attachment:begin", 1, OK),
        ("case:attachment:upload", 0, OK),
        ("case:attachment:upload", 1, OK),
    ]
    assert len({tuple(it.commitments) for it in events}) == 1


async def test_an_upload_goes_on_where_it_is_durable_or_before(hub: RunningHub, member: WireMember) -> None:
    case_id = ask(hub, "lender")
    statement = statement_of(member, case_id, ATTACHED)
    await sent(member, messages_of(statement, ATTACHED)[:1])
    with refuses(Reason.ATTACHMENT_MISMATCH):
        await sent(member, messages_of(statement, ATTACHED, 40_001))
    assert await state(member, case_id) == (40_000, False)
    answer = await sent(member, messages_of(statement, ATTACHED, 10_000))
    assert (answer.received, answer.is_whole) == (len(ATTACHED), True)


async def test_parts_that_do_not_follow_are_refused_and_what_came_before_stays(
    hub: RunningHub, member: WireMember
) -> None:
    case_id = ask(hub, "lender")
    messages = list(messages_of(statement_of(member, case_id, ATTACHED), ATTACHED))
    messages[1].offset += 1
    with refuses(Reason.ATTACHMENT_MISMATCH):
        await sent(member, messages)
    assert await state(member, case_id) == (40_000, False)


async def test_more_than_was_signed_is_refused(hub: RunningHub, member: WireMember) -> None:
    case_id = ask(hub, "lender")
    with refuses(Reason.ATTACHMENT_MISMATCH):
        await sent(member, messages_of(statement_of(member, case_id, ATTACHED), ATTACHED + b"x", part_bytes=70_000))
    assert await state(member, case_id) == (0, False)


async def test_a_part_has_a_largest_size(hub: RunningHub, member: WireMember) -> None:
    case_id, sealed = ask(hub, "lender"), bytes(sealed_size(1_000_000))
    with refuses(Reason.INVALID_REQUEST):
        await sent(member, messages_of(statement_of(member, case_id, sealed), sealed, part_bytes=262_145))


async def test_what_has_another_digest_is_forgotten_and_may_be_sent_anew(hub: RunningHub, member: WireMember) -> None:
    case_id = ask(hub, "lender")
    statement = statement_of(member, case_id, ATTACHED)
    with refuses(Reason.ATTACHMENT_MISMATCH):
        await sent(member, messages_of(statement, ATTACHED[:-1] + b"\x00"))
    assert await state(member, case_id) == (0, False)
    assert not sealed_file(hub, case_id, "lender", ID).exists()
    refused = events_of(hub, "lender")[-2]
    assert (refused.action, refused.items_refused, refused.outcome) == (
        "case:attachment:upload",
        1,
        "ATTACHMENT_MISMATCH",
    )
    assert await upload(member, case_id) == (len(ATTACHED), True)


async def test_an_id_has_one_content(hub: RunningHub, member: WireMember) -> None:
    case_id = ask(hub, "lender")
    await upload(member, case_id)
    with refuses(Reason.CONFLICTING_RETRY):
        await upload(member, case_id, bytes(len(ATTACHED)))
    assert await upload(member, case_id) == (len(ATTACHED), True)  # it is whole, and read no more


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sealed_size": len(ATTACHED) + 1}, Reason.INVALID_REQUEST),
        ({"sealed_size": 2 * max(SEALED_SIZES)}, Reason.INVALID_REQUEST),
        ({"sealed_sha256": b"short"}, Reason.INVALID_REQUEST),
        ({"attachment_id": b"short"}, Reason.INVALID_REQUEST),
        ({"case_id": b"short"}, Reason.INVALID_REQUEST),
        ({"member": "another"}, Reason.REPLAYED),
        ({"time": 1}, Reason.REPLAYED),
    ],
)
async def test_what_is_signed_names_a_file_of_the_caller(
    hub: RunningHub, member: WireMember, changes: dict[str, Any], reason: Reason
) -> None:
    with refuses(reason):
        await upload(member, ask(hub, "lender"), **changes)


async def test_what_another_signed_is_not_taken(hub: RunningHub, member: WireMember, police: WireMember) -> None:
    with refuses(Reason.SIGNATURE_INVALID):
        await upload(member, ask(hub, "lender"), key=police.key)


async def test_an_upload_without_a_word_is_refused(member: WireMember) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await sent(member, [])


async def test_no_member_is_told_of_a_case_that_does_not_ask_it(hub: RunningHub, member: WireMember) -> None:
    with refuses(Reason.NOT_FOUND) as of_none:
        await state(member, bytes(16))
    with refuses(Reason.NOT_FOUND) as of_another:
        await state(member, ask(hub, "another"))
    assert of_none == of_another
    with refuses(Reason.NOT_FOUND):
        await upload(member, ask(hub, "another"))


async def test_uploads_are_taken_within_the_replys_window(hub: RunningHub, member: WireMember) -> None:
    now = hub.clock.now_ms()
    with refuses(Reason.REPLY_WINDOW_CLOSED):
        await upload(member, ask(hub, "lender", reply_from=now + 600_000))
    with refuses(Reason.REPLY_WINDOW_CLOSED):
        await upload(member, ask(hub, "lender", reply_by=now))
    case_id = ask(hub, "lender")
    change(hub, case_id, state=CaseState.WITHDRAWN, ended_at=now)
    with refuses(Reason.CASE_STATE_CONFLICT):
        await upload(member, case_id)


async def test_a_member_attaches_so_many_and_so_much_to_a_case(
    hub: RunningHub, member: WireMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_ATTACHMENTS", 2)
    case_id = ask(hub, "lender")
    for one in (b"1", b"2"):
        await upload(member, case_id, attachment_id=one * 16)
    with refuses(Reason.TOO_MANY_ATTACHMENTS):
        await upload(member, case_id, attachment_id=b"3" * 16)
    assert await upload(member, case_id, attachment_id=b"2" * 16) == (len(ATTACHED), True)
    monkeypatch.setattr(rules, "MAX_BYTES", 2 * len(ATTACHED) - 1)
    case_id = ask(hub, "lender")
    await upload(member, case_id)
    with refuses(Reason.TOO_MANY_ATTACHMENTS):
        await upload(member, case_id, attachment_id=b"b" * 16)


async def test_they_are_handed_out_to_their_liaison_alone_and_not_before_replies_are(
    hub: RunningHub, member: WireMember, police: WireMember
) -> None:
    case_id = ask(hub, "lender")
    await upload(member, case_id)
    with refuses(Reason.CASE_STATE_CONFLICT):
        await fetch(police, case_id)
    hand_over(hub, case_id)
    another = await enrol(hub, "other-police", Role.LIAISON)
    with refuses(Reason.NOT_FOUND):
        await fetch(another, case_id)
    with refuses(Reason.NOT_PERMITTED):
        await fetch(member, case_id)
    with refuses(Reason.NOT_PERMITTED):
        await upload(police, case_id)
    with refuses(Reason.NOT_FOUND):
        await fetch(police, case_id, attachment_id=b"b" * 16)
    with refuses(Reason.NOT_FOUND):
        await fetch(police, case_id, member="another")
    assert await fetch(police, case_id) == ATTACHED
    await another.close()


async def test_what_is_not_whole_is_not_handed_out(hub: RunningHub, member: WireMember, police: WireMember) -> None:
    case_id = ask(hub, "lender")
    await sent(member, messages_of(statement_of(member, case_id, ATTACHED), ATTACHED)[:1])
    hand_over(hub, case_id)
    with refuses(Reason.NOT_FOUND):
        await fetch(police, case_id)


async def test_a_file_that_is_gone_is_uploaded_once_more(
    hub: RunningHub, member: WireMember, police: WireMember
) -> None:
    case_id = ask(hub, "lender")
    await upload(member, case_id)
    sealed_file(hub, case_id, "lender", ID).unlink()
    assert await state(member, case_id) == (0, False)
    hand_over(hub, case_id)
    with refuses(Reason.NOT_FOUND):
        await fetch(police, case_id)
    assert await upload(member, case_id) == (len(ATTACHED), True)
    assert await fetch(police, case_id) == ATTACHED


async def test_a_full_disk_is_said_and_nothing_is_lost(
    hub: RunningHub, member: WireMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = ask(hub, "lender")
    statement = statement_of(member, case_id, ATTACHED)
    await sent(member, messages_of(statement, ATTACHED)[:1])

    def no_room(_files: AttachmentFiles, _missing: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(AttachmentFiles, "_check_room", no_room)
        with refuses(Reason.STORAGE_FULL):
            await sent(member, messages_of(statement, ATTACHED, 40_000))
    assert await state(member, case_id) == (40_000, False)
    assert (await sent(member, messages_of(statement, ATTACHED, 40_000))).is_whole


async def test_uploads_leave_threads_to_the_rest_of_the_hub(
    hub: RunningHub, member: WireMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, read, may_go_on = ask(hub, "lender"), 0, Event()

    def read_back(_upload: FileUpload) -> None:
        nonlocal read
        read += 1
        may_go_on.wait()

    monkeypatch.setattr(FileUpload, "_read_back", read_back)
    names = [number.to_bytes(16, "big") for number in range(rules.MAX_ATTACHMENTS)]
    uploads = [asyncio.ensure_future(upload(member, case_id, attachment_id=name)) for name in names]
    try:
        await until(lambda: read > 0)
        await asyncio.sleep(0.2)  # the others wait by now
        assert await asyncio.wait_for(asyncio.to_thread(int), 10) == 0
    finally:
        may_go_on.set()
        assert all(is_whole for _, is_whole in await asyncio.gather(*uploads))


async def test_a_window_that_closes_meanwhile_ends_the_upload(hub: RunningHub, member: WireMember) -> None:
    case_id = ask(hub, "lender")
    messages = messages_of(statement_of(member, case_id, ATTACHED), ATTACHED)

    async def late() -> AsyncIterator[UploadAttachmentRequest]:
        yield messages[0]
        await until(sealed_file(hub, case_id, "lender", ID).exists)
        hub.clock.advance(seconds=15 * 86_400)
        yield messages[1]

    with refuses(Reason.REPLY_WINDOW_CLOSED):
        await member.cases.UploadAttachment(late())


async def test_they_are_deleted_a_month_after_the_cases_end(
    hub: RunningHub, member: WireMember, police: WireMember
) -> None:
    ended, open_one = ask(hub, "lender"), ask(hub, "lender")
    for case_id in (ended, open_one):
        await upload(member, case_id)
        hand_over(hub, case_id)
    change(hub, ended, state=CaseState.CLOSED, ended_at=hub.clock.now_ms())
    await hub.hub.attachments.purge()
    assert await fetch(police, ended) == ATTACHED
    hub.clock.advance(seconds=SEALED_KEPT_MS / 1000 + 1)
    assert await hub.hub.attachments.purge() >= 1
    assert await hub.hub.attachments.purge() == 0
    with refuses(Reason.NOT_FOUND):
        await fetch(police, ended)
    assert not sealed_file(hub, ended, "lender", ID).exists()
    assert sealed_file(hub, open_one, "lender", ID).exists()
    purged = events_of(hub, HUB_ACTOR)[-1]
    assert (purged.action, purged.items) == ("case:attachment:purge", 1)
