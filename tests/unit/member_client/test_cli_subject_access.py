"""`member-client subject-access`: the letter is printed or written, and shows no identifier."""

import json
from pathlib import Path

import pytest
from cli_fakes import AWAY, CLEAN, LISTED, Cli, FakeClient, an_own_claim, assert_no_identifier

BASIS = ("--consent", "request-2026-17")


def test_a_letter_is_printed() -> None:
    cli = Cli(FakeClient(own=[an_own_claim(3)]))
    result = cli("subject-access", "--ref", "A-17", "--phone", LISTED, *BASIS)
    assert result.exit_code == 0
    assert result.stdout.startswith("# Answer to your request")
    for word in ("…8011", "A-17", an_own_claim(3).entry_id.hex()):
        assert word in result.stdout
    assert "bank-b" not in result.output
    assert_no_identifier(result.output)
    assert [subject.ref for subject in cli.client.subjects] == ["A-17"]


def test_values_are_asked_for_and_the_language_is_chosen() -> None:
    cli = Cli()
    arguments = ("--ref", "A-17", "--phone", "-", "--also", "account=-", *BASIS, "--lang", "zh-CN")
    result = cli("subject-access", *arguments, input=f"{CLEAN}\nwang-wu-2026\n")
    assert result.exit_code == 0
    assert result.stdout.startswith("# 关于您查阅个人信息申请的答复")
    assert sorted(cli.client.subjects[0].texts()) == [("account", "wang-wu-2026"), ("phone", CLEAN)]
    assert_no_identifier(result.output)


def test_a_letter_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    out = tmp_path / "letter.pdf"
    arguments = ("--ref", "A-17", "--phone", LISTED, *BASIS, "--format", "pdf", "--out", out)
    result = Cli()("--json", "subject-access", *arguments)
    assert result.exit_code == 0
    assert out.read_bytes().startswith(b"%PDF")
    assert out.stat().st_mode & 0o077 == 0
    document = json.loads(result.stdout)
    assert (document["file"], document["letter"], document["complete"]) == (str(out), "", True)
    assert len(document["entries"]) == 2


def test_what_could_not_be_searched_for_is_told() -> None:
    result = Cli()("subject-access", "--ref", "A-17", "--phone", AWAY, "--email", "nobody", *BASIS)
    assert result.exit_code == 5
    assert "not searched for, since they cannot be read: email" in result.stderr
    assert "could not be completed" in result.stderr
    assert_no_identifier(result.output)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--phone", CLEAN), "give --consent REF"),
        ((), "name what the person gave"),
        (("--phone", CLEAN, "--format", "docx"), "--format is md or pdf"),
        (("--phone", CLEAN, "--format", "pdf"), "a PDF needs --out FILE"),
        (("--phone", CLEAN, "--lang", "fr"), "--lang is zh-CN or en"),
        (("--also", "account"), "--also is FIELD=VALUE"),
        (("--also", "shoe=43"), "KIND is one of"),
        (("--phone", CLEAN, "--out", "missing/letter.md"), "cannot be written"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], sentence: str) -> None:
    basis = () if sentence.startswith("give") else BASIS
    result = Cli()("subject-access", "--ref", "A-17", *arguments, *basis)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert_no_identifier(result.output)
