"""A small set against a large one: SecretFlow's unbalanced PSI, and the same sets through hub and SDK.

What each does. SecretFlow: no proofs, no TLS, one pair of parties; offline, the server evaluates its whole set and
hands the results over; online, the client's set is blinded, evaluated and looked up. We: proofs, mutual TLS, an audit
row a call, any number of members; the registry was evaluated when it was contributed, and a filter of it is handed
over; a hit is then confirmed from a sealed entry.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure.failure import PeerMissing
from benchmarks.measure.progress import Say
from benchmarks.peers.secretflow import SecretFlow, Step
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.alliance import HUB, MEMBER, Alliance, Job
from benchmarks.stage.member import Done
from benchmarks.stage.samples import listed_count, screened_numbers, texts

_MICRO, _MEGABYTE = 1e6, 1e6
_CONTRIBUTED = 10_000
_SIDES = (("client", MEMBER), ("server", HUB))


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    contributed = min(_CONTRIBUTED, sizes.peer_server // 2)
    try:
        offline, steps = _theirs(folder, sizes, contributed, say)
    except PeerMissing as error:
        return [Section("unbalanced", "SecretFlow beside hub and SDK", (), (str(error),))]
    with Alliance(folder, say, seeded=sizes.peer_server - contributed) as alliance:
        contribute = alliance.contributed(contributed)
        with alliance.screener() as member:
            ready = member.ready
            jobs = [
                alliance.screened(member, rows, first=first, listed=contributed, listed_every=sizes.listed_every)
                for first, rows in _clients(sizes)
            ]
    figures = [*_before(contribute, ready, offline, sizes.peer_server)]
    for job, step in zip(jobs, steps, strict=True):
        figures += _online(job, step)
    note = (
        "spu 0.9.5, ECDH-OPRF on FourQ, two processes on loopback without TLS, as many threads as it likes, without "
        f"proofs; we with proofs, mutual TLS and durable audit rows. Server's set: {sizes.peer_server:,}; offline is "
        f"once for it. Ours: {contributed:,} rows contributed to seeded claims; one row in {sizes.listed_every} is "
        "common. CPU of whole processes, both sides."
    )
    return [Section("unbalanced", note, tuple(figures))]


def _clients(sizes: Sizes) -> Iterator[tuple[int, int]]:
    """Give each client's first fresh number and its rows."""
    first = 0
    for rows in sizes.peer_clients:
        yield first, rows
        first += rows


def _theirs(folder: Path, sizes: Sizes, contributed: int, say: Say) -> tuple[Step, list[Step]]:
    with SecretFlow(folder, texts(range(sizes.peer_server)), say) as peer:
        say(f"SecretFlow offline, {sizes.peer_server:,}")
        offline = peer.offline()
        steps = []
        for first, rows in _clients(sizes):
            say(f"SecretFlow online, {rows:,}")
            screened = texts(screened_numbers(first, rows, sizes.listed_every, contributed))
            steps.append(peer.online(screened, listed_count(rows, sizes.listed_every)))
    return offline, steps


def _before(contribute: Job, ready: Done, offline: Step, items: int) -> Iterator[Figure]:
    rival = "SecretFlow offline"
    yield Figure(
        "an item of the server's set: CPU, contributed",
        contribute.cpu * _MICRO / contribute.items,
        "µs",
        rival,
        offline.both * _MICRO / items,
    )
    yield Figure("before the first query: wall, filter fetched", ready.seconds, "s", rival, offline.wall)
    received = (ready.spent.sent + ready.spent.received) / _MEGABYTE
    yield Figure("before the first query: on the wire", received, "MB", rival, offline.bytes / _MEGABYTE)


def _online(job: Job, step: Step) -> Iterator[Figure]:
    rival, title = "SecretFlow online", f"{job.items:,} against the set"
    yield Figure(f"{title}: wall", job.seconds, "s", rival, step.wall)
    yield Figure(f"{title}: CPU, both sides", job.cpu, "s", rival, step.both)
    cpu = {MEMBER: job.member.cpu, HUB: job.hub.cpu}
    for side, party in _SIDES:
        yield Figure(f"{title}: CPU of the {party}", cpu[party], "s", f"{rival}: {side}", step.cpu[side])
    yield Figure(f"{title}: on the wire", job.bytes / _MEGABYTE, "MB", rival, step.bytes / _MEGABYTE)
    for side, party in _SIDES:
        own, theirs = job.peak[party].own / _MEGABYTE, step.peak[side].own / _MEGABYTE
        yield Figure(f"{title}: peak memory of the {party}", own, "MB", f"{rival}: {side}", theirs)
