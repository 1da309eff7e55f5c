"""Countersignatures as the hub holds them: what is asked for, what a liaison says to it and takes back. No I/O.

- A request is about one claim, known by its bytes' digest. What is kept of the claim is its substance: no tag.
- A substance is countersigned once, and so is good for one claim and what re-tags it.
- What a liaison signs, one of its officers signs alike: the hub knows officers as it knows members' operators.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from alliance.claims import is_reason_code
from alliance.countersignatures import (
    COUNTERSIGNING_LIFE_MS,
    CountersignatureState,
    Countersigned,
    is_new_reference,
    read_countersignature,
    read_grounds,
    substance_of,
    substance_sha256,
)
from alliance.crypto.signing import VerifyingKey
from alliance.errors import ClaimInvalid, Reason, SignatureInvalid
from alliance.statements import COUNTERSIGNATURE_REFUSAL, COUNTERSIGNATURE_REQUEST, COUNTERSIGNATURE_REVOCATION
from alliance.taxonomy import COUNTERSIGNED_LEVELS, DAY_MS, EvidenceLevel
from alliance.v1 import countersignature_pb2 as wire
from alliance.v1.claim_pb2 import Claim
from alliance.v1.countersignature_pb2 import ClaimSubstance
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller, Member, MemberState, Role
from alliance_server.domain.operators import Approved, Operator
from alliance_server.domain.statements import check_fresh, read_statement

MAX_STATEMENT_BYTES: Final = 1024
MAX_WAITING: Final = 4096
"""Requests of a member that wait at a time: a liaison's officers read each."""
REQUEST_KEPT_MS: Final = 30 * DAY_MS
"""How long a request stays that was refused, or whose time is over: its contributor may ask why."""


@dataclass(frozen=True, slots=True, repr=False)
class Countersigning:
    """A request and what became of it. Times in milliseconds UTC; statements as they came."""

    entry_id: bytes
    """The claim that it was asked for."""
    claim_id: bytes
    """The claim that says the same by now: another one once the epoch of the first is gone."""
    contributor: str
    liaison: str
    substance_sha256: bytes
    substance: bytes
    claim_sha256: bytes
    epoch: int
    evidence_level: int
    reference: str
    request: bytes
    approved_by: str
    state: CountersignatureState
    requested_at: int
    answer_by: int
    purge_at: int
    answer: bytes | None = None
    officer_answer: bytes | None = None
    grounds: bytes | None = None
    answered_at: int | None = None
    revocation: bytes | None = None
    officer_revocation: bytes | None = None
    revoked_at: int | None = None

    def state_at(self, now: int) -> CountersignatureState:
        """Give where it is: what nobody answered in time has lapsed."""
        lapsed = self.state is CountersignatureState.WAITING and self.answer_by <= now
        return CountersignatureState.LAPSED if lapsed else self.state


@dataclass(frozen=True, slots=True, repr=False)
class NumberedStatement:
    """A countersignature or a revocation in the feed that members read."""

    number: int
    statement: bytes


@dataclass(frozen=True, slots=True, repr=False)
class OfficersWord:
    """What a liaison signed and an officer alike: both statements, and who the officer is."""

    statement: SignedStatement
    officers_statement: SignedStatement
    officer: str

    @property
    def payload_sha256(self) -> bytes:
        """What the audit event commits to."""
        return sha256(self.statement.payload).digest()


