"""The Bloom filter of protocol §5, step by step, with hand-checked values."""

import hashlib
import math
import mmap
import statistics
from decimal import ROUND_CEILING, Decimal, localcontext
from pathlib import Path

import pytest

from alliance.crypto import bloom
from alliance.crypto.bloom import Filter, FilterBuilder, Shape
from alliance.errors import FilterInvalid

SEED = 0x5EED
SMALL = Shape(2**16, 10, SEED)


def tags(start: int, stop: int) -> list[bytes]:
    return [hashlib.sha256(i.to_bytes(8, "big")).digest() for i in range(start, stop)]


def packed(start: int, stop: int) -> bytes:
    return b"".join(tags(start, stop))


def built(n: int, seed: int = SEED) -> Filter:
    builder = FilterBuilder(Shape.for_listings(n, seed))
    builder.fill(packed(0, n))
    return Filter(builder.shape, builder.bits)


# -- sizes


def exact_bit_count(n: int) -> int:
    """The protocol's formula with ln 2 to sixty digits, far beyond what 2^36 can tell apart."""
    with localcontext() as context:
        context.prec = 60
        bits = int((Decimal("12.5") * n / Decimal(2).ln()).to_integral_value(ROUND_CEILING))
    return max(2**16, (bits + 63) // 64 * 64)


@pytest.mark.parametrize(
    ("n", "m"),
    [(0, 65536), (1, 65536), (3634, 65536), (3635, 65600), (10**6, 18_033_728), (10**7, 180_336_896)],
)
def test_bit_count_by_hand(n: int, m: int) -> None:
    assert bloom.bit_count_for(n) == m


def test_bit_count_is_the_exact_formula_even_where_a_fraction_nearly_fits() -> None:
    near = [114_432_223, 229_308_699, 1_948_901_815, 2_178_210_514]  # denominators of the convergents
    spread = [7919 * i * i for i in range(1, 690)]
    for n in [*range(3500, 4000), *(x + d for x in near for d in (-1, 0, 1)), *spread, bloom.N_MAX]:
        assert bloom.bit_count_for(n) == exact_bit_count(n), n


def test_float64_would_disagree() -> None:
    n = 229_308_699
    careless = math.ceil(1.25 * n * 10 / math.log(2))
    assert (careless + 63) // 64 * 64 != bloom.bit_count_for(n)


def test_bit_count_arithmetic_fits_64_bits() -> None:
    assert bloom.N_MAX * bloom._P + bloom._Q < 2**64
    assert bloom.bit_count_for(bloom.N_MAX) == bloom.M_MAX


@pytest.mark.parametrize("n", [-1, bloom.N_MAX + 1, 2**64 - 1])
def test_impossible_listings_are_refused(n: int) -> None:
    with pytest.raises(FilterInvalid):
        bloom.bit_count_for(n)
    with pytest.raises(FilterInvalid):
        bloom.prefix_bits(n)


@pytest.mark.parametrize(
    ("n", "bits"),
    [
        (0, 0),
        (1, 0),
        (63, 0),
        (64, 0),
        (127, 0),
        (128, 1),
        (255, 1),
        (256, 2),
        (10**6, 13),
        (2**26 - 1, 19),
        (2**26, 20),
        (2**27, 20),
        (3 * 10**9, 20),
    ],
)
def test_prefix_bits(n: int, bits: int) -> None:
    assert bloom.prefix_bits(n) == bits


def test_a_bucket_holds_64_to_127_tags_until_the_prefix_is_longest() -> None:
    for n in range(64, 70_000, 37):
        assert 64 <= n >> bloom.prefix_bits(n) <= 127


def test_prefix_of_takes_the_leading_bits() -> None:
    tag = bytes([0b1010_0101, 0b1100_0011, 0b0111_1110]) + bytes(29)
    assert bloom.prefix_of(tag, 0) == 0
    assert bloom.prefix_of(tag, 1) == 1
    assert bloom.prefix_of(tag, 3) == 0b101
    assert bloom.prefix_of(tag, 9) == 0b1010_0101_1
    assert bloom.prefix_of(tag, 20) == 0b1010_0101_1100_0011_0111


@pytest.mark.parametrize(("tag", "bits"), [(bytes(31), 4), (bytes(33), 4), (bytes(32), 21), (bytes(32), -1)])
def test_prefix_of_refuses(tag: bytes, bits: int) -> None:
    with pytest.raises(ValueError, match=r"bits|bytes"):
        bloom.prefix_of(tag, bits)


@pytest.mark.parametrize(
    ("m", "k", "seed"),
    [
        (2**16, 9, 0),
        (2**16, 11, 0),
        (2**16, 0, 0),
        (0, 10, 0),
        (-(2**16), 10, 0),
        (2**16 - 64, 10, 0),
        (2**16 + 1, 10, 0),
        (2**16 + 32, 10, 0),
        (2**36 + 64, 10, 0),
        (2**64, 10, 0),
        (2**16, 10, -1),
        (2**16, 10, 2**32),
        (65536.0, 10, 0),
        (2**16, 10, True),
    ],
)
def test_hostile_shapes_are_refused(m: int, k: int, seed: int) -> None:
    with pytest.raises(FilterInvalid):
        Shape(m, k, seed)


def test_extreme_shapes_are_allowed() -> None:
    assert Shape(2**36, 10, 2**32 - 1).byte_length == 2**33
    assert Shape.for_listings(0, 0) == Shape(2**16, 10, 0)


# -- positions


def test_positions_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """h1 = 2^64 − 3 and h2 = 1 wrap at the third step; the cubes add 0, 0, 1, 4, 10, 20, 35, 56, 84, 120."""
    monkeypatch.setattr(bloom, "_murmur", lambda _tag, _seed: (2**64 - 3, 1))
    shape = Shape(2**16 + 64, 10, 0)
    before_wrap = [(2**64 - 3) % shape.m, (2**64 - 2) % shape.m]
    after_wrap = [0, 4, 11, 22, 38, 60, 89, 126]
    assert list(bloom.positions_of(bytes(32), shape)) == before_wrap + after_wrap


def test_loops_and_formula_agree() -> None:
    shape = Shape.for_listings(10**6, 0xFFFFFFFF)
    for tag in tags(0, 50):
        builder = FilterBuilder(shape)
        assert builder.add_many(tag) == sorted(set(bloom.positions_of(tag, shape)))
        filled = FilterBuilder(shape)
        filled.fill(tag)
        assert filled.bits == builder.bits


def test_bit_b_is_in_byte_b_over_8_lowest_first() -> None:
    bits = bytearray(2**13)
    bloom.apply_positions(bits, [0, 7, 8, 65535])
    assert (bits[0], bits[1], bits[-1]) == (0x81, 0x01, 0x80)


def test_every_probe_is_asked() -> None:
    tag = tags(0, 1)[0]
    for missing in bloom.positions_of(tag, SMALL):
        bits = bytearray(b"\xff" * SMALL.byte_length)
        bits[missing >> 3] &= ~(1 << (missing & 7))
        assert not Filter(SMALL, bits).might_contain(tag)


# -- builder and filter


@pytest.mark.parametrize("length", [16, 31, 33, 63])
def test_tags_of_another_length_are_refused(length: int) -> None:
    builder = FilterBuilder(SMALL)
    view = Filter(SMALL, builder.bits)
    calls = (builder.add_many, builder.fill, view.hits)
    for call in calls:
        with pytest.raises(ValueError, match="32 bytes"):
            call(bytes(length))
    with pytest.raises(ValueError, match="32 bytes"):
        view.might_contain(bytes(length))
    with pytest.raises(ValueError, match="32 bytes"):
        bloom.positions_of(bytes(length), SMALL)


def test_a_refused_batch_sets_nothing() -> None:
    builder = FilterBuilder(SMALL)
    with pytest.raises(ValueError, match="32 bytes"):
        builder.add_many(packed(0, 3) + b"short")
    assert not any(builder.bits)


def test_add_many_returns_only_what_is_new() -> None:
    builder = FilterBuilder(SMALL)
    first = builder.add_many(packed(0, 100))
    assert first == sorted(set(first))
    assert builder.add_many(packed(0, 100)) == []
    second = builder.add_many(packed(50, 150))
    assert not set(first) & set(second)
    assert len(first) + len(second) == Filter(SMALL, builder.bits).popcount()


@pytest.mark.parametrize("length", [0, 8191, 8193])
def test_bits_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(FilterInvalid):
        Filter(SMALL, bytes(length))
    with pytest.raises(FilterInvalid):
        FilterBuilder(SMALL, bytearray(length))


def test_buffers_are_viewed_not_copied() -> None:
    buffer = bytearray(SMALL.byte_length)
    builder, view = FilterBuilder(SMALL, buffer), Filter(SMALL, buffer)
    builder.add_many(packed(0, 1))
    assert view.might_contain(tags(0, 1)[0])
    assert bytes(builder.bits) == bytes(buffer)
    assert builder.bits.readonly


def test_a_read_only_buffer_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="writable"):
        FilterBuilder(SMALL, memoryview(bytes(SMALL.byte_length)))
    with pytest.raises(ValueError, match="writable"):
        bloom.apply_positions(memoryview(bytes(8)), [1])


