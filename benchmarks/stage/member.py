"""A member of a run: the SDK as its users call it, in a process of its own.

It answers questions that come through the pipe, one after the other, with what it did and what it spent on it; only
counts leave. Rows are read from a file, a kind and an identifier a line, as a user's program would stream them.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from alliance.identifiers import Kind
from alliance.taxonomy import Category, EvidenceLevel, SubjectRole
from benchmarks.measure.calls import Calls, called, called_for
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.processes import Pipe
from benchmarks.measure.resources import Meter, Spent
from benchmarks.stage.hub import confirm
from benchmarks.stage.samples import FRESH, is_listed, oaid, phone, resident_id, subject_field
from member_client import AllianceClient, Consent, ContributionRow, Profile, Subject, enrol, fingerprint

CHECK_DEADLINE_MS = 60_000
_SYNC_SECONDS, _SYNC_PAUSE = 600.0, 0.05


@dataclass(frozen=True, slots=True)
class Contribute:
    """Contribute the rows of a file."""

    rows: Path


@dataclass(frozen=True, slots=True)
class Screen:
    """Screen the rows of a file."""

    rows: Path


@dataclass(frozen=True, slots=True)
class Check:
    """Check subjects of three identifiers online, one in so many about one of the first `listed` numbers.

    For some seconds, or until `count` checks are made.
    """

    first: int
    in_flight: int
    listed: int
    listed_every: int
    seconds: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Sync:
    """Bring the filter up to a sequence of the registry."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Add:
    """Add the rows of a file to the book that is watched."""

    rows: Path


@dataclass(frozen=True, slots=True)
class Look:
    """Hold the book against the filter as it is now, and acknowledge what happened."""


Question = Contribute | Screen | Check | Sync | Add | Look


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: wall seconds, outcomes by word, what this process spent, and each call's time for checks."""

    seconds: float
    outcomes: dict[str, int]
    spent: Spent
    calls: Calls | None = None


def write_rows(path: Path, numbers: Iterable[int]) -> None:
    """Write the rows that `Contribute` and `Screen` read."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines("{}\t{}\n".format(*subject_field(number)) for number in numbers)


def serve(pipe: Pipe, bundle: Path, folder: Path) -> None:
    """Enrol if need be, open the SDK, say so, and answer until ended."""
    try:
        asyncio.run(_serve(pipe, bundle, folder))
    except EOFError:
        return  # the benchmark is done with this member
    except Exception as error:
        pipe.send(BenchmarkFailed(f"the member's process: {type(error).__name__}: {error}"))
        raise


async def _serve(pipe: Pipe, bundle: Path, folder: Path) -> None:
    profile = Profile.load(folder) if (folder / "profile.toml").exists() else await enrolled(bundle, folder)
    meter = Meter()
    async with AllianceClient(profile, deadline_ms=CHECK_DEADLINE_MS) as client:
        start = time.perf_counter()
        await client.ready(_SYNC_SECONDS)
        pipe.send(Done(time.perf_counter() - start, {}, meter.read()))
        while True:
            question = await asyncio.to_thread(pipe.recv)
            before, start = meter.read(), time.perf_counter()
            outcomes, calls = await _answer(client, question)
            seconds = time.perf_counter() - start
            pipe.send(Done(seconds, dict(outcomes), meter.read() - before, calls))


async def enrolled(bundle: Path, folder: Path) -> Profile:
    """Enrol by a bundle, and have the key confirmed."""
    profile = await enrol(bundle, folder)
    await asyncio.to_thread(confirm, profile.member, fingerprint(profile), bundle)
    return profile


async def _answer(client: AllianceClient, question: Question) -> tuple[Counter[str], Calls | None]:
    match question:
        case Contribute():
            return await _contributed(client, question), None
        case Screen():
            return await _screened(client, question), None
        case Check():
            return await _checked(client, question)
        case Add():
            return await _added(client, question), None
        case Look():
            return await _looked(client), None
        case Sync():
            await _synced(client, question)
            return Counter(), None


def _lines(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n").split("\t")


async def _contributed(client: AllianceClient, order: Contribute) -> Counter[str]:
    rows = (
        ContributionRow(
            kind=Kind(field),
            text=text,
            category=Category.FALSE_APPLICATION,
            role=SubjectRole.PERPETRATOR,
            evidence=EvidenceLevel.E1,
            row_number=number,
        )
        for number, (field, text) in enumerate(_lines(order.rows))
    )
    outcomes = Counter[str]()
    async for result in client.contribute(rows):
        outcomes[result.outcome] += 1
    return outcomes


async def _screened(client: AllianceClient, order: Screen) -> Counter[str]:
    subjects = (Subject.of(str(place), {field: text}) for place, (field, text) in enumerate(_lines(order.rows)))
    verdicts = client.screen_many(subjects, purpose="portfolio_screening", consent=Consent.of("benchmark"))
    states = Counter[str]()
    async for verdict in verdicts:
        states[verdict.state] += 1
    return states


async def _added(client: AllianceClient, order: Add) -> Counter[str]:
    subjects = (Subject.of(str(place), {field: text}) for place, (field, text) in enumerate(_lines(order.rows)))
    report = await client.watch_add(subjects, consent=Consent.of("benchmark"))
    return Counter(added=report.added)


async def _looked(client: AllianceClient) -> Counter[str]:
    kinds = Counter[str]()
    async for events in client.watch_batches(follow=False):
        kinds.update(event.kind for event in events)
        await client.watch_acknowledge(events[-1].number)
    return kinds


async def _checked(client: AllianceClient, order: Check) -> tuple[Counter[str], Calls]:
    consent, states = Consent.of("benchmark"), Counter[str]()

    async def check(place: int) -> None:
        number = FRESH + order.first + place
        listed = 2 * (place % (order.listed // 2))  # even numbers are telephone numbers
        subject = Subject(
            f"check-{number}",
            phone=phone(listed if is_listed(place, order.listed_every) else number),
            resident_id=resident_id(number),
            oaid=oaid(number),
        )
        verdict = await client.screen(subject, purpose="loan_application", consent=consent, request_id=subject.ref)
        states[verdict.state] += 1

    if order.count:
        return states, await called(check, order.count, order.in_flight)
    calls = await called_for(check, order.seconds, order.in_flight)
    return states, calls


async def _synced(client: AllianceClient, order: Sync) -> None:
    end = time.monotonic() + _SYNC_SECONDS
    while (await client.sync()).sequence < order.sequence:
        if time.monotonic() > end:
            raise BenchmarkFailed("the filter did not follow the registry")
        await asyncio.sleep(_SYNC_PAUSE)
