"""What the hub takes and refuses as one epoch follows the other, and what is left of one that ended."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from grpc import aio
from support.hub import RunningHub, running_hub
from support.registry import OK, REPEATED, own
from support.wire import WireMember, enrol, events_of, refusal_of, refuses, row_of, valid_elements

from alliance.claims import draft_of, seal_claim
from alliance.errors import KeyFileInvalid, Reason
from alliance.taxonomy import DAY_MS, ClaimStatus, Purpose
from alliance.v1 import claim_pb2, epoch_pb2, filter_pb2, registry_pb2
from alliance.v1.registry_pb2 import ClaimRow
from alliance_server.domain.members import HUB_ACTOR, MemberState
from alliance_server.services import admission, epochs

pytestmark = pytest.mark.asyncio(loop_scope="module")

Step = Callable[[Any, int, int], None]


@dataclass
class Alliance:
    """A hub with a lender, whose epochs are moved by hand."""

    hub: RunningHub
    member: WireMember

    async def step(self, work: Step, number: int) -> None:
        await self.hub.hub.store.write(lambda transaction: work(transaction, number, self.hub.clock.now_ms()))
        await self.turn()

    async def turn(self) -> None:
        """Do what follows; the second turn sees what the filter holds that the first one waits for."""
        for _ in range(2):
            await self.hub.hub.epochs.turn()
            await self.hub.settle()

    async def filed(self, **changes: Any) -> ClaimRow:
        made = self.member.row(**changes)
        await self.member.file(made)
        return made

    async def credit(self, rows: int) -> None:
        await self.member.evaluate(valid_elements(rows), Purpose.ROTATION, epoch=2, consent_root=b"")

    async def outcomes(self, *rows: ClaimRow) -> list[tuple[int, bool]]:
        return [(int(it.refusal), it.repeated_row) for it in await self.member.contribute(*rows)]


@pytest_asyncio.fixture(loop_scope="module")
async def alliance(new_hub_folder: Callable[[], Path]) -> AsyncIterator[Alliance]:
    async with running_hub(new_hub_folder()) as hub:
        member = await enrol(hub, "lender")
        yield Alliance(hub, member)
        await member.close()


def follows(member: WireMember, of: ClaimRow, epoch: int = 2, tag: bytes | None = None, **changes: Any) -> ClaimRow:
    """Re-tag a claim; `changes` make it say something else."""
    draft = draft_of(of.claim, b"")
    sealed = seal_claim(
        type(draft)(**({name: getattr(draft, name) for name in draft.__slots__} | changes)),
        epoch=epoch,
        tag=tag or os.urandom(32),
        label_key=os.urandom(32),
        contributor=member.id,
        signing_key=member.key,
    )
    return row_of(sealed, predecessor=entry_of(of))


def entry_of(row: ClaimRow) -> bytes:
    return claim_pb2.Claim.FromString(row.claim).entry_id


# -- steps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "work", "number"),
    [
        ([], epochs.begin, 1),
        ([], epochs.begin, 3),
        ([], epochs.activate, 1),
        ([], epochs.activate, 2),
        ([], epochs.retire, 1),
        ([epochs.begin], epochs.begin, 3),
        ([epochs.begin], epochs.retire, 1),
        ([epochs.begin], epochs.retire, 2),
        ([epochs.begin, epochs.activate], epochs.activate, 2),
        ([epochs.begin, epochs.activate], epochs.retire, 2),
        ([epochs.begin, epochs.activate], epochs.begin, 3),
    ],
)
async def test_steps_come_in_their_order(alliance: Alliance, before: list[Step], work: Step, number: int) -> None:
    for step in before:
        await alliance.step(step, 2)
    with pytest.raises(Exception, match="epoch") as caught:
        await alliance.step(work, number)
    assert getattr(caught.value, "reason", None) is Reason.EPOCH_STATE_CONFLICT


async def test_an_epoch_without_its_key_is_not_activated(alliance: Alliance) -> None:
    now = alliance.hub.clock.now_ms()
    await alliance.hub.stop_maintenance()
    await alliance.hub.hub.store.write(lambda transaction: epochs.begin(transaction, 2, now))
    listed = await alliance.member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
    assert len(listed.epochs) == 1, "nothing is announced that has no key"
    with pytest.raises(Exception, match="key is not made"):
        await alliance.hub.hub.store.write(lambda transaction: epochs.activate(transaction, 2, now))
    # A key that was made and not named, since the process ended in between, is taken up.
    made = alliance.hub.hub.keys.make_epoch_key(2)
    await alliance.hub.hub.epochs.turn()
    epoch = alliance.hub.hub.store.read_now(lambda transaction: transaction.epochs.get(2))
    assert epoch is not None
    assert epoch.public_key == made


# -- what is served in which state -------------------------------------------------------------------------------


async def test_purposes_by_the_epochs_state(alliance: Alliance) -> None:
    await alliance.filed()
    await alliance.filed()

    reasons = set()

    async def served(epoch: int, purpose: Purpose) -> bool:
        root = b"" if purpose is Purpose.ROTATION else os.urandom(32)
        try:
            await alliance.member.evaluate(valid_elements(1), purpose, epoch=epoch, consent_root=root)
        except aio.AioRpcError as error:
            reasons.add(refusal_of(error).reason)
            return False
        return True

    asked = (Purpose.PORTFOLIO_SCREENING, Purpose.CONTRIBUTION, Purpose.ROTATION)
    seen = {}
    for step in (None, epochs.begin, epochs.activate):
        if step is not None:
            await alliance.step(step, 2)
        seen[step] = [[await served(epoch, purpose) for purpose in asked] for epoch in (1, 2)]
    assert seen == {
        None: [[True, True, False], [False, False, False]],
        epochs.begin: [[True, True, False], [False, False, True]],
        epochs.activate: [[True, False, False], [True, True, True]],
    }
    assert reasons == {Reason.EPOCH_NOT_SERVED, Reason.NOTHING_TO_RETAG}


async def test_the_next_filter_is_there_before_it_is_asked_for(alliance: Alliance) -> None:
    request = filter_pb2.GetFilterRequest(epoch=2)
    with refuses(Reason.EPOCH_NOT_SERVED):
        await alliance.member.filters.GetFilter(request)
    await alliance.step(epochs.begin, 2)
    await alliance.hub.settle()
    reply = await alliance.member.filters.GetFilter(request)
    assert state_of(reply) == epoch_pb2.EPOCH_STATE_PENDING
    await alliance.step(epochs.activate, 2)
    await alliance.hub.settle()
    # The heartbeat tells, at once, what became of the epoch.
    assert state_of(await alliance.member.filters.GetFilter(request)) == epoch_pb2.EPOCH_STATE_ACTIVE
    first = await alliance.member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=1))
    assert state_of(first) == epoch_pb2.EPOCH_STATE_RETIRING


def state_of(reply: filter_pb2.GetFilterResponse) -> int:
    return filter_pb2.FilterHeartbeat.FromString(reply.heartbeat.payload).epoch_state


# -- re-tagged claims --------------------------------------------------------------------------------------------


async def test_a_claim_follows_once(alliance: Alliance) -> None:
    first = await alliance.filed()
    await alliance.step(epochs.begin, 2)
    await alliance.credit(2)
    row = follows(alliance.member, first)
    assert await alliance.outcomes(row) == [OK]
    assert await alliance.outcomes(row) == [REPEATED]
    other = follows(alliance.member, first)
    assert await alliance.outcomes(other) == [(Reason.LIVE_CLAIM_EXISTS, False)]
    # The contributor sees one claim, under its new name.
    assert [claim.entry_id for claim in await own(alliance.member)] == [entry_of(row)]
    record = (await alliance.member.registry.GetClaim(registry_pb2.GetClaimRequest(entry_id=entry_of(first)))).claim
    assert (record.predecessor, record.successor) == (b"", entry_of(row))


async def test_a_claim_follows_once_in_a_chunk_too(alliance: Alliance) -> None:
    first, stands = await alliance.filed(), await alliance.filed()
    await alliance.step(epochs.begin, 2)
    await alliance.credit(4)
    standing = follows(alliance.member, stands)
    rows = [follows(alliance.member, first) for _ in range(2)]
    same_tag = follows(alliance.member, first, tag=claim_pb2.Claim.FromString(standing.claim).tag)
    assert await alliance.outcomes(standing) == [OK]
    refused = (Reason.LIVE_CLAIM_EXISTS, False)
    assert await alliance.outcomes(*rows, same_tag, rows[0]) == [OK, refused, refused, REPEATED]
    record = (await alliance.member.registry.GetClaim(registry_pb2.GetClaimRequest(entry_id=entry_of(first)))).claim
    assert record.successor == entry_of(rows[0])
    assert {claim.entry_id for claim in await own(alliance.member)} == {entry_of(standing), entry_of(rows[0])}


async def test_what_stands_is_what_a_claim_followed_into(alliance: Alliance) -> None:
    first, stands = await alliance.filed(), await alliance.filed()
    await alliance.step(epochs.begin, 2)
    await alliance.credit(3)
    standing = follows(alliance.member, stands)
    same_tag = follows(alliance.member, first, tag=claim_pb2.Claim.FromString(standing.claim).tag)
    assert await alliance.outcomes(standing) == [OK]
    refused = (Reason.LIVE_CLAIM_EXISTS, False)
    assert await alliance.outcomes(same_tag, follows(alliance.member, first)) == [refused, refused]
    assert [claim.entry_id for claim in await own(alliance.member)] == [entry_of(standing)]


async def test_what_two_operators_approved_is_re_tagged_without_them_and_names_them(alliance: Alliance) -> None:
    from alliance.taxonomy import EvidenceLevel

    first, plain = await alliance.filed(evidence=EvidenceLevel.E3), await alliance.filed()
    await alliance.step(epochs.begin, 2)
    await alliance.credit(3)
    row = follows(alliance.member, first)
    assert not row.approvals
    raised = follows(alliance.member, plain, evidence=EvidenceLevel.E3)
    assert await alliance.outcomes(row, raised) == [OK, (Reason.CLAIM_INVALID, False)]
    asked = [registry_pb2.GetClaimRequest(entry_id=entry_of(it)) for it in (first, row)]
    before, after = [(await alliance.member.registry.GetClaim(it)).claim.approved_by for it in asked]
    assert len(before) == 2
    assert before == after


async def test_a_predecessor_has_the_length_of_an_entry_id(alliance: Alliance) -> None:
    first = await alliance.filed()
    await alliance.step(epochs.begin, 2)
    await alliance.credit(1)
    row = follows(alliance.member, first)
    row.predecessor = row.predecessor[:15]
    assert await alliance.outcomes(row) == [(Reason.CLAIM_INVALID, False)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires_at": 1}, Reason.CLAIM_INVALID),
        ({"expires_at": -1}, Reason.CLAIM_INVALID),
        ({"observed_to": -1}, Reason.CLAIM_INVALID),
        ({"filed_at": 1}, Reason.CLAIM_INVALID),
        ({"category": 1}, Reason.CLAIM_INVALID),
        ({"evidence": 1}, Reason.CLAIM_INVALID),
        ({"evidence_commitment": 1}, Reason.CLAIM_INVALID),
    ],
)
async def test_nothing_is_said_anew(alliance: Alliance, changes: dict[str, int], reason: Reason) -> None:
    from alliance.taxonomy import Category, EvidenceLevel

    first = await alliance.filed()
    await alliance.step(epochs.begin, 2)
    await alliance.credit(1)
    draft = draft_of(first.claim, b"")
    others = {"category": Category.PHISHING, "evidence": EvidenceLevel.E3, "evidence_commitment": bytes(32)}
    bent: dict[str, Any] = {name: others.get(name) or getattr(draft, name) + by for name, by in changes.items()}
    assert await alliance.outcomes(follows(alliance.member, first, **bent)) == [(reason, False)]


async def test_whose_claim_is_re_tagged(alliance: Alliance, own_members: Any) -> None:
    other = await enrol(alliance.hub, "other")
    theirs = other.row()
    await other.file(theirs)
    mine, withdrawn = await alliance.filed(), await alliance.filed()
    await alliance.member.withdraw(entry_of(withdrawn))
    await alliance.step(epochs.begin, 2)
    await alliance.credit(4)
    unknown = follows(alliance.member, mine)
    unknown.predecessor = os.urandom(16)
    wrong_epoch = follows(alliance.member, mine, epoch=1)
    outcomes = [
        await alliance.outcomes(it)
        for it in (unknown, follows(alliance.member, theirs), follows(alliance.member, withdrawn), wrong_epoch)
    ]
    assert outcomes == [
        [(Reason.NOT_FOUND, False)],
        [(Reason.NOT_FOUND, False)],
        [(Reason.ILLEGAL_TRANSITION, False)],
        [(Reason.NOT_FOUND, False)],
    ]
    # A claim of one's own goes where claims go, and nowhere else.
    fresh = alliance.member.row(epoch=2)
    assert await alliance.outcomes(fresh) == [(Reason.EPOCH_NOT_SERVED, False)]
    await other.close()


async def test_re_tagging_costs_no_budget_and_asks_nothing_for_free(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LOST_EVALUATIONS", 3)
    first = await alliance.filed()
    used = alliance.member.used(int(Purpose.CONTRIBUTION))
    await alliance.step(epochs.begin, 2)
    await alliance.credit(3)
    with refuses(Reason.NOTHING_TO_RETAG):
        await alliance.credit(3)
    await alliance.credit(2)
    with refuses(Reason.NOTHING_TO_RETAG):
        await alliance.credit(1)
    assert await alliance.outcomes(follows(alliance.member, first)) == [OK]
    with refuses(Reason.NOTHING_TO_RETAG):
        await alliance.credit(1)
    assert alliance.member.used(int(Purpose.CONTRIBUTION)) == used


async def test_evaluations_for_re_tagging_pay_for_no_new_claim(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LOST_EVALUATIONS", 3)
    first = await alliance.filed()
    for step in (epochs.begin, epochs.activate):
        await alliance.step(step, 2)
    await alliance.credit(5)
    fresh = [alliance.member.row(epoch=2) for _ in range(2)]
    assert await alliance.outcomes(*fresh) == [(Reason.NO_EVALUATION_LEFT, False)] * 2
    with refuses(Reason.NOTHING_TO_RETAG):
        await alliance.credit(1)
    # Each kind of row by its own evaluations, in one chunk.
    await alliance.member.evaluate(valid_elements(1), Purpose.CONTRIBUTION, epoch=2)
    rows = fresh[0], follows(alliance.member, first), fresh[1]
    assert await alliance.outcomes(*rows) == [OK, OK, (Reason.NO_EVALUATION_LEFT, False)]


async def test_twins_end_together(alliance: Alliance) -> None:
    first = await alliance.filed()
    await alliance.step(epochs.begin, 2)
    await alliance.credit(1)
    second = follows(alliance.member, first)
    assert await alliance.outcomes(second) == [OK]
    with refuses(Reason.CONFLICTING_RETRY):
        await alliance.member.withdraw(entry_of(first))
    unrelated = alliance.member.status_change(os.urandom(16))
    change = alliance.member.status_change(entry_of(first))
    with refuses(Reason.CONFLICTING_RETRY):
        await withdraw(alliance, change, unrelated)
    record = await withdraw(alliance, change, alliance.member.status_change(entry_of(second)))
    assert ClaimStatus(record.status) is ClaimStatus.WITHDRAWN
    for row in (first, second):
        reply = await alliance.member.registry.GetClaim(registry_pb2.GetClaimRequest(entry_id=entry_of(row)))
        assert ClaimStatus(reply.claim.status) is ClaimStatus.WITHDRAWN
        said = claim_pb2.ClaimStatusChange.FromString(reply.claim.status_change.payload)
        assert said.entry_id == entry_of(row), "each claim ends by a statement about itself"


async def withdraw(alliance: Alliance, change: Any, twin: Any) -> registry_pb2.ClaimRecord:
    request = registry_pb2.ChangeClaimStatusRequest(status_change=change, twin_status_change=twin)
    reply: registry_pb2.ChangeClaimStatusResponse = await alliance.member.registry.ChangeClaimStatus(request)
    return reply.claim


# -- the end of an epoch -----------------------------------------------------------------------------------------


async def test_who_lags_holds_the_end_up_and_is_named(alliance: Alliance) -> None:
    hub, first = alliance.hub, await alliance.filed()
    gone = await enrol(hub, "gone")
    await gone.file(gone.row())
    await alliance.filed(expires_at=hub.clock.now_ms() + DAY_MS)
    await alliance.step(epochs.begin, 2)
    standing, following = hub.hub.store.read_now(lambda it: epochs.standings(it, hub.clock.now_ms()))
    assert (standing.laggards, standing.live_claims) == ([("lender", 2), ("gone", 1)], 3)
    assert (following.laggards, following.live_claims) == ([], 0)
    await alliance.step(epochs.activate, 2)
    with pytest.raises(Exception, match="not re-tagged") as caught:
        await alliance.step(epochs.retire, 1)
    assert getattr(caught.value, "reason", None) is Reason.RETAGGING_INCOMPLETE
    await alliance.credit(1)
    assert await alliance.outcomes(follows(alliance.member, first)) == [OK]
    hub.clock.advance(days=2)  # what has ended does not lag, nor does who has gone
    hub.hub.store.write_now(lambda it: it.members.set_state("gone", MemberState.OFFBOARDED, hub.clock.now_ms()))
    await alliance.turn()
    listed = await alliance.member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
    assert [epoch_pb2.Epoch.FromString(it.payload).retagged for it in listed.epochs] == [True, False]
    await alliance.step(epochs.retire, 1)
    await gone.close()


async def test_what_is_retired_is_destroyed_and_on_record(alliance: Alliance) -> None:
    hub = alliance.hub
    rows = [await alliance.filed() for _ in range(3)]
    await hub.settle()
    before = set(hub.hub.config.snapshots_folder.iterdir())
    await alliance.step(epochs.begin, 2)
    await alliance.credit(3)
    assert await alliance.outcomes(*(follows(alliance.member, row) for row in rows)) == [OK] * 3
    for work, number in ((epochs.activate, 2), (epochs.retire, 1)):
        await alliance.step(work, number)
    assert not before & set(hub.hub.config.snapshots_folder.iterdir())
    assert not list(hub.hub.config.keys_folder.glob("epoch-1.*"))
    with pytest.raises(KeyFileInvalid):
        hub.hub.keys.epoch_key(1)
    with hub.hub.store.engine.connect() as connection:
        for query in (
            "SELECT count(*) FROM claims WHERE epoch = 1",
            "SELECT count(*) FROM filter_snapshots WHERE epoch = 1",
        ):
            assert connection.exec_driver_sql(query).scalar() == 0
    ended, _ = hub.hub.store.read_now(lambda it: epochs.standings(it, hub.clock.now_ms()))
    assert ended.epoch.destroyed_at
    told = [it.action for it in events_of(hub, HUB_ACTOR) if it.action.startswith("epoch:")]
    assert told == [
        "epoch:begin",
        "epoch:begin",
        "epoch:key:announce",
        "epoch:activate",
        "epoch:retagged",
        "epoch:retire",
        "epoch:destroy",
    ]
    # Nothing is served under it any more, and nothing of it comes back.
    with refuses(Reason.EPOCH_NOT_SERVED):
        await alliance.member.evaluate(valid_elements(1), Purpose.PORTFOLIO_SCREENING, epoch=1)
    with refuses(Reason.EPOCH_NOT_SERVED):
        await alliance.member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=1))
