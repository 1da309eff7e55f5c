"""Pages of listings: sizes within bounds, tokens that say where to go on."""

import re

from alliance.errors import Reason
from alliance_server.domain.errors import Refused

DEFAULT_PAGE = 100
MAX_PAGE = 1000
MAX_NUMBER = 2**63 - 1
"""Largest number that the database knows."""
_NAME = re.compile(r"[a-z0-9-]{0,32}")


def page_size(asked: int) -> int:
    """Give the size of a page; raises Refused over 1,000."""
    if asked > MAX_PAGE:
        raise Refused(Reason.INVALID_REQUEST, "a page has at most 1,000 rows")
    return asked or DEFAULT_PAGE


def name(token: str) -> str:
    """Read a token that is a member id, or empty. Raises Refused."""
    if not _NAME.fullmatch(token):
        raise Refused(Reason.INVALID_REQUEST, "the page token is not one of ours")
    return token


def numbers(token: str, count: int) -> tuple[int, ...]:
    """Read a token of hyphenated numbers; an empty one is all zeros. Raises Refused."""
    if not token:
        return (0,) * count
    parts = token.split("-")
    if len(parts) != count or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise Refused(Reason.INVALID_REQUEST, "the page token is not one of ours")
    return tuple(int(part) for part in parts)
