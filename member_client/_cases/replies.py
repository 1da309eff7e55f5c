"""Replies: what each member that was asked answers, opened with the case's secret and verified.

A reply counts where the member signed it as it lies at the hub, it opens, and the release in it is this case's, signed
by the member and approved by two of its operators. One that does not is told as such, and the others are read: `fault`
says what is wrong, and nothing of it is shown.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.cases.statements import verify_release
from alliance.cases.suspects import read_leaf
from alliance.cases.words import ReleaseOutcome
from alliance.crypto import envelope
from alliance.crypto.signing import VerifyingKey
from alliance.errors import CaseInvalid, EnvelopeInvalid, Reason, SignatureInvalid
from alliance.identifiers import Kind
from alliance.v1 import case_pb2
from alliance.v1.case_pb2_grpc import CaseServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._cases.downloading import check_released
from member_client._cases.drafts import Draft
from member_client._cases.requesting import Requests
from member_client._directory import Directory
from member_client._paging import pages
from member_client._session import Session
from member_client.errors import AttachmentTampered, StatementInvalid


@dataclass(frozen=True, slots=True, repr=False)
class ReleasedFile:
    """A file that a member releases; it lies apart, sealed, until it is downloaded. Sizes in bytes."""

    attachment_id: bytes
    name: str
    size: int
    sha256: bytes
    is_whole: bool
    """Whether the member uploaded what it signed."""


@dataclass(frozen=True, slots=True, repr=False)
class CaseAnswer:
    """What a member answers about one of its claims; `kind` and `text` say whom it is about, where it opened that."""

    entry_id: bytes
    outcome: ReleaseOutcome
    fields: Mapping[str, str]
    files: tuple[ReleasedFile, ...]
    kind: Kind | None = None
    text: str = ""

    def __repr__(self) -> str:
        return f"CaseAnswer({self.entry_id.hex()}, {self.outcome})"


@dataclass(frozen=True, slots=True)
class CaseReply:
    """What a member that was asked replied; times in milliseconds UTC.

    `is_there` says whether it replied in time, `fault` why its reply does not count; without one it is genuine.
    """

    member: str
    is_there: bool
    fault: str = ""
    answers: tuple[CaseAnswer, ...] = field(default=(), repr=False)
    legal_basis: str = field(default="", repr=False)
    released_at: int = 0
    approved_by: tuple[str, ...] = ()
    contents: bytes = field(default=b"", repr=False)
    """What was sealed, a serialised CaseReplyContents, as it came."""
    record: case_pb2.CaseReplyRecord | None = field(default=None, repr=False)
    """How it lies at the hub."""

    @property
    def counts(self) -> Mapping[ReleaseOutcome, int]:
        """How many claims it answered how."""
        return {it: sum(answer.outcome is it for answer in self.answers) for it in ReleaseOutcome}


class Replies:
    """The replies to one liaison's cases."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._requests = Requests(session)

    async def all(self, case_id: bytes) -> list[CaseReply]:
        """Give the reply of each member that was asked, by id.

        Raises NotFound where another machine opened the case, and CaseStateConflict before they are handed over.
        """
        draft = await self._requests.draft(case_id)
        case = (await self._requests.status(case_id)).case
        records = [it async for page in self._pages(case_id) for it in page]
        if len({it.member for it in records}) != len(records) or len(records) != case.asked:
            raise StatementInvalid("The hub shows other replies than those of the members that it asked.")
        directory = (await self._session.facts.now()).directory
        if any(it.member not in directory.keys for it in records):
            directory = await self._session.facts.refresh_directory()
        return [await self._session.workers.cpu(read_reply, it, draft, directory) for it in records]

    def _pages(self, case_id: bytes) -> AsyncIterator[Sequence[case_pb2.CaseReplyRecord]]:
        async def fetch(token: str) -> case_pb2.ListCaseRepliesResponse:
            request = case_pb2.ListCaseRepliesRequest(case_id=case_id, page_token=token)
            return await self._session.transport.ask(lambda channel: CaseServiceStub(channel).ListCaseReplies, request)

        return pages(fetch, lambda page: page.replies)


def read_reply(record: case_pb2.CaseReplyRecord, draft: Draft, directory: Directory) -> CaseReply:
    """Open and verify a member's reply: arithmetic for a worker. What is wrong with it, its `fault` says."""
    if not record.HasField("reply"):
        return CaseReply(record.member, is_there=False, record=record)
    try:
        return _read(record, draft, directory)
    except (CaseInvalid, EnvelopeInvalid, SignatureInvalid) as error:
        return CaseReply(record.member, is_there=True, fault=str(error), record=record)
    except (DecodeError, ValueError):
        return CaseReply(record.member, is_there=True, fault="what was sealed cannot be read", record=record)


