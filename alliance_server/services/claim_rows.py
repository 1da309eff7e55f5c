"""Rows of a chunk, checked by themselves: what they claim, what they correct, and who approved them. No I/O.

A row that is wrong is refused by itself. What its claim has to do with others, the registry decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from google.protobuf.message import DecodeError

from alliance.crypto.sealing import ENTRY_ID_BYTES
from alliance.crypto.signing import VerifyingKey
from alliance.errors import AllianceError, Reason
from alliance.statements import CLAIM
from alliance.taxonomy import ClaimStatus
from alliance.v1.claim_pb2 import Claim
from alliance_server.domain.claims import ClaimRow, StoredClaim, read
from alliance_server.domain.errors import reason_of
from alliance_server.domain.members import Caller
from alliance_server.domain.operators import Approved, Operator, approved
from alliance_server.services.call import Call
from alliance_server.services.endings import Ending

CORRECTS = frozenset({ClaimStatus.CORRECTED})


@dataclass(slots=True)
class CheckedRow:
    """A row, the claim in it, its digest, and what it corrects; of a row that is refused the reason."""

    row: ClaimRow
    claim: Claim | None
    refusal: Reason | None
    entry_id: bytes
    digest: bytes = b""
    correction: Ending | None = None
    approved: Approved | None = None
    """Who approved it, as far as signatures tell."""
    is_retagged_already: bool = False
    """Whether the claim that it re-tags has a successor: it may have been sent by another machine of the member."""

    def refuse(self, reason: Reason) -> None:
        """Have it be refused; what it claimed counts no more."""
        self.claim, self.refusal = None, reason


def check_rows(
    rows: Sequence[ClaimRow],
    call: Call,
    threads: int,
    *,
    operators: Mapping[str, Operator],
) -> list[CheckedRow]:
    """Check rows by themselves; the signatures of those that are right otherwise, on several threads."""
    key = VerifyingKey(call.caller.identity_key)
    now = call.now()
    checked = [_check_row(row, call.caller, now, operators) for row in rows]
    signed = [item for item in checked if item.claim]
    payloads, signatures = [item.row.claim for item in signed], [item.row.signature for item in signed]
    for item, holds in zip(signed, key.verify_many(CLAIM, payloads, signatures, threads=threads), strict=True):
        if not holds:
            item.refuse(Reason.SIGNATURE_INVALID)
    return checked


def _check_row(row: ClaimRow, caller: Caller, now: int, operators: Mapping[str, Operator]) -> CheckedRow:
    approval = None
    try:
        claim = read(row, contributor=caller.member_id, now=now)
        if not row.predecessor:  # what is re-tagged was approved when it was filed
            approval = approved(claim, row.claim, row.approvals, operators, now)
        correction = None
        if row.correction is not None:
            correction = Ending.read(caller, row.correction, row.twin_correction, CORRECTS)
    except AllianceError as error:
        return CheckedRow(row, None, reason_of(error), _entry_id(row))
    return CheckedRow(row, claim, None, claim.entry_id, row.digest(), correction, approval)


def kept_approvals(item: CheckedRow, of: StoredClaim | None) -> dict[str, Any]:
    """Give what is kept of a row's approvals: its own, or those of the claim that it re-tags."""
    if item.approved is not None:
        return {"approved_by": item.approved.names, "approvals": item.approved.statements}
    return {"approved_by": of.approved_by, "approvals": of.approvals} if of is not None else {}


def who_approved(fresh: Sequence[CheckedRow]) -> dict[str, Any]:
    """Give what the event says of approvals: the two operators where they are the same for all, and one digest."""
    approvals = [item.approved for item in fresh if item.approved]
    if not approvals:
        return {}
    names = {one.names for one in approvals}
    digest = sha256(b"".join(sha256(one.statements).digest() for one in approvals)).digest()
    return {"operator": names.pop() if len(names) == 1 else "", "commitments": (digest,)}


def _entry_id(row: ClaimRow) -> bytes:
    """Read the entry id of a refused row; empty where there is none."""
    try:
        entry_id = Claim.FromString(row.claim).entry_id
    except DecodeError:
        return b""
    return entry_id if len(entry_id) == ENTRY_ID_BYTES else b""
