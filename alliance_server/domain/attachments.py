"""Attachments of replies as the hub holds them: sealed files whose size says no more than a power of two.

- A member that a case asks uploads them within the window in which its reply is taken, and nobody else does.
- The case's liaison downloads them once replies are handed over, and nobody else does.
- The hub has no key to any. It holds the bytes against what the member signed, and forgets what differs.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from alliance.cases.rules import DIGEST_BYTES, ID_BYTES
from alliance.crypto.attachment import ATTACHMENT_ID_BYTES, MAX_SEALED_BYTES, SEALED_SIZES
from alliance.errors import Reason
from alliance.statements import CASE_ATTACHMENT
from alliance.v1.case_pb2 import CaseAttachment
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller
from alliance_server.domain.statements import check_fresh, read_statement

MAX_STATEMENT_BYTES: Final = 512
MAX_PART_BYTES: Final = 256 * 1024
MAX_ATTACHMENTS: Final = 64
"""Of a member and a case, begun ones among them."""
MAX_BYTES: Final = 4 * MAX_SEALED_BYTES
"""Of a member and a case in all: four of the largest, about 16 GiB."""

Key = tuple[bytes, str, bytes]
"""A case's id, a member's, and an attachment's."""


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """An attachment as it is kept. Times in milliseconds UTC."""

    case_id: bytes
    member: str
    attachment_id: bytes
    sealed_size: int
    sealed_sha256: bytes
    statement: bytes
    """Statement `case-attachment` with which it was begun."""
    begun_at: int
    whole_at: int | None = None
    """None: not all of it is here, or it was not held against its digest."""

    @property
    def key(self) -> Key:
        """What names it."""
        return self.case_id, self.member, self.attachment_id

    @property
    def file_name(self) -> str:
        """Name of its file, which names nobody."""
        return file_name(*self.key)

    @property
    def content_sha256(self) -> bytes:
        """Digest of what was signed."""
        return sha256(SignedStatement.FromString(self.statement).payload).digest()


def file_name(case_id: bytes, member: str, attachment_id: bytes) -> str:
    """Give the name of an attachment's file, which names nobody."""
    return sha256(case_id + attachment_id + member.encode()).hexdigest()


def offered(caller: Caller, statement: SignedStatement, now: int) -> Attachment:
    """Give what a member signed that it uploads; raises Refused or SignatureInvalid."""
    said = read_statement(caller, CASE_ATTACHMENT, statement, CaseAttachment(), MAX_STATEMENT_BYTES)
    check_fresh(caller, said.member, said.time, now)
    lengths = len(said.case_id), len(said.attachment_id), len(said.sealed_sha256)
    if lengths != (ID_BYTES, ATTACHMENT_ID_BYTES, DIGEST_BYTES):
        raise Refused(Reason.INVALID_REQUEST, "an attachment has a case, an id and a digest")
    if said.sealed_size not in SEALED_SIZES:
        raise Refused(Reason.INVALID_REQUEST, "an attachment is sealed to a size class")
    return Attachment(
        said.case_id,
        said.member,
        said.attachment_id,
        said.sealed_size,
        said.sealed_sha256,
        statement.SerializeToString(),
        now,
    )


def check_same(known: Attachment, offer: Attachment) -> None:
    """Raise Refused where an attachment's id was used for another content."""
    if (known.sealed_size, known.sealed_sha256) != (offer.sealed_size, offer.sealed_sha256):
        raise Refused(Reason.CONFLICTING_RETRY, "the attachment's id was used with other content")


def check_room(count: int, size: int, offer: Attachment) -> None:
    """Raise Refused where a member that has so many attachments, of so many bytes, to a case may have no more."""
    if count >= MAX_ATTACHMENTS or size + offer.sealed_size > MAX_BYTES:
        raise Refused(Reason.TOO_MANY_ATTACHMENTS, "the member has as many attachments to the case as it may")


def check_part(attachment: Attachment, at: int, offset: int, part: bytes) -> None:
    """Raise Refused unless a part goes on where the last one ended, and not past the end."""
    if offset != at or at + len(part) > attachment.sealed_size:
        raise Refused(Reason.ATTACHMENT_MISMATCH, "the part does not go on where the last one ended")
    if len(part) > MAX_PART_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "a part is too large")