def _read(record: case_pb2.CaseReplyRecord, draft: Draft, directory: Directory) -> CaseReply:
    case_id, member = draft.request.case_id, record.member
    if (identity := directory.key_of(member)) is None:
        raise SignatureInvalid("the reply is of nobody who is a member of this alliance")
    said = case_pb2.CaseReply.FromString(identity.verified_payload(statements.CASE_REPLY, record.reply))
    if (said.case_id, said.member, said.sealed_sha256) != (case_id, member, sha256(record.sealed).digest()):
        raise SignatureInvalid("the reply is another one than the member signed")
    opened = envelope.open_reply(draft.secret, case_id, member, record.sealed)
    if said.contents_sha256 != sha256(opened).digest():
        raise SignatureInvalid("the reply holds something else than the member signed")
    contents = case_pb2.CaseReplyContents.FromString(opened)
    release = verify_release(contents.release, contents.approvals, contents.operators, member, identity)
    if (release.case_id, release.request_sha256) != (case_id, sha256(draft.payload).digest()):
        raise SignatureInvalid("the release answers another request")
    _check_files([file for answer in release.answers for file in answer.files])
    whole = _uploaded(record.attachments, case_id, member, identity)
    return CaseReply(
        member=member,
        is_there=True,
        answers=tuple(_answer(it, draft, whole) for it in release.answers),
        legal_basis=release.legal_basis,
        released_at=release.time,
        approved_by=_approvers(contents.approvals),
        contents=opened,
        record=record,
    )


def _answer(said: case_pb2.EntryAnswer, draft: Draft, whole: Mapping[bytes, tuple[int, bytes]]) -> CaseAnswer:
    kind, text = None, ""
    if said.leaf:
        if said.leaf not in draft.leaves:
            raise CaseInvalid(Reason.SUSPECTS_NOT_EVALUATED, "the release is about somebody whom the case is not about")
        suspect = read_leaf(said.leaf)
        kind, text = suspect.kind, suspect.canonical
    outcome = ReleaseOutcome(said.outcome)
    if outcome is ReleaseOutcome.RELEASED and not said.leaf:
        raise CaseInvalid(Reason.INVALID_REQUEST, "the release does not say about whom it is")
    return CaseAnswer(
        entry_id=said.entry_id,
        outcome=outcome,
        fields={it.name: it.value for it in said.fields},
        files=tuple(_file(it, whole) for it in said.files),
        kind=kind,
        text=text,
    )


def _file(said: case_pb2.ReleasedFile, whole: Mapping[bytes, tuple[int, bytes]]) -> ReleasedFile:
    is_whole = whole.get(said.attachment_id) == (said.sealed_size, said.sealed_sha256)
    return ReleasedFile(said.attachment_id, said.name, said.size, said.sha256, is_whole)


def _check_files(files: Sequence[case_pb2.ReleasedFile]) -> None:
    """Raise CaseInvalid where files describe none that can be opened, or one attachment as several contents.

    No bundle would hold that has such a release: one member would keep all the others' from being exported.
    """
    known: dict[bytes, tuple[int, bytes, bytes, bytes]] = {}
    for file in files:
        try:
            check_released(file)
        except AttachmentTampered as error:
            raise CaseInvalid(Reason.INVALID_REQUEST, "a file of the release describes none") from error
        content = file.size, file.sha256, file.key, file.sealed_sha256
        if known.setdefault(file.attachment_id, content) != content:
            raise CaseInvalid(Reason.INVALID_REQUEST, "the release has several files under one id")


def _uploaded(
    signed: Sequence[SignedStatement], case_id: bytes, member: str, identity: VerifyingKey
) -> dict[bytes, tuple[int, bytes]]:
    """Give size and digest, as sealed, of what a member says it uploaded, by attachment id."""
    found = {}
    for statement in signed:
        said = case_pb2.CaseAttachment.FromString(identity.verified_payload(statements.CASE_ATTACHMENT, statement))
        if (said.case_id, said.member) != (case_id, member):
            raise SignatureInvalid("an attachment is of another case, or of another member")
        found[said.attachment_id] = said.sealed_size, said.sealed_sha256
    return found


def _approvers(approvals: Sequence[SignedStatement]) -> tuple[str, ...]:
    return tuple(sorted(case_pb2.CaseReleaseApproval.FromString(it.payload).operator for it in approvals))
