"""Watching: a book of a member's own customers against a delta of new claims, beside the bare look-up of its tags.

The book is added through a hub as a member does it. Then others file claims, a hundred of them about customers in the
book, and the clock runs from the question until the events are written and acknowledged: the delta is fetched and
applied, all tags are looked up, the buckets of hits come with their decoys, boxes are opened.
"""

import os
import time
from pathlib import Path
from statistics import median
from typing import Final

from alliance.crypto import bloom
from alliance.crypto.backend import select
from benchmarks.measure.progress import Say
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.alliance import LOADER, MEMBER, SCREENER, Alliance, Job, Member
from benchmarks.stage.member import Add, Look, Sync, write_rows
from benchmarks.stage.samples import screened_numbers
from member_client._book.model import SEGMENT_ENTRIES

_SEED: Final = 20_261_130
_MATCHES: Final = 100
_BARE = "bare look-up of as many tags, one thread"
_TAGS = "the tags alone, 32 bytes each"
_MEGABYTE: Final = 1_000_000


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    registry = sizes.claims // 10
    with Alliance(folder, say, seeded=registry) as alliance:
        added = _added(alliance, sizes, say)
        with Member(alliance, SCREENER) as member:
            say("reading the book")
            read = member.does(Look(), lambda _items: {})
            alliance.contributed(sizes.delta)
            with Member(alliance, LOADER) as other:
                other.does(Sync(alliance.sequence), lambda _items: {})
            say("holding it against the delta")
            told = member.does(Look(), lambda _items: {"match.new": _MATCHES})
    say("the bare look-up")
    return [Section("watch", _note(sizes, registry), _figures(sizes, registry, added, read, told))]


def _added(alliance: Alliance, sizes: Sizes, say: Say) -> Job:
    say(f"adding {sizes.watched:,} identifiers to a book")
    path = alliance.folder / "watched.tsv"
    write_rows(path, screened_numbers(0, sizes.watched, sizes.watched // _MATCHES, _MATCHES))
    with Member(alliance, SCREENER) as member:
        added = member.does(Add(path), lambda _items: {"added": sizes.watched})
        say("looking at it for the first time")
        member.does(Look(), lambda _items: {})
    return added


def _figures(sizes: Sizes, registry: int, added: Job, read: Job, told: Job) -> tuple[Figure, ...]:
    bare, segmented = _seconds(sizes, registry)
    own = told.peak[MEMBER].own
    tags = bloom.TAG_BYTES * sizes.watched
    return (
        Figure("all tags looked up, by segments", segmented, "s", _BARE, bare),
        Figure("delta to events acknowledged", told.seconds, "s", _BARE, bare),
        Figure("delta to events: CPU of the member", told.member.cpu, "s", _BARE, bare),
        Figure("book read from the disk, sealed", read.seconds, "s", _BARE, bare),
        Figure("added to the book", added.seconds / sizes.watched * 1e6, "µs", _BARE, bare / sizes.watched * 1e6),
        Figure("book read: memory more than before", _more(read), "MB", _TAGS, tags / _MEGABYTE),
        Figure("delta to events: the member's peak memory", own / _MEGABYTE, "MB", _TAGS, tags / _MEGABYTE),
    )


def _more(job: Job) -> float:
    return max(0, job.peak[MEMBER].own - job.start[MEMBER].own) / _MEGABYTE


def _seconds(sizes: Sizes, registry: int) -> tuple[float, float]:
    """Look as many random tags up in a filter as full as the hub's: at once, and by segments as a book does."""
    builder = bloom.FilterBuilder(bloom.Shape.for_listings(registry, _SEED))
    builder.fill(os.urandom(bloom.TAG_BYTES * (registry + sizes.delta)))
    held, tags = bloom.Filter(builder.shape, builder.bits), os.urandom(bloom.TAG_BYTES * sizes.watched)
    size = bloom.TAG_BYTES * SEGMENT_ENTRIES
    segments = [tags[start : start + size] for start in range(0, len(tags), size)]
    bare, segmented = [], []
    for _ in range(sizes.rounds):
        start = time.perf_counter()
        held.hits(tags)
        middle = time.perf_counter()
        for segment in segments:
            held.hits(segment)
        bare.append(middle - start)
        segmented.append(time.perf_counter() - middle)
    return median(bare), median(segmented)


def _note(sizes: Sizes, registry: int) -> str:
    return (
        f"a book of {sizes.watched:,} identifiers, a registry of {registry:,} claims and {sizes.delta:,} new ones, "
        f"{_MATCHES} of them about the book; hub and member in processes of their own, mutual TLS on loopback. From "
        f"the question to events that are acknowledged: delta, look-up of all tags, buckets with three decoys a hit, "
        f"all flushed to the disk. {select().name} backend."
    )
