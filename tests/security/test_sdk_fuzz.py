"""A hub that answers anything: the SDK raises its own errors, never clears who is listed, and never hangs."""

import os
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import pytest_asyncio
from support.hostile_replies import ACTS, HostileReplies, Lender, besiege, besieged, long_siege
from support.rpcs import RPCS

Siege = tuple[HostileReplies, Lender]
REPLIES = 5_000
ROUNDS = 5
"""Rounds a method at most, until one of its replies was spoilt; the nightly goes a hundred and ten."""
SLACK_BYTES = 40 * 1024 * 1024
"""What hub and lender together may hold more at the end of a night than after warming up."""


NOT_CALLED = {"ReadLog"}
"""Methods that the SDK does not call: auditors have tools of their own."""


def test_no_method_is_left_out() -> None:
    assert set(ACTS) | NOT_CALLED == {rpc.path.rpartition("/")[2] for rpc in RPCS.values() if not rpc.is_plumbing}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(new_hub_folder: Callable[[], Path]) -> AsyncIterator[Siege]:
    async with besieged(new_hub_folder(), random.Random("replies")) as running:  # noqa: S311 - repeatable
        yield running


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("method", ACTS)
async def test_hostile_replies(siege: Siege, method: str) -> None:
    replies, lender = siege
    for _ in range(ROUNDS):
        await besiege(replies, lender, method, 1)
        if replies.sent[method]:
            break
    assert replies.sent[method] > 0


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_thousands_of_hostile_replies(tmp_path: Path) -> None:
    seed = os.environ.get("ALLIANCE_FUZZ_SEED") or os.urandom(8).hex()
    print(f"seed {seed}")  # noqa: T201 - repeats the run
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        done = pool.submit(long_siege, tmp_path / "hub", seed, 10, 100).result()
    print(f"{done.replies} replies; RSS {done.warm >> 20} MB warm, {done.after >> 20} MB after")  # noqa: T201
    print(dict(done.outcomes.most_common()))  # noqa: T201
    assert done.replies >= REPLIES
    assert done.after - done.warm <= SLACK_BYTES
