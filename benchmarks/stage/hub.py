"""The hub of a run: made by its own command line, served in a process of its own, which tells what it spent."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

from alliance_server.cli.serving import serve_hub
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.memory import Memory, watched
from benchmarks.measure.ports import LOOPBACK, free_ports
from benchmarks.measure.processes import Child, Pipe
from benchmarks.measure.resources import Meter, Spent

_COMMAND_SECONDS = 60.0
_START_SECONDS = 900.0
_ANSWER_SECONDS = 30.0
_LOOK_SECONDS = 0.02
_NO_LIMIT = 10**12
_BUDGETS = ("loan_application", "portfolio_screening", "contribution", "bucket_prefixes", "contribution_refunds")


class BenchmarkHub:
    """A hub that serves from `__enter__` to `__exit__`; may be entered again."""

    def __init__(
        self, folder: Path, members: tuple[str, ...] = (), roles: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Make the hub and its members' bundles in the folder; `roles` are those of who is no member."""
        self.folder = folder / "hub"
        self.logs = folder
        self.port, enrolment = free_ports()
        listens = f"{LOOPBACK}:{self.port}", f"{LOOPBACK}:{enrolment}"
        _command("init", str(self.folder), "--listen", listens[0], "--enrolment-listen", listens[1])
        with (self.folder / "hub.toml").open("a", encoding="utf-8") as config:
            config.write("\n".join(["[budgets]", *(f"{name} = {_NO_LIMIT}" for name in _BUDGETS), ""]))
        self.bundles = {member: folder / f"{member}.bundle.json" for member in members}
        for member, bundle in self.bundles.items():
            role = roles.get(member, "member")
            _command("member", "invite", member, "--role", role, "--out", str(bundle), "--dir", str(self.folder))
        self._process: Child | None = None
        self.seconds_to_serve = 0.0
        """From the start of its process until it accepted a connection, the last time."""
        self.peak_at_start = Memory()
        """Its largest memory until then."""

    def __enter__(self) -> Self:
        start = time.perf_counter()
        self._process = Child("hub", self.logs, serve, self.folder)
        try:
            with watched(hub=self._process.pid) as watch:
                self._wait(self._process)
        except BaseException:
            self._process.stop()
            raise
        self.seconds_to_serve, self.peak_at_start = time.perf_counter() - start, watch.peak["hub"]
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.stop()

    @property
    def process(self) -> Child:
        """The process in which it serves."""
        if self._process is None:
            raise BenchmarkFailed("the hub does not run")
        return self._process

    @property
    def database(self) -> str:
        """The URL of its database."""
        return f"sqlite:///{self.folder / 'hub.db'}"

    def spent(self) -> Spent:
        """Give what the hub spent since its start."""
        answer = self.process.ask("", _ANSWER_SECONDS)
        if not isinstance(answer, Spent):
            raise BenchmarkFailed("the hub answered something else")
        return answer

    def _wait(self, process: Child) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if not process.runs:
                raise process.failure("ended at its start")
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), 1.0):
                return
            time.sleep(_LOOK_SECONDS)
        raise process.failure("does not listen")


def confirm(member: str, words: str, bundle: Path) -> None:
    """Confirm the key of a member that enrolled by the bundle that a hub made beside its folder."""
    _command("member", "confirm", member, "--fingerprint", words, "--dir", str(bundle.parent / "hub"))


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
    threading.Thread(target=_tell, args=(pipe,), name="meter", daemon=True).start()
    serve_hub(folder)


def _tell(pipe: Pipe) -> None:
    meter = Meter()
    try:
        while True:
            pipe.recv()
            pipe.send(meter.read())
    except (EOFError, OSError):
        # The benchmark is gone: end as on any signal, and leave nothing behind.
        os.kill(os.getpid(), signal.SIGTERM)
