"""CPU work off the loop: small jobs past bulk ones, failures to their caller, a clean end."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from alliance_server.services.compute import SMALL_ITEMS, Compute


@pytest.fixture
def one() -> Iterator[Compute]:
    compute = Compute(1)
    yield compute
    compute.close()


async def test_results_and_failures_reach_their_caller(one: Compute) -> None:
    assert await one.run(1, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await one.run(1, divmod, 7, 0)
    assert await one.run(1, int, "10", base=2) == 2


async def test_work_leaves_the_loops_thread(one: Compute) -> None:
    assert await one.run(1, threading.get_ident) != threading.get_ident()


async def test_small_jobs_do_not_wait_for_bulk_ones(one: Compute) -> None:
    release = threading.Event()
    bulk = [asyncio.ensure_future(one.run(items, release.wait, 30)) for items in (SMALL_ITEMS + 1, 4096)]
    await asyncio.sleep(0)
    assert [await one.run(items, len, "ab") for items in (1, SMALL_ITEMS)] == [2, 2]
    assert not any(job.done() for job in bulk)
    release.set()
    assert await asyncio.gather(*bulk) == [True, True]


async def test_bulk_jobs_take_turns_in_their_order(one: Compute) -> None:
    release, order = threading.Event(), list[int]()
    busy = asyncio.ensure_future(one.run(100, release.wait, 30))
    await asyncio.sleep(0)
    jobs = [asyncio.ensure_future(one.run(100, order.append, number)) for number in range(5)]
    await asyncio.sleep(0)
    assert order == []
    release.set()
    await asyncio.gather(busy, *jobs)
    assert order == [0, 1, 2, 3, 4]


async def test_a_cancelled_job_that_waits_is_not_run(one: Compute) -> None:
    release, ran = threading.Event(), list[int]()
    busy = asyncio.ensure_future(one.run(1, release.wait, 30))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(one.run(1, ran.append, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    release.set()
    await busy
    assert await one.run(1, len, "ab") == 2
    assert ran == []


async def test_what_waits_is_finished_before_the_end() -> None:
    compute, done = Compute(2), list[int]()
    jobs = [asyncio.ensure_future(compute.run(100, done.append, number)) for number in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(compute.close)
    await asyncio.gather(*jobs)
    assert sorted(done) == list(range(50))


async def test_jobs_that_exit_do_not_take_the_thread_along(one: Compute) -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        await one.run(1, leave)
    assert await one.run(1, len, "ab") == 2
