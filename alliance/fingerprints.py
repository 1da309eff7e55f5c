"""Fingerprints of identity keys: words that two people compare by telephone.

- Twelve words of BIP-39's English list: the first 128 bits of the key's SHA-256, and four bits of check sum, by which
  most words that were misheard show as such. Who wants another key with the same words must try 2^128 keys.
- English for everybody: the list is made to be read aloud (no two words begin with the same four letters), while most
  characters of its Chinese counterpart sound like others.
"""

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Final

from mnemonic import Mnemonic

from alliance.errors import FingerprintDiffers, FingerprintUnreadable

BYTES: Final = 16
WORDS: Final = 12
_TELLING: Final = 4
"""So many first letters tell a word from all others."""


def fingerprint(identity_key: bytes) -> str:
    """Give the words of a key."""
    return _list().to_mnemonic(sha256(identity_key).digest()[:BYTES])


def check_fingerprint(words: str, identity_key: bytes) -> None:
    """Raise FingerprintUnreadable, or FingerprintDiffers, unless the words are those of the key.

    Case, spacing and punctuation do not matter, and a word's first four letters stand for it.
    """
    told = _told(words)
    if not hmac.compare_digest(told, sha256(identity_key).digest()[:BYTES]):
        raise FingerprintDiffers("these are the words of another key: somebody else may have enrolled; confirm nothing")


def _told(words: str) -> bytes:
    separated = "".join(character if character.isalpha() else " " for character in words.lower()).split()
    known = [_known().get(word, "") for word in separated]
    if len(known) != WORDS or not _list().check(" ".join(known)):
        raise FingerprintUnreadable(f"not the {WORDS} words of a fingerprint: have them read again, or spelled")
    return bytes(_list().to_entropy(known))


@lru_cache(maxsize=1)
def _list() -> Mnemonic:
    return Mnemonic("english")


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    words = _list().wordlist
    return {word[:_TELLING]: word for word in words} | {word: word for word in words}
