"""What a benchmark reports: the file that others read, percentiles, and samples that are valid and all different."""

import asyncio
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from alliance.identifiers import canonicalise
from benchmarks.metering import ARITHMETIC, Meter, Spent
from benchmarks.report import BenchmarkFailed, Figure, Section, print_report, rounded, write_results
from benchmarks.samples import SORTS, phone, resident_id, subject_field
from benchmarks.timing import called, percentile

KEYS = ["name", "value", "unit", "rival", "rival_value", "ratio"]


def section(*figures: Figure) -> Section:
    return Section("1 something", "how it was taken", figures)


def test_results_are_a_list_of_records_with_their_rivals(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results([section(Figure("screen", 1500.0, "rows/s", "arithmetic alone", 6000.0))], path)
    (record,) = json.loads(path.read_text("utf-8"))
    assert list(record) == KEYS
    assert record == {
        "name": "screen",
        "value": 1500.0,
        "unit": "rows/s",
        "rival": "arithmetic alone",
        "rival_value": 6000.0,
        "ratio": 0.25,
    }
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_may_stand_twice_against_two_rivals_only(tmp_path: Path) -> None:
    one, other = Figure("screen", 1.0, "s", "echo", 2.0), Figure("screen", 1.0, "s", "arithmetic", 2.0)
    write_results([section(one, other)], tmp_path / "results.json")
    with pytest.raises(BenchmarkFailed, match="two figures"):
        write_results([section(one), section(one)], tmp_path / "results.json")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_what_is_no_measure_is_no_figure(value: float) -> None:
    with pytest.raises(BenchmarkFailed, match="not a figure"):
        Figure("screen", value, "s", "echo", 1.0)


def test_a_rival_of_nothing_gives_no_ratio() -> None:
    assert Figure("screen", 1.0, "s", "echo", 0.0).ratio == 0.0


def test_the_table_shows_every_figure_and_note() -> None:
    out = io.StringIO()
    figures = Figure("screen", 12345.0, "rows/s", "echo", 4.0), Figure("check", 0.0123, "ms", "echo", 1.0)
    print_report(Console(file=out, width=120), "a machine [of two cores]", [section(*figures)])
    text = out.getvalue()
    for part in ("a machine [of two cores]", "12,345", "× 3,086", "0.01", "how it was taken"):
        assert part in text


def test_values_keep_four_significant_digits() -> None:
    assert [rounded(value) for value in (123456.7, 0.000123456, 0.0)] == [123500.0, 0.0001235, 0.0]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_percentiles_are_samples_by_nearest_rank(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


async def test_every_call_is_made_once_and_no_more_are_in_flight() -> None:
    made: list[int] = []
    flying = most = 0

    async def call(number: int) -> None:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        made.append(number)
        flying -= 1

    calls = await called(call, 50, 4)
    assert sorted(made) == list(range(50))
    assert len(calls.latencies) == 50
    assert most == 4


@pytest.mark.parametrize("sort", SORTS)
def test_samples_are_valid_and_all_different(sort: str) -> None:
    kind, make = SORTS[sort]
    canonical = {canonicalise(kind, make(number)).canonical for number in range(3000)}
    assert len(canonical) == 3000


def test_rows_far_apart_are_different_too() -> None:
    numbers = [*range(20_000), *range(20_000_000, 20_060_000)]
    assert len({phone(number) for number in numbers}) == len(numbers)
    assert len({resident_id(number) for number in numbers}) == len(numbers)
    assert {subject_field(number)[0] for number in (0, 1)} == {"phone", "resident_id"}


def _sum(numbers: range) -> int:
    return sum(numbers)


def test_a_meter_counts_items_and_cpu_by_category() -> None:
    meter = Meter()
    work = meter.timed(ARITHMETIC, "evaluate", _sum, len)
    before = meter.read()
    assert work(range(200_000)) == sum(range(200_000))
    spent = meter.read() - before
    assert spent.items == {"evaluate": 200_000}
    assert 0 < spent.seconds[ARITHMETIC] <= spent.cpu + 0.02
    both = spent + Spent(1.0, 2**40, 0, {ARITHMETIC: 1.0}, {"evaluate": 1})
    assert both.items == {"evaluate": 200_001}
    assert both.peak_bytes == 2**40
