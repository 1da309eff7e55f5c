"""Whatever is reported, by whom and when: told counts are whole, disjoint and unchanging, and nothing is made up."""

from collections import defaultdict
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from alliance.outcomes import LEAST_REPORTERS, LEAST_REPORTS
from alliance_server.domain.outcomes import Cell, Waiting, tellable

CELLS = [Cell(contributor, 4, outcome) for contributor in ("acme", "best") for outcome in (1, 3)]
reports = st.lists(
    st.builds(
        lambda member, cell, count: (member, cell, count),
        st.sampled_from(["first", "second", "third"]),
        st.sampled_from(CELLS),
        st.integers(1, 6),
    ),
    max_size=8,
)


@given(st.lists(reports, min_size=1, max_size=12))
def test_sums_and_differences_of_what_is_told_are_made_of_whole_counts(
    months: list[list[tuple[str, Cell, int]]],
) -> None:
    waiting: list[Waiting] = []
    blocks: dict[Cell, list[int]] = defaultdict(list)
    reported: dict[Cell, int] = defaultdict(int)
    for month, came in enumerate(months):
        for member, cell, count in came:
            waiting.append(Waiting(month, member, cell, count))
            reported[cell] += count
        told = tellable(waiting)
        for cell, count in told.items():
            mine = [it for it in waiting if it.cell == cell]
            assert count == sum(it.reports for it in mine) >= LEAST_REPORTS
            assert len({it.member_id for it in mine}) >= LEAST_REPORTERS
            blocks[cell].append(count)
        waiting = [it for it in waiting if it.cell not in told]
        for cell in reported:  # nothing is lost, and nothing is told twice
            assert sum(blocks[cell]) + sum(it.reports for it in waiting if it.cell == cell) == reported[cell]
    for counts in blocks.values():
        windows = {sum(counts[start:end]) for start, end in combinations(range(len(counts) + 1), 2)}
        assert all(it >= LEAST_REPORTS for it in windows)
