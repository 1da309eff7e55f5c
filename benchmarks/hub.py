"""The hub of the benchmark: made by its own command line, served in a process of its own, with a meter inside."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from alliance_server.cli.hub import serve_hub
from benchmarks.echo_server import LOOPBACK
from benchmarks.metering import Meter, Spent, forget_peak, installed_meter
from benchmarks.processes import Child, Pipe
from benchmarks.report import BenchmarkFailed

_COMMAND_SECONDS = 60.0
_START_SECONDS = 60.0
_ANSWER_SECONDS = 30.0
_FORGET_PEAK = "forget the peak"


class BenchmarkHub:
    """A hub that serves from `__enter__` to `__exit__`."""

    def __init__(self, folder: Path, members: tuple[str, ...]) -> None:
        """Make the hub and its members' bundles in the folder."""
        self._folder = folder / "hub"
        self.logs = folder
        self._port, enrolment = free_ports()
        listens = f"{LOOPBACK}:{self._port}", f"{LOOPBACK}:{enrolment}"
        _command("init", str(self._folder), "--listen", listens[0], "--enrolment-listen", listens[1])
        self.bundles = {member: folder / f"{member}.bundle.json" for member in members}
        for member, bundle in self.bundles.items():
            _command("member", "invite", member, "--out", str(bundle), "--dir", str(self._folder))
        self._process: Child | None = None

    def __enter__(self) -> Self:
        self._process = Child("hub", self.logs, serve, self._folder)
        try:
            self._wait(self._process)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.stop()

    def at_start(self) -> Spent:
        """Give what the hub spent since its start, and let its largest size start anew."""
        return self._asked(_FORGET_PEAK)

    def spent(self) -> Spent:
        """Give what the hub spent since its start."""
        return self._asked("")

    def _asked(self, question: str) -> Spent:
        if self._process is None:
            raise BenchmarkFailed("the hub does not run")
        answer = self._process.ask(question, _ANSWER_SECONDS)
        if not isinstance(answer, Spent):
            raise BenchmarkFailed("the hub answered something else")
        return answer

    def _wait(self, process: Child) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if not process.runs:
                raise process.failure("ended at its start")
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self._port), 1.0):
                return
            time.sleep(0.05)
        raise process.failure("does not listen")


def free_ports() -> tuple[int, int]:
    """Give two ports that are free now."""
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind((LOOPBACK, 0))
        return first.getsockname()[1], second.getsockname()[1]


def _command(*arguments: str) -> None:
    """Run the hub's command line; raises BenchmarkFailed with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "alliance_server", *arguments],
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    if done.returncode:
        raise BenchmarkFailed(f"alliance-server {arguments[0]}: exit code {done.returncode}\n{done.stderr.strip()}")


def serve(pipe: Pipe, folder: Path) -> None:
    """Be the hub: the same call as `alliance-server serve`, with a thread beside it that tells what was spent."""
    meter = installed_meter()
    threading.Thread(target=_tell, args=(pipe, meter), name="meter", daemon=True).start()
    serve_hub(folder)


def _tell(pipe: Pipe, meter: Meter) -> None:
    try:
        while True:
            if pipe.recv() == _FORGET_PEAK:
                forget_peak()
            pipe.send(meter.read())
    except (EOFError, OSError):
        # The benchmark is gone: end as on any signal, and leave nothing behind.
        os.kill(os.getpid(), signal.SIGTERM)
