"""An alliance whose days are drawn from a seed: lenders who do what lenders do, a hub that restarts, a bad network.

What is done is told to a model (`life.py`) as well; `clocks_hold` and `nothing_is_lost` hold the one against the other.
"""

from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from alliance.disputes import DisputeGround, DisputeOutcome, DisputeState, ReviewDecision
from alliance.taxonomy import DAY_MS, Action, Category, ClaimStatus, EvidenceLevel
from alliance.testing import FakeClock
from alliance_server.domain.members import Role
from alliance_server.services.purging import Purging
from member_client import AllianceClient, Consent, ContributionOutcome, Subject
from support.hub import RunningHub, running_hub
from support.life import ANSWERS, HARMED, ROLES, Filed, Life, permitted
from support.sdk import lender, row, screen
from support.unreliable import Unreliable

NUMBERS: Final = tuple(f"131224500{number:02}" for number in range(40))
CATEGORIES: Final = (Category.MULE_ACCOUNT, Category.TELECOM_FRAUD)
RECALLED: Final = ClaimStatus.RECALLED
ADMIN, REVIEWER = "ann", "rita"
STEP_HOURS: Final = 24
MOST_DAYS_AWAY: Final = 4
_SHARE_OF_FAULTS: Final = 0.03


@dataclass
class Lender:
    """A lender: its client while it is online, and what it must come to know."""

    name: str
    answers: bool
    """Whether it ever answers a dispute."""
    client: AllianceClient | None = None
    back_at: int = 0
    seen_at: int = 0
    """When it caught up last."""
    left_with: int = 0
    """How many changes there were when it went offline last."""
    synced: int = 0
    """How many there were when it caught up last."""
    decided: list[tuple[str, bytes, int]] = field(default_factory=list)
    """Receipt and entry of each match that it was shown, and how many changes there were then."""


