import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.leak_files import is_input

from member_client.files import Row, RowReason, TableInvalid, open_table, record_file, resolve

PHONE = "13800138000"


def written(folder: Path, columns: Mapping[str, Any], name: str = "list.parquet", **options: Any) -> Path:
    path = folder / name
    pq.write_table(pa.table(dict(columns)), path, **options)
    is_input(path)
    return path


def rows_of(path: Path) -> list[Row]:
    rows = list(open_table(path))
    assert all(isinstance(row, Row) for row in rows)
    return [row for row in rows if isinstance(row, Row)]


def column_of(folder: Path, values: Any) -> list[str | RowReason]:
    rows = rows_of(written(folder, {"a": values}))
    return [row.faults["a"] if row.faults else row.cells["a"] for row in rows]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        (pa.array([PHONE, None, "张三"]), [PHONE, "", "张三"]),
        (pa.array([PHONE, None], pa.large_string()), [PHONE, ""]),
        (pa.array([PHONE, None, PHONE]).dictionary_encode(), [PHONE, "", PHONE]),
        (pa.array([13800138000, None, -1]), ["13800138000", "", "-1"]),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)]),
        (pa.array([Decimal("110101199003070000"), None], pa.decimal128(38, 0)), ["110101199003070000", ""]),
        (pa.array([Decimal("13800138000.00"), Decimal("1.50")], pa.decimal128(20, 2)), [PHONE, RowReason.NOT_TEXT]),
        (pa.array([PHONE.encode(), b"\xff\xfe"]), [PHONE, RowReason.UNDECODABLE]),
        (pa.array([b"13800138", None], pa.binary(8)), [RowReason.NOT_TEXT, ""]),
        (pa.array([date(2027, 1, 31), None]), ["2027-01-31", ""]),
        (pa.array([2**30], pa.int32()).cast(pa.date32()), [RowReason.NOT_TEXT]),
        (pa.array([datetime(2027, 1, 31), datetime(2027, 1, 31, 8)]), ["2027-01-31", "2027-01-31T08:00:00"]),  # noqa: DTZ001 - without a zone is meant
        (pa.array([1_801_353_600_000_000_001], pa.timestamp("ns")), ["2027-01-31"]),
        (pa.array([datetime(2027, 1, 31, tzinfo=UTC)], pa.timestamp("ms", "UTC")), ["2027-01-31T00:00:00+00:00"]),
        (pa.array([13800138000.0, None, float("nan")]), [RowReason.SPREADSHEET_DAMAGED, "", ""]),
        (pa.array([1.5], pa.float32()), [RowReason.SPREADSHEET_DAMAGED]),
        (pa.array([True, None]), [RowReason.NOT_TEXT, ""]),
        (pa.array([["a"], None]), [RowReason.NOT_TEXT, ""]),
        (pa.array([{"a": 1}, None]), [RowReason.NOT_TEXT, ""]),
        (pa.array([timedelta(days=1)]), [RowReason.NOT_TEXT]),
        (pa.nulls(2), ["", ""]),
    ],
)
def test_each_sort_of_column(tmp_path: Path, values: pa.Array, cells: list[str | RowReason]) -> None:
    assert column_of(tmp_path, values) == cells


def test_rows_are_numbered_and_counted_through_all_batches(tmp_path: Path) -> None:
    path = written(tmp_path, {"a": [str(number) for number in range(10_000)]}, row_group_size=3_000)
    table = open_table(path)
    assert table.expected_rows == 10_000
    rows = [row for row in table if isinstance(row, Row)]
    assert [row.number for row in rows] == list(range(1, 10_001))
    assert rows[9_999].text("a") == "9999"


def test_it_is_told_by_what_is_inside(tmp_path: Path) -> None:
    (row,) = rows_of(written(tmp_path, {"kind": ["phone"]}, name="list.dat"))
    assert row.text("kind") == "phone"


