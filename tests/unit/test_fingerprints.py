"""Fingerprints: the words are those of the published list, and only the key's own words pass."""

from hashlib import sha256

import pytest
from mnemonic import Mnemonic

from alliance.errors import FingerprintDiffers, FingerprintUnreadable
from alliance.fingerprints import check_fingerprint, fingerprint

KEY = bytes(range(32))
WORDS = fingerprint(KEY)


def test_the_words_are_the_first_128_bits_of_the_digest_in_the_published_list() -> None:
    places = [Mnemonic("english").wordlist.index(word) for word in WORDS.split()]
    bits = "".join(f"{place:011b}" for place in places)
    assert len(places) == 12
    assert int(bits[:128], 2) == int.from_bytes(sha256(KEY).digest()[:16], "big")


@pytest.mark.parametrize(
    "told",
    [
        WORDS,
        WORDS.upper(),
        WORDS.replace(" ", "\n  "),
        ", ".join(WORDS.split()) + ".",
        "-".join(WORDS.title().split()),
        " ".join(word[:4] for word in WORDS.split()),
    ],
)
def test_the_keys_own_words_pass_however_they_are_written(told: str) -> None:
    check_fingerprint(told, KEY)


def test_words_of_another_key_are_told_apart_from_words_that_were_misheard() -> None:
    with pytest.raises(FingerprintDiffers):
        check_fingerprint(fingerprint(bytes(32)), KEY)
    words = WORDS.split()
    for told in (
        "",
        "!",
        " ".join(words[:-1]),
        " ".join([*words, words[0]]),
        " ".join(["nonsense", *words[1:]]),
        " ".join(["abandoned", *words[1:]]),
        Mnemonic("english").to_mnemonic(sha256(KEY).digest()[:20]),
    ):
        with pytest.raises(FingerprintUnreadable):
            check_fingerprint(told, KEY)


def test_every_word_that_is_changed_is_noticed() -> None:
    words, others = WORDS.split(), Mnemonic("english").wordlist
    for place in range(len(words)):
        for other in others[::97]:
            if other != words[place]:
                with pytest.raises((FingerprintDiffers, FingerprintUnreadable)):
                    check_fingerprint(" ".join([*words[:place], other, *words[place + 1 :]]), KEY)
