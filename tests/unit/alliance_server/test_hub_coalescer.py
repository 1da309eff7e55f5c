"""Coalescing by itself: what becomes a batch, and whose failure is whose."""

import asyncio
from collections.abc import Sequence

import pytest

from alliance_server.services import coalescer
from alliance_server.services.coalescer import Coalescer


class Work:
    """Doubles numbers, odd ones failing; waits at a gate that tests open. A fault that is set fails one batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.fault: Exception | None = None
        self.drops = 0

    async def __call__(self, calls: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(calls))
        await self.gate.wait()
        fault, self.fault = self.fault, None
        if fault:
            raise fault
        outcomes: list[int | Exception] = [2 * it if it % 2 == 0 else KeyError(it) for it in calls]
        return outcomes[self.drops :]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def calls(work: Work) -> Coalescer[int, int]:
    return Coalescer(work)


async def started(calls: Coalescer[int, int], *numbers: int) -> list["asyncio.Task[int]"]:
    """Start calls, and let them come as far as they get."""
    tasks = [asyncio.ensure_future(calls.ask(number)) for number in numbers]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_a_call_that_finds_nobody_at_work_goes_at_once(work: Work, calls: Coalescer[int, int]) -> None:
    work.gate.set()
    assert await calls.ask(2) == 4
    assert await calls.ask(4) == 8
    assert work.batches == [[2], [4]]


async def test_calls_that_come_meanwhile_are_the_next_batch_in_their_order(
    work: Work, calls: Coalescer[int, int]
) -> None:
    tasks = await started(calls, 0)
    tasks += await started(calls, 8, 6)
    tasks += await started(calls, 4)
    assert work.batches == [[0]]
    work.gate.set()
    assert await asyncio.gather(*tasks) == [0, 16, 12, 8]
    assert work.batches == [[0], [8, 6, 4]]


async def test_each_call_fails_for_itself(work: Work, calls: Coalescer[int, int]) -> None:
    tasks = await started(calls, 2, 3, 4, 5)
    work.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcomes[0], outcomes[2]] == [4, 8]
    assert [repr(outcomes[1]), repr(outcomes[3])] == ["KeyError(3)", "KeyError(5)"]


async def test_work_that_fails_fails_its_calls_and_no_others(work: Work, calls: Coalescer[int, int]) -> None:
    tasks = await started(calls, 2, 4)
    late = await started(calls, 6)
    work.fault = RuntimeError("on purpose")
    work.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RuntimeError, RuntimeError]
    assert await asyncio.gather(*late) == [12]
    assert await calls.ask(8) == 16


async def test_no_call_is_given_anothers_outcome(work: Work, calls: Coalescer[int, int]) -> None:
    work.drops = 1
    tasks = await started(calls, 2, 4)
    work.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RuntimeError, RuntimeError]


async def test_a_caller_that_goes_away_disturbs_nobody(work: Work, calls: Coalescer[int, int]) -> None:
    under_way = await started(calls, 0, 2)
    waiting = await started(calls, 4, 6)
    under_way[0].cancel()
    waiting[0].cancel()
    await asyncio.sleep(0)
    work.gate.set()
    outcomes = await asyncio.gather(*under_way, *waiting, return_exceptions=True)
    assert outcomes[1::2] == [4, 12]
    assert [type(outcome) for outcome in outcomes[::2]] == [asyncio.CancelledError] * 2
    assert work.batches == [[0, 2], [6]]


async def test_where_all_went_away_nothing_is_done(work: Work, calls: Coalescer[int, int]) -> None:
    work.gate.set()
    task = asyncio.ensure_future(calls.ask(2))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert work.batches == []
    assert await calls.ask(4) == 8


async def test_batches_have_a_limit(work: Work, calls: Coalescer[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescer, "MAX_BATCH", 3)
    tasks = await started(calls, *range(0, 16, 2))
    work.gate.set()
    assert await asyncio.gather(*tasks) == list(range(0, 32, 4))
    assert work.batches == [[0, 2, 4], [6, 8, 10], [12, 14]]


class Catastrophe(BaseException):
    """What a panic in native code looks like."""


async def test_whatever_ends_the_work_nobody_is_left_waiting() -> None:
    async def work(_calls: Sequence[int]) -> list[int | Exception]:
        await asyncio.sleep(0)
        raise Catastrophe

    ended: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: ended.append(context["exception"]))
    calls: Coalescer[int, int] = Coalescer(work)
    asked = [asyncio.ensure_future(calls.ask(number)) for number in range(3)]
    outcomes = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 5)
    assert [str(outcome) for outcome in outcomes] == ["the work on a batch was ended by Catastrophe"] * 3
