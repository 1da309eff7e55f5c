import csv
import json
from pathlib import Path

import pytest
from cli_fakes import AWAY, CLEAN, DOUBTED, IDENTIFIERS, LISTED, Cli, FakeClient, assert_no_identifier

from member_client import Consent, HubUnavailable

WHY = ("--purpose", "portfolio_screening", "--consent", "basis-7")
WIDE = ("--map", "phone=mobile", "--map", "email=mail", "--ref", "no", *WHY)


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(
        "no,mobile,mail,name\n"
        f"C-1,{LISTED},a@example.com,张三\n"
        f"C-2,{CLEAN},,李四\n"
        "C-3,,,王五\n"
        f"=C-4,{CLEAN},not-an-address,\n"
        "C-5,1.38E+10,,\n"
        f"C-6,{CLEAN}\n"
        f"{CLEAN},{CLEAN},,\n",
        "utf-8",
    )
    return path


def records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_is_shown_as_the_interface_says(customers: Path) -> None:
    cli = Cli()
    result = cli("screen", customers, *WIDE)
    assert result.exit_code == 4
    lines = result.stdout.splitlines()
    assert lines[0] == "customers.csv · 7 rows · portfolio_screening · epoch 7 · filter 42 s old"
    assert " ".join(lines[1].split()) == "Row Ref Field Category Role Ev Sources Until Status You may"
    assert " ".join(lines[2].split()) == (
        "1 C-1 phone mule_account mule_unwitting E3 2 members 2029-02-28 active step up"
    )
    refused = customers.with_name("customers.refused.csv")
    assert lines[3] == "step up: ask for documents or an extra check; do not refuse because of it"
    assert lines[4] == f"match 1 · clear 1 · unknown 0 · refused 5 → {refused}"
    assert lines[5] == "hub learned: counts, purpose, 3 bucket prefixes (cover included); 0 identifiers"
    assert lines[6].endswith(" rows/s")
    assert result.stderr == ""
    assert_no_identifier(result.output)
    assert set(cli.client.purposes) == {"portfolio_screening"}
    assert set(cli.client.consents) == {Consent.of("basis-7")}


