"""`hashing`: limits, and HKDF against RFC 5869 and the standard library."""

import hashlib
import hmac

import pytest

from alliance.crypto.hashing import expand_message_xmd, hkdf_sha256, i2osp


def test_i2osp() -> None:
    assert i2osp(0, 1) == b"\x00"
    assert i2osp(258, 3) == b"\x00\x01\x02"


@pytest.mark.parametrize(("value", "length"), [(256, 1), (-1, 2), (2**16, 2)])
def test_i2osp_refuses_what_does_not_fit(value: int, length: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        i2osp(value, length)


@pytest.mark.parametrize("length", [0, -1, 255 * 64 + 1, 65536])
def test_expand_refuses_lengths(length: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        expand_message_xmd(b"m", b"dst", length)


def test_expand_takes_the_longest_length() -> None:
    assert len(expand_message_xmd(b"m", b"dst", 255 * 64)) == 255 * 64


def test_expand_refuses_no_domain() -> None:
    with pytest.raises(ValueError, match="domain separation"):
        expand_message_xmd(b"m", b"", 32)


def test_expand_binds_length_and_domain() -> None:
    assert expand_message_xmd(b"m", b"dst", 64)[:32] != expand_message_xmd(b"m", b"dst", 32)
    assert expand_message_xmd(b"m", b"dst", 32) != expand_message_xmd(b"m", b"dsu", 32)


def test_hkdf_with_empty_salt_is_rfc_5869_test_case_3_with_an_info() -> None:
    # RFC 5869 A.3 has an empty info, which ours refuses; its PRK (salt empty, IKM 22 × 0x0b) is a figure.
    prk = bytes.fromhex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04")
    assert hmac.digest(bytes(32), b"\x0b" * 22, hashlib.sha256) == prk
    expected = hmac.digest(prk, b"info" + b"\x01", hashlib.sha256)
    assert hkdf_sha256(b"\x0b" * 22, b"info") == expected


def test_hkdf_refuses_no_info() -> None:
    with pytest.raises(ValueError, match="info"):
        hkdf_sha256(b"key", b"")
