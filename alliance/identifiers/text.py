"""What happens to a text before its kind's own rule: the same for every kind, on every machine.

Order, which decides the reason of a refusal:
1. length (at most 320 characters), before anything whose cost grows with it;
2. control and invisible characters, refused and never removed: they hide homographs, and a tab inside a cell
   says that the export is broken. Refused are Cc, the bidi and zero-width characters of Cf, variation
   selectors, tags and Hangul fillers, in the list below and not by `unicodedata.category`, which differs
   between Python versions;
3. surrounding spaces off (also NBSP, U+3000 and their like), then empty texts are refused.

Unicode is pinned twice, because `unicodedata` grows with Python. Kinds whose canonical form is ASCII go
through NFKC of **Unicode 3.2** (`unicodedata.ucd_3_2_0`, the frozen tables that RFC 3454 uses and every
Python carries) and must be ASCII afterwards: fullwidth digits pass, the digits added in Unicode 13 and 16 do
not. Host names may hold any character assigned in **Unicode 14.0** (`data/unicode-14.0-assigned.txt`, the
tables of Python 3.11); normalisation of assigned characters never changes (Unicode stability policy), so
later Pythons agree.

This module does not know kinds, and never guesses: O stays O, it does not become 0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from importlib import resources
from typing import Final
from unicodedata import ucd_3_2_0

from alliance.identifiers.model import Reason, RefusalError

MAX_CHARACTERS: Final = 320
UNICODE_VERSION: Final = "14.0.0"
NFKC_UNICODE_VERSION: Final = "3.2.0"

_SPACES: Final = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# "1.10101E+17", "1e+17", "13800138000.0": what Excel and pandas write where a number was an identifier.
_DAMAGED: Final = re.compile(r"[0-9]+(?:[.,][0-9]*)?[eE]\+[0-9]+|[0-9]+[.,]0+")
# Without a plus only where no letter is legal: "12345678e9012345" is an Android id.
_DAMAGED_NUMBER: Final = re.compile(r"[0-9]+(?:[.,][0-9]*)?[eE][0-9]+")


def trimmed(text: str) -> str:
    """Return `text` without surrounding spaces; refuse what is too long, invisible or empty."""
    if len(text) > MAX_CHARACTERS:
        raise RefusalError(Reason.TOO_LONG)
    # For ASCII isprintable() is the same test, an order of magnitude faster.
    if not text.isprintable() if text.isascii() else _HIDDEN.search(text):
        raise RefusalError(Reason.CONTROL_CHARACTER)
    text = text.strip(_SPACES)
    if not text:
        raise RefusalError(Reason.EMPTY)
    return text


def ascii_form(text: str) -> str:
    """Return `text` trimmed and in NFKC (Unicode 3.2); refuse it unless that is ASCII."""
    text = trimmed(text)
    if text.isascii():
        return text
    text = ucd_3_2_0.normalize("NFKC", text).strip(" ")
    if not text.isascii():
        raise RefusalError(Reason.ILLEGAL_CHARACTER)
    return text


def refuse_damaged(text: str, *, digits_only: bool = True) -> None:
    """Refuse an ASCII text that a spreadsheet made a float of; digits beyond the 15th are lost by then."""
    if _DAMAGED.fullmatch(text) or (digits_only and _DAMAGED_NUMBER.fullmatch(text)):
        raise RefusalError(Reason.SPREADSHEET_DAMAGED)


def is_assigned(text: str) -> bool:
    """Tell whether Unicode 14.0 assigns every character; private use and surrogates do not count."""
    if text.isascii():
        return True
    starts, ends = _assigned()
    points = map(ord, text)
    return all(point <= ends[bisect_right(starts, point) - 1] for point in points)


@cache
def _assigned() -> tuple[list[int], list[int]]:
    """Return first and last code points of the assigned ranges, ascending."""
    lines = resources.files(__package__).joinpath("data/unicode-14.0-assigned.txt").read_text("ascii").split()
    pairs = [line.split("-") for line in lines]
    return [int(first, 16) for first, _ in pairs], [int(last, 16) for _, last in pairs]
