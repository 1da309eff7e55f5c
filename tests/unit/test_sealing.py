"""Boxes: one size, one key, one entry; nothing unverified is believed."""

import hmac
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from alliance.crypto import sealing
from alliance.errors import BoxInvalid

KEY, ENTRY = bytes(range(32)), bytes(range(16))


def derived() -> bytes:
    return HKDF(hashes.SHA256(), 64, ENTRY, b"alliance/v1/seal").derive(KEY)


def forge(padded: bytes) -> bytes:
    """Seal a plaintext with any padding under the right key."""
    nonce = bytes(12)
    return derived()[32:] + nonce + AESGCM(derived()[:32]).encrypt(nonce, padded, None)


@given(st.binary(max_size=sealing.MAX_CONTENTS_BYTES))
def test_what_goes_in_comes_out(contents: bytes) -> None:
    box = sealing.seal(KEY, ENTRY, contents)
    assert len(box) == sealing.BOX_BYTES == 512
    assert sealing.open_sealed(KEY, ENTRY, box) == contents


def test_the_format_is_the_protocols() -> None:
    box = sealing.seal(KEY, ENTRY, b"abc", nonce=b"n" * 12)
    commitment, nonce, sealed = box[:32], box[32:44], box[44:]
    assert commitment == derived()[32:]
    assert nonce == b"n" * 12
    plain = AESGCM(derived()[:32]).decrypt(nonce, sealed, None)
    assert plain == b"\x00\x03abc" + bytes(447)


def test_handle_and_dispute_token_are_the_protocols() -> None:
    assert sealing.handle(KEY, ENTRY) == hmac.digest(KEY, b"handle" + ENTRY, "sha256")[:16]
    assert sealing.dispute_token(KEY, ENTRY) == hmac.digest(KEY, b"dispute" + ENTRY, "sha256")
    assert sealing.dispute_commitment(KEY, ENTRY) == sha256(sealing.dispute_token(KEY, ENTRY)).digest()


def test_two_boxes_of_the_same_differ() -> None:
    assert sealing.seal(KEY, ENTRY, b"x") != sealing.seal(KEY, ENTRY, b"x")


def test_too_much_is_refused() -> None:
    with pytest.raises(BoxInvalid):
        sealing.seal(KEY, ENTRY, bytes(451))


@pytest.mark.parametrize("place", [0, 31, 32, 43, 44, 300, 495, 496, 511])
def test_a_flipped_bit_is_noticed(place: int) -> None:
    box = bytearray(sealing.seal(KEY, ENTRY, b"contents"))
    box[place] ^= 1
    with pytest.raises(BoxInvalid):
        sealing.open_sealed(KEY, ENTRY, bytes(box))


@pytest.mark.parametrize(("key", "entry"), [(bytes(32), ENTRY), (KEY, bytes(16))])
def test_another_key_or_entry_does_not_open(key: bytes, entry: bytes) -> None:
    with pytest.raises(BoxInvalid, match="another key"):
        sealing.open_sealed(key, entry, sealing.seal(KEY, ENTRY, b"x"))


@pytest.mark.parametrize("length", [0, 1, 511, 513, 1024])
def test_another_length_does_not_open(length: int) -> None:
    with pytest.raises(BoxInvalid, match="512"):
        sealing.open_sealed(KEY, ENTRY, bytes(length))


@pytest.mark.parametrize(
    "padded",
    [
        b"\x01\xc3" + bytes(450),  # 451 bytes: more than fit
        b"\xff\xff" + bytes(450),
        b"\x00\x01x" + bytes(448) + b"\x01",  # the padding is not zero
        b"\x00\x00x" + bytes(449),
    ],
)
def test_another_padding_does_not_open(padded: bytes) -> None:
    with pytest.raises(BoxInvalid, match="padded"):
        sealing.open_sealed(KEY, ENTRY, forge(padded))


def test_full_padding_opens() -> None:
    assert sealing.open_sealed(KEY, ENTRY, forge(b"\x01\xc2" + b"y" * 450)) == b"y" * 450


# -- consumers' statements in disputes ---------------------------------------------------------------------------------

DISPUTE = bytes(range(16))


def test_a_statement_is_sealed_as_the_protocol_says_and_its_length_says_nothing() -> None:
    derived_for_it = HKDF(hashes.SHA256(), 64, DISPUTE, b"alliance/v1/dispute-statement").derive(KEY)
    sealed = sealing.seal_statement(KEY, DISPUTE, b"abc", nonce=b"n" * 12)
    assert (sealed[:32], sealed[32:44]) == (derived_for_it[32:], b"n" * 12)
    plain = AESGCM(derived_for_it[:32]).decrypt(b"n" * 12, sealed[44:], None)
    assert plain == b"\x00\x03abc" + bytes(4096 - 5)
    lengths = {len(sealing.seal_statement(KEY, DISPUTE, text)) for text in (b"", b"x", bytes(4094))}
    assert lengths == {sealing.STATEMENT_BYTES} == {4096 + 32 + 12 + 16}
    with pytest.raises(BoxInvalid):
        sealing.seal_statement(KEY, DISPUTE, bytes(4095))


@pytest.mark.parametrize(("key", "dispute"), [(bytes(32), DISPUTE), (KEY, bytes(16))])
def test_a_statement_opens_under_its_own_key_and_dispute_alone(key: bytes, dispute: bytes) -> None:
    sealed = sealing.seal_statement(KEY, DISPUTE, b"It was not me.")
    assert sealing.open_statement(KEY, DISPUTE, sealed) == b"It was not me."
    with pytest.raises(BoxInvalid, match="another key"):
        sealing.open_statement(key, dispute, sealed)
    changed = bytearray(sealed)
    changed[2000] ^= 1
    for wrong in (bytes(changed), sealed[:-1], sealing.seal(KEY, DISPUTE, b"a box")):
        with pytest.raises(BoxInvalid):
            sealing.open_statement(KEY, DISPUTE, wrong)


def test_evidence_is_known_again_by_a_keyed_digest() -> None:
    assert sealing.evidence_digest(KEY, bytes(32)) == hmac.digest(KEY, b"evidence" + bytes(32), "sha256")
