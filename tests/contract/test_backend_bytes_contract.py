"""What every backend must do besides the VOPRF: derived keys, signatures, handles, the bits of filters."""

import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from support.backends import REFERENCE, backend_named, needs_native

from alliance.crypto import bloom, hashing, sealing
from alliance.crypto.backend import Backend
from alliance.crypto.secret import Secret
from alliance.errors import InvalidBatch, InvalidElement

SHAPE = bloom.Shape.for_listings(5000, 0xDEADBEEF)
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


# -- keys and handles


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 7, 4097])
def test_keys_are_those_of_hkdf(backend: Backend, count: int, threads: int) -> None:
    seeds = os.urandom(32 * count)
    keys = backend.derive_keys(Secret(seeds), b"alliance/v1/label", threads=threads).reveal()
    expected = (
        hashing.hkdf_sha256(seeds[start : start + 32], b"alliance/v1/label") for start in range(0, 32 * count, 32)
    )
    assert keys == b"".join(expected)


def test_seeds_that_do_not_fit(backend: Backend) -> None:
    with pytest.raises(InvalidBatch):
        backend.derive_keys(Secret(bytes(33)), b"info")


@pytest.mark.parametrize("threads", [1, 2])
def test_handles_are_found_with_their_owners(backend: Backend, threads: int) -> None:
    keys = [os.urandom(32) for _ in range(3)]
    ids = [os.urandom(16) for _ in range(60)]
    owners = {4: 1, 17: 0, 18: 0, 59: 2}
    handles = [sealing.handle(keys[owners[n]], ids[n]) if n in owners else os.urandom(16) for n in range(60)]
    found = backend.find_handles(Secret(b"".join(keys)), b"".join(ids), b"".join(handles), threads=threads)
    assert found == sorted(owners.items())


def test_every_byte_of_a_handle_counts(backend: Backend) -> None:
    key, entry_id = os.urandom(32), os.urandom(16)
    handle = sealing.handle(key, entry_id)
    for place in range(16):
        other = bytearray(handle)
        other[place] ^= 1
        assert backend.find_handles(Secret(key), entry_id, bytes(other)) == []


def test_nothing_to_find(backend: Backend) -> None:
    assert backend.find_handles(Secret(b""), bytes(16), bytes(16)) == []
    assert backend.find_handles(Secret(bytes(32)), b"", b"") == []


def test_ragged_handles(backend: Backend) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: backend.find_handles(Secret(bytes(31)), bytes(16), bytes(16)),
        lambda: backend.find_handles(Secret(bytes(32)), bytes(15), bytes(16)),
        lambda: backend.find_handles(Secret(bytes(32)), bytes(32), bytes(16)),
        lambda: backend.find_handles(Secret(bytes(32)), bytes(16), bytes(17)),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidBatch):
            attempt()


# -- signatures


def signer() -> tuple[Ed25519PrivateKey, bytes]:
    key = Ed25519PrivateKey.generate()
    return key, key.public_key().public_bytes_raw()


@pytest.mark.parametrize("threads", [1, 2])
def test_each_signature_is_judged_by_itself(backend: Backend, threads: int) -> None:
    key, public = signer()
    messages = [os.urandom(size) for size in (0, 1, 200, 3000)] * 3
    signatures = [key.sign(b"prefix" + message) for message in messages]
    signatures[5] = signatures[4]
    messages[7] += b"!"
    held = backend.verify_signatures(public, b"prefix", messages, signatures, threads=threads)
    assert [place for place, holds in enumerate(held) if not holds] == [5, 7]
    assert not any(backend.verify_signatures(public, b"other", messages, signatures))
    assert not any(backend.verify_signatures(signer()[1], b"prefix", messages, signatures))
    assert backend.verify_signatures(public, b"prefix", [], []) == []


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_does_not_hold(backend: Backend, length: int) -> None:
    assert backend.verify_signatures(signer()[1], b"", [b"m"], [bytes(length)]) == [False]


def test_a_signature_that_is_not_reduced_does_not_hold(backend: Backend) -> None:
    # RFC 8032 §5.1.7: S is below the order; S + order would verify as well.
    key, public = signer()
    signature = key.sign(b"m")
    again = (int.from_bytes(signature[32:], "little") + ED25519_ORDER).to_bytes(32, "little")
    assert backend.verify_signatures(public, b"", [b"m"] * 2, [signature, signature[:32] + again]) == [True, False]


