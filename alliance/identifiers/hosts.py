"""Names and addresses on the network: domain, email, ip.

Order for a domain: one trailing dot off; plain lower-case names are answered at once; unassigned characters;
IP addresses; UTS 46 (non-transitional, STD3 rules) and IDNA 2008 by `idna`; characters inside A-labels;
single labels. What `idna` refuses is refused: underscores and other non-LDH characters, hyphens at either end
of a label or third and fourth without being an A-label, and A-labels that no registry could have issued. Such
names appear in real lists as typing errors and would each be a second form of the name that was meant.

An e-mail address is a dot-atom local part in ASCII (RFC 5321; no quoted strings, no RFC 6531) and a domain as
above, no address literals. Its local part is lower-cased, as every large provider treats it. Tags (`+x`) and
dots stay: what they mean differs between providers. An IP address is one address: no network, no zone, no
port, no leading zeros.

Not done here: no DNS, no public suffix list, no confusable folding: a homograph is another domain.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

import idna

from alliance.identifiers.model import Reason, RefusalError
from alliance.identifiers.text import ascii_form, is_assigned, trimmed

_MAX_DOMAIN: Final = 253  # RFC 1035, without the trailing dot
_MAX_LOCAL_PART: Final = 64  # RFC 5321 §4.5.3.1.1
_MAX_EMAIL: Final = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
_DOTS: Final = ".\u3002\uff0e\uff61"
# Letters, digits and hyphens, none of them at an end or third and fourth; the last label starts with a
# letter, which no IPv4 address in any notation does.
_PLAIN: Final = re.compile(
    r"(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!..--)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_NOT_LDH: Final = re.compile(r"[^A-Za-z0-9.-]")
# What inet_aton and the WHATWG URL standard read as IPv4: a last label that is a number.
_NUMERIC_END: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_ACE: Final = "xn--"
_ATEXT: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]"
_LOCAL_PART: Final = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_IP_CHARACTERS: Final = re.compile(r"[0-9A-Fa-f.:]+")


def domain(text: str) -> str:
    """Return a host name of two labels or more as A-labels in lower case, without a trailing dot."""
    name = trimmed(text)
    if name[-1] in _DOTS:
        name = name[:-1]
    lowered = name.lower() if name.isascii() else name
    if len(lowered) <= _MAX_DOMAIN and _PLAIN.fullmatch(lowered):
        return lowered
    return domain_by_idna(name)


def domain_by_idna(name: str) -> str:
    """Return what `domain` does, by the general way; `name` is trimmed and has lost its trailing dot."""
    if not name:
        raise RefusalError(Reason.EMPTY)
    if not is_assigned(name):
        raise RefusalError(Reason.UNASSIGNED_CHARACTER)
    if name.isascii() and _NOT_LDH.search(name):
        raise RefusalError(Reason.ILLEGAL_CHARACTER)
    ascii_name = _encoded(name)
    if ascii_name is None:
        raise RefusalError(Reason.ILLEGAL_HOST_NAME)
    labels = ascii_name.split(".")
    if _NUMERIC_END.fullmatch(labels[-1]):
        raise RefusalError(Reason.IS_AN_IP_ADDRESS if len(labels) == 4 else Reason.ILLEGAL_HOST_NAME)
    if len(labels) == 1:
        raise RefusalError(Reason.SINGLE_LABEL)
    # Python's own tables make `idna` refuse some newer characters in A-labels: one reason for all.
    if not all(is_assigned(u_label(label)) for label in labels if label.startswith(_ACE)):
        raise RefusalError(Reason.ILLEGAL_HOST_NAME)
    return ascii_name


def u_label(label: str) -> str:
    """Return what an A-label stands for: what `idna.ulabel` gives, for a label that `idna` has just validated."""
    return label.removeprefix(_ACE).encode("ascii").decode("punycode")


def _encoded(name: str) -> str | None:
    """Return the A-labels, or None where `idna` refuses: its exceptions quote the name and stay here."""
    try:
        ascii_name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError:
        return None
    return None if ascii_name.endswith(".") else ascii_name


def email(text: str) -> str:
    """Return `local@domain` in lower case, the domain as A-labels."""
    text = trimmed(text)
    local, at, host = text.replace("\uff20", "@").partition("@")
    if not at or not local or not host or len(text.split()) > 1:
        raise RefusalError(Reason.MALFORMED)
    local = ascii_form(local).lower()
    if not _LOCAL_PART.fullmatch(local):
        raise RefusalError(Reason.MALFORMED)
    address = f"{local}@{domain(host)}"
    if len(local) > _MAX_LOCAL_PART or len(address) > _MAX_EMAIL:
        raise RefusalError(Reason.WRONG_LENGTH)
    return address


def ip(text: str) -> str:
    """Return one address in RFC 5952 form; an IPv4-mapped IPv6 address becomes IPv4."""
    text = ascii_form(text)
    if "/" in text:
        raise RefusalError(Reason.IS_A_NETWORK)
    if "%" in text:
        raise RefusalError(Reason.HAS_ZONE)
    if not _IP_CHARACTERS.fullmatch(text):
        raise RefusalError(Reason.ILLEGAL_CHARACTER)
    address = _address(text)
    if address is None:
        raise RefusalError(Reason.MALFORMED)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
