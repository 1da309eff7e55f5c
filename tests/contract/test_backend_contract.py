"""What every backend must do, run on each that is installed; the reference gives the bytes."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.backends import REFERENCE, backend_named, needs_native

from alliance.crypto import group, oprf
from alliance.crypto.backend import Backend, Elements
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError, InvalidBatch, InvalidElement, ProofInvalid

SIZES = [1, 2, 17]

SK, PK = oprf.derive_key_pair(bytes(range(32)), b"contract")
KEY = Secret(SK)
# 2^255 - 18 is not canonical; 1 is negative; the next is no square; then the identity, and the generator with the
# highest bit set, which libsodium overlooks.
BAD_ELEMENTS = [
    bytes.fromhex("ee" + "ff" * 30 + "7f"),
    (1).to_bytes(32, "little"),
    bytes.fromhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
    bytes(32),
    group.GENERATOR[:31] + bytes([group.GENERATOR[31] | 0x80]),
]
BAD_ELEMENT_NAMES = ["not canonical", "negative", "no square", "identity", "highest bit"]


def inputs_of(size: int) -> list[bytes]:
    return [b"alliance/v1\0phone\0%d" % number for number in range(size)]


def scalars_of(size: int) -> Secret:
    return Secret(b"".join(group.hash_to_scalar(b"%d" % number, b"contract") for number in range(size)))


def zeros_after(first: bytes) -> Callable[[int], bytes]:
    return lambda length: first.ljust(length, b"\0")


def blinded_of(size: int) -> bytes:
    return REFERENCE.blind_additive(inputs_of(size), scalars_of(size)).encoded


def outputs_of(size: int) -> bytes:
    return b"".join(oprf.evaluate(SK, item) for item in inputs_of(size))


def evaluate(backend: Backend, blinded: bytes, key: Secret = KEY, **options: Any) -> tuple[bytes, bytes]:
    return backend.evaluate(key, backend.decode_elements(blinded), **options)


def finalize_additive(backend: Backend, blinded: bytes, evaluated: bytes, proof: bytes, key: bytes = PK) -> bytes:
    sent = backend.decode_elements(blinded)
    return backend.finalize_additive(inputs_of(len(sent)), scalars_of(len(sent)), sent, evaluated, proof, key)


def finalize_multiplicative(backend: Backend, blinded: bytes, evaluated: bytes, proof: bytes, key: bytes = PK) -> bytes:
    sent = backend.decode_elements(blinded)
    return backend.finalize_multiplicative(inputs_of(len(sent)), scalars_of(len(sent)), sent, evaluated, proof, key)


WAYS = [finalize_additive, finalize_multiplicative]


def test_it_says_who_it_is(backend: Backend) -> None:
    assert isinstance(backend, Backend)
    assert type(backend_named(backend.name)) is type(backend)
    assert backend.description.startswith(backend.name)
    assert "\n" not in backend.description


# -- the same bytes


def flipped(seed: bytes, place: int) -> bytes:
    """Give an element's encoding with one bit changed."""
    encoding = bytearray(group.hash_to_group(seed, b"contract"))
    encoding[place // 8] ^= 1 << place % 8
    return bytes(encoding)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("size", SIZES)
def test_the_additive_way(backend: Backend, size: int, threads: int) -> None:
    inputs, offsets = inputs_of(size), scalars_of(size)
    blinded = backend.blind_additive(inputs, offsets, threads=threads)
    assert blinded.encoded == REFERENCE.blind_additive(inputs, offsets).encoded
    assert backend.decode_elements(blinded.encoded, threads=threads).encoded == blinded.encoded
    evaluated, proof = backend.evaluate(KEY, blinded, threads=threads)
    outputs = backend.finalize_additive(inputs, offsets, blinded, evaluated, proof, PK, threads=threads)
    assert outputs == outputs_of(size)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("size", SIZES)
def test_the_multiplicative_way(backend: Backend, size: int, threads: int) -> None:
    inputs, blinds = inputs_of(size), scalars_of(size)
    blinded = backend.blind_multiplicative(inputs, blinds, threads=threads)
    assert blinded.encoded == REFERENCE.blind_multiplicative(inputs, blinds).encoded
    evaluated, proof = backend.evaluate(KEY, blinded, threads=threads)
    outputs = backend.finalize_multiplicative(inputs, blinds, blinded, evaluated, proof, PK, threads=threads)
    assert outputs == outputs_of(size)


@pytest.mark.parametrize("size", SIZES)
def test_given_randomness_gives_the_proof_of_the_reference(backend: Backend, size: int) -> None:
    blinded, source = blinded_of(size), zeros_after(b"\xff" * 64)
    assert evaluate(backend, blinded, random_bytes=source) == evaluate(REFERENCE, blinded, random_bytes=source)


@pytest.mark.parametrize("size", SIZES)
def test_proofs_of_the_reference_are_accepted_and_the_other_way_round(backend: Backend, size: int) -> None:
    blinded, outputs = blinded_of(size), outputs_of(size)
    assert finalize_additive(backend, blinded, *evaluate(REFERENCE, blinded)) == outputs
    assert finalize_additive(REFERENCE, blinded, *evaluate(backend, blinded)) == outputs


def test_the_largest_batch(backend: Backend) -> None:
    size = oprf.MAX_BATCH
    inputs, offsets = inputs_of(size), backend.random_scalars(size)
    blinded = backend.blind_additive(inputs, offsets, threads=2)
    evaluated, proof = backend.evaluate(KEY, blinded, threads=2)
    outputs = backend.finalize_additive(inputs, offsets, blinded, evaluated, proof, PK, threads=2)
    assert len(outputs) == 64 * size
    for index in (0, 1, size - 1):
        assert outputs[64 * index : 64 * index + 64] == oprf.evaluate(SK, inputs[index])


@needs_native
@settings(max_examples=25, deadline=None)
@given(
    inputs=st.lists(st.binary(max_size=80), min_size=1, max_size=9),
    seed=st.binary(min_size=64, max_size=64).filter(any),
)
def test_both_backends_give_the_same_for_any_input(inputs: list[bytes], seed: bytes) -> None:
    native = backend_named("native")

    def source(length: int) -> bytes:
        return seed * (length // len(seed))

    scalars = native.random_scalars(len(inputs), random_bytes=source)
    assert scalars == REFERENCE.random_scalars(len(inputs), random_bytes=source)
    blinded = native.blind_additive(inputs, scalars)
    assert blinded.encoded == REFERENCE.blind_additive(inputs, scalars).encoded
    other, expected = native.blind_multiplicative(inputs, scalars), REFERENCE.blind_multiplicative(inputs, scalars)
    assert other.encoded == expected.encoded
    evaluated, proof = native.evaluate(KEY, blinded, random_bytes=source)
    assert (evaluated, proof) == evaluate(REFERENCE, blinded.encoded, random_bytes=source)
    outputs = native.finalize_additive(inputs, scalars, blinded, evaluated, proof, PK)
    assert outputs == b"".join(oprf.evaluate(SK, item) for item in inputs)


@needs_native
@settings(max_examples=200, deadline=None)
@given(encoding=st.binary(min_size=32, max_size=32) | st.builds(flipped, st.binary(max_size=9), st.integers(0, 255)))
def test_both_backends_take_the_same_bytes_for_elements(encoding: bytes) -> None:
    assert accepts(backend_named("native"), encoding) == accepts(REFERENCE, encoding)


def accepts(backend: Backend, encoding: bytes) -> bool:
    try:
        backend.decode_elements(encoding)
    except InvalidElement:
        return False
    return True


# -- what is refused


@pytest.mark.parametrize("size", [0, 4097])
def test_batches_outside_the_limits(backend: Backend, size: int) -> None:
    packed, inputs, scalars = group.GENERATOR * size, inputs_of(size), Secret(group.ONE * size)
    one = backend.decode_elements(group.GENERATOR)
    attempts: list[Callable[[], object]] = [
        lambda: backend.random_scalars(size),
        lambda: backend.blind_additive(inputs, scalars),
        lambda: backend.blind_multiplicative(inputs, scalars),
        lambda: backend.decode_elements(packed),
        lambda: backend.finalize_additive(inputs, scalars, one, packed, bytes(64), PK),
        lambda: backend.finalize_multiplicative(inputs, scalars, one, packed, bytes(64), PK),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidBatch):
            attempt()


def test_ragged_and_unequal_parts(backend: Backend) -> None:
    packed, inputs, two, three = blinded_of(3), inputs_of(3), inputs_of(2), scalars_of(3)
    blinded, fewer = backend.decode_elements(packed), backend.decode_elements(packed[:-32])
    evaluated, proof = backend.evaluate(KEY, blinded)
    attempts: list[Callable[[], object]] = [
        lambda: backend.decode_elements(packed[:-1]),
        lambda: backend.decode_elements(packed + b"\0"),
        lambda: backend.blind_additive(two, three),
        lambda: backend.blind_multiplicative(two, three),
    ]
    for finalize in (backend.finalize_additive, backend.finalize_multiplicative):
        attempts += [
            partial(finalize, inputs, three, blinded, evaluated[:-32], proof, PK),
            partial(finalize, inputs, three, fewer, evaluated, proof, PK),
            # The number is looked at first: what the extra element is does not matter.
            partial(finalize, inputs, three, blinded, evaluated + bytes(32), proof, PK),
            partial(finalize, inputs, three, blinded, evaluated[:-1], proof, PK),
            partial(finalize, two, three, blinded, evaluated, proof, PK),
            partial(finalize, inputs, scalars_of(2), blinded, evaluated, proof, PK),
            partial(finalize, two, scalars_of(2), blinded, evaluated, proof, PK),
        ]
    for attempt in attempts:
        with pytest.raises(InvalidBatch):
            attempt()


@pytest.mark.parametrize("bad", BAD_ELEMENTS, ids=BAD_ELEMENT_NAMES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_element_spoils_the_batch_and_is_named_by_its_place(backend: Backend, bad: bytes, place: int) -> None:
    blinded = blinded_of(3)
    evaluated, proof = evaluate(backend, blinded)

    def spoilt(packed: bytes) -> bytes:
        return packed[: 32 * place] + bad + packed[32 * place + 32 :]

    attempts: list[Callable[[], object]] = [
        lambda: backend.decode_elements(spoilt(blinded)),
        *(partial(way, backend, blinded, spoilt(evaluated), proof) for way in WAYS),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidElement, match=f"item {place}: ") as raised:
            attempt()
        assert bad.hex() not in str(raised.value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bad", [*BAD_ELEMENTS, b"", bytes(31), bytes(33)])
def test_a_bad_public_key(backend: Backend, bad: bytes, way: Callable[..., bytes]) -> None:
    blinded = blinded_of(1)
    with pytest.raises(InvalidElement):
        way(backend, blinded, *evaluate(backend, blinded), bad)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", SIZES)
def test_wrong_proofs(backend: Backend, size: int, way: Callable[..., bytes]) -> None:
    blinded = blinded_of(size)
    evaluated, proof = evaluate(backend, blinded)
    other = group.scalar_mult_base(group.random_scalar())
    wrong = [b"", proof[:-1], proof + b"\0", bytes(64), b"\xff" * 64, proof[32:] + proof[:32]]
    for statement in wrong:
        with pytest.raises(ProofInvalid):
            way(backend, blinded, evaluated, statement)
    with pytest.raises(ProofInvalid):
        way(backend, blinded, evaluated, proof, other)
    with pytest.raises(ProofInvalid):
        way(backend, evaluated, blinded, proof)


def test_two_elements_changed_places(backend: Backend) -> None:
    blinded = blinded_of(2)
    evaluated, proof = evaluate(backend, blinded)
    with pytest.raises(ProofInvalid):
        finalize_additive(backend, blinded, evaluated[32:] + evaluated[:32], proof)


def test_a_response_that_is_not_reduced_is_refused(backend: Backend) -> None:
    # The same scalar in another encoding: s + order, which fits in 32 bytes.
    blinded = blinded_of(1)
    evaluated, proof = evaluate(backend, blinded)
    again = (int.from_bytes(proof[32:], "little") + group.ORDER).to_bytes(32, "little")
    with pytest.raises(ProofInvalid):
        finalize_additive(backend, blinded, evaluated, proof[:32] + again)


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(32), group.ORDER.to_bytes(32, "little"), b"\xff" * 32])
def test_a_bad_secret_key(backend: Backend, bad: bytes) -> None:
    with pytest.raises(group.InvalidScalarError):
        evaluate(backend, blinded_of(1), Secret(bad))
    with pytest.raises(group.InvalidScalarError):
        backend.evaluate_many(Secret(bad), [backend.decode_elements(blinded_of(1))])
    with pytest.raises(group.InvalidScalarError):
        backend.evaluate_many(Secret(bad), [])


@pytest.mark.parametrize("bad", [bytes(32), group.ORDER.to_bytes(32, "little")])
def test_a_bad_blind_or_offset(backend: Backend, bad: bytes) -> None:
    scalars, inputs, blinded = Secret(group.ONE + bad), inputs_of(2), backend.decode_elements(blinded_of(2))
    reply = backend.evaluate(KEY, blinded)
    attempts: list[Callable[[], object]] = [
        lambda: backend.blind_additive(inputs, scalars),
        lambda: backend.blind_multiplicative(inputs, scalars),
        lambda: backend.finalize_additive(inputs, scalars, blinded, *reply, PK),
        lambda: backend.finalize_multiplicative(inputs, scalars, blinded, *reply, PK),
    ]
    for attempt in attempts:
        with pytest.raises(group.InvalidScalarError):
            attempt()


def test_an_input_that_is_too_long(backend: Backend) -> None:
    inputs = [b"x", bytes(65536)]
    for blind in (backend.blind_additive, backend.blind_multiplicative):
        with pytest.raises(oprf.InvalidInputError):
            blind(inputs, scalars_of(2))
        assert len(blind([b"x", bytes(65535)], scalars_of(2))) == 2
    sent = backend.decode_elements(blinded_of(2))
    for finalize in (backend.finalize_additive, backend.finalize_multiplicative):
        with pytest.raises(oprf.InvalidInputError):
            finalize(inputs, scalars_of(2), sent, *backend.evaluate(KEY, sent), PK)


# -- several calls at once


def decoded(backend: Backend, calls: Sequence[bytes]) -> list[Elements]:
    return [backend.decode_elements(call) for call in calls]


def test_calls_are_evaluated_as_each_would_be_alone(backend: Backend) -> None:
    calls, source = [blinded_of(size) for size in (3, 1, 16, 3)], zeros_after(b"\xff" * 64)
    alone = [evaluate(REFERENCE, call, random_bytes=source) for call in calls]
    assert backend.evaluate_many(KEY, decoded(backend, calls), random_bytes=source) == alone
    assert backend.evaluate_many(KEY, decoded(backend, calls), random_bytes=source, threads=2) == alone
    assert backend.evaluate_many(KEY, []) == []


def test_every_call_has_a_proof_with_a_nonce_of_its_own(backend: Backend) -> None:
    first, second = backend.evaluate_many(KEY, decoded(backend, [blinded_of(2)] * 2))
    assert first[0] == second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", BAD_ELEMENTS, ids=BAD_ELEMENT_NAMES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_wrong_call_fails_alone(backend: Backend, bad: bytes, place: int, threads: int) -> None:
    good = blinded_of(2)
    calls = [good] * 3
    calls.insert(place, good[:32] + bad)
    calls += [b"", good[:-1], group.GENERATOR * 4097]
    outcomes = backend.decode_many(calls, threads=threads)
    assert isinstance(outcomes[place], InvalidElement)
    assert str(outcomes[place]).startswith("item 1: ")
    assert all(isinstance(outcome, InvalidBatch) for outcome in outcomes[4:])
    for number in {0, 1, 2, 3} - {place}:
        outcome = outcomes[number]
        assert not isinstance(outcome, AllianceError)
        assert outcome.encoded == good
    assert backend.decode_many([]) == []


def test_elements_show_their_number_and_nothing_else(backend: Backend) -> None:
    elements = backend.decode_elements(blinded_of(2))
    assert len(elements) == 2
    assert repr(elements) == "Elements(<2 items>)"


def test_two_threads_at_once_get_right_results(backend: Backend) -> None:
    def round_trip(number: int) -> bytes:
        inputs = [b"%d/%d" % (number, item) for item in range(40)]
        offsets = scalars_of(40)
        blinded = backend.blind_additive(inputs, offsets, threads=2)
        evaluated, proof = backend.evaluate(KEY, blinded, threads=2)
        return backend.finalize_additive(inputs, offsets, blinded, evaluated, proof, PK, threads=2)

    alone = [round_trip(number) for number in range(6)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(round_trip, range(6))) == alone
    assert alone[5][:64] == oprf.evaluate(SK, b"5/0")


def test_more_keys_than_are_kept_in_mind(backend: Backend) -> None:
    for number in [*range(7), 0]:
        secret, public = oprf.derive_key_pair(bytes([number]) * 32, b"keys")
        blinded = blinded_of(1)
        evaluated, proof = evaluate(backend, blinded, Secret(secret))
        assert finalize_additive(backend, blinded, evaluated, proof, public) == oprf.evaluate(secret, inputs_of(1)[0])


# -- scalars


def test_scalars_are_drawn_uniform_distinct_and_reduced(backend: Backend) -> None:
    packed = backend.random_scalars(300).reveal()
    scalars = [packed[start : start + 32] for start in range(0, len(packed), 32)]
    assert len(set(scalars)) == 300
    for scalar in scalars:
        group.deserialise_secret_scalar(scalar)


def test_scalars_come_from_64_bytes_each(backend: Backend) -> None:
    wide = os.urandom(64 * 3)
    expected = b"".join(
        (int.from_bytes(wide[start : start + 64], "little") % group.ORDER).to_bytes(32, "little")
        for start in (0, 64, 128)
    )
    left = bytearray(wide)

    def source(length: int) -> bytes:
        taken = bytes(left[:length])
        del left[:length]
        return taken

    assert backend.random_scalars(3, random_bytes=source).reveal() == expected
    assert not left
