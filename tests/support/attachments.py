"""Cases that ask for replies, put into the hub's books as they are then, and what is attached to the replies."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from alliance import statements
from alliance.cases.words import CaseState
from alliance.crypto import attachment
from alliance.taxonomy import DAY_MS
from alliance.v1.case_pb2 import CaseAttachment, CaseRequest, ReleasedFile, UploadAttachmentRequest
from alliance.v1.case_pb2_grpc import CaseServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.attachments import file_name
from alliance_server.domain.cases import Case, Match, Placed
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Transaction
from alliance_server.domain.statements import packed
from member_client import Profile
from member_client._session import Session
from support.hub import RunningHub
from support.wire import WireMember

LIAISON = "police"
ATTACHED = (bytes(range(251)) * 262).ljust(attachment.sealed_size(1), b"\x07")[: attachment.sealed_size(1)]
"""As long as the smallest size class; the hub cannot tell what is in it."""


def ask(hub: RunningHub, *members: str, liaison: str = LIAISON, **changes: Any) -> bytes:
    """Have a case ask members for replies from now on; gives its id. `changes` replace its fields."""
    now, case_id = hub.clock.now_ms(), os.urandom(16)
    request = CaseRequest(case_id=case_id, liaison=liaison, time=now).SerializeToString()
    fields: dict[str, Any] = {
        "id": case_id,
        "liaison": liaison,
        "state": CaseState.MATCHING,
        "instrument_type": 1,
        "instrument_sha256": bytes(32),
        "instrument_until": now + 90 * DAY_MS,
        "items": len(members),
        "requests": packed([SignedStatement(payload=request)] * 2),
        "officers": b"",
        "submitted_at": now,
        "decide_by": now,
        "awaited": 0,
    }
    matches = [Match(os.urandom(16), member, 1, place, b"sealed") for place, member in enumerate(members)]

    def work(transaction: Transaction) -> None:
        case = Case(**fields)
        transaction.cases.add(case)
        transaction.cases.add_place(Placed(case_id, 1, 0, len(matches), bytes(32), is_last=True), matches)
        asked = transaction.cases.ask(case_id)
        window: dict[str, Any] = {"reply_from": now, "reply_by": now + 14 * DAY_MS}
        transaction.cases.save(replace(case, state=CaseState.OPEN, asked=asked, **(window | changes)))

    hub.hub.store.write_now(work)
    return case_id


def change(hub: RunningHub, case_id: bytes, **changes: Any) -> None:
    """Change where a case is, as its later steps would."""

    def work(transaction: Transaction) -> None:
        case = transaction.cases.get(case_id)
        assert case is not None
        transaction.cases.save(replace(case, **changes))

    hub.hub.store.write_now(work)


def hand_over(hub: RunningHub, case_id: bytes) -> None:
    """Have all members replied."""
    change(hub, case_id, replied=1_000)


def sealed_file(hub: RunningHub, case_id: bytes, member: str, attachment_id: bytes) -> Path:
    """Give the file in which the hub keeps an attachment."""
    return hub.hub.config.attachments_folder / f"{file_name(case_id, member, attachment_id)}.sealed"


@asynccontextmanager
async def session_of(
    hub: RunningHub, name: str, role: Role = Role.MEMBER, *, address: str = ""
) -> AsyncIterator[Session]:
    """Enrol somebody on the SDK where they are not yet, and give the session; through another address if said."""
    folder = hub.folder.parent / name
    profile = Profile.load(folder) if (folder / "profile.toml").exists() else await hub.enrolled(name, folder, role)
    session = await Session.opened(replace(profile, hub=address or profile.hub), hub.clock, None)
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def liaison_of(hub: RunningHub, *, address: str = "") -> AsyncIterator[Session]:
    """Give the session of the liaison whose cases ask."""
    async with session_of(hub, LIAISON, Role.LIAISON, address=address) as session:
        yield session


class Told:
    """What was told of progress."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def starts(self) -> list[int]:
        """Give where each try's first part ended."""
        counts = [done for done, _ in self.steps]
        return [counts[0], *(after for before, after in pairwise(counts) if after < before)]


def statement_of(member: WireMember, case_id: bytes, sealed: bytes, /, **changes: Any) -> SignedStatement:
    """Sign what is uploaded, right unless changed."""
    key = changes.pop("key", member.key)
    fields: dict[str, Any] = {
        "case_id": case_id,
        "member": member.id,
        "attachment_id": b"a" * 16,
        "sealed_size": len(sealed),
        "sealed_sha256": sha256(sealed).digest(),
        "time": member.now,
    }
    payload = CaseAttachment(**(fields | changes)).SerializeToString()
    signed: SignedStatement = key.statement(statements.CASE_ATTACHMENT, payload)
    return signed


def messages_of(
    statement: SignedStatement, sealed: bytes, offset: int = 0, part_bytes: int = 40_000
) -> Sequence[UploadAttachmentRequest]:
    """Cut what is sealed into messages, from an offset on; the first has the statement."""
    messages = [
        UploadAttachmentRequest(offset=at, part=sealed[at : at + part_bytes])
        for at in range(offset, len(sealed), part_bytes)
    ] or [UploadAttachmentRequest(offset=offset)]
    messages[0].attachment.CopyFrom(statement)
    return messages


async def attach(session: Session, case_id: bytes, attachment_id: bytes, sealed: bytes) -> None:
    """Upload any bytes as an attachment, signed as they are: what a program that means ill does."""
    said = CaseAttachment(
        case_id=case_id,
        member=session.profile.member,
        attachment_id=attachment_id,
        sealed_size=len(sealed),
        sealed_sha256=sha256(sealed).digest(),
        time=session.clock.now_ms(),
    )
    statement = session.identity.statement(statements.CASE_ATTACHMENT, said.SerializeToString())
    upload: Any = CaseServiceStub(session.transport.channel()).UploadAttachment
    call = upload()
    for message in messages_of(statement, sealed):
        await call.write(message)
    assert (await call.answer()).is_whole


def copied(released: ReleasedFile, **changes: Any) -> ReleasedFile:
    """Give what a member says of a file, changed."""
    made = ReleasedFile()
    made.CopyFrom(released)
    for name, value in changes.items():
        setattr(made, name, value)
    return made
