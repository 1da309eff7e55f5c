"""Chunks and streams of rows on the wire, what they cost, and what is refunded."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub
from support.registry import OK, REPEATED, credit_left, outcome, own, resigned
from support.wire import WireMember, refuses, row_of, valid_elements

from alliance.errors import Reason
from alliance.taxonomy import (
    Category,
    Purpose,
)
from alliance.v1.registry_pb2 import ContributeRequest

pytestmark = pytest.mark.asyncio(loop_scope="module")


# -- credit and refunds -----------------------------------------------------------------------------------------


async def test_no_evaluation_no_row(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    assert await outcome(member, member.row()) == [(Reason.NO_EVALUATION_LEFT, False)]
    await member.evaluate(valid_elements(2), Purpose.TRANSACTION)  # another purpose gives no credit
    assert await outcome(member, member.row()) == [(Reason.NO_EVALUATION_LEFT, False)]


async def test_more_rows_than_credit(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await member.credit(2)
    rows = [member.row() for _ in range(4)]
    assert await outcome(member, *rows) == [OK, OK] + [(Reason.NO_EVALUATION_LEFT, False)] * 2
    await member.credit(1)
    assert await outcome(member, *rows) == [REPEATED, REPEATED, OK, (Reason.NO_EVALUATION_LEFT, False)]
    assert len(await own(member)) == 3


async def test_only_new_tags_are_refunded(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await member.credit(10)
    assert member.used(Purpose.CONTRIBUTION) == 10
    tag = os.urandom(32)
    first = member.seal(tag)
    assert await outcome(member, row_of(first), member.row(tag, category=Category.PHISHING), member.row()) == [OK] * 3
    assert member.used(Purpose.CONTRIBUTION) == 8  # three rows, two tags
    assert await outcome(member, row_of(first)) == [REPEATED]
    assert await outcome(member, member.row(tag, category=Category.ACCOUNT_TAKEOVER)) == [OK]
    assert member.used(Purpose.CONTRIBUTION) == 8
    await member.withdraw(first.entry_id)
    assert await outcome(member, member.row(tag)) == [OK]
    assert member.used(Purpose.CONTRIBUTION) == 8  # known from before: probing is not free
    assert await outcome(member, resigned(member, member.row(), evidence_level=5)) == [(20, False)]
    assert member.used(Purpose.CONTRIBUTION) == 8


async def test_refunds_have_a_daily_limit_of_their_own(new_hub_folder: Callable[[], Path], own_members: Any) -> None:
    async with running_hub(new_hub_folder(), config={"budgets": {"contribution_refunds": 3}}) as hub:
        member = await own_members(hub)
        await member.credit(10)
        await member.contribute(*(member.row() for _ in range(2)))
        assert member.used(Purpose.CONTRIBUTION) == 8
        await member.contribute(*(member.row() for _ in range(4)))
        assert member.used(Purpose.CONTRIBUTION) == 7  # three in all
        await member.contribute(member.row())
        assert member.used(Purpose.CONTRIBUTION) == 7
        hub.clock.advance(days=1)
        await member.contribute(member.row())
        assert member.used(Purpose.CONTRIBUTION) == 0  # yesterday's charge does not enlarge today's budget


# -- chunks and streams -----------------------------------------------------------------------------------------


async def test_the_largest_chunk_and_one_row_more(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await member.credit(1025)
    rows = [member.row() for _ in range(1025)]
    with refuses(Reason.INVALID_BATCH):
        await member.contribute(*rows)
    assert await own(member) == []
    assert await outcome(member, *rows[:1024]) == [OK] * 1024
    assert ContributeRequest(request_id=bytes(16), rows=rows[:1024]).ByteSize() < 2**20 + 2**17


async def test_an_empty_chunk(member: WireMember) -> None:
    with refuses(Reason.INVALID_BATCH):
        await member.contribute()
    assert member.events()[-1].outcome == "INVALID_BATCH"


@pytest.mark.parametrize("length", [1, 15, 17, 32])
async def test_a_chunk_with_another_request_id(member: WireMember, length: int) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await member.contribute(member.row(), request_id=bytes(length))
    assert await own(member) == []


async def test_a_stream_without_a_chunk_asks_for_nothing(member: WireMember) -> None:
    before = len(member.events())
    call = member.registry.Contribute()
    await call.done_writing()
    assert [it async for it in call] == []
    assert await call.code() is grpc.StatusCode.OK
    assert len(member.events()) == before


async def test_every_acknowledged_chunk_is_one_event(member: WireMember) -> None:
    before = len(member.events())
    bad = resigned(member, member.row(), evidence_level=4)
    await member.contribute_chunks([[member.row(), bad], [member.row()], [member.row(), member.row()]])
    events = member.events()[before:]
    assert [(it.action, it.items, it.items_refused, it.epoch, it.outcome) for it in events] == [
        ("claim:contribute", 2, 1, 1, "ok"),
        ("claim:contribute", 1, 0, 1, "ok"),
        ("claim:contribute", 2, 0, 1, "ok"),
    ]


async def test_a_stream_that_was_cut_is_taken_up_by_sending_again(hub: RunningHub, member: WireMember) -> None:
    chunks = [[member.row() for _ in range(4)] for _ in range(3)]
    call = member.registry.Contribute()
    await call.write(ContributeRequest(request_id=bytes(16), rows=chunks[0]))
    await call.read()
    await call.write(ContributeRequest(request_id=bytes(16), rows=chunks[1]))
    call.cancel()  # whether the second chunk got in is not known
    replies = await member.contribute_chunks(chunks)
    assert [it.repeated_row for it in replies[0].results] == [True] * 4
    assert len({it.repeated_row for it in replies[1].results}) == 1
    assert [it.repeated_row for it in replies[2].results] == [False] * 4
    assert not any(it.refusal for reply in replies for it in reply.results)
    assert len(await own(member)) == 12
    assert credit_left(hub, member) == 50 - 12


async def test_a_bad_chunk_ends_the_stream_and_takes_nothing_back(member: WireMember) -> None:
    good = [member.row()]
    with refuses(Reason.INVALID_BATCH):
        await member.contribute_chunks([good, [], [member.row()]])
    assert len(await own(member)) == 1
    assert await outcome(member, *good) == [REPEATED]


async def test_a_repeated_row_of_a_closed_epoch_is_still_acknowledged(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await member.credit(2)
    row = member.row()
    assert await outcome(member, row) == [OK]
    with own_hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE epochs SET state = 3"))
    assert await outcome(member, row, member.row()) == [REPEATED, (Reason.EPOCH_NOT_SERVED, False)]
