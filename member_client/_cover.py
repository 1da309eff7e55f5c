"""Cover: prefixes that are fetched beside those of hits, so that a fetch does not say that something was found.

A share of the misses is covered for, each by the prefix of an unrelated bucket. Both choices are a pseudorandom
function of the tag under a key that never leaves this machine: nobody else can tell cover from a hit, and the same tag
is covered for in the same way each time, so that asking twice does not tell them apart by what stays.

The function is AES-256 of the tag's first block: tags are outputs of the OPRF, no two of which share one. The block's
first word decides, the second gives the prefix; all tags of a batch go in one call.

Where one tag of a book is hit by a new claim there are no misses to choose from: each such hit brings decoys of its
own, drawn from the function's second block, and the same ones each time that it is looked at again.
"""

import struct
from collections.abc import Container
from threading import Lock
from typing import Final, final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from alliance.crypto.bloom import TAG_BYTES
from alliance.crypto.secret import Secret

SHARE: Final = 0.01
_WORD_BITS: Final = 32
_THRESHOLD: Final = int(SHARE * 2**_WORD_BITS)
_DRAWN: Final = struct.Struct(f">II{TAG_BYTES - 8}x")
DECOYS: Final = 3
_DECOYS: Final = struct.Struct(f">16x{DECOYS}I{TAG_BYTES - 16 - 4 * DECOYS}x")


@final
class Cover:
    """The choice of cover under one key of 32 bytes; may be used from any thread."""

    __slots__ = ("_function", "_lock")

    def __init__(self, key: Secret) -> None:
        # One block is one evaluation of the function; nothing is hidden by it that a mode would have to protect.
        self._function = Cipher(AES(key.reveal()), ECB()).encryptor()  # noqa: S305
        self._lock = Lock()

    def prefixes(self, tags: bytes, hits: Container[int], bits: int) -> frozenset[int]:
        """Give the prefixes, of so many bits, that cover for packed tags; `hits` are the places of those that hit."""
        with self._lock:
            blocks = self._function.update(tags)
        drawn = enumerate(_DRAWN.iter_unpack(blocks))
        chosen = (word for place, (draw, word) in drawn if draw < _THRESHOLD and place not in hits)
        return frozenset(word >> (_WORD_BITS - bits) for word in chosen)

    def decoys(self, tags: bytes, bits: int) -> frozenset[int]:
        """Give the prefixes, of so many bits, that are fetched beside those of packed tags which hit by themselves."""
        with self._lock:
            blocks = self._function.update(tags)
        return frozenset(word >> (_WORD_BITS - bits) for words in _DECOYS.iter_unpack(blocks) for word in words)
