"""What every backend must do, run on each that is installed; the reference gives the bytes."""

import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from alliance.crypto import backend as backends
from alliance.crypto import group, oprf
from alliance.crypto.backend import Backend, ReferenceBackend
from alliance.crypto.secret import Secret
from alliance.errors import InvalidBatch, InvalidElement, ProofInvalid

AVAILABLE = ["reference"] + ["native"] * (importlib.util.find_spec(backends.NATIVE_MODULE) is not None)
SIZES = [1, 2, 17]

SK, PK = oprf.derive_key_pair(bytes(range(32)), b"contract")
KEY = Secret(SK)
REFERENCE = ReferenceBackend()
# 2^255 - 18 is not canonical; 1 is negative; the next is no square; the last is the identity.
BAD_ELEMENTS = [
    bytes.fromhex("ee" + "ff" * 30 + "7f"),
    (1).to_bytes(32, "little"),
    bytes.fromhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
    bytes(32),
]


@pytest.fixture(params=AVAILABLE)
def backend(request: pytest.FixtureRequest) -> Backend:
    return backends.select(request.param)


def inputs_of(size: int) -> list[bytes]:
    return [b"alliance/v1\0phone\0%d" % number for number in range(size)]


def scalars_of(size: int) -> Secret:
    return Secret(b"".join(group.hash_to_scalar(b"%d" % number, b"contract") for number in range(size)))


def zeros_after(first: bytes) -> Callable[[int], bytes]:
    return lambda length: first.ljust(length, b"\0")


def blinded_of(size: int) -> bytes:
    return REFERENCE.blind_additive(inputs_of(size), scalars_of(size))


def outputs_of(size: int) -> bytes:
    return b"".join(oprf.evaluate(SK, item) for item in inputs_of(size))


def test_there_is_a_backend_to_test() -> None:
    assert "reference" in AVAILABLE


def test_it_says_who_it_is(backend: Backend) -> None:
    assert isinstance(backend, Backend)
    assert backend.name in AVAILABLE
    assert backend.description
    assert "\n" not in backend.description


@pytest.mark.parametrize("size", SIZES)
def test_the_additive_way(backend: Backend, size: int) -> None:
    inputs, offsets = inputs_of(size), scalars_of(size)
    blinded = backend.blind_additive(inputs, offsets)
    assert blinded == REFERENCE.blind_additive(inputs, offsets)
    backend.decode_elements(blinded)
    evaluated, proof = backend.evaluate(KEY, blinded)
    backend.verify(PK, blinded, evaluated, proof)
    unblinded = backend.unblind_additive(evaluated, offsets, PK)
    assert backend.finalize(inputs, unblinded) == outputs_of(size)


@pytest.mark.parametrize("size", SIZES)
def test_the_multiplicative_way(backend: Backend, size: int) -> None:
    inputs, blinds = inputs_of(size), scalars_of(size)
    blinded = backend.blind_multiplicative(inputs, blinds)
    assert blinded == REFERENCE.blind_multiplicative(inputs, blinds)
    evaluated, proof = backend.evaluate(KEY, blinded)
    backend.verify(PK, blinded, evaluated, proof)
    unblinded = backend.unblind_multiplicative(evaluated, blinds)
    assert backend.finalize(inputs, unblinded) == outputs_of(size)


@pytest.mark.parametrize("size", SIZES)
def test_given_randomness_gives_the_proof_of_the_reference(backend: Backend, size: int) -> None:
    blinded, source = blinded_of(size), zeros_after(b"\xff" * 64)
    assert backend.evaluate(KEY, blinded, random_bytes=source) == REFERENCE.evaluate(KEY, blinded, random_bytes=source)


@pytest.mark.parametrize("size", SIZES)
def test_proofs_of_the_reference_are_accepted_and_the_other_way_round(backend: Backend, size: int) -> None:
    blinded = blinded_of(size)
    backend.verify(PK, blinded, *REFERENCE.evaluate(KEY, blinded))
    REFERENCE.verify(PK, blinded, *backend.evaluate(KEY, blinded))


def test_the_largest_batch(backend: Backend) -> None:
    size = oprf.MAX_BATCH
    inputs, offsets = inputs_of(size), scalars_of(size)
    blinded = backend.blind_additive(inputs, offsets)
    evaluated, proof = backend.evaluate(KEY, blinded)
    backend.verify(PK, blinded, evaluated, proof)
    outputs = backend.finalize(inputs, backend.unblind_additive(evaluated, offsets, PK))
    assert len(outputs) == 64 * size
    for index in (0, 1, size - 1):
        assert outputs[64 * index : 64 * index + 64] == oprf.evaluate(SK, inputs[index])


@pytest.mark.parametrize("size", [0, 4097])
def test_batches_outside_the_limits(backend: Backend, size: int) -> None:
    packed, inputs, scalars = group.GENERATOR * size, inputs_of(size), Secret(group.ONE * size)
    attempts: list[Callable[[], object]] = [
        lambda: backend.blind_additive(inputs, scalars),
        lambda: backend.blind_multiplicative(inputs, scalars),
        lambda: backend.decode_elements(packed),
        lambda: backend.evaluate(KEY, packed),
        lambda: backend.verify(PK, packed, packed, bytes(64)),
        lambda: backend.unblind_additive(packed, scalars, PK),
        lambda: backend.unblind_multiplicative(packed, scalars),
        lambda: backend.finalize(inputs, packed),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidBatch):
            attempt()