def test_a_float_in_another_column_costs_nothing_and_only_what_is_used_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, {"mobile": [PHONE, PHONE], "amount": [1.5, 2.5], "no": ["C-1", "C-2"]})
    table = open_table(path)
    layout = resolve(table, {"phone": "mobile"}, ref="no")
    rows = [row for row in table if isinstance(row, Row)]
    assert [layout.read(row)[0] for row in rows] == ["C-1", "C-2"]
    assert set(rows[0].cells) == {"mobile", "no"}
    assert not rows[0].faults


def test_a_column_that_stands_there_twice_is_refused_where_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], names=["mobile", "mobile"]), path)
    with pytest.raises(TableInvalid, match="mobile stands there more than once"):
        resolve(open_table(path), {"phone": "mobile"})


def test_damaged_files_are_refused_without_what_they_hold(tmp_path: Path) -> None:
    whole = written(tmp_path, {"kind": ["phone"] * 5_000, "identifier": [PHONE] * 5_000}, compression="none")
    content = whole.read_bytes()
    bad = tmp_path / "bad.parquet"
    for damaged in (content[:200], b"PAR1" + b"\xff" * 300, content[:4] + b"\xff" * 400 + content[404:]):
        bad.write_bytes(damaged)
        with pytest.raises(TableInvalid, match="damaged") as refused:
            list(open_table(bad))
        assert PHONE not in str(refused.value)
    (tmp_path / "text.parquet").write_text("kind,identifier\n")
    with pytest.raises(TableInvalid, match="not what its name says"):
        open_table(tmp_path / "text.parquet")


def test_nothing_is_spilled_to_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"a": [PHONE] * 10_000})
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setenv("TMPDIR", str(spill))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    assert len(rows_of(path)) == 10_000
    assert not list(spill.iterdir())


# -- results ---------------------------------------------------------------------------------------------------------

COLUMNS = ("row", "ref", "sources", "category")


def test_results_have_types_and_nulls(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    with record_file(out, COLUMNS) as write:
        write({"row": 1, "ref": "=C-1", "sources": 2, "category": "mule_account"})
        write({"row": 2, "ref": "C-2", "sources": "", "category": ""})
    table = pq.read_table(out)
    assert [str(field.type) for field in table.schema] == ["int64", "string", "int32", "string"]
    assert table.to_pylist() == [
        {"row": 1, "ref": "=C-1", "sources": 2, "category": "mule_account"},
        {"row": 2, "ref": "C-2", "sources": None, "category": None},
    ]
    assert out.stat().st_mode & 0o777 == 0o600
    assert [row.text("sources") for row in rows_of(out)] == ["2", ""]


def test_results_are_written_in_groups(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    with record_file(out, ("row",)) as write:
        for number in range(70_000):
            write({"row": number})
    assert pq.ParquetFile(out).metadata.num_row_groups == 3
    assert pq.read_table(out)["row"].to_pylist() == list(range(70_000))


def test_no_result_is_an_empty_table(tmp_path: Path) -> None:
    with record_file(tmp_path / "out.parquet", COLUMNS):
        pass
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0
    assert pq.read_table(tmp_path / "out.parquet").column_names == list(COLUMNS)


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_parquet_result_is_complete_or_untouched(tmp_path: Path, fault: type[BaseException]) -> None:
    out = tmp_path / "out.parquet"
    out.write_text("old")

    def run() -> None:
        with record_file(out, ("row",)) as write:
            for number in range(40_000):
                write({"row": number})
            raise fault

    with pytest.raises(fault):
        run()
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_jsonl_follows_the_same_rule_for_columns_that_are_not_used(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(json.dumps({"kind": "phone", "identifier": 13800138000, "amount": 1.5, "tags": []}))
    table = open_table(path)
    layout = resolve(table, {})
    assert [layout.read(row)[1][0].text for row in table if isinstance(row, Row)] == [PHONE]
