"""Requests for countersignatures as the hub shows them to who asked and to who is asked; believed as far as signed.

Rules:

1. What is asked is what the contributor signed, under the key of the directory: the shown substance has the digest
   that it signed. It is all that a liaison goes by.
2. An answer and a revocation count under the key of the liaison that was asked, and about this claim alone.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from alliance.claims import is_reason_code, kind_of
from alliance.clock import MAX_TIME_MS
from alliance.countersignatures import (
    CountersignatureState,
    Countersigned,
    is_reference,
    read_countersignature,
    read_grounds,
    read_revocation,
    substance_sha256,
)
from alliance.crypto.sealing import ENTRY_ID_BYTES
from alliance.crypto.signing import VerifyingKey
from alliance.errors import AllianceError, SignatureInvalid
from alliance.identifiers import Kind
from alliance.statements import COUNTERSIGNATURE_REFUSAL, COUNTERSIGNATURE_REQUEST
from alliance.taxonomy import Category, EvidenceLevel, SharingLevel, SubjectRole
from alliance.v1 import countersignature_pb2 as wire
from alliance.v1.countersignature_pb2 import CountersignatureRecord
from alliance.v1.statement_pb2 import SignedStatement
from member_client._directory import Directory
from member_client.errors import StatementInvalid

M = TypeVar("M", bound=Message)
_NAME: Final = re.compile(r"[a-z0-9-]{1,32}")
_ANSWERED: Final = (CountersignatureState.COUNTERSIGNED, CountersignatureState.REVOKED)


@dataclass(frozen=True, slots=True, repr=False)
class CountersignatureRequest:
    """A request for a countersignature, and what became of it. Times in milliseconds UTC, 0 before they come.

    It says what the claim states and not of whom: `reference` is the contributor's, by which the liaison finds the
    matter. `reason` is that of a refusal or a revocation; officer, instrument and document are the liaison's.
    """

    entry_id: bytes
    contributor: str
    liaison: str
    reference: str
    kind: Kind
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    observed_from: int
    observed_to: int
    filed_at: int
    expires_at: int
    sharing: SharingLevel
    evidence_commitment: bytes
    approved_by: tuple[str, ...]
    state: CountersignatureState
    requested_at: int
    answer_by: int
    answered_at: int
    revoked_at: int
    officer: str = ""
    instrument_reference: str = ""
    document_sha256: bytes = b""
    reason: str = ""
    epoch: int = 0
    claim_sha256: bytes = b""
    substance_sha256: bytes = b""

    def __repr__(self) -> str:
        return f"CountersignatureRequest({self.entry_id.hex()}, {self.state})"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the liaison said, and by whom."""

    officer: str = ""
    instrument_reference: str = ""
    document_sha256: bytes = b""
    reason: str = ""


def read_record(record: CountersignatureRecord, directory: Directory) -> CountersignatureRequest:
    """Read a request; raises StatementInvalid where something of it was not signed by who must have."""
    try:
        return _read(record, directory)
    except (AllianceError, ValueError, OverflowError) as error:
        raise StatementInvalid("A request for a countersignature does not verify.") from error


def _read(record: CountersignatureRecord, directory: Directory) -> CountersignatureRequest:
    stated = record.substance
    asked = _payload(COUNTERSIGNATURE_REQUEST, record.request, wire.CountersignatureRequest(), directory, "member")
    _check_form(record, asked)
    is_stated = hmac.compare_digest(substance_sha256(stated), asked.substance_sha256)
    if not is_stated or stated.contributor != asked.member:
        raise SignatureInvalid("the contributor signed for another claim")
    state, answer = CountersignatureState(record.state), _Answer()
    if state in _ANSWERED:
        answer = _countersigned(record, asked, EvidenceLevel(stated.evidence_level), directory)
    if state is CountersignatureState.REFUSED:
        answer = _refused(record, asked, directory)
    if state is CountersignatureState.REVOKED:
        revoked = read_revocation(record.revocation, _liaison(directory, asked.liaison))
        if (revoked.substance_sha256, revoked.liaison) != (asked.substance_sha256, asked.liaison):
            raise SignatureInvalid("the revocation is of another claim")
        _check_said(revoked.officer, revoked.reason)
        answer = _Answer(revoked.officer, answer.instrument_reference, answer.document_sha256, revoked.reason)
    return CountersignatureRequest(
        entry_id=asked.entry_id,
        contributor=asked.member,
        liaison=asked.liaison,
        reference=asked.reference,
        kind=kind_of(stated.kind),
        category=Category(stated.category),
        role=SubjectRole(stated.subject_role),
        evidence=EvidenceLevel(stated.evidence_level),
        observed_from=stated.observed_from,
        observed_to=stated.observed_to,
        filed_at=stated.filed_at,
        expires_at=stated.expires_at,
        sharing=SharingLevel(stated.sharing_level),
        evidence_commitment=stated.evidence_commitment,
        approved_by=tuple(record.approved_by),
        state=state,
        requested_at=record.requested_at,
        answer_by=record.answer_by,
        answered_at=record.answered_at,
        revoked_at=record.revoked_at,
        officer=answer.officer,
        instrument_reference=answer.instrument_reference,
        document_sha256=answer.document_sha256,
        reason=answer.reason,
        epoch=asked.epoch,
        claim_sha256=asked.claim_sha256,
        substance_sha256=asked.substance_sha256,
    )


