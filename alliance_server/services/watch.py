"""Watching volumes: hours are counted, alarms raised, standings computed, by whichever process holds the lease.

One turn, every five minutes:

1. the counts by the hour are brought up to the budgets, under the lease;
2. each member's day so far is held against its history and its business, and what is alarming is kept, audited and
   logged, once a member, kind and day; so is the end of yesterday, of which a hub that was away saw nothing;
3. once a day, and where the configuration says otherwise than what is stored, standings are computed anew. The registry
   is read aside, and holds no call up.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

import structlog

from alliance_server.domain.actions import AuditAction
from alliance_server.domain.alarms import HISTORY_DAYS, DayOfUse, Finding, Traffic, found
from alliance_server.domain.audit import record_event
from alliance_server.domain.members import HUB_ACTOR, Member, MemberState, Role
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.quotas import Resource, day_of
from alliance_server.domain.reciprocity import QUERIED_DAYS, QUERIES, Business, Standing, standing_of
from alliance_server.services.leases import Lease
from alliance_server.services.memberships import everybody

EVERY_MS = 5 * 60 * 1000
LEASE = "quota-watch"
LEASE_MS = 3 * EVERY_MS
_log = structlog.get_logger("alliance.watch")


class Watch:
    """Watches what members use and give."""

    def __init__(self, store: Store, budgets: Mapping[str, int], *, night_utc: int, is_in_force: bool) -> None:
        """Take the default budgets, the hour of the UTC day at which the night begins, and whether tiers count."""
        self._store = store
        self._default_budget = min(budgets["loan_application"], budgets["account_opening"])
        self._night_utc = night_utc
        self._is_in_force = is_in_force
        self._lease = Lease(LEASE, LEASE_MS)
        self._next = 0
        self._computed_on = 0
        self._history: dict[int, Mapping[str, Mapping[int, Sequence[DayOfUse]]]] = {}

    async def look(self, now: int) -> None:
        """Do a turn if one is due."""
        if now >= self._next or now < self._next - 2 * EVERY_MS:  # the second: a clock was put back
            self._next = now + EVERY_MS
            await self.turn(now)

    async def turn(self, now: int) -> bool:
        """Do a turn; returns whether this process holds the lease."""

        def counted(transaction: Transaction) -> bool:
            held = self._lease.take(transaction, now)
            if held:
                transaction.watch.count_hours(now)
            return held

        if not await self._store.write(counted):
            return False
        for day in (day_of(now) - 1, day_of(now)):
            await self._raise(await self._alarming(day), day, now)
        if self._computed_on != day_of(now):
            if not await self._are_standings_of(day_of(now)):
                await self.compute_standings(now)
            self._computed_on = day_of(now)
        return True

    async def _are_standings_of(self, day: int) -> bool:
        """Tell whether another process, or this hub before it was started anew, computed what holds today."""
        last = await self._store.read(lambda transaction: transaction.watch.last_standing())
        return last is not None and (day_of(last.computed_at), last.is_in_force) == (day, self._is_in_force)

    async def _alarming(self, day: int) -> list[tuple[str, Finding]]:
        history = await self._past(day)

        def work(transaction: Transaction) -> list[tuple[str, Finding]]:
            businesses = transaction.watch.businesses()
            return [
                (member_id, finding)
                for member_id, hours in transaction.watch.today(day).items()
                for finding in found(
                    Traffic(
                        day=day,
                        hours={Resource(resource): counts for resource, counts in hours.items()},
                        history={Resource(it): days for it, days in history.get(member_id, {}).items()},
                        business=businesses.get(member_id, Business()),
                        night_utc=self._night_utc,
                    )
                )
            ]

        return await self._store.read(work)

    async def _past(self, day: int) -> Mapping[str, Mapping[int, Sequence[DayOfUse]]]:
        """Give what was usual before a day: read once a day, but for what a turn after midnight adds to yesterday."""
        if day not in self._history:
            self._history = {it: past for it, past in self._history.items() if it == day - 1}
            self._history[day] = await self._store.read(
                lambda transaction: transaction.watch.history(day - HISTORY_DAYS, day, self._night_utc)
            )
        return self._history[day]

    async def _raise(self, alarming: Sequence[tuple[str, Finding]], day: int, now: int) -> None:
        def work(transaction: Transaction) -> list[Finding]:
            raised = []
            for member_id, finding in alarming:
                if transaction.watch.raise_alarm(member_id, finding, day, now):
                    raised.append(finding)
                    transaction.record(
                        record_event(
                            time=now,
                            actor=HUB_ACTOR,
                            action=AuditAction.ALARM_RAISE,
                            items=finding.observed,
                            commitments=(sha256(member_id.encode()).digest(),),
                        )
                    )
            return raised

        for finding in await self._store.write(work) if alarming else ():
            _log.error("alarm: a member's volumes", reason=finding.kind.word, items=finding.observed)

    async def compute_standings(self, now: int) -> None:
        """Compute the standings of all members anew."""

        def work(transaction: Transaction) -> list[Standing]:
            queried = transaction.watch.queried(day_of(now) - QUERIED_DAYS + 1, QUERIES)
            businesses = transaction.watch.businesses()
            return [
                standing_of(
                    member.id,
                    transaction.watch.given(member.id, now),
                    max(0, queried.get(member.id, 0)),
                    businesses.get(member.id, Business()),
                    default_budget=self._default_budget,
                    is_in_force=self._is_in_force,
                    now=now,
                )
                for member in filter(_lends, everybody(transaction))
            ]

        standings = await self._store.read(work)
        await self._store.write(lambda transaction: transaction.watch.save_standings(standings))


def _lends(member: Member) -> bool:
    """Whether somebody is a lender whose membership has not ended."""
    return member.role is Role.MEMBER and member.state is not MemberState.OFFBOARDED
