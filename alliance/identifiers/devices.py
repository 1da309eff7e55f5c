"""Names of machines: imei, and device as `subtype:hex`.

Order: shape, separators off, length, alphabet, content, check digit. Sizes in hexadecimal digits: idfa 32 (a
UUID), android_id 16, mac 12, oaid 16, 32 or 64 (the MSA leaves it to the vendor: Xiaomi gives 16, Huawei and
Honor a UUID, vivo and OPPO up to 64). Case carries nothing in any of them.

A MAC address counts only if its maker assigned it: multicast and broadcast addresses name no device, and
locally administered ones are randomised per network or the constant 02:00:00:00:00:00 of Android. Not done
here: no table of type allocation codes, no guessing of a subtype from the length, no zero padding.
"""

from __future__ import annotations

import re
from typing import Final

from alliance.identifiers.model import Reason, RefusalError
from alliance.identifiers.numbers import digits, refuse_bad_luhn
from alliance.identifiers.text import ascii_form, refuse_damaged

_LENGTHS: Final = {
    "oaid": frozenset({16, 32, 64}),
    "idfa": frozenset({32}),
    "android_id": frozenset({16}),
    "mac": frozenset({12}),
}
_SEPARATORS: Final = str.maketrans("", "", " -:.")
_HEX: Final = re.compile(r"[0-9a-f]+")
_MULTICAST_OR_LOCAL: Final = 0b11  # I/G and U/L, the two lowest bits of the first octet (IEEE 802)


def imei(text: str) -> str:
    """Return the 15 digits of an IMEI (3GPP TS 23.003), Luhn checked; 14 digits and IMEISVs are refused."""
    number = digits(text)
    if len(number) in (16, 17):
        raise RefusalError(Reason.IMEISV)
    if len(number) != 15:
        raise RefusalError(Reason.WRONG_LENGTH)
    refuse_bad_luhn(number)
    return number


def device(text: str) -> str:
    """Return `subtype:hex` in lower case for oaid, idfa, android_id and mac."""
    subtype, _, value = ascii_form(text).lower().partition(":")
    subtype, value = subtype.rstrip(" "), value.lstrip(" ")
    lengths = _LENGTHS.get(subtype)
    if lengths is None:
        raise RefusalError(Reason.UNKNOWN_SUBTYPE)
    refuse_damaged(value, digits_only=False)
    value = value.translate(_SEPARATORS)
    if not value:
        raise RefusalError(Reason.EMPTY)
    if not _HEX.fullmatch(value):
        raise RefusalError(Reason.ILLEGAL_CHARACTER)
    if len(value) not in lengths:
        raise RefusalError(Reason.WRONG_LENGTH)
    if not value.strip("0"):
        raise RefusalError(Reason.ALL_ZERO)
    if subtype == "mac" and int(value[:2], 16) & _MULTICAST_OR_LOCAL:
        raise RefusalError(Reason.NOT_UNIQUE)
    return f"{subtype}:{value}"
