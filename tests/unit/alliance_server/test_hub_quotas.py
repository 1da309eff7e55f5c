"""Bursts: a bucket that refills all the time, as properties over whatever is asked and whenever."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.quotas import MIN_BURST
from alliance.taxonomy import DAY_MS
from alliance_server.domain.quotas import DEFAULT_BUDGETS, Quota, burst_of, granted, renews_at

NOON = 20_000 * DAY_MS + DAY_MS // 2
HOUR_MS = 60 * 60 * 1000
BATCH = 4096

limits = st.one_of(st.integers(0, 10**5), st.integers(0, 10**12))
bursts = st.integers(MIN_BURST, 10**7)
counts = st.lists(st.integers(1, BATCH), min_size=1, max_size=64)
steps = st.lists(st.tuples(st.integers(0, HOUR_MS), counts), min_size=1, max_size=10)


def taken(items: Sequence[int], waits: Sequence[object]) -> int:
    return sum(count for count, wait in zip(items, waits, strict=True) if wait is None)


@given(limits, bursts, steps)
@settings(max_examples=80, deadline=None)
def test_within_a_day_neither_budget_nor_burst_is_passed(
    limit: int, burst: int, asked: list[tuple[int, list[int]]]
) -> None:
    quota, used, full_at, now = Quota(limit, burst), 0, 0, NOON - DAY_MS // 2
    got: list[tuple[int, int]] = []
    for pause, items in asked:
        now += pause
        used, full_at, waits = granted(quota, used, full_at, items, now)
        got.append((now, taken(items, waits)))
    assert used == sum(count for _, count in got) <= limit
    if quota.item_us:
        for start, (since, _) in enumerate(got):
            for until, _ in got[start:]:
                between = sum(count for at, count in got[start:] if at <= until)
                assert between * quota.item_us <= burst * quota.item_us + (until - since) * 1000


@given(limits, bursts, counts, st.integers(0, 10**5), st.integers(-(10**12), 10**12))
@settings(max_examples=150, deadline=None)
def test_who_comes_back_when_told_is_granted_and_not_a_millisecond_earlier(
    limit: int, burst: int, items: list[int], used: int, ahead: int
) -> None:
    full_at = NOON * 1000 + ahead
    quota, (count, *_) = Quota(limit, burst), items
    wait = granted(quota, used, full_at, [count], NOON).retry_at[0]
    if wait is None or wait.is_for_the_day:
        return
    assert wait.until > NOON
    assert granted(quota, used, full_at, [count], wait.until).retry_at == (None,)
    assert granted(quota, used, full_at, [count], wait.until - 1).retry_at != (None,)


@given(limits, bursts, counts, st.integers(0, 10**10), st.integers(0, 2 * 10**18))
@settings(max_examples=80, deadline=None)
def test_calls_together_are_granted_as_one_after_the_other(
    limit: int, burst: int, items: list[int], used: int, full_at: int
) -> None:
    quota = Quota(limit, burst)
    together = granted(quota, used, full_at, items, NOON)
    one_by_one = []
    for count in items:
        used, full_at, (wait,) = granted(quota, used, full_at, [count], NOON)
        one_by_one.append(wait)
    assert together == (used, full_at, tuple(one_by_one))


def test_a_day_that_is_spent_says_midnight_and_is_told_from_a_burst() -> None:
    quota = Quota(MIN_BURST, MIN_BURST)
    used, full_at, waits = granted(quota, 0, 0, [BATCH, 1], NOON)
    assert waits == (None, (renews_at(NOON), True))
    assert granted(quota, used, full_at, [1], NOON + 1).retry_at == ((renews_at(NOON), True),)


def test_a_bucket_that_a_clock_gone_wrong_emptied_begins_anew() -> None:
    quota = Quota(1_000_000, burst_of(1_000_000))
    after = granted(quota, 0, (NOON + 365 * DAY_MS) * 1000, [BATCH], NOON)
    assert after.retry_at == (None,)
    assert after.full_at == NOON * 1000 + BATCH * quota.item_us


def test_a_clock_that_is_a_minute_behind_gives_nothing_away() -> None:
    quota = Quota(1_000_000, MIN_BURST)
    emptied = granted(quota, 0, 0, [BATCH], NOON)
    (wait,) = granted(quota, emptied.used, emptied.full_at, [1], NOON - 60_000).retry_at
    assert wait is not None
    assert wait.until == NOON + 44  # one item comes back in 43.2 ms


LARGE = [limit for limit in DEFAULT_BUDGETS.values() if limit >= 4 * MIN_BURST]
"""What may be had within a call or two is bounded by the day alone."""


@pytest.mark.parametrize("limit", LARGE)
def test_by_default_a_quarter_comes_at_once_and_a_third_within_the_first_hour(limit: int) -> None:
    quota = Quota(limit, burst_of(limit))
    assert quota.burst == limit // 4
    hour = quota.burst + HOUR_MS * 1000 // quota.item_us
    assert limit * 33 // 100 <= hour <= limit * 34 // 100
    nine_hours = quota.burst + 9 * HOUR_MS * 1000 // quota.item_us
    assert nine_hours >= limit * 99 // 100


def test_a_screening_of_a_million_rows_meets_no_burst() -> None:
    quota = Quota(DEFAULT_BUDGETS["portfolio_screening"], burst_of(DEFAULT_BUDGETS["portfolio_screening"]))
    _, _, waits = granted(quota, 0, 0, [1000] * 1000, NOON)
    assert set(waits) == {None}


def test_every_call_fits_the_smallest_bucket() -> None:
    assert burst_of(0) == burst_of(100) == MIN_BURST == BATCH
