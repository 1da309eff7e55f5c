"""`--dry-run`: what would become of a file is told, refused rows are written down, and nothing is sent."""

import csv
import json
from pathlib import Path

import pytest
from cli_fakes import CHANGED, CLEAN, LISTED, Cli, FakeClient, assert_no_identifier

from member_client import HubUnavailable

WHY = ("--purpose", "portfolio_screening", "--consent", "basis-7")
WIDE = ("--map", "phone=mobile", "--map", "email=mail", "--ref", "no", *WHY)


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    rows = [f"C-1,{LISTED},a@example.com", f"C-2,{CLEAN},bad", "C-3,,", f"C-4,{CLEAN},b@example.com", "C-5"]
    path.write_text("\n".join(("no,mobile,mail", *rows)) + "\n", "utf-8")
    return path


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    rows = [f"phone,{LISTED}", f"phone,{CLEAN}", f"phone,{CHANGED}", "phone,1", "phone,"]
    path.write_text("\n".join(("kind,identifier", *rows)) + "\n", "utf-8")
    return path


STATED = ("--category", "phishing", "--role", "perpetrator")


def refused(path: Path) -> list[tuple[str, str]]:
    assert_no_identifier(path.read_text("utf-8"))
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["row"], row["reason"]) for row in csv.DictReader(file)]


def test_a_screening_is_counted_by_kinds_and_nothing_is_screened(customers: Path) -> None:
    cli = Cli()
    result = cli("screen", customers, *WIDE, "--dry-run")
    path = customers.with_name("customers.refused.csv")
    assert result.exit_code == 4
    assert result.stdout.splitlines() == [
        "customers.csv · 5 rows · dry run",
        "would ask about 5 identifiers: email 2, phone 3",
        f"refused 3 → {path}",
        "nothing was sent",
    ]
    assert refused(path) == [("2", "malformed"), ("3", "empty"), ("5", "too_few_cells")]
    assert not cli.client.subjects
    assert not cli.client.runs
    assert not cli.client.calls
    assert_no_identifier(result.output)


def test_a_screening_writes_no_verdicts(customers: Path, tmp_path: Path) -> None:
    Cli()("screen", customers, *WIDE, "--dry-run", "--out", tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customers.csv", "customers.refused.csv"]


def test_a_screening_is_one_document(customers: Path) -> None:
    document = json.loads(Cli()("screen", customers, *WIDE, "--dry-run", "--json").stdout)
    assert document == {
        "file": str(customers),
        "dry_run": True,
        "rows": 5,
        "purpose": "portfolio_screening",
        "evaluations": 5,
        "identifiers": {"email": 2, "phone": 3},
        "refusals": 3,
        "refused_file": str(customers.with_name("customers.refused.csv")),
        "exit_code": 4,
    }


def test_a_file_in_order_ends_with_0_and_removes_the_refused_file_of_before(customers: Path) -> None:
    Cli()("screen", customers, *WIDE, "--dry-run")
    customers.write_text(f"no,mobile,mail\nC-1,{LISTED},\n", "utf-8")
    result = Cli()("screen", customers, *WIDE, "--dry-run")
    assert result.exit_code == 0
    assert "refused" not in result.stdout
    assert not customers.with_name("customers.refused.csv").exists()


def test_a_file_without_anything_to_ask(customers: Path) -> None:
    customers.write_text("no,mobile,mail\nC-1,,\n", "utf-8")
    result = Cli()("screen", customers, *WIDE, "--dry-run")
    assert "would ask about nothing\n" in result.stdout


def test_a_contribution_is_sorted_and_nothing_is_contributed(claims: Path) -> None:
    cli = Cli(FakeClient(known={(f"+86{LISTED}", "phishing")}))
    result = cli("contribute", claims, *STATED, "--dry-run")
    path = claims.with_name("list.refused.csv")
    assert result.exit_code == 4
    assert result.stdout.splitlines() == [
        "list.csv · 5 rows · dry run",
        "new 1 · unchanged 1 · changed 1 · refused 2",
        "changed rows are refused unless --amend replaces the claims that stand",
        f"refused 2 → {path}",
        "nothing was sent",
    ]
    assert refused(path) == [("4", "not_a_valid_number"), ("5", "empty")]
    assert not cli.client.rows
    assert_no_identifier(result.output)


@pytest.mark.parametrize(("options", "evaluations"), [((), 1), (("--amend",), 2)])
def test_a_contribution_is_one_document(claims: Path, options: tuple[str, ...], evaluations: int) -> None:
    cli = Cli(FakeClient(known={(f"+86{LISTED}", "phishing")}))
    document = json.loads(cli("contribute", claims, *STATED, "--dry-run", "--json", *options).stdout)
    assert document == {
        "file": str(claims),
        "dry_run": True,
        "rows": 5,
        "new": 1,
        "unchanged": 1,
        "changed": 1,
        "pending_review": 0,
        "refused": 2,
        "evaluations": evaluations,
        "refused_reasons": {"empty": 1, "not_a_valid_number": 1},
        "refused_file": str(claims.with_name("list.refused.csv")),
        "exit_code": 4,
    }


@pytest.mark.parametrize(("options", "code"), [((), 4), (("--amend",), 0)])
def test_changed_rows_end_a_dry_run_as_they_would_end_the_run(
    claims: Path, options: tuple[str, ...], code: int
) -> None:
    claims.write_text(f"kind,identifier\nphone,{CHANGED}\n", "utf-8")
    assert Cli()("contribute", claims, *STATED, "--dry-run", *options).exit_code == code
    assert Cli()("contribute", claims, *STATED, *options).exit_code == code


@pytest.mark.parametrize("options", [(), ("--relist",)])
def test_relisting_is_asked_of_the_sdk(claims: Path, options: tuple[str, ...]) -> None:
    cli = Cli()
    cli("contribute", claims, *STATED, *options)
    cli("contribute", claims, *STATED, "--dry-run", *options)
    assert cli.client.relists == [bool(options)] * 2


def test_with_amend_nobody_is_told_that_changed_rows_are_refused(claims: Path) -> None:
    assert "--amend" not in Cli()("contribute", claims, *STATED, "--dry-run", "--amend").stdout


def test_a_dry_run_prints_no_id_of_a_run(customers: Path, claims: Path) -> None:
    away = FakeClient(fault=HubUnavailable("away"))
    for arguments in (("screen", customers, *WIDE), ("contribute", claims, *STATED)):
        result = Cli(away)(*arguments, "--dry-run")
        assert "--resume" not in result.output