def test_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "filter"
    path.write_bytes(bytes(SMALL.byte_length))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        builder = FilterBuilder(SMALL, mapped)
        builder.fill(packed(0, 10))
        view = Filter(SMALL, mapped)
        assert view.hits(packed(0, 10)) == list(range(10))
        bloom.apply_positions(mapped, [65535])
        assert mapped[-1] & 0x80
        del builder, view  # a mapping cannot close under a view


def test_an_empty_filter_rules_everything_out_and_a_full_one_nothing() -> None:
    assert not Filter(SMALL, bytes(SMALL.byte_length)).hits(packed(0, 50))
    full = Filter(SMALL, b"\xff" * SMALL.byte_length)
    assert full.hits(packed(0, 50)) == list(range(50))
    assert full.estimated_listings() == math.inf


def test_answers_keep_the_order() -> None:
    view = built(500)
    mixed = [tag for pair in zip(tags(0, 500), tags(10_000, 10_500), strict=True) for tag in pair]
    hits = view.hits(b"".join(mixed))
    assert hits == [place for place, tag in enumerate(mixed) if view.might_contain(tag)]
    assert set(range(0, 1000, 2)) <= set(hits)


@pytest.mark.parametrize(("load", "rate"), [(1.0, (1 - 2**-0.8) ** 10), (1.25, 2**-10)])
def test_false_positives_as_computed(load: float, rate: float) -> None:
    """Filled as built, and with the quarter for deltas used up: at most 2^-10 then, within 4 sigma."""
    n, trials = 20_000, 200_000
    builder = FilterBuilder(Shape.for_listings(n, SEED))
    builder.fill(packed(0, int(n * load)))
    wrong = len(Filter(builder.shape, builder.bits).hits(packed(10**6, 10**6 + trials)))
    assert abs(wrong - rate * trials) <= 4 * math.sqrt(rate * trials)


