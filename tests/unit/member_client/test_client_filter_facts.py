"""Header, heartbeat, deltas and marks: what is believed, what is refused, and what may not go back."""

from typing import Any

import pytest
from client_fixtures import NOW, FilterHub, new_signing_key, tag

from alliance import statements
from alliance.crypto.signing import VerifyingKey
from member_client import ClockWrong, FilterRolledBack, FilterTampered, IntegrityError, StatementInvalid
from member_client._filter.facts import Header, Marks, read_delta, read_header, read_heartbeat

KEY = VerifyingKey(new_signing_key().public_key)
TAGS = [tag(number) for number in range(300)]


def hub(**bent: Any) -> FilterHub:
    made = FilterHub()
    made.build(TAGS, 300, **bent)
    return made


def header_of(made: FilterHub) -> Header:
    return read_header(made.signed_header, KEY, 1)


def test_an_honest_filter_is_believed() -> None:
    made = hub()
    header = header_of(made)
    heartbeat = read_heartbeat(made.signed_heartbeat, KEY, header, NOW)
    assert (header.listings, header.sequence, header.prefix_bits) == (300, 300, 2)
    assert (heartbeat.sequence, heartbeat.not_after) == (300, NOW + 300_000)


@pytest.mark.parametrize(
    "bent",
    [
        {"bits": 2**17},
        {"bits": 2**16 + 64},
        {"bits": 2**60},
        {"hashes": 9},
        {"prefix_bits": 3},
        {"prefix_bits": 20},
        {"listings": 30_000},
        {"format": 2},
        {"epoch": 2},
        {"bits_sha256": b"short"},
    ],
)
def test_numbers_that_do_not_fit_are_refused(bent: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        header_of(hub(**bent))


def test_another_key_or_type_is_refused() -> None:
    made = hub()
    with pytest.raises(StatementInvalid):
        read_header(made.signed_header, VerifyingKey(new_signing_key(2).public_key), 1)
    with pytest.raises(StatementInvalid):
        read_header(made.signed(statements.FILTER_HEARTBEAT, made.header), KEY, 1)
    changed = made.signed_header
    changed.payload += b"\x00"
    with pytest.raises(StatementInvalid):
        read_header(changed, KEY, 1)


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"base_sha256": b"\x01" * 32}, FilterTampered),
        ({"epoch": 2}, FilterTampered),
        ({"sequence": 299}, FilterTampered),
        ({"not_after": NOW + 300_001}, StatementInvalid),
        ({"not_after": NOW}, StatementInvalid),
        ({"time": NOW + 130_000, "not_after": NOW + 200_000}, ClockWrong),
    ],
)
def test_a_heartbeat_that_does_not_fit_is_refused(bent: dict[str, Any], error: type[Exception]) -> None:
    made = hub()
    header = header_of(made)
    made.beat(**bent)
    with pytest.raises(error):
        read_heartbeat(made.signed_heartbeat, KEY, header, NOW)


def test_a_delta_covers_something() -> None:
    made = hub()
    made.add([tag(1000)], 301, to_sequence=300)
    with pytest.raises(FilterTampered):
        read_delta(made.signed(statements.FILTER_DELTA, made.deltas[0]), KEY)


def test_marks_only_rise() -> None:
    made = hub()
    header = header_of(made)
    heartbeat = read_heartbeat(made.signed_heartbeat, KEY, header, NOW)
    marks = Marks().past_header(header).past_heartbeat(heartbeat)
    assert marks.past_header(header).past_heartbeat(heartbeat) == marks
    assert Marks.from_bytes(marks.to_bytes()) == marks
    for bent in ({"sequence": 299}, {"created_at": NOW - 1}):
        with pytest.raises(FilterRolledBack):
            marks.past_header(header_of(hub(**bent)))
    made.beat(time=NOW - 1, not_after=NOW)
    with pytest.raises(FilterRolledBack):
        marks.past_heartbeat(read_heartbeat(made.signed_heartbeat, KEY, header, NOW))
