"""Turns: one after the other, in the order they were made, and none after one that failed."""

import asyncio

import pytest

from member_client._turns import Abandoned, Turn


async def take(turn: Turn, place: int, taken: list[int], ready: asyncio.Event, *, fails: bool = False) -> None:
    await ready.wait()
    async with turn:
        await asyncio.sleep(0)
        if fails:
            raise ValueError(place)
        taken.append(place)


def in_a_row(count: int) -> list[Turn]:
    turns: list[Turn] = []
    for _ in range(count):
        turns.append(Turn(turns[-1] if turns else None))
    return turns


async def test_turns_are_taken_in_order_whoever_is_ready_first() -> None:
    taken: list[int] = []
    ready = [asyncio.Event() for _ in range(4)]
    tasks = [asyncio.create_task(take(turn, place, taken, ready[place])) for place, turn in enumerate(in_a_row(4))]
    for event in reversed(ready):
        event.set()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert taken == [0, 1, 2, 3]


async def test_nobody_has_a_turn_after_one_that_failed() -> None:
    taken: list[int] = []
    ready = asyncio.Event()
    ready.set()
    tasks = [
        asyncio.create_task(take(turn, place, taken, ready, fails=place == 1)) for place, turn in enumerate(in_a_row(4))
    ]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert taken == [0]
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, Abandoned, Abandoned]


async def test_one_who_goes_away_while_waiting_does_not_let_the_next_one_pass() -> None:
    first, second, third = in_a_row(3)
    entered = asyncio.Event()
    release = asyncio.Event()

    async def hold() -> None:
        async with first:
            entered.set()
            await release.wait()

    holding = asyncio.create_task(hold())
    await entered.wait()
    waiting = asyncio.create_task(take(second, 2, [], entered))
    last = asyncio.create_task(take(third, 3, [], entered))
    await asyncio.sleep(0)
    waiting.cancel()
    release.set()
    await holding
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not last.done()
    last.cancel()
