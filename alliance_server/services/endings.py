"""Changes with which a contributor ends its claims: what it signed is read, held against the claim, and applied.

A claim that a rotation re-tagged ends together with its twin in the other epoch, by a statement of its own. A claim
whose place another row takes ends in the transaction in which that one lands: there is no moment without either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from alliance.claims import is_reason_code
from alliance.errors import Reason
from alliance.statements import CLAIM_STATUS
from alliance.taxonomy import LIVE_STATUSES, ClaimStatus
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import StoredClaim, check_change
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller
from alliance_server.domain.ports import Transaction
from alliance_server.domain.statements import read_statement

MAX_REASON_BYTES = 64
MAX_STATEMENT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a claim's status that its contributor signed."""

    entry_id: bytes
    status: ClaimStatus
    version: int
    reason: str
    statement: bytes

    @classmethod
    def read(cls, caller: Caller, statement: SignedStatement, allowed: frozenset[ClaimStatus]) -> Self:
        """Read what the caller signed; raises Refused or SignatureInvalid."""
        said = read_statement(caller, CLAIM_STATUS, statement, ClaimStatusChange(), MAX_STATEMENT_BYTES)
        if int(said.status) not in allowed or not (said.reason == "" or is_reason_code(said.reason)):
            words = " or ".join(sorted(it.word for it in allowed))
            raise Refused(Reason.INVALID_REQUEST, f"the change is to {words}, with a reason code of up to 64 bytes")
        return cls(said.entry_id, ClaimStatus(said.status), said.version, said.reason, statement.SerializeToString())

    def check(self, claim: StoredClaim, *, answers: bool = False) -> None:
        """Raise Refused unless it follows upon what a held claim is."""
        check_change(claim, self.status, self.version, answers=answers)

    def apply(self, transaction: Transaction, now: int) -> None:
        """Have it take effect."""
        transaction.claims.change_status(
            self.entry_id, self.status, self.version, self.statement, now=now, reason=self.reason
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """What a contributor signed about a claim, and about the one that says the same in another epoch, if it lives."""

    change: Change
    of_twin: Change | None = None

    @classmethod
    def read(
        cls,
        caller: Caller,
        statement: SignedStatement,
        of_twin: SignedStatement | None,
        allowed: frozenset[ClaimStatus],
    ) -> Self:
        """Read both; the twin ends as the claim does. Raises Refused or SignatureInvalid."""
        change = Change.read(caller, statement, allowed)
        twin = None if of_twin is None else Change.read(caller, of_twin, frozenset({change.status}))
        return cls(change, twin)

    def check(self, claim: StoredClaim, twins: Mapping[bytes, StoredClaim], *, answers: bool = False) -> list[Change]:
        """Give the changes that are due, that of a live twin first; raises Refused. All claims are held.

        `answers`: they answer a dispute, and may correct what is contested.
        """
        self.change.check(claim, answers=answers)
        due = [self.change]
        for entry_id in claim.twins:
            twin = twins.get(entry_id)
            if twin is None or twin.status not in LIVE_STATUSES:
                continue
            if self.of_twin is None or self.of_twin.entry_id != entry_id:
                raise Refused(Reason.CONFLICTING_RETRY, "the claim has a twin, which ends with it")
            self.of_twin.check(twin, answers=answers)
            due.insert(0, self.of_twin)
        return due
