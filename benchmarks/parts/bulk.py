"""Bulk: contribute and screen over mutual TLS, beside OpenMined on the same sets.

OpenMined runs in one process a side without any network, its steps one after the other; we have TLS, audit rows,
signatures, sealed labels and proofs in the figure. Its set-up message stands beside our contribution, its request,
process and intersect beside our screening.
"""

from collections.abc import Iterator
from pathlib import Path

from alliance.crypto.backend import select
from benchmarks.goals import MOST_MEMORY, MOST_MEMORY_MB, OPENMINED, SCREEN_PEAK_MEMORY
from benchmarks.measure.clocks import medians
from benchmarks.measure.failure import PeerMissing
from benchmarks.measure.machine import cores
from benchmarks.measure.progress import Say
from benchmarks.parts.canonicalisation import batch_of
from benchmarks.parts.identifier import STEPS, arithmetic, named
from benchmarks.peers.openmined import INTERSECT, PROCESS, REQUEST, SCREENING, SETUP, OpenMined, Screened
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.alliance import HUB, MEMBER, Alliance, Job
from benchmarks.stage.echo import Echo
from benchmarks.stage.messages import BATCH, CHUNK
from benchmarks.stage.samples import listed_count, screened_numbers, texts

_MICRO, _MEGABYTE = 1e6, 1e6
_ECHO_IN_FLIGHT = 3


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    say("arithmetic alone")
    limit = _arithmetic_rows(sizes)
    with Echo(folder) as echo:
        echoes = {
            each: echo.called(each, sizes.large_calls, _ECHO_IN_FLIGHT).rate * each.items for each in (BATCH, CHUNK)
        }
    seeded = max(0, sizes.claims - sizes.contributed)
    with Alliance(folder, say, seeded=seeded) as alliance:
        contribute = alliance.contributed(sizes.contributed)
        jobs, first = [], 0
        with alliance.screener() as member:
            for rows in sizes.screened:
                jobs.append(
                    alliance.screened(
                        member, rows, first=first, listed=sizes.contributed, listed_every=sizes.listed_every
                    )
                )
                first += rows
    missing, peer = [], None
    try:
        peer = _openmined(folder, sizes, say)
    except PeerMissing as error:
        missing.append(str(error))
    figures = [
        *_memory(SCREEN_PEAK_MEMORY, jobs[-1]),
        *_memory("contribute_peak_memory", contribute),
        Figure("contribute: rate", contribute.rate, "rows/s", _alone(), limit),
        Figure("contribute: rate", contribute.rate, "rows/s", "bare grpc.aio echo of chunks of 1,024", echoes[CHUNK]),
    ]
    for job in jobs:
        title = _title(job)
        figures += [
            Figure(f"{title}: rate", job.rate, "rows/s", _alone(), limit),
            Figure(f"{title}: rate", job.rate, "rows/s", "bare grpc.aio echo of batches of 4,096", echoes[BATCH]),
            Figure(f"{title}: cores kept busy", job.cpu / job.seconds, "cores", "cores there are", cores()),
        ]
    if peer is not None:
        figures += [*_contribution_beside(contribute, peer)]
        for job in jobs:
            figures += _beside(job, peer)
    return [Section("bulk", _note(sizes, seeded, peer), tuple(figures), tuple(missing))]


def _alone() -> str:
    return f"arithmetic alone on {cores()} cores"


def _arithmetic_rows(sizes: Sizes) -> float:
    """Give identifiers a second if all cores did nothing but the arithmetic of both sides."""
    backend = select()
    batch, rounds = batch_of(backend, sizes), max(3, sizes.rounds // 2)
    micros = medians(arithmetic(backend, batch, rounds), rounds)
    return cores() * _MICRO / sum(micros[named(backend.name, step, batch)] for step in STEPS)


def _openmined(folder: Path, sizes: Sizes, say: Say) -> Screened:
    with OpenMined(folder, say) as peer:
        say(f"OpenMined: {sizes.peer_screened:,} against {sizes.claims:,}")
        screened = texts(screened_numbers(0, sizes.peer_screened, sizes.listed_every, sizes.contributed))
        return peer.screened(
            texts(range(sizes.claims)), screened, listed_count(sizes.peer_screened, sizes.listed_every)
        )


# -- figures ---------------------------------------------------------------------------------------------------


def _title(job: Job) -> str:
    return f"screen {job.items:,}"


def _memory(name: str, job: Job) -> Iterator[Figure]:
    peaks = {party: job.peak[party].own / _MEGABYTE for party in (MEMBER, HUB)}
    yield Figure(name, max(peaks.values()), "MB", MOST_MEMORY, MOST_MEMORY_MB)
    for party, peak in peaks.items():
        grown = (job.peak[party].own - job.start[party].own) / _MEGABYTE
        mapped = job.peak[party].mapped / _MEGABYTE
        yield Figure(f"{name}: {party}", peak, "MB", MOST_MEMORY, MOST_MEMORY_MB)
        yield Figure(f"{name}: {party}, beyond its start", grown, "MB", "mapped from files", mapped)


def _contribution_beside(job: Job, peer: Screened) -> Iterator[Figure]:
    rival = f"OpenMined: set-up of {peer.listed:,}"
    yield Figure("contribute: rate", job.rate, "rows/s", rival, peer.listed / peer.seconds(SETUP))
    yield Figure("contribute: CPU, both sides", job.cpu * _MICRO / job.items, "µs a row", rival, peer.micros(SETUP))
    yield Figure("contribute: on the wire", job.bytes / job.items, "bytes a row", rival, peer.setup_bytes / peer.listed)


def _beside(job: Job, peer: Screened) -> Iterator[Figure]:
    title, rows = _title(job), job.items
    whole, client, server = OPENMINED, "OpenMined: request, intersect", "OpenMined: process"
    member_cpu, hub_cpu = job.member.cpu * _MICRO / rows, job.hub.cpu * _MICRO / rows
    yield Figure(f"{title}: rate", job.rate, "rows/s", whole, peer.items / peer.seconds(*SCREENING))
    yield Figure(f"{title}: CPU, both sides", member_cpu + hub_cpu, "µs a row", whole, peer.micros(*SCREENING))
    yield Figure(f"{title}: CPU of the member", member_cpu, "µs a row", client, peer.micros(REQUEST, INTERSECT))
    yield Figure(f"{title}: CPU of the hub", hub_cpu, "µs a row", server, peer.micros(PROCESS))
    yield Figure(f"{title}: on the wire", job.bytes / rows, "bytes a row", whole, peer.bytes / peer.items)
    for party, side in ((MEMBER, "client"), (HUB, "server")):
        theirs = peer.peak[side].own / _MEGABYTE
        rival = f"OpenMined: {side}, {peer.items:,} against {peer.listed:,}"
        yield Figure(f"{title}: peak memory of the {party}", job.peak[party].own / _MEGABYTE, "MB", rival, theirs)


def _note(sizes: Sizes, seeded: int, peer: Screened | None) -> str:
    theirs = ""
    if peer is not None:
        theirs = (
            f" OpenMined screened {peer.items:,} against {peer.listed:,}, in memory and without a network; where a "
            "screening of ours has more rows, its rate and cost a row stand for a set of that size."
        )
    return (
        f"hub and SDK in processes of their own, mutual TLS on loopback, SQLite; {sizes.contributed:,} rows "
        f"contributed to {seeded:,} seeded claims; one row in {sizes.listed_every} is a match; all answers were right. "
        "CPU is user and system of whole processes; bytes are TCP's, both directions; memory is what is resident and "
        f"mapped from no file, looked at every 20 ms.{theirs}"
    )
