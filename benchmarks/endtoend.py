"""Part 4 as it runs: a hub in a process of its own, members in theirs; contribute, screen, check online.

Nothing counts unless every answer is right: all rows filed, every listed identifier found, everything else clear.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.echo import IN_FLIGHT
from benchmarks.hub import BenchmarkHub
from benchmarks.member import Check, Contribute, Done, Screen, Sync, is_listed, serve
from benchmarks.metering import Spent
from benchmarks.processes import Child
from benchmarks.report import BenchmarkFailed
from benchmarks.sizes import Sizes
from benchmarks.timing import Calls

CONTRIBUTOR, SCREENER = "lender-a", "lender-b"
_START_SECONDS, _WORK_SECONDS = 90.0, 900.0

Say = Callable[[str], None]


@dataclass(slots=True)
class Job:
    """One job: its repetitions, and what both parties spent on all of them together."""

    items: int
    """Rows, or checks, of one repetition."""
    member_at_start: Spent
    hub_at_start: Spent
    seconds: list[float] = field(default_factory=list)
    member: Spent = field(default_factory=Spent.nothing)
    hub: Spent = field(default_factory=Spent.nothing)

    @property
    def rate(self) -> float:
        """Items a second, of the median repetition."""
        return self.items / median(self.seconds)

    @property
    def all_items(self) -> int:
        """Items of all repetitions."""
        return self.items * len(self.seconds)

    @property
    def both(self) -> Spent:
        """What member and hub spent together."""
        return self.member + self.hub

    def add(self, done: Done, hub: Spent) -> None:
        """Take a repetition in."""
        self.seconds.append(done.seconds)
        self.member += done.spent
        self.hub += hub


@dataclass(frozen=True, slots=True)
class Measured:
    """What part 4 found."""

    contribute: Job
    screen: Job
    check: Job
    one: Calls
    many: Calls


def measured_end_to_end(folder: Path, sizes: Sizes, say: Say) -> Measured:
    """Make a hub, contribute, screen and check; everything lies in the folder and is ended at the end."""
    say("making a hub")
    with BenchmarkHub(folder, (CONTRIBUTOR, SCREENER)) as hub:
        with _member(hub, CONTRIBUTOR) as member:
            contribute = _contribute(hub, member, sizes, say)
        with _member(hub, SCREENER) as member:
            member.process.ask(Sync(contribute.all_items), _START_SECONDS)
            screen = _screen(hub, member, sizes, say)
        with _member(hub, SCREENER) as member:
            return Measured(contribute, screen, *_check(hub, member, sizes, say))


@dataclass(frozen=True, slots=True)
class _Member:
    process: Child
    at_start: Spent

    def __enter__(self) -> "_Member":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


def _member(hub: BenchmarkHub, name: str) -> _Member:
    process = Child(name, hub.logs, serve, hub.bundles[name], hub.logs / name)
    try:
        return _Member(process, process.answer(_START_SECONDS))
    except BaseException:
        process.stop()
        raise


def _do(hub: BenchmarkHub, member: _Member, question: object, expected: dict[str, int]) -> tuple[Done, Spent]:
    """Have one repetition done; raises BenchmarkFailed unless the outcomes are those expected."""
    before = hub.spent()
    done = member.process.ask(question, _WORK_SECONDS)
    spent = hub.spent() - before
    if not isinstance(done, Done) or done.outcomes != {word: count for word, count in expected.items() if count}:
        found = done.outcomes if isinstance(done, Done) else "nothing"
        raise BenchmarkFailed(f"{type(question).__name__}: expected {expected}, found {found}")
    return done, spent


def _contribute(hub: BenchmarkHub, member: _Member, sizes: Sizes, say: Say) -> Job:
    job = Job(sizes.rows, member.at_start, hub.at_start())
    for turn in range(sizes.repeats):
        say(f"contribute {sizes.rows:,} rows, {turn + 1} of {sizes.repeats}")
        order = Contribute(turn * sizes.rows, sizes.rows)
        job.add(*_do(hub, member, order, {"accepted": sizes.rows}))
    return job


def _screen(hub: BenchmarkHub, member: _Member, sizes: Sizes, say: Say) -> Job:
    job = Job(sizes.screened, member.at_start, hub.at_start())
    for turn in range(sizes.repeats):
        say(f"screen {sizes.screened:,} rows, {turn + 1} of {sizes.repeats}")
        order = Screen(turn * sizes.screened, sizes.screened, sizes.rows)
        job.add(*_do(hub, member, order, _states(sizes.screened)))
    return job


def _check(hub: BenchmarkHub, member: _Member, sizes: Sizes, say: Say) -> tuple[Job, Calls, Calls]:
    """Check one at a time, then many; the first few do not count: connection, filter and facts are fetched."""
    say("online checks, one at a time")
    first = sizes.screened * sizes.repeats
    _do(hub, member, Check(first, 10, 1, sizes.rows), _states(10))
    job = Job(sizes.checks, member.at_start, hub.at_start())
    one, spent = _do(hub, member, Check(first + 10, sizes.checks, 1, sizes.rows), _states(sizes.checks))
    job.add(one, spent)
    say(f"online checks, {IN_FLIGHT} in flight")
    count = 5 * sizes.checks
    many, _ = _do(hub, member, Check(first + 10 + sizes.checks, count, IN_FLIGHT, sizes.rows), _states(count))
    if one.calls is None or many.calls is None:
        raise BenchmarkFailed("the checks were not timed")
    return job, one.calls, many.calls


def _states(count: int) -> dict[str, int]:
    matches = sum(map(is_listed, range(count)))
    return {"match": matches, "clear": count - matches}
