"""Profiles: where the CPU of a screening and of online checks goes, by sampling hub and member while they work.

The shares are of the CPU of both processes together; `measure/profile.py` says what counts as what. Canonicalisation
is Python: what it costs on these very rows, measured apart, is taken out of the member's interpreter. Sampling costs
something itself, so that no rate is quoted from this part.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alliance.crypto.backend import select
from alliance.identifiers import Kind, canonicalise
from benchmarks.goals import ARITHMETIC as ARITHMETIC_RIVAL
from benchmarks.goals import LEAST_NATIVE, LEAST_NATIVE_PERCENT, NATIVE_SHARE
from benchmarks.measure.clocks import cpu_micros
from benchmarks.measure.failure import PeerMissing
from benchmarks.measure.profile import ARITHMETIC, INTERPRETER, sampled
from benchmarks.measure.progress import Say
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.alliance import HUB, MEMBER, Alliance, Job, Member
from benchmarks.stage.member import Check
from benchmarks.stage.samples import screened_numbers, subject_field

CANONICALISATION: Final = "canonicalisation"
_SCREENING, _CHECKS, _UNIT, _MICRO = "profile of a screening", "profile of online checks", "% of CPU", 1e6
_CANONICALISED = 20_000

Seconds = dict[str, float]
"""CPU seconds by kind of code."""


@dataclass(frozen=True, slots=True)
class _Profile:
    """A job, with its CPU by party and kind of code, and how many samples tell it."""

    job: Job
    seconds: dict[str, Seconds]
    samples: int

    @property
    def both(self) -> Counter[str]:
        """CPU seconds by kind, of both parties."""
        both = Counter[str]()
        for seconds in self.seconds.values():
            both.update(seconds)
        return both


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    listed = min(sizes.contributed, max(1_000, sizes.profiled // sizes.listed_every))
    canonical = _canonicalisation(sizes, listed)
    try:
        with ExitStack() as stack:
            alliance = stack.enter_context(Alliance(folder, say, seeded=max(0, sizes.claims - listed)))
            alliance.contributed(listed)
            member = stack.enter_context(alliance.screener())
            order = Check(sizes.profiled, max(sizes.in_flight), listed, sizes.listed_every, sizes.online_seconds)
            screening = _profiled(
                alliance,
                member,
                lambda: alliance.screened(
                    member, sizes.profiled, first=0, listed=listed, listed_every=sizes.listed_every
                ),
                canonical,
            )
            say("online checks")
            checks = _profiled(alliance, member, lambda: alliance.checked(member, order), 0.0)
    except PeerMissing as error:
        return [Section(_SCREENING, "hub and member under a sampler", (), (str(error),))]
    by = (
        "by perf of both processes, all threads, kernel included; interpreter is libpython and what it asks of kernel "
        f"and C library, native everything else. {select().name} backend."
    )
    note = (
        f"{screening.job.items:,} rows of one identifier against {sizes.claims:,} claims; {screening.samples:,} "
        f"samples {by} `{NATIVE_SHARE}` leaves canonicalisation out, on both sides of the division; it costs "
        f"{canonical:.1f} µs a row by itself, taken from the interpreter's share."
    )
    check_note = f"{checks.job.items:,} checks, {order.in_flight} in flight; {checks.samples:,} samples {by}"
    return [
        Section(_SCREENING, note, (*_native_figures(screening), *_figures(screening, "a row"))),
        Section(_CHECKS, check_note, tuple(_figures(checks, "a check"))),
    ]


def _canonicalisation(sizes: Sizes, listed: int) -> float:
    """Give microseconds of CPU a row of a screening's first rows."""
    rows = min(_CANONICALISED, sizes.profiled)
    fields = [subject_field(number) for number in screened_numbers(0, rows, sizes.listed_every, listed)]
    kinds = {field: Kind(field) for field, _ in fields}
    return cpu_micros(lambda: [canonicalise(kinds[field], text) for field, text in fields], rows)


def _profiled(alliance: Alliance, member: Member, work: Callable[[], Job], canonicalisation: float) -> _Profile:
    """Sample both parties while a job is done."""
    pids = {MEMBER: member.process.pid, HUB: alliance.hub.process.pid}
    with sampled(alliance.folder, **pids) as counts:
        job = work()
    seconds = {
        MEMBER: _seconds(counts[MEMBER], job.member.cpu, canonicalisation * job.items / _MICRO),
        HUB: _seconds(counts[HUB], job.hub.cpu, 0.0),
    }
    return _Profile(job, seconds, sum(sum(each.values()) for each in counts.values()))


def _seconds(counts: Counter[str], cpu: float, canonicalisation: float) -> Seconds:
    """Give a party's CPU seconds by kind, of its samples and of what canonicalisation took."""
    total = sum(counts.values())
    seconds = {kind: cpu * count / total for kind, count in counts.items()}
    apart = min(canonicalisation, seconds.get(INTERPRETER, 0.0))
    return {**seconds, INTERPRETER: seconds.get(INTERPRETER, 0.0) - apart, CANONICALISATION: apart}


def _native_figures(profile: _Profile) -> Iterator[Figure]:
    both, total = profile.both, profile.both.total()
    yield Figure(NATIVE_SHARE, _native_share(both), _UNIT, LEAST_NATIVE, LEAST_NATIVE_PERCENT)
    canonical, arithmetic = (100 * both[kind] / total for kind in (CANONICALISATION, ARITHMETIC))
    yield Figure(f"{NATIVE_SHARE}: {CANONICALISATION}", canonical, _UNIT, ARITHMETIC_RIVAL, arithmetic)
    for party, seconds in profile.seconds.items():
        yield Figure(f"{NATIVE_SHARE}: {party}", _native_share(seconds), _UNIT, LEAST_NATIVE, LEAST_NATIVE_PERCENT)


def _native_share(seconds: Seconds | Counter[str]) -> float:
    apart = sum(seconds.values()) - seconds.get(CANONICALISATION, 0.0)
    return 100 * (apart - seconds.get(INTERPRETER, 0.0)) / apart


def _figures(profile: _Profile, item: str) -> Iterator[Figure]:
    items = profile.job.items
    for kind, _ in profile.both.most_common():
        for party, seconds in profile.seconds.items():
            if seconds.get(kind):
                micros, whole = (value * _MICRO / items for value in (seconds[kind], sum(seconds.values())))
                yield Figure(f"{kind}: {party}", micros, f"µs {item}", f"all CPU of the {party}, {item}", whole)
