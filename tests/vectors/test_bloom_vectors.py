"""`bloom1.json`: the filter's vectors, made by a second implementation and met by `alliance.crypto.bloom`.

Everything up to "the tests" is that second implementation. It shares no code with the first: MurmurHash3 is
written out from Appleby's `MurmurHash3.cpp` (public domain), positions follow the formula with its cubes, m
comes from ln 2 to sixty digits. Write the file anew with `python tests/vectors/test_bloom_vectors.py`; the
first test fails when file and generator differ.
"""

import hashlib
import json
from decimal import ROUND_CEILING, Decimal, localcontext
from pathlib import Path
from typing import Any

import mmh3
import pytest

from alliance.crypto import bloom
from alliance.crypto.bloom import Filter, FilterBuilder, Shape
from alliance.errors import FilterInvalid

STRANGERS = range(10**6, 10**6 + 20_000)
FILE = Path(__file__).with_name("bloom1.json")
MASK64 = 2**64 - 1


def rotl(x: int, r: int) -> int:
    return (x << r | x >> (64 - r)) & MASK64


def fmix(x: int) -> int:
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD & MASK64
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53 & MASK64
    return x ^ x >> 33


def murmur3(data: bytes, seed: int) -> tuple[int, int]:
    """MurmurHash3_x64_128: its two 64-bit halves."""
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    h1 = h2 = seed
    body = len(data) // 16 * 16
    for at in range(0, body, 16):
        k1, k2 = (int.from_bytes(data[i : i + 8], "little") for i in (at, at + 8))
        h1 ^= rotl(k1 * c1 & MASK64, 31) * c2 & MASK64
        h1 = ((rotl(h1, 27) + h2) * 5 + 0x52DCE729) & MASK64
        h2 ^= rotl(k2 * c2 & MASK64, 33) * c1 & MASK64
        h2 = ((rotl(h2, 31) + h1) * 5 + 0x38495AB5) & MASK64
    k1, k2 = (int.from_bytes(data[i : i + 8], "little") for i in (body, body + 8))
    h2 ^= rotl(k2 * c2 & MASK64, 33) * c1 & MASK64
    h1 ^= rotl(k1 * c1 & MASK64, 31) * c2 & MASK64
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = (h1 + h2) & MASK64
    h2 = (h2 + h1) & MASK64
    h1, h2 = fmix(h1), fmix(h2)
    h1 = (h1 + h2) & MASK64
    return h1, (h2 + h1) & MASK64


def tag_of(counter: int) -> bytes:
    return hashlib.sha256(counter.to_bytes(8, "big")).digest()


