"""Changes of claims' statuses that the hub makes and signs by itself: contested, suspended, active again.

A claim and the one that says the same in another epoch change together. They are signed inside the unit of work, which
alone knows the versions: such changes are few, and a signature takes less than the commit that follows.
"""

from collections.abc import Iterable, Mapping

from alliance.crypto.signing import Signer
from alliance.statements import CLAIM_STATUS
from alliance.taxonomy import ClaimStatus
from alliance.v1 import taxonomy_pb2
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance_server.domain.claims import StoredClaim, check_transition
from alliance_server.domain.ports import Transaction


class Flags:
    """Sets statuses in the hub's name."""

    def __init__(self, key: Signer) -> None:
        self._key = key

    def set(
        self, transaction: Transaction, claims: Iterable[StoredClaim], to: ClaimStatus, *, now: int, reason: str
    ) -> None:
        """Give held claims a status, those apart that have it or live no more; raises Refused."""
        for claim in claims:
            if claim.status is not to and claim.is_live(now):
                check_transition(claim.status, to)
                version = claim.status_version + 1
                statement = self._statement(claim.entry_id, version, to, now, reason)
                transaction.claims.change_status(claim.entry_id, to, version, statement, now=now, reason=reason)

    def align(self, transaction: Transaction, links: Mapping[bytes, bytes], now: int) -> None:
        """Have claims that were linked just now share the milder status: what is contested stays so when re-tagged."""
        linked = transaction.claims.hold(sorted({*links, *links.values()})) if links else {}
        for earlier, later in links.items():
            pair = [linked[it] for it in (earlier, later) if it in linked]
            mildest = max((it.status for it in pair if it.is_live(now)), default=ClaimStatus.ACTIVE)
            self.set(transaction, pair, mildest, now=now, reason="retagged")

    def _statement(self, entry_id: bytes, version: int, to: ClaimStatus, now: int, reason: str) -> bytes:
        change = ClaimStatusChange(
            entry_id=entry_id,
            version=version,
            status=taxonomy_pb2.ClaimStatus.ValueType(to),
            changed_at=now,
            reason=reason,
        )
        return self._key.statement(CLAIM_STATUS, change.SerializeToString()).SerializeToString()


def held_with_twins(transaction: Transaction, claim: StoredClaim) -> dict[bytes, StoredClaim]:
    """Give a claim, and those that say the same in the epochs before and after, held until the unit of work ends."""
    held = transaction.claims.hold(sorted({claim.entry_id, *claim.twins}))
    now_known = held.get(claim.entry_id, claim)
    if set(now_known.twins) <= set(claim.twins):
        return held
    return transaction.claims.hold(sorted({claim.entry_id, *now_known.twins}))  # it was re-tagged in between