def test_popcount_over_many_chunks() -> None:
    shape = Shape(64 * 30_000, 10, 0)
    bits = bytearray(shape.byte_length)
    spots = list(range(0, shape.m, 997))
    bloom.apply_positions(bits, spots)
    assert Filter(shape, bits).popcount() == len(spots)


# -- deltas


def test_base_and_delta_make_the_rebuilt_filter() -> None:
    builder = FilterBuilder(SMALL)
    builder.fill(packed(0, 2000))
    member = bytearray(builder.bits)
    for start in range(2000, 3000, 250):
        gaps = bloom.encode_positions(builder.add_many(packed(start, start + 250)))
        positions = bloom.decode_positions(gaps, SMALL.m)
        bloom.apply_positions(member, positions)
        bloom.apply_positions(member, positions)  # twice is once
    rebuilt = FilterBuilder(SMALL)
    rebuilt.fill(packed(0, 3000))
    assert rebuilt.bits == member


@pytest.mark.parametrize("outside", [-1, 2**16, 2**64])
def test_a_position_outside_changes_nothing(outside: int) -> None:
    bits = bytearray(2**13)
    with pytest.raises(FilterInvalid):
        bloom.apply_positions(bits, [5, 9, outside])
    assert not any(bits)


def test_gaps_by_hand() -> None:
    assert bloom.encode_positions([]) == []
    assert bloom.encode_positions([0, 1, 5, 65535]) == [0, 1, 4, 65530]
    assert bloom.decode_positions([], 2**16) == []
    assert bloom.decode_positions([0, 1, 4, 65530], 2**16) == [0, 1, 5, 65535]