def bit_count(n: int) -> int:
    with localcontext() as context:
        context.prec = 60
        bits = int((Decimal("12.5") * n / Decimal(2).ln()).to_integral_value(ROUND_CEILING))
    return max(2**16, (bits + 63) // 64 * 64)


def prefix_length(n: int) -> int:
    return next((bits for bits in range(20, 0, -1) if n >= 64 * 2**bits), 0)


def positions(tag: bytes, m: int, seed: int) -> list[int]:
    h1, h2 = murmur3(tag, seed)
    return [(h1 + i * h2 + (i**3 - i) // 6) % 2**64 % m for i in range(10)]


def lit(counters: range, m: int, seed: int) -> set[int]:
    return {position for c in counters for position in positions(tag_of(c), m, seed)}


def as_bits(chosen: set[int], m: int) -> bytes:
    number = sum(1 << position for position in chosen)
    return number.to_bytes(m // 8, "little")  # bit b of the number is in byte b>>3 at 1<<(b&7)


def gaps_of(chosen: set[int]) -> list[int]:
    ordered = sorted(chosen)
    return [b - a for a, b in zip([0, *ordered], ordered, strict=False)]


def shape_vectors() -> list[dict[str, int]]:
    listings = [0, 1, 63, 64, 127, 128, 255, 256, 3633, 3634, 3635, 3636, 3637, 3638, 8191, 8192]
    listings += [10**5, 10**6, 10**7, 2**26 - 1, 2**26, 114_432_223, 229_308_698, 229_308_699, 229_308_700]
    listings += [5 * 10**8, 1_948_901_815, 2_178_210_514, 3_810_616_923]
    return [{"n": n, "m": bit_count(n), "prefix_bits": prefix_length(n)} for n in listings]


def position_vectors() -> list[dict[str, Any]]:
    sizes = [2**16, 65_600, bit_count(10**6), bit_count(5 * 10**8), 2**36]
    vectors = []
    for number, (seed, m) in enumerate((s, m) for s in (0, 1, 0x9747B28C, 2**32 - 1) for m in sizes):
        tag = tag_of(number)
        h1, h2 = murmur3(tag, seed)
        vectors.append(
            {
                "counter": number,
                "tag": tag.hex(),
                "seed": seed,
                "m": m,
                "h1": f"{h1:016x}",
                "h2": f"{h2:016x}",
                "positions": positions(tag, m, seed),
            }
        )
    return vectors


def filter_vectors() -> list[dict[str, Any]]:
    vectors = []
    for n, seed in ((0, 0), (1, 0), (100, 7), (3634, 2**32 - 1), (5000, 0x9747B28C)):
        m = bit_count(n)
        chosen = lit(range(n), m, seed)
        absent = [c for c in STRANGERS if set(positions(tag_of(c), m, seed)) <= chosen]
        vectors.append(
            {
                "n": n,
                "seed": seed,
                "m": m,
                "popcount": len(chosen),
                "sha256": hashlib.sha256(as_bits(chosen, m)).hexdigest(),
                "false_positives": absent,
            }
        )
    return vectors


def delta_vectors() -> list[dict[str, Any]]:
    vectors = []
    for base, total, seed in ((0, 2, 0), (1000, 1004, 7), (3634, 3640, 2**32 - 1), (10, 10, 1)):
        m = bit_count(base)
        before, after = lit(range(base), m, seed), lit(range(total), m, seed)
        vectors.append(
            {
                "base": base,
                "total": total,
                "seed": seed,
                "m": m,
                "base_sha256": hashlib.sha256(as_bits(before, m)).hexdigest(),
                "gaps": gaps_of(after - before),
                "sha256": hashlib.sha256(as_bits(after, m)).hexdigest(),
            }
        )
    return vectors


def prefix_vectors() -> list[dict[str, Any]]:
    return [
        {
            "tag": tag_of(c).hex(),
            "bits": bits,
            "prefix": int(f"{int(tag_of(c).hex(), 16):0256b}"[:bits] or "0", 2),
        }
        for c, bits in ((0, 0), (1, 1), (2, 7), (3, 8), (4, 9), (5, 13), (6, 16), (7, 17), (8, 20))
    ]


def population_vectors() -> list[dict[str, Any]]:
    """Well inside or well outside, so that no language's logarithm decides."""
    crowd = len(lit(range(3600), 2**16, 0))
    rows = [(0, 0, True), (0, 1, False), (1, 10, True), (1, 30, False), (1, 0, False), (3600, crowd, True)]
    rows += [(3400, crowd, True), (3000, crowd, False), (3600, 0, False), (3600, 2**16, False)]
    return [{"n": n, "m": 2**16, "popcount": x, "accepted": accepted} for n, x, accepted in rows]


REFUSED_SHAPES = [
    {"m": 2**16, "k": 9, "seed": 0, "why": "k is not 10"},
    {"m": 2**16 - 64, "k": 10, "seed": 0, "why": "m below 2^16"},
    {"m": 2**16 + 8, "k": 10, "seed": 0, "why": "m no multiple of 64"},
    {"m": 2**36 + 64, "k": 10, "seed": 0, "why": "m above 2^36"},
    {"m": 2**16, "k": 10, "seed": 2**32, "why": "seed beyond 32 bits"},
]
REFUSED_GAPS = [
    {"m": 2**16, "gaps": [5, 0], "why": "a position repeated"},
    {"m": 2**16, "gaps": [0, 0], "why": "only the first gap may be zero"},
    {"m": 2**16, "gaps": [65_536], "why": "position m"},
    {"m": 2**16, "gaps": [65_535, 1], "why": "position m by a sum"},
]
ABOUT = {
    "format": "alliance bloom/1, protocol §5 and §6",
    "generator": "tag(c) = SHA-256(c as an unsigned 64-bit big-endian integer); a filter over n tags "
    "takes the counters 0 to n-1. Numbers are exact and below 2^53; h1 and h2 are hexadecimal.",
    "shapes": "m = max(2^16, ceil(12.5*n/ln 2)) up to a multiple of 64 = max(65536, 64*ceil(n*p/q)) with "
    "p = 3004227541, q = 10661743871, in unsigned 64-bit arithmetic; float64 fails at n = 229308699.",
    "positions": "(h1 + i*h2 + (i^3-i)/6 mod 2^64) mod m for i = 0..9, in that order; h1, h2 are the "
    "little-endian halves of MurmurHash3_x64_128(tag, seed).",
    "filters": "SHA-256 of the m/8 bytes, bit b in byte b>>3 at 1<<(b&7); false_positives are those of the "
    "counters 1000000 to 1019999 that the filter lets through.",
    "deltas": "positions newly set by the counters base to total-1, first position, then differences.",
    "made_by": "tests/vectors/test_bloom_vectors.py",
}


def document() -> dict[str, Any]:
    return {
        "about": ABOUT,
        "shapes": shape_vectors(),
        "refused_shapes": REFUSED_SHAPES,
        "positions": position_vectors(),
        "filters": filter_vectors(),
        "deltas": delta_vectors(),
        "refused_gaps": REFUSED_GAPS,
        "prefixes": prefix_vectors(),
        "populations": population_vectors(),
    }


def as_text(vectors: dict[str, Any]) -> str:
    """One vector a line, so that a diff shows which one moved."""
    parts = [f'"about": {json.dumps(vectors["about"], ensure_ascii=False, indent=1)}']
    for name, rows in vectors.items():
        if name != "about":
            parts.append(f'"{name}": [\n ' + ",\n ".join(json.dumps(row) for row in rows) + "\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":  # before the tests, which need the file to be collected
    FILE.write_text(as_text(document()), encoding="utf-8")


# -- the tests


def load(section: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))[section]
    return rows


def test_the_file_is_what_the_generator_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == as_text(document())


def test_no_section_is_empty() -> None:
    sizes = {name: len(rows) for name, rows in json.loads(FILE.read_text(encoding="utf-8")).items()}
    assert len(sizes) == 9
    assert all(size >= 4 for size in sizes.values()), sizes
    assert any(row["false_positives"] for row in load("filters"))


def test_murmur_is_the_published_one() -> None:
    """SMHasher's VerificationTest of MurmurHash3_x64_128, whose answer is 0x6384BA69."""

    def digest(data: bytes, seed: int) -> bytes:
        assert mmh3.mmh3_x64_128_utupledigest(data, seed) == tuple(
            int.from_bytes(mmh3.mmh3_x64_128_digest(data, seed)[i : i + 8], "little") for i in (0, 8)
        )
        return mmh3.mmh3_x64_128_digest(data, seed)

    joined = b"".join(digest(bytes(range(i)), 256 - i) for i in range(256))
    assert int.from_bytes(digest(joined, 0)[:4], "little") == 0x6384BA69


@pytest.mark.parametrize("row", load("shapes"), ids=lambda row: row["n"])
def test_shapes(row: dict[str, Any]) -> None:
    assert bloom.bit_count_for(row["n"]) == row["m"]
    assert bloom.prefix_bits(row["n"]) == row["prefix_bits"]
    assert Shape.for_listings(row["n"], 5) == Shape(row["m"], 10, 5)


@pytest.mark.parametrize("row", load("refused_shapes"), ids=lambda row: row["why"])
def test_refused_shapes(row: dict[str, Any]) -> None:
    with pytest.raises(FilterInvalid):
        Shape(row["m"], row["k"], row["seed"])


@pytest.mark.parametrize("row", load("positions"), ids=lambda row: f"{row['seed']}-{row['m']}")
def test_positions(row: dict[str, Any]) -> None:
    tag = bytes.fromhex(row["tag"])
    assert tag == tag_of(row["counter"])
    assert [f"{half:016x}" for half in mmh3.mmh3_x64_128_utupledigest(tag, row["seed"])] == [
        row["h1"],
        row["h2"],
    ]
    shape = Shape(row["m"], 10, row["seed"])
    assert list(bloom.positions_of(tag, shape)) == row["positions"]
    if shape.byte_length < 2**24:
        assert FilterBuilder(shape).add_many(tag) == sorted(set(row["positions"]))


@pytest.mark.parametrize("row", load("filters"), ids=lambda row: row["n"])
def test_filters(row: dict[str, Any]) -> None:
    builder = FilterBuilder(Shape.for_listings(row["n"], row["seed"]))
    assert builder.shape.m == row["m"]
    builder.fill(b"".join(map(tag_of, range(row["n"]))))
    view = Filter(builder.shape, builder.bits)
    assert hashlib.sha256(builder.bits).hexdigest() == row["sha256"]
    assert view.popcount() == row["popcount"]
    bloom.check_population(view.popcount(), view.shape, row["n"])
    hits = view.hits(b"".join(map(tag_of, STRANGERS)))
    assert [STRANGERS[place] for place in hits] == row["false_positives"]


@pytest.mark.parametrize("row", load("deltas"), ids=lambda row: row["base"])
def test_deltas(row: dict[str, Any]) -> None:
    builder = FilterBuilder(Shape(row["m"], 10, row["seed"]))
    builder.fill(b"".join(map(tag_of, range(row["base"]))))
    member = bytearray(builder.bits)
    assert hashlib.sha256(member).hexdigest() == row["base_sha256"]
    fresh = builder.add_many(b"".join(map(tag_of, range(row["base"], row["total"]))))
    assert bloom.encode_positions(fresh) == row["gaps"]
    bloom.apply_positions(member, bloom.decode_positions(row["gaps"], row["m"]))
    assert hashlib.sha256(member).hexdigest() == row["sha256"]


@pytest.mark.parametrize("row", load("refused_gaps"), ids=lambda row: row["why"])
def test_refused_gaps(row: dict[str, Any]) -> None:
    with pytest.raises(FilterInvalid):
        bloom.decode_positions(row["gaps"], row["m"])


@pytest.mark.parametrize("row", load("prefixes"), ids=lambda row: row["bits"])
def test_prefixes(row: dict[str, Any]) -> None:
    assert bloom.prefix_of(bytes.fromhex(row["tag"]), row["bits"]) == row["prefix"]


@pytest.mark.parametrize("row", load("populations"), ids=lambda row: f"{row['n']}-{row['popcount']}")
def test_populations(row: dict[str, Any]) -> None:
    shape = Shape(row["m"], 10, 0)
    if row["accepted"]:
        bloom.check_population(row["popcount"], shape, row["n"])
    else:
        with pytest.raises(FilterInvalid):
            bloom.check_population(row["popcount"], shape, row["n"])
