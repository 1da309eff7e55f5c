import codecs
import csv
import json
from pathlib import Path

import pytest

from member_client.files import (
    BadDate,
    Refusal,
    RefusedFile,
    Row,
    RowFault,
    RowReason,
    TableInvalid,
    open_table,
    parse_date,
    parse_expiry,
    record_file,
    shown_date,
    spreadsheet_safe,
)

DAY = 86_400_000


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-x", "@sum", "\t=1", "\r=1", "＝1", "  =1"])
def test_formulas_are_neutralised(cell: str) -> None:
    assert spreadsheet_safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "C-118", "a=b", 12, -3])
def test_other_cells_stay(cell: str | int) -> None:
    assert spreadsheet_safe(cell) == cell


def test_a_csv_result_is_neutralised_and_a_jsonl_one_is_not(tmp_path: Path) -> None:
    for name in ("out.csv", "out.jsonl"):
        with record_file(tmp_path / name, ("row", "ref")) as write:
            write({"row": 1, "ref": "=cmd()"})
    assert list(csv.reader((tmp_path / "out.csv").open())) == [["row", "ref"], ["1", "'=cmd()"]]
    assert json.loads((tmp_path / "out.jsonl").read_text()) == {"row": 1, "ref": "=cmd()"}
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_result_file_is_complete_or_untouched(tmp_path: Path, fault: type[BaseException]) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def run() -> None:
        with record_file(path, ("row",)) as write:
            write({"row": 1})
            raise fault

    with pytest.raises(fault):
        run()
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["out.csv"]


def test_unknown_formats_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "out.xlsx", tmp_path / "absent" / "out.csv"):
        with pytest.raises(TableInvalid), record_file(path, ("row",)):
            pass


def test_the_refused_file_is_made_only_when_needed(tmp_path: Path) -> None:
    path = tmp_path / "list.refused.csv"
    with RefusedFile(path):
        pass
    assert not path.exists()
    with RefusedFile(path) as refused:
        refused.add(Refusal.of(3, "=C-1", RowFault(RowReason.EMPTY, "mobile")))
    rows = list(csv.DictReader(path.open()))
    assert rows == [
        {
            "row": "3",
            "ref": "'=C-1",
            "column": "mobile",
            "reason": "empty",
            "how_to_fix": "The cell is empty: fill it in or leave the row out.",
        }
    ]


@pytest.mark.parametrize("name", ["out.csv", "out.CSV", "out.jsonl"])
def test_a_byte_order_mark_is_written_before_csv_alone_and_skipped_by_our_reader(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for bom in (True, False):
        with record_file(path, ("row", "ref"), bom=bom) as write:
            write({"row": 1, "ref": "张三"})
        assert path.read_bytes().startswith(codecs.BOM_UTF8) == (bom and name != "out.jsonl")
        table = open_table(path)
        assert [row.text("ref") for row in table if isinstance(row, Row)] == ["张三"]
        assert table.columns == ("row", "ref")


@pytest.mark.parametrize("bom", [True, False])
def test_a_refused_file_of_an_earlier_run_goes_but_no_other_file(tmp_path: Path, bom: bool) -> None:
    ours, other = tmp_path / "ours.csv", tmp_path / "other.csv"
    with RefusedFile(ours, bom=bom) as refused:
        refused.add(Refusal(1, "", "", "empty", ""))
    other.write_text("somebody's work\n")
    for path in (ours, other):
        with RefusedFile(path):
            pass
    assert not ours.exists()
    assert other.read_text() == "somebody's work\n"


def test_dates() -> None:
    assert parse_date("2027-01-31") == 1_801_353_600_000
    assert parse_date(" 2027-01-31T08:00:00+08:00 ") == 1_801_353_600_000
    assert parse_expiry("90d", DAY) == parse_expiry(" 90 D", 2 * DAY - 1) == 91 * DAY
    assert parse_expiry("2027-01-31", DAY) == 1_801_353_600_000
    assert shown_date(1_801_353_600_000) == "2027-01-31"
    assert shown_date(0) == ""
    assert shown_date(1 << 62) == "beyond 9999"


@pytest.mark.parametrize("text", ["13800138000", "31.01.2027", "0d", "-3d", "d", "1969-01-01", "2027-02-30"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(BadDate) as refused:
        parse_expiry(text, DAY)
    assert str(refused.value) == "write a date as 2027-01-31, or a duration as 90d"