@pytest.mark.parametrize(
    "gaps", [[-1], [-1, 5], [0, 0], [5, 0], [5, 3, 0, 1], [5, -2], [65536], [65535, 1], [2**63, 2**63]]
)
def test_malformed_gaps_are_refused(gaps: list[int]) -> None:
    with pytest.raises(FilterInvalid):
        bloom.decode_positions(gaps, 2**16)


@pytest.mark.parametrize("positions", [[-1, 4], [3, 3], [4, 3]])
def test_unordered_positions_are_not_encoded(positions: list[int]) -> None:
    with pytest.raises(ValueError, match="increasing"):
        bloom.encode_positions(positions)


# -- population


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 64, 1000, 3634, 20_000])
def test_an_honest_population_is_accepted(n: int) -> None:
    view = built(n)
    bloom.check_population(view.popcount(), view.shape, n)


@pytest.mark.parametrize("n", [1, 10, 1000, 20_000])
def test_a_false_population_is_refused(n: int) -> None:
    roomy = Shape(2 * bloom.bit_count_for(n), 10, SEED)  # so that only the estimate can refuse
    builder = FilterBuilder(roomy)
    builder.fill(packed(0, n))
    popcount = Filter(roomy, builder.bits).popcount()
    bloom.check_population(popcount, roomy, n)
    far = math.ceil(0.15 * n) + 1  # beyond 10 % and the noise
    for claimed in (n + far, max(0, n - far)):
        with pytest.raises(FilterInvalid, match="do not fit"):
            bloom.check_population(popcount, roomy, claimed)


def test_withdrawn_tags_keep_their_bits_within_the_tolerance() -> None:
    view = built(20_000)
    bloom.check_population(view.popcount(), view.shape, 18_400)
    with pytest.raises(FilterInvalid):
        bloom.check_population(view.popcount(), view.shape, 17_800)


def test_an_empty_filter_has_no_allowance() -> None:
    bloom.check_population(0, SMALL, 0)
    with pytest.raises(FilterInvalid):
        bloom.check_population(1, SMALL, 0)
    with pytest.raises(FilterInvalid):
        bloom.check_population(0, SMALL, 1)


@pytest.mark.parametrize("popcount", [-1, 2**16 + 1])
def test_impossible_popcounts_are_refused(popcount: int) -> None:
    with pytest.raises(FilterInvalid):
        bloom.check_population(popcount, SMALL, 0)
    with pytest.raises(FilterInvalid):
        bloom.estimate_listings(popcount, SMALL)


def test_a_lone_tag_may_lose_bits_to_itself() -> None:
    bloom.check_population(6, SMALL, 1)
    with pytest.raises(FilterInvalid):
        bloom.check_population(4, SMALL, 1)


def test_a_saturated_or_crowded_filter_is_refused() -> None:
    with pytest.raises(FilterInvalid):
        bloom.check_population(SMALL.m, SMALL, 3634)
    crowded = round(SMALL.m * -math.expm1(-10 * 20_000 / SMALL.m))  # what 20,000 tags leave in 2^16 bits
    assert bloom.estimate_listings(crowded, SMALL) == pytest.approx(20_000, rel=0.01)
    with pytest.raises(FilterInvalid, match="too small"):
        bloom.check_population(crowded, SMALL, 20_000)


def test_the_noise_is_the_one_derived() -> None:
    """The estimator's spread over seeds against sigma, taken back out of the allowance."""
    n, batch = 3000, packed(0, 3000)
    estimates = []
    for seed in range(120):
        builder = FilterBuilder(Shape.for_listings(n, seed))
        builder.fill(batch)
        estimates.append(Filter(builder.shape, builder.bits).estimated_listings())
    sigma = (bloom._noise(SMALL, n) - 0.4) / 6
    assert statistics.fmean(estimates) == pytest.approx(n, abs=4 * sigma / math.sqrt(120))
    assert statistics.stdev(estimates) == pytest.approx(sigma, rel=0.25)
