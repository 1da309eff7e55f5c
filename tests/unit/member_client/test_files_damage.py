"""Identifiers that a spreadsheet or a float damaged: refused in each format, from the file to the refused file."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_fakes import CLEAN, LISTED, Cli, assert_no_identifier
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from member_client.files import Row, open_table

ID_AS_NUMBER = 110101199003070011
"""As a number Excel would keep 110101199003070000 of it."""
Rows = Sequence[Sequence[Any]]


def as_csv(folder: Path, header: Sequence[str], rows: Rows) -> Path:
    path = folder / "list.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def as_jsonl(folder: Path, header: Sequence[str], rows: Rows) -> Path:
    path = folder / "list.jsonl"
    lines = (json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines), "utf-8")
    return path


def as_parquet(folder: Path, header: Sequence[str], rows: Rows) -> Path:
    path = folder / "list.parquet"
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in header]
    pq.write_table(pa.table(dict(zip(header, columns, strict=True))), path)
    return path


def as_excel(folder: Path, header: Sequence[str], rows: Rows) -> Path:
    path = folder / "list.xlsx"
    book = Workbook()
    sheet = book.worksheets[0]
    for row, values in enumerate([header, *rows], start=1):
        for column, value in enumerate(values, start=1):
            cell = sheet.cell(row, column, value)
            if isinstance(value, str):
                cell.data_type = "s"  # a text that begins with = is a text
    book.save(path)
    return path


WRITERS = {"csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet, "xlsx": as_excel}
Writer = Callable[[Path, Sequence[str], Rows], Path]


def screened(path: Path, out: Path) -> tuple[list[dict[str, str]], Cli]:
    cli = Cli()
    options = ("--map", "resident_id=id_no", "--ref", "no", "--purpose", "portfolio_screening", "--consent", "basis-7")
    result = cli("screen", path, *options, "--out", out)
    assert result.exit_code == 4, result.output
    assert "11010119900307" not in result.output
    with path.with_name("list.refused.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)), cli


@pytest.mark.parametrize(
    ("writer", "value"),
    [
        (as_csv, "1.10101E+17"),
        (as_csv, "110101199003070000.0"),
        (as_jsonl, "1.10101E+17"),
        (as_jsonl, 1.10101199003070e17),
        (as_parquet, "1.10101E+17"),
        (as_parquet, 1.10101199003070e17),
        (as_excel, "1.10101E+17"),
        (as_excel, 1.10101199003070e17),
        (as_excel, ID_AS_NUMBER),
    ],
)
def test_a_damaged_id_is_refused_with_the_reason_and_without_the_value(
    tmp_path: Path, writer: Writer, value: object
) -> None:
    path = writer(tmp_path, ("no", "id_no"), [("C-1", value)])
    ((refusal,), cli) = screened(path, tmp_path / "out.csv")
    assert (refusal["row"], refusal["column"], refusal["reason"]) == ("1", "id_no", "spreadsheet_damaged")
    assert "export again" in refusal["how_to_fix"]
    assert [subject.ref for subject in cli.client.subjects] == ["C-1"]  # it costs its field, not its row
    for written in (path.with_name("list.refused.csv"), tmp_path / "out.csv"):
        assert "10101" not in written.read_text()


def test_a_ref_stays_beside_a_damaged_cell_unless_it_is_an_identifier_itself(tmp_path: Path) -> None:
    rows = [(CLEAN, float(CLEAN) + 0.5), ("C-2", 1.5)]
    path = as_excel(tmp_path, ("no", "id_no"), rows)
    refusals, _ = screened(path, tmp_path / "out.csv")
    assert [(refusal["row"], refusal["ref"]) for refusal in refusals] == [("1", ""), ("2", "C-2")]
    assert_no_identifier(path.with_name("list.refused.csv").read_text(), (tmp_path / "out.csv").read_text())


@pytest.mark.parametrize("writer", [as_jsonl, as_parquet, as_excel])
def test_a_damaged_cell_costs_its_field_and_the_others_are_asked(tmp_path: Path, writer: Writer) -> None:
    path = writer(tmp_path, ("no", "mobile", "id_no"), [("C-1", LISTED, float(ID_AS_NUMBER))])
    out = tmp_path / "out.parquet"
    options = ("--map", "phone=mobile", "--map", "resident_id=id_no", "--ref", "no", "--out", out)
    result = Cli()("screen", path, *options, "--purpose", "portfolio_screening", "--consent", "basis-7")
    assert result.exit_code == 4, result.output
    (told,) = pq.read_table(out).to_pylist()
    assert (told["ref"], told["state"]) == ("C-1", "match")
    refused = path.with_name("list.refused.csv").read_text("utf-8")
    assert "1,C-1,id_no,spreadsheet_damaged," in refused
    assert "1.10101" not in refused


@pytest.mark.parametrize("ref", [CLEAN, "139 0013 9000", "11010519491231002X"])
def test_a_ref_that_is_a_mobile_number_or_resident_id_is_refused_and_not_repeated(tmp_path: Path, ref: str) -> None:
    path = as_csv(tmp_path, ("no", "mobile"), [(ref, LISTED), ("C-2", LISTED)])
    cli, out = Cli(), tmp_path / "out.csv"
    options = ("--map", "phone=mobile", "--ref", "no", "--purpose", "portfolio_screening", "--consent", "basis-7")
    result = cli("screen", path, *options, "--out", out)
    assert result.exit_code == 4
    assert [subject.ref for subject in cli.client.subjects] == ["C-2"]
    refused = path.with_name("list.refused.csv").read_text("utf-8")
    assert "1,,no,ref_is_identifier," in refused
    assert not [text for text in (result.output, refused, out.read_text("utf-8")) if ref in text]


@pytest.mark.parametrize("writer", [as_jsonl, as_parquet, as_excel])
def test_amounts_beside_identifiers_cost_nothing(tmp_path: Path, writer: Writer) -> None:
    path = writer(tmp_path, ("no", "mobile", "amount"), [("C-1", LISTED, 10.5), ("C-2", CLEAN, None)])
    out = tmp_path / "out.parquet"
    options = ("--map", "phone=mobile", "--ref", "no", "--purpose", "portfolio_screening", "--consent", "basis-7")
    result = Cli()("screen", path, *options, "--out", out)
    assert result.exit_code == 0, result.output
    assert pq.read_table(out)["state"].to_pylist() == ["match", "clear"]
    assert_no_identifier(result.output, str(pq.read_table(out).to_pydict()))


@pytest.mark.parametrize("writer", [as_parquet, as_excel])
def test_other_formats_are_contributed_like_any_list(tmp_path: Path, writer: Writer) -> None:
    rows = [("phone", LISTED, "mule_account"), ("phone", CLEAN, "mule_account"), ("phone", "x", "mule_account")]
    path = writer(tmp_path, ("kind", "identifier", "category"), rows)
    cli = Cli()
    result = cli("contribute", path, "--role", "mule_unwitting")
    assert result.exit_code == 4, result.output
    assert [row.text for row in cli.client.rows] == [LISTED, CLEAN, "x"]
    assert_no_identifier(result.output)


def test_a_workbook_whose_sheet_is_named_is_never_replaced_by_results(tmp_path: Path) -> None:
    path = as_excel(tmp_path, ("kind", "identifier"), [("phone", LISTED)])
    before = path.read_bytes()
    options = ("--purpose", "portfolio_screening", "--consent", "basis-7")
    assert Cli()("screen", f"{path}#Sheet", *options, "--refused", path).exit_code == 2
    assert path.read_bytes() == before
    assert Cli()("screen", f"{path}#Sheet", *options).exit_code == 0
    words = ("--category", "mule_account", "--role", "mule_unwitting")
    assert Cli()("contribute", f"{path}#Sheet", *words, "--refused", path).exit_code == 2
    assert path.read_bytes() == before
    assert Cli()("contribute", f"{path}#Sheet", *words).exit_code == 0


# -- any table of texts ----------------------------------------------------------------------------------------------

# Line breaks inside of cells change the numbers of CSV's rows, and XML cannot hold most control characters.
CHARACTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="\u2028\u2029\ufffe\uffff")
TEXTS = st.text(CHARACTERS, max_size=12)
TABLES = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=8)
HEADER = ("kind", "姓名", "no")


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=TABLES)
def test_any_table_of_texts_reads_back_the_same(tmp_path: Path, name: str, rows: list[tuple[str, ...]]) -> None:
    path = WRITERS[name](tmp_path, HEADER, rows)
    table = open_table(path)
    assert table.columns == HEADER
    found = list(table)
    assert all(isinstance(row, Row) and not row.faults for row in found)
    read = {row.number: tuple(row.cells.values()) for row in found if isinstance(row, Row)}
    # A row of a workbook without any text in it is an empty row.
    expected = {number: row for number, row in enumerate(rows, start=1) if name != "xlsx" or any(map(str.strip, row))}
    assert read == expected
