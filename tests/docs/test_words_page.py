"""The glossary of `docs/reference/words.md` against the tables that the programs read."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alliance import notices
from alliance.taxonomy import EvidenceLevel
from member_client.files import FIELDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "words.md").read_text("utf-8")
TABLES: dict[str, Mapping[Any, notices.Wording]] = {
    "Categories": notices.CATEGORIES,
    "Roles": notices.ROLES,
    "Evidence": notices.EVIDENCE,
    "Status": notices.STATUSES,
    "Purposes": notices.PURPOSES,
    "Actions": notices.ACTIONS,
    "Outcomes": notices.OUTCOMES,
    "Instruments": notices.INSTRUMENTS,
    "Urgency": notices.URGENCY_GROUNDS,
    "Cases": notices.CASE_STATES,
    "Replies": notices.RELEASE_OUTCOMES,
    "Kinds": notices.KINDS,
}


def rows(section: str) -> list[tuple[str, ...]]:
    """Give the rows below a heading whose first cell is a word."""
    text = PAGE.split(f"### {section} ", 1)[1].split("\n### ", 1)[0]
    return re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)


@pytest.mark.parametrize("section", TABLES)
def test_the_glossary_says_what_the_programs_say(section: str) -> None:
    words = {
        word.name if isinstance(word, EvidenceLevel) else str(getattr(word, "word", word)): read
        for word, read in TABLES[section].items()
    }
    expected = [(word, read.en, read.zh) for word, read in words.items()]
    assert rows(section)[: len(expected)] == expected


def test_every_field_of_check_is_explained() -> None:
    assert {word for word, *_ in rows("Kinds")} == set(FIELDS)
