"""Numbers that an authority hands out: phone, resident_id, uscc, bank_card.

Order in each rule: the shape of the text, then spreadsheet damage, then separators off (spaces and hyphens),
then length, then alphabet, then content, then the check digit. What a spreadsheet rounded to 15 digits and
printed in full is caught by the check digit only, that is nine times in ten.

Not done here: no look-up of county codes (the table's age would refuse real people; GB 11643's check digit
and an existing birth date suffice), no clock (a birth date may lie ahead of today), no issuer tables for
cards, no carrier.
"""

from __future__ import annotations

import datetime
import re
from functools import cache
from typing import Final

import phonenumbers
from stdnum import luhn
from stdnum.cn import ric
from stdnum.cn import uscc as stdnum_uscc

from alliance.identifiers.model import Reason, RefusalError
from alliance.identifiers.text import ascii_form, refuse_damaged, trimmed

_SEPARATORS: Final = str.maketrans("", "", " -")
_SEPARATED_MOBILE: Final = 28  # twice the fourteen characters of one: whoever needs more has something else in mind
_PHONE_CHARACTERS: Final = re.compile(r"[0-9 ().+-]+")
# "ext. 12", "x12", "#12", "转12", "分机12", RFC 3966's ";ext=12": one line reaches many people behind it.
_EXTENSION: Final = re.compile(r"[0-9)][\s,;]*(?:ext(?:ension|n)?|x|#|分机号?|转)[\s.:=：]*[0-9]+\s*\Z", re.IGNORECASE)
_RESIDENT_ID: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
_RESIDENT_ID_15: Final = re.compile(r"[1-9][0-9]{14}")
# GB 32100 assigns letters to some registering authorities (A military, N agriculture, Y others): stdnum's own
# validation wants digits there and would refuse every rural cooperative.
_USCC: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
# The first identity cards are of 1984; nobody who held one was born earlier.
_BIRTH_YEARS: Final = range(1860, 2100)


def phone(text: str, region: str) -> str:
    """Return E.164. `region` (ISO 3166) reads numbers without a country code.

    Chinese mobile numbers skip the general parser, in exact form or with spaces and hyphens, which that drops too
    before it looks at the digits; `phone_by_general_parser` gives the same for them.
    """
    mobile = _exact_chinese_mobile()
    match = mobile.fullmatch(text)
    if match is None and len(text) <= _SEPARATED_MOBILE:
        match = mobile.fullmatch(text.translate(_SEPARATORS))
    if match and (region == "CN" or match[1]):
        return "+86" + match[2]
    return phone_by_general_parser(text, region)


def is_exact_phone(text: str) -> bool:
    """Tell whether a text is a Chinese mobile number in a form that needs no general parser."""
    mobile = _exact_chinese_mobile()
    return bool(mobile.fullmatch(text) or mobile.fullmatch(text[:_SEPARATED_MOBILE].translate(_SEPARATORS)))


def phone_by_general_parser(text: str, region: str) -> str:
    """Return E.164 by libphonenumber: valid numbers only, no letters, no extension."""
    if _EXTENSION.search(trimmed(text)):
        raise RefusalError(Reason.EXTENSION)
    text = ascii_form(text)
    refuse_damaged(text)
    if not _PHONE_CHARACTERS.fullmatch(text):
        raise RefusalError(Reason.ILLEGAL_CHARACTER)
    number = _parsed(text, region)
    if number is None or not phonenumbers.is_valid_number(number):
        raise RefusalError(Reason.NOT_A_VALID_NUMBER)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


@cache
def _exact_chinese_mobile() -> re.Pattern[str]:
    """Return the metadata's own pattern for mobile numbers: it moves with the pin, never apart from it."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("CN")
    if metadata is None or metadata.mobile is None or metadata.mobile.national_number_pattern is None:
        raise RuntimeError("phonenumberslite carries no metadata for CN")
    return re.compile(rf"(\+86)?({metadata.mobile.national_number_pattern})", re.ASCII)


def resident_id(text: str) -> str:
    """Return the 18 characters of GB 11643; the 15 digits issued until 1999 get century and check digit."""
    number = _compact(text)
    if len(number) == 15:
        if not _RESIDENT_ID_15.fullmatch(number):
            raise RefusalError(Reason.MALFORMED)
        number = f"{number[:6]}19{number[6:]}0"
        number = number[:-1] + ric.calc_check_digit(number)
    elif len(number) != 18:
        raise RefusalError(Reason.WRONG_LENGTH)
    elif not _RESIDENT_ID.fullmatch(number):
        raise RefusalError(Reason.MALFORMED)
    if not _is_birth_date(int(number[6:10]), int(number[10:12]), int(number[12:14])):
        raise RefusalError(Reason.BAD_DATE)
    if number[-1] != ric.calc_check_digit(number):
        raise RefusalError(Reason.BAD_CHECK_DIGIT)
    return number


def _is_birth_date(year: int, month: int, day: int) -> bool:
    if year not in _BIRTH_YEARS:
        return False
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def uscc(text: str) -> str:
    """Return the 18 characters of GB 32100 in upper case."""
    number = _compact(text, digits_only=False)
    if len(number) != 18:
        raise RefusalError(Reason.WRONG_LENGTH)
    if not _USCC.fullmatch(number):
        raise RefusalError(Reason.MALFORMED)
    if number[-1] != stdnum_uscc.calc_check_digit(number):
        raise RefusalError(Reason.BAD_CHECK_DIGIT)
    return number


def bank_card(text: str) -> str:
    """Return the 12–19 digits of a card (ISO/IEC 7812), Luhn checked."""
    number = digits(text)
    if not 12 <= len(number) <= 19:
        raise RefusalError(Reason.WRONG_LENGTH)
    refuse_bad_luhn(number)
    return number


def digits(text: str) -> str:
    """Return the digits of `text` without separators; refuse anything else."""
    number = _compact(text)
    if not number.isdigit():
        raise RefusalError(Reason.ILLEGAL_CHARACTER)
    return number


def refuse_bad_luhn(number: str) -> None:
    """Refuse digits that fail Luhn, and all zeros, which pass it."""
    if not number.strip("0"):
        raise RefusalError(Reason.ALL_ZERO)
    if luhn.checksum(number):
        raise RefusalError(Reason.BAD_CHECK_DIGIT)


def _compact(text: str, *, digits_only: bool = True) -> str:
    """Return the ASCII form in upper case, separators off."""
    text = ascii_form(text)
    refuse_damaged(text, digits_only=digits_only)
    number = text.translate(_SEPARATORS).upper()
    if not number:
        raise RefusalError(Reason.EMPTY)
    if not number.isalnum():
        raise RefusalError(Reason.ILLEGAL_CHARACTER)
    return number
