"""RFC 9380 appendix K: `expand_message_xmd`.

A few figures of K.1 and K.3 are carried here; the wider run takes cfrg/draft-irtf-cfrg-hash-to-curve @664b135
(`poc/vectors`), kept beside the repository, and skips where that folder is absent.
"""

import json
from pathlib import Path

import pytest

from alliance.crypto.hashing import HashName, expand_message_xmd

WIDER = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "rfc9380"

# RFC 9380 K.1 and K.3, msg = "", len_in_bytes = 0x20.
FIGURES: list[tuple[HashName, bytes, str]] = [
    (
        "sha256",
        b"QUUX-V01-CS02-with-expander-SHA256-128",
        "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235",
    ),
    (
        "sha512",
        b"QUUX-V01-CS02-with-expander-SHA512-256",
        "6b9a7312411d92f921c6f68ca0b6380730a1a4d982c507211a90964c394179ba",
    ),
]


@pytest.mark.parametrize(("hash_name", "dst", "uniform"), FIGURES)
def test_figures(hash_name: HashName, dst: bytes, uniform: str) -> None:
    assert expand_message_xmd(b"", dst, 0x20, hash_name).hex() == uniform


@pytest.mark.parametrize(
    ("file", "hash_name"),
    [
        ("expand_message_xmd_SHA256_38.json", "sha256"),
        ("expand_message_xmd_SHA256_256.json", "sha256"),
        ("expand_message_xmd_SHA512_38.json", "sha512"),
    ],
)
def test_wider_vectors(file: str, hash_name: HashName) -> None:
    path = WIDER / file
    if not path.exists():
        pytest.skip(f"no published vectors at {path}")
    suite = json.loads(path.read_text())
    assert len(suite["tests"]) == 10
    dst = suite["DST"].encode()
    # The file named 256 is the one with a tag too long for a length byte.
    assert (len(dst) > 255) == ("_256" in file)
    for case in suite["tests"]:
        expanded = expand_message_xmd(case["msg"].encode(), dst, int(case["len_in_bytes"], 16), hash_name)
        assert expanded.hex() == case["uniform_bytes"]
