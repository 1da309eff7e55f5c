"""The alliance's Bloom filter (protocol §5) and the bucket prefixes that go with it (§6), without I/O.

Rules:

1. A filter rules out, it never accuses: a hit means "fetch the bucket", nothing more.
2. It takes tags only: 32 bytes of OPRF output, already keyed. MurmurHash3 spreads them and protects nothing;
   an identifier must never get here.
3. Whatever came from the hub (shape, bits, delta, n) and does not fit raises `FilterInvalid` before a bit
   changes. A tag of the wrong length is the caller's mistake and raises `ValueError`, since a member that
   hashed the wrong bytes would read "clear". No message shows a tag.
4. Every party computes the same bits: sizes and positions are integer arithmetic only. Floats appear in the
   population estimate, which is a tolerance check and no format.

What it does not do: verify the header's signature, hash the bits, map files, or count bits back out.

Tags come packed, 32 bytes each; the bits are set and looked at by the process's backend (`backend/`).

Sources: MurmurHash3_x64_128 by A. Appleby (SMHasher); enhanced double hashing by Dillinger and Manolios,
"Bloom Filters in Probabilistic Verification", FMCAD 2004, §5.2; the population estimate by Swamidass and
Baldi, J. Chem. Inf. Model. 47 (2007) 952.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from mmh3 import mmh3_x64_128_utupledigest as _murmur

from alliance.crypto.backend import backend
from alliance.errors import FilterInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from mmap import mmap

TAG_BYTES: Final = 32
K: Final = 10
M_MIN: Final = 2**16
M_MAX: Final = 2**36  # 8 GiB of bits: far above any alliance, low enough to refuse a header by
MAX_PREFIX_BITS: Final = 20

# m = 64·⌈n·c⌉ with c = 1.25·k / (64·ln 2), which is irrational. P/Q is the convergent of c's continued
# fraction that lies above it with the first Q beyond N_MAX. No fraction of a smaller denominator lies between
# a convergent and its limit, so ⌈n·P/Q⌉ = ⌈n·c⌉ for every n < Q: exactly the protocol's formula. All of it
# fits in an unsigned 64-bit integer, whereas float64 goes wrong, at
# n = 229,308,699 for one.
_P: Final = 3_004_227_541
_Q: Final = 10_661_743_871
N_MAX: Final = M_MAX // 64 * _Q // _P

_MASK64: Final = 2**64 - 1
_POPCOUNT_CHUNK: Final = 2**16  # bytes; larger is no faster, smaller pays the interpreter

_TOLERANCE: Final = 0.10
_NOISE_SIGMAS: Final = 6.0
_NOISE_BITS: Final = 4.0


# -- sizes ---------------------------------------------------------------------------------------------------


def bit_count_for(n: int) -> int:
    """Return m, the bits of a filter for n listings: max(2^16, ⌈1.25·n·k/ln 2⌉), up to a multiple of 64.

    The quarter on top is room for deltas: at 1.25·n tags the filter is half full and lets 2^-10 through.
    """
    _require_listings(n)
    return max(M_MIN, 64 * -(-n * _P // _Q))


def prefix_bits(n: int) -> int:
    """Return the length of a bucket prefix for n listings: max(0, ⌊log2(n/64)⌋), at most 20."""
    _require_listings(n)
    return min(MAX_PREFIX_BITS, max(0, n.bit_length() - 7))


def prefix_of(tag: bytes, bits: int) -> int:
    """Return the leading `bits` (0 to 20) of a tag, most significant first, as an integer."""
    if len(tag) != TAG_BYTES:
        raise _wrong_tag()
    if not 0 <= bits <= MAX_PREFIX_BITS:
        raise ValueError("a prefix has 0 to 20 bits")
    return int.from_bytes(tag[:3], "big") >> (24 - bits)


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers that fix where a tag's bits lie: m bits, k probes, a 32-bit seed drawn for each snapshot.

    Raises `FilterInvalid` for any shape that the protocol cannot have produced, so a hostile header ends
    here and not in an allocation.
    """

    m: int
    k: int
    seed: int

    def __post_init__(self) -> None:
        if any(type(value) is not int for value in (self.m, self.k, self.seed)):
            raise FilterInvalid("a filter's shape is made of integers")
        if self.k != K:
            raise FilterInvalid("a filter has 10 probes")
        if not M_MIN <= self.m <= M_MAX or self.m % 64:
            raise FilterInvalid("a filter has 2^16 to 2^36 bits, a multiple of 64")
        if not 0 <= self.seed < 2**32:
            raise FilterInvalid("a filter's seed has 32 bits")

    @classmethod
    def for_listings(cls, n: int, seed: int) -> Shape:
        """Return the shape that the protocol gives n listings; the caller draws the seed."""
        return cls(bit_count_for(n), K, seed)

    @property
    def byte_length(self) -> int:
        """Length of the bits, in bytes."""
        return self.m // 8


