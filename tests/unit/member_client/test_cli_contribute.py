import csv
import json
from pathlib import Path

import pytest
from cli_fakes import CHANGED, CLEAN, LISTED, NOW_MS, Cli, FakeClient, assert_no_identifier

from alliance.taxonomy import Category, EvidenceLevel, SubjectRole
from member_client import HubUnavailable, NotPermitted

DAY = 86_400_000


def a_list(folder: Path, *lines: str, header: str = "kind,identifier,category") -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join((header, *lines)) + "\n", "utf-8")
    return path


def refusals(folder: Path) -> list[tuple[str, str, str, str]]:
    path = folder / "list.refused.csv"
    assert_no_identifier(path.read_text())
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["how_to_fix"] for row in rows)
    return [(row["row"], row["ref"], row["column"], row["reason"]) for row in rows]


def test_a_list_of_three_columns(tmp_path: Path) -> None:
    cli = Cli()
    path = a_list(tmp_path, f"phone,{LISTED},mule_account", f"phone,{CLEAN},phishing")
    result = cli("contribute", path, "--role", "perpetrator", "--expires", "90d")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == ["list.csv · 2 rows · contribution · until 2026-12-20", "accepted 2 · unchanged 0 · refused 0"]
    assert "0 identifiers" in lines[2]
    assert lines[3].endswith("rows/s")
    first, second = cli.client.rows
    assert (first.category, second.category) == (Category.MULE_ACCOUNT, Category.PHISHING)
    assert (first.role, first.evidence) == (SubjectRole.PERPETRATOR, EvidenceLevel.E1)
    assert first.expires_at == NOW_MS // DAY * DAY + 90 * DAY
    assert not (tmp_path / "list.refused.csv").exists()
    assert_no_identifier(result.output)


def test_a_second_run_finds_everything_unchanged(tmp_path: Path) -> None:
    cli = Cli()
    path = a_list(tmp_path, f"phone,{LISTED},mule_account")
    cli("contribute", path, "--role", "perpetrator")
    result = cli("contribute", path, "--role", "perpetrator", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (document["accepted"], document["unchanged"], document["refused"]) == (0, 1, 0)
    assert document["hub_learned"]["identifiers"] == 0


def test_bad_rows_are_refused_and_the_others_go_on(tmp_path: Path) -> None:
    header = "no,kind,identifier,category,role,evidence,expires,observed_from,evidence_file"
    path = a_list(
        tmp_path,
        f"A,phone,{LISTED},mule_account,mule_complicit,,2027-01-31,2026-01-01,",
        "B,phone,,mule_account,mule_complicit,,,,",
        f"C,phone,{CLEAN},debt_evasion,mule_complicit,,,,",
        f"D,phone,{CLEAN},,mule_complicit,,,,",
        f"E,phone,{CLEAN},mule_account,mule_complicit,,soon,,",
        f"F,phone,{CLEAN},mule_account,mule_complicit,,,yesterday,",
        f"G,phone,{CLEAN},mule_account,mule_complicit,E2,,,",
        f"H,phone,{CLEAN},mule_account,mule_complicit,E2,,,absent.pdf",
        "I,phone,123,mule_account,mule_complicit,,,,",
        f"J,telephone,{CLEAN},mule_account,mule_complicit,,,,",
        "K,phone",
        f"{CLEAN},phone,{CLEAN},mule_account,mule_complicit,,,,",
        f"M,phone,{CLEAN},phishing,,,,,",
        header=header,
    )
    cli = Cli()
    result = cli("contribute", path, "--ref", "no", "--role", "perpetrator")
    assert result.exit_code == 4
    assert "accepted 2 · unchanged 0 · refused 11 → " in result.stdout
    assert refusals(tmp_path) == [
        ("2", "B", "identifier", "empty"),
        ("3", "C", "category", "unknown_word"),
        ("4", "D", "category", "empty"),
        ("5", "E", "expires", "bad_date"),
        ("6", "F", "observed_from", "bad_date"),
        ("7", "G", "evidence_file", "evidence_missing"),
        ("8", "H", "evidence_file", "evidence_unreadable"),
        ("9", "I", "identifier", "not_a_valid_number"),
        ("10", "J", "kind", "unknown_kind"),
        ("11", "", "", "too_few_cells"),
        ("12", "", "no", "ref_is_identifier"),
    ]
    first, _refused_by_the_hub, last = cli.client.rows
    assert first.role is SubjectRole.MULE_COMPLICIT
    assert first.observed_from == 1_767_225_600_000
    assert last.role is SubjectRole.PERPETRATOR
    assert_no_identifier(result.output)


def test_the_wide_format_makes_a_claim_of_each_cell(tmp_path: Path) -> None:
    path = a_list(
        tmp_path, f"{LISTED},a@example.com,Q1", ",b@example.com,Q2", f"{CLEAN},nonsense,Q3", header="tel,mail,case"
    )
    cli = Cli()
    options = ("--map", "phone=tel", "--map", "email=mail", "--ref", "case")
    result = cli("contribute", path, *options, "--category", "phishing", "--role", "perpetrator")
    assert result.exit_code == 4
    assert "list.csv · 3 rows" in result.stdout
    assert "accepted 4 · unchanged 0 · refused 2" in result.stdout
    assert refusals(tmp_path) == [("2", "Q2", "tel", "empty"), ("3", "Q3", "mail", "malformed")]
    assert [row.row_number for row in cli.client.rows] == [1, 1, 2, 3, 3]


def test_evidence_above_e1_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "case.pdf").write_bytes(b"evidence")
    path = a_list(tmp_path, f"phone,{LISTED},phishing,case.pdf", header="kind,identifier,category,evidence_file")
    cli = Cli()
    assert cli("contribute", path, "--role", "perpetrator", "--evidence", "e2").exit_code == 0
    assert cli.client.rows[0].evidence is EvidenceLevel.E2


