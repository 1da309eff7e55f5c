"""Attachments: sealed alike whenever and from wherever, of few sizes, and opened whole and unchanged or not at all."""

import io
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.crypto import attachment
from alliance.crypto.attachment import CHUNK_BYTES, NONCE_BYTES, SEALED_CHUNK_BYTES, Opener
from alliance.crypto.secret import Secret
from alliance.errors import EnvelopeInvalid

CONTENT = bytes(range(256)) * 600
"""153,600 bytes: three chunks, padded to four."""
KEY = Secret(bytes(range(16)))
SEALED = b"".join(attachment.sealed_parts(io.BytesIO(CONTENT), len(CONTENT), KEY))
CHUNKS = [SEALED[at : at + SEALED_CHUNK_BYTES] for at in range(NONCE_BYTES, len(SEALED), SEALED_CHUNK_BYTES)]
SIZES = st.integers(0, attachment.MAX_FILE_BYTES)


def opened(sealed: bytes, key: Secret = KEY) -> bytes:
    opener = Opener(key, sealed[:NONCE_BYTES])
    return opener.feed(sealed[NONCE_BYTES:]) + opener.finish()


def fails(sealed: bytes) -> None:
    with pytest.raises(EnvelopeInvalid):
        opened(sealed)


def test_a_file_comes_back_with_zeros_behind_it() -> None:
    assert opened(SEALED) == CONTENT.ljust(4 * CHUNK_BYTES, b"\x00")
    assert len(SEALED) == attachment.sealed_size(len(CONTENT)) in attachment.SEALED_SIZES


@given(SIZES, SIZES)
def test_sizes_show_a_power_of_two_and_no_more(one: int, other: int) -> None:
    padded = attachment.class_of(one)
    assert padded.bit_count() == 1
    assert max(one, CHUNK_BYTES) <= padded
    assert padded == CHUNK_BYTES or padded < 2 * one
    same = attachment.class_of(other) == padded
    assert same is (attachment.sealed_size(one) == attachment.sealed_size(other))
    assert attachment.sealed_size(one) in attachment.SEALED_SIZES


@pytest.mark.parametrize("size", [-1, attachment.MAX_FILE_BYTES + 1])
def test_what_is_too_large_is_not_sealed(size: int) -> None:
    with pytest.raises(EnvelopeInvalid):
        attachment.sealed_size(size)


@settings(deadline=None)
@given(st.integers(0, len(SEALED)))
def test_it_goes_on_at_any_offset_as_if_nothing_had_been(offset: int) -> None:
    rest = attachment.sealed_parts(io.BytesIO(CONTENT), len(CONTENT), KEY, offset)
    assert b"".join(rest) == SEALED[offset:]


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=70_000), st.integers(1, 70_000))
def test_whatever_parts_it_comes_in_it_is_the_same(content: bytes, part: int) -> None:
    sealed = b"".join(attachment.sealed_parts(io.BytesIO(content), len(content), KEY))
    opener, found = Opener(KEY, sealed[:NONCE_BYTES]), b""
    for at in range(NONCE_BYTES, len(sealed), part):
        found += opener.feed(sealed[at : at + part])
    found += opener.finish()
    assert found[: len(content)] == content
    assert not found[len(content) :].strip(b"\x00")


@settings(deadline=None)
@given(st.integers(0, len(SEALED) * 8 - 1))
def test_a_flipped_bit_anywhere_is_found(bit: int) -> None:
    bent = bytearray(SEALED)
    bent[bit // 8] ^= 1 << bit % 8
    fails(bytes(bent))


@settings(deadline=None)
@given(st.integers(0, len(SEALED) - 1))
def test_what_is_cut_off_anywhere_fails(length: int) -> None:
    if length >= NONCE_BYTES:
        fails(SEALED[:length])


@settings(deadline=None)
@given(st.permutations(range(4)))
def test_chunks_in_another_order_fail(order: list[int]) -> None:
    if order != sorted(order):
        fails(SEALED[:NONCE_BYTES] + b"".join(CHUNKS[at] for at in order))


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=6))
def test_chunks_left_out_or_doubled_fail(chosen: list[int]) -> None:
    if chosen != [0, 1, 2, 3]:
        fails(SEALED[:NONCE_BYTES] + b"".join(CHUNKS[at] for at in chosen))


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=2 * SEALED_CHUNK_BYTES))
def test_what_is_added_fails(more: bytes) -> None:
    fails(SEALED + more)


def test_a_chunk_of_another_file_fails() -> None:
    other = b"".join(attachment.sealed_parts(io.BytesIO(CONTENT), len(CONTENT), Secret(bytes(16))))
    fails(SEALED[: NONCE_BYTES + SEALED_CHUNK_BYTES] + other[NONCE_BYTES + SEALED_CHUNK_BYTES :])


def test_a_file_that_shrinks_while_it_is_sealed_is_not_sealed() -> None:
    with pytest.raises(EnvelopeInvalid):
        list(attachment.sealed_parts(io.BytesIO(CONTENT[:-1]), len(CONTENT), KEY))


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_one_key_seals_one_content_of_one_case(one: bytes, other: bytes) -> None:
    secret, case = Secret(bytes(32)), bytes(16)
    first = attachment.named(secret, case, sha256(one).digest())
    again = attachment.named(secret, case, sha256(one).digest())
    assert (first[0], first[1].reveal()) == (again[0], again[1].reveal())
    elsewhere = attachment.named(secret, bytes([1]) * 16, sha256(one).digest())
    of_another = attachment.named(Secret(bytes(31) + b"\x01"), case, sha256(one).digest())
    others = [elsewhere, of_another]
    if one != other:
        others.append(attachment.named(secret, case, sha256(other).digest()))
    assert all(it[0] != first[0] and it[1].reveal() != first[1].reveal() for it in others)
