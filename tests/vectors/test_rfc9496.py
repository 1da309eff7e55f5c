"""RFC 9496 appendix A: ristretto255, from cfrg/draft-irtf-cfrg-ristretto255 @fa5a0f4, kept beside the repository.

Where that folder is absent the wider run skips; the first multiples of the generator are carried as figures.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import rbcl

from alliance.crypto import group
from alliance.crypto.backend import select
from alliance.crypto.group import Scalar
from alliance.errors import InvalidElement

WIDER = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "rfc9496" / "ristretto255.json"

# RFC 9496 appendix A.1, B[0] to B[3].
FIRST_MULTIPLES = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
    "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
]


@pytest.fixture(scope="module")
def wider() -> dict[str, Any]:
    if not WIDER.exists():
        pytest.skip(f"no published vectors at {WIDER}")
    vectors: dict[str, Any] = json.loads(WIDER.read_text())
    return vectors


def check_multiples(multiples: list[str]) -> None:
    for factor, encoding in enumerate(multiples):
        scalar = Scalar(factor.to_bytes(32, "little"))
        assert group.scalar_mult_base(scalar).hex() == encoding
        assert group.scalar_mult(scalar, group.GENERATOR).hex() == encoding
    walker = group.IDENTITY
    for encoding in multiples:
        assert walker.hex() == encoding
        walker = group.add(walker, group.GENERATOR)
    for encoding in reversed(multiples):
        walker = group.subtract(walker, group.GENERATOR)
        assert walker.hex() == encoding


def test_first_multiples() -> None:
    check_multiples(FIRST_MULTIPLES)


def test_multiples_of_the_generator(wider: dict[str, Any]) -> None:
    multiples = wider["multiples_of_generator"]
    assert len(multiples) == 16
    assert multiples[:4] == FIRST_MULTIPLES
    check_multiples(multiples)
    for encoding in multiples[1:]:
        assert group.deserialise_element(bytes.fromhex(encoding)).hex() == encoding


def test_all_29_invalid_encodings_are_refused_everywhere(wider: dict[str, Any]) -> None:
    invalid = [bytes.fromhex(e) for encodings in wider["invalid_encodings"].values() for e in encodings]
    assert len(invalid) == 29
    good = group.scalar_mult_base(group.ONE)
    for encoding in invalid:
        with pytest.raises(InvalidElement):
            group.deserialise_element(encoding)
        with pytest.raises(InvalidElement, match="item 1"):
            select("reference").decode_elements(good + encoding + good)
        # The arithmetic refuses them too, for whoever forgot to decode.
        with pytest.raises(InvalidElement):
            group.scalar_mult(group.ONE, group.Element(encoding))
        with pytest.raises(InvalidElement):
            group.add(good, group.Element(encoding))
        with pytest.raises(InvalidElement):
            group.subtract(group.Element(encoding), good)


def test_elements_from_uniform_bytes(wider: dict[str, Any]) -> None:
    derivations = wider["element_derivation"]
    assert len(derivations) == 7
    for derivation in derivations:
        uniform = bytes.fromhex(derivation["input"])
        assert rbcl.crypto_core_ristretto255_from_hash(uniform).hex() == derivation["output"]


def test_uniform_bytes_of_one_output(wider: dict[str, Any]) -> None:
    same = wider["element_derivation_same_output"]
    assert len(same["inputs"]) == 4
    for uniform in same["inputs"]:
        assert rbcl.crypto_core_ristretto255_from_hash(bytes.fromhex(uniform)).hex() == same["output"]
