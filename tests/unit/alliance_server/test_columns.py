"""Every column says what it holds and how long that stays; the page of them is held by tests/docs."""

import ast
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from alliance_server.storage import columns, tables
from alliance_server.storage.columns import Holds, Kept, Level

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "data-model.md"
ALL = [one for table in SQLModel.metadata.tables.values() for one in table.columns]
NAMES = {f"{one.table.name}.{one.name}": one for one in ALL}


@pytest.mark.parametrize("name", NAMES)
def test_a_column_says_what_it_holds_and_how_long_that_stays(name: str) -> None:
    about = columns.about(NAMES[name])
    assert isinstance(about.holds, Holds)
    assert isinstance(about.kept, Kept)


def test_a_column_without_either_is_none() -> None:
    make: Any = columns.column
    for left_out in ("holds", "kept"):
        options = {"holds": Holds.NAME, "kept": Kept.AUDIT}
        del options[left_out]
        with pytest.raises(TypeError, match=left_out):
            make(**options)
    with pytest.raises(KeyError):
        columns.about(sa.Column("plain", sa.Integer))


def test_what_tells_of_people_is_in_claims_and_in_what_contests_or_asks_about_them_alone() -> None:
    confidential = {name for name, one in NAMES.items() if columns.about(one).holds.level is Level.CONFIDENTIAL}
    contested = {"disputes.sealed", "disputes.evidence_digest"}
    asked_about = {"case_matches.sealed", "case_members.sealed"}
    assert confidential == {"claims.tag", "claims.claim", "claims.handle", "claims.box"} | contested | asked_about


def test_a_key_of_a_table_never_changes() -> None:
    assert not [name for name, one in NAMES.items() if one.primary_key and columns.about(one).mutable]


def test_whether_a_column_changes_is_said_by_its_keyword() -> None:
    """Not by its text, which nothing would hold to it."""
    parts = [one for one in Path(tables.__file__).parent.glob("*.py") if one.name != "__init__.py"]
    trees = [ast.parse(one.read_text("utf-8")) for one in parts]
    constants = [line.value for tree in trees for line in ast.walk(tree) if isinstance(line, ast.Expr)]
    texts = [it.value for it in constants if isinstance(it, ast.Constant) and isinstance(it.value, str)]
    assert len(texts) > len(ALL)
    assert not [text for text in texts if "mutable" in text.lower()]


def test_the_page_has_every_column_once() -> None:
    page = REFERENCE.read_text("utf-8")
    for name, one in NAMES.items():
        table = page.partition(f"\n### {one.table.name}\n")[2].partition("\n#")[0]
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{one.name}` |")]
        cells = [cell.strip() for cell in row.split(" | ")]
        assert len(cells) == 6, name
        assert all(cells[place] for place in (1, 2, 4, 5)), name


def test_the_page_says_what_nothing_ends() -> None:
    section = REFERENCE.read_text("utf-8").partition("\n## Retention\n")[2].partition("\n#")[0]
    rows = {line.split(" | ")[0]: line for line in section.splitlines()}
    for kept in Kept:
        assert rows["| " + kept.name.lower().replace("_", " ")].endswith("| **not yet purged** |") == (
            not kept.ended_by
        )
