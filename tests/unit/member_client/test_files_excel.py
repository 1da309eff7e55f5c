import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from member_client.files import BadRow, Row, RowReason, TableInvalid, excel_package, open_table

PHONE = "13800138000"
SHEET = "xl/worksheets/sheet1.xml"
LIST = (("kind", "identifier"), ("phone", PHONE))


def workbook(folder: Path, *sheets: Iterable[Iterable[Any]], name: str = "list.xlsx", hidden: int = -1) -> Path:
    """Write sheets named List0, List1, …"""
    book = Workbook()
    book.remove(book.worksheets[0])
    for place, rows in enumerate(sheets):
        sheet = book.create_sheet(f"List{place}")
        for row in rows:
            sheet.append(list(row))
        sheet.sheet_state = "hidden" if place == hidden else "visible"
    book.save(folder / name)
    return folder / name


def changed(path: Path, change: Callable[[bytes], bytes], part: str = SHEET, **options: Any) -> Path:
    """Give the workbook again with one of its parts changed."""
    out = path.with_name(f"changed-{path.name}")
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(out, "w", **{"compression": zipfile.ZIP_DEFLATED, **options}) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == part else content)
    return out


def shape(path: Path) -> list[tuple[int, object]]:
    return [
        (row.number, (*row.cells.values(), *row.faults.values()) if isinstance(row, Row) else row.reason)
        for row in open_table(path)
    ]


def cell_for(folder: Path, value: object) -> str | RowReason:
    (row,) = open_table(workbook(folder, (("a", "b"), (value, "x"))))
    assert isinstance(row, Row)
    return row.faults["a"] if row.faults else row.cells["a"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (PHONE, PHONE),
        ("张三", "张三"),
        (13800138000, PHONE),
        (13800138000.0, PHONE),
        (999_999_999_999_999, "999999999999999"),
        (10**15, RowReason.SPREADSHEET_DAMAGED),
        (110101199003070011, RowReason.SPREADSHEET_DAMAGED),
        (1.10101199003070e17, RowReason.SPREADSHEET_DAMAGED),
        (-(10**16), RowReason.SPREADSHEET_DAMAGED),
        (10.5, RowReason.SPREADSHEET_DAMAGED),
        ("1.10101E+17", "1.10101E+17"),  # a text: what it means is for the identifier's own rules
        (True, RowReason.NOT_TEXT),
        (None, ""),
        (date(2027, 1, 31), "2027-01-31"),
        (datetime(2027, 1, 31, 8, 30), "2027-01-31T08:30:00"),  # noqa: DTZ001 - Excel knows no zones
        (time(8, 30), RowReason.NOT_TEXT),
        (timedelta(days=2), RowReason.NOT_TEXT),
        ("#N/A", RowReason.NOT_TEXT),
    ],
)
def test_each_sort_of_cell(tmp_path: Path, value: object, cell: str | RowReason) -> None:
    assert cell_for(tmp_path, value) == cell


def test_the_header_is_the_first_row_that_holds_something(tmp_path: Path) -> None:
    rows = [
        (),
        (None, " "),
        ("kind", " identifier ", None),
        ("phone", PHONE),
        (None, None),
        ("phone",),
        ("a", "b", "c"),
    ]
    path = workbook(tmp_path, rows)
    table = open_table(path)
    assert table.columns == ("kind", "identifier")
    assert table.expected_rows == 4
    assert shape(path) == [(1, ("phone", PHONE)), (3, ("phone", "")), (4, RowReason.TOO_MANY_CELLS)]


def test_it_is_told_by_what_is_inside(tmp_path: Path) -> None:
    assert shape(workbook(tmp_path, LIST, name="list.xlsm").rename(tmp_path / "list.csv")) == [(1, ("phone", PHONE))]


def test_the_one_visible_sheet_that_holds_something_is_taken(tmp_path: Path) -> None:
    assert shape(workbook(tmp_path, (), LIST, (("secret",),), hidden=2)) == [(1, ("phone", PHONE))]


