"""Suppression lists that admins set: numbered, and never less than what the release refuses."""

from collections import Counter
from dataclasses import dataclass

from alliance.errors import Reason
from alliance.identifiers import BUILTIN, SuppressionList, SuppressionListInvalid
from alliance_server.domain.errors import Refused

MAX_LIST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class NumberedList:
    """A list as it is kept: its number, its one encoding, and when it was set, milliseconds UTC."""

    number: int
    content: bytes
    set_at: int


def read_list(content: bytes) -> SuppressionList:
    """Read a list that admins may set; raises Refused. No value of it is in what is raised."""
    if len(content) > MAX_LIST_BYTES:
        raise Refused(Reason.INVALID_REQUEST, f"a suppression list has {MAX_LIST_BYTES} bytes at most")
    try:
        found = SuppressionList.from_bytes(content)
    except SuppressionListInvalid:
        raise Refused(Reason.INVALID_REQUEST, "the suppression list is not in its one encoding") from None
    if not found.holds(BUILTIN):
        raise Refused(Reason.INVALID_REQUEST, "the suppression list leaves out what the release refuses")
    return found


def counted(entries: frozenset[tuple[str, str]]) -> dict[str, int]:
    """Count entries by kind."""
    return dict(Counter(kind for kind, _ in entries))
