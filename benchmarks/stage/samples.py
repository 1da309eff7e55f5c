"""Made-up identifiers, a different one for every number: valid in form, assigned to nobody on purpose.

Sets that are screened lie in files of the run's own folder, since making them costs more than reading them.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Final

from stdnum import luhn
from stdnum.cn import ric, uscc

from alliance.identifiers import Kind

_SPREAD: Final = 61_803_399  # odd and no multiple of 5: multiplying by it permutes the residues of 10^8
_HUNDRED_MILLION: Final = 10**8


def _spread(number: int) -> int:
    return number * _SPREAD % _HUNDRED_MILLION


def _hexadecimal(number: int, digits: int) -> str:
    return sha256(f"benchmark {number}".encode()).hexdigest()[:digits]


def phone(number: int) -> str:
    """Give a Chinese mobile number in exact form, as systems export it."""
    return f"139{_spread(number):08d}"


def landline(number: int) -> str:
    """Give a landline of Guangzhou, which takes the general parser."""
    return f"020-8{_spread(number) % 10_000_000:07d}"


def spaced_phone(number: int) -> str:
    """Give one as people type it: it takes the way through the general parser."""
    digits = phone(number)
    return f"{digits[:3]} {digits[3:7]} {digits[7:]}"


def resident_id(number: int) -> str:
    """Give an identity number with a birth date that exists and its check digit."""
    spread = _spread(number)
    head, serial = divmod(spread, 1_000)
    head, day = divmod(head, 28)
    county, month = divmod(head, 12)
    digits = f"{110_000 + county % 500_000}{1950 + number % 50}{month + 1:02d}{day + 1:02d}{serial:03d}"
    return digits + ric.calc_check_digit(digits + "0")


def _uscc(number: int) -> str:
    digits = f"91{110_000 + number % 500_000}{_spread(number):08d}X"
    return digits + uscc.calc_check_digit(digits + "0")


def _with_luhn(digits: str) -> str:
    return digits + luhn.calc_check_digit(digits)


def oaid(number: int) -> str:
    """Give an OAID without its prefix."""
    return _hexadecimal(number, 32)


SORTS: Final[dict[str, tuple[Kind, Callable[[int], str]]]] = {
    "phone": (Kind.PHONE, phone),
    "phone, with spaces": (Kind.PHONE, spaced_phone),
    "resident_id": (Kind.RESIDENT_ID, resident_id),
    "uscc": (Kind.USCC, _uscc),
    "bank_card": (Kind.BANK_CARD, lambda number: _with_luhn(f"621700{_spread(number):08d}{number % 10_000:04d}")),
    "imei": (Kind.IMEI, lambda number: _with_luhn(f"35{number % 10_000:04d}{_spread(number):08d}")),
    "device": (Kind.DEVICE, lambda number: f"oaid:{oaid(number)}"),
    "email": (Kind.EMAIL, lambda number: f"user.{_hexadecimal(number, 8)}@mail{number % 100}.example.cn"),
    "domain": (Kind.DOMAIN, lambda number: f"shop-{_hexadecimal(number, 8)}.example.cn"),
    "ip": (Kind.IP, lambda number: f"36.{number % 200}.{number // 200 % 256}.{1 + number % 254}"),
    "account": (Kind.ACCOUNT, lambda number: f"evm:0x{_hexadecimal(number, 40)}"),
}
"""How each sort is written, by the name under which it is reported."""


def subject_field(number: int) -> tuple[str, str]:
    """Give the identifier of a row as field and text: telephone and identity numbers in turn."""
    return ("resident_id", resident_id(number)) if number % 2 else ("phone", phone(number))


FRESH: Final = 20_000_000
"""Numbers from here on are of identifiers that nobody contributes."""


def is_listed(place: int, every: int) -> bool:
    """Tell whether the row or check of this place is about a claim of another member."""
    return place % every == every - 1


def listed_count(rows: int, every: int) -> int:
    """Count such rows among the first ones."""
    return rows // every


def screened_numbers(first: int, rows: int, every: int, listed: int) -> Iterator[int]:
    """Give the numbers of a screening's rows: some among the first `listed`, the others fresh ones from `first` on."""
    for place in range(rows):
        yield (place // every) % listed if is_listed(place, every) else FRESH + first + place


def texts(numbers: Iterable[int]) -> list[str]:
    """Give the identifiers of rows as texts alone, for peers."""
    return [subject_field(number)[1] for number in numbers]
