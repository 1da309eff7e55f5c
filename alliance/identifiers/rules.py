"""Which rule makes which kind canonical: the protocol's table (§1), as code. No suppression here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alliance.identifiers import accounts, devices, hosts, numbers
from alliance.identifiers.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_RULES: Final[Mapping[Kind, Callable[[str], str]]] = {
    Kind.RESIDENT_ID: numbers.resident_id,
    Kind.USCC: numbers.uscc,
    Kind.BANK_CARD: numbers.bank_card,
    Kind.IMEI: devices.imei,
    Kind.DEVICE: devices.device,
    Kind.EMAIL: hosts.email,
    Kind.DOMAIN: hosts.domain,
    Kind.IP: hosts.ip,
}
_HOSTS: Final = frozenset({Kind.DOMAIN, Kind.EMAIL})
_RULES_BY_REGION: Final[Mapping[Kind, Callable[[str, str], str]]] = {
    Kind.PHONE: numbers.phone,
    Kind.ACCOUNT: accounts.account,
}


def needs_general_parser(kind: Kind, text: str) -> bool:
    """Tell, at little cost, whether a text's form takes a general parser: tens of microseconds instead of a few.

    It is a hint about cost and decides nothing.
    """
    if kind is Kind.PHONE:
        return not numbers.is_exact_phone(text)
    return kind in _HOSTS and not text.isascii()


def canonical_text(kind: Kind, text: str, region: str) -> str:
    """Return the canonical text.

    Raises:
        RefusalError: there is none.

    """
    rule = _RULES.get(kind)
    return rule(text) if rule is not None else _RULES_BY_REGION[kind](text, region)
