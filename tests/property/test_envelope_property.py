"""Envelopes: what is sealed to an officer, of a case, by a sender opens there and nowhere else, and is of one size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.crypto import envelope
from alliance.crypto.envelope import MAX_CONTENTS_BYTES, REPLY_BYTES
from alliance.errors import EnvelopeInvalid

PUBLIC, SECRET = envelope.generate()
_, ANOTHER = envelope.generate()
CASE, MEMBER = bytes(range(16)), "lender-a"
SEALED = envelope.seal_reply(PUBLIC, CASE, MEMBER, b"what is released")
CASES, MEMBERS = st.binary(min_size=16, max_size=16), st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)


@settings(deadline=None)
@given(st.binary(max_size=MAX_CONTENTS_BYTES), CASES, MEMBERS)
def test_contents_come_back_from_one_size(contents: bytes, case: bytes, member: str) -> None:
    sealed = envelope.seal_reply(PUBLIC, case, member, contents)
    assert len(sealed) == REPLY_BYTES
    assert envelope.open_reply(SECRET, case, member, sealed) == contents
    assert envelope.seal_reply(PUBLIC, case, member, contents) != sealed


@pytest.mark.parametrize("length", [0, MAX_CONTENTS_BYTES - 1, MAX_CONTENTS_BYTES])
def test_the_shortest_and_the_longest_fit(length: int) -> None:
    contents = b"\x00" * length
    assert envelope.open_reply(SECRET, CASE, MEMBER, envelope.seal_reply(PUBLIC, CASE, MEMBER, contents)) == contents


def test_what_is_longer_does_not() -> None:
    with pytest.raises(EnvelopeInvalid):
        envelope.seal_reply(PUBLIC, CASE, MEMBER, bytes(MAX_CONTENTS_BYTES + 1))


@settings(deadline=None)
@given(st.integers(0, REPLY_BYTES * 8 - 1))
def test_a_flipped_bit_anywhere_is_found(bit: int) -> None:
    bent = bytearray(SEALED)
    bent[bit // 8] ^= 1 << bit % 8
    # RFC 7748 section 5: the highest bit of a point is masked, so X25519 itself would not tell; HPKE binds the bytes.
    with pytest.raises(EnvelopeInvalid):
        envelope.open_reply(SECRET, CASE, MEMBER, bytes(bent))


@settings(deadline=None)
@given(st.integers(0, REPLY_BYTES - 1))
def test_another_length_is_refused(length: int) -> None:
    for other in (SEALED[:length], SEALED + SEALED[: length + 1]):
        with pytest.raises(EnvelopeInvalid):
            envelope.open_reply(SECRET, CASE, MEMBER, other)


@settings(deadline=None)
@given(CASES, MEMBERS)
def test_another_case_or_sender_does_not_open_it(case: bytes, member: str) -> None:
    if (case, member) != (CASE, MEMBER):
        with pytest.raises(EnvelopeInvalid):
            envelope.open_reply(SECRET, case, member, SEALED)


def test_another_officer_does_not_open_it() -> None:
    with pytest.raises(EnvelopeInvalid):
        envelope.open_reply(ANOTHER, CASE, MEMBER, SEALED)


@pytest.mark.parametrize("key", [bytes(32), bytes(31), b"\x01" + bytes(31)], ids=["identity", "short", "low order"])
def test_nothing_is_sealed_to_a_key_that_is_none(key: bytes) -> None:
    with pytest.raises(EnvelopeInvalid):
        envelope.seal_reply(key, CASE, MEMBER, b"")
