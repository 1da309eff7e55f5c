"""Names of logs, and when their months end."""

from itertools import pairwise

import pytest

from alliance.errors import NoteInvalid
from alliance.tlog.logs import LogName, month_ends, month_of


def test_a_name_comes_back_from_its_line() -> None:
    for line in ("demo/audit/1/2026-11", "a/b/audit/12/2027-01"):
        assert str(LogName.parse(line)) == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "/audit/1/2026-11",
        "demo/audit/0/2026-11",
        "demo/audit/01/2026-11",
        "demo/audit/+1/2026-11",
        "demo/audit/1_0/2026-11",
        "demo/audit/١/2026-11",
        "demo/audit/" + "1" * 5000 + "/2026-11",
        "demo/log/1/2026-11",
        "demo/audit/1/2026-1",
        "demo/audit/1/2026-13",
        "demo/audit/1/2026-00",
        "demo/audit/1/0000-01",
        "demo/audit/1/２０２６-11",
        "demo/audit/1/2026-11\n",
        "demo/audit/1/2026-11/",
        "de mo/audit/1/2026-11",
        "de+mo/audit/1/2026-11",
    ],
)
def test_what_names_no_log(line: str) -> None:
    with pytest.raises(NoteInvalid):
        LogName.parse(line)


def test_later_logs_are_greater() -> None:
    names = [LogName("demo", *it) for it in ((1, "2026-11"), (1, "2026-12"), (1, "2027-01"), (2, "2026-12"))]
    assert all(one < other for one, other in pairwise(names))


@pytest.mark.parametrize("month", ["2026-11", "2026-12", "2028-02"])
def test_a_month_ends_where_the_next_begins(month: str) -> None:
    assert month_of(month_ends(month) - 1) == month
    assert month_of(month_ends(month)) > month
