"""Ed25519 public keys that are fit to be believed (RFC 8032, section 5.1), for statements and for notes alike.

RFC 8032 lets points of small order be keys, and one signature then holds for many messages, or all: whoever had such a
key could deny everything. What encodes a coordinate that is not below p is no key either (section 5.1.3, step 1).
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_P = 2**255 - 19
_SIGN_BIT = 1 << 255
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""y-coordinates of the points of order 1, 2, 4 and 8."""


def public_key(content: bytes) -> Ed25519PublicKey:
    """Read a public key; raises ValueError where it is none, or one under which anybody signs."""
    y = int.from_bytes(content, "little") & ~_SIGN_BIT
    if y >= _P or y in _SMALL_ORDER:
        raise ValueError("an Ed25519 public key of small order, or in another spelling")
    return Ed25519PublicKey.from_public_bytes(content)
