"""Finds which of very many patterns stand in a file, and where: one pass over it, however many they are.

Every pattern is known by its last 8 bytes as a number, as in the demo's search (`alliance_server.demo.search`). The
number at each offset of the file goes through two sieves: tables that say of a hash of the number whether any pattern
has it. What both let through is looked up among the numbers themselves, and then compared in full. Nothing that is
there is missed: a sieve passes too much and never too little. Arrays do at once, for a block of offsets, what the
demo's search does one by one, ten times as fast.
"""

import mmap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from alliance_server.demo.patterns import MIN_BYTES, patterns_of

Numbers: TypeAlias = NDArray[np.uint64]
Content: TypeAlias = bytes | mmap.mmap

_BLOCK = 1024 * 1024
"""Bytes that are looked at together."""
_NUMBER = np.dtype("<u8")
_BITS = 22
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
"""Odd numbers of mixed bits: a product's high bits depend on all bits of the other factor."""


def found(texts: Iterable[bytes], path: Path) -> Iterator[tuple[int, bytes, bytes]]:
    """Give each occurrence of each pattern of each text: its offset, the pattern and its text."""
    if not path.stat().st_size:
        return
    ordered = sorted(texts)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield from _confirmed(ordered, _suspects(content, _Anchors(ordered)), content)


class _Anchors:
    """The last 8 bytes of all patterns of texts."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        ends = {pattern[-MIN_BYTES:] for text in texts for pattern in patterns_of(text)}
        self._sorted: Numbers = np.sort(np.frombuffer(b"".join(ends), _NUMBER))
        self._sieves = [(np.uint64(factor), self._sieve(np.uint64(factor))) for factor in _FACTORS]

    def _sieve(self, factor: np.uint64) -> NDArray[np.bool_]:
        table = np.zeros(1 << _BITS, np.bool_)
        table[_hashes(self._sorted, factor)] = True
        return table

    def places(self, numbers: Numbers) -> NDArray[np.intp]:
        """Give the places at which there are anchors."""
        (first, sieve), *further = self._sieves
        places = np.flatnonzero(sieve.take(_hashes(numbers, first)))
        for factor, sieve in further:
            places = places[sieve.take(_hashes(numbers[places], factor))]
        near = np.searchsorted(self._sorted, numbers[places]).clip(max=len(self._sorted) - 1)
        certain: NDArray[np.intp] = places[self._sorted[near] == numbers[places]]
        return certain


def _hashes(numbers: Numbers, factor: np.uint64) -> NDArray[np.int64]:
    hashes = numbers * factor
    hashes >>= np.uint64(64 - _BITS)
    return hashes.view(np.int64)


def _suspects(content: Content, anchors: _Anchors) -> dict[bytes, list[int]]:
    """Give the ends of all anchors in a content, by anchor."""
    ends: dict[bytes, list[int]] = defaultdict(list)
    for start in range(0, len(content), _BLOCK):
        for phase in range(start, start + MIN_BYTES):
            whole = min(_BLOCK, len(content) - phase) // MIN_BYTES
            if whole <= 0:
                break
            numbers = np.frombuffer(content, _NUMBER, whole, phase)
            for place in anchors.places(numbers).tolist():
                begin = phase + place * MIN_BYTES
                ends[content[begin : begin + MIN_BYTES]].append(begin + MIN_BYTES)
    return ends


def _confirmed(
    texts: Iterable[bytes], suspects: dict[bytes, list[int]], content: Content
) -> Iterator[tuple[int, bytes, bytes]]:
    """Compare in full what has the end of a pattern."""
    standing: dict[tuple[bytes, int], dict[bytes, list[int]]] = {}
    for text in texts if suspects else ():
        for pattern in patterns_of(text):
            anchor = pattern[-MIN_BYTES:]
            if (ends := suspects.get(anchor)) is None:
                continue
            size = len(pattern)
            if (anchor, size) not in standing:
                standing[anchor, size] = _by_content(content, ends, size)
            for start in standing[anchor, size].get(pattern, ()):
                yield start, pattern, text


def _by_content(content: Content, ends: Iterable[int], size: int) -> dict[bytes, list[int]]:
    """Give where what of a size begins that ends at some places."""
    starts: dict[bytes, list[int]] = defaultdict(list)
    for end in ends:
        if end >= size:
            starts[content[end - size : end]].append(end - size)
    return starts
