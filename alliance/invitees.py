"""A list of whom to invite, as both programs read it: CSV with the columns `id`, `display_name` and `role`.

Rules:

1. UTF-8, with a byte order mark or without; separated by commas, semicolons or tabs, as spreadsheets write it.
2. The first line names the columns. `role` may be left out or left empty: then it is `member`. A column that is not
   known refuses the file: a misspelt `role` would make members of admins.
3. Rows are numbered from 1, the header not counted, blank lines counted. One that cannot be used is told by its number
   and the reason, and never by what stands in it.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from alliance.audit_events import HUB
from alliance.errors import AllianceError

MAX_BYTES: Final = 1024 * 1024
MAX_NAME_BYTES: Final = 200
ROLES: Final = ("member", "admin", "liaison", "auditor", "reviewer", "legal_approver", "duty_officer")
_COLUMNS: Final = ("id", "display_name", "role")
_SEPARATORS: Final = ",;\t"
_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


class InviteesInvalid(AllianceError):
    """A file is no list of invitees at all."""


class RowFault(StrEnum):
    """Why a row cannot be used."""

    CELLS = "the row has more or fewer cells than the first line"
    ID = "an id has 1 to 32 of a-z, 0-9 and inner hyphens, and is not 'hub'"
    REPEATED = "the id stands in an earlier row"
    NAME = "a display name has 1 to 200 bytes that print"
    ROLE = "a role is member, admin, liaison, auditor, reviewer, legal_approver or duty_officer"


@dataclass(frozen=True, slots=True)
class Invitee:
    """Who is to be invited; `row` counts from 1."""

    row: int
    id: str
    display_name: str
    role: str


@dataclass(frozen=True, slots=True)
class BadInvitee:
    """A row that cannot be used."""

    row: int
    fault: RowFault


def read_invitees(path: Path) -> list[Invitee | BadInvitee]:
    """Read a list; raises InviteesInvalid where the file is none. OSError is the caller's."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InviteesInvalid("the file is larger than 1 MiB: split it")
    try:
        text = content.decode("utf-8-sig")
        records = _records(text)
        columns = _columns(next(records, []))
        return list(_rows(records, columns))
    except (UnicodeDecodeError, csv.Error):
        raise InviteesInvalid("the file is no CSV in UTF-8: export it as that") from None


def _records(text: str) -> Iterator[list[str]]:
    header = text.partition("\n")[0]
    return csv.reader(io.StringIO(text, newline=""), delimiter=max(_SEPARATORS, key=header.count), strict=True)


def _columns(header: list[str]) -> list[str]:
    columns = [name.strip().lower() for name in header]
    needed = set(_COLUMNS[:2])
    if not needed <= set(columns) <= set(_COLUMNS) or len(set(columns)) != len(columns):
        raise InviteesInvalid("the first line names the columns: id, display_name and, where it is wanted, role")
    return columns


def _rows(records: Iterator[list[str]], columns: list[str]) -> Iterator[Invitee | BadInvitee]:
    seen: set[str] = set()
    for number, cells in enumerate(records, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        row = _row(number, cells, columns, seen)
        if isinstance(row, Invitee):
            seen.add(row.id)
        yield row


def _row(number: int, cells: list[str], columns: list[str], seen: set[str]) -> Invitee | BadInvitee:
    if len(cells) != len(columns):
        return BadInvitee(number, RowFault.CELLS)
    named = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    found = Invitee(number, named["id"], named["display_name"], named.get("role", "").lower() or ROLES[0])
    fault = _fault(found, seen)
    return found if fault is None else BadInvitee(number, fault)


def _fault(found: Invitee, seen: set[str]) -> RowFault | None:
    name = found.display_name
    if not _ID.fullmatch(found.id) or found.id == HUB:
        return RowFault.ID
    if found.id in seen:
        return RowFault.REPEATED
    if not name or len(name.encode()) > MAX_NAME_BYTES or not name.isprintable():
        return RowFault.NAME
    return None if found.role in ROLES else RowFault.ROLE
