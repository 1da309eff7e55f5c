"""Filters: building one and asking it, beside a bare loop of MurmurHash3 and the pure Python backend.

Tags come in pages, as the hub reads them and as the member asks; they are random and made outside of the clock.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import mmh3

from alliance.crypto import bloom
from alliance.crypto.backend import Backend, select
from benchmarks.measure.progress import Say
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes

_PAGE_TAGS: Final = 10_000
_SEED: Final = 20_261_122
_HASH = "bare loop of MurmurHash3 (mmh3)"


def measured(_folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    shape = bloom.Shape.for_listings(sizes.tags, _SEED)
    bits = bytearray(shape.byte_length)
    backend, reference = select(), select("reference")
    say(f"building a filter of {sizes.tags:,} tags")
    build = _rate(sizes.tags, _setter(backend, shape, bits))
    say("asking it")
    ask = _rate(sizes.tags, _asker(backend, shape, bits))
    say("its rivals")
    hashes = _rate(sizes.tags // 4 or 1, _hash)
    rivals = {_HASH: (hashes, hashes)}
    if backend.name != reference.name:
        slow_build = _rate(sizes.python_tags, _setter(reference, shape, bytearray(shape.byte_length)))
        rivals["the reference backend"] = slow_build, _rate(sizes.python_tags, _asker(reference, shape, bits))
    figures = []
    for rival, (rival_build, rival_ask) in rivals.items():
        figures.append(Figure(f"build, {sizes.tags:,} tags", build, "tags/s", rival, rival_build))
        figures.append(Figure(f"ask, {sizes.tags:,} tags in it", ask, "tags/s", rival, rival_ask))
    note = (
        f"wall time on one thread, {backend.name} backend, pages of {_PAGE_TAGS:,}, a filter of "
        f"{shape.byte_length / 2**20:.1f} MiB; asked are tags that are not in it, as nearly all are. The reference is "
        f"measured on {sizes.python_tags:,} tags in a filter of the same size, the bare hash on a quarter."
    )
    return [Section("filter", note, tuple(figures))]


def _pages(tags: int) -> Iterator[bytes]:
    for first in range(0, tags, _PAGE_TAGS):
        yield os.urandom(bloom.TAG_BYTES * min(_PAGE_TAGS, tags - first))


def _rate(tags: int, work: Callable[[bytes], object]) -> float:
    """Give tags a second, the making of pages left out."""
    seconds = 0.0
    for page in _pages(tags):
        start = time.perf_counter()
        work(page)
        seconds += time.perf_counter() - start
    return tags / seconds


def _setter(backend: Backend, shape: bloom.Shape, bits: bytearray) -> Callable[[bytes], object]:
    return lambda page: backend.set_tags(bits, shape.m, shape.seed, page)


def _asker(backend: Backend, shape: bloom.Shape, bits: bytearray) -> Callable[[bytes], object]:
    return lambda page: backend.query_tags(bits, shape.m, shape.seed, page)


def _hash(page: bytes) -> None:
    for start in range(0, len(page), bloom.TAG_BYTES):
        mmh3.mmh3_x64_128_utupledigest(page[start : start + bloom.TAG_BYTES], _SEED)
