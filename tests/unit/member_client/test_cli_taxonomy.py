"""`taxonomy`: the same tables as the reference, without a profile and without a hub."""

import csv
import io
import json
from pathlib import Path

from typer.testing import CliRunner

from alliance.published import NAMES, tables
from alliance.taxonomy import policy_version
from member_client.cli.app import app


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["--profile", str(folder / "none"), *arguments], env={"ALLIANCE_LANG": "en"})
    assert done.exit_code == code, done.output
    return done.stdout


def test_one_table_is_exported_as_it_is(tmp_path: Path) -> None:
    for name in NAMES:
        rows = list(csv.reader(io.StringIO(run(tmp_path, "taxonomy", "--table", name, "--csv", "-"))))
        assert [tuple(row) for row in rows] == [tables()[name].columns, *tables()[name].rows]


def test_all_tables_go_into_one_file(tmp_path: Path) -> None:
    target = tmp_path / "taxonomy.csv"
    run(tmp_path, "taxonomy", "--csv", str(target))
    rows = list(csv.DictReader(target.read_text("utf-8").splitlines()))
    assert {row["table"] for row in rows} == set(NAMES)
    cells = {(row["table"], row["row"], row["column"]): row["text"] for row in rows}
    assert cells["filing", "device_farm", "kinds"] == "imei, device, ip"
    assert cells["permitted", "perpetrator", "E3"] == "decline_with_human"
    assert cells["purposes", "dispute", "needs"] == "consumer_request"
    assert cells["actions", "inform", "chinese"] == "仅供留意"
    assert len(cells) == len(rows) == sum(len(it.columns) * len(it.rows) for it in tables().values())


def test_tables_are_shown_and_told_as_a_document(tmp_path: Path) -> None:
    shown = run(tmp_path, "taxonomy", "--table", "filing")
    assert "Filing rules" in shown
    assert "device_farm" in shown
    document = json.loads(run(tmp_path, "--json", "taxonomy"))
    assert document["policy"] == policy_version().hex()
    assert list(document["tables"]) == list(NAMES)


def test_another_table_is_refused(tmp_path: Path) -> None:
    run(tmp_path, "taxonomy", "--table", "debts", code=2)