def _check_form(record: CountersignatureRecord, asked: wire.CountersignatureRequest) -> None:
    """Raise SignatureInvalid where a time is none, or a text not what it is to be: people read them."""
    stated = record.substance
    times = (
        *(stated.observed_from, stated.observed_to, stated.filed_at, stated.expires_at),
        *(record.requested_at, record.answer_by, record.answered_at, record.revoked_at),
    )
    named = (asked.member, asked.liaison, *record.approved_by)
    if not all(0 <= it < MAX_TIME_MS for it in times) or not all(_NAME.fullmatch(it) for it in named):
        raise SignatureInvalid("a time or a name is none")
    if not is_reference(asked.reference) or len(asked.entry_id) != ENTRY_ID_BYTES:
        raise SignatureInvalid("the claim or the reference is none")


def _check_said(officer: str, reason: str) -> None:
    """Raise SignatureInvalid unless an officer gives a reason as it is to be."""
    if not _NAME.fullmatch(officer) or not is_reason_code(reason):
        raise SignatureInvalid("a name or a reason code is none")


def _countersigned(
    record: CountersignatureRecord, asked: wire.CountersignatureRequest, evidence: EvidenceLevel, directory: Directory
) -> _Answer:
    said = read_countersignature(record.answer, _liaison(directory, asked.liaison))
    wanted = Countersigned(
        asked.substance_sha256,
        asked.claim_sha256,
        asked.epoch,
        evidence,
        asked.liaison,
        sha256(record.grounds).digest(),
        said.time,
    )
    if said != wanted:
        raise SignatureInvalid("the countersignature is of another claim")
    grounds = read_grounds(record.grounds)
    if not _NAME.fullmatch(grounds.officer):
        raise SignatureInvalid("an officer's name is none")
    return _Answer(grounds.officer, grounds.instrument_reference, grounds.document_sha256)


def _refused(record: CountersignatureRecord, asked: wire.CountersignatureRequest, directory: Directory) -> _Answer:
    said = _payload(COUNTERSIGNATURE_REFUSAL, record.answer, wire.CountersignatureRefusal(), directory, "liaison")
    if (said.entry_id, said.claim_sha256, said.liaison) != (asked.entry_id, asked.claim_sha256, asked.liaison):
        raise SignatureInvalid("the refusal is of another claim")
    _check_said(said.officer, said.reason)
    return _Answer(officer=said.officer, reason=said.reason)


def _payload(statement_type: str, statement: SignedStatement, message: M, directory: Directory, by: str) -> M:
    """Read a statement, and believe it under the key of whom it names."""
    try:
        message.ParseFromString(statement.payload)
    except DecodeError:
        raise SignatureInvalid("a statement cannot be read") from None
    name = getattr(message, by)
    key = _liaison(directory, name) if by == "liaison" else directory.key_of(name)
    if key is None:
        raise SignatureInvalid("the contributor is no member")
    key.verified_payload(statement_type, statement)
    return message


def _liaison(directory: Directory, name: str) -> VerifyingKey:
    key = directory.liaison_key(name)
    if key is None:
        raise SignatureInvalid("nobody of that name is a liaison")
    return key