def test_ragged_and_unequal_parts(backend: Backend) -> None:
    blinded, two, three = blinded_of(3), inputs_of(2), scalars_of(3)
    evaluated, proof = backend.evaluate(KEY, blinded)
    attempts: list[Callable[[], object]] = [
        lambda: backend.decode_elements(blinded[:-1]),
        lambda: backend.evaluate(KEY, blinded + b"\0"),
        lambda: backend.verify(PK, blinded, evaluated[:-32], proof),
        lambda: backend.verify(PK, blinded[:-32], evaluated, proof),
        # The number is looked at first: what the extra element is does not matter.
        lambda: backend.verify(PK, blinded, evaluated + bytes(32), proof),
        lambda: backend.verify(PK, blinded, evaluated[:-1], proof),
        lambda: backend.blind_additive(two, three),
        lambda: backend.blind_multiplicative(two, three),
        lambda: backend.unblind_additive(evaluated[:-32], three, PK),
        lambda: backend.unblind_multiplicative(evaluated[:-32], three),
        lambda: backend.finalize(two, evaluated),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidBatch):
            attempt()


@pytest.mark.parametrize("bad", BAD_ELEMENTS, ids=["not canonical", "negative", "no square", "identity"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_element_spoils_the_batch(backend: Backend, bad: bytes, place: int) -> None:
    blinded = blinded_of(3)
    evaluated, proof = backend.evaluate(KEY, blinded)

    def spoilt(packed: bytes) -> bytes:
        return packed[: 32 * place] + bad + packed[32 * place + 32 :]

    with pytest.raises(InvalidElement):
        backend.decode_elements(spoilt(blinded))
    with pytest.raises(InvalidElement):
        backend.evaluate(KEY, spoilt(blinded))
    with pytest.raises(InvalidElement):
        backend.verify(PK, blinded, spoilt(evaluated), proof)
    with pytest.raises(InvalidElement):
        backend.verify(PK, spoilt(blinded), evaluated, proof)


@pytest.mark.parametrize("bad", [*BAD_ELEMENTS, b"", bytes(31), bytes(33)])
def test_a_bad_public_key(backend: Backend, bad: bytes) -> None:
    blinded = blinded_of(1)
    evaluated, proof = backend.evaluate(KEY, blinded)
    with pytest.raises(InvalidElement):
        backend.verify(bad, blinded, evaluated, proof)
    with pytest.raises(InvalidElement):
        backend.unblind_additive(evaluated, scalars_of(1), bad)


@pytest.mark.parametrize("size", SIZES)
def test_wrong_proofs(backend: Backend, size: int) -> None:
    blinded = blinded_of(size)
    evaluated, proof = backend.evaluate(KEY, blinded)
    other = group.scalar_mult_base(group.random_scalar())
    wrong = [b"", proof[:-1], proof + b"\0", bytes(64), b"\xff" * 64, proof[32:] + proof[:32]]
    for statement in wrong:
        with pytest.raises(ProofInvalid):
            backend.verify(PK, blinded, evaluated, statement)
    with pytest.raises(ProofInvalid):
        backend.verify(other, blinded, evaluated, proof)
    with pytest.raises(ProofInvalid):
        backend.verify(PK, evaluated, blinded, proof)


def test_a_response_that_is_not_reduced_is_refused(backend: Backend) -> None:
    # The same scalar in another encoding: s + order, which fits in 32 bytes.
    blinded = blinded_of(1)
    evaluated, proof = backend.evaluate(KEY, blinded)
    again = (int.from_bytes(proof[32:], "little") + group.ORDER).to_bytes(32, "little")
    with pytest.raises(ProofInvalid):
        backend.verify(PK, blinded, evaluated, proof[:32] + again)


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(32), group.ORDER.to_bytes(32, "little"), b"\xff" * 32])
def test_a_bad_secret_key(backend: Backend, bad: bytes) -> None:
    with pytest.raises(group.InvalidScalarError):
        backend.evaluate(Secret(bad), blinded_of(1))


@pytest.mark.parametrize("bad", [bytes(32), group.ORDER.to_bytes(32, "little")])
def test_a_bad_blind_or_offset(backend: Backend, bad: bytes) -> None:
    scalars = Secret(group.ONE + bad)
    inputs, elements = inputs_of(2), blinded_of(2)
    attempts: list[Callable[[], object]] = [
        lambda: backend.blind_additive(inputs, scalars),
        lambda: backend.blind_multiplicative(inputs, scalars),
        lambda: backend.unblind_additive(elements, scalars, PK),
        lambda: backend.unblind_multiplicative(elements, scalars),
    ]
    for attempt in attempts:
        with pytest.raises(group.InvalidScalarError):
            attempt()


def test_an_input_that_is_too_long(backend: Backend) -> None:
    inputs = [b"x", bytes(65536)]
    for blind in (backend.blind_additive, backend.blind_multiplicative):
        with pytest.raises(oprf.InvalidInputError):
            blind(inputs, scalars_of(2))
        assert len(blind([b"x", bytes(65535)], scalars_of(2))) == 64


def test_two_threads_at_once_get_right_results(backend: Backend) -> None:
    def round_trip(number: int) -> bytes:
        inputs = [b"%d/%d" % (number, item) for item in range(40)]
        offsets = scalars_of(40)
        blinded = backend.blind_additive(inputs, offsets)
        evaluated, proof = backend.evaluate(KEY, blinded)
        backend.verify(PK, blinded, evaluated, proof)
        return backend.finalize(inputs, backend.unblind_additive(evaluated, offsets, PK))

    alone = [round_trip(number) for number in range(6)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(round_trip, range(6))) == alone
    assert alone[5][:64] == oprf.evaluate(SK, b"5/0")
