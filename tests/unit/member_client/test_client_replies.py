"""A reply that nobody could put into a bundle does not count, so that it keeps no other one out of it."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from support.case_parts import NOW, Office, Staff, release_of

from alliance import statements
from alliance.cases.statements import approve_release
from alliance.crypto import attachment, envelope
from alliance.crypto.signing import VerifyingKey
from alliance.v1 import case_pb2
from alliance.v1.case_pb2 import CaseReplyContents, EntryAnswer, ReleasedFile
from alliance.v1.statement_pb2 import SignedStatement
from member_client._cases.drafts import Draft
from member_client._cases.exporting import _released_files
from member_client._cases.replies import CaseReply, read_reply
from member_client._directory import Directory

CASE, MEMBER = b"\x07" * 16, "lender-a"


def a_file(**changes: object) -> ReleasedFile:
    content = b"a contract"
    file = ReleasedFile(
        attachment_id=b"a" * 16,
        name="contract.pdf",
        size=len(content),
        sha256=sha256(content).digest(),
        key=b"k" * 16,
        sealed_size=attachment.sealed_size(len(content)),
        sealed_sha256=bytes(32),
    )
    for name, value in changes.items():
        setattr(file, name, value)
    return file


def read(*files: ReleasedFile) -> CaseReply:
    """Have a member reply with files about one claim, and read that as the case's officer does."""
    office, member = Office(), Staff(MEMBER)
    request = office.request().SerializeToString()
    answer = EntryAnswer(
        entry_id=b"e" * 16,
        outcome=case_pb2.RELEASE_OUTCOME_RELEASED,
        files=files,
        leaf=office.suspects[0].leaf,
    )
    release = release_of(member, request, [answer])
    approvals = [
        approve_release(key, name, case_id=CASE, release=release.payload, now_ms=NOW)
        for name, key in member.operators.items()
    ]
    contents = CaseReplyContents(
        release=release, approvals=approvals, operators=member.registrations()
    ).SerializeToString()
    sealed = envelope.seal_reply(office.sealing_key, CASE, MEMBER, contents)
    said = case_pb2.CaseReply(
        case_id=CASE,
        member=MEMBER,
        sealed_sha256=sha256(sealed).digest(),
        contents_sha256=sha256(contents).digest(),
        time=NOW,
    )
    reply = member.key.statement(statements.CASE_REPLY, said.SerializeToString())
    record = case_pb2.CaseReplyRecord(member=MEMBER, reply=reply, sealed=sealed)
    draft = Draft(SignedStatement(payload=request), tuple(it.leaf for it in office.suspects), office.secret)
    return read_reply(record, draft, Directory({MEMBER: VerifyingKey(member.key.public_key)}))


def test_the_same_file_under_two_names_is_released_twice() -> None:
    files = a_file(), a_file(name="copy.pdf"), a_file(name="copy.doc")
    reply = read(*files)
    assert (reply.fault, len(reply.answers[0].files)) == ("", 3)
    release = case_pb2.CaseRelease(answers=[EntryAnswer(files=files)])
    assert [file.name for _, file in _released_files({MEMBER: release})] == ["contract.pdf", "copy.doc"]


UNFIT: dict[str, Callable[[], tuple[ReleasedFile, ...]]] = {
    "two contents under one id": lambda: (a_file(), a_file(sha256=bytes(32))),
    "two sealed forms under one id": lambda: (a_file(), a_file(sealed_sha256=b"s" * 32)),
    "two sizes under one id": lambda: (a_file(), a_file(size=11)),
    "a size that is sealed to another one": lambda: (a_file(size=70_000),),
    "no key": lambda: (a_file(key=b""),),
    "no id": lambda: (a_file(attachment_id=b"a"),),
    "no digest": lambda: (a_file(sha256=b""),),
    "a size that no attachment has": lambda: (a_file(size=2**40),),
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_release_of_files_that_are_none_does_not_count(what: str) -> None:
    reply = read(*UNFIT[what]())
    assert reply.is_there
    assert "file" in reply.fault
    assert reply.answers == ()
