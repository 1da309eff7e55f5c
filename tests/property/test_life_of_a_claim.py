"""Whatever happens to claims, in whatever order: what members are shown is what the domain's words say.

A hub over TLS and its lenders go through random sequences of filing, amending, contesting, answering, ending, waiting
and restarting, on one clock that is the test's. After each step everything is held against a model.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from support.books import Books
from support.hub import RunningHub, running_hub
from support.life import ANSWERS, HARMED, LONGEST_MS, ROLES, Filed, Life, permitted
from support.sdk import lender, row, screen
from support.wire import events_of

from alliance.disputes import DisputeGround, DisputeOutcome
from alliance.taxonomy import DAY_MS, Action, Category, ClaimStatus, EvidenceLevel, Purpose, SubjectRole
from alliance.testing import FakeClock
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import Resource
from alliance_server.services.purging import Purging
from member_client import AllianceClient, Consent, ContributionOutcome, ContributionResult, Dispute, Subject

T = TypeVar("T")

LENDERS: Final = ("ash", "birch", "cedar")
NUMBERS: Final = ("13122440001", "13122440002", "13122440003")
CATEGORIES: Final = (Category.MULE_ACCOUNT, Category.TELECOM_FRAUD)
EVIDENCE: Final = (EvidenceLevel.E1, EvidenceLevel.E2)
LOGGED: Final = ("claim:status:change", "dispute:open", "dispute:answer")
LATEST_DAY: Final = 170
"""The key's epoch ends after 180 days."""


