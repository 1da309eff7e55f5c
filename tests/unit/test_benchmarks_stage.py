"""What a benchmark is played on: identifiers, sets, seeded claims; and its command."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.forked import PYTHON_M

from alliance.clock import SystemClock
from alliance.identifiers import canonicalise
from alliance_server.storage.tables import ClaimTable, table_of
from alliance_server.storage.unit_of_work import SqlStore
from benchmarks.parts import PARTS
from benchmarks.sizes import FULL
from benchmarks.stage import seeding
from benchmarks.stage.hub import BenchmarkHub
from benchmarks.stage.samples import (
    SORTS,
    listed_count,
    phone,
    resident_id,
    screened_numbers,
    subject_field,
    texts,
)
from benchmarks.stage.seeding import EPOCH, seed


@pytest.mark.parametrize("sort", SORTS)
def test_samples_are_valid_and_all_different(sort: str) -> None:
    kind, make = SORTS[sort]
    canonical = {canonicalise(kind, make(number)).canonical for number in range(1000)}
    assert len(canonical) == 1000


def test_rows_far_apart_are_different_too() -> None:
    numbers = [*range(5_000), *range(20_000_000, 20_015_000)]
    assert len({phone(number) for number in numbers}) == len(numbers)
    assert len({resident_id(number) for number in numbers}) == len(numbers)
    assert {subject_field(number)[0] for number in (0, 1)} == {"phone", "resident_id"}


@pytest.mark.parametrize(("rows", "every"), [(1000, 200), (1001, 7), (5, 10)])
def test_a_screened_set_has_as_many_listed_rows_as_are_counted_and_none_twice(rows: int, every: int) -> None:
    listed = set(texts(range(500)))
    first, second = (texts(screened_numbers(start, rows, every, 500)) for start in (0, rows))
    assert len(set(first)) == rows
    assert len(listed & set(first)) == listed_count(rows, every)
    assert set(first) & set(second) == listed & set(first)


@pytest.mark.parametrize("wrong", [{"contributed": 2_000_000}, {"screened": (10_000_000,), "listed_every": 2}])
def test_sizes_that_would_repeat_an_identifier_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rows"):
        replace(FULL, **wrong)


def test_seeded_claims_are_live_listed_and_indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "_CHUNK_ROWS", 1_000)
    hub = BenchmarkHub(tmp_path)
    told: list[int] = []
    seed(hub.database, 2_500, told.append)
    assert told == [1_000, 2_000, 2_500]
    store = SqlStore(hub.database)
    try:
        now = SystemClock().now_ms()
        count = store.read_now(lambda transaction: transaction.claims.count_live(EPOCH, 2_500, now))
        state = store.read_now(lambda transaction: transaction.filters.state(EPOCH))
        names = {index["name"] for index in sa.inspect(store.engine).get_indexes("claims")}
    finally:
        store.close()
    assert count == 2_500
    assert state is not None
    assert state.sequence == 2_500
    assert names >= {index.name for index in table_of(ClaimTable).indexes}


# -- the command -----------------------------------------------------------------------------------------------


def bench(programs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(programs / PYTHON_M), "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_help_teaches_every_part(programs: Path) -> None:
    done = bench(programs, "--help")
    assert done.returncode == 0
    for part in PARTS:
        assert f"  {part.name} " in done.stdout
        assert part.about in done.stdout


def test_a_part_that_is_not_there_is_refused_with_those_that_are(programs: Path, tmp_path: Path) -> None:
    done = bench(programs, "--only", "everything", "--results", str(tmp_path / "results.json"))
    assert done.returncode == 2
    assert all(part.name in done.stderr for part in PARTS)
    assert not list(tmp_path.iterdir())


def test_one_part_runs_alone_and_leaves_nothing_but_its_results(programs: Path, tmp_path: Path) -> None:
    scratch, path = tmp_path / "scratch", tmp_path / "results.json"
    scratch.mkdir()
    quickly = ("--quick", "--only", "filter", "--tags", "2000")
    done = bench(programs, *quickly, "--folder", str(scratch), "--results", str(path))
    assert done.returncode == 0, done.stderr
    assert not list(scratch.iterdir())
    records = json.loads(path.read_text("utf-8"))
    assert {record["name"] for record in records} == {"build, 2,000 tags", "ask, 2,000 tags in it"}
    assert "must reach" in done.stdout
