"""Values that many people share, or nobody has: refused, because a claim about one accuses strangers.

Ordering rules: a list is versioned data, compared with canonical forms only, after the kind's own rule. The
hub signs `to_bytes()` as a payload; a member verifies that signature over the bytes as received, and only
then calls `from_bytes`, which accepts one encoding of one list and refuses every other. A list only ever
refuses. It is public, so it must hold no identifier of a person: what goes in is a published test value, a
placeholder of an operating system, a service number or a network of shared addresses.
"""

from __future__ import annotations

import ipaddress
import json
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Protocol

from alliance.errors import AllianceError
from alliance.identifiers.model import Identifier, Kind, RefusalError, parse_kind
from alliance.identifiers.rules import canonical_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT: Final = "alliance/suppression/1"
_NUMBERED_FORMAT: Final = "alliance/suppression/2"
_MOST_LISTS: Final = 2**31
_NO_REGION: Final = "ZZ"  # libphonenumber's "unknown": entries are canonical and need none
# Per address version and prefix length: bits to drop, and the network numbers that remain.
_Networks = dict[int, dict[int, frozenset[int]]]


class SuppressionListInvalid(AllianceError, ValueError):
    """Bytes that are no suppression list, or not its one encoding."""


class Suppression(Protocol):
    """Whatever can say that a value is shared."""

    def contains(self, identifier: Identifier) -> bool:
        """Tell whether the value must be refused."""


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """Version and entries. Entries are sorted, without repetition, in canonical form.

    `values` holds (kind, canonical text); `networks` CIDR blocks for kind ip; `domains` names that are
    refused with everything below them, for kinds domain and email. `number` orders the lists that an
    alliance's admins set, from 1; a release's own list has 0.
    """

    version: str
    values: tuple[tuple[Kind, str], ...]
    networks: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    number: int = 0
    _exact: frozenset[tuple[Kind, str]] = field(init=False, repr=False, compare=False)
    _blocks: _Networks = field(init=False, repr=False, compare=False)
    _domains: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exact", frozenset(self.values))
        object.__setattr__(self, "_blocks", _by_prefix_length(self.networks))
        object.__setattr__(self, "_domains", frozenset(self.domains))

    def contains(self, identifier: Identifier) -> bool:
        """Tell whether the value, its network or a domain above it is listed."""
        kind, text = identifier.kind, identifier.canonical
        if (kind, text) in self._exact:
            return True
        if kind is Kind.IP:
            return self._in_a_network(text)
        if kind is Kind.DOMAIN or kind is Kind.EMAIL:
            return self._under_a_domain(text.rpartition("@")[2])
        return False

    def _in_a_network(self, text: str) -> bool:
        address = ipaddress.ip_address(text)
        number = int(address)
        return any(number >> drop in numbers for drop, numbers in self._blocks.get(address.version, {}).items())

    def _under_a_domain(self, name: str) -> bool:
        while name:
            if name in self._domains:
                return True
            name = name.partition(".")[2]
        return False

    @property
    def entries(self) -> frozenset[tuple[str, str]]:
        """All entries with what they are: a kind's value, `networks` or `domains`."""
        values = {(kind.value, text) for kind, text in self.values}
        return frozenset(values | {("networks", it) for it in self.networks} | {("domains", it) for it in self.domains})

    def holds(self, other: SuppressionList) -> bool:
        """Tell whether all entries of another list are in this one."""
        return other.entries <= self.entries

    def with_all_of(self, other: SuppressionList) -> SuppressionList:
        """Return this list with the entries of another one besides."""
        if self.holds(other):
            return self
        return SuppressionList(
            self.version,
            tuple(sorted({*self.values, *other.values})),
            tuple(sorted({*self.networks, *other.networks})),
            tuple(sorted({*self.domains, *other.domains})),
            self.number,
        )

    def document(self) -> dict[str, Any]:
        """Return version and entries as a document, values by the word of their kind; the number stands apart."""
        values: dict[str, list[str]] = {}
        for kind, text in self.values:
            values.setdefault(kind.value, []).append(text)
        return {
            "version": self.version,
            "domains": list(self.domains),
            "networks": list(self.networks),
            "values": values,
        }

    def to_bytes(self) -> bytes:
        """Return the one encoding: JSON with sorted keys and entries, no spaces, UTF-8."""
        document = {"format": _NUMBERED_FORMAT if self.number else _FORMAT, **self.document()}
        if self.number:
            document["number"] = self.number
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> SuppressionList:
        """Read what `to_bytes` wrote, after its signature was verified.

        Raises:
            SuppressionListInvalid: another format, an entry that is not canonical, or another encoding of
            the same.

        """
        return _read(data)


def suppression_list(
    version: str, values: Mapping[str, list[str]], networks: list[str], domains: list[str], number: int = 0
) -> SuppressionList:
    """Build a list from entries in any order.

    Raises:
        SuppressionListInvalid: an entry is not in canonical form.

    """
    if not isinstance(version, str):
        raise SuppressionListInvalid("the version is not a text")
    if type(number) is not int or not 0 <= number < _MOST_LISTS:
        raise SuppressionListInvalid("the number is none")
    pairs = {(parse_kind(kind), text) for kind, texts in values.items() for text in texts}
    entries = [*pairs, *((Kind.DOMAIN, f"any.{name}") for name in domains)]
    if not all(_is_canonical(kind, text) for kind, text in entries) or not all(map(_is_network, networks)):
        raise SuppressionListInvalid("an entry is not in canonical form")
    return SuppressionList(
        version=version,
        values=tuple(sorted(pairs)),
        networks=tuple(sorted(set(networks))),
        domains=tuple(sorted(set(domains))),
        number=number,
    )


@lru_cache(maxsize=2)
def _read(data: bytes) -> SuppressionList:
    """Read a list. The last ones are kept: it is the same at every sync, and each of its entries is checked."""
    found = _parsed(data)
    if found is None or found.to_bytes() != data:
        raise SuppressionListInvalid("not a suppression list in its one encoding")
    return found


def _parsed(data: bytes) -> SuppressionList | None:
    """Return None for whatever has not the shape, so that no library exception travels further."""
    try:
        raw: dict[str, Any] = json.loads(data)
        if raw.pop("format") != (_NUMBERED_FORMAT if "number" in raw else _FORMAT):
            return None
        return suppression_list(**raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_canonical(kind: Kind, text: str) -> bool:
    try:
        return canonical_text(kind, text, _NO_REGION) == text
    except RefusalError:
        return False


def _is_network(text: str) -> bool:
    try:
        return str(ipaddress.ip_network(text)) == text
    except ValueError:
        return False


def _by_prefix_length(networks: tuple[str, ...]) -> _Networks:
    """Sort the networks into sets that one shift and one look-up answer."""
    found: dict[int, dict[int, set[int]]] = {}
    for text in networks:
        network = ipaddress.ip_network(text)
        drop = network.max_prefixlen - network.prefixlen
        numbers = found.setdefault(network.version, {}).setdefault(drop, set())
        numbers.add(int(network.network_address) >> drop)
    return {
        version: {drop: frozenset(numbers) for drop, numbers in lengths.items()} for version, lengths in found.items()
    }


def _builtin() -> SuppressionList:
    raw = tomllib.loads(resources.files(__package__).joinpath("data/suppression.toml").read_text("utf-8"))
    return suppression_list(**raw)


BUILTIN: Final = _builtin()
