from pathlib import Path

import pytest

from alliance.identifiers import Kind
from member_client.files import (
    ATTRIBUTES,
    Layout,
    Row,
    RowFault,
    RowReason,
    Table,
    TableInvalid,
    open_table,
    parse_map,
    resolve,
)


def table(folder: Path, header: str, *lines: str) -> Table:
    path = folder / "list.csv"
    path.write_text("\n".join((header, *lines)) + "\n", "utf-8")
    return open_table(path)


def first(found: Table) -> Row:
    row = next(iter(found))
    assert isinstance(row, Row)
    return row


def test_the_long_format_reads_kind_and_identifier(tmp_path: Path) -> None:
    found = table(tmp_path, "kind,identifier", "PHONE , 138 0013 8000")
    ref, (cell,) = resolve(found, {}).read(first(found))
    assert (ref, cell.field, cell.column) == ("1", "phone", "identifier")
    assert cell.as_kind() == (Kind.PHONE, " 138 0013 8000")
    assert "138" not in repr(cell)


def test_the_wide_format_reads_what_is_mapped(tmp_path: Path) -> None:
    found = table(tmp_path, "no,mobile,ad_id", "C-1,13800138000,0123456789abcdef")
    layout = resolve(found, parse_map(["phone=mobile", "OAID = ad_id"]), ref="no")
    ref, cells = layout.read(first(found))
    assert ref == "C-1"
    assert [cell.as_kind() for cell in cells] == [
        (Kind.PHONE, "13800138000"),
        (Kind.DEVICE, "oaid:0123456789abcdef"),
    ]


def test_columns_can_be_renamed_in_the_long_format(tmp_path: Path) -> None:
    found = table(tmp_path, "type,number,label", "phone,13800138000,phishing")
    mapping = parse_map(["kind=type", "identifier=number", "category=label"])
    assert resolve(found, mapping, attributes=ATTRIBUTES) == Layout({}, "type", "number", "", "", {"category": "label"})


def test_a_missing_column_is_named_with_those_found(tmp_path: Path) -> None:
    found = table(tmp_path, "no,phone_no", "1,2")
    with pytest.raises(TableInvalid, match=r"missing column mobile, customer_no; columns found: no, phone_no\."):
        resolve(found, {"phone": "mobile"}, ref="customer_no")


def test_a_file_without_a_header_does_not_show_its_first_row(tmp_path: Path) -> None:
    found = table(tmp_path, "13800138000,a@b.example,evil.example,11010519491231002X", "1,2,3,4")
    with pytest.raises(TableInvalid) as refused:
        resolve(found, {})
    for value in ("13800138000", "a@b", "evil", "1101"):
        assert value not in str(refused.value)
    assert "looks like a value" in str(refused.value)


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    found = table(tmp_path, "kind,identifier,identifier", "1,2,3")
    with pytest.raises(TableInvalid, match="identifier stands there more than once"):
        resolve(found, {})


@pytest.mark.parametrize(
    ("mapping", "ref", "consent"),
    [
        (["phone=mobile"], "mobile", ""),
        (["phone=mobile"], "no", "mobile"),
        ([], "identifier", ""),
    ],
)
def test_ref_and_consent_are_no_identifiers(tmp_path: Path, mapping: list[str], ref: str, consent: str) -> None:
    found = table(tmp_path, "no,mobile,kind,identifier", "1,2,3,4")
    with pytest.raises(TableInvalid, match="is a column of identifiers"):
        resolve(found, parse_map(mapping), ref=ref, consent=consent)


@pytest.mark.parametrize("ref", ["13800138000", "138-0013-8000", "C-13800138000-x"])
def test_a_ref_that_repeats_an_identifier_is_refused(tmp_path: Path, ref: str) -> None:
    found = table(tmp_path, "no,kind,identifier", f"{ref},phone,13800138000")
    layout = resolve(found, {}, ref="no")
    row = first(found)
    with pytest.raises(RowFault) as fault:
        layout.read(row)
    assert fault.value.reason is RowReason.REF_IS_IDENTIFIER
    assert layout.ref_of(row) == ""


def test_an_unknown_kind_is_the_rows_fault(tmp_path: Path) -> None:
    found = table(tmp_path, "kind,identifier", "telephone,1", ",2")
    reasons = []
    for row in found:
        assert isinstance(row, Row)
        with pytest.raises(RowFault) as fault:
            resolve(found, {}).read(row)
        reasons.append(fault.value.reason)
    assert reasons == [RowReason.UNKNOWN_KIND, RowReason.EMPTY]


@pytest.mark.parametrize("items", [["13800138000"], ["phone"], ["phone="], ["telephone=x"], ["phone=a", "phone=b"]])
def test_maps_that_make_no_sense(items: list[str]) -> None:
    with pytest.raises(TableInvalid) as refused:
        parse_map(items)
    assert "13800138000" not in str(refused.value)


@pytest.mark.parametrize("items", [["phone=a", "kind=b"], ["phone=a", "email=a"], ["phone=a", "category=b"]])
def test_maps_that_contradict_themselves(tmp_path: Path, items: list[str]) -> None:
    with pytest.raises(TableInvalid):
        resolve(table(tmp_path, "a,b", "1,2"), parse_map(items))
