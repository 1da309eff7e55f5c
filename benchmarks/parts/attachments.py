"""Attachments: a file of a release from a member's disk to an officer's, sealed, over mutual TLS, durable at the hub.

Beside a plain copy of the file that is synced, which is what a disk gives, and a bare stream of gRPC, which is what the
line gives. Hub, member and liaison have processes of their own.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alliance.keyring.store import sync
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.memory import Memory, watched
from benchmarks.measure.processes import Child
from benchmarks.measure.progress import Say
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.attaching import Download, Moved, Prepare, Upload, ask, serve
from benchmarks.stage.hub import BenchmarkHub
from benchmarks.stage.streaming import streamed

LENDER, POLICE = "lender-a", "police-a"
_COPY, _BARE = "plain copy, synced", "bare grpc.aio stream"
_BEFORE = "before it began"
_SECONDS: Final = 3600.0
_MEGABYTE: Final = 1_000_000
_BLOCK: Final = 1 << 20


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    size = sizes.attached
    path = folder / "statement.bin"
    with path.open("wb") as file:
        for _ in range(size // _BLOCK):
            file.write(os.urandom(_BLOCK))
    say("copying the file")
    copy = _copied(path)
    say("a bare stream")
    up, down = streamed(folder, size)
    hub = BenchmarkHub(folder, (LENDER, POLICE), {POLICE: "liaison"})
    with hub, _party(folder, hub, LENDER) as lender, _party(folder, hub, POLICE) as police:
        case_id = ask(hub.database, POLICE, LENDER)
        target = folder / "released.bin"
        with watched(hub=hub.process.pid, lender=lender.pid, police=police.pid) as watch:
            say("preparing it")
            before: Moved = lender.ask(Prepare(path, case_id), _SECONDS)
            say("uploading it")
            sent: Moved = lender.ask(Upload(path, case_id, before.released), _SECONDS)
            say("downloading it")
            got: Moved = police.ask(Download(target, case_id, LENDER, before.released), _SECONDS)
        if target.stat().st_size != size:
            raise BenchmarkFailed("the file did not arrive")
    rate = size / _MEGABYTE
    figures = (
        Figure("prepared: read twice and sealed once", rate / before.seconds, "MB/s", _COPY, rate / copy),
        Figure("upload", rate / sent.seconds, "MB/s", _COPY, rate / copy),
        Figure("upload", rate / sent.seconds, "MB/s", _BARE, rate / up),
        Figure("download", rate / got.seconds, "MB/s", _COPY, rate / copy),
        Figure("download", rate / got.seconds, "MB/s", _BARE, rate / down),
        *_memory(watch.start, watch.peak),
    )
    note = (
        f"a file of {size / _BLOCK:,.0f} MiB of random bytes, to which its size class adds nothing. Uploading reads it "
        "once more for its digest before it is sealed and sent, and ends when the hub has it synced and held against "
        "the signed digest; downloading ends when the officer has it opened, synced and held against what was signed."
    )
    return [Section("attachments", note, figures)]


def _party(folder: Path, hub: BenchmarkHub, name: str) -> Child:
    process = Child(name, folder, serve, hub.bundles[name], folder / name)
    process.answer(_SECONDS)
    return process


def _copied(path: Path) -> float:
    """Copy a file and have the copy on the disk; gives the seconds."""
    target = path.with_suffix(".copy")
    start = time.perf_counter()
    shutil.copyfile(path, target)
    sync(target)
    seconds = time.perf_counter() - start
    target.unlink()
    return seconds


def _memory(start: dict[str, Memory], peak: dict[str, Memory]) -> Iterator[Figure]:
    for name in ("lender", "police", "hub"):
        now, most = start[name].own / _MEGABYTE, peak[name].own / _MEGABYTE
        yield Figure(f"peak memory: {name}", most, "MB", _BEFORE, now)
