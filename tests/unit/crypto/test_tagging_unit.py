"""`tagging`: order of the steps, single use, silence of every face, tags and label keys."""

import copy
import hashlib
import hmac
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import backends

from alliance.crypto import oprf, tagging
from alliance.crypto.group import Scalar
from alliance.crypto.secret import Secret
from alliance.crypto.tagging import Blinding
from alliance.errors import AllianceError, InvalidBatch, InvalidElement, ProofInvalid

INPUTS = [b"alliance/v1\0phone\0+8613800138000", b"alliance/v1\0email\0a@example.com", b""]
KEYS = tagging.generate_key_pair(Secret(bytes(range(32))), b"epoch 7")
OTHER = tagging.generate_key_pair(Secret(bytes(range(32))), b"epoch 8")


def direct(item: bytes) -> bytes:
    return oprf.evaluate(Scalar(KEYS.secret_key.reveal()), item)


@pytest.mark.parametrize("blinding", Blinding)
def test_tags_and_label_keys_are_those_of_the_protocol(blinding: Blinding) -> None:
    blinded = tagging.blind(INPUTS, blinding=blinding)
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    tags = blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)
    assert len(tags) == 3
    for index, item in enumerate(INPUTS):
        output = direct(item)
        prk = hmac.digest(bytes(32), output[32:64], hashlib.sha256)
        label_key = hmac.digest(prk, b"alliance/v1/label\x01", hashlib.sha256)
        assert tags.tag(index) == output[:32]
        assert tags.label_key(index).reveal() == label_key
        assert tags[index] == (output[:32], Secret(label_key))
        assert tags.derive(index, b"alliance/v1/psi") != tags.label_key(index)
    assert tags.packed == b"".join(direct(item)[:32] for item in INPUTS)
    assert [tag for tag, _ in tags] == [tags.tag(index) for index in range(3)]
    assert tags.tag(-1) == tags.tag(2)
    with pytest.raises(IndexError):
        tags.tag(3)


def test_additive_is_what_one_gets() -> None:
    assert "additive" in repr(tagging.blind([b"x"]).state)


def test_two_blindings_of_one_input_have_nothing_in_common() -> None:
    assert len({tagging.blind([b"x"], blinding=b).message for b in Blinding for _ in range(5)}) == 10


@pytest.mark.parametrize("blinding", Blinding)
def test_given_randomness_gives_the_same_message(blinding: Blinding) -> None:
    def counter(length: int) -> bytes:
        return bytes(range(length))

    first, second = (tagging.blind([b"x"], blinding=blinding, random_bytes=counter) for _ in range(2))
    assert first.message == second.message


@pytest.mark.parametrize("blinding", Blinding)
def test_another_key_is_refused_whichever_is_pinned(blinding: Blinding) -> None:
    blinded = tagging.blind(INPUTS, blinding=blinding)
    reply = tagging.evaluate(OTHER.secret_key, blinded.message)
    with pytest.raises(ProofInvalid):
        blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)


@pytest.mark.parametrize("name", backends.NAMES)
@pytest.mark.parametrize("blinding", Blinding)
def test_nothing_is_given_before_the_proof_holds(blinding: Blinding, name: str) -> None:
    backend = backends.backend_named(name)
    blinded = tagging.blind([b"x"], blinding=blinding, backend=backend)
    wrong = tagging.evaluate(OTHER.secret_key, blinded.message)
    with pytest.raises(ProofInvalid):
        blinded.state.finalize(wrong.elements, wrong.proof, KEYS.public_key)
    blinded = tagging.blind([b"x"], blinding=blinding, backend=backend)
    right = tagging.evaluate(KEYS.secret_key, blinded.message)
    tags = blinded.state.finalize(right.elements, right.proof, KEYS.public_key)
    assert tags.packed == direct(b"x")[:32]


def test_several_requests_have_a_reply_each() -> None:
    first, second, bad = tagging.blind(INPUTS), tagging.blind(INPUTS[:1]), bytes(32)
    *decoded, failure = tagging.decode_many([first.message, second.message, bad])
    assert isinstance(failure, InvalidElement)
    calls = [it for it in decoded if not isinstance(it, AllianceError)]
    replies = tagging.evaluate_many(KEYS.secret_key, calls)
    for blinded, reply in zip((first, second), replies, strict=True):
        tags = blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)
        assert tags.tag(0) == direct(INPUTS[0])[:32]