@pytest.mark.parametrize(
    ("header", "options", "words"),
    [
        ("kind,identifier", ("--role", "perpetrator"), ("what is the category?", "--category")),
        ("kind,identifier,category", (), ("what is the role?", "--role")),
        ("kind,identifier,category", ("--role", "villain"), ("--role", "perpetrator, mule_unwitting")),
        ("kind,identifier,category", ("--role", "perpetrator", "--evidence", "E3"), ("--evidence-file",)),
        ("kind,identifier,category", ("--role", "perpetrator", "--expires", "2020-01-01"), ("past",)),
        ("kind,identifier,category", ("--role", "perpetrator", "--expires", "soon"), ("90d",)),
        ("kind,identifier,category", ("--role", "perpetrator", "--evidence-file", "absent"), ("no such file",)),
        ("sort,identifier,category", ("--role", "perpetrator"), ("missing column kind; columns found: sort",)),
        ("kind,identifier,category", ("--role", "perpetrator", "--ref", "identifier"), ("column of identifiers",)),
        (f"phone,{CLEAN},phishing", ("--role", "perpetrator"), ("missing column kind", "looks like a value")),
    ],
)
def test_usage_faults_come_before_anything_is_sent(
    tmp_path: Path, header: str, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    cli = Cli()
    result = cli("contribute", a_list(tmp_path, f"phone,{LISTED},phishing", header=header), *options)
    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr
    assert not cli.client.rows
    assert_no_identifier(result.output)


@pytest.mark.parametrize(
    ("fault", "code"), [(HubUnavailable("away"), 5), (NotPermitted("no"), 6), (KeyboardInterrupt(), 130)]
)
def test_a_break_ends_with_its_code_and_leaves_no_half_file(tmp_path: Path, fault: BaseException, code: int) -> None:
    path = a_list(tmp_path, "phone,1,phishing", f"phone,{LISTED},phishing", f"phone,{CLEAN},phishing")
    result = Cli(FakeClient(fault=fault, fault_after=1))("contribute", path, "--role", "perpetrator")
    assert result.exit_code == code
    assert ("no result file was changed" in result.stderr) == (code == 130)
    assert [found.name for found in tmp_path.iterdir()] == ["list.csv"]


@pytest.mark.parametrize("amend", [False, True])
def test_claims_that_changed_are_replaced_only_where_that_is_asked_for(tmp_path: Path, amend: bool) -> None:
    path = a_list(tmp_path, f"phone,{CHANGED},phishing", f"phone,{CLEAN},phishing")
    cli = Cli()
    options = ("--amend",) if amend else ()
    result = cli("contribute", path, "--role", "perpetrator", *options)
    assert cli.client.amends == [amend]
    line = "accepted 1 · unchanged 0 · refused 0" if amend else "accepted 1 · unchanged 0 · refused 1 → "
    assert (f"amended 1 · {line}" if amend else line) in result.stdout
    document = json.loads(Cli()("contribute", path, "--role", "perpetrator", *options, "--json").stdout)
    assert (document["amended"], document["refused"]) == ((1, 0) if amend else (0, 1))
    assert document["hub_learned"]["claims"] == document["accepted"] + document["amended"]


def test_refused_lines_stand_in_the_order_of_rows_however_far_ahead_the_file_is_read(tmp_path: Path) -> None:
    numbers = [f"1380013{number:04d}" for number in range(800)]
    lines = [f"phone,{cell},phishing" for number in numbers for cell in ("1", number, "")]
    cli = Cli()
    result = cli("contribute", a_list(tmp_path, *lines), "--role", "perpetrator", "--json")
    document = json.loads(result.stdout)
    assert (document["rows"], document["accepted"], document["refused"]) == (2400, 800, 1600)
    assert [int(row) for row, *_ in refusals(tmp_path)] == [row for row in range(1, 2401) if row % 3 != 2]


def test_gb18030_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(f"kind,identifier,category,备注\r\nphone,{LISTED},phishing,张三\r\n".encode("gb18030"))
    result = Cli()("contribute", path, "--role", "perpetrator")
    assert "accepted 1" in result.stdout