# -- positions -----------------------------------------------------------------------------------------------


def positions_of(tag: bytes, shape: Shape) -> tuple[int, ...]:
    """Return the k positions of a tag, in probe order: ((h1 + i·h2 + (i³ − i)/6) mod 2^64) mod m.

    This is the formula as the protocol writes it; backends reach the same values by additions.
    """
    if len(tag) != TAG_BYTES:
        raise _wrong_tag()
    h1, h2 = _murmur(tag, shape.seed)
    return tuple(((h1 + i * h2 + (i**3 - i) // 6) & _MASK64) % shape.m for i in range(K))


# -- filters -------------------------------------------------------------------------------------------------


class FilterBuilder:
    """The hub's side: a filter that grows, over its own m/8 bytes or a writable buffer that it is given."""

    __slots__ = ("_bits", "shape")

    def __init__(self, shape: Shape, buffer: bytearray | memoryview | mmap | None = None) -> None:
        """Take over `buffer` as it is, set bits included, or begin with an empty filter."""
        self.shape = shape
        self._bits = _writable(bytearray(shape.byte_length) if buffer is None else buffer)
        _require_length(self._bits, shape)

    @property
    def bits(self) -> memoryview:
        """The filter's bytes, a read-only view that follows later additions."""
        return self._bits.toreadonly()

    def fill(self, tags: bytes, *, threads: int = 1) -> None:
        """Add packed tags of a whole snapshot, a part at a time: needs no memory beyond the bits."""
        _require_tags(tags)
        backend().set_tags(self._bits, self.shape.m, self.shape.seed, tags, threads=threads)

    def add_many(self, tags: bytes) -> list[int]:
        """Add packed tags and return the newly set positions, strictly increasing: what a delta carries."""
        _require_tags(tags)
        return backend().set_new_tags(self._bits, self.shape.m, self.shape.seed, tags)


class Filter:
    """The member's side: a read-only view over any buffer, a mapped file as a rule."""

    __slots__ = ("_bits", "shape")

    def __init__(self, shape: Shape, buffer: bytes | bytearray | memoryview | mmap) -> None:
        """View `buffer`, whose signature and hash the caller has checked; later changes to it show."""
        self.shape = shape
        self._bits = memoryview(buffer).cast("B").toreadonly()
        _require_length(self._bits, shape)

    def might_contain(self, tag: bytes) -> bool:
        """Say whether a tag may be listed. False is certain; True is wrong at most once in 2^10 misses."""
        if len(tag) != TAG_BYTES:
            raise _wrong_tag()
        return bool(self.hits(tag))

    def hits(self, tags: bytes, *, threads: int = 1) -> list[int]:
        """Give the places, increasing, of those packed tags that may be listed."""
        _require_tags(tags)
        return backend().query_tags(self._bits, self.shape.m, self.shape.seed, tags, threads=threads)

    def popcount(self) -> int:
        """Count the set bits."""
        bits, step = self._bits, _POPCOUNT_CHUNK
        return sum(
            int.from_bytes(bits[start : start + step], "little").bit_count() for start in range(0, len(bits), step)
        )

    def estimated_listings(self) -> float:
        """Estimate how many tags were added; infinite when every bit is set."""
        return estimate_listings(self.popcount(), self.shape)


# -- deltas --------------------------------------------------------------------------------------------------


def apply_positions(bits: bytearray | memoryview | mmap, positions: Sequence[int]) -> None:
    """Set the positions of a delta: a union, so applying one twice is harmless.

    Raises `FilterInvalid`, with nothing changed, when a position lies outside the bits.
    """
    view = _writable(bits)
    if not positions:
        return
    if min(positions) < 0 or max(positions) >= 8 * len(view):
        raise FilterInvalid("a delta sets a bit outside the filter")
    for position in positions:
        view[position >> 3] |= 1 << (position & 7)


def encode_positions(positions: Sequence[int]) -> list[int]:
    """Return strictly increasing positions as gaps: the first position itself, then the differences.

    Raises `ValueError` for positions out of order, repeated or negative.
    """
    if not positions:
        return []
    gaps = [positions[0], *(after - before for before, after in pairwise(positions))]
    if _malformed(gaps):
        raise ValueError("positions must be strictly increasing")
    return gaps


def decode_positions(gaps: Sequence[int], m: int) -> list[int]:
    """Return the positions that gaps stand for, strictly increasing and below m.

    Raises `FilterInvalid` for a negative gap, a zero gap after the first, or a position of m and above.
    """
    if _malformed(gaps):
        raise FilterInvalid("a delta's positions must be strictly increasing")
    positions = list(accumulate(gaps))
    if positions and positions[-1] >= m:
        raise FilterInvalid("a delta sets a bit outside the filter")
    return positions


def _malformed(gaps: Sequence[int]) -> bool:
    return bool(gaps) and (gaps[0] < 0 or (len(gaps) > 1 and min(gaps[1:]) < 1))


# -- population ----------------------------------------------------------------------------------------------


def estimate_listings(popcount: int, shape: Shape) -> float:
    """Return −m/k · ln(1 − X/m), the number of tags that set X of m bits (Swamidass and Baldi, 2007)."""
    if not 0 <= popcount <= shape.m:
        raise FilterInvalid("a filter has no such number of set bits")
    if popcount == shape.m:
        return math.inf
    return -shape.m / shape.k * math.log1p(-popcount / shape.m)


def check_population(popcount: int, shape: Shape, n: int) -> None:
    """Hold the signed n against the filter's set bits; return nothing when they agree.

    Two lies are looked for. An n too large lengthens the bucket prefix, so that a fetch says more about the
    tag. A filter too small or too full for n makes every query a hit and every query a fetch. The tolerance
    is 10 % of n, for withdrawn tags keep their bits, and `_noise(n)` for chance. Meant for a snapshot before
    deltas, with the n of its own header.

    Raises `FilterInvalid` if m is below what n listings get, or the estimate is out of tolerance.
    """
    if shape.m < bit_count_for(n):
        raise FilterInvalid("the filter is too small for its listings")
    if abs(estimate_listings(popcount, shape) - n) > _TOLERANCE * n + _noise(shape, n):
        raise FilterInvalid("the filter's set bits do not fit its number of listings")


def _noise(shape: Shape, n: int) -> float:
    """Return how far chance alone may move the estimate, in listings: six standard deviations and four bits.

    n tags throw N = k·n balls into m bins; with a = N/m the number of bins hit has the variance
    Var(X) = m·e^−a·(1 − (1 + a)·e^−a). The estimate moves by d/dX = 1/(k·(1 − X/m)) = e^a/k, hence
    σ = √(m·(e^a − 1 − a))/k: 0.3 % of n in a filter of the protocol's size, less in larger ones. Where n is
    so small that a collision is a rare single event, σ understates it: lost bits are then Poisson, and four
    of them (0.4 listings) on top keep the chance of refusing an honest filter below 10^-9. Never more than
    n: an empty filter has no noise.
    """
    load = shape.k * n / shape.m
    sigma = math.sqrt(shape.m * (math.expm1(load) - load)) / shape.k
    return min(float(n), _NOISE_SIGMAS * sigma + _NOISE_BITS / shape.k)


# -- guards --------------------------------------------------------------------------------------------------


def _require_listings(n: int) -> None:
    if not 0 <= n <= N_MAX:
        raise FilterInvalid("a filter cannot hold this number of listings")


def _require_length(bits: memoryview, shape: Shape) -> None:
    if len(bits) != shape.byte_length:
        raise FilterInvalid("the bits are not as long as the filter's shape says")


def _writable(buffer: bytearray | memoryview | mmap) -> memoryview:
    view = memoryview(buffer).cast("B")
    if view.readonly:
        raise ValueError("the filter's buffer must be writable")
    return view


def _require_tags(packed: bytes) -> None:
    if len(packed) % TAG_BYTES:
        raise _wrong_tag()


def _wrong_tag() -> ValueError:
    return ValueError("a tag has 32 bytes")
