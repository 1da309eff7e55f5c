"""Small evaluations that wait become one batch; what each is told, charged and recorded stays its own."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from conftest import Members
from grpc import aio
from support.hub import RunningHub, running_hub
from support.wire import WireMember, refusal_of, refuses, valid_elements

from alliance.errors import AllianceError, InvalidElement, Reason
from alliance.taxonomy import Purpose
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluateResponse
from alliance_server.domain.evaluations import Evaluation
from alliance_server.domain.members import MemberState
from alliance_server.domain.ports import Share
from alliance_server.hub_keys import HubKeys
from alliance_server.services.compute import SMALL_ITEMS, Compute
from alliance_server.services.local_evaluator import LocalEvaluator
from alliance_server.storage.unit_of_work import SqlStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD = valid_elements(1)
BAD = b"\xff" * 32
BUDGET = 10


@dataclass
class Gate:
    """Stands before the hub's own evaluator: holds batches until it is opened, and notes how large each call was."""

    batches: list[list[int]] = field(default_factory=list)
    fails_at: int = 0
    """Calls of so many elements fail by themselves."""
    breaks_at: int = 0
    """Batches with a call of so many elements fail as a whole."""

    def __post_init__(self) -> None:
        self._small, self._bulk = threading.Event(), threading.Event()
        self._entered = threading.Semaphore(0)
        self.open()

    def __call__(self, keys: HubKeys, compute: Compute) -> "Gate":
        self._behind = LocalEvaluator(keys.epoch_key, compute)
        return self

    def evaluate(self, evaluations: Sequence[Evaluation]) -> list[tuple[Share, ...] | AllianceError]:
        counts = [it.count for it in evaluations]
        self.batches.append(counts)
        self._entered.release()
        assert (self._small if max(counts) <= SMALL_ITEMS else self._bulk).wait(60)
        if self.breaks_at in counts:
            raise RuntimeError("13800138000")
        outcomes = self._behind.evaluate(evaluations)
        return [
            InvalidElement("") if it == self.fails_at else found for it, found in zip(counts, outcomes, strict=True)
        ]

    def close(self) -> None:
        self._small.clear()
        self._bulk.clear()
        while self._entered.acquire(blocking=False):
            pass

    def open(self) -> None:
        self._small.set()
        self._bulk.set()

    def open_small(self) -> None:
        self._small.set()

    async def entered(self) -> None:
        """Return once a batch stands at the gate that was closed."""
        assert await asyncio.to_thread(self._entered.acquire, timeout=60)


