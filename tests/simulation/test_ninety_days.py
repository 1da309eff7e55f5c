"""Ninety days of an alliance of twenty lenders, on a clock of the test's, with everything going wrong now and then.

Lenders file, amend, withdraw and recall, screen their customers and go offline for days; the hub is restarted; calls
and answers are lost, delivered twice and overtaken. Every day the alliance's clocks are held against what was done, and
at the end nothing may be missing anywhere. What happens is drawn from a seed.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from support.hub import RunningHub, running_hub
from support.life import HARMED, ROLES, Filed, Life, permitted
from support.sdk import lender, row, screen
from support.unreliable import Unreliable

from alliance.taxonomy import DAY_MS, Action, Category, ClaimStatus, EvidenceLevel
from alliance.testing import FakeClock
from alliance_server.domain.members import Role
from alliance_server.services.purging import Purging
from member_client import AllianceClient, ContributionOutcome

DAYS: Final = 90
LENDERS: Final = tuple(f"lender-{number:02}" for number in range(20))
NUMBERS: Final = tuple(f"131224500{number:02}" for number in range(40))
CATEGORIES: Final = (Category.MULE_ACCOUNT, Category.TELECOM_FRAUD)
A_STEP_HOURS: Final = 12
SHARE_OF_FAULTS: Final = 0.03
OFFLINE_DAYS: Final = 4
"""For so long at most a lender is away."""


class Alliance:
    """The alliance of one run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.random = Random(seed)  # noqa: S311 - what happens, not secrets
        self.faults = Unreliable(seed, 0.0)
        self.life = Life()
        self.clients: dict[str, AllianceClient] = {}
        self.back_at: dict[str, int] = {}
        self._serving = AsyncExitStack()
        self._ports: dict[str, str] = {}

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the hub, on the ports that it had."""
        options = {"maintenance_seconds": 60} | self._ports
        hub = running_hub(self.folder, clock=self.clock, config=options, interceptors=(self.faults,))
        self.hub: RunningHub = await self._serving.enter_async_context(hub)
        self._ports = {"listen": self.hub.address, "enrolment_listen": self.hub.enrolment_address}
        await self.hub.stop_maintenance()

    async def restart(self) -> None:
        await self._serving.aclose()
        await self.start()

    async def found(self) -> None:
        """Enrol everybody, while nothing goes wrong yet."""
        await self.start()
        for name in LENDERS:
            async with lender(self.hub, name):
                pass
        async with lender(self.hub, "ann", role=Role.ADMIN):
            pass
        for name in LENDERS:
            await self.come(name)
        self.faults.share = SHARE_OF_FAULTS

    async def come(self, name: str) -> None:
        self.clients[name] = await self._opened(name)
        self.back_at.pop(name, None)

    async def _opened(self, name: str) -> AllianceClient:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(lender(self.hub, name))
            stack.pop_all()
            return client

    async def leave(self, name: str, days: int) -> None:
        await self.clients.pop(name).close()
        self.back_at[name] = self.now + days * DAY_MS

    async def end(self) -> None:
        for client in self.clients.values():
            await client.close()
        await self._serving.aclose()

    # -- half a day ----------------------------------------------------------------------------------------------------

    async def half_a_day(self) -> None:
        self.clock.advance(hours=A_STEP_HOURS)
        if self.random.random() < 0.05:
            await self.restart()
        await self._come_and_go()
        await Purging(self.hub.hub.store, self.clock).turn()
        for _ in range(self.random.randint(0, 2)):
            await self._file(self._somebody())
        for _ in range(self.random.randint(0, 1)):
            await self._end_one()
        await self.hub.settle()
        await self._screen(self._somebody())

    async def _come_and_go(self) -> None:
        for name, back_at in list(self.back_at.items()):
            if back_at <= self.now:
                await self.come(name)
        if self.random.random() < 0.3:
            await self.leave(self._somebody(), self.random.randint(1, OFFLINE_DAYS))

    def _somebody(self) -> str:
        return self.random.choice(sorted(self.clients))

    async def _file(self, name: str) -> None:
        draw = self.random
        subject, category, role = draw.randrange(len(NUMBERS)), draw.choice(CATEGORIES), draw.choice(ROLES)
        evidence, ends_at = draw.choice((EvidenceLevel.E1, EvidenceLevel.E2)), self.now + draw.randint(1, 90) * DAY_MS
        stated: dict[str, Any] = {"category": category, "role": role, "evidence": evidence, "expires_at": ends_at}
        if evidence > EvidenceLevel.E1:
            stated["evidence_digest"] = bytes(32)
        before = self.life.standing(name, subject, category, self.now)
        rows = [row(NUMBERS[subject], **stated)]
        (result,) = [it async for it in self.clients[name].contribute(rows, amend=True, relist=True)]
        if before is not None and before.status is ClaimStatus.ACTIVE:
            assert result.outcome is ContributionOutcome.AMENDED
            self.life.change(before.entry_id, ClaimStatus.CORRECTED, self.now)
        elif before is not None:
            assert result.outcome is ContributionOutcome.REFUSED
            return
        else:
            assert result.outcome is ContributionOutcome.ACCEPTED
        self.life.file(Filed(result.entry_id, name, subject, category, role, evidence, ends_at))

    async def _end_one(self) -> None:
        mine = [it for it in self.life.live(self.now) if it.contributor in self.clients]
        if not mine:
            return
        claim, status = self.random.choice(mine), self.random.choice((ClaimStatus.WITHDRAWN, ClaimStatus.RECALLED))
        client = self.clients[claim.contributor]
        await (client.recall if status is ClaimStatus.RECALLED else client.withdraw)(claim.entry_id, reason="in_error")
        self.life.change(claim.entry_id, status, self.now)

    async def _screen(self, name: str) -> None:
        """Screen all customers; what is shown is what lives."""
        client = self.clients[name]
        await client.sync()
        for subject, verdict in enumerate(await screen(client, NUMBERS)):
            expected = self.life.matches(name, subject, self.now)
            assert {(it.entry_id, it.status) for it in verdict.matches} == {(it.entry_id, it.status) for it in expected}
            assert verdict.action == permitted(expected)
            if expected and all(it.role in HARMED for it in expected):
                assert verdict.action < Action.DECLINE_WITH_HUMAN


@pytest.mark.parametrize("seed", [1, *(pytest.param(it, marks=pytest.mark.nightly) for it in range(2, 8))])
async def test_ninety_days_end_with_nothing_lost(new_hub_folder: Callable[[], Path], seed: int) -> None:
    alliance = Alliance(new_hub_folder(), seed)
    await alliance.found()
    try:
        for _ in range(DAYS * 24 // A_STEP_HOURS):
            await alliance.half_a_day()
        alliance.faults.share = 0
        for name in list(alliance.back_at):
            await alliance.come(name)
        for name in LENDERS:
            await alliance._screen(name)
        assert len(alliance.faults.done) == 4, "not everything went wrong"
    finally:
        await alliance.end()
