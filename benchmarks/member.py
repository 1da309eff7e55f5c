"""A member of the benchmark: the SDK as its users call it, in a process of its own with a meter inside.

It answers questions that come through the pipe, one after the other, with what it did and what it spent on it. The
identifiers are computed here from their numbers; only counts leave.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alliance.identifiers import Kind
from alliance.taxonomy import Category, EvidenceLevel, SubjectRole
from benchmarks.metering import Meter, Spent, forget_peak, installed_meter
from benchmarks.processes import Pipe
from benchmarks.report import BenchmarkFailed
from benchmarks.samples import oaid, phone, resident_id, subject_field
from benchmarks.timing import Calls, called
from member_client import AllianceClient, Consent, ContributionRow, Profile, Subject, enrol

CHECK_DEADLINE_MS = 30_000
LISTED_EVERY = 50
"""Every so many checks, and every so many screened rows, are about a claim of another member."""
FRESH = 20_000_000
"""Numbers from here on are of identifiers that nobody contributes."""
_SYNC_SECONDS, _SYNC_PAUSE = 60.0, 0.2


@dataclass(frozen=True, slots=True)
class Contribute:
    """Contribute rows of consecutive numbers."""

    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Screen:
    """Screen rows of one identifier, some of them among the first `listed` numbers; the others from `first` on."""

    first: int
    rows: int
    listed: int


@dataclass(frozen=True, slots=True)
class Check:
    """Check subjects of three identifiers online, some of them among the first `listed` numbers."""

    first: int
    count: int
    width: int
    listed: int


@dataclass(frozen=True, slots=True)
class Sync:
    """Bring the filter up to a sequence of the registry."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: wall seconds, outcomes by word, what this process spent, and each call's time for checks."""

    seconds: float
    outcomes: dict[str, int]
    spent: Spent
    calls: Calls | None = None


def serve(pipe: Pipe, bundle: Path, folder: Path) -> None:
    """Enrol if need be, open the SDK, say so with what was spent until then, and answer until ended."""
    meter = installed_meter()
    try:
        asyncio.run(_serve(pipe, bundle, folder, meter))
    except EOFError:
        return  # the benchmark is done with this member
    except Exception as error:
        pipe.send(BenchmarkFailed(f"the member's process: {type(error).__name__}: {error}"))
        raise


async def _serve(pipe: Pipe, bundle: Path, folder: Path, meter: Meter) -> None:
    profile = Profile.load(folder) if (folder / "profile.toml").exists() else await enrol(bundle, folder)
    async with AllianceClient(profile, deadline_ms=CHECK_DEADLINE_MS) as client:
        await client.ready(_SYNC_SECONDS)
        forget_peak()
        pipe.send(meter.read())
        while True:
            question = await asyncio.to_thread(pipe.recv)
            before, start = meter.read(), time.perf_counter()
            calls: Calls | None = None
            match question:
                case Contribute():
                    outcomes = await _contributed(client, question)
                case Screen():
                    outcomes = await _screened(client, question)
                case Check():
                    outcomes, calls = await _checked(client, question)
                case Sync():
                    outcomes = await _synced(client, question)
                case _:
                    raise BenchmarkFailed("an unknown question")
            seconds = time.perf_counter() - start
            pipe.send(Done(seconds, dict(outcomes), meter.read() - before, calls))


async def _contributed(client: AllianceClient, order: Contribute) -> Counter[str]:
    def rows() -> Iterator[ContributionRow]:
        for number in range(order.first, order.first + order.rows):
            field, text = subject_field(number)
            yield ContributionRow(
                kind=Kind(field),
                text=text,
                category=Category.FALSE_APPLICATION,
                role=SubjectRole.PERPETRATOR,
                evidence=EvidenceLevel.E1,
                row_number=number,
            )

    return Counter([str(result.outcome) async for result in client.contribute(rows())])


async def _screened(client: AllianceClient, order: Screen) -> Counter[str]:
    def subjects() -> Iterator[Subject]:
        for place in range(order.rows):
            number = place % order.listed if is_listed(place) else FRESH + order.first + place
            field, text = subject_field(number)
            yield Subject.of(str(place), {field: text})

    consent = Consent.of("benchmark")
    verdicts = client.screen_many(subjects(), purpose="portfolio_screening", consent=consent)
    return Counter([str(verdict.state) async for verdict in verdicts])


async def _checked(client: AllianceClient, order: Check) -> tuple[Counter[str], Calls]:
    consent, states = Consent.of("benchmark"), Counter[str]()

    async def check(place: int) -> None:
        number = FRESH + order.first + place
        listed = 2 * (place % (order.listed // 2))  # even numbers are telephone numbers
        subject = Subject(
            f"check-{number}",
            phone=phone(listed if is_listed(place) else number),
            resident_id=resident_id(number),
            oaid=oaid(number),
        )
        verdict = await client.screen(subject, purpose="loan_application", consent=consent, request_id=subject.ref)
        states[str(verdict.state)] += 1

    calls = await called(check, order.count, order.width)
    return states, calls


async def _synced(client: AllianceClient, order: Sync) -> Counter[str]:
    end = time.monotonic() + _SYNC_SECONDS
    while (await client.sync()).sequence < order.sequence:
        if time.monotonic() > end:
            raise BenchmarkFailed("the filter did not follow the registry")
        await asyncio.sleep(_SYNC_PAUSE)
    return Counter()


def is_listed(place: int) -> bool:
    """Tell whether the row or check of this place is about a claim of another member."""
    return place % LISTED_EVERY == LISTED_EVERY - 1
