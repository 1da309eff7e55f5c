"""Attempts at enrolment: so many may be refused a minute, for one address and for the whole port. Time is an argument.

- An attempt takes its place before it is looked at and gets it back unless it was refused: those that come at once do
  not all slip through, and whoever enrols pays nothing.
- Tokens have 256 bits and are not guessed; this keeps whoever tries from the members' database, and lets it show.
- The memory is bounded. An address that was forgotten begins anew; the port's own measure knows no addresses.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from alliance.errors import Reason
from alliance_server.domain.errors import Refused

MINUTE_MS: Final = 60_000
MAX_ADDRESSES: Final = 4096
_IPV6_NETWORK_BITS: Final = 64
"""What one customer of a provider has to itself."""


@dataclass(slots=True)
class _Measure:
    """A bucket of places that fills up again within a minute."""

    places: int
    left: float
    at: int

    def retry_at(self, now: int) -> int | None:
        """Fill up to now, and give when there is a place; None where there is one."""
        self.left = min(self.places, self.left + max(0, now - self.at) * self.places / MINUTE_MS)
        self.at = now
        return None if self.left >= 1 else now + int((1 - self.left) * MINUTE_MS / self.places) + 1

    def give_back(self) -> None:
        self.left = min(self.places, self.left + 1)


class Attempts:
    """Counts attempts at one port of this process."""

    def __init__(self, a_minute: int, a_minute_in_all: int, now: int) -> None:
        self._a_minute = a_minute
        self._all = _Measure(a_minute_in_all, a_minute_in_all, now)
        self._addresses: OrderedDict[str, _Measure] = OrderedDict()

    def __len__(self) -> int:
        return len(self._addresses)

    def take(self, address: str, now: int) -> None:
        """Take a place; raises Refused with the time when there is one again."""
        measure = self._addresses.setdefault(address, _Measure(self._a_minute, self._a_minute, now))
        self._addresses.move_to_end(address)
        if len(self._addresses) > MAX_ADDRESSES:
            self._addresses.popitem(last=False)
        for one, whose in ((measure, "one address"), (self._all, "all addresses together")):
            if (retry_at := one.retry_at(now)) is not None:
                raise Refused(Reason.TOO_MANY_ATTEMPTS, f"too many refusals of {whose}", retry_at_ms=retry_at)
        measure.left -= 1
        self._all.left -= 1

    def give_back(self, address: str) -> None:
        """Give a place back: what was attempted was not refused."""
        self._all.give_back()
        if (measure := self._addresses.get(address)) is not None:
            measure.give_back()


def address_of(peer: str) -> str:
    """Give the address of a peer as gRPC names it, without its port; an IPv6 network of 64 bits counts as one."""
    host = unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_NETWORK_BITS), strict=False))
    return str(address)
