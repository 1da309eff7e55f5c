# ruff: noqa: ERA001 - the RFC's lines are quoted above ours
"""Hashing as the RFCs spell it: I2OSP, `expand_message_xmd`, HKDF.

Rules:

- every use has a domain of its own: a DST for `expand_message_xmd`, an `info` for HKDF; both are required;
- lengths are checked as the RFCs demand, and a wrong one is a `ValueError`: they come from our own code,
  never from the wire.

What it does not do: hash to the group or to scalars (`group.py`), hash identifiers for storage (nobody does),
or choose domains (`oprf.py` and `tagging.py` do).
"""

import functools
import hashlib
from typing import Final, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HashName = Literal["sha512", "sha256"]

_FUNCTION: Final = {"sha512": hashlib.sha512, "sha256": hashlib.sha256}
# b_in_bytes and s_in_bytes of RFC 9380 §5.3.1: output size and input block size of the hash.
_OUTPUT_BYTES: Final = {"sha512": 64, "sha256": 32}
_BLOCK_BYTES: Final = {"sha512": 128, "sha256": 64}
_OVERSIZE_PREFIX: Final = b"H2C-OVERSIZE-DST-"


def i2osp(value: int, length: int) -> bytes:
    """Encode a non-negative integer in `length` bytes, most significant first (RFC 8017 §4.1).

    Raises ValueError if `value` is negative or does not fit.
    """
    try:
        return value.to_bytes(length, "big")
    except OverflowError as error:
        raise ValueError(f"integer does not fit in {length} bytes") from error


@functools.lru_cache(maxsize=64)
def _dst_prime(dst: bytes, hash_name: HashName) -> bytes:
    """Return DST_prime of RFC 9380 §5.3.1, a long DST replaced by its hash as §5.3.3 says."""
    if not dst:
        raise ValueError("a domain separation tag is required (RFC 9380 §3.1)")
    # DST = H("H2C-OVERSIZE-DST-" || a_very_long_DST)
    if len(dst) > 255:
        dst = _FUNCTION[hash_name](_OVERSIZE_PREFIX + dst).digest()
    # DST_prime = DST || I2OSP(len(DST), 1)
    return dst + i2osp(len(dst), 1)


def expand_message_xmd(msg: bytes, dst: bytes, len_in_bytes: int, hash_name: HashName = "sha512") -> bytes:
    """Expand a message to uniform bytes under a domain separation tag (RFC 9380 §5.3.1).

    `msg` has any length, `dst` is not empty, `len_in_bytes` is 1 to 65,535, at most 255 outputs of the hash.
    Raises ValueError if the length or the tag is out of range.
    """
    hash_function = _FUNCTION[hash_name]
    b_in_bytes = _OUTPUT_BYTES[hash_name]
    # ell = ceil(len_in_bytes / b_in_bytes)
    ell = -(-len_in_bytes // b_in_bytes)
    # ABORT if ell > 255 or len_in_bytes > 65535 or len(DST) > 255
    if not 0 < len_in_bytes <= 65535 or ell > 255:
        raise ValueError("len_in_bytes is out of range (RFC 9380 §5.3.1)")
    # DST_prime = DST || I2OSP(len(DST), 1)
    dst_prime = _dst_prime(dst, hash_name)
    # Z_pad = I2OSP(0, s_in_bytes)
    z_pad = bytes(_BLOCK_BYTES[hash_name])
    # l_i_b_str = I2OSP(len_in_bytes, 2)
    l_i_b_str = i2osp(len_in_bytes, 2)
    # msg_prime = Z_pad || msg || l_i_b_str || I2OSP(0, 1) || DST_prime
    msg_prime = z_pad + msg + l_i_b_str + b"\x00" + dst_prime
    # b_0 = H(msg_prime)
    b_0 = hash_function(msg_prime).digest()
    # b_1 = H(b_0 || I2OSP(1, 1) || DST_prime)
    b_i = hash_function(b_0 + b"\x01" + dst_prime).digest()
    uniform_bytes = b_i
    # for i in (2, ..., ell): b_i = H(strxor(b_0, b_(i - 1)) || I2OSP(i, 1) || DST_prime)
    for i in range(2, ell + 1):
        b_i = hash_function(_strxor(b_0, b_i) + i2osp(i, 1) + dst_prime).digest()
        uniform_bytes += b_i
    # return substr(uniform_bytes, 0, len_in_bytes)
    return uniform_bytes[:len_in_bytes]


def _strxor(left: bytes, right: bytes) -> bytes:
    """Return the bitwise exclusive or of two strings of one length (RFC 9380 §4)."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def hkdf_sha256(key: bytes, info: bytes, length: int = 32) -> bytes:
    """Derive `length` bytes from `key` with an empty salt (RFC 5869, SHA-256; protocol §2).

    `info` is the domain and not empty; `length` is 1 to 8,160 bytes.
    Raises ValueError if `info` is empty or `length` is out of range.
    """
    if not info:
        raise ValueError("HKDF needs an info of its own for every use")
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(key)
