"""Words of the taxonomy are read in both languages, wherever the command line reads one."""

import csv
from pathlib import Path

import pytest
from cli_fakes import CLEAN, LISTED, Cli, assert_no_identifier

from alliance.errors import UnknownWord
from alliance.notices import CHINESE, KINDS, wording
from alliance.taxonomy import Category, EvidenceLevel, Purpose, SubjectRole, Word
from member_client.cli.language import listed, read_word, speaking

TYPED = (Category, SubjectRole, EvidenceLevel, Purpose)
WORDS = [word for words in TYPED for word in words]


@pytest.mark.parametrize("word", WORDS, ids=repr)
def test_a_word_is_read_in_both_languages_and_as_a_list_shows_it(word: Word) -> None:
    label = wording(word).label(CHINESE)
    with speaking(CHINESE):
        shown = listed([word])
    half_width = label.replace("（", " (").replace("）", ")")
    for text in (word.word, word.name, label, f" {label} ", half_width, shown):
        assert read_word(type(word), text) is word


@pytest.mark.parametrize("words", TYPED)
def test_no_text_stands_for_two_words(words: type[Word]) -> None:
    labels = [wording(word).label(CHINESE) for word in words]
    assert len(set(labels)) == len(labels)
    assert not {label.casefold() for label in labels} & {word.word for word in words}


def test_words_that_help_lists_have_one_label() -> None:
    tables = [{word.word for word in words} for words in (Category, SubjectRole, Purpose)] + [set(map(str, KINDS))]
    assert len(set.union(*tables)) == sum(map(len, tables))


@pytest.mark.parametrize("text", ["", "账户", "行为人", "mule"])
def test_nothing_is_guessed_and_the_text_is_not_repeated(text: str) -> None:
    with speaking(CHINESE), pytest.raises(UnknownWord) as fault:
        read_word(Category, text)
    assert str(fault.value).startswith("取值须为以下之一：false_application（虚假申请）、")
    assert "mule_account（涉诈资金中转账户）" in str(fault.value)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_list_of_chinese_words_is_contributed(tmp_path: Path, language: str) -> None:
    path = tmp_path / "list.csv"
    rows = (
        f"phone,{LISTED},涉诈资金中转账户,资金中转人（知情）",
        f"phone,{CLEAN},网络钓鱼,",
        f"phone,{CLEAN},欠款,行为人",
    )
    path.write_text("\n".join(("kind,identifier,类别,role", *rows)) + "\n", "utf-8")
    cli = Cli()
    options = ("--map", "category=类别", "--role", "受害客户", "--evidence", "线索", "--lang", language)
    result = cli("contribute", path, *options)
    assert result.exit_code == 4
    assert [(row.category, row.role) for row in cli.client.rows] == [
        (Category.MULE_ACCOUNT, SubjectRole.MULE_COMPLICIT),
        (Category.PHISHING, SubjectRole.CLIENT_VICTIM),
    ]
    with (tmp_path / "list.refused.csv").open(encoding="utf-8-sig", newline="") as file:
        (refused,) = csv.DictReader(file)
    assert (refused["column"], refused["reason"]) == ("类别", "unknown_word")
    assert ("phishing（网络钓鱼）" in refused["how_to_fix"]) == (language == "zh-CN")
    assert_no_identifier(result.output)


def test_a_purpose_is_read_in_chinese_and_the_complaint_names_both() -> None:
    cli = Cli()
    assert cli("check", "phone", LISTED, "--purpose", "存量客户筛查", "--consent", "b").exit_code == 0
    for purpose in ("信息报送", "筛查"):
        result = cli("check", "phone", LISTED, "--purpose", purpose, "--lang", "zh-CN")
        assert result.exit_code == 2
        assert "portfolio_screening（存量客户筛查）" in result.stderr
        assert "contribution" not in result.stderr


@pytest.mark.parametrize(("command", "pair"), [("contribute", "mule_account（涉诈"), ("check", "phone（电")])
def test_help_pairs_words_with_their_labels(command: str, pair: str) -> None:
    told = Cli()(command, "--help", "--lang", "zh-CN", env={"COLUMNS": "200"}).stdout
    assert pair in told
    assert pair not in Cli()(command, "--help", env={"COLUMNS": "200"}).stdout