def test_several_sheets_are_named_and_one_is_chosen(tmp_path: Path) -> None:
    path = workbook(tmp_path, (("a",), ("1",)), LIST, (("b",), ("2",)), hidden=2)
    with pytest.raises(TableInvalid, match="several sheets hold something: List0, List1"):
        open_table(path)
    assert shape(Path(f"{path}#List1")) == [(1, ("phone", PHONE))]
    assert shape(Path(f"{path}#List2")) == [(1, ("2",))]
    assert open_table(Path(f"{path}#List1")).path == path
    with pytest.raises(TableInvalid, match="no sheet of this name; there are: List0, List1, List2"):
        open_table(Path(f"{path}#List3"))


def test_a_number_sign_in_a_files_name_is_no_sheet(tmp_path: Path) -> None:
    assert shape(workbook(tmp_path, LIST, name="list#3.xlsx")) == [(1, ("phone", PHONE))]
    with pytest.raises(TableInvalid, match="no such file"):
        open_table(tmp_path / "absent.xlsx#List0")


def test_formulas_count_by_their_value_and_without_one_the_workbook_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, (*LIST, ("phone", '="1380013"&"8000"')))
    with pytest.raises(TableInvalid, match="formulas that were never computed"):
        open_table(path)
    computed = changed(path, lambda xml: xml.replace(b"</f><v />", b"</f><v>13800138000</v>"))
    assert shape(computed) == [(1, ("phone", PHONE)), (2, ("phone", PHONE))]
    empty = changed(path, lambda xml: xml.replace(b'"B3"><f>', b'"B3" t="str"><f>'))
    assert shape(empty) == [(1, ("phone", PHONE)), (2, ("phone", ""))]


def test_a_number_in_a_column_of_dates_is_refused_without_a_word_about_it(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["kind", "identifier"])
    sheet.append(["phone", 13800138000])
    sheet["B2"].number_format = "yyyy-mm-dd"
    book.save(tmp_path / "list.xlsx")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert shape(tmp_path / "list.xlsx") == [(1, ("phone", RowReason.NOT_TEXT))]
    assert not heard


@pytest.mark.parametrize("header", [("kind", 1.5), (True, "identifier"), ("kind", "#REF!")])
def test_a_header_that_is_no_text_is_refused(tmp_path: Path, header: tuple[object, ...]) -> None:
    with pytest.raises(TableInvalid, match="must name the columns"):
        open_table(workbook(tmp_path, (header, ("phone", PHONE))))


# -- hostile and broken workbooks ------------------------------------------------------------------------------------

ENTITY = b'<!DOCTYPE x [<!ENTITY e "13800138000">]>'


def refused(path: Path) -> str:
    with pytest.raises(TableInvalid) as fault:
        list(open_table(path))
    assert PHONE not in str(fault.value)
    return str(fault.value)


@pytest.mark.parametrize(
    "part", [SHEET, "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml", "xl/theme/theme1.xml"]
)
def test_a_document_type_is_refused(tmp_path: Path, part: str) -> None:
    path = workbook(tmp_path, LIST)
    assert "damaged" in refused(changed(path, lambda xml: ENTITY + xml.partition(b"?>")[2] or xml, part))
    assert "damaged" in refused(changed(path, lambda xml: ENTITY + xml, part))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="2"', b'<row r="1"'),  # backwards
        (b'<row r="2"', b'<row r="999999999"'),  # beyond the last row
        (b'<row r="2"', b'<row r="2.0"'),
        (b"</sheetData>", b""),
        (b'<c r="B2" t="inlineStr">', b'<c r="B2" t="s"><v>13800138000</v>'),  # a shared text that is not there
        (b'<c r="B2"', b'<c r="ZZZZZZ2"'),
        (b"<sheetData>", b"<sheetData>" + b"<x>" * 100 + b"</x>" * 100),
        (b'<row r="2"', b'<row r="2"><row r="3"/></row><row r="4"'),
    ],
)
def test_broken_sheets_are_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = workbook(tmp_path, LIST)
    assert "damaged" in refused(changed(path, lambda xml: xml.replace(old, new)))


def test_a_size_that_a_sheet_claims_is_not_believed(tmp_path: Path) -> None:
    path = workbook(tmp_path, LIST)
    wide = changed(path, lambda xml: xml.replace(b"A1:B2", b"A1:XFD1048576"))
    assert shape(wide) == [(1, ("phone", PHONE))]
    narrow = changed(path, lambda xml: xml.replace(b"A1:B2", b"A1:A1"))
    assert shape(narrow) == [(1, ("phone", PHONE))]


