"""The other side of `home.py`: what a peer's program does with a line of JSON. Standard library only."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.measure.resources import Meter

Question = dict[str, Any]
Command = Callable[[Question], dict[str, Any]]


def answer_questions(commands: dict[str, Command]) -> None:
    """Answer each line of the input with one of the output, until the input ends.

    What the peer's library prints goes to the log. A failure is answered by its type alone: texts may show values.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = commands[question["do"]](question)
        except Exception as error:  # noqa: BLE001 - the benchmark says that it failed
            answer = {"failure": f"{question['do']}: {type(error).__name__}"}
        print(json.dumps(answer), file=answers, flush=True)


class Timed:
    """CPU, wall time and bytes of what runs inside the block."""

    def __init__(self) -> None:
        self._meter = Meter()
        self.spent: dict[str, float] = {}

    def __enter__(self) -> "Timed":
        self._before, self._start = self._meter.read(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        seconds, spent = time.perf_counter() - self._start, self._meter.read() - self._before
        self.spent = {"wall": seconds, "cpu": spent.cpu, "sent": spent.sent, "received": spent.received}
