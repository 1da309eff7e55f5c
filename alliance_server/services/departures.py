"""Withdraws the claims of departed members in the hub's name: in chunks, each a unit of work, one process at a time.

A hub that is killed goes on behind the last chunk that was committed. Each chunk leaves an event.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Final

from alliance.clock import Clock
from alliance.crypto.signing import Signer
from alliance.statements import CLAIM_STATUS
from alliance.taxonomy import ClaimStatus
from alliance.v1 import taxonomy_pb2
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.claims import StoredClaim, check_transition
from alliance_server.domain.departures import GRACE_MS, REASON, Departure
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.compute import Compute
from alliance_server.services.leases import Lease

LEASE: Final = "departures"
LEASE_MS: Final = 60_000
CHUNK: Final = 256
CHUNKS_A_TURN: Final = 16
"""A turn is short: filters are kept fresh between turns."""


class Departures:
    """Does what is left to do for departed members."""

    def __init__(self, store: Store, compute: Compute, key: Signer, clock: Clock) -> None:
        self._store = store
        self._compute = compute
        self._key = key
        self._clock = clock
        self._lease = Lease(LEASE, LEASE_MS)

    async def turn(self) -> int:
        """Withdraw some claims; returns how many, 0 where nothing is left or another process does it."""
        withdrawn = 0
        for _ in range(CHUNKS_A_TURN):
            now = self._clock.now_ms()
            departure = await self._store.read(partial(_due, now=now))
            if departure is None:
                break
            done = await self._chunk(departure, now)
            if done is None:
                break
            withdrawn += done
        return withdrawn

    async def _chunk(self, departure: Departure, now: int) -> int | None:
        """Withdraw a chunk of a member's claims; None where another process holds the lease."""
        after = (departure.epoch, departure.sequence)
        claims = await self._store.read(lambda it: _own(it, departure, after))
        statements = await self._compute.run(max(1, len(claims)), self._statements, claims, now)
        return await self._store.write(lambda it: self._withdraw(it, departure, claims, statements, now))

    def _statements(self, claims: Sequence[StoredClaim], now: int) -> list[bytes]:
        return [self._statement(claim, now) for claim in claims]

    def _statement(self, claim: StoredClaim, now: int) -> bytes:
        check_transition(claim.status, ClaimStatus.WITHDRAWN)
        change = ClaimStatusChange(
            entry_id=claim.entry_id,
            version=claim.status_version + 1,
            status=taxonomy_pb2.ClaimStatus.ValueType(ClaimStatus.WITHDRAWN),
            changed_at=now,
            reason=REASON,
        )
        return self._key.statement(CLAIM_STATUS, change.SerializeToString()).SerializeToString()

    def _withdraw(
        self,
        transaction: Transaction,
        departure: Departure,
        claims: Sequence[StoredClaim],
        statements: Sequence[bytes],
        now: int,
    ) -> int | None:
        if not self._lease.take(transaction, now) or transaction.departures.get(departure.member_id) != departure:
            return None  # another process does it, or did this chunk
        for claim, statement in zip(claims, statements, strict=True):
            transaction.claims.change_status(
                claim.entry_id, ClaimStatus.WITHDRAWN, claim.status_version + 1, statement, now=now, reason=REASON
            )
        transaction.departures.save(_after(departure, claims, now))
        transaction.record(
            record_event(
                time=now,
                actor=HUB_ACTOR,
                action=AuditAction.CLAIM_DEPART,
                items=len(claims),
                commitments=(sha256(departure.member_id.encode()).digest(),),
            )
        )
        return len(claims)


def _after(departure: Departure, claims: Sequence[StoredClaim], now: int) -> Departure:
    """Give the departure as a chunk leaves it: over where the chunk was not full."""
    last = (claims[-1].epoch, claims[-1].sequence) if claims else (departure.epoch, departure.sequence)
    return replace(
        departure,
        epoch=last[0],
        sequence=last[1],
        withdrawn=departure.withdrawn + len(claims),
        ended_at=now if len(claims) < CHUNK else None,
    )


def _own(transaction: Transaction, departure: Departure, after: tuple[int, int]) -> list[StoredClaim]:
    """Give the next live claims, those included that a later epoch holds too: both end."""
    return transaction.claims.own(departure.member_id, after, CHUNK, live_only=True, retagged_too=True)


def _due(transaction: Transaction, *, now: int) -> Departure | None:
    return transaction.departures.next(now - GRACE_MS)
