"""Starting: how soon a hub with many claims serves, and what it then holds in memory.

The first start builds the filter of the whole registry; the second finds it. A hub serves when it accepts connections
and its filter holds every claim. Beside it: a hub without claims, and a bare SELECT of all tags.
"""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alliance_server.storage.unit_of_work import SqlStore
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.memory import Memory, memory_of
from benchmarks.measure.progress import Say
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.hub import BenchmarkHub
from benchmarks.stage.seeding import EPOCH, seed

_EMPTY, _SCAN, _FIRST = "a hub without claims", "bare SELECT of the tags", "the first start"
_ROOM_BYTES: Final = 2_500
"""Disk a claim, with the journal and the sorting of its indices."""
_FILTER_SECONDS = 900.0
_MEGABYTE, _GIGABYTE = 1e6, 1e9


@dataclass(frozen=True, slots=True)
class _Start:
    """One start: seconds until it serves, memory then, and the largest until then."""

    seconds: float
    memory: Memory
    peak: Memory


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    say("starting a hub without claims")
    empty_folder = folder / "empty"
    empty_folder.mkdir()
    empty = _start(BenchmarkHub(empty_folder), 0)
    figures: list[Figure] = []
    missing, sizes_on_disk = [], []
    for claims in sizes.started:
        free = shutil.disk_usage(folder).free
        if free < claims * _ROOM_BYTES:
            missing.append(f"{claims:,} claims: {free / _GIGABYTE:.0f} GB are free, --folder names another disk")
            continue
        place = folder / str(claims)
        place.mkdir()
        hub = BenchmarkHub(place)
        seed(hub.database, claims, lambda done, claims=claims: say(f"seeding {done:,} of {claims:,} claims"))  # type: ignore[misc]
        size = (hub.folder / "hub.db").stat().st_size
        sizes_on_disk.append(f"{claims:,} claims {size / _GIGABYTE:.1f} GB, {size / claims:,.0f} bytes each")
        say(f"starting a hub with {claims:,} claims")
        scan = _scan(hub)
        figures += _figures(claims, _start(hub, claims), _start(hub, claims), scan, empty)
        shutil.rmtree(place)
    note = (
        "wall time from the start of the process, keys opened and all, SQLite with its indices as the schema has them; "
        f"on disk: {'; '.join(sizes_on_disk) or 'nothing'}. Claims are seeded through the hub's storage layer, random "
        "tags in the order of arrival, made just before, so that the file is in the system's cache."
    )
    return [Section("start", note, tuple(figures), tuple(missing))]


def _start(hub: BenchmarkHub, claims: int) -> _Start:
    start = time.perf_counter()
    with hub:
        _wait_for_filter(hub, claims)
        return _Start(time.perf_counter() - start, memory_of(hub.process.pid), hub.peak_at_start)


def _wait_for_filter(hub: BenchmarkHub, claims: int) -> None:
    store, end = SqlStore(hub.database), time.monotonic() + _FILTER_SECONDS
    try:
        while True:
            state = store.read_now(lambda transaction: transaction.filters.state(EPOCH))
            if state and state.heartbeat and state.delta_sequence >= claims:
                return
            if time.monotonic() > end:
                raise BenchmarkFailed(f"the filter of {claims:,} claims was not made in time")
            time.sleep(0.05)
    finally:
        store.close()


def _scan(hub: BenchmarkHub) -> float:
    """Give the seconds of reading every tag with nothing done to it."""
    start = time.perf_counter()
    with closing(sqlite3.connect(hub.folder / "hub.db")) as connection:
        for _row in connection.execute("SELECT tag FROM claims"):
            pass
    return time.perf_counter() - start


def _figures(claims: int, first: _Start, again: _Start, scan: float, empty: _Start) -> Iterator[Figure]:
    title = f"{claims:,} claims"
    yield Figure(f"first start, {title}", first.seconds, "s", _SCAN, scan)
    yield Figure(f"first start, {title}", first.seconds, "s", _EMPTY, empty.seconds)
    yield Figure(f"start again, {title}", again.seconds, "s", _EMPTY, empty.seconds)
    yield Figure(f"start again, {title}", again.seconds, "s", _FIRST, first.seconds)
    for words, own, rival in (
        ("memory when it serves", first.memory.own, empty.memory.own),
        ("memory when it serves again", again.memory.own, empty.memory.own),
        ("peak memory of the first start", first.peak.own, empty.peak.own),
    ):
        yield Figure(f"{words}, {title}", own / _MEGABYTE, "MB", _EMPTY, rival / _MEGABYTE)