@pytest.mark.parametrize(
    ("limit", "content"),
    [
        ("MAX_ROWS", b'<row r="3"/><row r="4"/><row r="5"/>'),
        ("MAX_RECORD_BYTES", b'<row r="3">' + b"<c/>" * 100_000 + b"</row>"),
        ("MAX_OTHER_BYTES", b"<other/>" * 100_000),
        ("MAX_UNPACKED_BYTES", b" " * 2_000_000),
    ],
)
def test_what_is_larger_than_any_list_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, content: bytes
) -> None:
    monkeypatch.setattr(excel_package, limit, 4 if limit == "MAX_ROWS" else 300_000)
    path = workbook(tmp_path, LIST)
    assert shape(path) == [(1, ("phone", PHONE))]
    said = refused(changed(path, lambda xml: xml.replace(b"</sheetData>", content + b"</sheetData>")))
    assert "larger than any list" in said or (limit == "MAX_ROWS" and "damaged" in said)


def with_shared_texts(path: Path, *texts: str) -> Path:
    """Give the list with its identifier among texts that cells refer to, as Excel itself writes them."""
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{content_type}"/></Types>'.encode()
    path = changed(path, lambda xml: xml.replace(b"</Types>", override), "[Content_Types].xml")
    place = len(texts) - 1
    path = changed(path, lambda xml: xml.replace(b'<c r="B2" t="inlineStr">', b'<c r="B2" t="s"><v>%d</v>' % place))
    items = "".join(f"<si>{text}</si>" for text in texts)
    with zipfile.ZipFile(path, "a") as archive:
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{items}</sst>')
    return path


def test_shared_texts_count_without_their_formatting(tmp_path: Path) -> None:
    rich = "<r><rPr><b/></rPr><t>138</t></r><r><t>00138000</t></r>"
    assert shape(with_shared_texts(workbook(tmp_path, LIST), "<t>other</t>", rich)) == [(1, ("phone", PHONE))]


def test_shared_texts_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel_package, "MAX_SHARED_TEXTS", 1_000)
    path = workbook(tmp_path, LIST)
    assert shape(with_shared_texts(path, *[f"<t>{PHONE}</t>"] * 1_000)) == [(1, ("phone", PHONE))]
    assert "larger than any list" in refused(with_shared_texts(path, *[f"<t>{PHONE}</t>"] * 1_001))


def test_a_part_under_another_name_is_looked_at_too(tmp_path: Path) -> None:
    path = workbook(tmp_path, LIST)
    hidden = tmp_path / "hidden.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(hidden, "w") as new:
        for name in old.namelist():
            content = old.read(name).replace(b"worksheets/sheet1.xml", b"media/image1.png")
            new.writestr("xl/media/image1.png" if name == SHEET else name, content)
    assert shape(hidden) == [(1, ("phone", PHONE))]
    doubled = changed(hidden, lambda xml: xml.replace(b'<row r="2"', b'<row r="999999999"'), "xl/media/image1.png")
    assert "damaged" in refused(doubled)


def test_other_archives_and_broken_ones_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, LIST)
    assert "damaged" in refused(changed(path, bytes, compression=zipfile.ZIP_LZMA))
    with zipfile.ZipFile(tmp_path / "list.zip", "w") as archive:
        archive.writestr("list.csv", "kind,identifier\n")
    assert "no Excel workbook" in refused(tmp_path / "list.zip")
    content = path.read_bytes()
    for place in range(0, len(content), 191):
        broken = tmp_path / "broken.xlsx"
        broken.write_bytes(content[:place] + b"\xff" * 7 + content[place + 7 :])
        try:
            list(open_table(broken))
        except TableInvalid as fault:
            assert PHONE not in str(fault)  # noqa: PT017 - most of these are refused, and all say nothing
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "old Excel workbook" in refused(tmp_path / "old.xls")
    (tmp_path / "text.xlsx").write_text("kind,identifier\n")
    assert "not what its name says" in refused(tmp_path / "text.xlsx")
    assert "no visible sheet holds anything" in refused(workbook(tmp_path, ()))


def test_nothing_is_spilled_to_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path, [("a", "b"), *((str(number), "x") for number in range(2_000))])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    rows = list(open_table(path))
    assert len(rows) == 2_000
    assert not any(isinstance(row, BadRow) for row in rows)
