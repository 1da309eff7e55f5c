import json
from pathlib import Path

import pytest

from member_client.files import BadRow, Row, RowReason, TableInvalid, open_table


def written(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(path: Path) -> list[Row | BadRow]:
    return list(open_table(path))


def shape(path: Path) -> list[tuple[int, object]]:
    """Numbers with cells, or the reason why there are none; a cell at fault comes after the others, as its reason."""
    return [
        (row.number, (*row.cells.values(), *row.faults.values()) if isinstance(row, Row) else row.reason)
        for row in rows_of(path)
    ]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("kind,identifier,name\nphone,1,张三\n".encode(), "utf-8"),
        (b"\xef\xbb\xbf" + "kind,identifier,name\nphone,1,张三\n".encode(), "utf-8"),
        ("kind,identifier,name\nphone,1,张三\n".encode("gb18030"), "gb18030"),
        ("kind,identifier,name\nphone,1,𠮷野\n".encode("gb18030"), "gb18030"),
        (b"kind,identifier,name\r\nphone,1,Zhang\r\n", "utf-8"),
        (b"kind;identifier;name\nphone;1;Zhang\n", "utf-8"),
        (b"kind\tidentifier\tname\nphone\t1\tZhang", "utf-8"),
        (b' kind , "identifier",name\nphone,1,Zhang\n', "utf-8"),
    ],
)
def test_encodings_and_separators_give_the_same_table(tmp_path: Path, content: bytes, encoding: str) -> None:
    table = open_table(written(tmp_path, content))
    (row,) = table
    assert table.columns == ("kind", "identifier", "name")
    assert table.encoding == encoding
    assert table.expected_rows == 1
    assert isinstance(row, Row)
    assert row.number == 1
    assert row.text("identifier") == "1"
    assert row.text("name") in {"张三", "𠮷野", "Zhang"}


def test_chinese_far_down_is_seen(tmp_path: Path) -> None:
    content = "a,b\n" + "x,y\n" * 400_000 + "x,张三\n"
    table = open_table(written(tmp_path, content.encode("gb18030")))
    assert table.encoding == "gb18030"
    *_, last = table
    assert isinstance(last, Row)
    assert last.text("b") == "张三"


def test_one_broken_line_does_not_change_the_encoding(tmp_path: Path) -> None:
    content = "a,b\n1,张三\n".encode() + b"2,\xff\xfe\xfa\n" + "3,李四\n".encode()
    assert shape(written(tmp_path, content)) == [
        (1, ("1", "张三")),
        (2, RowReason.UNDECODABLE),
        (3, ("3", "李四")),
    ]


def test_bad_rows_are_refused_and_the_others_go_on(tmp_path: Path) -> None:
    content = 'a,b\n1,2\n3\n4,5,6\n\n"7,7",8\n9,"x"y\n' + "z" * 300_000 + "\n10,11\n"
    assert shape(written(tmp_path, content)) == [
        (1, ("1", "2")),
        (2, RowReason.TOO_FEW_CELLS),
        (3, RowReason.TOO_MANY_CELLS),
        (5, ("7,7", "8")),
        (6, RowReason.BAD_QUOTING),
        (7, RowReason.TOO_LONG),
        (8, ("10", "11")),
    ]


def test_an_open_quotation_mark_costs_its_own_line_only(tmp_path: Path) -> None:
    content = 'a,b\n1,"open\n' + "".join(f"{number},x\n" for number in range(2, 200))
    found = shape(written(tmp_path, content))
    assert found[0] == (1, RowReason.BAD_QUOTING)
    assert found[1:] == [(number, (str(number), "x")) for number in range(2, 200)]


def test_a_cell_may_hold_line_breaks_and_marks(tmp_path: Path) -> None:
    content = 'a,b\n1,"two\nlines, ""quoted"""\n2,5" pipe\n'
    assert shape(written(tmp_path, content)) == [(1, ("1", 'two\nlines, "quoted"')), (2, ("2", '5" pipe'))]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"PK\x03\x04....", "Excel"),
        (b"PAR1....", "Parquet"),
        (b"\x1f\x8b....", "compressed"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        (b"a,b\r1,2\r", "CR"),
        (b"a\0\0\0b\0\0\0,\n", "no text"),
        (b'"a,b\n1,2\n', "quotation"),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(tmp_path: Path, content: bytes, word: str) -> None:
    with pytest.raises(TableInvalid, match=word):
        open_table(written(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match="no such file"):
        open_table(tmp_path / "absent.csv")


def test_jsonl_rows(tmp_path: Path) -> None:
    lines = [
        json.dumps({"kind": "phone", "identifier": 13800138000}),
        "",
        json.dumps({"kind": "phone", "note": None}),
        '{"kind": "phone", "identifier": 1.38e10}',
        '{"kind": ["phone"]}',
        "[1, 2]",
        "{broken",
        "[" * 100_000,
        json.dumps({"kind": "电话", "identifier": "x"}, ensure_ascii=False),
    ]
    path = written(tmp_path, "\n".join(lines), "list.jsonl")
    assert open_table(path).columns == ("kind", "identifier", "note")
    assert shape(path) == [
        (1, ("phone", "13800138000")),
        (3, ("phone", "")),
        (4, ("phone", RowReason.SPREADSHEET_DAMAGED)),
        (5, (RowReason.NOT_TEXT,)),
        (6, RowReason.NOT_JSON),
        (7, RowReason.NOT_JSON),
        (8, RowReason.NOT_JSON),
        (9, ("电话", "x")),
    ]


def test_nothing_printed_of_a_row_shows_its_cells(tmp_path: Path) -> None:
    path = written(tmp_path, "kind,identifier\nphone,13800138000\n")
    (row,) = rows_of(path)
    assert "138" not in repr(row)
