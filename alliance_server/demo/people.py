"""Made-up identifiers: valid by their own rules, the same in every run, and written as people write them.

Canonical forms are built here from the published rules, not by `alliance.identifiers`: where the two disagree the
demo finds another number of matches than it expects. None of these is known to belong to anybody; by chance one may,
so they are used on loopback only.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from alliance.identifiers import Identifier, Kind

_FULLWIDTH = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}
_MOBILE_PREFIXES = ("130", "131", "135", "136", "139", "150", "152", "156", "158", "166", "177", "180", "186", "189")
_AREAS = ("110101", "120103", "310104", "320106", "330106", "350203", "370102", "420111", "440305", "510107", "610113")
_BINS = ("621226", "621700", "622202", "622848", "625912", "623058")
_TACS = ("35391511", "35824005", "86012304", "86749502", "99001234")
_VENDORS = ("001a11", "3c5ab4", "a4c138", "f0b429")
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643: 2^(17-i) mod 11
_RESIDENT_CHECKS = "10X98765432"


@dataclass(frozen=True, slots=True)
class Written:
    """An identifier as somebody wrote it. `field` is the column's sort: a kind, or a device id's own name."""

    field: str
    typed: str
    identifier: Identifier | None
    """None: malformed, there is no canonical form."""

    def __repr__(self) -> str:
        return f"Written({self.field}, …)"


class Inventor:
    """Makes identifiers up, each once."""

    def __init__(self, seed: int) -> None:
        """Start from a seed; the same seed gives the same identifiers in the same order."""
        # Determinism is what is wanted here, and nothing is kept secret by it.
        self.random = random.Random(seed)  # noqa: S311
        self._made: set[Identifier] = set()
        self._makers: dict[str, tuple[Kind, Callable[[], str]]] = {
            "phone": (Kind.PHONE, self._phone),
            "resident_id": (Kind.RESIDENT_ID, self._resident_id),
            "bank_card": (Kind.BANK_CARD, self._bank_card),
            "imei": (Kind.IMEI, self._imei),
            "oaid": (Kind.DEVICE, lambda: f"oaid:{self._hex(self.random.choice((16, 32, 64)))}"),
            "idfa": (Kind.DEVICE, lambda: f"idfa:{self._hex(32)}"),
            "android_id": (Kind.DEVICE, lambda: f"android_id:{self._hex(16)}"),
            "mac": (Kind.DEVICE, lambda: f"mac:{self.random.choice(_VENDORS)}{self._hex(6)}"),
        }

    def new(self, field: str) -> Identifier:
        """Make an identifier that was not made before."""
        kind, make = self._makers[field]
        while (identifier := Identifier(kind, make())) in self._made:
            pass
        self._made.add(identifier)
        return identifier

    def write(self, field: str, identifier: Identifier) -> Written:
        """Write an identifier down, in one of the forms that are usual for it."""
        forms = _FORMS[field](identifier.canonical)
        # Most exports are clean: the first form is the one of a database.
        typed = forms[0] if self.random.random() < 0.6 else self.random.choice(forms)
        return Written(field, typed, identifier)

    def misspelt(self, field: str, identifier: Identifier) -> Written:
        """Write an identifier down as it cannot be read any more."""
        return Written(field, self.random.choice(_FAULTS[field])(_bare(identifier)), None)

    def _digits(self, count: int) -> str:
        return f"{self.random.randrange(10**count):0{count}}"

    def _hex(self, count: int) -> str:
        return f"{self.random.randrange(1, 16**count):0{count}x}"

    def _phone(self) -> str:
        return f"+86{self.random.choice(_MOBILE_PREFIXES)}{self._digits(8)}"

    def _resident_id(self) -> str:
        birth = f"{self.random.randrange(1955, 2005)}{self.random.randrange(1, 13):02}{self.random.randrange(1, 29):02}"
        number = f"{self.random.choice(_AREAS)}{birth}{self._digits(3)}"
        total = sum(int(digit) * weight for digit, weight in zip(number, _RESIDENT_WEIGHTS, strict=True))
        return number + _RESIDENT_CHECKS[total % 11]

    def _bank_card(self) -> str:
        return _with_luhn(self.random.choice(_BINS) + self._digits(self.random.choice((9, 12))))

    def _imei(self) -> str:
        return _with_luhn(self.random.choice(_TACS) + self._digits(6))


def _with_luhn(number: str) -> str:
    """Append the check digit of ISO/IEC 7812."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(number))]
    return number + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def _bare(identifier: Identifier) -> str:
    return identifier.canonical.removeprefix("+86").rpartition(":")[2]


