"""What a benchmark reports: the file that others read, the parts it is joined of, the table, what must be reached."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.goals import GOALS, ONLINE_CALLS, SCREEN_PEAK_MEMORY
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.page import GOALS_PLACE, filled, places
from benchmarks.parts import PARTS
from benchmarks.report import Figure, Results, Section, Taken, print_goals, print_report, rounded

KEYS = ["name", "value", "unit", "rival", "rival_value", "ratio"]
SCREEN = Figure("screen", 1500.0, "rows/s", "arithmetic alone", 6000.0)


def taken(part: str, *figures: Figure, missing: tuple[str, ...] = ()) -> Taken:
    section = Section("something", "how it was taken", figures, missing)
    return Taken(part, "today", "a machine [of two cores]", "quick", (section,))


def shown(everything: list[Taken]) -> str:
    out = io.StringIO()
    print_report(Console(file=out, width=120), everything)
    return out.getvalue()


def reached(everything: list[Taken]) -> list[str]:
    """Give the lines about goals, in their order."""
    out = io.StringIO()
    print_goals(Console(file=out, width=120), GOALS, everything)
    return [line.rstrip() for line in out.getvalue().splitlines()[1:]]


def test_results_are_a_list_of_records_with_their_rivals(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    Results(path, ["bulk"]).keep(taken("bulk", SCREEN))
    (record,) = json.loads(path.read_text("utf-8"))
    assert list(record) == KEYS
    assert record == {
        "name": "screen",
        "value": 1500.0,
        "unit": "rows/s",
        "rival": "arithmetic alone",
        "rival_value": 6000.0,
        "ratio": 0.25,
    }
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["results.json", "results.parts"]


def test_a_part_replaces_its_own_figures_only_and_parts_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    other = Figure("check", 1.0, "ms", "echo", 2.0)
    again = Figure("screen", 2000.0, "rows/s", "arithmetic alone", 6000.0)
    for each in (taken("bulk", SCREEN), taken("online", other), taken("bulk", again)):
        Results(path, ["online", "bulk"]).keep(each)
    assert [(record["name"], record["value"]) for record in json.loads(path.read_text("utf-8"))] == [
        ("check", 1.0),
        ("screen", 2000.0),
    ]
    kept = Results(path, ["online", "bulk"]).all()
    assert kept == [taken("online", other), taken("bulk", again)]


def test_a_name_may_stand_twice_against_two_rivals_only(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    other = Figure("screen", 1.0, "rows/s", "echo", 2.0)
    results = Results(path, ["bulk", "online"])
    results.keep(taken("bulk", SCREEN, other))
    before = path.read_bytes()
    with pytest.raises(BenchmarkFailed, match="two figures"):
        results.keep(taken("online", SCREEN))
    assert path.read_bytes() == before
    assert [each.part for each in results.all()] == ["bulk"]


def test_parts_of_another_version_are_named(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.json", ["bulk"])
    (tmp_path / "results.parts").mkdir()
    (tmp_path / "results.parts" / "bulk.json").write_text("[]")
    with pytest.raises(BenchmarkFailed, match="another version"):
        results.all()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_what_is_no_measure_is_no_figure(value: float) -> None:
    with pytest.raises(BenchmarkFailed, match="not a figure"):
        Figure("screen", value, "s", "echo", 1.0)


def test_a_rival_of_nothing_gives_no_ratio() -> None:
    assert Figure("screen", 1.0, "s", "echo", 0.0).ratio == 0.0


def test_the_table_shows_every_figure_note_and_what_is_missing() -> None:
    figures = Figure("screen", 12345.0, "rows/s", "echo", 4.0), Figure("check", 0.0123, "ms", "echo", 1.0)
    text = shown([taken("bulk", *figures, missing=("a peer that is not here",))])
    parts = (
        "a machine [of two cores]",
        "12,345",
        "× 3,086",
        "0.01",
        "how it was taken",
        "quick",
        "a peer that is not here",
    )
    for part in parts:
        assert part in text


def test_what_must_be_reached_is_told_from_what_was_not_and_what_is_not_measured() -> None:
    told = reached(
        [
            taken(
                "online",
                Figure(ONLINE_CALLS, 400.0, "calls/s", "bare grpc.aio echo", 1000.0),
                Figure(SCREEN_PEAK_MEMORY, 100.0, "MB", "the most", 400.0),
            )
        ]
    )
    expected = {ONLINE_CALLS: "no", SCREEN_PEAK_MEMORY: "yes"}
    for goal, line in zip(GOALS, told, strict=True):
        assert line.startswith(goal.name)
        assert line.endswith(expected.get(goal.name, "not measured"))


def test_values_keep_four_significant_digits() -> None:
    assert [rounded(value) for value in (123456.7, 0.000123456, 0.0)] == [123500.0, 0.0001235, 0.0]


# -- the page --------------------------------------------------------------------------------------------------

PAGE = """before
<!-- figures: goals -->
<!-- end of figures -->
between
<!-- figures: bulk -->
what was there
<!-- end of figures -->
<!-- figures: online -->
what is kept
<!-- end of figures -->
after
"""


def test_a_page_gets_the_tables_of_what_was_measured_and_keeps_the_rest() -> None:
    part = taken("bulk", SCREEN, missing=("a peer that is not here",))
    page = filled(PAGE, GOALS, [part])
    assert "| screen | 1,500 rows/s | arithmetic alone | 6,000 rows/s | × 0.25 |" in page
    assert "Not measured: a peer that is not here" in page
    assert "what was there" not in page
    assert f"| `{ONLINE_CALLS}` |" in page
    assert page.startswith("before\n")
    assert "between" in page
    assert page.endswith("what is kept\n<!-- end of figures -->\nafter\n")
    assert filled(page, GOALS, [part]) == page


def test_a_part_without_a_place_on_the_page_is_told() -> None:
    with pytest.raises(BenchmarkFailed, match="no place for identifier"):
        filled(PAGE, GOALS, [taken("identifier", SCREEN)])


def test_the_page_of_the_documentation_has_a_place_for_every_part() -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "performance.md"
    assert sorted(places(page.read_text("utf-8"))) == sorted([GOALS_PLACE, *(part.name for part in PARTS)])
