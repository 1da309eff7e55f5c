"""Addresses on public ledgers that carry their own checksum, by the texts that define them.

base58 is Bitcoin's alphabet; base58check is payload ‖ SHA-256²(payload)[:4]; bech32 and bech32m are BIP 173
and 350; SS58 is Substrate's registry format v1. Each function takes an address and returns its canonical
form, or None where it is none. Main networks only. EIP-55 mixed case of EVM addresses is not verified: that
needs Keccak, which the standard library lacks, and the case carries no part of the address.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUE: Final = {character: value for value, character in enumerate(_BASE58)}
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_CONSTANT: Final = 1
_BECH32M_CONSTANT: Final = 0x2BC830A3
_SS58_GENERIC: Final = b"\x2a"  # network 42: "any Substrate chain"


def base58_decode(text: str) -> bytes | None:
    """Return the bytes; each leading "1" is a zero byte, so that text and bytes are one to one."""
    number = 0
    for character in text:
        value = _BASE58_VALUE.get(character)
        if value is None:
            return None
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58_encode(data: bytes) -> str:
    """Return the text that `base58_decode` reads back."""
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, value = divmod(number, 58)
        text = _BASE58[value] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58check_decode(text: str) -> bytes | None:
    """Return version and payload without the four checksum bytes."""
    data = base58_decode(text)
    if data is None or len(data) < 5:
        return None
    body, checksum = data[:-4], data[-4:]
    return body if hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] == checksum else None


def tron(text: str) -> str | None:
    """Accept base58check of 0x41 and 20 bytes."""
    body = base58check_decode(text)
    return text if body is not None and len(body) == 21 and body[0] == 0x41 else None


def bitcoin(text: str) -> str | None:
    """Accept P2PKH and P2SH in base58check, and segwit in bech32 or bech32m, which becomes lower case."""
    if text[:3].lower() == "bc1":
        return _segwit(text)
    body = base58check_decode(text)
    return text if body is not None and len(body) == 21 and body[0] in (0x00, 0x05) else None


def solana(text: str) -> str | None:
    """Accept base58 of 32 bytes; there is no checksum."""
    data = base58_decode(text)
    return text if data is not None and len(data) == 32 else None


def substrate(text: str) -> str | None:
    """Return SS58 of the same 32-byte key under network 42.

    One key has an address on every Substrate chain; whoever holds one holds them all, so they are one
    account.
    """
    data = base58_decode(text)
    if data is None or len(data) not in (35, 36):
        return None
    prefix, key, checksum = data[:-34], data[-34:-2], data[-2:]
    # One byte for networks 0–63; two, the first of 64–127, for those above.
    if prefix[0] >= 128 or (prefix[0] >= 64) != (len(prefix) == 2) or _ss58_checksum(prefix + key) != checksum:
        return None
    generic = _SS58_GENERIC + key
    return base58_encode(generic + _ss58_checksum(generic))


def _ss58_checksum(body: bytes) -> bytes:
    return hashlib.blake2b(b"SS58PRE" + body).digest()[:2]


def _segwit(text: str) -> str | None:
    """Check BIP 173/350: one case, checksum by witness version, program of 2–40 bytes (v0: 20 or 32)."""
    if text not in (text.lower(), text.upper()) or len(text) > 90:
        return None
    text = text.lower()
    values = [_BECH32.find(character) for character in text[3:]]
    if len(values) < 7 or -1 in values:
        return None
    version = values[0]
    if version > 16 or _polymod(values) != (_BECH32M_CONSTANT if version else _BECH32_CONSTANT):
        return None
    length, spare = divmod(5 * len(values[1:-6]), 8)
    padding = values[-7] & ((1 << spare) - 1) if spare else 0
    if spare > 4 or padding or not 2 <= length <= 40 or (version == 0 and length not in (20, 32)):
        return None
    return text


def _polymod(values: list[int]) -> int:
    """BIP 173's checksum over the human-readable part "bc", expanded, and the data."""
    check = 1
    for value in [3, 3, 0, 2, 3, *values]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check


CHECKS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "bitcoin": bitcoin,
    "solana": solana,
    "substrate": substrate,
    "tron": tron,
}