@pytest_asyncio.fixture(loop_scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
async def gated(
    request: pytest.FixtureRequest, new_hub_folder: Callable[[], Path], tmp_path: Path
) -> AsyncIterator[tuple[RunningHub, Gate]]:
    gate = Gate()
    if request.param == "sqlite":
        folder, database = new_hub_folder(), ""
    else:
        folder, database = tmp_path / "hub", str(request.getfixturevalue("postgres").migrated())
    settings = {"budgets": {"transaction": BUDGET}}
    async with running_hub(folder, database, evaluator_of=gate, config=settings) as hub:
        yield hub, gate
        gate.open()


Calls = list["asyncio.Task[EvaluateResponse]"]


@asynccontextmanager
async def together(hub: RunningHub, gate: Gate, first: WireMember) -> AsyncIterator[Callable[..., Any]]:
    """Give what sends calls that are to be one batch: a call before them holds the gate until the block ends."""
    gate.close()
    holding = asyncio.ensure_future(first.evaluate(GOOD, Purpose.ACCOUNT_OPENING))
    await gate.entered()
    expected = {first.id: 1}

    async def send(member: WireMember, blinded: bytes, *arguments: Any, **changes: Any) -> Any:
        task = asyncio.ensure_future(member.evaluate(blinded, *arguments, **changes))
        expected[member.id] = expected.get(member.id, 0) + 1
        await under_way(hub, member, expected[member.id])
        return task

    yield send
    gate.open()
    await holding


async def under_way(hub: RunningHub, member: WireMember, calls: int) -> None:
    """Wait until so many calls of a member are with the hub."""
    async with asyncio.timeout(60):
        while hub.hub.calls.under_way(member.id) != calls:  # noqa: ASYNC110 - the hub tells nobody
            await asyncio.sleep(0.005)


async def outcomes(calls: Calls) -> list[object]:
    """Give each call's number of evaluated elements, or the reason of its refusal."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [refusal_of(it).reason if isinstance(it, aio.AioRpcError) else elements_of(it) for it in results]


def elements_of(reply: Any) -> int:
    (share,) = reply.shares
    assert len(share.proof) == 64
    return len(share.evaluated) // 32


def evaluations(member: WireMember) -> list[tuple[int, str]]:
    """Items and outcome of a member's events of evaluations, those that hold the gate apart."""
    found = [it for it in member.events() if it.action == "evaluation:evaluate"]
    return [(it.items, it.outcome) for it in found if int(it.purpose) != Purpose.ACCOUNT_OPENING]


async def test_calls_that_wait_are_one_batch_with_a_proof_each(
    gated: tuple[RunningHub, Gate], own_members: Members
) -> None:
    hub, gate = gated
    first, second = await own_members(hub), await own_members(hub)
    inputs = [[os.urandom(8) for _ in range(count)] for count in (1, 3, 16)]
    alone = [await first.tags(*items) for items in inputs]  # one at a time: batches of one
    assert gate.batches == [[1], [3], [16]]
    async with together(hub, gate, first):
        tagged = [asyncio.ensure_future(second.tags(*items)) for items in inputs]
        await under_way(hub, second, 3)
    batched = await asyncio.gather(*tagged)
    assert sorted(gate.batches[-1]) == [1, 3, 16]
    assert [it.packed for it in batched] == [it.packed for it in alone]
    assert sorted(evaluations(second)) == [(1, "ok"), (3, "ok"), (16, "ok")]


async def test_a_batch_is_one_commit(gated: tuple[RunningHub, Gate], own_members: Members) -> None:
    hub, gate = gated
    member = await own_members(hub)
    await hub.stop_jobs()
    commits: list[int] = []
    async with together(hub, gate, member) as send:
        calls = [await send(member, GOOD) for _ in range(20)]
        sa.event.listen(hub.hub.store.engine, "commit", lambda _connection: commits.append(1))
    assert await outcomes(calls) == [1] * 20
    assert len(commits) == 1
    assert evaluations(member) == [(1, "ok")] * 20
    assert member.used(Purpose.CONTRIBUTION) == 20


async def test_what_is_wrong_with_one_call_fails_that_call_alone(
    gated: tuple[RunningHub, Gate], own_members: Members
) -> None:
    hub, gate = gated
    member, other = await own_members(hub), await own_members(hub)
    elsewhere = other.header(GOOD)
    async with together(hub, gate, member) as send:
        calls = [
            await send(member, GOOD),
            await send(member, GOOD + BAD),
            await send(member, GOOD, time=0),
            await send(other, GOOD * 2),
            await send(member, GOOD, epoch=7),
            await send(member, GOOD, consent_root=b""),
            await send(member, b""),
            await send(member, GOOD * 3),
        ]
        request = EvaluateRequest(header=elsewhere, blinded=GOOD)
        calls.append(asyncio.ensure_future(member.evaluation.Evaluate(request)))
        await under_way(hub, member, 9)
    assert await outcomes(calls) == [
        1,
        Reason.INVALID_ELEMENT,
        Reason.REPLAYED,
        2,
        Reason.EPOCH_NOT_SERVED,
        Reason.CONSENT_MISSING,
        Reason.INVALID_BATCH,
        3,
        Reason.SIGNATURE_INVALID,
    ]
    assert sorted(gate.batches[-1]) == [1, 2, 3]
    assert member.used(Purpose.CONTRIBUTION) == 4
    assert other.used(Purpose.CONTRIBUTION) == 2
    refused = [outcome for _, outcome in evaluations(member) if outcome != "ok"]
    assert len(refused) == 6
    assert len(evaluations(member)) == 8


async def test_of_a_batch_those_are_charged_that_the_budget_holds(
    gated: tuple[RunningHub, Gate], own_members: Members
) -> None:
    hub, gate = gated
    member, other = await own_members(hub), await own_members(hub)
    async with together(hub, gate, member) as send:
        sizes = (4, 5, 3, 1, 1)
        calls = [await send(member, valid_elements(size), Purpose.TRANSACTION) for size in sizes]
        calls.append(await send(other, valid_elements(BUDGET), Purpose.TRANSACTION))
        calls.append(await send(member, valid_elements(16)))
    spent = Reason.BUDGET_EXHAUSTED
    assert await outcomes(calls) == [4, 5, spent, 1, spent, BUDGET, 16]
    assert member.used(Purpose.TRANSACTION) == BUDGET
    assert other.used(Purpose.TRANSACTION) == BUDGET


async def test_the_same_request_several_times_in_a_batch_is_charged_once(
    gated: tuple[RunningHub, Gate], own_members: Members
) -> None:
    hub, gate = gated
    member = await own_members(hub)
    same: dict[str, Any] = {"request_id": os.urandom(16), "consent_root": os.urandom(32)}
    async with together(hub, gate, member) as send:
        calls = [await send(member, GOOD * 2, **same) for _ in range(3)]
        calls.append(await send(member, GOOD * 3, **same))
    assert await outcomes(calls) == [2, 2, 2, Reason.CONFLICTING_RETRY]
    assert member.used(Purpose.CONTRIBUTION) == 2
    assert evaluations(member).count((2, "ok")) == 3


async def test_credit_of_a_batch_adds_up(gated: tuple[RunningHub, Gate], own_members: Members) -> None:
    hub, gate = gated
    member = await own_members(hub)
    async with together(hub, gate, member) as send:
        calls = [await send(member, GOOD), await send(member, GOOD * 2)]
    assert await outcomes(calls) == [1, 2]
    results = await member.contribute(*(member.row() for _ in range(4)))
    assert [it.refusal for it in results] == [0, 0, 0, int(Reason.NO_EVALUATION_LEFT)]


async def test_small_calls_pass_bulk_ones(gated: tuple[RunningHub, Gate], own_members: Members) -> None:
    hub, gate = gated
    member = await own_members(hub)
    gate.close()
    bulk = [asyncio.ensure_future(member.evaluate(valid_elements(SMALL_ITEMS + 1))) for _ in range(5)]
    await gate.entered()
    await under_way(hub, member, 5)
    gate.open_small()
    assert [elements_of(await member.evaluate(valid_elements(count))) for count in (1, SMALL_ITEMS)] == [1, 16]
    assert not any(call.done() for call in bulk)
    gate.open()
    assert await outcomes(bulk) == [SMALL_ITEMS + 1] * 5
    assert all(len(batch) == 1 for batch in gate.batches)


async def test_a_caller_that_goes_away_disturbs_nobody(gated: tuple[RunningHub, Gate], own_members: Members) -> None:
    hub, gate = gated
    member, gone = await own_members(hub), await own_members(hub)
    async with together(hub, gate, member) as send:
        calls = [await send(member, GOOD * 2), await send(gone, GOOD), await send(member, GOOD * 3)]
        calls[1].cancel()
        await under_way(hub, gone, 0)
    assert await outcomes([calls[0], calls[2]]) == [2, 3]
    assert gate.batches[-1] == [2, 3]
    assert gone.used(Purpose.CONTRIBUTION) == 0

    gate.close()
    leaving = asyncio.ensure_future(gone.evaluate(GOOD))
    await gate.entered()
    leaving.cancel()
    await under_way(hub, gone, 0)
    gate.open()
    await member.evaluate(GOOD)
    # What was admitted is on record and paid for, whoever waits for it.
    assert gone.used(Purpose.CONTRIBUTION) == 1
    assert evaluations(gone) == [(1, "ok")]


async def test_an_evaluator_that_fails_fails_its_batch_and_not_the_hub(
    gated: tuple[RunningHub, Gate], own_members: Members
) -> None:
    hub, gate = gated
    member = await own_members(hub)
    gate.fails_at, gate.breaks_at = 2, 5
    async with together(hub, gate, member) as send:
        calls = [await send(member, GOOD * size) for size in (1, 2, 3)]
    assert await outcomes(calls) == [1, Reason.INVALID_ELEMENT, 3]
    async with together(hub, gate, member) as send:
        calls = [await send(member, GOOD * size) for size in (1, 5, 3)]
    assert await outcomes(calls) == [Reason.INTERNAL] * 3
    assert elements_of(await member.evaluate(GOOD)) == 1


@pytest.mark.parametrize("how", ["revoked", "suspended"])
async def test_who_was_cut_off_meanwhile_is_refused_and_not_charged(
    gated: tuple[RunningHub, Gate], own_members: Members, how: str
) -> None:
    hub, gate = gated
    member, other = await own_members(hub), await own_members(hub)
    await member.evaluate(GOOD)  # its certificate was admitted before
    async with together(hub, gate, other) as send:
        calls = [await send(member, GOOD * 2), await send(other, GOOD * 3)]
        cut_off(hub, member, how)
    assert await outcomes(calls) == [Reason.NOT_AUTHENTICATED, 3]
    assert gate.batches[-1] == [3]
    assert evaluations(member)[1:] == [(0, "NOT_AUTHENTICATED")]
    with refuses(Reason.NOT_AUTHENTICATED):
        await member.evaluate(GOOD)
    assert len(evaluations(member)) == 2  # refused before it was anybody: counted, as every stranger
    if how == "suspended":
        now = hub.clock.now_ms()
        hub.hub.store.write_now(lambda transaction: transaction.members.set_state(member.id, MemberState.ACTIVE, now))
        await member.evaluate(GOOD)
        assert member.used(Purpose.CONTRIBUTION) == 2


def cut_off(hub: RunningHub, member: WireMember, how: str) -> None:
    """Let a member be cut off by another process on the same database."""
    now = hub.clock.now_ms()
    store = SqlStore(hub.hub.config.database_url)
    store.start()
    if how == "revoked":
        store.write_now(lambda transaction: transaction.members.revoke_certificates(member.id, now))
    else:
        store.write_now(lambda transaction: transaction.members.set_state(member.id, MemberState.SUSPENDED, now))
    store.close()


async def test_whose_certificate_ran_out_is_refused(gated: tuple[RunningHub, Gate], own_members: Members) -> None:
    hub, gate = gated
    member = await own_members(hub)
    await member.evaluate(GOOD)
    hub.clock.advance(days=366)
    for _ in range(2):
        with refuses(Reason.NOT_AUTHENTICATED):
            await member.evaluate(GOOD)
    assert gate.batches == [[1]]
    assert evaluations(member) == [(1, "ok"), (0, "NOT_AUTHENTICATED")]


async def test_who_was_cut_off_and_asks_wrongly_is_looked_up_again(
    gated: tuple[RunningHub, Gate], own_members: Members
) -> None:
    hub, _gate = gated
    member = await own_members(hub)
    await member.evaluate(GOOD)
    cut_off(hub, member, "revoked")
    # Refused for its content, before it is admitted; from then on it is a stranger, whatever it sends.
    with refuses(Reason.INVALID_ELEMENT):
        await member.evaluate(BAD)
    for blinded in (BAD, GOOD):
        with refuses(Reason.NOT_AUTHENTICATED):
            await member.evaluate(blinded)
    assert evaluations(member) == [(1, "ok"), (0, "INVALID_ELEMENT")]


async def test_a_hub_that_stops_answers_what_it_took(new_hub_folder: Callable[[], Path], own_members: Members) -> None:
    gate, folder = Gate(), new_hub_folder()
    async with running_hub(folder, evaluator_of=gate) as hub:
        member = await own_members(hub)
        async with together(hub, gate, member) as send:
            calls = [await send(member, GOOD * size) for size in (1, 2)]
            stopping = asyncio.ensure_future(hub.hub.stop())
            await asyncio.sleep(0.05)
            assert not stopping.done()
        assert await outcomes(calls) == [1, 2]
        await stopping
    async with running_hub(folder) as again:
        with again.hub.store.engine.connect() as connection:
            events = connection.execute(
                sa.text("SELECT count(*) FROM audit_events WHERE action = 'evaluation:evaluate'")
            ).scalar()
        assert events == 3