def test_refused_rows_have_their_reason_and_no_value(customers: Path) -> None:
    Cli()("screen", customers, *WIDE)
    path = customers.with_name("customers.refused.csv")
    found = [(row["row"], row["ref"], row["column"], row["reason"]) for row in records(path)]
    assert found == [
        ("3", "C-3", "", "empty"),
        ("4", "'=C-4", "mail", "malformed"),
        ("5", "C-5", "mobile", "spreadsheet_damaged"),
        ("6", "", "", "too_few_cells"),
        ("7", "", "no", "ref_is_identifier"),
    ]
    assert all(row["how_to_fix"] for row in records(path))
    assert_no_identifier(path.read_text())
    assert "1.38E+10" not in path.read_text()


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_all_verdicts_are_written(customers: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    Cli()("screen", customers, *WIDE, "--out", out)
    text = out.read_text()
    rows = records(out) if name.endswith("csv") else [json.loads(line) for line in text.splitlines()]
    assert [int(row["row"]) for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    match = next(row for row in rows if row["state"] == "match")
    assert {name: str(cell) for name, cell in match.items()} == {
        "row": "1",
        "ref": "C-1",
        "state": "match",
        "action": "step_up",
        "field": "phone",
        "category": "mule_account",
        "role": "mule_unwitting",
        "evidence": "E3",
        "sources": "2",
        "until": "2029-02-28",
        "status": "active",
        "contributors": "bank-b bank-c",
        "receipt": "",
    }
    assert_no_identifier(text)


def test_json_is_one_document(customers: Path) -> None:
    result = Cli()("--json", "screen", customers, *WIDE)
    document = json.loads(result.stdout)
    assert document["states"] == {"match": 1, "clear": 1, "unknown": 0, "unconfirmed": 0, "refused": 5}
    assert document["hub_learned"] == {"evaluations": 7, "prefixes": 3, "identifiers": 0}
    assert (document["rows"], document["refusals"], document["exit_code"]) == (7, 5, 4)
    assert document["refused_file"].endswith("customers.refused.csv")
    assert result.stderr == ""
    assert_no_identifier(result.stdout)


def long_list(folder: Path, *values: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text("kind,identifier\n" + "".join(f"phone,{value}\n" for value in values), "utf-8")
    return path


@pytest.mark.parametrize(
    ("values", "options", "code"),
    [
        ((CLEAN,), (), 0),
        ((CLEAN, LISTED), (), 0),
        ((CLEAN, "1"), (), 4),
        ((CLEAN, AWAY), (), 5),
        ((CLEAN, DOUBTED), (), 7),
        ((CLEAN, LISTED), ("--fail-on", "match"), 10),
        ((CLEAN, LISTED, "1"), ("--fail-on", "match"), 10),
        ((CLEAN, AWAY), ("--fail-on", "unknown"), 11),
        ((CLEAN, AWAY), ("--fail-on", "match"), 5),
        ((AWAY, LISTED), ("--fail-on", "match", "--fail-on", "unknown"), 10),
        ((DOUBTED, LISTED), ("--fail-on", "match"), 7),
    ],
)
def test_exit_codes(tmp_path: Path, values: tuple[str, ...], options: tuple[str, ...], code: int) -> None:
    result = Cli()("screen", long_list(tmp_path, *values), *WHY, *options)
    assert result.exit_code == code
    assert ("INTEGRITY" in result.stdout) == (DOUBTED in values)
    assert ("not settled: hub_unavailable 1" in result.stdout) == (AWAY in values)
    assert_no_identifier(result.output)


def test_the_long_format_counts_rows_for_refs(tmp_path: Path) -> None:
    cli = Cli()
    cli("screen", long_list(tmp_path, CLEAN, "", LISTED), *WHY)
    assert [subject.ref for subject in cli.client.subjects] == ["1", "3"]
    assert records(tmp_path / "list.refused.csv")[0]["column"] == "identifier"


def test_only_some_matches_are_shown(tmp_path: Path) -> None:
    path = long_list(tmp_path, *([LISTED] * 5))
    assert " … 3 more; --out FILE writes them all" in Cli()("screen", path, *WHY, "--show", "2").stdout
    out = tmp_path / "v.csv"
    assert f" … 3 more in {out}" in Cli()("screen", path, *WHY, "--show", "2", "--out", out).stdout
    assert len(records(out)) == 5


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "客户.csv"
    path.write_text(f"编号,手机\n甲,{LISTED}\n", encoding)
    result = Cli()("screen", path, "--map", "phone=手机", "--ref", "编号", *WHY)
    assert result.exit_code == 0
    assert "甲" in result.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--map", "phone=handy", *WHY), ("missing column handy", "no, mobile, mail, name", "nothing was sent")),
        (WHY, ("missing column kind, identifier", "--map")),
        (("--map", "phone=mobile", "--ref", "mobile", *WHY), ("--ref mobile is a column of identifiers",)),
        (("--map", "telephone=mobile", *WHY), ("FIELD=COLUMN",)),
        (("--map", "category=name", *WHY), ("category",)),
        (("--map", "phone=mobile", "--purpose", "portfolio_screening"), ("statement of basis", "--consent")),
        (("--map", "phone=mobile", "--purpose", "loan_application"), ("consumer consent", "--consent-column")),
        (("--map", "phone=mobile", "--consent-column", "no", *WHY), ("exclude each other",)),
        (("--map", "phone=mobile", "--out", "x.xlsx", *WHY), (".csv, .jsonl or .parquet",)),
        (("--map", "phone=mobile", "--out", "/absent/x.csv", *WHY), ("no such folder",)),
    ],
)
def test_usage_faults_come_before_anything_is_sent(
    customers: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    cli = Cli()
    result = cli("screen", customers, *options)
    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr
    assert not cli.client.subjects
    assert [path.name for path in customers.parent.iterdir()] == ["customers.csv"]


def test_results_never_replace_the_input(customers: Path) -> None:
    before = customers.read_bytes()
    assert Cli()("screen", customers, *WIDE, "--out", customers).exit_code == 2
    assert Cli()("screen", customers, *WIDE, "--refused", customers).exit_code == 2
    assert customers.read_bytes() == before


def test_consent_by_row(tmp_path: Path) -> None:
    path = tmp_path / "applications.csv"
    path.write_text(f"no,mobile,consent\nA-1,{CLEAN},K-1\nA-2,{CLEAN},\n", "utf-8")
    cli = Cli()
    why = ("--purpose", "loan_application", "--consent-column", "consent")
    result = cli("screen", path, "--map", "phone=mobile", "--ref", "no", *why)
    assert result.exit_code == 4
    assert cli.client.consents == [Consent.of("K-1")]
    assert records(tmp_path / "applications.refused.csv")[0]["reason"] == "consent_missing"


@pytest.mark.parametrize(("fault", "code"), [(HubUnavailable("away"), 5), (KeyboardInterrupt(), 130)])
def test_a_run_that_breaks_off_leaves_no_half_files(tmp_path: Path, fault: BaseException, code: int) -> None:
    path = long_list(tmp_path, "1", CLEAN, CLEAN, LISTED, CLEAN)
    out = tmp_path / "out.csv"
    result = Cli(FakeClient(fault=fault, fault_after=2))("screen", path, *WHY, "--out", out)
    assert result.exit_code == code
    assert [found.name for found in tmp_path.iterdir()] == ["list.csv"]


def test_control_characters_of_a_ref_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"no,mobile\n\x1b]0;x\x07[red],{LISTED}\n", "utf-8")
    result = Cli()("screen", path, "--map", "phone=mobile", "--ref", "no", *WHY)
    assert "\x1b" not in result.output
    assert "[red]" in result.output


def test_results_stand_in_the_order_of_rows_however_far_ahead_the_file_is_read(tmp_path: Path) -> None:
    path, out = long_list(tmp_path, *(["x", CLEAN, "", LISTED, CLEAN, "y"] * 400)), tmp_path / "out.csv"
    cli = Cli()
    assert cli("screen", path, *WHY, "--out", out).exit_code == 4
    written = [int(row["row"]) for row in records(out)]
    assert written == list(range(1, 2401))
    refused = [int(row["row"]) for row in records(tmp_path / "list.refused.csv")]
    assert refused == [row for row in range(1, 2401) if row % 6 in {0, 1, 3}]
    assert {row["state"] for row in records(out) if int(row["row"]) % 6 == 4} == {"match"}


def test_a_long_list_of_bad_rows(tmp_path: Path) -> None:
    path = long_list(tmp_path, *(["x"] * 5_000))
    result = Cli()("screen", path, *WHY, "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["states"]["refused"] == 5_000
    assert IDENTIFIERS