class LifeOfClaims(RuleBasedStateMachine):
    """Lenders of one alliance, and what they may do."""

    new_folder: ClassVar[Callable[[], Path]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.serving, self.calling = AsyncExitStack(), AsyncExitStack()
        self.address: dict[str, str] = {}
        self.clock = FakeClock()
        self.born = self.clock.now_ms()
        self.folder = type(self).new_folder()
        self.life = Life()
        self.lenders: dict[str, AllianceClient] = {}
        self.logged: Counter[tuple[str, str]] = Counter()
        """What the audit tables must hold, by actor and action."""
        self.complaints = count()
        self.run(self.opened())
        self.run(self.called())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def opened(self) -> None:
        options = {"maintenance_seconds": 60} | self.address
        self.hub: RunningHub = await self.serving.enter_async_context(
            running_hub(self.folder, clock=self.clock, config=options)
        )
        self.address = {"listen": self.hub.address, "enrolment_listen": self.hub.enrolment_address}
        await self.hub.stop_maintenance()

    async def called(self) -> None:
        for name in LENDERS:
            self.lenders[name] = await self.calling.enter_async_context(lender(self.hub, name))

    def teardown(self) -> None:
        self.run(self.calling.aclose())
        self.run(self.serving.aclose())
        self.runner.close()

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    # -- what may happen -----------------------------------------------------------------------------------------

    @initialize(name=st.sampled_from(LENDERS), subject=st.integers(0, len(NUMBERS) - 1))
    def begun(self, name: str, subject: int) -> None:
        """Begin with a claim: whatever may happen to one may happen at once."""
        self.all_holds()
        self.file(name, subject, CATEGORIES[0], ROLES[0], EVIDENCE[0], life_days=60, amend=False)

    @rule(
        name=st.sampled_from(LENDERS),
        subject=st.integers(0, len(NUMBERS) - 1),
        category=st.sampled_from(CATEGORIES),
        role=st.sampled_from(ROLES),
        evidence=st.sampled_from(EVIDENCE),
        life_days=st.integers(1, 90),
        amend=st.booleans(),
    )
    def file(
        self,
        name: str,
        subject: int,
        category: Category,
        role: SubjectRole,
        evidence: EvidenceLevel,
        life_days: int,
        amend: bool,
    ) -> None:
        ends_at = self.now + life_days * DAY_MS
        stated: dict[str, Any] = {"category": category, "role": role, "evidence": evidence, "expires_at": ends_at}
        if evidence > EvidenceLevel.E1:
            stated["evidence_digest"] = bytes(32)
        before = self.life.standing(name, subject, category, self.now)
        result = self.run(self.filed(name, NUMBERS[subject], stated, amend=amend))
        if before is not None and result.outcome is ContributionOutcome.UNCHANGED:
            assert result.entry_id == before.entry_id
        elif before is not None and not (amend and before.status is ClaimStatus.ACTIVE):
            assert result.outcome is ContributionOutcome.REFUSED
        else:
            if before is not None:
                assert result.outcome is ContributionOutcome.AMENDED
                self.life.change(before.entry_id, ClaimStatus.CORRECTED, self.now)
            else:
                assert result.outcome is ContributionOutcome.ACCEPTED
            self.life.file(Filed(result.entry_id, name, subject, category, role, evidence, ends_at))
        self.all_holds()

    async def filed(self, name: str, number: str, stated: dict[str, Any], *, amend: bool) -> ContributionResult:
        rows = [row(number, **stated)]
        (result,) = [it async for it in self.lenders[name].contribute(rows, amend=amend, relist=True)]
        return result

    @precondition(lambda self: self.life.live(self.now))
    @rule(data=st.data(), status=st.sampled_from((ClaimStatus.WITHDRAWN, ClaimStatus.RECALLED)))
    def end(self, data: st.DataObject, status: ClaimStatus) -> None:
        claim = data.draw(st.sampled_from(self.life.live(self.now)))
        client = self.lenders[claim.contributor]
        ended = client.recall if status is ClaimStatus.RECALLED else client.withdraw
        assert self.run(ended(claim.entry_id, reason="filed_in_error")).status is status
        self.life.change(claim.entry_id, status, self.now)
        self.logged[claim.contributor, "claim:status:change"] += 1
        self.all_holds()

    @precondition(lambda self: any(it.status is ClaimStatus.ACTIVE for it in self.life.live(self.now)))
    @rule(data=st.data(), ground=st.sampled_from(DisputeGround))
    def contest(self, data: st.DataObject, ground: DisputeGround) -> None:
        active = [it for it in self.life.live(self.now) if it.status is ClaimStatus.ACTIVE]
        claim = data.draw(st.sampled_from(active))
        opener = data.draw(st.sampled_from([name for name in LENDERS if name != claim.contributor]))
        dispute = self.run(self.contested(opener, claim, ground))
        self.life.contest(dispute.id, claim.entry_id, ground, dispute.opened_at)
        assert dispute.due_at == self.life.waiting[claim.entry_id].due_at
        self.logged[opener, "dispute:open"] += 1
        self.all_holds()

    async def contested(self, opener: str, claim: Filed, ground: DisputeGround) -> Dispute:
        client, evidence = self.lenders[opener], self.folder / f"evidence-{next(self.complaints)}"
        evidence.write_text(evidence.name)
        await client.sync()
        return await client.open_dispute(
            Subject("C-1", phone=NUMBERS[claim.subject]),
            entry_id=claim.entry_id,
            ground=ground,
            request=Consent.of("complaint"),
            statement=evidence.name,
            evidence=evidence,
        )

    @precondition(lambda self: self.life.answerable(self.now))
    @rule(data=st.data(), outcome=st.sampled_from(DisputeOutcome))
    def answer(self, data: st.DataObject, outcome: DisputeOutcome) -> None:
        waiting = data.draw(st.sampled_from(self.life.answerable(self.now)))
        contributor = self.life.claims[waiting.entry_id].contributor
        answer = self.lenders[contributor].answer_dispute(waiting.dispute_id, outcome, reason="looked_into")
        assert self.run(answer).state.name == outcome.name
        self.life.change(waiting.entry_id, ANSWERS[outcome], self.now)
        self.logged[contributor, "dispute:answer"] += 1
        self.all_holds()

    @rule()
    def let_clocks_run_out(self) -> None:
        self.run(self.hub.hub.dispute_clocks.turn())
        self.life.let_clocks_run_out(self.now)
        self.all_holds()

    @precondition(lambda self: self.now - self.born < LATEST_DAY * DAY_MS)
    @rule(hours=st.one_of(st.integers(1, 24), st.integers(24, 24 * 30)))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours=min(hours, LATEST_DAY * 24 - (self.now - self.born) // (DAY_MS // 24)))
        self.all_holds()

    @rule()
    def purge(self) -> None:
        self.run(Purging(self.hub.hub.store, self.clock).turn())
        kept = {claim.entry_id for claim in self.stored()}
        assert kept == {it.entry_id for it in self.life.claims.values() if it.is_kept(self.now)}
        self.all_holds()

    @rule()
    def restart(self) -> None:
        self.run(self.serving.aclose())
        self.run(self.opened())
        self.all_holds()

    # -- what must hold ------------------------------------------------------------------------------------------

    def all_holds(self) -> None:
        self.run(self.hub.settle())
        for reader, client in self.lenders.items():
            self.run(self.shown_is_what_lives(reader, client))
        self.run(self.every_change_is_told_and_signed())
        self.retention_holds()
        self.quotas_balance()

    async def shown_is_what_lives(self, reader: str, client: AllianceClient) -> None:
        await client.sync()
        for subject, verdict in enumerate(await screen(client, NUMBERS)):
            expected = self.life.matches(reader, subject, self.now)
            shown = {(it.entry_id, it.status, it.role, it.evidence) for it in verdict.matches}
            assert shown == {(it.entry_id, it.status, it.role, it.evidence) for it in expected}
            assert verdict.action == permitted(expected)
            if expected and all(it.role in HARMED for it in expected):
                assert verdict.action < Action.DECLINE_WITH_HUMAN

    async def every_change_is_told_and_signed(self) -> None:
        told = [it async for it in self.lenders[LENDERS[0]].status_changes(follow=False)]
        changes = [(it.entry_id, it.status, it.version) for it in told]
        due = self.life.told(self.now)
        assert [it for it in changes if it in due] == due
        assert [it for it in self.life.changes if it in changes] == changes
        for name, client in self.lenders.items():
            own = [claim async for claim in client.claims()]  # each is verified, and so is its last change
            for claim in own:
                known = self.life.claims[claim.entry_id]
                is_over = claim.status is ClaimStatus.EXPIRED
                assert claim.version == known.version
                assert (known.expires_at <= self.now) if is_over else (claim.status is known.status)
            events = [it for it in events_of(self.hub, name) if it.action in LOGGED]
            assert {it.outcome for it in events} <= {"ok"}
            logged = Counter((name, it.action) for it in events)
            assert logged == Counter({it: times for it, times in self.logged.items() if it[0] == name})

    def retention_holds(self) -> None:
        for claim in self.stored():
            assert claim.expires_at - claim.filed_at <= LONGEST_MS[EvidenceLevel(claim.evidence_level)]
            assert claim.purge_at <= claim.expires_at

    def quotas_balance(self) -> None:
        """What budgets count is what the audit tables say; rows never exceed the evaluations that paid for them."""
        for name in LENDERS:
            asked = [it for it in events_of(self.hub, name) if it.action == "evaluation:evaluate"]
            screened, contributed = (
                sum(it.items - it.items_refused for it in asked if int(it.purpose) == purpose)
                for purpose in (Purpose.PORTFOLIO_SCREENING, Purpose.CONTRIBUTION)
            )
            rows = sum(claim.contributor == name for claim in self.life.claims.values())
            assert self.used(name, Resource.PORTFOLIO_SCREENING) == screened
            assert self.used(name, Resource.CONTRIBUTION) >= contributed - self.used(
                name, Resource.CONTRIBUTION_REFUNDS
            )
            assert self.hub.hub.store.read_now(partial(_credit, name=name)) == contributed - rows

    def used(self, name: str, resource: Resource) -> int:
        """Give what a budget counted on all days."""
        query = "SELECT sum(used) FROM budgets WHERE member_id = :it AND resource = :resource"
        return Books(self.hub, name).number(query, resource=int(resource))

    def stored(self) -> list[StoredClaim]:
        return self.hub.hub.store.read_now(
            lambda it: [claim for name in LENDERS for claim in it.claims.own(name, (0, 0), 1000, live_only=False)]
        )


def _credit(transaction: Transaction, *, name: str) -> int:
    return transaction.quotas.credit(name, 1)


@pytest.fixture
def machine(new_hub_folder: Callable[[], Path]) -> type[LifeOfClaims]:
    class Machine(LifeOfClaims):
        new_folder = staticmethod(new_hub_folder)

    return Machine


@pytest.mark.parametrize(
    ("examples", "steps"), [(2, 10), pytest.param(40, 40, marks=pytest.mark.nightly)], ids=["some", "many"]
)
def test_whatever_happens_to_claims_members_are_shown_what_holds(
    machine: type[LifeOfClaims], examples: int, steps: int
) -> None:
    phases = [it for it in Phase if it is not Phase.shrink]  # a step takes a tenth of a second
    chosen = settings(max_examples=examples, stateful_step_count=steps, deadline=None, phases=phases)
    run_state_machine_as_test(machine, settings=chosen)