def requested(
    caller: Caller,
    statement: SignedStatement,
    claim_bytes: bytes,
    claim: Claim,
    approvals: Approved | None,
    now: int,
) -> Countersigning:
    """Give the request that a contributor makes about a claim that was read and approved; raises Refused."""
    said = read_statement(
        caller, COUNTERSIGNATURE_REQUEST, statement, wire.CountersignatureRequest(), MAX_STATEMENT_BYTES
    )
    check_fresh(caller, said.member, said.time, now)
    level, substance = EvidenceLevel(claim.evidence_level), substance_of(claim)
    digests = (sha256(claim_bytes).digest(), substance_sha256(substance))
    stated = (said.entry_id, said.claim_sha256, said.substance_sha256, said.epoch)
    is_about = stated == (claim.entry_id, *digests, claim.epoch)
    if not is_about or level not in COUNTERSIGNED_LEVELS or approvals is None:
        raise Refused(Reason.INVALID_REQUEST, "the request is not about this claim, or it needs no countersignature")
    if not is_new_reference(said.reference):
        raise Refused(Reason.INVALID_REQUEST, "a reference has 1 to 64 bytes that print, and no nine digits in a row")
    answer_by = min(claim.filed_at + COUNTERSIGNING_LIFE_MS, claim.expires_at)
    return Countersigning(
        entry_id=claim.entry_id,
        claim_id=claim.entry_id,
        contributor=caller.member_id,
        liaison=said.liaison,
        substance_sha256=digests[1],
        substance=substance.SerializeToString(),
        claim_sha256=digests[0],
        epoch=claim.epoch,
        evidence_level=claim.evidence_level,
        reference=said.reference,
        request=statement.SerializeToString(),
        approved_by=approvals.names,
        state=CountersignatureState.WAITING,
        requested_at=now,
        answer_by=answer_by,
        purge_at=answer_by + REQUEST_KEPT_MS,
    )


def repeated(request: Countersigning, known: Countersigning) -> Countersigning:
    """Give the request that was made before, where this one says the same; raises Refused."""
    same = ("entry_id", "contributor", "liaison", "claim_sha256", "reference")
    if any(getattr(request, name) != getattr(known, name) for name in same):
        raise Refused(Reason.CONFLICTING_RETRY, "the claim or its substance was asked about before")
    return known


def acts(liaison: Member | None) -> bool:
    """Say whether somebody is a liaison who may act."""
    return liaison is not None and liaison.role is Role.LIAISON and liaison.state is MemberState.ACTIVE


def countersigned(
    caller: Caller,
    known: Countersigning,
    statement: SignedStatement,
    officers: SignedStatement,
    grounds: bytes,
    operators: Mapping[str, Operator],
    now: int,
) -> tuple[Countersigning, OfficersWord]:
    """Give a request as countersigned; raises Refused or SignatureInvalid."""
    if max(statement.ByteSize(), officers.ByteSize(), len(grounds)) > MAX_STATEMENT_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "a countersignature of that length is not kept")
    said = read_countersignature(statement, VerifyingKey(caller.identity_key))
    check_fresh(caller, said.liaison, said.time, now)
    of_claim = Countersigned(
        known.substance_sha256,
        known.claim_sha256,
        known.epoch,
        EvidenceLevel(known.evidence_level),
        known.liaison,
        sha256(grounds).digest(),
        said.time,
    )
    if said != of_claim:
        raise Refused(Reason.INVALID_REQUEST, "the countersignature is of another claim, level or ground")
    rests_on = read_grounds(grounds)
    if not is_new_reference(rests_on.instrument_reference):
        raise Refused(Reason.INVALID_REQUEST, "the number of an instrument has no nine digits in a row")
    word = _word(statement, officers, rests_on.officer, operators)
    if known.state is CountersignatureState.COUNTERSIGNED and hmac.compare_digest(known.grounds or b"", grounds):
        return known, word
    _check_waits(known, now)
    expires_at = ClaimSubstance.FromString(known.substance).expires_at
    changed = replace(
        known,
        state=CountersignatureState.COUNTERSIGNED,
        answer=statement.SerializeToString(),
        officer_answer=officers.SerializeToString(),
        grounds=grounds,
        answered_at=now,
        purge_at=expires_at,
    )
    return changed, word


