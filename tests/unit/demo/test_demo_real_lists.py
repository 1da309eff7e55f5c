"""Real lists as the demo reads them, apart from the member's programs."""

from pathlib import Path

import pytest

from alliance.identifiers import Identifier, Kind
from alliance_server.demo.lists_run import read_contributors
from alliance_server.demo.processes import DemoFailed
from alliance_server.demo.real_lists import intersections, read_lists

HEADER = "kind,identifier,category\n"


def write(folder: Path, name: str, *rows: str) -> None:
    (folder / f"member_{name}.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")


def domain(name: str) -> Identifier:
    return Identifier(Kind.DOMAIN, name)


def test_lists_are_compared_by_canonical_form(tmp_path: Path) -> None:
    write(tmp_path, "a", "domain,Evil.example.org,phishing", "domain,only-a.net,phishing", "domain,,phishing")
    write(tmp_path, "b", "domain,evil.example.org.,phishing", '"domain","only-b.net,",phishing')
    write(tmp_path, "c_1", "domain,only-a.net,phishing", "domain,ONLY-A.net,phishing", "wallet,x,phishing")
    lists = read_lists(tmp_path)
    assert [one.member for one in lists] == ["a", "b", "c-1"]
    assert [one.claims for one in lists] == [2, 1, 1]
    assert [len(one.rows) for one in lists] == [3, 2, 3]
    assert intersections(lists) == {
        ("a", "b"): {domain("evil.example.org")},
        ("a", "c-1"): {domain("only-a.net")},
        ("b", "c-1"): frozenset(),
    }


def test_rows_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    write(tmp_path, "a", "domain,one.net,phishing", "", "domain,three.net,phishing")
    write(tmp_path, "b")
    rows = read_lists(tmp_path)[0].rows
    assert rows[3].identifier == domain("three.net")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("member_b.csv", b"identifier\nx\n", "columns"),
        ("member_b.csv", b"", "columns"),
        ("member_b.csv", HEADER.encode() + b"domain,\xff\xfe.net,phishing\n", "cannot be read"),
        ("member_B!.csv", HEADER.encode(), "must be 1 to 32"),
        ("other.csv", b"", "holds no two lists"),
    ],
)
def test_what_is_no_list_is_refused(name: str, content: bytes, fault: str, tmp_path: Path) -> None:
    write(tmp_path, "a", "domain,one.net,phishing")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DemoFailed, match=fault):
        read_lists(tmp_path)


def test_contributors_are_read_from_the_result_file(tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    out.write_text(
        '{"row": 3, "state": "match", "contributors": "a b"}\n{"row": 4, "state": "clear", "contributors": ""}\n'
    )
    assert read_contributors(out) == [(3, "a"), (3, "b")]
