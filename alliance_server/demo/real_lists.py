"""Real lists, and which identifiers two of them share by a plain set intersection: nothing of the protocol in it."""

import csv
import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from alliance.identifiers import Identifier, InvalidIdentifier, UnknownKind, canonicalise, parse_kind
from alliance_server.demo.people import Written
from alliance_server.demo.processes import DemoFailed

_PREFIX = "member_"
_NEEDED = ("kind", "identifier", "category")
_MEMBER_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class RealList:
    """A member's list. `rows` are numbered from 1 as they stand in the file, its header not counted."""

    member: str
    file: Path
    rows: dict[int, Written]
    claims: int
    """Different pairs of identifier and category: what can be claimed."""

    @property
    def identifiers(self) -> frozenset[Identifier]:
        """All identifiers of the list."""
        return frozenset(row.identifier for row in self.rows.values() if row.identifier)


def read_lists(folder: Path) -> list[RealList]:
    """Read all `member_*.csv` of a folder; raises DemoFailed where these are no lists of at least two members."""
    files = sorted(folder.glob(f"{_PREFIX}*.csv"))
    if len(files) < 2:
        raise DemoFailed(f"{folder} holds no two lists {_PREFIX}*.csv")
    return [_read(file) for file in files]


def intersections(lists: list[RealList]) -> dict[tuple[str, str], frozenset[Identifier]]:
    """Give what each pair of members shares."""
    return {(one.member, other.member): one.identifiers & other.identifiers for one, other in combinations(lists, 2)}


def _read(file: Path) -> RealList:
    member = file.stem.removeprefix(_PREFIX).lower().replace("_", "-")
    if not _MEMBER_ID.fullmatch(member):
        raise DemoFailed(f"{file.name}: what follows {_PREFIX} must be 1 to 32 of a-z, 0-9 and inner hyphens")
    rows: dict[int, Written] = {}
    claims: set[tuple[Identifier, str]] = set()
    try:
        with file.open(encoding="utf-8-sig", newline="") as content:
            reader = csv.reader(content)
            header = [name.strip() for name in next(reader, [])]
            if not set(_NEEDED) <= set(header):
                raise DemoFailed(f"{file.name}: the columns {', '.join(_NEEDED)} are needed")
            for number, cells in enumerate(reader, 1):
                row = dict(zip(header, cells, strict=False))
                rows[number] = written = _written(row.get("kind", ""), row.get("identifier", ""))
                if written.identifier:
                    claims.add((written.identifier, row.get("category", "")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DemoFailed(f"{file.name} cannot be read: {type(error).__name__}") from None
    return RealList(member, file, rows, len(claims))


def _written(kind: str, text: str) -> Written:
    try:
        return Written(kind, text, canonicalise(parse_kind(kind), text))
    except (InvalidIdentifier, UnknownKind):
        return Written(kind, text, None)
