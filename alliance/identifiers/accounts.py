"""Accounts, as `platform:account`, by a registry that is data (`data/platforms.toml`).

Order: ASCII form, platform in lower case, an optional sigil ("@") off, case folded where the platform ignores
it, the platform's pattern, its checksum. Where a platform takes an e-mail address or a telephone number as a
name, those follow their own kind's rule. The platform is part of the canonical form, so equal names on two
platforms never meet.

Not done here: no look-up of the account, no joining of one person's names on one platform (a user id and an
e-mail address of the same account stay two identifiers).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from alliance.identifiers.addresses import CHECKS
from alliance.identifiers.hosts import email
from alliance.identifiers.model import Reason, RefusalError
from alliance.identifiers.numbers import phone
from alliance.identifiers.text import ascii_form, refuse_damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OTHER_KINDS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "email": lambda text, _: email(text),
    "phone": phone,
}


@dataclass(frozen=True, slots=True)
class Platform:
    """One row of the registry. `pattern` must match the whole name, after folding."""

    name: str
    title: str
    pattern: re.Pattern[str]
    fold_case: bool
    sigil: str
    check: Callable[[str], str | None] | None
    also: tuple[str, ...]


@cache
def platforms() -> Mapping[str, Platform]:
    """Return the registry of `norm/1`, by name."""
    raw = tomllib.loads(resources.files(__package__).joinpath("data/platforms.toml").read_text("utf-8"))
    rows = raw["platform"]
    return MappingProxyType(
        {
            name: Platform(
                name=name,
                title=row["title"],
                pattern=re.compile(row["pattern"], re.ASCII),
                fold_case=row.get("fold_case", False),
                sigil=row.get("sigil", ""),
                check=CHECKS[row["check"]] if "check" in row else None,
                also=tuple(row.get("also", ())),
            )
            for name, row in rows.items()
        }
    )


def account(text: str, region: str) -> str:
    """Return `platform:account`. `region` reads telephone numbers used as names."""
    name, _, value = ascii_form(text).partition(":")
    platform = platforms().get(name.rstrip(" ").lower())
    if platform is None:
        raise RefusalError(Reason.UNKNOWN_PLATFORM)
    value = value.lstrip(" ").removeprefix(platform.sigil)
    if not value:
        raise RefusalError(Reason.EMPTY)
    refuse_damaged(value, digits_only=False)
    return f"{platform.name}:{_name_on(platform, value, region)}"


def _name_on(platform: Platform, value: str, region: str) -> str:
    folded = value.lower() if platform.fold_case else value
    if platform.pattern.fullmatch(folded):
        if platform.check is None:
            return folded
        checked = platform.check(folded)
        if checked is None:
            raise RefusalError(Reason.BAD_CHECK_DIGIT)
        return checked
    for kind in platform.also:
        other = _as_other_kind(kind, value, region)
        if other is not None:
            return other
    raise RefusalError(Reason.MALFORMED)


def _as_other_kind(kind: str, value: str, region: str) -> str | None:
    try:
        return _OTHER_KINDS[kind](value, region)
    except RefusalError:
        return None
