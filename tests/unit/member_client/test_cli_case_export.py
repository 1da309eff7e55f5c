"""`member-client case export`: what it says while it works, and how it ends."""

import json
from pathlib import Path

import pytest
from cli_fakes import Cli, FakeClient
from fake_cases import FakeCases, a_case

from alliance.crypto.signing import SigningKey
from member_client import Operator
from member_client.cli.case import export

OUT = "case-C-2026-88.tar"


@pytest.fixture(autouse=True)
def officer(monkeypatch: pytest.MonkeyPatch) -> None:
    key = SigningKey.generate()[0]
    monkeypatch.setattr(export, "opened_operator", lambda _session, name: Operator(name, key))


def exported(cases: FakeCases, *options: str) -> tuple[int, str, str]:
    shown = Cli(FakeClient(police=cases))(
        "case", "export", "C-2026-88", "--out", OUT, "--officer", "officer-1", *options
    )
    return shown.exit_code, shown.stdout, shown.stderr


def test_each_stage_is_told_once_and_the_end_says_how_to_verify() -> None:
    cases = FakeCases(known=[a_case()])
    code, told, noted = exported(cases)
    assert code == 0
    assert [line.split()[0] for line in noted.splitlines()] == [
        "opening",
        "fetching",
        "downloading",
        "writing",
        "verifying",
    ]
    assert f"{OUT}: 12 files, 34,567 bytes, releases of 2 members" in told
    assert "attachments/lender-a/x: released and never uploaded" in told
    assert f"member-client case verify {OUT}" in told
    assert cases.exported == [(a_case().id, Path(OUT), "officer-1", False)]


def test_only_a_wish_overwrites() -> None:
    cases = FakeCases(known=[a_case()])
    assert exported(cases, "--force")[0] == 0
    assert cases.exported[0][3] is True


def test_a_reply_that_does_not_verify_ends_with_7() -> None:
    code, told, _ = exported(FakeCases(known=[a_case()], faulty=("lender-x",)), "--json")
    document = json.loads(told)
    assert (code, document["faulty"], document["exit_code"]) == (7, ["lender-x"], 7)
    assert (document["file"], document["members"]) == (OUT, ["lender-a", "lender-b"])


def test_a_member_that_uploaded_another_file_is_told_and_it_ends_with_7() -> None:
    name = "attachments/lender-b/y"
    code, told, _ = exported(FakeCases(known=[a_case()], rubbish=(name,)))
    assert code == 7
    assert f"{name}: its member uploaded another file than it released" in told
    assert f"{name}: released and never uploaded" not in told
    document = json.loads(exported(FakeCases(known=[a_case()], rubbish=(name,)), "--json")[1])
    assert (document["missing"], document["rubbish"]) == (["attachments/lender-a/x", name], [name])


def test_it_speaks_chinese() -> None:
    _, told, noted = exported(FakeCases(known=[a_case()], faulty=("lender-x",)), "--lang", "zh-CN")
    assert "lender-x：答复未通过验证，未列入" in told
    assert noted.splitlines()[0] == "正在解封并验证成员答复"