@pytest.mark.parametrize("threads", [1, 3])
def test_signatures_are_those_of_rfc_8032(backend: Backend, threads: int) -> None:
    # Section 7.1, tests 1 and 3; and whatever OpenSSL gives, for they are deterministic.
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    (signature,) = backend.sign_messages(Secret(seed), b"", [b""])
    assert signature.hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
    seed = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    (signature,) = backend.sign_messages(Secret(seed), b"\xaf", [b"\x82"])
    assert signature.hex().startswith("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac")
    messages = [os.urandom(size) for size in (0, 1, 300, 77, 77)]
    key = Ed25519PrivateKey.from_private_bytes(seed)
    expected = [key.sign(b"prefix" + message) for message in messages]
    assert backend.sign_messages(Secret(seed), b"prefix", messages, threads=threads) == expected
    assert backend.sign_messages(Secret(seed), b"prefix", []) == []


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_another_length(backend: Backend, length: int) -> None:
    with pytest.raises(InvalidBatch, match="seed"):
        backend.sign_messages(Secret(bytes(length)), b"", [b"m"])


def test_signatures_and_messages_go_together(backend: Backend) -> None:
    with pytest.raises(InvalidBatch):
        backend.verify_signatures(signer()[1], b"", [b"m"], [])


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_public_key_of_another_length(backend: Backend, length: int) -> None:
    with pytest.raises(InvalidElement):
        backend.verify_signatures(bytes(length), b"", [b"m"], [bytes(64)])


@needs_native
@settings(max_examples=200, deadline=None)
@given(
    public=st.binary(min_size=32, max_size=32),
    signature=st.binary(min_size=64, max_size=64),
    message=st.binary(max_size=20),
    is_sound=st.booleans(),
    flipped=st.integers(0, 1023),
)
def test_both_backends_judge_any_signature_alike(
    public: bytes, signature: bytes, message: bytes, is_sound: bool, flipped: int
) -> None:
    if is_sound:
        key, public = signer()
        signature = key.sign(message)
        if flipped < 512:
            changed = bytearray(signature)
            changed[flipped // 8] ^= 1 << flipped % 8
            signature = bytes(changed)
    judged = [
        backend.verify_signatures(public, b"", [message], [signature])
        for backend in (REFERENCE, backend_named("native"))
    ]
    assert judged[0] == judged[1]
    assert not is_sound or judged[0] == [flipped >= 512]


# -- filters


def tags_of(count: int) -> bytes:
    return b"".join(hashing.expand_message_xmd(b"%d" % number, b"tags", 32) for number in range(count))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 4097])
def test_bits_are_set_where_the_formula_says(backend: Backend, count: int, threads: int) -> None:
    tags = tags_of(count)
    expected = {
        position
        for start in range(0, len(tags), 32)
        for position in bloom.positions_of(tags[start : start + 32], SHAPE)
    }
    bits, others = bytearray(SHAPE.byte_length), bytearray(SHAPE.byte_length)
    assert backend.set_new_tags(bits, SHAPE.m, SHAPE.seed, tags, threads=threads) == sorted(expected)
    assert backend.set_new_tags(bits, SHAPE.m, SHAPE.seed, tags, threads=threads) == []
    backend.set_tags(others, SHAPE.m, SHAPE.seed, tags, threads=threads)
    assert others == bits
    assert sum(byte.bit_count() for byte in bits) == len(expected)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_places_of_hits_are_given_in_order(backend: Backend, threads: int) -> None:
    tags, bits = tags_of(3000), bytearray(SHAPE.byte_length)
    backend.set_tags(bits, SHAPE.m, SHAPE.seed, tags[: 32 * 1000])
    hits = backend.query_tags(bytes(bits), SHAPE.m, SHAPE.seed, tags, threads=threads)
    assert hits[:1000] == list(range(1000))
    assert hits == sorted(hits)
    assert hits == REFERENCE.query_tags(bits, SHAPE.m, SHAPE.seed, tags)


def test_bits_and_tags_that_do_not_fit(backend: Backend) -> None:
    bits, m, seed = bytearray(SHAPE.byte_length), SHAPE.m, SHAPE.seed
    attempts: list[Callable[[], object]] = [
        lambda: backend.set_tags(bits, m, seed, bytes(33)),
        lambda: backend.set_new_tags(bits, m, seed, bytes(31)),
        lambda: backend.query_tags(bits, m, seed, bytes(31)),
        lambda: backend.query_tags(bits, m + 64, seed, bytes(32)),
        lambda: backend.query_tags(b"", 0, seed, bytes(32)),
        lambda: backend.set_tags(bits[:-1], m, seed, bytes(32)),
        lambda: backend.set_tags(memoryview(bytes(bits)), m, seed, bytes(32)),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidBatch):
            attempt()
    assert not any(bits)
