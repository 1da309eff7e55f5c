"""Where the CPU time of processes goes, by sampling them with Linux's `perf`, all threads and the kernel included.

A sample is a stack of native frames. It belongs to the innermost frame that is not the kernel's or the C library's:
a system call, a lock or a copy belongs to who asked for it.

- interpreter: libpython or the python binary, and the modules of the standard library but `_hashlib`, `_sqlite3` and
  `_ssl`, which only call OpenSSL and SQLite; waiting for the interpreter's lock is in it;
- everything else is native, told apart by library.

Python functions do not show in native stacks, and so canonicalisation, which is Python, is part of the interpreter
here; `parts/profile.py` takes it out by what it costs.
"""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from benchmarks.measure.failure import PeerMissing

INTERPRETER: Final = "interpreter"
ARITHMETIC: Final = "curve arithmetic"
KERNEL: Final = "kernel and C library by themselves"
OTHER: Final = "other native code"

_LIBRARIES: Final = (
    (ARITHMETIC, ("alliance_native", f"{gettempdir()}{os.sep}tmp")),  # rbcl loads libsodium from a temporary copy
    ("TLS and gRPC", ("cygrpc",)),
    ("SQLite", ("sqlite",)),
    ("OpenSSL: signatures, sealing, digests", ("_rust.abi3", "libcrypto", "libssl", "_hashlib", "_ssl.")),
    ("protobuf", ("_upb", "_message")),
    ("event loop", ("uvloop",)),
    ("SQLAlchemy's own", ("sqlalchemy",)),
)
_INTERPRETER: Final = ("libpython", "/python3", "lib-dynload/")
_SYSTEM: Final = ("[", "libc.so", "libc-", "libm.so", "libpthread", "libgcc_s", "libstdc++", "ld-linux", "inlined")
_RATE, _STACK_BYTES = 199, 8192
_BEGIN_SECONDS, _END_SECONDS, _READ_SECONDS = 1.0, 120.0, 1800.0


def kind_of(libraries: Iterable[str]) -> str:
    """Tell what a stack is working on: the files of its frames, the innermost first."""
    for library in libraries:
        if library.startswith(_SYSTEM) or library.rpartition("/")[2].startswith(_SYSTEM):
            continue
        native = next((kind for kind, words in _LIBRARIES if any(word in library for word in words)), None)
        if native is not None:
            return native
        return INTERPRETER if any(word in library for word in _INTERPRETER) else OTHER
    return KERNEL


def counted(script: Iterable[str]) -> Counter[str]:
    """Count samples by kind in what `perf script` writes: a frame a line, a blank line after each sample."""
    counts, libraries = Counter[str](), list[str]()
    for line in [*script, ""]:
        if line.strip():
            libraries.append(line.rstrip().removesuffix(" (deleted))").rpartition("(")[2].removesuffix(")"))
        elif libraries:
            counts[kind_of(libraries)] += 1
            libraries = []
    return counts


@contextmanager
def sampled(folder: Path, **pids: int) -> Iterator[dict[str, Counter[str]]]:
    """Sample processes by name while the block runs; counts are there after it. Raises PeerMissing without perf."""
    perf = shutil.which("perf")
    if perf is None:
        raise PeerMissing("the shares of a profile: perf is not installed (on Debian: linux-perf)")
    counts: dict[str, Counter[str]] = {}
    with ExitStack() as stack:
        recorders = [stack.enter_context(_recording(perf, folder / f"{name}.perf", pid)) for name, pid in pids.items()]
        time.sleep(_BEGIN_SECONDS)
        if any(recorder.poll() is not None for recorder in recorders):
            raise PeerMissing(f"the shares of a profile: perf may not look into processes here: {_said(folder)}")
        yield counts
    for name in pids:
        counts[name] = _read(perf, folder / f"{name}.perf")


@contextmanager
def _recording(perf: str, out: Path, pid: int) -> Iterator["subprocess.Popen[bytes]"]:
    options = ["-e", "cpu-clock", "-F", str(_RATE), "--call-graph", f"dwarf,{_STACK_BYTES}"]
    with (out.parent / "perf.log").open("ab") as log:
        process = subprocess.Popen([perf, "record", *options, "-o", str(out), "-p", str(pid)], stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # it writes what it has
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _read(perf: str, recorded: Path) -> Counter[str]:
    with (recorded.parent / "perf.log").open("ab") as log:
        done = subprocess.run(
            [perf, "script", "-i", str(recorded), "--no-inline", "-F", "ip,sym,dso"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            timeout=_READ_SECONDS,
            check=False,
        )
    recorded.unlink(missing_ok=True)  # tens of megabytes a minute
    counts = counted(done.stdout.splitlines())
    if not counts:
        raise PeerMissing(f"the shares of a profile: perf took no sample: {_said(recorded.parent)}")
    return counts


def _said(folder: Path) -> str:
    lines = [line for line in (folder / "perf.log").read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
