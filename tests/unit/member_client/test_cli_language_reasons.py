"""Reasons and actions are said in words in the terminal; files and JSON keep the codes."""

import json
from pathlib import Path

import pytest
from cli_fakes import AWAY, DOUBTED, LISTED, Cli

from alliance.identifiers import Reason as IdentifierReason
from alliance.taxonomy import Action
from member_client import countersigning, verdicts
from member_client._development import DEVELOPMENT_ONLY
from member_client._drafting import HOW_TO_FIX
from member_client.cli.language import speaking
from member_client.cli.language.chinese import REASONS
from member_client.cli.matches import meaning
from member_client.files import RowReason

WHY = ("--purpose", "portfolio_screening", "--consent", "b")
OPEN = ("INTEGRITY", "BUCKET_UNAVAILABLE", "HUB_UNAVAILABLE", "DEADLINE", "STALE", "NOT_ASKED")


def test_every_reason_has_words_and_none_is_stale() -> None:
    codes = {*map(str, RowReason), *map(str, IdentifierReason), DEVELOPMENT_ONLY}
    codes |= {reason.name.lower() for reason in HOW_TO_FIX}
    codes |= set(countersigning.OVER.values())
    codes |= {getattr(verdicts, name) for name in OPEN} | {"unknown", "unconfirmed"}
    assert set(REASONS) == codes


def test_words_in_the_terminal_and_codes_in_json(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"kind,identifier\nphone,{AWAY}\nphone,{DOUBTED}\n", "utf-8")
    told = Cli()("screen", path, *WHY, "--lang", "zh-CN").stdout
    assert "未有结论：联盟中心不可用 1、完整性有误 1；" in told
    document = json.loads(Cli()("screen", path, *WHY, "--lang", "zh-CN", "--json").stdout)
    assert document["not_settled"] == {"hub_unavailable": 1, "integrity": 1}
    checked = Cli()("check", "phone", "1", *WHY, "--lang", "zh-CN").stdout
    assert "phone：没有这样的号码。所属国家或地区没有这样的号码" in checked


@pytest.mark.parametrize(("language", "line"), [("en", "step up: ask for"), ("zh-CN", "加强核验：可要求补充材料")])
@pytest.mark.parametrize("command", ["check", "screen"])
def test_what_an_action_lets_one_do_stands_once_below_the_matches(
    tmp_path: Path, command: str, language: str, line: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"kind,identifier\nphone,{LISTED}\nphone,{LISTED}\n", "utf-8")
    arguments = ("check", "phone", LISTED) if command == "check" else ("screen", path)
    lines = Cli()(*arguments, *WHY, "--lang", language).stdout.splitlines()
    assert len([one for one in lines if one.startswith(line)]) == 1
    assert not any(line in one for one in Cli()(*arguments, *WHY, "--json").stdout.splitlines())


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_action_has_a_meaning_of_a_line(language: str) -> None:
    with speaking("en" if language == "en" else "zh-CN"):
        told = [meaning(action) for action in Action]
    assert len(set(told)) == len(Action)
    assert all(text.isascii() == (language == "en") for text in told)
