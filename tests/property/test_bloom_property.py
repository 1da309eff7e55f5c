"""What must hold of the Bloom filter for any tags, seeds and deltas."""

import math
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.crypto import bloom
from alliance.crypto.bloom import Filter, FilterBuilder, Shape
from alliance.errors import FilterInvalid

TAGS = st.binary(min_size=32, max_size=32)
SHAPES = st.builds(
    Shape,
    m=st.integers(2**10, 2**12).map(lambda words: 64 * words),
    k=st.just(10),
    seed=st.integers(0, 2**32 - 1),
)
BATCHES = st.lists(st.lists(TAGS, max_size=20), max_size=5)


@given(SHAPES, st.lists(TAGS, max_size=60))
def test_no_false_negatives(shape: Shape, listed: list[bytes]) -> None:
    builder = FilterBuilder(shape)
    builder.fill(b"".join(listed))
    view = Filter(shape, builder.bits)
    assert view.hits(b"".join(listed)) == list(range(len(listed)))
    assert all(view.might_contain(tag) for tag in listed)


@given(SHAPES, st.lists(TAGS, max_size=40), TAGS)
def test_a_query_is_the_conjunction_of_its_positions(shape: Shape, listed: list[bytes], asked: bytes) -> None:
    builder = FilterBuilder(shape)
    lit = set(builder.add_many(b"".join(listed)))
    assert Filter(shape, builder.bits).might_contain(asked) == (set(bloom.positions_of(asked, shape)) <= lit)


@given(SHAPES, BATCHES)
def test_base_and_deltas_make_the_rebuilt_filter(shape: Shape, batches: list[list[bytes]]) -> None:
    hub, member = FilterBuilder(shape), bytearray(shape.byte_length)
    total = 0
    for batch in batches:
        fresh = hub.add_many(b"".join(batch))
        total += len(fresh)
        bloom.apply_positions(member, bloom.decode_positions(bloom.encode_positions(fresh), shape.m))
    rebuilt = FilterBuilder(shape)
    rebuilt.fill(b"".join(tag for batch in batches for tag in batch))
    assert rebuilt.bits == hub.bits == member
    assert Filter(shape, member).popcount() == total  # no position was reported twice


@given(st.sets(st.integers(0, 2**36 - 1), max_size=50))
def test_positions_round_trip(chosen: set[int]) -> None:
    positions = sorted(chosen)
    assert bloom.decode_positions(bloom.encode_positions(positions), 2**36) == positions


@given(st.lists(st.integers(-2, 2**17), max_size=8))
def test_decoding_refuses_or_returns_increasing_positions_in_range(gaps: list[int]) -> None:
    with suppress(FilterInvalid):
        positions = bloom.decode_positions(gaps, 2**17)
        assert positions == sorted(set(positions))
        assert all(0 <= position < 2**17 for position in positions)
        assert bloom.encode_positions(positions) == gaps


@given(st.integers(0, bloom.N_MAX))
def test_sizes(n: int) -> None:
    m = bloom.bit_count_for(n)
    assert m % 64 == 0
    assert bloom.M_MIN <= m <= bloom.M_MAX
    bits = bloom.prefix_bits(n)
    assert bits == (0 if n < 128 else min(20, bits))
    assert bits == 20 or n < 128 or 64 * 2**bits <= n < 128 * 2**bits


@given(TAGS, st.integers(0, 20))
def test_prefix_is_the_head_of_the_bit_string(tag: bytes, bits: int) -> None:
    head = "".join(f"{byte:08b}" for byte in tag)[:bits]
    assert bloom.prefix_of(tag, bits) == int(head or "0", 2)


@given(st.integers(), st.integers(), st.integers())
def test_any_shape_is_valid_or_refused(m: int, k: int, seed: int) -> None:
    with suppress(FilterInvalid):
        shape = Shape(m, k, seed)
        assert shape.k == 10
        assert shape.byte_length * 8 == shape.m


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 600), TAGS)
def test_honest_populations_pass_for_any_seed(seed: int, n: int, salt: bytes) -> None:
    shape = Shape.for_listings(n, seed)
    builder = FilterBuilder(shape)
    builder.fill(b"".join(i.to_bytes(4, "big") + salt[4:] for i in range(n)))
    popcount = Filter(shape, builder.bits).popcount()
    bloom.check_population(popcount, shape, n)
    assert math.isfinite(bloom.estimate_listings(popcount, shape))
