"""A list of whom to invite, as both programs read it."""

from pathlib import Path

import pytest

from alliance.invitees import BadInvitee, Invitee, InviteesInvalid, RowFault, read_invitees


def read(folder: Path, content: str | bytes) -> list[Invitee | BadInvitee]:
    path = folder / "list.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_invitees(path)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_is_read_as_spreadsheets_write_it(tmp_path: Path, mark: bytes, separator: str, end: str) -> None:
    lines = ("id,display_name,role", "lender-a,北京小贷,", "", 'ann," Ann, fraud office ",ADMIN')
    text = end.join(lines[:3]).replace(",", separator) + end + lines[3].replace('n,"', f'n{separator}"')
    text = text.replace('",ADMIN', f'"{separator}ADMIN')
    assert read(tmp_path, mark + text.encode()) == [
        Invitee(1, "lender-a", "北京小贷", "member"),
        Invitee(3, "ann", "Ann, fraud office", "admin"),
    ]


def test_the_role_may_be_left_out_and_columns_stand_in_any_order(tmp_path: Path) -> None:
    assert read(tmp_path, "display_name,ID\nLender A,lender-a\n") == [Invitee(1, "lender-a", "Lender A", "member")]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("lender-b,Lender B", RowFault.CELLS),
        ("lender-b,Lender B,member,more", RowFault.CELLS),
        ("Lender B,Lender B,", RowFault.ID),
        ("../escape,Lender B,", RowFault.ID),
        ("-b,Lender B,", RowFault.ID),
        (f"{'b' * 33},Lender B,", RowFault.ID),
        ("hub,Lender B,", RowFault.ID),
        (",Lender B,", RowFault.ID),
        ("lender-a,Again,", RowFault.REPEATED),
        ("lender-b,,", RowFault.NAME),
        ('lender-b,"two\nlines",', RowFault.NAME),
        (f"lender-b,{'贷' * 67},", RowFault.NAME),
        ("lender-b,Lender B,owner", RowFault.ROLE),
    ],
)
def test_a_row_that_cannot_be_used_costs_itself_only(tmp_path: Path, row: str, fault: RowFault) -> None:
    found = read(tmp_path, f"id,display_name,role\nlender-a,Lender A,\n{row}\nlender-c,Lender C,\n")
    assert [it.row for it in found] == [1, 2, 3]
    assert found[1] == BadInvitee(2, fault)
    assert [it.id for it in found if isinstance(it, Invitee)] == ["lender-a", "lender-c"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "lender-a,Lender A,admin\n",
        "id,role\nann,admin\n",
        "id,display_name,rolle\nann,Ann,admin\n",  # would make a member of an admin
        "id,display_name,id\na,b,c\n",
        b"id,display_name\nann,\xc4nn\n",
        'id,display_name\nann,"Ann\n',
        b"id,display_name\n" + b"x" * 1024 * 1024,
    ],
)
def test_what_is_no_list_is_refused_as_a_whole(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(InviteesInvalid):
        read(tmp_path, content)