def _grouped(text: str, sizes: tuple[int, ...], separator: str) -> str:
    """Cut a text into groups; the last size repeats."""
    groups = []
    while text:
        size, *rest = sizes
        groups.append(text[:size])
        text, sizes = text[size:], tuple(rest) or sizes
    return separator.join(groups)


def _phone_forms(canonical: str) -> list[str]:
    number = canonical.removeprefix("+86")
    grouped = _grouped(number, (3, 4), " ")
    forms = [number, canonical, f"+86 {grouped}", grouped.replace(" ", "-"), f"(+86){number}", f"0086 {number}"]
    return [*forms, number.translate(_FULLWIDTH), f" {number} "]


def _resident_id_forms(canonical: str) -> list[str]:
    forms = [canonical, canonical.lower(), _grouped(canonical, (6, 8, 4), " "), canonical.translate(_FULLWIDTH)]
    if canonical[6:8] == "19":
        forms.append(canonical[:6] + canonical[8:17])  # as issued until 1999
    return forms


def _card_forms(canonical: str) -> list[str]:
    spaced = _grouped(canonical, (4,), " ")
    return [canonical, spaced, spaced.replace(" ", "-"), f"{canonical}\u3000"]


def _imei_forms(canonical: str) -> list[str]:
    return [canonical, _grouped(canonical, (2, 6, 6, 1), "-"), canonical.translate(_FULLWIDTH)]


def _device_forms(canonical: str) -> list[str]:
    """Give the forms of a device id without its prefix, which the column's name stands for."""
    digits = canonical.rpartition(":")[2]
    forms = [digits, digits.upper(), canonical]
    if len(digits) == 32:
        forms.append(_grouped(digits.upper(), (8, 4, 4, 4, 12), "-"))
    elif len(digits) == 12:
        forms.append(_grouped(digits.upper(), (2,), ":"))
    return forms


_FORMS: dict[str, Callable[[str], list[str]]] = {
    "phone": _phone_forms,
    "resident_id": _resident_id_forms,
    "bank_card": _card_forms,
    "imei": _imei_forms,
    "oaid": _device_forms,
    "idfa": _device_forms,
    "android_id": _device_forms,
    "mac": _device_forms,
}


def _damaged(text: str) -> str:
    """Write digits as a spreadsheet does that took them for a number."""
    return f"{int(text[:17]):.5E}".replace("E+0", "E+")


def _wrong_check_digit(text: str) -> str:
    return text[:-1] + str((int(text[-1], 11) + 1) % 10 if text[-1] != "X" else 0)


_FAULTS: dict[str, tuple[Callable[[str], str], ...]] = {
    "phone": (_damaged, lambda text: text[:-1], lambda text: text[:-1] + "O", lambda text: f"{text}转801"),
    "resident_id": (
        _damaged,
        _wrong_check_digit,
        lambda text: text[:-1],
        lambda text: text[:10] + "13" + text[12:],
        lambda text: f"{text}\t",
    ),
    "bank_card": (_damaged, _wrong_check_digit, lambda text: text + "00000"),
    "imei": (_wrong_check_digit, lambda text: text + "01", lambda text: text[:-1]),
    "oaid": (lambda text: "0" * len(text), lambda text: text[:-1] + "g", lambda text: text + "0"),
}
