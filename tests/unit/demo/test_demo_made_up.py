"""Made-up data: valid by the rules of the core, malformed where it says so, the same in every run."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from alliance.identifiers import Identifier, InvalidIdentifier, Kind, UnknownKind, canonicalise, parse_kind
from alliance_server.demo.files import CUSTOMER_COLUMNS, CUSTOMERS_FILE, write_world
from alliance_server.demo.made_up import LENDERS, Sizes, World, invent
from alliance_server.demo.people import Inventor, Written

SIZES = Sizes(claims=400, customers=1_200, matches=40, own=20, malformed=60)
DEVICES = ("oaid", "idfa", "android_id", "mac")
FIELDS = ("phone", "resident_id", "bank_card", "imei", *DEVICES)


@pytest.fixture(scope="module")
def world() -> World:
    return invent(SIZES)


def canonical(written: Written) -> Identifier:
    """Read what was written as a member's program does: a device id's field is its prefix."""
    if written.field not in DEVICES:
        return canonicalise(parse_kind(written.field), written.typed)
    prefixed = written.typed.strip().lower().startswith(f"{written.field}:")
    return canonicalise(Kind.DEVICE, written.typed if prefixed else f"{written.field}:{written.typed}")


@pytest.mark.parametrize("field", FIELDS)
def test_every_identifier_is_valid_however_it_is_written(field: str) -> None:
    inventor = Inventor(7)
    made = [inventor.new(field) for _ in range(500)]
    assert len(set(made)) == 500
    forms = set()
    for identifier in made:
        written = inventor.write(field, identifier)
        assert canonical(written) == identifier
        forms.add(written.typed == identifier.canonical)
    assert len(forms) == 2 or field in DEVICES  # clean exports and others


@pytest.mark.parametrize("field", ["phone", "resident_id", "bank_card", "imei", "oaid"])
def test_what_is_misspelt_cannot_be_read(field: str) -> None:
    inventor = Inventor(7)
    reasons = set()
    for _ in range(300):
        with pytest.raises(InvalidIdentifier) as refusal:
            canonical(inventor.misspelt(field, inventor.new(field)))
        reasons.add(refusal.value.reason)
    assert len(reasons) > 1


def test_the_same_seed_gives_the_same_world(world: World) -> None:
    assert invent(SIZES) == world
    assert invent(SIZES, seed=1) != world


def test_the_world_has_its_sizes(world: World) -> None:
    assert {name: len(rows) for name, rows in world.claims.items()} == dict.fromkeys(LENDERS, 460)
    assert len(world.customers) == 1_260
    assert len({customer.ref for customer in world.customers}) == 1_260
    assert len(world.truth) == 40
    unread = [claim for rows in world.claims.values() for claim in rows if claim.subject.identifier is None]
    assert len(unread) == 3 * 60
    kinds = Counter(claim.subject.field for claim in unread)
    assert kinds["passport"] > 0  # no kind of ours
    assert any(claim.subject.typed == "" for claim in unread)


def test_the_truth_is_the_plain_intersection_with_the_other_lenders(world: World) -> None:
    read = {name: {claim.subject.identifier for claim in rows} - {None} for name, rows in world.claims.items()}
    others = read[LENDERS[0]] | read[LENDERS[1]]
    truth = {
        customer.ref: fields
        for customer in world.customers
        if (fields := {name for name, one in customer.fields.items() if one.identifier in others})
    }
    assert truth == world.truth
    only_own = [
        customer
        for customer in world.customers
        if customer.ref not in truth
        and any(one.identifier in read[LENDERS[2]] for one in customer.fields.values() if one.identifier)
    ]
    assert len(only_own) == 20
    assert any(len(fields) == 2 for fields in truth.values())
    assert read[LENDERS[0]] & read[LENDERS[1]]


def test_what_is_marked_as_unreadable_is(world: World) -> None:
    for written in world.written():
        if written.identifier is None:
            with pytest.raises((InvalidIdentifier, UnknownKind)):
                canonical(written)
        else:
            assert canonical(written) == written.identifier


@pytest.mark.shows_identifiers(reason="the demo makes the lenders' own lists")
def test_every_lender_exports_in_its_own_way(world: World, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in LENDERS}
    for folder in folders.values():
        folder.mkdir()
    lists = write_world(world, folders)
    with lists[LENDERS[1]].open(encoding="gb18030", newline="") as content:
        rows = list(csv.DictReader(content))
    assert [row["identifier"] for row in rows] == [claim.subject.typed for claim in world.claims[LENDERS[1]]]
    assert rows[0]["备注"]
    lines = lists[LENDERS[2]].read_text("utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == [claim.subject.field for claim in world.claims[LENDERS[2]]]
    with (folders[LENDERS[2]] / CUSTOMERS_FILE).open(encoding="utf-8-sig", newline="") as content:
        customers = list(csv.DictReader(content))
    assert len(customers) == 1_260
    assert set(CUSTOMER_COLUMNS.values()) < set(customers[0])


def test_printing_shows_no_identifier(world: World) -> None:
    assert repr(next(world.written())).endswith(", …)")
