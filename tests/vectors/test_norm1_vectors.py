"""`norm1.json`: the published vectors of `norm/1`; other implementations check themselves by it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from alliance.identifiers import BUILTIN, PINS, InvalidIdentifier, Kind, Reason, canonicalise, pins

FILE = Path(__file__).with_name("norm1.json")
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
VECTORS: list[dict[str, str]] = DOCUMENT["vectors"]
ACCEPTED = [vector for vector in VECTORS if "canonical" in vector]
REFUSED = [vector for vector in VECTORS if "refused" in vector]


def name(vector: dict[str, str]) -> str:
    return f"{vector['kind']}-{ascii(vector['text'])[1:31]}"


def test_the_list_covers_every_kind_and_every_reason() -> None:
    assert len(ACCEPTED) + len(REFUSED) == len(VECTORS)
    assert all(count >= 12 for count in Counter(vector["kind"] for vector in VECTORS).values())
    assert {vector["kind"] for vector in ACCEPTED} == set(Kind)
    assert {vector["kind"] for vector in REFUSED} == set(Kind)
    assert {vector["refused"] for vector in REFUSED} == set(Reason)


def test_no_vector_is_given_twice() -> None:
    keys = Counter((v["kind"], v["text"], v.get("default_region", "CN")) for v in VECTORS)
    assert [key for key, count in keys.items() if count > 1] == []


def test_the_header_names_the_pins_and_they_are_installed() -> None:
    header = dict(DOCUMENT["header"])
    assert header.pop("about")
    assert header.pop("suppression") == BUILTIN.version
    assert header == asdict(PINS)
    assert pins() == PINS


@pytest.mark.parametrize("vector", ACCEPTED, ids=name)
def test_accepted(vector: dict[str, str]) -> None:
    found = canonicalise(Kind(vector["kind"]), vector["text"], default_region=vector.get("default_region", "CN"))
    assert found.canonical == vector["canonical"]
    assert found.input_bytes.hex() == vector["input_hex"]


@pytest.mark.parametrize("vector", REFUSED, ids=name)
def test_refused(vector: dict[str, str]) -> None:
    kind = Kind(vector["kind"])
    with pytest.raises(InvalidIdentifier) as caught:
        canonicalise(kind, vector["text"], default_region=vector.get("default_region", "CN"))
    assert (caught.value.kind, caught.value.reason) == (kind, vector["refused"])
