"""Processes of a benchmark: spawned, spoken to through a pipe, ended by their own process id.

What they print goes to a log file of their own, so that the benchmark's output stays its own; the end of the log is
shown where one of them fails.
"""

import contextlib
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeAlias

from benchmarks.report import BenchmarkFailed

P = ParamSpec("P")
Pipe: TypeAlias = "Connection[Any, Any]"

STOP_SECONDS = 15.0
_LOG_LINES = 6
_LOG_BYTES = 4096


class Child:
    """A process that runs one function with its end of a pipe."""

    def __init__(
        self, name: str, folder: Path, target: Callable[Concatenate[Pipe, P], None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Start it; its log lies in the folder."""
        context = multiprocessing.get_context("spawn")
        self._name = name
        self._log = folder / f"{name}.log"
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_run, args=(target, theirs, self._log, args, kwargs), name=name, daemon=True
        )
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
        try:
            lines = self._log.read_bytes()[-_LOG_BYTES:].decode("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        return BenchmarkFailed("\n".join([f"the process '{self._name}': {what}", *lines[-_LOG_LINES:]]))

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
