"""What an identifier is, and what a refusal may say.

A refusal names its kind and a reason and nothing else. It carries no text, no position and no library
exception, so that it can be logged, pickled, put into `refused.csv` or shown on a terminal as it stands. This
module does not canonicalise anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alliance.errors import AllianceError, UnknownWord

NORM_VERSION: Final = "norm/1"
_INPUT_PREFIX: Final = b"alliance/v1\0"


class Kind(StrEnum):
    """What sort of thing an identifier names, in the order of the protocol's table (§1)."""

    PHONE = "phone"
    RESIDENT_ID = "resident_id"
    USCC = "uscc"
    BANK_CARD = "bank_card"
    IMEI = "imei"
    DEVICE = "device"
    EMAIL = "email"
    DOMAIN = "domain"
    IP = "ip"
    ACCOUNT = "account"


class Reason(StrEnum):
    """Why a text was refused: stable codes, part of `norm/1` and of its vector file."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    ILLEGAL_CHARACTER = "illegal_character"
    UNASSIGNED_CHARACTER = "unassigned_character"
    SPREADSHEET_DAMAGED = "spreadsheet_damaged"
    MALFORMED = "malformed"
    WRONG_LENGTH = "wrong_length"
    BAD_CHECK_DIGIT = "bad_check_digit"
    BAD_DATE = "bad_date"
    NOT_A_VALID_NUMBER = "not_a_valid_number"
    EXTENSION = "extension"
    IMEISV = "imeisv"
    ALL_ZERO = "all_zero"
    NOT_UNIQUE = "not_unique"
    UNKNOWN_SUBTYPE = "unknown_subtype"
    ILLEGAL_HOST_NAME = "illegal_host_name"
    SINGLE_LABEL = "single_label"
    IS_AN_IP_ADDRESS = "is_an_ip_address"
    IS_A_NETWORK = "is_a_network"
    HAS_ZONE = "has_zone"
    UNKNOWN_PLATFORM = "unknown_platform"
    SUPPRESSED = "suppressed"


_HOW_TO_FIX: Final[dict[Reason, str]] = {
    Reason.EMPTY: "The cell is empty: leave the row out or fill it in.",
    Reason.TOO_LONG: "The text is longer than any identifier: check that the column holds one value a row.",
    Reason.CONTROL_CHARACTER: (
        "The text holds a control or invisible character, such as the tab that exports append: remove it."
    ),
    Reason.ILLEGAL_CHARACTER: "The text holds a character that this kind never has: check column and kind.",
    Reason.UNASSIGNED_CHARACTER: "The text holds a character newer than Unicode 14.0: check the source.",
    Reason.SPREADSHEET_DAMAGED: (
        "A spreadsheet turned this into a number: export again with the column formatted as text."
    ),
    Reason.MALFORMED: "The text does not have the shape of this kind: check column and kind.",
    Reason.WRONG_LENGTH: "The number of characters does not fit this kind: look for lost or extra ones.",
    Reason.BAD_CHECK_DIGIT: "The check digit does not fit: look for a typing error.",
    Reason.BAD_DATE: "The birth date inside does not exist: look for a typing error.",
    Reason.NOT_A_VALID_NUMBER: (
        "No such number in its country's plan: check the digits, and add +country code if it is foreign."
    ),
    Reason.EXTENSION: "Give the number without its extension.",
    Reason.IMEISV: "This is an IMEI with software version: give the 15-digit IMEI.",
    Reason.ALL_ZERO: "All zeros mean that the value was not available: leave it out.",
    Reason.NOT_UNIQUE: (
        "A broadcast, multicast or locally administered (randomised) address names no device: leave it out."
    ),
    Reason.UNKNOWN_SUBTYPE: "Write oaid:, idfa:, android_id: or mac: before the value.",
    Reason.ILLEGAL_HOST_NAME: "Not a legal host name (RFC 1123, IDNA 2008): give the name alone, no URL.",
    Reason.SINGLE_LABEL: "One label alone names no site: give the full domain name.",
    Reason.IS_AN_IP_ADDRESS: "This is an IP address: use kind ip.",
    Reason.IS_A_NETWORK: "Give one address, not a network.",
    Reason.HAS_ZONE: "Give the address without its zone.",
    Reason.UNKNOWN_PLATFORM: "Write platform:account with a platform of the registry.",
    Reason.SUPPRESSED: "Many people share this value, or nobody has it: leave it out.",
}


class InvalidIdentifier(AllianceError, ValueError):
    """A text that has no canonical form of its kind. Holds `kind` and `reason`; never the text."""

    def __init__(self, kind: Kind, reason: Reason) -> None:
        # args are (kind, reason): what repr and pickle show is what may be seen.
        super().__init__(kind, reason)
        self.kind = kind
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}: {self.how_to_fix}"

    @property
    def how_to_fix(self) -> str:
        """One English sentence for whoever repairs the row; the `how_to_fix` column of `refused.csv`."""
        return _HOW_TO_FIX[self.reason]


class UnknownKind(UnknownWord, ValueError):
    """The name of a kind that is not in the protocol's table. Its text does not repeat the name."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return f"unknown kind: expected one of {', '.join(Kind)}"


class RefusalError(Exception):
    """A rule's refusal, before `canonicalise` puts the kind to it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """A kind and the one canonical text of a thing of that kind. Printing it shows the kind only."""

    kind: Kind
    canonical: str

    def __repr__(self) -> str:
        return f"Identifier({self.kind}, …)"

    @property
    def input_bytes(self) -> bytes:
        """`"alliance/v1" ‖ 0x00 ‖ kind ‖ 0x00 ‖ canonical`, UTF-8: the OPRF's input (protocol §1)."""
        return b"".join((_INPUT_PREFIX, self.kind.encode(), b"\0", self.canonical.encode()))


_BY_NAME: Final = {kind.value: kind for kind in Kind}


def parse_kind(text: str) -> Kind:
    """Return the kind that a column or an argument names; case and surrounding spaces do not matter.

    Raises:
        UnknownKind: it names none.

    """
    kind = _BY_NAME.get(text.strip().lower())
    if kind is None:
        raise UnknownKind
    return kind
