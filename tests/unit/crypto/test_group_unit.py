"""`group`: strict decoding, edges of the arithmetic, randomness, threads."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import rbcl

from alliance.crypto import group
from alliance.crypto.group import Element, Scalar
from alliance.errors import InvalidElement


def scalar(value: int) -> Scalar:
    return Scalar((value % group.ORDER).to_bytes(32, "little"))


def test_the_generator_decodes() -> None:
    assert group.deserialise_element(group.GENERATOR) == group.GENERATOR


def test_libsodium_accepts_the_identity_and_we_do_not() -> None:
    assert rbcl.crypto_core_ristretto255_is_valid_point(group.IDENTITY)
    with pytest.raises(InvalidElement, match="identity"):
        group.deserialise_element(bytes(32))


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_elements_and_scalars_have_32_bytes(length: int) -> None:
    with pytest.raises(InvalidElement):
        group.deserialise_element(group.GENERATOR.ljust(64, b"\0")[:length])
    with pytest.raises(group.InvalidScalarError):
        group.deserialise_scalar(bytes(length))


@pytest.mark.parametrize("value", [group.ORDER, group.ORDER + 1, 2**255 - 1, 2**256 - 1, group.ORDER + 2**255])
def test_scalars_are_below_the_order(value: int) -> None:
    with pytest.raises(group.InvalidScalarError):
        group.deserialise_scalar(value.to_bytes(32, "little"))


@pytest.mark.parametrize("value", [0, 1, group.ORDER - 1])
def test_scalars_up_to_the_order_decode(value: int) -> None:
    encoding = value.to_bytes(32, "little")
    assert group.deserialise_scalar(encoding) == encoding


def test_a_secret_scalar_is_not_zero() -> None:
    with pytest.raises(group.InvalidScalarError):
        group.deserialise_secret_scalar(bytes(32))
    assert group.deserialise_secret_scalar(group.ONE) == group.ONE


def test_multiplication_at_its_edges() -> None:
    assert group.scalar_mult(group.ZERO, group.GENERATOR) == group.IDENTITY
    assert group.scalar_mult(scalar(5), group.IDENTITY) == group.IDENTITY
    assert group.scalar_mult_base(group.ZERO) == group.IDENTITY
    minus_one = scalar(-1)
    assert group.add(group.scalar_mult(minus_one, group.GENERATOR), group.GENERATOR) == group.IDENTITY
    assert group.subtract(group.GENERATOR, group.GENERATOR) == group.IDENTITY
    assert group.add(group.IDENTITY, group.IDENTITY) == group.IDENTITY


def test_arithmetic_refuses_what_is_no_element() -> None:
    # rbcl passes on libsodium's refusal of a multiplication, and answers zeros, the identity, for a bad addition.
    bad = Element(b"\xff" * 32)
    with pytest.raises(InvalidElement):
        group.scalar_mult(group.ONE, bad)
    for a, b in [(bad, group.GENERATOR), (group.GENERATOR, bad), (group.IDENTITY, bad)]:
        with pytest.raises(InvalidElement):
            group.add(a, b)
        with pytest.raises(InvalidElement):
            group.subtract(a, b)


def test_scalars_are_not_clamped() -> None:
    # rbcl's docstrings say so; a clamped 3 would be another multiple.
    three = group.add(group.add(group.GENERATOR, group.GENERATOR), group.GENERATOR)
    assert group.scalar_mult(scalar(3), group.GENERATOR) == three


def test_batch_inversion_equals_single_inversions() -> None:
    scalars = [group.random_scalar() for _ in range(20)]
    assert group.batch_invert(scalars) == [group.scalar_invert(s) for s in scalars]
    assert group.batch_invert([]) == []


def test_inversion_refuses_zero() -> None:
    with pytest.raises(group.InvalidScalarError):
        group.scalar_invert(group.ZERO)
    with pytest.raises(group.InvalidScalarError):
        group.batch_invert([group.ONE, group.ZERO])


def test_random_scalar_reduces_64_bytes_and_draws_again_after_zero() -> None:
    draws = [bytes(64), group.ORDER.to_bytes(64, "little"), (group.ORDER * 3 + 7).to_bytes(64, "little")]
    asked: list[int] = []

    def source(length: int) -> bytes:
        asked.append(length)
        return draws[len(asked) - 1]

    assert group.random_scalar(source) == scalar(7)
    assert asked == [64, 64, 64]


def test_random_scalars_differ() -> None:
    assert len({group.random_scalar() for _ in range(50)}) == 50


def test_two_threads_get_right_results() -> None:
    scalars = [group.random_scalar() for _ in range(300)]
    alone = [group.scalar_mult(s, group.GENERATOR) for s in scalars]
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: [group.scalar_mult(s, group.GENERATOR) for s in scalars], range(4)))
    assert runs == [alone] * 4


@pytest.mark.skipif(os.name != "posix", reason="the mapped library cannot be unlinked here")
def test_the_copy_of_the_library_is_gone() -> None:
    path = Path(rbcl._sodium._name)
    assert path.parent != Path(tempfile.gettempdir()) or not path.exists()
