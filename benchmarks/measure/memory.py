"""Memory of processes as the kernel counts it: what they made themselves, apart from what they map from files.

Looked at from outside, so that a process under measure does nothing for it. Between two looks a peak can hide;
they are 20 ms apart. Linux only: elsewhere nothing is known, and the figures are left out.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PROCESSES = Path("/proc")
_EVERY_SECONDS = 0.02
_KIBIBYTE = 1024
_OWN, _MAPPED = ("RssAnon:",), ("RssFile:", "RssShmem:")


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident bytes of a process and its children."""

    own: int = 0
    """Heap, stacks, buffers: what no file holds (`RssAnon`)."""
    mapped: int = 0
    """Pages of files: programs, libraries, filters (`RssFile` and `RssShmem`)."""

    def __add__(self, other: Self) -> "Memory":
        return Memory(self.own + other.own, self.mapped + other.mapped)

    def largest(self, other: Self) -> "Memory":
        """Give the larger of each."""
        return Memory(max(self.own, other.own), max(self.mapped, other.mapped))


def descendants(pid: int) -> list[int]:
    """Give the processes that a process started, and those that they did."""
    found: list[int] = []
    try:
        tasks = [task / "children" for task in (_PROCESSES / str(pid) / "task").iterdir()]
        children = [int(word) for file in tasks for word in file.read_text().split()]
    except OSError:
        return []
    for child in children:
        found += [child, *descendants(child)]
    return found


def memory_of(pid: int) -> Memory:
    """Give the present memory of a process and its children; nothing where the system does not tell."""
    total = Memory()
    for each in (pid, *descendants(pid)):
        try:
            lines = (_PROCESSES / str(each) / "status").read_text().splitlines()
        except OSError:
            continue
        sizes = {words[0]: int(words[1]) * _KIBIBYTE for words in map(str.split, lines) if words[0].startswith("Rss")}
        total += Memory(sum(sizes.get(name, 0) for name in _OWN), sum(sizes.get(name, 0) for name in _MAPPED))
    return total


class Watch:
    """The largest memory of some processes while it is watched."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._ended = threading.Event()
        self.start = self.peak = self._look()

    def _look(self) -> dict[str, Memory]:
        return {name: memory_of(pid) for name, pid in self._pids.items()}

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self.peak = {name: self.peak[name].largest(now) for name, now in self._look().items()}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch from a thread."""
        thread = threading.Thread(target=self._run, name="memory-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()


@contextmanager
def watched(**pids: int) -> Iterator[Watch]:
    """Watch processes by name as long as the block runs."""
    watch = Watch(pids)
    with watch.running():
        yield watch
