"""Facts: their digests, typed out byte by byte, and that no two facts share one."""

from hashlib import sha256

import pytest

from alliance import facts

KEY = bytes(range(32))
DOMAIN = b"alliance/v1/fact/"


@pytest.mark.parametrize(
    ("found", "hashed", "expected"),
    [
        (
            facts.member("lender-a", KEY, 1, 2),
            b"member\x00"
            b"\x00\x00\x00\x08lender-a"
            b"\x00\x00\x00\x20" + KEY + b"\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01"
            b"\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x02",
            "02741ebefe52399233541ba93bbd5e4e77f47733eef6d4c1af4ead910687f7f8",
        ),
        (
            facts.epoch(3, "ristretto255-SHA512/VOPRF", KEY, 1_800_000_000_000, 1_815_552_000_000),
            b"epoch\x00"
            b"\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x03"
            b"\x00\x00\x00\x19ristretto255-SHA512/VOPRF"
            b"\x00\x00\x00\x20" + KEY + b"\x00\x00\x00\x08\x00\x00\x01\xa3\x18\x5c\x50\x00"
            b"\x00\x00\x00\x08\x00\x00\x01\xa6\xb7\x55\x00\x00",
            "970b931c0146f462332dd46f176fa49df5b7fa789fe4e1221843e36a44341034",
        ),
        (
            facts.filter_header(b"a header"),
            b"filter-header\x00a header",
            "5cd8d9de115ac88f92d14dc259335a8b2e5e7f3d0f3ccce315b66905fa01c497",
        ),
        (
            facts.suppression_list(b"a list"),
            b"suppression-list\x00a list",
            "d37314b50ed0dbbf82153953cb8dede0459b8b7c58fe4155d9977221cf8f229d",
        ),
        (
            facts.policy(KEY),
            b"policy\x00" + KEY,
            "5b3636a7b30e3a95f87ae533c9345c667a5539b85ab23690506a841a2c01624f",
        ),
        (
            facts.witness_list(b"witnesses"),
            b"witness-list\x00witnesses",
            "a98ad7695e7087598821a376037ad4d78b49b841901ad7e14c960c2ebc8488b9",
        ),
    ],
)
def test_digests_are_made_of_these_bytes(found: bytes, hashed: bytes, expected: str) -> None:
    assert found == sha256(DOMAIN + hashed).digest()
    assert found.hex() == expected


def test_no_field_can_be_moved_into_its_neighbour() -> None:
    assert facts.member("lender-a", b"b", 1, 2) != facts.member("lender-", b"ab", 1, 2)
    assert facts.member("lender-a", KEY, 1, 2) != facts.member("lender-a", KEY, 2, 1)


def test_a_payload_is_another_fact_under_another_kind() -> None:
    found = [facts.digest(kind, b"the same") for kind in facts.FactKind]
    assert len(found) == 6
    assert len(set(found)) == len(found)
