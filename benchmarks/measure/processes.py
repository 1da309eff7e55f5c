"""Processes of a run: spawned, spoken to, ended by their own process id.

What they print goes to a log file of their own, so that the benchmark's output stays its own; the end of the log is
shown where one of them fails.
"""

import contextlib
import json
import multiprocessing
import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeAlias

from benchmarks.measure.failure import BenchmarkFailed

P = ParamSpec("P")
Pipe: TypeAlias = "Connection[Any, Any]"
Answer = dict[str, Any]

STOP_SECONDS = 15.0
_LOG_LINES = 6
_LOG_BYTES = 4096
_READ_BYTES = 1 << 16


def failure_of(name: str, what: str, log: Path) -> BenchmarkFailed:
    """Make an error that quotes the end of a process's log."""
    try:
        lines = log.read_bytes()[-_LOG_BYTES:].decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    return BenchmarkFailed("\n".join([f"the process '{name}': {what}", *lines[-_LOG_LINES:]]))


class Child:
    """A process that runs one function of this package with its end of a pipe."""

    def __init__(
        self, name: str, folder: Path, target: Callable[Concatenate[Pipe, P], None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Start it; its log lies in the folder."""
        context = multiprocessing.get_context("spawn")
        self._name = name
        self._log = folder / f"{name}.log"
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(target, theirs, self._log, args, kwargs), name=name)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def runs(self) -> bool:
        """Whether the process is alive."""
        return self._process.is_alive()

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process.pid is None:
            raise self.failure("did not start")
        return self._process.pid

    def ask(self, question: object, seconds: float) -> Any:  # noqa: ANN401 - whatever the child answers
        """Send something and wait for the answer; raises BenchmarkFailed where none comes."""
        with contextlib.suppress(OSError):
            self._pipe.send(question)
        return self.answer(seconds)

    def answer(self, seconds: float) -> Any:  # noqa: ANN401 - whatever the child answers
        """Wait for something; raises BenchmarkFailed where nothing comes, or a failure."""
        try:
            if not self._pipe.poll(seconds):
                raise self.failure(f"no answer within {seconds:.0f} s")
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise self.failure("ended early") from None
        if isinstance(answer, BenchmarkFailed):
            raise answer
        return answer

    def failure(self, what: str) -> BenchmarkFailed:
        """Make an error that quotes the end of the log."""
        return failure_of(self._name, what, self._log)

    def stop(self) -> None:
        """End this one process, gently first."""
        if self.runs:
            self._process.terminate()
            self._process.join(STOP_SECONDS)
        if self.runs:
            self._process.kill()
        self._process.join()
        self._pipe.close()


def _run(target: Callable[..., None], pipe: Pipe, log: Path, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Run in the child."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    target(pipe, *args, **kwargs)


class Program:
    """A program of its own: takes a line of JSON, answers with one, ends when its input does."""

    def __init__(self, name: str, folder: Path, command: Sequence[str], variables: Mapping[str, str]) -> None:
        """Start it with these variables over the environment's; its log lies in the folder."""
        self._name = name
        self._log = folder / f"{name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**os.environ, **variables},
            )
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, question: Answer, seconds: float) -> Answer:
        """Say something and wait for the answer."""
        self.tell(question)
        return self.answer(seconds)

    def tell(self, question: Answer) -> None:
        """Say something; what follows from a program that is gone shows in the answer."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(json.dumps(question).encode() + b"\n")
                self._process.stdin.flush()

    def answer(self, seconds: float) -> Answer:
        """Wait for an answer; raises BenchmarkFailed where none comes in time, or one that says it failed."""
        answer: Answer = json.loads(self._line(time.monotonic() + seconds))
        if "failure" in answer:
            raise failure_of(self._name, answer["failure"], self._log)
        return answer

    def _line(self, end: float) -> bytes:
        if self._process.stdout is None:
            raise failure_of(self._name, "has no output", self._log)
        output = self._process.stdout.fileno()
        while b"\n" not in self._unread:
            ready, _, _ = select.select([output], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise failure_of(self._name, "no answer in time", self._log)
            chunk = os.read(output, _READ_BYTES)
            if not chunk:
                raise failure_of(self._name, "ended early", self._log)
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def stop(self) -> None:
        """End this one process, gently first."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
