"""A hub with its members, and jobs done on it: nothing counts unless every answer is right.

Right means: all rows filed, every listed identifier found, everything else clear.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.measure.calls import Calls
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.memory import Memory, watched
from benchmarks.measure.processes import Child
from benchmarks.measure.progress import Say
from benchmarks.measure.resources import Spent
from benchmarks.stage import load
from benchmarks.stage.hub import BenchmarkHub
from benchmarks.stage.load import Load
from benchmarks.stage.member import Check, Contribute, Done, Question, Screen, Sync, serve, write_rows
from benchmarks.stage.samples import listed_count, screened_numbers
from benchmarks.stage.seeding import seed

CONTRIBUTOR, SCREENER, LOADER = "lender-a", "lender-b", "lender-c"
MEMBER: Final = "member"
HUB: Final = "hub"
_START_SECONDS, _WORK_SECONDS = 900.0, 7200.0


@dataclass(frozen=True, slots=True)
class Job:
    """One job: how long it took, what both parties spent on it, and their memory before and at most."""

    items: int
    """Rows, or checks."""
    seconds: float
    member: Spent
    hub: Spent
    start: dict[str, Memory]
    peak: dict[str, Memory]
    calls: Calls | None = None

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.seconds

    @property
    def cpu(self) -> float:
        """CPU seconds of both parties."""
        return self.member.cpu + self.hub.cpu

    @property
    def bytes(self) -> int:
        """Bytes on the wire, both directions."""
        return self.member.sent + self.member.received


class Member:
    """A member's process, its SDK open and its filter fresh."""

    def __init__(self, alliance: "Alliance", name: str) -> None:
        """Start it and wait until it is ready; `ready` says what that took, from opened keys to a fresh filter."""
        self._hub = alliance.hub
        self.process = Child(name, alliance.folder, serve, alliance.hub.bundles[name], alliance.folder / name)
        try:
            self.ready: Done = self.process.answer(_START_SECONDS)
        except BaseException:
            self.process.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def does(self, question: Question, expected: Callable[[int], dict[str, int]]) -> Job:
        """Have a job done; raises BenchmarkFailed unless its outcomes are those expected of so many items."""
        with watched(**{MEMBER: self.process.pid, HUB: self._hub.process.pid}) as watch:
            before = self._hub.spent()
            done: Done = self.process.ask(question, _WORK_SECONDS)
            hub = self._hub.spent() - before
        items = sum(done.outcomes.values())
        if done.outcomes != {word: count for word, count in expected(items).items() if count}:
            raise BenchmarkFailed(f"{type(question).__name__.lower()}: {done.outcomes} instead of {expected(items)}")
        return Job(items, done.seconds, done.spent, hub, watch.start, watch.peak, done.calls)


class Alliance:
    """A hub that serves, with claims of a seeder in its registry."""

    def __init__(self, folder: Path, say: Say, *, seeded: int = 0) -> None:
        """Make a hub in the folder and seed it; `with` it, it serves."""
        self.folder = folder
        say("making a hub")
        self.hub = BenchmarkHub(folder, (CONTRIBUTOR, SCREENER, LOADER))
        if seeded:
            seed(self.hub.database, seeded, lambda done: say(f"seeding {done:,} of {seeded:,} claims"))
        self.sequence = seeded
        self._say = say
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._say("starting the hub")
        self._stack.enter_context(self.hub)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def contributed(self, rows: int) -> Job:
        """Contribute the rows of numbers from 0 on."""
        self._say(f"contributing {rows:,} rows")
        path = self.folder / "contributed.tsv"
        write_rows(path, range(rows))
        with Member(self, CONTRIBUTOR) as member:
            job = member.does(Contribute(path), lambda _items: {"accepted": rows})
        self.sequence += rows
        return job

    @contextmanager
    def screener(self) -> Iterator[Member]:
        """Give another member, its filter up to all that was filed."""
        with Member(self, SCREENER) as member:
            member.does(Sync(self.sequence), lambda _items: {})
            yield member

    def screened(self, member: Member, rows: int, *, first: int, listed: int, listed_every: int) -> Job:
        """Screen rows, one in so many about one of the first `listed` numbers, the others fresh from `first` on."""
        self._say(f"screening {rows:,} rows")
        path = self.folder / "screened.tsv"
        write_rows(path, screened_numbers(first, rows, listed_every, listed))
        return member.does(Screen(path), lambda items: _states(items, listed_every))

    def checked(self, member: Member, order: Check) -> Job:
        """Check subjects online."""
        return member.does(order, lambda items: _states(items, order.listed_every))

    @contextmanager
    def loader(self) -> Iterator[Callable[[Load], Calls]]:
        """Give what makes prepared calls, under a member of its own."""
        with Member(self, LOADER):
            pass  # enrolled, that is all
        with Child("load", self.folder, load.serve, self.folder / LOADER) as process:
            process.answer(_START_SECONDS)
            yield lambda order: process.ask(order, _WORK_SECONDS)


def _states(items: int, listed_every: int) -> dict[str, int]:
    matches = listed_count(items, listed_every)
    return {"match": matches, "clear": items - matches}