class SimulatedAlliance:
    """The alliance of one run."""

    def __init__(self, folder: Path, seed: int, lenders: int, contests: int = 1) -> None:
        self.folder = folder
        self.contests = contests
        """How often somebody thinks of contesting a claim, a day."""
        self.clock = FakeClock()
        self.random = Random(seed)  # noqa: S311 - what happens, not secrets
        self.faults = Unreliable(seed, 0.0)
        self.life = Life()
        names = [f"lender-{number:02}" for number in range(lenders)]
        self.lenders = {name: Lender(name, answers=self.random.random() < 0.7) for name in names}
        self.contested: set[bytes] = set()
        self.did: dict[str, int] = defaultdict(int)
        """How often what happened."""
        self._offices: dict[str, AllianceClient] = {}
        self._serving = AsyncExitStack()
        self._calling: dict[str, AsyncExitStack] = {}
        self._ports: dict[str, str] = {}

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    # -- coming and going ----------------------------------------------------------------------------------------------

    async def found(self) -> None:
        """Start the hub and enrol everybody, while nothing goes wrong yet."""
        await self._start()
        for lender_ in self.lenders.values():
            await self._come(lender_)
        for name, role in ((ADMIN, Role.ADMIN), (REVIEWER, Role.REVIEWER)):
            self._offices[name] = await self._opened(name, role)
        self.faults.share = _SHARE_OF_FAULTS

    async def end(self) -> None:
        for calling in self._calling.values():
            await calling.aclose()
        await self._serving.aclose()

    async def everybody_comes(self) -> None:
        """Have everything work again, and everybody caught up."""
        self.faults.share = 0.0
        for lender_ in self.lenders.values():
            await self._come(lender_)
            await self._catch_up(lender_)

    async def _start(self) -> None:
        options = {"maintenance_seconds": 60} | self._ports
        hub = running_hub(self.folder, clock=self.clock, config=options, interceptors=(self.faults,))
        self.hub: RunningHub = await self._serving.enter_async_context(hub)
        self._ports = {"listen": self.hub.address, "enrolment_listen": self.hub.enrolment_address}
        await self.hub.stop_maintenance()

    async def _opened(self, name: str, role: Role = Role.MEMBER) -> AllianceClient:
        stack = self._calling[name] = AsyncExitStack()
        return await stack.enter_async_context(lender(self.hub, name, role=role))

    async def _come(self, lender_: Lender) -> None:
        lender_.client = lender_.client or await self._opened(lender_.name)

    async def _leave(self, lender_: Lender) -> None:
        await self._calling.pop(lender_.name).aclose()
        lender_.client, lender_.left_with = None, len(self.life.changes)
        lender_.back_at = self.now + self.random.randint(1, MOST_DAYS_AWAY) * DAY_MS
        self.did["leave"] += 1

    def _online(self) -> list[Lender]:
        return [it for it in self.lenders.values() if it.client is not None]

    def _somebody(self) -> tuple[Lender, AllianceClient]:
        chosen = self.random.choice(self._online())
        assert chosen.client is not None
        return chosen, chosen.client

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    # -- a day ---------------------------------------------------------------------------------------------------------

    async def a_day(self) -> None:
        """Let a day pass, and what happens in it happen."""
        self.clock.advance(hours=STEP_HOURS)
        if self._chance(0.1):
            await self._serving.aclose()
            await self._start()
            self.did["restart"] += 1
        for lender_ in self.lenders.values():
            if lender_.client is None and lender_.back_at <= self.now:
                await self._come(lender_)
        if self._chance(0.5):
            await self._leave(self._somebody()[0])
        await self.hub.hub.dispute_clocks.turn()
        self.did["suspended"] += len(self.life.let_clocks_run_out(self.now))
        await Purging(self.hub.hub.store, self.clock).turn()
        for _ in range(self.random.randint(0, 6)):
            await self._file()
        if self._chance(0.8):
            await self._end_one()
        await self.hub.settle()
        await self._contest_some()
        for lender_ in self._online():
            if lender_.answers and self._chance(0.5):
                await self._answer_queue(lender_)
        await self._review()
        await self.hub.hub.dispute_clocks.turn()  # closes what the claims of which ended
        await self.hub.settle()
        await self.screen(self._somebody()[0])
        for lender_ in self._online():
            if self._chance(0.5) or lender_.seen_at + DAY_MS < self.now:
                await self._catch_up(lender_)

    async def _file(self) -> None:
        draw, (lender_, client) = self.random, self._somebody()
        subject, category, role = draw.randrange(len(NUMBERS)), draw.choice(CATEGORIES), draw.choice(ROLES)
        evidence, ends_at = draw.choice((EvidenceLevel.E1, EvidenceLevel.E2)), self.now + draw.randint(1, 90) * DAY_MS
        stated: dict[str, Any] = {"category": category, "role": role, "evidence": evidence, "expires_at": ends_at}
        if evidence > EvidenceLevel.E1:
            stated["evidence_digest"] = bytes(32)
        before = self.life.standing(lender_.name, subject, category, self.now)
        rows = [row(NUMBERS[subject], **stated)]
        (result,) = [it async for it in client.contribute(rows, amend=True, relist=True)]
        if before is not None and before.status is not ClaimStatus.ACTIVE:
            assert result.outcome is ContributionOutcome.REFUSED
            return
        if before is not None:
            assert result.outcome is ContributionOutcome.AMENDED
            self.life.change(before.entry_id, ClaimStatus.CORRECTED, self.now)
        else:
            assert result.outcome is ContributionOutcome.ACCEPTED
        self.life.file(Filed(result.entry_id, lender_.name, subject, category, role, evidence, ends_at))
        self.did["file"] += 1

    async def _end_one(self) -> None:
        mine = [it for it in self.life.live(self.now) if self.lenders[it.contributor].client is not None]
        if not mine:
            return
        claim, status = self.random.choice(mine), self.random.choice((ClaimStatus.WITHDRAWN, ClaimStatus.RECALLED))
        client = self.lenders[claim.contributor].client
        assert client is not None
        await (client.recall if status is ClaimStatus.RECALLED else client.withdraw)(claim.entry_id, reason="in_error")
        self.life.change(claim.entry_id, status, self.now)
        self.did[status.word] += 1

    async def _contest_some(self) -> None:
        for _ in range(self.contests):
            if self._chance(0.9):
                await self._contest_one()

    async def _contest_one(self) -> None:
        """Contest somebody's claim, once."""
        opener, client = self._somebody()
        others = [
            it
            for it in self.life.live(self.now)
            if it.status is ClaimStatus.ACTIVE and it.contributor != opener.name and it.entry_id not in self.contested
        ]
        if not others:
            return
        claim, ground = self.random.choice(others), self.random.choice(list(DisputeGround))
        await client.sync()
        dispute = await client.open_dispute(
            Subject("C-1", phone=NUMBERS[claim.subject]),
            entry_id=claim.entry_id,
            ground=ground,
            request=Consent.of("complaint"),
            statement="It was not me.",
        )
        self.contested.add(claim.entry_id)
        self.life.contest(dispute.id, claim.entry_id, ground, dispute.opened_at)
        self.did["contest"] += 1

    async def _answer_queue(self, lender_: Lender) -> None:
        assert lender_.client is not None
        queue = [it async for it in lender_.client.dispute_queue()]
        waiting = {it.dispute_id for it in self.life.answerable(self.now)}
        for dispute in queue:
            if dispute.id in waiting:
                outcome = self.random.choice(list(DisputeOutcome))
                answered = await lender_.client.answer_dispute(dispute.id, outcome, reason="looked_into")
                assert answered.state.name == outcome.name
                self.life.change(dispute.entry_id, ANSWERS[outcome], self.now)
                self.did[f"answer {outcome}"] += 1

    async def _review(self) -> None:
        """Have some upheld claims escalated, and a reviewer decide about them."""
        _, client = self._somebody()
        for dispute in [it async for it in client.disputes()]:
            may_be_escalated = dispute.state is DisputeState.UPHELD and self.now < dispute.escalate_until
            if may_be_escalated and self.life.claims[dispute.entry_id].is_live(self.now):
                await client.escalate_dispute(dispute.id)
                suspends = self._chance(0.5)
                decision = ReviewDecision.CLAIM_SUSPENDED if suspends else ReviewDecision.CLAIM_STANDS
                await self._offices[REVIEWER].review_dispute(dispute.id, decision, reason="looked_into")
                if suspends:
                    self.life.change(dispute.entry_id, ClaimStatus.SUSPENDED, self.now)
                self.did[f"review {decision}"] += 1

    async def screen(self, lender_: Lender) -> None:
        """Have a lender screen all customers: what it is shown is what lives."""
        assert lender_.client is not None
        await lender_.client.sync()
        for subject, verdict in enumerate(await screen(lender_.client, NUMBERS)):
            expected = self.life.matches(lender_.name, subject, self.now)
            assert {(it.entry_id, it.status) for it in verdict.matches} == {(it.entry_id, it.status) for it in expected}
            assert verdict.action == permitted(expected)
            if expected and all(it.role in HARMED for it in expected):
                assert verdict.action < Action.DECLINE_WITH_HUMAN
            known = len(self.life.changes)
            lender_.decided += [(verdict.receipt, it.entry_id, known) for it in verdict.matches]

    async def _catch_up(self, lender_: Lender) -> None:
        assert lender_.client is not None
        await lender_.client.sync_recalls()
        lender_.seen_at, lender_.synced = self.now, len(self.life.changes)

    # -- what must hold ------------------------------------------------------------------------------------------------

    async def clocks_hold(self) -> None:
        """Receipts of recalls are there after a day, or admins see whose is not; what is overdue is suspended."""
        office = await self._offices[ADMIN].administration()
        recalls, place_of = await office.recalls(), self._recalled()
        told = self.life.told(self.now)
        assert {it.entry_id for it in recalls} == {it for it, status, _ in told if status is RECALLED}
        for recall in recalls:
            place = place_of[recall.entry_id]  # open clients catch up by themselves, too
            may_lack = {it.name for it in self.lenders.values() if it.synced <= place}
            must_lack = {it.name for it in self.lenders.values() if it.client is None and it.left_with <= place}
            assert must_lack <= set(recall.outstanding) <= may_lack
            if recall.is_overdue(self.now):
                assert all(self.lenders[name].client is None for name in recall.outstanding)
        late = Counter[str]()
        for waiting in self.life.answerable(self.now):
            claim, is_late = self.life.claims[waiting.entry_id], waiting.due_at <= self.now
            assert (claim.status is ClaimStatus.SUSPENDED) is is_late
            late[claim.contributor] += is_late
        assert {it.contributor: it.unanswered for it in await office.overdue_disputes()} == +late

    def _recalled(self) -> dict[bytes, int]:
        """Give how many changes there were before each recall."""
        return {it[0]: place for place, it in enumerate(self.life.changes) if it[1] is RECALLED}

    async def nothing_is_lost(self) -> None:
        """Everybody is shown what lives, and knows which of its decisions rest on what was recalled since."""
        await self.clocks_hold()
        place_of = self._recalled()
        for lender_ in self.lenders.values():
            await self.screen(lender_)
            assert lender_.client is not None
            listed = [it async for it in lender_.client.revisits(include_done=True)]
            told = {(it.receipt, it.entry_id) for it in listed if it.status is RECALLED}
            due = {
                (receipt, entry_id)
                for receipt, entry_id, known in lender_.decided
                if place_of.get(entry_id, -1) >= known
            }
            assert told == due, f"{lender_.name} was told {len(told - due)} too many and {len(due - told)} too few"
            self.did["revisit"] += len(told)
