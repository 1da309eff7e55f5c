"""Attempts at enrolment: who is counted together, what comes back, and that the memory is bounded."""

import pytest

from alliance.errors import Reason
from alliance_server.domain.attempts import MAX_ADDRESSES, MINUTE_MS, Attempts, address_of
from alliance_server.domain.errors import Refused


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.7:51234", "192.0.2.7"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:51234", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2::9]:51234", "2001:db8:1:2::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D:443", "fe80::/64"),
        ("ipv6:[::ffff:192.0.2.7]:51234", "192.0.2.7"),
        ("unix:/run/hub.sock", ""),
        ("", ""),
    ],
)
def test_an_address_is_what_one_guest_has_to_itself(peer: str, address: str) -> None:
    assert address_of(peer) == address


def refused_until(attempts: Attempts, address: str, now: int) -> int | None:
    try:
        attempts.take(address, now)
    except Refused as refusal:
        return refusal.retry_at_ms if refusal.reason is Reason.TOO_MANY_ATTEMPTS else -1
    return None


def test_places_come_back_with_time_and_one_by_one() -> None:
    attempts = Attempts(2, 100, now=0)
    assert [refused_until(attempts, "a", 0) for _ in range(2)] == [None, None]
    again = refused_until(attempts, "a", 0)
    assert again is not None
    assert refused_until(attempts, "b", 0) is None
    assert refused_until(attempts, "a", again - 2) is not None
    assert refused_until(attempts, "a", again) is None
    assert refused_until(attempts, "a", again) is not None
    assert [refused_until(attempts, "a", again + MINUTE_MS) for _ in range(2)] == [None, None]


def test_what_was_not_refused_costs_nothing_and_a_clock_that_goes_back_gives_nothing() -> None:
    attempts = Attempts(1, 100, now=10)
    for _ in range(5):
        attempts.take("a", 10)
        attempts.give_back("a")
    attempts.take("a", 10)
    assert refused_until(attempts, "a", 0) is not None
    attempts.give_back("forgotten")


def test_the_memory_is_bounded() -> None:
    attempts = Attempts(1, 10 * MAX_ADDRESSES, now=0)
    for number in range(MAX_ADDRESSES + 100):
        attempts.take(f"{number}", 0)
    assert len(attempts) == MAX_ADDRESSES
    assert refused_until(attempts, f"{MAX_ADDRESSES + 99}", 0) is not None
