"""Algebra of the group and of the protocol, and what happens to a reply that was touched."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.crypto import group, oprf, tagging
from alliance.crypto.group import Element, Scalar
from alliance.crypto.secret import Secret
from alliance.crypto.tagging import Blinding
from alliance.errors import AllianceError, InvalidBatch, InvalidElement, ProofInvalid

# A batch costs a millisecond an item: fewer, larger examples say more than many.
FEW: Final = settings(max_examples=25, deadline=None)

SCALARS = st.integers(0, group.ORDER - 1).map(lambda value: Scalar(value.to_bytes(32, "little")))
NONZERO = st.integers(1, group.ORDER - 1).map(lambda value: Scalar(value.to_bytes(32, "little")))
ELEMENTS = NONZERO.map(group.scalar_mult_base)
SEEDS = st.binary(min_size=32, max_size=32).map(Secret)
INPUTS = st.lists(st.binary(max_size=40), min_size=1, max_size=6)
BLINDINGS = st.sampled_from(Blinding)


def integer(scalar: Scalar) -> int:
    return int.from_bytes(scalar, "little")


@FEW
@given(SCALARS, SCALARS, ELEMENTS)
def test_multiplication_distributes(s: Scalar, t: Scalar, a: Element) -> None:
    both = Scalar(((integer(s) + integer(t)) % group.ORDER).to_bytes(32, "little"))
    assert group.add(group.scalar_mult(s, a), group.scalar_mult(t, a)) == group.scalar_mult(both, a)
    assert group.scalar_mult(s, group.scalar_mult(t, a)) == group.scalar_mult(group.scalar_multiply(s, t), a)
    assert group.scalar_mult_base(s) == group.scalar_mult(s, group.GENERATOR)


@FEW
@given(ELEMENTS, ELEMENTS, ELEMENTS)
def test_addition(a: Element, b: Element, c: Element) -> None:
    assert group.add(a, b) == group.add(b, a)
    assert group.add(group.add(a, b), c) == group.add(a, group.add(b, c))
    assert group.subtract(group.add(a, b), b) == a
    assert group.add(a, group.IDENTITY) == a


@given(SCALARS, SCALARS)
def test_scalar_arithmetic_is_that_of_the_integers(s: Scalar, t: Scalar) -> None:
    assert integer(group.scalar_multiply(s, t)) == integer(s) * integer(t) % group.ORDER
    assert integer(group.scalar_subtract(s, t)) == (integer(s) - integer(t)) % group.ORDER


@FEW
@given(st.lists(NONZERO, max_size=12))
def test_batch_inversion(scalars: list[Scalar]) -> None:
    for scalar, inverse in zip(scalars, group.batch_invert(scalars), strict=True):
        assert group.scalar_multiply(scalar, inverse) == group.ONE


@given(st.binary(min_size=32, max_size=32))
def test_scalars_decode_exactly_below_the_order(encoding: bytes) -> None:
    if int.from_bytes(encoding, "little") < group.ORDER:
        assert group.deserialise_scalar(encoding) == encoding
    else:
        with pytest.raises(group.InvalidScalarError):
            group.deserialise_scalar(encoding)


@given(st.binary(max_size=70))
def test_an_element_that_decodes_encodes_to_the_same_bytes(encoding: bytes) -> None:
    try:
        element = group.deserialise_element(encoding)
    except InvalidElement:
        return
    assert group.scalar_mult(group.ONE, element) == encoding != group.IDENTITY


@FEW
@given(SEEDS, INPUTS)
def test_both_blindings_give_the_outputs_of_direct_evaluation(seed: Secret, inputs: list[bytes]) -> None:
    keys = tagging.generate_key_pair(seed)
    secret_key = Scalar(keys.secret_key.reveal())
    outputs = [oprf.evaluate(secret_key, item) for item in inputs]
    for blinding in Blinding:
        blinded = tagging.blind(inputs, blinding=blinding)
        reply = tagging.evaluate(keys.secret_key, blinded.message)
        tags = blinded.state.finalize(reply.elements, reply.proof, keys.public_key)
        assert [tags.tag(index) for index in range(len(tags))] == [output[:32] for output in outputs]
        assert tags.label_key(0) == tagging.Tags(outputs[0]).label_key(0)


@FEW
@given(SEEDS, SEEDS, INPUTS, BLINDINGS)
def test_another_key_is_refused(seed: Secret, other: Secret, inputs: list[bytes], blinding: Blinding) -> None:
    pinned, used = tagging.generate_key_pair(seed), tagging.generate_key_pair(other, b"other")
    blinded = tagging.blind(inputs, blinding=blinding)
    reply = tagging.evaluate(used.secret_key, blinded.message)
    with pytest.raises(ProofInvalid):
        blinded.state.finalize(reply.elements, reply.proof, pinned.public_key)


KEYS = tagging.generate_key_pair(Secret(bytes(32)))


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@FEW
@given(INPUTS, BLINDINGS, st.data())
def test_a_flipped_bit_is_a_typed_error(inputs: list[bytes], blinding: Blinding, data: st.DataObject) -> None:
    blinded = tagging.blind(inputs, blinding=blinding)
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    part = data.draw(st.sampled_from(["elements", "proof", "key"]))
    elements, proof, key = reply.elements, reply.proof, KEYS.public_key
    if part == "elements":
        elements = flipped(elements, data.draw(st.integers(0, 8 * len(elements) - 1)))
    elif part == "proof":
        proof = flipped(proof, data.draw(st.integers(0, 8 * len(proof) - 1)))
    else:
        key = flipped(key, data.draw(st.integers(0, 8 * len(key) - 1)))
    with pytest.raises((ProofInvalid, InvalidElement)):
        blinded.state.finalize(elements, proof, key)


@FEW
@given(st.lists(st.binary(max_size=20), min_size=2, max_size=6), st.data())
def test_a_permuted_reply_is_refused(inputs: list[bytes], data: st.DataObject) -> None:
    blinded = tagging.blind(inputs)
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    places = list(range(len(inputs)))
    order = data.draw(st.permutations(places).filter(lambda drawn: drawn != places))
    elements = b"".join(reply.elements[32 * place : 32 * place + 32] for place in order)
    with pytest.raises(ProofInvalid):
        blinded.state.finalize(elements, reply.proof, KEYS.public_key)


@FEW
@given(INPUTS, st.data())
def test_a_reply_of_another_length_is_refused(inputs: list[bytes], data: st.DataObject) -> None:
    blinded = tagging.blind(inputs)
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    right = len(reply.elements)
    length = data.draw(st.integers(0, right + 64).filter(lambda drawn: drawn != right))
    with pytest.raises(InvalidBatch):
        blinded.state.finalize((reply.elements + reply.elements + bytes(64))[:length], reply.proof, KEYS.public_key)


@given(st.binary(max_size=200))
def test_whatever_arrives_the_evaluator_answers_or_raises_its_own_error(message: bytes) -> None:
    try:
        reply = tagging.evaluate(KEYS.secret_key, message)
    except AllianceError:
        return
    assert len(reply.elements) == len(message)


@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=40))
def test_whatever_is_replied_the_client_raises_its_own_error(elements: bytes, proof: bytes, key: bytes) -> None:
    blinded = tagging.blind([b"x"])
    with pytest.raises(AllianceError):
        blinded.state.finalize(elements, proof, key)
