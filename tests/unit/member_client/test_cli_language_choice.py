"""Which language a run speaks, and that machines read the same in both."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import AWAY, CLEAN, DOUBTED, LISTED, Cli, FakeClient, an_own_claim

from member_client import Finding, HubUnavailable, Level
from member_client.cli.group import globals_first
from member_client.cli.language import chosen, read_language, retold, speaking, spoken, tr

TEXTS = {"message", "how_to_fix"}
OF_ONE_RUN = {"seconds", "rows_per_second", "run"}
"""Times, and the id that is drawn for each run."""


@pytest.mark.parametrize("text", ["zh-CN", "zh_CN", "zh", " ZH ", "zh-cn"])
def test_chinese_has_several_names(text: str) -> None:
    assert read_language(text) == "zh-CN"


def test_english_has_one_name_and_others_are_none() -> None:
    assert read_language("en") == "en"
    assert [read_language(text) for text in ("fr", "", "english", "zh-TW")] == [None] * 4


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ((), {}, "en"),
        ((), {"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ((), {"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "C"}, "en"),
        ((), {"LANG": "C", "LC_ALL": "zh_SG"}, "zh-CN"),
        ((), {"LANG": "zh_CN", "LC_ALL": ""}, "zh-CN"),
        ((), {"LC_ALL": "zh_CN", "ALLIANCE_LANG": "en"}, "en"),
        ((), {"LC_ALL": "C", "ALLIANCE_LANG": "zh"}, "zh-CN"),
        (("--lang", "en"), {"ALLIANCE_LANG": "zh"}, "en"),
        (("--lang=zh", "sync"), {}, "zh-CN"),
        (("--lang", "zh", "--lang", "en"), {}, "en"),
        (("--lang", "fr"), {"ALLIANCE_LANG": "zh"}, "zh-CN"),
        (("check", "--", "--lang", "zh"), {}, "en"),
        (("--lang",), {}, "en"),
    ],
)
def test_the_option_goes_before_the_variables_and_these_in_their_order(
    arguments: tuple[str, ...], environment: dict[str, str], language: str
) -> None:
    assert chosen(arguments, environment) == language


def test_the_language_is_taken_anywhere_and_from_the_environment() -> None:
    for arguments in (("--lang", "zh", "claims", "list"), ("claims", "list", "--lang=zh_CN")):
        assert "没有报送记录" in Cli()(*arguments).stdout
    assert "没有报送记录" in Cli()("claims", "list", env={"ALLIANCE_LANG": "zh"}).stdout
    assert globals_first(["sync", "--lang", "zh", "--json"]) == ["--lang", "zh", "--json", "sync"]


def test_another_language_is_a_usage_fault() -> None:
    result = Cli()("sync", "--lang", "fr")
    assert result.exit_code == 2
    assert "--lang is zh-CN or en" in result.stderr


def test_a_language_ends_with_its_run() -> None:
    Cli()("sync", "--lang", "zh")
    assert spoken() == "en"
    assert "listings" in Cli()("sync").stdout


def test_what_nobody_translated_is_said_in_english() -> None:
    with speaking("zh-CN"):
        assert tr("a new sentence with {count:,} things", count=1234) == "a new sentence with 1,234 things"
        assert retold("a new sentence of the SDK") == "a new sentence of the SDK"


def test_values_of_ready_made_texts_come_through() -> None:
    with speaking("zh-CN"):
        assert retold("/a b/c.csv: it is empty") == "/a b/c.csv：文件为空"
        assert retold("the certificate ends in 12 days") == "证书将在 12 天后到期"


def runs(folder: Path) -> list[tuple[FakeClient, tuple[str | Path, ...]]]:
    path = folder / "list.csv"
    path.write_text(f"kind,identifier,category\nphone,{LISTED},phishing\nphone,x,phishing\nphone,{AWAY},y\n", "utf-8")
    why = ("--purpose", "portfolio_screening", "--consent", "b")
    broken = Finding(Level.ERROR, "the certificate is expired", "Ask the alliance's office for a new invitation.")
    checks: list[tuple[FakeClient, tuple[str | Path, ...]]] = [
        (FakeClient(), ("check", "phone", value, *why)) for value in (LISTED, CLEAN, AWAY, DOUBTED, "1")
    ]
    return [
        *checks,
        (FakeClient(), ("sync",)),
        (FakeClient(), ("screen", path, *why)),
        (FakeClient(), ("screen", path, *why, "--dry-run")),
        (FakeClient(), ("contribute", path, "--role", "perpetrator")),
        (FakeClient(), ("contribute", path, "--role", "perpetrator", "--dry-run")),
        (FakeClient(own=[an_own_claim(1)]), ("claims", "list")),
        (FakeClient(own=[an_own_claim(1)]), ("claims", "show", "00" * 15 + "01")),
        (FakeClient(findings=[broken]), ("doctor",)),
        (FakeClient(fault=HubUnavailable("The hub cannot be reached.")), ("check", "phone", CLEAN, *why)),
    ]


def bare(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: bare(value) for name, value in content.items() if name not in TEXTS | OF_ONE_RUN}
    return [bare(value) for value in content] if isinstance(content, list) else content


def texts(content: Any) -> list[str]:
    if isinstance(content, dict):
        own = [value for name, value in content.items() if name in TEXTS and value]
        return own + [text for value in content.values() for text in texts(value)]
    return [text for value in content for text in texts(value)] if isinstance(content, list) else []


def test_json_differs_in_messages_and_advice_alone(tmp_path: Path) -> None:
    for client, arguments in runs(tmp_path):
        client.known.clear()
        english = Cli(client)(*arguments, "--json", "--lang", "en")
        client.known.clear()
        chinese = Cli(client)(*arguments, "--json", "--lang", "zh")
        first, second = json.loads(english.stdout), json.loads(chinese.stdout)
        assert bare(first) == bare(second)
        assert english.exit_code == chinese.exit_code
        assert all(text.isascii() for text in texts(first))
        assert not any(text.isascii() for text in texts(second))


def test_result_files_are_the_same_in_both_languages(tmp_path: Path) -> None:
    path, out = tmp_path / "list.csv", tmp_path / "out.csv"
    path.write_text(f"kind,identifier\nphone,{LISTED}\nphone,{CLEAN}\n", "utf-8")
    written = []
    for language in ("en", "zh"):
        why = ("--purpose", "portfolio_screening", "--consent", "b", "--out", out, "--lang", language)
        Cli()("screen", path, *why)
        written.append(out.read_text("utf-8-sig"))
    assert written[0] == written[1]
