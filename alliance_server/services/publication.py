"""Publishes what the hub states is in force: each fact by an event of its own, in each log once.

- Publication goes by reconciliation. What is in force is read from the tables, and what of it the newest log does not
  have yet is published: by a turn of maintenance, and at once where somebody asks for a proof. So no service has to
  remember it, a new log has everything again, and so has a hub that was restored or is served by a newer release.
- Only what is in force is published, whoever asks for what. Digests that somebody made up cost one look-up in an index
  and a place in the next turn; there is one turn at a time, in the long run every so often, for all who wait.
- An event holds the digest and nothing else of the fact.
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Final

from alliance import facts
from alliance.clock import Clock
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.members import HUB_ACTOR, MemberState
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services import witnesses
from alliance_server.services.leases import Lease
from alliance_server.services.pace import Pace
from alliance_server.services.suppression import in_force

LEASE: Final = "publication"
LEASE_MS: Final = 15_000
PAUSE_SECONDS: Final = 0.2
"""Between turns that somebody asked for, in the long run."""
EVERY_SECONDS: Final = 10.0
"""Between turns by themselves: each reads all members, and whoever wants a proof does not wait for the next one."""
_MEMBERS_A_PAGE: Final = 1000
_NOT_SHOWN: Final = {MemberState.INVITED, MemberState.UNCONFIRMED}
"""Nobody accepts a key that no admin confirmed, so it is no fact."""


class Publication:
    """Publishes facts, one process at a time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lease = Lease(LEASE, LEASE_MS)
        self._turning = asyncio.Lock()
        self._next_at = 0.0
        self._pace = Pace(PAUSE_SECONDS)
        self._coming: asyncio.Task[int] | None = None

    async def turn(self) -> int:
        """Publish what is missing; returns how many facts, 0 too where another process does it."""
        async with self._turning:
            return await self._turn()

    async def look(self) -> None:
        """Have a turn, unless there was one a moment ago."""
        now = asyncio.get_running_loop().time()
        if now >= self._next_at:
            self._next_at = now + EVERY_SECONDS
            await self.turn()

    async def catch_up(self) -> None:
        """Have a turn that begins from now on, together with all who ask for one until it does."""
        if self._coming is None or self._coming.done():
            self._coming = asyncio.create_task(self._next_turn(), name="publication")
            self._coming.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._coming)

    async def _next_turn(self) -> int:
        await self._pace.keep()
        async with self._turning:
            self._coming = None  # who comes from here on may ask about what this turn does not see
            return await self._turn()

    async def _turn(self) -> int:
        if not await self._store.read(_missing):
            return 0
        return await self._store.write(partial(self._publish, now=self._clock.now_ms()))

    def _publish(self, transaction: Transaction, *, now: int) -> int:
        """Publish what is missing. The lease is held until the commit, so that no two processes publish the same."""
        if not self._lease.take(transaction, now):
            return 0
        missing = _missing(transaction)
        for digest in missing:
            event = record_event(
                time=now, actor=HUB_ACTOR, action=AuditAction.FACT_PUBLISH, items=1, commitments=(digest,)
            )
            transaction.publish(digest, event)
        self._lease.release(transaction)
        return len(missing)


def _missing(transaction: Transaction) -> list[bytes]:
    """Give the facts in force that the newest log does not have; none before there is a log."""
    log = transaction.logs.newest()
    if log is None:
        return []
    digests = list(dict.fromkeys(facts_in_force(transaction)))
    published = transaction.facts.published(digests, log.after_row)
    return [digest for digest in digests if digest not in published]


def facts_in_force(transaction: Transaction) -> Iterator[bytes]:
    """Give the digests of all facts in force: what some member is, or will be, shown."""
    yield from _members(transaction)
    yield from _epochs(transaction)
    yield facts.suppression_list(in_force(transaction).to_bytes())
    for adopted in transaction.policies.all():
        yield facts.policy(adopted.policy_sha256)
    yield facts.witness_list(witnesses.in_force(transaction).content)


def _members(transaction: Transaction) -> Iterator[bytes]:
    """Give those whom the directory shows to everybody, past ones included."""
    after = ""
    while page := transaction.members.page(after, _MEMBERS_A_PAGE):
        for member in page:
            if member.state not in _NOT_SHOWN:
                yield facts.member(member.id, member.identity_key, member.role, member.state)
        after = page[-1].id


def _epochs(transaction: Transaction) -> Iterator[bytes]:
    """Give the epochs that are announced, and the filters that they have."""
    for epoch in transaction.epochs.all():
        if not epoch.has_filter:
            continue
        yield facts.epoch(epoch.id, epoch.suite, epoch.public_key, epoch.not_before, epoch.not_after)
        state = transaction.filters.state(epoch.id)
        if state is not None and state.header:
            yield facts.filter_header(SignedStatement.FromString(state.header).payload)