def test_label_keys_of_a_batch_are_those_of_its_items() -> None:
    blinded = tagging.blind(INPUTS)
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    tags = blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)
    assert tags.label_keys().reveal() == b"".join(tags.label_key(index).reveal() for index in range(len(tags)))


def test_a_state_serves_once() -> None:
    blinded = tagging.blind(INPUTS)
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    assert "unspent" in repr(blinded.state)
    blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)
    with pytest.raises(tagging.StateSpentError):
        blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)


def test_a_state_is_spent_by_a_failure_too() -> None:
    blinded = tagging.blind(INPUTS)
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    with pytest.raises(ProofInvalid):
        blinded.state.finalize(reply.elements, bytes(64), KEYS.public_key)
    with pytest.raises(tagging.StateSpentError):
        blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)


def test_of_many_threads_one_gets_the_tags() -> None:
    blinded = tagging.blind([b"x"])
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)

    def attempt(_: int) -> bool:
        try:
            blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)
        except tagging.StateSpentError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_no_face_shows_anything() -> None:
    blinded = tagging.blind(INPUTS)
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    tags = blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)
    shown = "".join(map(repr, (blinded, blinded.state, reply, tags, KEYS))) + f"{tags}{blinded.state}"
    for secret in (b"13800138000", b"example.com", tags.tag(0), KEYS.secret_key.reveal()):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
    assert repr(tags) == "Tags(<3 items>)"


@pytest.mark.parametrize("store", [pickle.dumps, copy.copy, copy.deepcopy])
def test_neither_state_nor_tags_are_stored(store: object) -> None:
    assert callable(store)
    blinded = tagging.blind(INPUTS)
    for thing in (blinded.state, tagging.Tags(bytes(64))):
        with pytest.raises(TypeError):
            store(thing)


def test_inputs_are_copied() -> None:
    inputs = list(INPUTS)
    blinded = tagging.blind(inputs)
    inputs.clear()
    reply = tagging.evaluate(KEYS.secret_key, blinded.message)
    assert len(blinded.state.finalize(reply.elements, reply.proof, KEYS.public_key)) == 3


@pytest.mark.parametrize("count", [0, 4097])
def test_limits_before_any_work(count: int) -> None:
    with pytest.raises(InvalidBatch):
        tagging.blind([b"x"] * count)
    with pytest.raises(InvalidBatch):
        tagging.decode(bytes(32 * count))
    with pytest.raises(InvalidBatch):
        tagging.evaluate(KEYS.secret_key, bytes(32 * count))


def test_one_bad_point_and_nothing_is_evaluated() -> None:
    message = tagging.blind(INPUTS).message
    tagging.decode(message)
    bad = message[:64] + bytes(32)
    with pytest.raises(InvalidElement):
        tagging.decode(bad)
    with pytest.raises(InvalidElement):
        # Not even the key is looked at.
        tagging.evaluate(Secret(b""), bad)


@pytest.mark.parametrize("key", [b"", bytes(32), b"\xff" * 32, bytes(31)])
def test_a_bad_secret_key_is_refused_without_showing_it(key: bytes) -> None:
    with pytest.raises(AllianceError) as caught:
        tagging.evaluate(Secret(key), tagging.blind([b"x"]).message)
    assert key.hex() not in str(caught.value) or not key


def test_keys_of_one_seed_are_told_apart_by_their_info() -> None:
    assert KEYS.public_key != OTHER.public_key
    assert tagging.generate_key_pair(Secret(bytes(range(32))), b"epoch 7") == KEYS
    with pytest.raises(oprf.DeriveKeyPairError):
        tagging.generate_key_pair(Secret(b"short"))


def test_a_request_is_made_again_byte_for_byte_and_finalises_alike() -> None:
    inputs = [b"one", b"two"]
    blinded = tagging.blind(inputs)
    again = tagging.blind_again(inputs, blinded.state.blinds())
    assert again.message == blinded.message
    reply = tagging.evaluate(KEYS.secret_key, again.message)
    first, second = (it.state.finalize(reply.elements, reply.proof, KEYS.public_key).packed for it in (blinded, again))
    assert first == second
    with pytest.raises(tagging.StateSpentError):
        blinded.state.blinds()
    with pytest.raises(InvalidBatch):
        tagging.blind_again(inputs, Secret(bytes(32)))