def refused(
    caller: Caller,
    known: Countersigning,
    statement: SignedStatement,
    officers: SignedStatement,
    operators: Mapping[str, Operator],
    now: int,
) -> tuple[Countersigning, OfficersWord]:
    """Give a request as refused; raises Refused or SignatureInvalid."""
    said = read_statement(
        caller, COUNTERSIGNATURE_REFUSAL, statement, wire.CountersignatureRefusal(), MAX_STATEMENT_BYTES
    )
    check_fresh(caller, said.liaison, said.time, now)
    if (said.entry_id, said.claim_sha256) != (known.entry_id, known.claim_sha256):
        raise Refused(Reason.INVALID_REQUEST, "the refusal is of another claim")
    _check_reason(said.reason)
    word = _word(statement, officers, said.officer, operators)
    said_before = _reason_of(known.answer) if known.state is CountersignatureState.REFUSED else ""
    if said_before == said.reason:
        return known, word
    _check_waits(known, now)
    changed = replace(
        known,
        state=CountersignatureState.REFUSED,
        answer=statement.SerializeToString(),
        officer_answer=officers.SerializeToString(),
        answered_at=now,
        purge_at=now + REQUEST_KEPT_MS,
    )
    return changed, word


def revoked(
    caller: Caller,
    known: Countersigning,
    statement: SignedStatement,
    officers: SignedStatement,
    operators: Mapping[str, Operator],
    now: int,
) -> tuple[Countersigning, OfficersWord]:
    """Give a countersignature as revoked; raises Refused or SignatureInvalid."""
    said = read_statement(
        caller, COUNTERSIGNATURE_REVOCATION, statement, wire.CountersignatureRevocation(), MAX_STATEMENT_BYTES
    )
    check_fresh(caller, said.liaison, said.time, now)
    if said.substance_sha256 != known.substance_sha256:
        raise Refused(Reason.INVALID_REQUEST, "the revocation is of another claim")
    _check_reason(said.reason)
    word = _word(statement, officers, said.officer, operators)
    if known.state is CountersignatureState.REVOKED:
        return known, word
    if known.state is not CountersignatureState.COUNTERSIGNED:
        raise Refused(Reason.COUNTERSIGNATURE_CLOSED, f"the request is {known.state_at(now).word}")
    return revoked_by(known, statement.SerializeToString(), officers.SerializeToString(), now), word


def revoked_by(known: Countersigning, revocation: bytes, officers: bytes, now: int) -> Countersigning:
    """Give a countersignature as it is once it was revoked by these statements."""
    return replace(
        known, state=CountersignatureState.REVOKED, revocation=revocation, officer_revocation=officers, revoked_at=now
    )


def check_stands(known: Countersigning | None, liaison: Member | None, claim: bytes, contributor: str) -> None:
    """Raise ClaimInvalid unless a liaison who acts countersigned exactly this claim, and did not revoke it."""
    wanted = (CountersignatureState.COUNTERSIGNED, sha256(claim).digest(), contributor)
    if known is None or not acts(liaison) or (known.state, known.claim_sha256, known.contributor) != wanted:
        raise ClaimInvalid(Reason.COUNTERSIGNATURE_MISSING, "no liaison who acts countersigned this claim")


def _check_waits(known: Countersigning, now: int) -> None:
    state = known.state_at(now)
    if state is not CountersignatureState.WAITING:
        raise Refused(Reason.COUNTERSIGNATURE_CLOSED, f"the request is {state.word}")


def _check_reason(reason: str) -> None:
    if not is_reason_code(reason):
        raise Refused(Reason.INVALID_REQUEST, "a reason code is a word of up to 64 lower-case letters, digits and _")


def _reason_of(refusal: bytes | None) -> str:
    payload = SignedStatement.FromString(refusal or b"").payload
    return wire.CountersignatureRefusal.FromString(payload).reason


def _word(
    statement: SignedStatement, officers: SignedStatement, officer: str, operators: Mapping[str, Operator]
) -> OfficersWord:
    """Give what both signed alike; raises SignatureInvalid unless the officer is registered, and signed this."""
    if officers.ByteSize() > MAX_STATEMENT_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "a statement of that length is not kept")
    known = operators.get(officer)
    if known is None or known.retired_at is not None:
        raise SignatureInvalid("the officer is not registered, or retired")
    if VerifyingKey(known.public_key).verified_payload(statement.type, officers) != statement.payload:
        raise SignatureInvalid("the officer signed something else")
    return OfficersWord(statement, officers, officer)
